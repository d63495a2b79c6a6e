// What tells a program from another: which agents it is made of, how they are put together, and the text of its own code.
// Taken once per entry of a run (run/enter.ts), so that answers whose places an edit moved can be told from those of a
// program that is still the same.

import { canonical, hash } from './canonical.ts';
import type { AnyAgent } from './definition.ts';

/**
 * Hash over an agent and all below it that is known without running it. An edit is not seen in what a flow's function calls
 * or closes over, nor in agents that only its code names. Pure. O(agents + text of flows).
 */
export function programPrint(root: AnyAgent, fingerprintOf: (agent: AnyAgent) => string | undefined): string {
  const known = new Map<AnyAgent, string>();
  const print = (agent: AnyAgent): string => {
    const before = known.get(agent);
    if (before !== undefined) return before;
    const { name, kind, behaviour } = agent;
    const code = behaviour.kind === 'composite' && behaviour.code !== undefined ? String(behaviour.code) : undefined;
    const made = hash(canonical({ name, kind, fingerprint: fingerprintOf(agent), code, children: agent.children.map(print) }));
    known.set(agent, made);
    return made;
  };
  return print(root);
}
