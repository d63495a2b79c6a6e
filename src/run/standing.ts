// Whether a run that is read waits for people: what a stream that tells it ends with. Asked by uiStream.ts through handle.ts.

import { canGoOn } from '../journal/ask.ts';
import type { RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import type { Clock } from './ports.ts';

export interface Standing {
  /** How many events it has. */
  readonly events: number;
  /** It is parked, and nobody has said anything yet with which it could go on. */
  readonly waits: boolean;
}

/** O(its asks) where it is parked. */
export async function standingOf(target: { readonly journal: Journal; readonly run: RunId; readonly clock: Clock }): Promise<Standing> {
  const { journal, run, clock } = target;
  const row = await journal.row(run);
  const { status, events = 0 } = row ?? {};
  return { events, waits: status === 'parked' && !canGoOn(await journal.asks({ run }), clock.now()) };
}
