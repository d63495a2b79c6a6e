// Whether anything that an agent may do acts on the world. Pure; modelRequest.ts asks before a turn is hedged.

import type { AnyAgent } from './definition.ts';

/** Agents do not change once made, and one may stand below many. */
const known = new WeakMap<AnyAgent, boolean>();

/** Whether a tool of the agent has an effect, or a tool, step or part below it. What a flow may ask is not known: it counts as one that acts. */
export function mayAct(agent: AnyAgent): boolean {
  const before = known.get(agent);
  if (before !== undefined) return before;
  const found = lookInto(agent);
  known.set(agent, found);
  return found;
}

function lookInto({ kind, behaviour, children }: AnyAgent): boolean {
  switch (behaviour.kind) {
    case 'model':
      return [...behaviour.tools.values()].some((tool) => (tool.kind === 'agent' ? mayAct(tool.agent) : tool.effect !== 'none'));
    case 'step':
      return behaviour.effect !== 'none';
    case 'human':
      return children.some(mayAct);
    case 'composite':
      return kind === 'flow' || children.some(mayAct);
  }
}
