// flow: an ordinary async function that asks agents. Always enough; the other combinators are flows with a name.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Agent, type AnyAgent, type Common, define } from '../agent/agent.ts';
import { contractOf, type ParsedOf, type RawOf, text } from '../agent/contract.ts';
import { open } from '../agent/open.ts';
import type { AskOptions, Scope } from '../agent/scope.ts';
import { severalFailed } from './all.ts';

/** What a flow's function is given to ask with. Anything it draws from the world goes through here, so that a resume draws the same. */
export interface FlowContext {
  /** Asks an agent. Asking the same thing twice at once needs a `key`, or branches. */
  call<I, O>(agent: Agent<I, O>, input: NoInfer<I>, options?: AskOptions): Promise<O>;
  /**
   * Runs branches at once, each an asker of its own, and gives their results in order. A failing branch does not stop
   * the others: what they finish is kept for a resume. Then it fails, with the failures in order.
   */
  all<const B extends readonly Branch<unknown>[]>(
    branches: B,
  ): Promise<{ -readonly [K in keyof B]: B[K] extends Branch<infer T> ? T : never }>;
  /** Runs branches at once and gives the first that succeeds; the rest are cancelled. The winner is recorded. */
  race<T>(branches: readonly Branch<T>[]): Promise<T>;
  /** Epoch ms, recorded. */
  now(): Promise<number>;
  /** In [0, 1), recorded. */
  random(): Promise<number>;
}

export type Branch<T> = (ctx: FlowContext) => Promise<T>;

type Result<S, R> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : R;
type Given<S, R> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : R;

export interface FlowOptions<N extends string, IS, OS, R> extends Common<N, IS, OS> {
  readonly version?: string;
  /** Agents that the function may ask: for pictures, estimates and checks. */
  readonly uses?: readonly AnyAgent[];
  readonly run: (input: ParsedOf<IS>, ctx: FlowContext) => Promise<Result<OS, R>>;
}

/**
 * A composite written by hand. Without an output schema it gives what its function gives.
 * It runs again on every resume, over recorded answers: code between the calls must not act on the world.
 */
export function flow<
  const N extends string,
  IS extends StandardSchemaV1 | undefined = undefined,
  OS extends StandardSchemaV1 | undefined = undefined,
  R = unknown,
>(options: FlowOptions<N, IS, OS, R>): Agent<RawOf<IS>, Given<OS, R>, N> {
  const { input, output, name, run } = options;
  return define<RawOf<IS>, Given<OS, R>, N>({
    ...options,
    kind: 'flow',
    children: options.uses ?? [],
    contracts: {
      input: input === undefined ? text : contractOf(input, `the input of the flow '${name}'`),
      output: output === undefined ? open : contractOf(output, `the output of the flow '${name}'`),
    },
    behaviour: { kind: 'composite', body: async (value, scope) => await run(value as ParsedOf<IS>, contextOf(scope)) }, // what the input contract gave
  });
}

function contextOf(scope: Scope): FlowContext {
  let fans = 0;
  return {
    call: (agent, input, options) => scope.ask(agent, input, options),
    all: async (branches) => {
      const kind = fans === 0 ? 'all' : `all${fans}`;
      fans += 1;
      const settled = await scope.fan(
        kind,
        branches.length,
        { concurrency: Math.max(1, branches.length) },
        async (below, index) => await branches[index]?.(contextOf(below)),
      );
      const failed = settled.flatMap((one) => (one.ok ? [] : [one.error]));
      if (failed.length === 1) throw failed[0];
      if (failed.length > 1) throw severalFailed(branches.length, failed);
      return settled.map((one) => (one.ok ? one.value : undefined)) as never; // in order and complete, as the mapped tuple says
    },
    race: async <T>(branches: readonly Branch<T>[]) =>
      await scope.race(branches.length, async (below, index) => await (branches[index] as Branch<T>)(contextOf(below))), // index < length
    now: () => scope.now(),
    random: () => scope.random(),
  };
}
