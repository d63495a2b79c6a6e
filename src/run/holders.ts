// What a holder cannot have below it: an act that is done at once and that nothing takes back, while what asked for it may still be
// refused. Checked before a run begins for all that is known without running it, and by the funnel for what a flow's code asks.

import type { AnyAgent } from '../agent/definition.ts';
import { holds } from '../agent/holds.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Frame } from './asker.ts';

/** @throws AmdahlError EFFECT_REFUSED for the first immediate effect without `undo` that stands below a holder. O(agents). */
export function refuseBelowHolders(root: AnyAgent): void {
  // One agent may stand below many: with a holder above it, and without.
  const seen = new Set<AnyAgent>();
  const seenHeld = new Set<AnyAgent>();
  const look = (agent: AnyAgent, path: string, holder: string | undefined): void => {
    const known = holder === undefined ? seen : seenHeld;
    if (known.has(agent)) return;
    known.add(agent);
    const act = holder === undefined ? undefined : irrevocable(agent);
    if (holder !== undefined && act !== undefined) throw refused(path, act, holder);
    const next = holder ?? (holdsActs(agent) ? path : undefined);
    for (const child of agent.children) look(child, `${path}/${child.name}`, next);
  };
  look(root, root.name, undefined);
}

/** @throws AmdahlError EFFECT_REFUSED as above, for a call that is about to be made. O(depth) where it has such an effect. */
export function refuseHeldActs(frame: Frame): void {
  const act = irrevocable(frame.agent);
  if (act === undefined) return;
  const holder = actHolderOf(frame);
  if (holder !== undefined) throw refused(frame.path, act, holder.path);
}

/** The innermost call above that may still refuse what is done at once below it; undefined where none may. O(depth). */
export function actHolderOf(frame: Frame): Frame | undefined {
  for (let { asker } = frame; asker.frame !== undefined; { asker } = asker.frame)
    if (asker.isRaced || holdsActs(asker.frame.agent)) return asker.frame;
  return undefined;
}

/** Whether all that was done at once below an agent is undone where it is refused. A model may refuse what agents among its tools do no more than any asker: what they did at once is its own experience. */
export function holdsActs(agent: AnyAgent): boolean {
  return agent.behaviour.kind !== 'model' && holds(agent);
}

/** What an agent may itself do at once and nothing takes back. O(tools). */
function irrevocable({ name, behaviour }: AnyAgent): string | undefined {
  if (behaviour.kind === 'step')
    return behaviour.effect === 'immediate' && behaviour.rules.undo === undefined ? `the step '${name}'` : undefined;
  if (behaviour.kind !== 'model' || behaviour.tools.size === 0) return undefined;
  for (const tool of behaviour.tools.values())
    if (tool.kind === 'code' && tool.effect === 'immediate' && tool.rules.undo === undefined) return `the tool '${tool.name}' of '${name}'`;
  return undefined;
}

function refused(path: string, act: string, holder: string): AmdahlError {
  return new AmdahlError(
    'EFFECT_REFUSED',
    `${act.charAt(0).toUpperCase()}${act.slice(1)} acts at once (effect: 'immediate', or a foreign tool), and '${holder}' above it may still refuse what '${path}' does. Stage it (effect: 'staged'), give it an undo, say readOnly() where it only reads, or take it out of there.`,
    { where: { call: path }, data: { holder } },
  );
}
