// When a provider says it will take requests again, read from the headers of its answer or from its words. Called by
// failure.ts for every failure that may pass, and by came.ts for what the gate is told. Nothing here waits: the gate does,
// and decides how long is too long.

/** Nobody waits longer for a request, whatever a provider asks. */
const AFTER_MS_MAX = 24 * 3_600_000;

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Milliseconds from `now` (epoch ms) until the provider takes requests again; nothing where the headers do not say, or
 * say nonsense. `retry-after-ms` goes before `retry-after`; the limits' own resets count only where neither is there
 * and nothing remains. They say when a limit is full again; with `tokensIn`, and where the limit itself is told, it is
 * until a request of so many tokens fits: what is back after a day in all comes back bit by bit. Where that is wrong the
 * next refusal shows it. Header names in any case. Pure.
 *
 * Formats: retry-after of RFC 9110 §10.2.3 (fractions too), x-ratelimit-reset-* as durations (OpenAI, Groq),
 * anthropic-ratelimit-*-reset as RFC 3339.
 */
export function retryAfterMs(headers: Readonly<Record<string, string | undefined>>, now: number, tokensIn?: number): number | undefined {
  const named = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) if (typeof value === 'string') named.set(name.toLowerCase(), value.trim());
  const asked = [numberMs(named.get('retry-after-ms'), 1), retryAfter(named.get('retry-after'), now)];
  for (const ms of asked) if (ms !== undefined) return ms;
  let longest: number | undefined;
  for (const [name, value] of named) {
    const ms = resetMs(name, value, named, now, tokensIn);
    if (ms !== undefined) longest = Math.max(longest ?? 0, ms);
  }
  return longest;
}

/** The same, from words such as `Please try again in 1m2.5s` or `Please retry in 34.07s`. Pure. */
export function retryAfterWords(words: string): number | undefined {
  const [, found] = /\b(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s?(?:ms|[smhd])(?![a-z])\s?)+)/i.exec(words) ?? [];
  return found === undefined ? undefined : durationMs(found.replace(/\s/g, ''));
}

/** A duration such as `6m0s`, `20ms`, `34.07s`; nothing for any other text. Pure. */
export function durationMs(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:ms|[smhd]))+$/i.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit = ''] of text.toLowerCase().matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)) sum += Number(amount) * (MS[unit] ?? 0);
  return sane(sum);
}

function retryAfter(value: string | undefined, now: number): number | undefined {
  return numberMs(value, 1000) ?? dateMs(value, now);
}

/** When a limit of which nothing remains is full again, or as much of it as is needed. */
function resetMs(name: string, value: string, named: ReadonlyMap<string, string>, now: number, tokensIn?: number): number | undefined {
  const [, openai] = /^x-ratelimit-reset-(requests|tokens)$/.exec(name) ?? [];
  const [, anthropic] = /^(anthropic-ratelimit-[a-z-]+)-reset$/.exec(name) ?? [];
  const limitAs = (kind: string): string | undefined =>
    named.get(openai === undefined ? `${anthropic}-${kind}` : `x-ratelimit-${kind}-${openai}`);
  if ((openai ?? anthropic) === undefined || !isZero(limitAs('remaining'))) return undefined;
  const fullMs = openai === undefined ? dateMs(value, now) : durationMs(value);
  const limit = limitAs('limit') ?? '';
  if (fullMs === undefined || tokensIn === undefined || !/^[1-9]\d{0,12}$/.test(limit)) return fullMs;
  const needed = name.includes('requests') ? 1 : tokensIn;
  return Math.min(fullMs, wholeMs((fullMs * needed) / Number(limit)));
}

function isZero(text: string | undefined): boolean {
  return text !== undefined && /^0+$/.test(text);
}

function numberMs(text: string | undefined, unitMs: number): number | undefined {
  return text !== undefined && /^\d{1,15}(\.\d{1,9})?$/.test(text) ? sane(Number(text) * unitMs) : undefined;
}

/** A date that lies behind `now` is left out: one of the two clocks is wrong, so it says nothing. */
function dateMs(text: string | undefined, now: number): number | undefined {
  const at = momentOf(text);
  return at === undefined || at < now ? undefined : sane(at - now);
}

/** The moment (epoch ms) that a date of RFC 9110 or RFC 3339 names; nothing for any other text. Pure. */
export function momentOf(text: string | undefined): number | undefined {
  // Other texts that the engine can read as dates are none by the protocols: '-3' would be the year 2001.
  if (text === undefined || !/^(?:[A-Z][a-z]{2,8}, |\d{4}-\d{2}-\d{2}T)/.test(text)) return undefined;
  // oxlint-disable-next-line eslint/no-restricted-globals -- it reads the date in a text, not the clock
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

function sane(ms: number): number | undefined {
  return ms >= 0 ? Math.min(wholeMs(ms), AFTER_MS_MAX) : undefined;
}

/** Rounded up, so that nobody comes back too early; but what is left over by a sum of fractions is no time. Pure. */
export function wholeMs(ms: number): number {
  return Math.ceil(Math.round(ms * 1_000) / 1_000);
}
