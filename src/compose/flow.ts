// flow: an ordinary async function that asks agents. Always enough; the other combinators are flows with a name.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ContextGiven, ContextOfAll, NeedOf } from '../agent/context.ts';
import { type Agent, type AnyAgent, type Common, COMMON_OPTIONS, define } from '../agent/definition.ts';
import { contractOf, kindOf, type ParsedOf, type RawOf, text } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import { open } from '../agent/open.ts';
import { checkOptions, checkRequired, type OptionNames, titled } from '../agent/options.ts';
import type { AskOptions, Scope } from '../agent/scope.ts';
import { severalFailed } from './all.ts';

/**
 * What a flow's function is given to ask with. Anything it draws from the world goes through here, so that a resume draws the
 * same. `C` is the context that the agents it may ask need: what the flow and those it `uses` declare. `Own` is the flow's part.
 */
export interface FlowContext<C = unknown, Own = unknown> {
  /** The part of the run's context that the flow declares. Recorded nowhere: what it decides must not depend on it alone. */
  readonly context: Own;
  /**
   * Asks an agent; one that needs context is named in the flow's `uses`. Asking the same thing twice at once needs a `key`,
   * or branches.
   */
  call<I, O>(agent: Agent<I, O, string, C>, input: NoInfer<I>, options?: AskOptions): Promise<O>;
  /**
   * Runs branches at once, each an asker of its own, and gives their results in order. A failing branch does not stop
   * the others: what they finish is kept for a resume. Then it fails, with the failures in order.
   */
  all<const B extends readonly Branch<unknown, C, Own>[]>(
    branches: B,
  ): Promise<{ -readonly [K in keyof B]: B[K] extends Branch<infer T, C, Own> ? T : never }>;
  /** Runs branches at once and gives the first that succeeds; the rest are cancelled. The winner is recorded. */
  race<T>(branches: readonly Branch<T, C, Own>[]): Promise<T>;
  /** Epoch ms, recorded. */
  now(): Promise<number>;
  /** In [0, 1), recorded. */
  random(): Promise<number>;
}

export type Branch<T, C = unknown, Own = unknown> = (ctx: FlowContext<C, Own>) => Promise<T>;

type AnyBranch<T> = Branch<T, never, unknown>;

type Result<S, R> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : R;
type Given<S, R> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : R;

export interface FlowOptions<
  N extends string,
  IS,
  OS,
  R,
  CS = undefined,
  U extends readonly AnyAgent[] = readonly AnyAgent[],
> extends Common<N, IS, OS, CS> {
  readonly version?: string;
  /** Agents that the function may ask: for pictures, estimates and checks. What they need as context, the flow needs. */
  readonly uses?: U;
  readonly run: (input: ParsedOf<IS>, ctx: FlowContext<NeedOf<CS> & ContextOfAll<U[number]>, ContextGiven<CS>>) => Promise<Result<OS, R>>;
}

const OPTIONS: OptionNames<FlowOptions<string, undefined, undefined, unknown>> = {
  ...COMMON_OPTIONS,
  version: true,
  uses: true,
  run: true,
};

/**
 * A composite written by hand. Without an output schema it gives what its function gives.
 * It runs again on every resume, over recorded answers: code between the calls must not act on the world.
 */
export function flow<
  const N extends string,
  IS extends StandardSchemaV1 | undefined = undefined,
  OS extends StandardSchemaV1 | undefined = undefined,
  R = unknown,
  CS extends StandardSchemaV1 | undefined = undefined,
  U extends readonly AnyAgent[] = readonly [],
>(options: FlowOptions<N, IS, OS, R, CS, U>): Agent<RawOf<IS>, Given<OS, R>, N, NeedOf<CS> & ContextOfAll<U[number]>> {
  const who = titled('flow', options);
  checkOptions(options, OPTIONS, who);
  checkRequired(options.run, 'run', 'function', who);
  const { input, output, name, run } = options;
  return define<RawOf<IS>, Given<OS, R>, N, NeedOf<CS> & ContextOfAll<U[number]>>({
    ...options,
    kind: 'flow',
    children: options.uses ?? [],
    contracts: {
      input: input === undefined ? text : contractOf(input, `the input of the flow '${name}'`),
      output: output === undefined ? open : contractOf(output, `the output of the flow '${name}'`),
    },
    // What the contracts gave.
    behaviour: { kind: 'composite', body: async (value, scope) => await run(value as ParsedOf<IS>, contextOf(scope) as never), code: run },
  });
}

function contextOf(scope: Scope): FlowContext<never, unknown> {
  let fans = 0;
  return {
    context: scope.context,
    call: (agent, input, options) => scope.ask(agent, input, options),
    all: (branches) => {
      fans += 1;
      return quiet(runAll(scope, branches, fans === 1 ? 'all' : `all${fans - 1}`)) as never; // in order and complete, as the mapped tuple says
    },
    race: (branches) => quiet(runRace(scope, branches)),
    now: () => scope.now(),
    random: () => scope.random(),
  };
}

async function runAll(scope: Scope, branches: readonly AnyBranch<unknown>[], kind: string): Promise<readonly unknown[]> {
  checkBranches(branches, 'all');
  const settled = await scope.fan(
    kind,
    branches.length,
    { concurrency: Math.max(1, branches.length) },
    async (below, index) => await branches[index]?.(contextOf(below)),
  );
  const failed = settled.flatMap((one) => (one.ok ? [] : [one.error]));
  if (failed.length === 1) throw failed[0];
  if (failed.length > 1) throw severalFailed(branches.length, failed);
  return settled.map((one) => (one.ok ? one.value : undefined));
}

async function runRace<T>(scope: Scope, branches: readonly AnyBranch<T>[]): Promise<T> {
  checkBranches(branches, 'race');
  return await scope.race(branches.length, async (below, index) => await (branches[index] as AnyBranch<T>)(contextOf(below))); // index < length
}

/** The same promise; when nobody listens to it, its failure is the flow's affair and does not end the process. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** @throws AmdahlError MISCONFIGURED unless each can be begun in a branch of its own. Pure. */
function checkBranches(branches: unknown, method: 'all' | 'race'): void {
  const list: readonly unknown[] = Array.isArray(branches) ? branches : [];
  const at = list.findIndex((branch) => typeof branch !== 'function');
  if (Array.isArray(branches) && at === -1) return;
  const got = at === -1 ? shown(branches) : `${shown(list[at])} at ${at}`;
  throw new AmdahlError(
    'MISCONFIGURED',
    `ctx.${method} takes functions and got ${got}. Write ctx.${method}([(c) => c.call(agent, input)]).`,
  );
}

function shown(value: unknown): string {
  return value instanceof Promise ? 'a promise' : kindOf(value);
}
