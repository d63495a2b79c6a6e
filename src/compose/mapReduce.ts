// mapReduce: many items to one answer. Map as in map.ts, then one agent over all outputs, in a tree where that is wide.

import type { Budget } from '../agent/budget.ts';
import type { ContextOf } from '../agent/context.ts';
import { type Agent, type AnyAgent, assertAgent, define, type InputOf, type OutputOf } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import { open } from '../agent/open.ts';
import { checkOptions, type OptionNames, titled } from '../agent/options.ts';
import type { Hedge, Scope } from '../agent/scope.ts';
import { severalFailed } from './all.ts';
import { fanOptions, items, mapItems } from './map.ts';
import type { Misfit } from './misfit.ts';

/** `R` where it takes the list of what `M` gives; else what does not fit, for the compiler to show. */
export type Reducer<M extends AnyAgent, R extends AnyAgent> = [readonly OutputOf<M>[]] extends [InputOf<R>]
  ? R
  : OutputOf<M>[] extends InputOf<R>
    ? R
    : Misfit<`The outputs of '${M['name']}' as a list do not fit the input of '${R['name']}'.`, OutputOf<M>[], InputOf<R>>;

export interface MapReduceOptions<M extends AnyAgent, R extends AnyAgent, N extends string> {
  readonly name?: N;
  readonly map: M;
  /** Asked with the list of outputs, in the order of the items. With `fanIn` also with lists of its own outputs. */
  readonly reduce: Reducer<M, R>;
  /** Items at once. Default 10. */
  readonly concurrency?: number;
  /** The share of items (0 to 1) that must succeed. Default 1: all. The holes are in the run's `missing`. */
  readonly atLeast?: number;
  /** At most this many outputs in one question to `reduce`: wider inputs are reduced in a tree. Default: all in one. */
  readonly fanIn?: number;
  /** As of a map, for what is asked about the items: what `reduce` asks is not sent a second time. */
  readonly hedge?: Partial<Hedge>;
  readonly budget?: Budget;
  readonly timeoutMs?: number;
}

const OPTIONS: OptionNames<MapReduceOptions<AnyAgent, AnyAgent, string>> = {
  name: true,
  map: true,
  reduce: true,
  concurrency: true,
  atLeast: true,
  fanIn: true,
  hedge: true,
  budget: true,
  timeoutMs: true,
};

/** Asks `map` about every item and `reduce` about what came of them. With no output at all, `reduce` is asked with []. */
export function mapReduce<M extends AnyAgent, R extends AnyAgent, const N extends string = `mapReduce(${M['name']}, ${R['name']})`>(
  options: MapReduceOptions<M, R, N>,
): Agent<readonly InputOf<M>[], OutputOf<R>, N, ContextOf<M> & ContextOf<R>> {
  checkOptions(options, OPTIONS, titled('mapReduce', options));
  const { map: mapper, reduce: reducer }: { readonly map: unknown; readonly reduce: unknown } = options;
  assertAgent(mapper, 'mapReduce()');
  assertAgent(reducer, 'mapReduce()');
  const fan = fanOptions(options, mapper.name);
  const { fanIn } = options;
  if (fanIn !== undefined && (!Number.isInteger(fanIn) || fanIn < 2)) {
    throw new AmdahlError('MISCONFIGURED', `The mapReduce over '${mapper.name}' has fanIn: ${fanIn}. Give a whole number, 2 or more.`);
  }
  return define({
    name: options.name ?? `mapReduce(${mapper.name}, ${reducer.name})`,
    kind: 'mapReduce',
    children: [mapper, reducer],
    contracts: { input: items, output: open },
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
    behaviour: {
      kind: 'composite',
      width: (input) => (Array.isArray(input) ? input.length : 0),
      body: async (input, scope) => {
        const { done } = await mapItems(mapper, input as readonly unknown[], scope, fan); // `items` lets lists through
        return await reduceTree(
          reducer,
          done.map(({ output }) => output),
          scope,
          fanIn ?? Infinity,
          fan.concurrency,
        );
      },
    },
  });
}

/** Level by level, so that what is asked depends on the number of outputs alone and never on who was first. */
async function reduceTree(
  reducer: AnyAgent,
  outputs: readonly unknown[],
  scope: Scope,
  fanIn: number,
  concurrency: number,
): Promise<unknown> {
  let level = outputs;
  for (let depth = 0; level.length > fanIn; depth += 1) {
    const groups = Array.from({ length: Math.ceil(level.length / fanIn) }, (_, group) => level.slice(group * fanIn, (group + 1) * fanIn));
    const settled = await scope.fan(
      `reduce${depth}`,
      groups.length,
      { concurrency, stop: (failed) => failed > 0, alike: true },
      (branch, index) => branch.ask(reducer, groups[index] as never),
    ); // Reducer<M, R> says that it fits
    const failed = settled.flatMap((one) => (one.ok ? [] : [one.error]));
    if (failed.length === 1) throw failed[0];
    if (failed.length > 1) throw severalFailed(groups.length, failed);
    level = settled.flatMap((one) => (one.ok ? [one.value] : []));
  }
  return await scope.ask(reducer, level as never); // as above
}
