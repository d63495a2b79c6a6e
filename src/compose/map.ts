// map: one agent asked about many items, a bounded number at a time, keeping what succeeds.

import type { Budget } from '../agent/budget.ts';
import type { ContextOf } from '../agent/context.ts';
import { type Agent, type AnyAgent, assertAgent, define, type InputOf, type OutputOf } from '../agent/definition.ts';
import { AmdahlError, asAmdahl, type ErrorRecord, recordError, sentence } from '../agent/errors.ts';
import { open } from '../agent/open.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import type { Hedge, Scope } from '../agent/scope.ts';
import { hitOf, hitsIn, nameOf } from './incidents.ts';

/** How many items are asked about at once where nothing else is said. */
const CONCURRENCY_DEFAULT = 10;
/** Dean & Barroso, "The Tail at Scale" (2013): after the 95th percentile, for about 5 % more requests. */
const HEDGE_DEFAULT: Hedge = { p: 0.95, extra: 0.05 };

export interface MapOptions<N extends string = string> {
  readonly name?: N;
  /** Items at once. Default 10. */
  readonly concurrency?: number;
  /** The share of items (0 to 1) that must succeed. Default 1: all. */
  readonly atLeast?: number;
  /**
   * Sends a model request a second time once it is later than the share `p` of those before it (0.95), for agents whose
   * tools have no effect; the first answer wins. For at most the share `extra` of all requests (1 - p, at least 0.05). It
   * holds for this map and for every map below it that says nothing. Default: never.
   */
  readonly hedge?: Partial<Hedge>;
  readonly budget?: Budget;
  readonly timeoutMs?: number;
}

export interface MapOptionsPartial<N extends string = string> extends MapOptions<N> {
  readonly atLeast: number;
}

const OPTIONS: OptionNames<MapOptions> = { name: true, concurrency: true, atLeast: true, hedge: true, budget: true, timeoutMs: true };

/** What a map gives where less than all is allowed. Indexes are those of the input. */
export interface MapResult<O> {
  readonly done: readonly { readonly index: number; readonly output: O }[];
  readonly missing: readonly { readonly index: number; readonly error: ErrorRecord }[];
}

/**
 * Asks `agent` about every item. Gives the outputs in order, or with `atLeast` what was done and what is missing.
 * Once too many have failed no further item is begun; those begun are finished and kept. Then TOO_MANY_MISSING.
 */
export function map<A extends AnyAgent, const N extends string = `map(${A['name']})`>(
  agent: A,
  options: MapOptionsPartial<N>,
): Agent<readonly InputOf<A>[], MapResult<OutputOf<A>>, N, ContextOf<A>>;
export function map<A extends AnyAgent, const N extends string = `map(${A['name']})`>(
  agent: A,
  options?: MapOptions<N> & { readonly atLeast?: undefined },
): Agent<readonly InputOf<A>[], readonly OutputOf<A>[], N, ContextOf<A>>;
export function map(agent: AnyAgent, options: MapOptions = {}): AnyAgent {
  assertAgent(agent, 'map()');
  checkOptions(options, OPTIONS, `The map over '${agent.name}'`);
  const fan = fanOptions(options, agent.name);
  return define({
    name: options.name ?? `map(${agent.name})`,
    kind: 'map',
    children: [agent],
    contracts: { input: items, output: open },
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    behaviour: {
      kind: 'composite',
      width: (input) => (Array.isArray(input) ? input.length : 0),
      body: async (input, scope) => {
        const result = await mapItems(agent, input as readonly unknown[], scope, fan);
        return options.atLeast === undefined ? result.done.map(({ output }) => output) : result;
      },
    },
  });
}

/** The input contract of maps: a list, whose items the agent's own contract judges one by one. */
export const items: typeof open = {
  ...open,
  validate: (value) =>
    Array.isArray(value) ? { ok: true, value } : { ok: false, problems: [{ path: '', message: 'expected a list of items' }] },
};

export interface Fan {
  readonly concurrency: number;
  readonly atLeast: number;
  readonly hedge: Hedge | undefined;
}

/** @throws AmdahlError MISCONFIGURED for a concurrency below 1, a share outside 0 to 1, or a hedge that makes no sense. Pure. */
export function fanOptions(
  {
    concurrency = CONCURRENCY_DEFAULT,
    atLeast = 1,
    hedge,
  }: {
    readonly concurrency?: number | undefined;
    readonly atLeast?: number | undefined;
    readonly hedge?: Partial<Hedge> | undefined;
  },
  who: string,
): Fan {
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new AmdahlError('MISCONFIGURED', `The map over '${who}' has concurrency: ${concurrency}. Give a whole number, 1 or more.`);
  if (!(atLeast >= 0 && atLeast <= 1))
    throw new AmdahlError(
      'MISCONFIGURED',
      `The map over '${who}' has atLeast: ${atLeast}. Give a share between 0 and 1: 0.9 lets one in ten fail.`,
    );
  return { concurrency, atLeast, hedge: hedge === undefined ? undefined : hedgeOf(hedge, who) };
}

/** One object for each map: its calls are counted together. */
function hedgeOf(given: Partial<Hedge>, who: string): Hedge {
  checkOptions(given, { p: true, extra: true }, `The hedge of the map over '${who}'`);
  const { p = HEDGE_DEFAULT.p } = given;
  // What is later than the p-quantile is about the share 1 - p: with less room than that a lower p helps nobody.
  const { extra = typeof p === 'number' ? Math.max(HEDGE_DEFAULT.extra, Math.round(1_000 * (1 - p)) / 1_000) : HEDGE_DEFAULT.extra } =
    given;
  const wrong = (what: string): AmdahlError => new AmdahlError('MISCONFIGURED', `The hedge of the map over '${who}' has ${what}`);
  if (!(p > 0 && p < 1))
    throw wrong(`p: ${p}. Give a share between 0 and 1: with 0.95 the slowest twentieth of its requests may be sent a second time.`);
  if (!(extra > 0 && extra <= 1))
    throw wrong(`extra: ${extra}. Give a share above 0 and at most 1: 0.05 sends at most one in twenty a second time.`);
  return Object.freeze({ p, extra });
}

/** Asks about every item within the scope of a composite, and reports holes to it. */
export async function mapItems(
  agent: AnyAgent,
  list: readonly unknown[],
  scope: Scope,
  { concurrency, atLeast, hedge }: Fan,
): Promise<MapResult<unknown>> {
  // Rounded away from what floating point adds: 0.9 of 50 is 45, not 46.
  const mayFail = list.length - Math.ceil(list.length * atLeast - 1e-9);
  const settled = await scope.fan(
    'map',
    list.length,
    { concurrency, stop: (failed) => failed > mayFail, hedge, alike: true },
    (branch, index) => branch.ask(agent, list[index] as never),
  ); // each item is held against the agent's contract
  const done = settled.flatMap((one) => (one.ok ? [{ index: one.index, output: one.value }] : []));
  const failed = settled.flatMap((one) => (one.ok ? [] : [one]));
  if (failed.length > mayFail)
    throw tooManyMissing(
      agent.name,
      list.length,
      settled.length,
      mayFail,
      failed.map((one) => one.error),
    );
  for (const one of failed) scope.missing(one.index, one.error);
  return { done, missing: failed.map(({ index, error }) => ({ index, error: recordError(asAmdahl(error, agent.name)) })) };
}

function tooManyMissing(name: string, count: number, begun: number, mayFail: number, thrown: readonly unknown[]): AmdahlError {
  const errors = thrown.map((one) => asAmdahl(one, name));
  const incidents = hitsIn(errors);
  const others = errors.filter((error) => hitOf(error) === undefined);
  const shared = incidents.map((hit) => `${hit.missing} of them fell to one incident: ${nameOf(hit)} was unavailable. `).join('');
  const which = incidents.length > 0 && others.length > 0 ? 'The first of the others' : 'The first';
  const why = sentence((others[0] ?? errors[0])?.message ?? '');
  return new AmdahlError(
    'TOO_MANY_MISSING',
    `${errors.length} of ${count} calls of '${name}' failed and at most ${mayFail} may (${begun} were begun). ${shared}${which}: ${why} What succeeded is kept: a resume asks only for the rest.`,
    {
      data: { count, begun, failed: errors.length, mayFail, ...(incidents.length === 0 ? {} : { incidents }) },
      cause: new AggregateError(thrown, 'the calls that failed'),
    },
  );
}
