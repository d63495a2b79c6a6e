// What a provider's answer says of its limits in its headers. Called by came.ts for every answer and every refusal, and
// by sending.ts for a stream that begins.
//
// Providers name limits and leave out over which time they hold. Most mean a minute; some mean a day under the same names
// (Groq's requests). A limit is therefore taken per minute until it says otherwise itself: a bucket of a minute's worth is
// full again within a minute, so one that is not is slower, by what is missing over the time that it needs.

import { durationMs, momentOf, wholeMs } from './retryAfter.ts';

/** A limit as a token bucket. */
export interface Announced {
  /** What flows in, per ms. */
  readonly perMs: number;
  /** What was left when the answer was made. */
  readonly remaining: number;
  /** What it holds when full, as far as that can be told: not less, but for a bucket in debt, or a reset rounded up. */
  readonly size?: number;
  /** From the answer until it is full, where nothing is taken meanwhile. */
  readonly fullInMs?: number;
}

type Resource = 'requests' | 'tokens';
type Kind = 'limit' | 'remaining' | 'reset';

/** What headers told of one limit, as texts. */
interface Told {
  readonly resource: Resource;
  /** Over which time the limit holds, where its name says so. */
  windowMs: number | undefined;
  readonly texts: Partial<Record<Kind, string>>;
}

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const WINDOWS: Readonly<Record<string, number>> = { second: 1_000, minute: MINUTE_MS, hour: 3_600_000, day: DAY_MS, month: 30 * DAY_MS };

/** Above these a number is no limit of anybody's, and a time no limit's reset. */
const LIMIT_MAX = 1e12;
const RESET_MS_MAX = 31 * DAY_MS;
/** Clocks that are further apart than this tell nothing by dates. */
const APART_MS_MAX = MINUTE_MS;
/** A rate is lowered only where the headers say less than this part of a minute's limit. */
const CLEARLY_LESS = 1 / 4;

/**
 * The limits in the headers of an answer that came at `now` (epoch ms), names in any case. Of several for requests, or for
 * tokens, the one that lets least through in the next minute. Limits of output tokens alone are left out: held against
 * requests that are mostly input, they would close the gate for nothing. Whatever is missing, zero, negative or absurd
 * says nothing. Pure.
 *
 * x-ratelimit-{limit,remaining,reset}-{requests,tokens} (OpenAI, Groq, Azure, xAI), with -minute, -hour, -day behind
 * (Cerebras, SambaNova) or `req` (Mistral), -project-tokens (OpenAI), -tokens-prompt (Fireworks);
 * anthropic-ratelimit-{requests,tokens,input-tokens}-{limit,remaining,reset}; x-ratelimit-{limit,remaining,reset} (OpenRouter,
 * Together) with x-tokenlimit-* (Together: both per second); ratelimitbysize-* (Mistral: tokens).
 */
export function announcedIn(
  headers: Readonly<Record<string, string | undefined>> | undefined,
  now: number,
): { readonly requests?: Announced; readonly tokens?: Announced } {
  const tightest: { -readonly [K in Resource]?: Announced } = {};
  for (const told of toldBy(headers ?? {})) {
    const announced = announcedBy(told, dateIn(headers ?? {}), now);
    const other = tightest[told.resource];
    if (announced !== undefined && (other === undefined || inAMinute(announced) < inAMinute(other))) tightest[told.resource] = announced;
  }
  return tightest;
}

function inAMinute({ remaining, perMs }: Announced): number {
  return remaining + perMs * MINUTE_MS;
}

function toldBy(headers: Readonly<Record<string, string | undefined>>): Iterable<Told> {
  const limits = new Map<string, Told>();
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string') continue;
    const named = nameOf(name.toLowerCase());
    if (named === undefined) continue;
    const { resource, kind, windowMs, limit } = named;
    const told = limits.get(limit) ?? { resource, windowMs, texts: {} };
    told.texts[kind] = value.trim();
    limits.set(limit, told);
  }
  // Together's requests have the name that others use for a minute, and its tokens a name of their own.
  const unnamed = limits.get('ratelimit');
  if (unnamed !== undefined && limits.has('tokenlimit')) unnamed.windowMs = WINDOWS['second'];
  return limits.values();
}

interface Named {
  readonly resource: Resource;
  readonly kind: Kind;
  readonly windowMs: number | undefined;
  /** The same for the headers of one limit. */
  readonly limit: string;
}

const PATTERNS: readonly (readonly [RegExp, (found: Readonly<Record<string, string | undefined>>) => Omit<Named, 'kind'>])[] = [
  [
    /^x-ratelimit-(?<kind>limit|remaining|reset)-(?<what>requests|req|tokens|tokens-prompt|project-tokens|project-requests)(?:-(?<window>second|minute|hour|day|month))?$/,
    ({ what = '', window }) => ({
      resource: what.includes('tokens') ? 'tokens' : 'requests',
      windowMs: window === undefined ? undefined : WINDOWS[window],
      limit: `${what} ${window}`,
    }),
  ],
  [
    /^anthropic-ratelimit-(?<what>requests|tokens|input-tokens)-(?<kind>limit|remaining|reset)$/,
    ({ what = '' }) => ({ resource: what === 'requests' ? 'requests' : 'tokens', windowMs: undefined, limit: `anthropic ${what}` }),
  ],
  [
    /^(?:x-)?ratelimitbysize-(?<kind>limit|remaining|reset)(?:-(?<window>minute|month))?$/,
    ({ window = 'minute' }) => ({ resource: 'tokens', windowMs: WINDOWS[window], limit: `bysize ${window}` }),
  ],
  [/^x-tokenlimit-(?<kind>limit|remaining|reset)$/, () => ({ resource: 'tokens', windowMs: WINDOWS['second'], limit: 'tokenlimit' })],
  [/^(?:x-)?ratelimit-(?<kind>limit|remaining|reset)$/, () => ({ resource: 'requests', windowMs: undefined, limit: 'ratelimit' })],
];

function nameOf(name: string): Named | undefined {
  for (const [pattern, named] of PATTERNS) {
    const found = pattern.exec(name)?.groups;
    // The pattern lets nothing else through.
    if (found !== undefined) return { ...named(found), kind: found['kind'] as Kind };
  }
  return undefined;
}

function announcedBy({ windowMs, texts }: Told, date: number | undefined, now: number): Announced | undefined {
  const [limit, left] = [countOf(texts.limit), countOf(texts.remaining)];
  if (limit === undefined || limit === 0 || left === undefined) return undefined;
  const remaining = Math.floor(left);
  const reset = resetOf(texts.reset, date, now);
  const perMs = windowMs === undefined ? rateOf(limit, remaining, reset) : limit / windowMs;
  if (reset === undefined) return { perMs, remaining };
  const size = Math.min(remaining + reset.ms * perMs, Math.max(limit, remaining));
  return { perMs, remaining, size, fullInMs: reset.ms };
}

/** Per minute, unless it takes so long to fill that even the reset's rounding cannot explain it. */
function rateOf(limit: number, remaining: number, reset: Reset | undefined): number {
  const perMs = limit / MINUTE_MS;
  const missing = limit - remaining;
  if (reset === undefined || missing <= 0) return perMs;
  // A window that ends within a minute may be one of a minute, however little is missing from it.
  const leastMs = reset.ms - reset.roundedMs;
  return leastMs > MINUTE_MS && missing / leastMs < perMs * CLEARLY_LESS ? missing / reset.ms : perMs;
}

function countOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,13}(?:\.\d{1,20})?$/.test(text)) return undefined;
  const count = Number(text);
  return count <= LIMIT_MAX ? count : undefined;
}

interface Reset {
  readonly ms: number;
  /** By how much it may have been rounded up. */
  readonly roundedMs: number;
}

/** A time until a limit is full: a duration, seconds, an epoch in seconds or ms, or a date. */
function resetOf(text: string | undefined, date: number | undefined, now: number): Reset | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,15}(?:\.\d{1,20})?$/.test(text) ? Number(text) : undefined;
  const moment = number === undefined ? momentOf(text) : number < 1e9 ? undefined : number < 1e12 ? number * 1_000 : number;
  if (moment === undefined) {
    const ms = number === undefined ? durationMs(text) : wholeMs(number * 1_000);
    return ms === undefined || ms > RESET_MS_MAX ? undefined : { ms, roundedMs: stepOf(number === undefined ? text : `${text}s`) };
  }
  // What the provider's own clock said goes before ours, which may be another one.
  const away = [date, now].flatMap((from) => (from === undefined ? [] : [moment - from]));
  const ms = away.find((one) => one > -APART_MS_MAX && one <= RESET_MS_MAX);
  return ms === undefined ? undefined : { ms: Math.max(0, wholeMs(ms)), roundedMs: date === undefined ? 1_000 : 2_000 };
}

/** The smallest step of a duration as it is written: 1 s for '6m0s', 10 ms for '59.56s', 1 ms for '12ms'. */
function stepOf(text: string): number {
  const [, decimals = '', unit = ''] = /(?:\.(\d+))?(ms|[smhd])$/i.exec(text) ?? [];
  const unitMs = { ms: 1, s: 1_000, m: MINUTE_MS, h: 3_600_000, d: DAY_MS }[unit.toLowerCase()] ?? 0;
  return Math.max(1, unitMs / 10 ** decimals.length);
}

function dateIn(headers: Readonly<Record<string, string | undefined>>): number | undefined {
  for (const [name, value] of Object.entries(headers)) if (name.toLowerCase() === 'date') return momentOf(value);
  return undefined;
}
