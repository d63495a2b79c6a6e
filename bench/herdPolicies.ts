// How others keep a herd apart: policies of sending again, each as its source has it. Every policy is made anew for a
// world, because some are shared by all who ask in it. Called by the benches of herds, their plots and their tests.

import { APICallError, type LanguageModelV4 } from '@ai-sdk/provider';
import type { HerdWorld } from './herdWorld.ts';

/** Whether an item was answered in the end. */
export type Policy = (world: HerdWorld, model: LanguageModelV4) => (item: string) => Promise<boolean>;

/** The wait before the next sending, in ms; undefined gives up. `before` counts sendings again, `lastMs` is the wait before this one. */
type Wait = (before: number, lastMs: number, random: () => number, refusal: APICallError) => number | undefined;

/** After a refusal, waits as `wait` says and sends again; each agent for itself. */
function waiting(wait: Wait): Policy {
  return ({ clock, random }, model) =>
    async (item) => {
      let lastMs = 0;
      for (let before = 0; ; before += 1) {
        const refusal = await sendOnce(model, item);
        if (refusal === undefined) return true;
        const ms = wait(before, lastMs, random, refusal);
        if (ms === undefined) return false;
        lastMs = ms;
        await clock.sleep(ms);
      }
    };
}

/** Sends again after the same time, again and again. */
export function every(ms: number): Policy {
  return waiting(() => ms);
}

/** Full jitter: between 0 and min(cap, base · 2ⁿ), for ever (Brooker, "Exponential Backoff and Jitter", 2015). */
export function fullJitter(baseMs: number, capMs: number): Policy {
  return waiting((before, _lastMs, random) => random() * Math.min(capMs, baseMs * 2 ** before));
}

/** Decorrelated jitter: min(cap, between base and three times the wait before), for ever (Brooker, 2015). */
export function decorrelatedJitter(baseMs: number, capMs: number): Policy {
  return waiting((_before, lastMs, random) => Math.min(capMs, baseMs + random() * (3 * Math.max(baseMs, lastMs) - baseMs)));
}

/**
 * Full jitter behind an adaptive throttle that all share (Site Reliability Engineering, 2016, "Handling Overload"): a
 * request is not sent at all with probability max(0, (requests − K · accepts) / (requests + 1)). Requests count before
 * they are sent, accepts when they are let in; the window of two minutes is longer than these runs. What was not sent
 * counts as a try and waits `heldMs`.
 */
export function throttledJitter(baseMs: number, capMs: number, k: number, heldMs: number): Policy {
  return ({ clock, random, provider }, model) => {
    let requests = 0;
    return async (item) => {
      for (let before = 0; ; before += 1) {
        requests += 1;
        const sent = random() >= Math.max(0, (requests - k * provider.count('accepted')) / (requests + 1));
        if (sent && (await sendOnce(model, item)) === undefined) return true;
        await clock.sleep(sent ? random() * Math.min(capMs, baseMs * 2 ** before) : heldMs);
      }
    };
  };
}

/** One AIMD limit of requests in flight: where it begins, the least it may be, what a refusal multiplies it by. */
export interface SharedLimit {
  readonly start: number;
  readonly least: number;
  readonly ratio: number;
  /** What was refused comes back after at most so long, drawn evenly. */
  readonly backMs: number;
}

/**
 * One limit that all share, with a line before it: an answer widens it by 1/limit while at least half of it is used, a
 * refusal multiplies it (after AIMDLimit of Netflix's concurrency-limits, which adds a whole one per answer).
 */
export function sharedAimd({ start, least, ratio, backMs }: SharedLimit): Policy {
  return ({ clock, random }, model) => {
    const line: (() => void)[] = [];
    let limit = start;
    let inFlight = 0;
    const pump = (): void => {
      while (inFlight < Math.floor(limit) && line.length > 0) {
        inFlight += 1;
        line.shift()?.();
      }
    };
    const enter = (): Promise<void> =>
      new Promise((resolve) => {
        line.push(resolve);
        pump();
      });
    return async (item) => {
      for (;;) {
        await enter();
        const refusal = await sendOnce(model, item);
        if (refusal === undefined && 2 * inFlight >= limit) limit += 1 / limit;
        if (refusal !== undefined) limit = Math.max(least, limit * ratio);
        inFlight -= 1;
        pump();
        if (refusal === undefined) return true;
        await clock.sleep(random() * backMs);
      }
    };
  };
}

const GENERATE_TEXT_FIRST_MS = 2_000;
const GENERATE_TEXT_ASKED_MS_MAX = 60_000;

/**
 * A model of what `generateText` of `ai` 7 does, which has timers of its own and so cannot live in virtual time: at most
 * `maxRetries` sendings again, after 2 s and twice as long each time, without jitter, or when `retry-after-ms` or
 * `retry-after` say, if that is within a minute (retryWithExponentialBackoffRespectingRetryHeaders).
 */
export function likeGenerateText(maxRetries: number): Policy {
  return waiting((before, _lastMs, _random, refusal) => {
    if (before >= maxRetries || !refusal.isRetryable) return undefined;
    const backOffMs = GENERATE_TEXT_FIRST_MS * 2 ** before;
    const askedMs = askedMsOf(refusal.responseHeaders ?? {});
    return askedMs !== undefined && askedMs >= 0 && (askedMs < GENERATE_TEXT_ASKED_MS_MAX || askedMs < backOffMs) ? askedMs : backOffMs;
  });
}

function askedMsOf(headers: Readonly<Record<string, string>>): number | undefined {
  const precise = Number.parseFloat(headers['retry-after-ms'] ?? '');
  if (!Number.isNaN(precise)) return precise;
  const seconds = Number.parseFloat(headers['retry-after'] ?? '');
  return Number.isNaN(seconds) ? undefined : seconds * 1_000;
}

/** Sends an item once, and gives the refusal where there was one. */
async function sendOnce(model: LanguageModelV4, item: string): Promise<APICallError | undefined> {
  try {
    await model.doGenerate({ prompt: [{ role: 'user', content: [{ type: 'text', text: item }] }] });
    return undefined;
  } catch (error) {
    if (APICallError.isInstance(error)) return error;
    throw error;
  }
}
