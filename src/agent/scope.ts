// What a composite may do while it runs: the port between compose/ and run/, which implements it.

import type { Agent } from './definition.ts';

/** How a question is asked. */
export interface AskOptions {
  /** Replaces the count of equal questions in the call's identity: needed to ask the same thing twice at once. */
  readonly key?: string;
  /** The asker gives up after this long; the call fails with TIMEOUT, now and on every resume. */
  readonly timeoutMs?: number;
  /** The asker's own cancel; the call fails with CANCELLED, now and on every resume. */
  readonly signal?: AbortSignal;
}

/** One item of a fan-out when it is over. `error` is the call's failure. */
export type Settled<T> =
  | { readonly index: number; readonly ok: true; readonly value: T }
  | { readonly index: number; readonly ok: false; readonly error: unknown };

/** Which model requests are sent a second time while the first sending is on its way, and how many. */
export interface Hedge {
  /** Those that are later than this share of all; between 0 and 1. */
  readonly p: number;
  /** At most so many more requests, as a share of all; above 0, at most 1. */
  readonly extra: number;
}

export interface FanOptions {
  /** At most this many at once. */
  readonly concurrency: number;
  /** Told after each failure; true means that no further item is begun. Items begun are always finished. */
  readonly stop?: (failed: number) => boolean;
  /** All branches ask the same agents: what their prompts have in common is worth keeping at the provider. */
  readonly alike?: boolean;
  /** For every call below a branch. Default: as it is above. */
  readonly hedge?: Hedge | undefined;
}

/**
 * Asks on behalf of one asker: an attempt of a composite, or a branch of it.
 * A scope is used by one strand at a time; concurrent strands take a branch each.
 */
export interface Scope {
  /** The part of the run's context that the composite declares. */
  readonly context: unknown;
  /** Asks; the identity of the call is fixed before this returns. Rejects with the call's AmdahlError. */
  ask<I, O>(agent: Agent<I, O, string, never>, input: I, options?: AskOptions): Promise<O>;
  /** An asker of its own below this one, for one concurrent strand. */
  branch(kind: string, index: number): Scope;
  /** Runs `work` for 0 … count − 1, each in its own branch; results in order, items never begun left out. */
  fan<T>(
    kind: string,
    count: number,
    options: FanOptions,
    work: (scope: Scope, index: number) => Promise<T>,
  ): Promise<readonly Settled<T>[]>;
  /** Runs all branches and gives the first to succeed; who won is recorded and the rest are cancelled. */
  race<T>(count: number, work: (scope: Scope, index: number) => Promise<T>): Promise<T>;
  /** Says that the result of this call has a hole where `index` failed with `error`. */
  missing(index: number, error: unknown): void;
  /** The run's clock in epoch ms, recorded: a resume draws the same. */
  now(): Promise<number>;
  /** A number in [0, 1), recorded: a resume draws the same. */
  random(): Promise<number>;
}
