// What a map that hedges has seen in one entry into a run: the same for all its calls, in whatever branch or attempt they
// are asked. Called by scope.ts when a map fans out.

import type { Hedge } from '../agent/scope.ts';
import { Hedges } from '../model/hedging.ts';
import type { Session } from './session.ts';

const known = new WeakMap<Session, Map<Hedge, Hedges>>();

/** Those of a setting; the setting is one object for each map. */
export function hedgesOf(session: Session, setting: Hedge): Hedges {
  let settings = known.get(session);
  if (settings === undefined) known.set(session, (settings = new Map<Hedge, Hedges>()));
  let hedges = settings.get(setting);
  if (hedges === undefined) settings.set(setting, (hedges = new Hedges(setting, session.clock)));
  return hedges;
}
