// Whether a request that failed is sent again, and when. Pure; send.ts asks after every failure, and nothing else in
// the runtime sends again what a provider did not answer.
//
// What a rate limit or an outage turns away goes back in line at the gate, which knows when to send it: that is no
// retry, and neither the bound on retries nor the run's retry budget, which are there to keep load off a provider that
// is failing, is used up by it. Where another model stands in it goes back only while that costs next to no time.

import type { AmdahlError } from '../agent/errors.ts';

/** The bounds on sending again: per turn, and over all requests of one entry into a run. Times in ms. */
export interface ResendBounds {
  /** Sendings again of one turn. */
  readonly retries: number;
  /** Sendings again that a run may always make. */
  readonly retryBudget: number;
  /** And this many more for every hundred requests. */
  readonly retryBudgetPercent: number;
  /** The longest wait that a provider may ask for. */
  readonly retryWaitMs: number;
  /** How often one turn may be turned away. */
  readonly turnedAway: number;
}

/** What a run has sent so far, and how much of that again. */
export interface Sendings {
  sent: number;
  again: number;
}

/** `turnedAway`: it goes back in line, and the gate knows when. */
export type Resend =
  | { readonly again: true; readonly waitMs: number; readonly turnedAway: boolean }
  | { readonly again: false; readonly why: string | undefined };

/** Until the first sending again at most this long; twice as long before each further one. */
const BASE_MS = 500;
const CAP_MS = 20_000;

/**
 * With another model to ask, what was refused for its rate goes back in line only where that takes less time than an answer
 * of the next would: for a short wait, and not again and again, for each refusal in a row makes the gate close for longer.
 */
export const NEXT_AFTER_MS = 2_000;
const NEXT_AFTER_TIMES = 3;

/**
 * Full jitter (Brooker, "Exponential Backoff and Jitter", 2015): a wait between 0 and base · 2ⁿ. Where the provider says
 * when to come back, the jitter comes on top of that: those who were told the same must not return in lockstep.
 * `before` counts what came of this turn so far; `down`: the provider fails for everybody; `gated`: there is a line to go back to; `begun`: some of the answer was passed on;
 * `random` is in [0, 1).
 */
export function resend(
  error: AmdahlError,
  before: { readonly again: number; readonly turnedAway: number },
  { down, hasNext, gated, begun }: { readonly down: boolean; readonly hasNext: boolean; readonly gated: boolean; readonly begun: boolean },
  sendings: Readonly<Sendings>,
  bounds: ResendBounds,
  random: number,
): Resend {
  const { retryable } = error;
  if (retryable === 'no') return { again: false, why: undefined };
  if (begun) return { again: false, why: 'its stream has begun, and a stream that has begun cannot be sent again' };
  const askedMs = retryable === 'yes' ? 0 : retryable.afterMs;
  if (askedMs > bounds.retryWaitMs)
    return { again: false, why: `it asks to wait ${askedMs} ms, longer than the limit 'retryWaitMs' (${bounds.retryWaitMs})` };
  if (down && hasNext) return { again: false, why: 'the provider is down, and another model is asked' };
  const limited = error.code === 'MODEL_RATE_LIMITED';
  if (limited && hasNext && (askedMs > NEXT_AFTER_MS || before.turnedAway >= NEXT_AFTER_TIMES))
    return { again: false, why: 'another model is asked, which takes less time' };
  if (gated && (down || limited)) {
    if (before.turnedAway < bounds.turnedAway) return { again: true, waitMs: 0, turnedAway: true };
    return { again: false, why: `it was turned away ${before.turnedAway + 1} times, and the limit 'turnedAway' is ${bounds.turnedAway}` };
  }
  if (before.again >= bounds.retries)
    return { again: false, why: before.again === 0 ? undefined : `it was sent ${before.again + 1} times` };
  const budget = bounds.retryBudget + (bounds.retryBudgetPercent / 100) * sendings.sent;
  if (sendings.again >= budget)
    return { again: false, why: `the run has sent ${sendings.again} of ${sendings.sent} requests again, and that is its retry budget` };
  return { again: true, waitMs: Math.round(askedMs + random * Math.min(CAP_MS, BASE_MS * 2 ** before.again)), turnedAway: false };
}
