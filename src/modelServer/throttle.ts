// Rate limits as providers keep them: one token bucket for requests and one for tokens. Pure; server.ts asks before
// it answers, and says what came of it in the headers of each protocol.

import type { Protocol } from './wire.ts';

/** Which headers tell of the limits: what is left on every answer, when to come again on a refusal, or nothing. */
export type LimitHeaders = 'announced' | 'retryAfter' | 'retryAfterMs' | 'bare';

export interface Throttle {
  readonly requestsPerMinute?: number;
  /** Input tokens count when a request is let in, output tokens when it is answered. */
  readonly tokensPerMinute?: number;
  /** Requests that may come at once after a pause; without it a minute's worth. */
  readonly burstRequests?: number;
  /** Tokens that may come at once after a pause; without it a minute's worth. */
  readonly burstTokens?: number;
  /** 'announced': `x-ratelimit-*` or `anthropic-ratelimit-*` on every answer. 'retryAfter' and 'retryAfterMs': those headers on 429. Without it all three. */
  readonly headers?: LimitHeaders | readonly LimitHeaders[];
}

/** What a bucket holds: `level` at the time `at`, filled by `perMs` up to `size`. In debt its level is below 0. */
export interface Bucket {
  readonly size: number;
  readonly perMs: number;
  readonly level: number;
  readonly at: number;
}

/** A full bucket. Pure. */
export function fullBucket(perMinute: number, size: number, now: number): Bucket {
  return { size, perMs: perMinute / 60_000, level: size, at: now };
}

/** The bucket as it is now; a clock that goes back fills nothing. Pure. */
export function filled(bucket: Bucket, now: number): Bucket {
  const passedMs = Math.max(0, now - bucket.at);
  return { ...bucket, level: Math.min(bucket.size, bucket.level + passedMs * bucket.perMs), at: Math.max(now, bucket.at) };
}

/** Milliseconds until it holds `level`; Infinity where it never will. Pure. */
export function msUntil(bucket: Bucket, level: number): number {
  if (level > bucket.size) return Infinity;
  return level <= bucket.level ? 0 : Math.ceil((level - bucket.level) / bucket.perMs);
}

/** What is taken without asking: output tokens, known only afterwards. It may leave a debt. Pure. */
export function charged(bucket: Bucket, amount: number): Bucket {
  return { ...bucket, level: bucket.level - amount };
}

export interface Buckets {
  readonly requests?: Bucket;
  readonly tokens?: Bucket;
}

/** Full buckets. Pure. */
export function openBuckets({ requestsPerMinute, tokensPerMinute, burstRequests, burstTokens }: Throttle, now: number): Buckets {
  return {
    ...(requestsPerMinute !== undefined && { requests: fullBucket(requestsPerMinute, burstRequests ?? requestsPerMinute, now) }),
    ...(tokensPerMinute !== undefined && { tokens: fullBucket(tokensPerMinute, burstTokens ?? tokensPerMinute, now) }),
  };
}

/** What came of asking: the buckets afterwards, and where it was refused, which of them and for how long (Infinity: for ever). */
export interface Admission {
  readonly buckets: Buckets;
  readonly refused?: { readonly by: 'requests' | 'tokens'; readonly waitMs: number };
}

/** Lets a request in, or takes nothing. Pure. */
export function admit(before: Buckets, tokens: number, now: number): Admission {
  const buckets = refilled(before, now);
  const requestsMs = buckets.requests === undefined ? 0 : msUntil(buckets.requests, 1);
  const tokensMs = buckets.tokens === undefined ? 0 : msUntil(buckets.tokens, tokens);
  if (requestsMs > 0 || tokensMs > 0) {
    const by = tokensMs > requestsMs ? 'tokens' : 'requests';
    return { buckets, refused: { by, waitMs: Math.max(requestsMs, tokensMs) } };
  }
  return {
    buckets: {
      ...(buckets.requests !== undefined && { requests: charged(buckets.requests, 1) }),
      ...(buckets.tokens !== undefined && { tokens: charged(buckets.tokens, tokens) }),
    },
  };
}

/** After an answer: its tokens are taken whether they are there or not. Pure. */
export function settle(buckets: Buckets, tokensOut: number, now: number): Buckets {
  if (buckets.tokens === undefined) return buckets;
  return { ...buckets, tokens: charged(filled(buckets.tokens, now), tokensOut) };
}

function refilled({ requests, tokens }: Buckets, now: number): Buckets {
  return {
    ...(requests !== undefined && { requests: filled(requests, now) }),
    ...(tokens !== undefined && { tokens: filled(tokens, now) }),
  };
}

/** The headers of an answer: what `headers` of the throttle asks for, in the words of the protocol. Pure. */
export function limitHeaders(
  { headers = ['announced', 'retryAfter', 'retryAfterMs'] }: Throttle,
  protocol: Protocol,
  { buckets, refused }: Admission,
): Record<string, string> {
  const styles = new Set(typeof headers === 'string' ? [headers] : headers);
  const told: Record<string, string> = {};
  if (styles.has('announced')) {
    for (const kind of ['requests', 'tokens'] as const) {
      const bucket = buckets[kind];
      if (bucket !== undefined)
        Object.assign(told, protocol === 'anthropic.messages' ? anthropicHeaders(kind, bucket) : openaiHeaders(kind, bucket));
    }
  }
  if (refused === undefined || refused.waitMs === Infinity) return told;
  if (styles.has('retryAfter')) told['retry-after'] = String(Math.ceil(refused.waitMs / 1_000));
  if (styles.has('retryAfterMs')) told['retry-after-ms'] = String(refused.waitMs);
  return told;
}

/** https://platform.openai.com/docs/guides/rate-limits: limit, what is left, and the time until nothing is used. */
function openaiHeaders(kind: string, bucket: Bucket): Record<string, string> {
  return {
    [`x-ratelimit-limit-${kind}`]: String(Math.round(bucket.perMs * 60_000)),
    [`x-ratelimit-remaining-${kind}`]: String(leftIn(bucket)),
    [`x-ratelimit-reset-${kind}`]: durationText(msUntil(bucket, bucket.size)),
  };
}

/** https://docs.anthropic.com/en/api/rate-limits: the same, but the time is a moment. */
function anthropicHeaders(kind: string, bucket: Bucket): Record<string, string> {
  return {
    [`anthropic-ratelimit-${kind}-limit`]: String(Math.round(bucket.perMs * 60_000)),
    [`anthropic-ratelimit-${kind}-remaining`]: String(leftIn(bucket)),
    [`anthropic-ratelimit-${kind}-reset`]: momentText(bucket.at + msUntil(bucket, bucket.size)),
  };
}

function leftIn({ level }: Bucket): number {
  return Math.max(0, Math.floor(level));
}

/** 120ms, 1.5s, 6m0s: as Go writes durations, and OpenAI with it. Pure. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${ms}ms`;
  const seconds = (ms % 60_000) / 1_000;
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return `${seconds}s`;
  return minutes < 60 ? `${minutes}m${seconds}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}s`;
}

/** RFC 3339 in whole seconds, up: who comes then is not too early. */
function momentText(ms: number): string {
  // oxlint-disable-next-line no-restricted-globals -- a given moment as text: no clock is read
  return new Date(Math.ceil(ms / 1_000) * 1_000).toISOString().replace('.000Z', 'Z');
}
