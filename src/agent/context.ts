// Context: what code needs of the process it runs in (a database, a tenant's client), given to a run beside its input and
// never journaled. Types that say what a composition needs, and the parts of an agent that declare it. Used by whatever
// makes agents; run/contexts.ts holds what is given against it.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Contract } from './contract.ts';
import type { Agent, AnyAgent } from './definition.ts';
import type { Tool } from './tool.ts';

/** What a run must be given for a part that declares this schema; `unknown` is nothing. */
export type NeedOf<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : unknown;
/** What the code of a part gets: what its own schema gives, after transforms and without what it did not declare. */
export type ContextGiven<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : undefined;
/** What a run of this agent must be given as `context`; `unknown` where it needs none. */
export type ContextOf<A> = A extends Agent<never, unknown, string, infer C> ? C : unknown;

type NeedOfPart<P> = P extends Tool<never, unknown, infer C> ? C : ContextOf<P>;
/** What all members of a union of agents and tools need together. */
export type ContextOfAll<P> = (P extends unknown ? (context: NeedOfPart<P>) => void : never) extends (context: infer C) => void ? C : never;

/** A part that declares a context, as people find it: "the tool 'read' of 'review'". */
export interface ContextPart {
  readonly who: string;
  readonly contract: Contract;
}

/** Agents do not change once made. */
const known = new WeakMap<AnyAgent, readonly ContextPart[]>();

/** Every part of an agent that declares a context: itself, its tools, and what stands below it. Pure. O(parts) the first time. */
export function contextParts(agent: AnyAgent): readonly ContextPart[] {
  const before = known.get(agent);
  if (before !== undefined) return before;
  const found = new Map<Contract, ContextPart>();
  for (const part of ownParts(agent)) found.set(part.contract, part);
  for (const child of agent.children) for (const part of contextParts(child)) if (!found.has(part.contract)) found.set(part.contract, part);
  const parts = [...found.values()];
  known.set(agent, parts);
  return parts;
}

function ownParts({ name, context, behaviour }: AnyAgent): readonly ContextPart[] {
  const own = context === undefined ? [] : [{ who: `'${name}'`, contract: context }];
  if (behaviour.kind !== 'model') return own;
  const tools = [...behaviour.tools.values()].flatMap((tool) =>
    tool.kind === 'code' && tool.context !== undefined ? [{ who: `the tool '${tool.name}' of '${name}'`, contract: tool.context }] : [],
  );
  return [...own, ...tools];
}
