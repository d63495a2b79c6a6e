// What the gate is told of a sending: to the limiter how much it took and what was said of limits, to the breaker whether
// the provider is well. Called by send.ts. Pure.

import { APICallError } from '@ai-sdk/provider';
import { announcedIn } from './announced.ts';
import type { Came } from './gate.ts';
import { retryAfterMs } from './retryAfter.ts';
import type { Failed, Sent } from './send.ts';

/** Of one that never left. */
export const NOTHING_CAME: Came = { outcome: { kind: 'ignored', unused: true, announced: {} }, heard: { kind: 'ignored' } };

/** What the gate is told. Pure but for what headers say of the time. */
export function cameOf(sent: Sent, now: number): Came {
  if (sent.ok) {
    const { tokensIn, tokensOut } = sent.usage;
    const announced = announcedIn(sent.result.response?.headers, now);
    return { outcome: { kind: 'success', tokensIn, tokensOut, announced }, heard: { kind: 'success' } };
  }
  const { code, message, retryable, cause } = sent.error;
  const headers = headersOf(cause);
  const announced = announcedIn(headers, now);
  // Until all of a limit is back, where no more was said: a gate that is refused again goes by that.
  const afterMs = typeof retryable === 'object' ? (retryAfterMs(headers, now) ?? retryable.afterMs) : undefined;
  const unused = wasUnused(sent) ? { unused: true as const } : {};
  const reached = sent.error.data['status'] !== undefined;
  const ignored: Came = { outcome: { kind: 'ignored', ...unused, announced }, heard: { kind: 'ignored' }, reached };
  switch (code) {
    case 'MODEL_RATE_LIMITED':
      return retryable === 'no' ? ignored : { outcome: { kind: 'refused', afterMs, announced }, heard: { kind: 'ignored' } };
    case 'MODEL_OVERLOADED':
      return { outcome: { kind: 'dropped', afterMs, announced }, heard: { kind: 'failure', code, message }, reached };
    case 'MODEL_TIMEOUT':
      // One may be late for reasons of its own: nobody is asked to wait for that.
      return { outcome: { kind: 'dropped', afterMs: 0, announced }, heard: { kind: 'failure', code, message }, reached };
    case 'MODEL_UNAVAILABLE':
      return { ...ignored, heard: { kind: 'failure', code, message } };
    case 'MODEL_BAD_REQUEST':
    case 'MODEL_CONTEXT_OVERFLOW':
    case 'MODEL_REFUSED':
    case 'MODEL_FILTERED':
      // It lives, and said so.
      return { ...ignored, heard: { kind: 'success' } };
    default:
      return ignored;
  }
}

/** The headers of a refusal, as the packages throw it. */
function headersOf(cause: unknown): Readonly<Record<string, string>> {
  return (APICallError.isInstance(cause) ? cause.responseHeaders : undefined) ?? {};
}

/** Whether it took none of the provider's tokens: it did not get there, or was refused before a model read it. */
function wasUnused({ unsent, usage, error: { code, data } }: Failed): boolean {
  if (unsent) return true;
  if (usage.tokensIn + usage.tokensOut > 0) return false;
  switch (code) {
    case 'MODEL_BAD_REQUEST':
    case 'MODEL_CONTEXT_OVERFLOW':
    case 'MODEL_UNAUTHORIZED':
    case 'MODEL_RATE_LIMITED':
    case 'KEY_MISSING':
      return true;
    case 'MODEL_UNAVAILABLE':
    case 'CANCELLED':
    case 'TIMEOUT':
      // It was never connected: a provider that failed may have read it first.
      return data['status'] === undefined;
    default:
      return false;
  }
}
