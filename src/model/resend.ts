// Whether a request that failed is sent again, and when. Pure; the gate asks after every failure, and nothing else in
// the runtime sends again what a provider did not answer.

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
}

/** What a run has sent so far, and how much of that again. */
export interface Sendings {
  sent: number;
  again: number;
}

export type Resend = { readonly again: true; readonly waitMs: number } | { readonly again: false; readonly why: string | undefined };

/** Until the first sending again at most this long; twice as long before each further one. */
const BASE_MS = 500;
const CAP_MS = 20_000;

/**
 * Full jitter (Brooker, "Exponential Backoff and Jitter", 2015): a wait between 0 and base · 2ⁿ. Where the provider says
 * when to come back, the jitter comes on top of that: those who were told the same must not return in lockstep.
 * `before` counts the sendings again so far of this turn; `random` is in [0, 1).
 */
export function resend(error: AmdahlError, before: number, sendings: Readonly<Sendings>, bounds: ResendBounds, random: number): Resend {
  const { retryable } = error;
  if (retryable === 'no') return { again: false, why: undefined };
  const askedMs = retryable === 'yes' ? 0 : retryable.afterMs;
  if (askedMs > bounds.retryWaitMs)
    return { again: false, why: `it asks to wait ${askedMs} ms, longer than the limit 'retryWaitMs' (${bounds.retryWaitMs})` };
  if (before >= bounds.retries) return { again: false, why: before === 0 ? undefined : `it was sent ${before + 1} times` };
  const budget = bounds.retryBudget + (bounds.retryBudgetPercent / 100) * sendings.sent;
  if (sendings.again >= budget)
    return { again: false, why: `the run has sent ${sendings.again} of ${sendings.sent} requests again, and that is its retry budget` };
  return { again: true, waitMs: Math.round(askedMs + random * Math.min(CAP_MS, BASE_MS * 2 ** before)) };
}
