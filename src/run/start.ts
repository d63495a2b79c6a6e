// start: a run of which one does not wait for the end. It is `run` with a handle on it.

import type { Agent, AnyAgent } from '../agent/definition.ts';
import { isAgent } from '../agent/definition.ts';
import { type AmdahlError, asAmdahl, describe } from '../agent/errors.ts';
import type { RunId } from '../journal/event.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import type { Appended } from './appended.ts';
import { type Handle, handleOn, type Outcome } from './handle.ts';
import { systemClock, systemRandom } from './ports.ts';
import { perform, type Ready } from './run.ts';
import { type OptionsFor, runId, type RunOptions } from './runOptions.ts';
import { RunError, type RunResult } from './runResult.ts';
import { tail } from './tail.ts';

/**
 * Begins a run, or goes on with one, and returns at once. Its text is journaled while it is written (`stream`), so that
 * `follow` reads it in any process. What keeps it from beginning is an outcome too: nothing here throws or rejects.
 */
export function start<I, O, N extends string = string, C = unknown>(agent: Ready<I, O, N, C>, input: NoInfer<I>): Handle<O, Appended<I>>;
export function start<I, O, N extends string = string, C = unknown>(
  agent: Agent<I, O, N, C>,
  input: NoInfer<I>,
  options: OptionsFor<C>,
): Handle<O, Appended<I>>;
export function start(root: AnyAgent, input: unknown, options: RunOptions = {}): Handle<unknown, unknown> {
  const canceller = new AbortController();
  const { clock = systemClock, random = systemRandom } = options;
  const { id, wrong } = idOf(options, random);
  const signal = options.signal === undefined ? canceller.signal : AbortSignal.any([canceller.signal, options.signal]);
  const begun = Promise.withResolvers<void>();
  const onEvent: RunOptions['onEvent'] = (event) => {
    begun.resolve();
    return options.onEvent?.(event); // its failure counts, also a later one
  };
  const running =
    wrong === undefined
      ? perform(root, input, { ...options, stream: options.stream ?? 'provisional', id, signal, onEvent }, undefined)
      : Promise.reject<undefined>(wrong);
  const outcome = running.then(
    (result): Outcome<unknown, unknown> => ({ status: 'succeeded', ...(result as RunResult<unknown, unknown>) }), // what is always wanted is performed
    (thrown: unknown): Outcome<unknown, unknown> => failed(id, thrown),
  );
  return handleOn<unknown>({
    id,
    clock,
    agent: isAgent(root) ? root : undefined,
    outcome: () => outcome,
    cancel: async (reason) => {
      canceller.abort(reason);
      await outcome;
    },
    async *entries(of) {
      // A run of this id that is not this one (another input, another owner) is not told of.
      const isBegun = await Promise.race([begun.promise.then(() => true), outcome.then(() => false)]);
      if (isBegun) yield* tail({ journal: options.journal ?? defaultJournal(), run: id, clock, over: outcome, ...of });
    },
  });
}

function idOf(options: RunOptions, random: () => number): { readonly id: RunId; readonly wrong?: AmdahlError } {
  try {
    return { id: runId(options.id, random) };
  } catch (wrong) {
    return { id: runId(undefined, random), wrong: asAmdahl(wrong, 'start') };
  }
}

function failed(id: RunId, thrown: unknown): Outcome<unknown, unknown> {
  const error = asAmdahl(thrown, describe(id));
  if (error instanceof RunError) return { status: error.status, id, error, bill: error.bill };
  return { status: error.code === 'CANCELLED' ? 'cancelled' : 'failed', id, error };
}
