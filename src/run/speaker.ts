// Which agent speaks for a run where nobody says so. Called by enter.ts, which records it, and by handle.ts.

import type { AnyAgent } from '../agent/definition.ts';

/** The agent whose answer is the root's: the root itself, or the last stage of a pipe. Undefined for what puts answers together. */
export function speakerOf(agent: AnyAgent): AnyAgent | undefined {
  if (agent.kind === 'model') return agent;
  const last = agent.children.at(-1);
  return agent.kind === 'pipe' && last !== undefined ? speakerOf(last) : undefined;
}
