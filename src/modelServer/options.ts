// What a model server is told, and whether that makes sense. Called by startModelServer first of all.

import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { type Answers, checkAnswer } from './answers.ts';
import type { CacheSettings } from './cachePolicy.ts';
import type { ServerClock } from './clock.ts';
import { isSchema } from './conforms.ts';
import type { Delay } from './delay.ts';
import { type Fault, type FaultName, type Faults, FAULTS, type FaultTakes, isFaultName, takes } from './faults.ts';
import type { RequestRecord } from './records.ts';
import type { LimitHeaders, Throttle } from './throttle.ts';

export interface ModelServerOptions {
  /** Where to listen; 0, the default, takes a free port. */
  readonly port?: number;
  /** Where to listen: 127.0.0.1, so that nobody else is served. */
  readonly host?: string;
  /** Of everything that is drawn: answers, delays, faults. A whole number; 1 without it. */
  readonly seed?: number;
  /** The models there are, as they are listed; others are answered with 404. Without it any name is a model. */
  readonly models?: readonly string[];
  /** API keys that are accepted. Without it any key is, and none. */
  readonly keys?: readonly string[];
  /** What a model can read, in tokens: longer requests are refused as a context overflow. */
  readonly contextTokens?: number;
  /** What models say: turns in the order in which they are asked for, or a function of the request. Without it a value of the requested schema, by seed. */
  readonly answers?: Answers;
  /** How long an answer takes. Without it no time. */
  readonly delay?: Delay;
  /** Characters of text or arguments in each event of a stream. */
  readonly pieceChars?: number;
  /** Rate limits. Without it none. */
  readonly throttle?: Throttle;
  /** Prompt caches. Without it as the provider of each protocol has them; false for none. */
  readonly cache?: CacheSettings | false;
  /** What goes wrong. Without it nothing. */
  readonly faults?: Faults;
  /** Is told of each request when it is over; a path is a file to which records are appended as lines of JSON. */
  readonly log?: string | ((record: RequestRecord) => void);
  /** Delays, rate limits and records follow this clock: a test's own moves at once. */
  readonly clock?: ServerClock;
}

const OPTIONS: OptionNames<ModelServerOptions> = {
  port: true,
  host: true,
  seed: true,
  models: true,
  keys: true,
  contextTokens: true,
  answers: true,
  delay: true,
  pieceChars: true,
  throttle: true,
  cache: true,
  faults: true,
  log: true,
  clock: true,
};

const THROTTLE: OptionNames<Throttle> = {
  requestsPerMinute: true,
  tokensPerMinute: true,
  burstRequests: true,
  burstTokens: true,
  headers: true,
};
const CACHE: OptionNames<CacheSettings> = { minTokens: true, ttlMs: true, stepTokens: true };
const LIMIT_HEADERS: OptionNames<Record<LimitHeaders, true>> = { announced: true, retryAfter: true, retryAfterMs: true, bare: true };
const TAKES: OptionNames<FaultTakes> = { forMs: true, atByte: true, retryAfterMs: true };
const WHO = 'startModelServer()';
const PORT_MAX = 65_535;

/** @throws AmdahlError MISCONFIGURED naming the option that is wrong. Pure. */
export function checkModelServerOptions(options: ModelServerOptions): void {
  checkOptions(options, OPTIONS, WHO);
  const { port, host, seed, contextTokens, pieceChars, delay, throttle, cache, faults, models, keys, answers, log, clock } = options;
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= PORT_MAX))
    throw wrong(`port ${told(port)} is none`, 'Give a whole number from 0 to 65535');
  if (host !== undefined && !isText(host)) throw wrong(`host is ${told(host)}`, "Give a name or an address as text, such as '0.0.0.0'");
  if (seed !== undefined && !Number.isSafeInteger(seed)) throw wrong(`seed ${told(seed)} is not a whole number`, 'Give one');
  atLeast(contextTokens, 1, 'contextTokens');
  atLeast(pieceChars, 1, 'pieceChars');
  checkTexts(models, 'models');
  checkTexts(keys, 'keys');
  if (answers !== undefined) checkAnswers(answers);
  if (delay !== undefined) checkDelay(delay);
  if (throttle !== undefined) checkThrottle(throttle);
  if (cache !== undefined && cache !== false) checkCache(cache);
  if (faults !== undefined && typeof faults !== 'function') checkShares(faults, 'faults', `faults of ${WHO}`);
  if (log !== undefined && typeof log !== 'function' && !isText(log))
    throw wrong(`log is ${told(log)}`, 'Give the path of a file, or a function of the record');
  if (clock !== undefined && !isClock(clock)) throw wrong('clock is none', 'Give { now(): number, after(ms, then): () => void }');
}

function checkTexts(list: unknown, name: string): void {
  if (list === undefined) return;
  if (!Array.isArray(list) || list.length === 0) throw wrong(`${name} is no list with something in it`, 'Leave it out to accept any');
  const odd: unknown = list.find((one) => !isText(one));
  if (odd !== undefined || !list.every(isText)) throw wrong(`${name} has ${told(odd)}`, 'Give texts that are not empty');
}

function checkAnswers(answers: unknown): void {
  if (typeof answers === 'function') return;
  if (!Array.isArray(answers))
    throw wrong(`answers is ${told(answers)}`, "Give a list of turns, such as ['hello'], or a function of the request");
  answers.forEach((answer: unknown, at) => checkAnswer(answer, `answers[${at}] of ${WHO}`));
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isClock(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return 'now' in value && typeof value.now === 'function' && 'after' in value && typeof value.after === 'function';
}

function checkDelay(delay: unknown): void {
  if (!isSchema(delay) || 'medianMs' in delay) return checkSpread(delay, 'delay');
  checkOptions(delay, { firstMs: true, perTokenMs: true }, `delay of ${WHO}`);
  const { firstMs, perTokenMs } = delay;
  if (firstMs === undefined && perTokenMs === undefined) throw wrong('delay delays nothing', 'Give it firstMs, perTokenMs or both');
  if (firstMs !== undefined) checkSpread(firstMs, 'delay.firstMs');
  atLeast(perTokenMs, 0, 'delay.perTokenMs');
}

function checkSpread(spread: unknown, name: string): void {
  if (!isSchema(spread)) {
    if (typeof spread !== 'number') throw wrong(`${name} is ${told(spread)}`, 'Give ms as a number, or { medianMs, p99Ms }');
    return atLeast(spread, 0, name);
  }
  checkOptions(spread, { medianMs: true, sigma: true, p99Ms: true }, `${name} of ${WHO}`);
  const { medianMs, sigma, p99Ms } = spread;
  above(medianMs, 0, `${name}.medianMs`);
  if ((sigma === undefined) === (p99Ms === undefined))
    throw wrong(`${name} has a median ${sigma === undefined ? 'but no spread' : 'and two spreads'}`, 'Give it p99Ms or sigma');
  atLeast(sigma, 0, `${name}.sigma`);
  atLeast(p99Ms, Number(medianMs), `${name}.p99Ms`);
}

function checkThrottle(throttle: Throttle): void {
  checkOptions(throttle, THROTTLE, `throttle of ${WHO}`);
  const { requestsPerMinute, tokensPerMinute, burstRequests, burstTokens, headers } = throttle;
  if (requestsPerMinute === undefined && tokensPerMinute === undefined) {
    throw wrong('throttle limits nothing', 'Give it requestsPerMinute, tokensPerMinute or both');
  }
  if (requestsPerMinute !== undefined) above(requestsPerMinute, 0, 'throttle.requestsPerMinute');
  if (tokensPerMinute !== undefined) above(tokensPerMinute, 0, 'throttle.tokensPerMinute');
  if (burstRequests !== undefined && requestsPerMinute === undefined)
    throw wrong('throttle.burstRequests does nothing without requestsPerMinute', 'Give both');
  if (burstTokens !== undefined && tokensPerMinute === undefined)
    throw wrong('throttle.burstTokens does nothing without tokensPerMinute', 'Give both');
  // A bucket that cannot hold one request never lets one in.
  atLeast(
    burstRequests ?? requestsPerMinute,
    1,
    burstRequests === undefined ? 'throttle.requestsPerMinute without burstRequests' : 'throttle.burstRequests',
  );
  atLeast(burstTokens, 1, 'throttle.burstTokens');
  if (headers !== undefined) checkHeaders(headers);
}

function checkCache(cache: CacheSettings): void {
  checkOptions(cache, CACHE, `cache of ${WHO}`);
  for (const name of ['minTokens', 'ttlMs'] as const) atLeast(cache[name], 0, `cache.${name}`);
  atLeast(cache.stepTokens, 1, 'cache.stepTokens');
}

function checkHeaders(headers: unknown): void {
  const styles: readonly unknown[] = Array.isArray(headers) ? headers : [headers];
  const names = Object.keys(LIMIT_HEADERS).join(', ');
  for (const style of styles) {
    if (typeof style !== 'string' || !Object.hasOwn(LIMIT_HEADERS, style))
      throw wrong(`throttle.headers has ${told(style)}`, `There are ${names}`);
  }
  if (styles.length === 0) throw wrong('throttle.headers is empty', "Give 'bare' for none");
  if (styles.length > 1 && styles.includes('bare')) throw wrong("throttle.headers has 'bare' beside others", "Give 'bare' alone for none");
}

/** @throws AmdahlError MISCONFIGURED unless they are faults with shares; `at` and `who` are what the user calls them. Pure. */
export function checkShares(faults: unknown, at: string, who: string): void {
  checkOptions(faults, everyFault, who, 'a fault');
  let sum = 0;
  for (const [name, given] of Object.entries(faults ?? {})) {
    if (given === undefined || !isFaultName(name)) continue;
    const share: unknown = isSchema(given) ? given['share'] : given;
    if (!(typeof share === 'number' && share >= 0 && share <= 1))
      throw wrong(`${at}.${name} has the share ${told(share)}`, 'Give a number from 0 to 1', at);
    if (isSchema(given)) {
      checkOptions(given, { share: true, ...TAKES }, `${at}.${name}`);
      checkTakes(given, name, at);
    }
    sum += share;
  }
  if (sum > 1 + Number.EPSILON * 16)
    throw wrong(`${at} have shares of ${sum} together`, 'One request meets one fault: keep the sum at 1 or less', at);
}

const everyFault: Readonly<Record<string, true>> = Object.fromEntries(Object.keys(FAULTS).map((name) => [name, true] as const));

/** What a function of faults returned. @throws AmdahlError MISCONFIGURED unless it is a fault. Pure. */
export function checkFault(given: Fault | string | undefined): Fault | undefined {
  if (given === undefined) return undefined;
  const { fault, ...taken } = typeof given === 'string' ? { fault: given } : given;
  if (typeof fault !== 'string' || !isFaultName(fault)) {
    throw wrong(`faults() returned ${JSON.stringify(given)}, which is no fault`, `There are ${Object.keys(FAULTS).join(', ')}`);
  }
  checkOptions(taken, TAKES, `The fault ${fault}`);
  checkTakes(taken, fault, 'faults()');
  return { ...taken, fault };
}

/** What a fault does not take would do nothing in silence. */
function checkTakes(taken: Readonly<Record<string, unknown>> | FaultTakes, name: FaultName, at: string): void {
  for (const setting of ['forMs', 'atByte', 'retryAfterMs'] as const) {
    const value: unknown = Reflect.get(taken, setting);
    if (value === undefined) continue;
    if (!takes(name, setting)) {
      const others = Object.keys(FAULTS).filter((other) => isFaultName(other) && takes(other, setting) && !/^\d/.test(other));
      const whose = setting === 'retryAfterMs' ? 'faults of a status' : others.join(', ');
      throw wrong(`the fault ${name} takes no ${setting}`, `Leave it out; ${whose} do`, at);
    }
    atLeast(value, 0, `${name}.${setting}`, at);
  }
}

function atLeast(value: unknown, least: number, name: string, at?: string): void {
  if (value !== undefined && !(typeof value === 'number' && Number.isFinite(value) && value >= least)) {
    throw wrong(`${name} is ${told(value)}`, `Give a number of at least ${least}`, at);
  }
}

function above(value: unknown, least: number, name: string): void {
  if (!(typeof value === 'number' && Number.isFinite(value) && value > least))
    throw wrong(`${name} is ${told(value)}`, `Give a number above ${least}`);
}

/** A value in a message: numbers and texts as they are, of others their kind. */
function told(value: unknown): string {
  return typeof value === 'number' ? String(value) : typeof value === 'string' && value.length < 50 ? `'${value}'` : kindOf(value);
}

/** Options of a command begin with dashes, and are nobody's but its own. */
function wrong(what: string, advice: string, at = ''): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `${at.startsWith('--') ? at : WHO}: ${what}. ${advice}.`);
}
