// The limits that users know of: a table like that of prices. Runs and `gate()` take one; gates.ts looks up.

import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import type { RateLimit } from './limiter.ts';
import { rowOf } from './prices.ts';

/** By 'provider/modelId', or by what ends in `*` for every model that starts so; as in `prices`. */
export type RateLimits = Readonly<Record<string, RateLimit>>;

const OPTIONS: OptionNames<RateLimit> = {
  requestsPerMinute: true,
  tokensPerMinute: true,
  concurrency: true,
  burstRequests: true,
  burstTokens: true,
};

/** What these limits are called elsewhere. */
const MEANT: Readonly<Record<string, keyof RateLimit>> = {
  rpm: 'requestsPerMinute',
  requests: 'requestsPerMinute',
  tpm: 'tokensPerMinute',
  tokens: 'tokensPerMinute',
  maxConcurrency: 'concurrency',
  maxConcurrent: 'concurrency',
  concurrent: 'concurrency',
  inFlight: 'concurrency',
  rpmBurst: 'burstRequests',
  tpmBurst: 'burstTokens',
};

/** The limit of a model, if one is given. Pure; O(size of the table). */
export function rateLimitOf(table: RateLimits, model: string): RateLimit | undefined {
  return rowOf(table, model);
}

/** @throws AmdahlError MISCONFIGURED unless it is a table by model of limits that are numbers above 0. Pure. */
export function checkRateLimits(table: unknown): asserts table is RateLimits {
  if (typeof table !== 'object' || table === null || Array.isArray(table))
    throw wrong(`rateLimits is ${kindOf(table)}`, "Give a table by model: { 'provider/modelId': { requestsPerMinute: 500 } }");
  for (const [model, limit] of Object.entries(table)) {
    const who = `rateLimits[${JSON.stringify(model)}]`;
    checkLimit(limit, who);
    checkModel(model, who);
  }
}

function checkLimit(limit: unknown, who: string): void {
  if (typeof limit !== 'object' || limit === null || Array.isArray(limit)) throw wrong(`${who} is ${kindOf(limit)}`, SOME);
  checkOptions(limit, OPTIONS, who, 'a limit', MEANT);
  const given: readonly [string, unknown][] = Object.entries(limit).filter(([, value]) => value !== undefined);
  if (given.length === 0) throw wrong(`${who} has no limit`, `${SOME}, or leave it out`);
  for (const [name, value] of given) {
    const whole = name !== 'concurrency' || value === Infinity || Number.isInteger(value);
    if (!(typeof value === 'number' && value > 0 && whole))
      throw wrong(`${who} says ${name}: ${told(value)}`, 'Give a number above 0, and for concurrency a whole one');
  }
  const names = new Set(given.map(([name]) => name));
  const bare = (rate: keyof RateLimit, burst: keyof RateLimit): boolean => names.has(burst) && !names.has(rate);
  if (bare('requestsPerMinute', 'burstRequests') || bare('tokensPerMinute', 'burstTokens'))
    throw wrong(`${who} has a burst without a rate`, 'Give the requests or tokens per minute it belongs to');
}

/** A key that fits no model would limit nothing in silence. */
function checkModel(model: string, who: string): void {
  const start = model.replace(/\*$/, '');
  if (start.includes('*'))
    throw wrong(`${who} has a '*' before its end`, "Write it last, as in 'openai/gpt-*': it stands for whatever follows");
  if (start === model && !model.includes('/'))
    throw wrong(`${who} names no model`, "Write 'provider/modelId', such as 'openai/gpt-5', or let it end in '*' for all that start so");
}

const SOME = 'Give { requestsPerMinute, tokensPerMinute, concurrency } or some of these';

/** A value as it was written: '60' is text. */
function told(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : kindOf(value);
}

function wrong(what: string, advice: string): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `${what}. ${advice}.`);
}
