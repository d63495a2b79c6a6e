// start: a run of which one does not wait for the end. It is `run` with a handle on it.

import type { Agent, AnyAgent } from '../agent/definition.ts';
import { isAgent } from '../agent/definition.ts';
import { AmdahlError, asAmdahl, describe } from '../agent/errors.ts';
import type { RunId } from '../journal/event.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import type { Appended } from './appended.ts';
import { outcomeOf } from './follow.ts';
import { type Handle, handleOn, type Outcome } from './handle.ts';
import { type Clock, systemClock, systemRandom } from './ports.ts';
import { perform, type Ready } from './run.ts';
import { type OptionsFor, runId, type RunOptions } from './runOptions.ts';
import { RunError, type RunResult } from './runResult.ts';
import { standingOf } from './standing.ts';
import { tail } from './tail.ts';

/**
 * Begins a run, or goes on with one, and returns at once. Its text is journaled while it is written (`stream`), so that
 * `follow` reads it in any process. Where somebody else works on that very run, the handle is on what they do, and the run goes
 * on here if they are gone before its end; one that somebody takes over is followed. What keeps it from beginning is an outcome
 * too: nothing here throws or rejects.
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
  const entry = new Entry(root, input, { ...options, stream: options.stream ?? 'provisional', id, clock, signal });
  const outcome = wrong === undefined ? entry.drive() : Promise.resolve(failed(id, wrong));
  return handleOn<unknown>({
    id,
    clock,
    agent: isAgent(root) ? root : undefined,
    standing: () => standingOf({ journal: options.journal ?? defaultJournal(), run: id, clock }),
    outcome: () => outcome,
    cancel: async (reason) => {
      canceller.abort(reason);
      await outcome;
    },
    async *entries(of) {
      // A run of this id that is not this one (of another input, of another agent) is not told of.
      const isBegun = await Promise.race([entry.begun.promise.then(() => true), outcome.then(() => false)]);
      if (!isBegun) return;
      const journal = options.journal ?? defaultJournal();
      yield* tail({ journal, run: id, clock, over: outcome, elsewhere: entry.elsewhere.promise, ...of });
    },
  });
}

type Entering = RunOptions & { readonly id: RunId; readonly clock: Clock; readonly signal: AbortSignal };

/** How often it is looked whether a run has begun that somebody else has just claimed. */
const BEGINS_MS = 20;

/** Drives a run; where somebody else does, waits for what comes of that. */
class Entry {
  /** Resolves once what the journal has under the id is this run. */
  readonly begun: PromiseWithResolvers<void> = Promise.withResolvers();
  /** Resolves once somebody else drives it. */
  readonly elsewhere: PromiseWithResolvers<void> = Promise.withResolvers();
  readonly #root: AnyAgent;
  readonly #input: unknown;
  readonly #options: Entering;

  constructor(root: AnyAgent, input: unknown, options: Entering) {
    this.#root = root;
    this.#input = input;
    const onEvent: RunOptions['onEvent'] = (event) => {
      this.begun.resolve();
      return options.onEvent?.(event); // its failure counts, also a later one
    };
    this.#options = { ...options, onEvent };
  }

  /** Never rejects. */
  async drive(): Promise<Outcome<unknown, unknown>> {
    const { id, clock } = this.#options;
    for (;;) {
      let isSame = false;
      try {
        const result = await perform(this.#root, this.#input, this.#options, { onElsewhere: () => (isSame = true) });
        return { status: 'succeeded', ...(result as RunResult<unknown, unknown>) }; // what is always wanted is performed
      } catch (thrown) {
        const { code } = asAmdahl(thrown, describe(id));
        // Taken over while this process was silent: it is not taken back.
        if (thrown instanceof RunError && code === 'RUN_LOST') return await this.#wait(undefined);
        if (thrown instanceof RunError || code !== 'RUN_OWNED') return failed(id, thrown);
      }
      if (!isSame) {
        await new Promise<void>((resolve) => clock.after(BEGINS_MS, resolve, true));
        continue;
      }
      const outcome = await this.#wait(0);
      if (outcome.status !== 'failed' || outcome.error.code !== 'RUN_ABANDONED') return outcome;
    }
  }

  /** How it ended for its owner. */
  async #wait(ownerlessMs: number | undefined): Promise<Outcome<unknown, unknown>> {
    const { id, clock, signal, journal = defaultJournal() } = this.#options;
    this.elsewhere.resolve();
    this.begun.resolve();
    const cancel = (): void => void journal.cancel(id, { reason: describe(signal.reason) }).catch(() => {}); // the tail hears of it too
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    const outcome = await outcomeOf<unknown>({ journal, run: id, clock, ownerlessMs, drives: true }, this.#root);
    signal.removeEventListener('abort', cancel);
    return outcome;
  }
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
  if (error instanceof RunError) {
    const { status, bill, asks } = error;
    return status === 'parked' ? { status, id, error, bill, asks } : { status, id, error, bill };
  }
  return { status: error.code === 'CANCELLED' ? 'cancelled' : 'failed', id, error };
}
