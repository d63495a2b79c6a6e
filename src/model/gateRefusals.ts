// What a gate says to those who wait in vain. Called by gate.ts, which decides who does. Pure.

import { AmdahlError } from '../agent/errors.ts';
import type { Incident } from './gateView.ts';

/** @returns LIMIT_EXCEEDED: too many stand in line already. */
export function tooMany(gate: string, queue: number): AmdahlError {
  const message = `Too many requests wait at the gate of ${gate}: the limit 'queue' is ${queue}. Lower the concurrency or raise limits.queue.`;
  return new AmdahlError('LIMIT_EXCEEDED', message, { data: { limit: 'queue', bound: queue, gate } });
}

/** @returns TIMEOUT: its call ends before it could go. Times in ms. */
export function tooLate(gate: string, waitMs: number, inLine: number, leftMs: number): AmdahlError {
  return new AmdahlError(
    'TIMEOUT',
    `The request to ${gate} cannot be served in its time: it would wait for at least ${seconds(waitMs)} at the gate (${inLine} in line), and its call ends in ${seconds(leftMs)}. Give it more time, lower the concurrency, or raise the account's limits.`,
    { data: { gate, waitMs: Math.ceil(waitMs), leftMs: Math.ceil(leftMs) } },
  );
}

/** @returns MODEL_UNAVAILABLE: the provider has been down for `forMs`, and `why` says why it is not waited for any longer. */
export function down({ id, gate, failures, message }: Incident, forMs: number, why: string): AmdahlError {
  return new AmdahlError(
    'MODEL_UNAVAILABLE',
    `The provider of ${gate} has been failing for everybody for ${seconds(forMs)} (${failures} requests). ${why}The first failure: ${message}`,
    { data: { model: gate, incident: id } },
  );
}

/** @returns MODEL_RATE_LIMITED: the provider asks for a longer wait than anybody makes. */
export function pausedTooLong(gate: string, ms: number, retryWaitMs: number): AmdahlError {
  return new AmdahlError(
    'MODEL_RATE_LIMITED',
    `The gate of ${gate} is closed for ${seconds(ms)}, as the provider asked, and that is longer than the limit 'retryWaitMs' (${retryWaitMs}). Send less, wait, or raise limits.retryWaitMs.`,
    { retryable: { afterMs: Math.ceil(ms) }, data: { model: gate } },
  );
}

/** @returns MODEL_RATE_LIMITED: it is closed for a while, and another model can be asked at once. */
export function leftToNext(gate: string, ms: number): AmdahlError {
  return new AmdahlError(
    'MODEL_RATE_LIMITED',
    `The gate of ${gate} is closed for ${seconds(ms)} by a rate limit; the next model is asked.`,
    {
      retryable: { afterMs: Math.ceil(ms) },
      data: { model: gate },
    },
  );
}

/** @returns MODEL_RATE_LIMITED: so many in a row were refused, and closing for longer and longer did not help. */
export function refusedAll(gate: string, inRow: number, ms: number): AmdahlError {
  return new AmdahlError(
    'MODEL_RATE_LIMITED',
    `The provider of ${gate} refused whatever was sent for its rate, ${inRow} times in a row, each after a pause. Look at the account's limits and at what else uses them, or raise limits.turnedAway.`,
    { retryable: { afterMs: Math.ceil(ms) }, data: { model: gate, inRow } },
  );
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
