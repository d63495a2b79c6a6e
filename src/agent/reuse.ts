// Whether answers of an agent may be used elsewhere than where they were bought: what a program says of it, and what can
// never be. Checked when an agent is made; run/reuse.ts goes by it.

import { kindOf } from './contract.ts';
import type { AnyAgent } from './definition.ts';
import { mayAct } from './effectful.ts';
import { AmdahlError } from './errors.ts';
import { checkOptions } from './options.ts';

/**
 * 'journal': a successful answer that any run in the same scope bought is used where agent, fingerprint and input are equal;
 * `maxAgeMs` bounds its age. 'off': answers are used at their own place alone.
 */
export type Reuse = 'journal' | 'off' | { readonly from: 'journal'; readonly maxAgeMs?: number };

/** What is said, in one form. */
export interface ReuseRule {
  readonly from: 'journal' | 'off';
  readonly maxAgeMs: number;
}

/** @throws AmdahlError MISCONFIGURED unless it is one of the choices. Pure. */
export function reuseRule(given: Reuse, who: string): ReuseRule {
  if (given === 'journal' || given === 'off') return { from: given, maxAgeMs: Infinity };
  if (typeof given !== 'object' || given === null)
    throw new AmdahlError(
      'MISCONFIGURED',
      `${who} has reuse: ${typeof given === 'string' ? JSON.stringify(given) : kindOf(given)}. Say 'journal', { from: 'journal', maxAgeMs: … } or 'off'.`,
    );
  checkOptions(given, { from: true, maxAgeMs: true }, `The reuse of ${who}`);
  const { from, maxAgeMs = Infinity } = given;
  if (from !== 'journal')
    throw new AmdahlError('MISCONFIGURED', `The reuse of ${who} has from: ${JSON.stringify(from)}. There is only 'journal'.`);
  if (!(maxAgeMs > 0)) throw new AmdahlError('MISCONFIGURED', `The reuse of ${who} has maxAgeMs: ${maxAgeMs}. Give milliseconds above 0.`);
  return { from, maxAgeMs };
}

/** Why an answer of this agent can never be used elsewhere; undefined where it can. Pure. O(parts) the first time. */
export function unrepeatable(agent: AnyAgent): string | undefined {
  if (agent.behaviour.kind === 'composite') return 'it asks others, whose answers are used instead';
  if (agent.kind === 'human') return 'a person gives it';
  if (mayAct(agent)) return 'it may act on the world';
  if (agent.behaviour.kind === 'step' && agent.version === undefined) return 'its code has no version';
  return undefined;
}

/** @throws AmdahlError MISCONFIGURED for an agent that says 'journal' and whose answers can never be used elsewhere. Pure. */
export function refuseReuse(agent: AnyAgent): void {
  if (agent.reuse?.from !== 'journal') return;
  const why = unrepeatable(agent);
  if (why === undefined) return;
  const remedy = why === 'its code has no version' ? "Give it one (version: '1') and change it with the code" : 'Leave reuse out';
  throw new AmdahlError(
    'MISCONFIGURED',
    `'${agent.name}' has reuse: 'journal', but ${why}, so its answers are never used elsewhere. ${remedy}.`,
  );
}

/** Whether an answer depends on nothing but what the agent is asked: no code that may read the world, no context. Pure. */
export function isSelfContained(agent: AnyAgent): boolean {
  const { behaviour } = agent;
  if (behaviour.kind !== 'model' || agent.context !== undefined) return false;
  return [...behaviour.tools.values()].every((tool) => tool.kind === 'agent' && isSelfContained(tool.agent));
}
