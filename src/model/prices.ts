// What requests cost: the user's price table, which stands above what is known of a model (facts.ts), and the sums.
// The gate reserves with it, the loop accounts with it. An unknown price is undefined, never zero.

import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Usage } from '../journal/event.ts';

/**
 * USD per million tokens. `cached` is the price of input tokens read from the provider's cache, `written` of those written
 * into it; without them these cost `in`.
 */
export interface Rate {
  readonly in: number;
  readonly out: number;
  readonly cached?: number;
  readonly written?: number;
}

/** A rate, and the rates of long requests: one with more than `tokensIn` input tokens costs that rate, all of it. */
export interface Price extends Rate {
  readonly over?: readonly (Rate & { readonly tokensIn: number })[];
}

/**
 * Keys are 'provider/modelId', or end in `*` for every model that starts so. A provider without one of its APIs stands for
 * all of them: 'openai/gpt-5' is also the price of 'openai.responses/gpt-5', as AI SDK objects name it.
 */
export type PriceTable = Readonly<Record<string, Price>>;

/** The price of a model ('provider/modelId'), if the table has one. Pure; O(size of the table). */
export function priceOf(table: PriceTable, model: string): Price | undefined {
  return rowOf(table, model);
}

/**
 * A model's row in a table by model: its own key, its key without the API ('openai.chat/x' is 'openai/x'), else the longest
 * key ending in `*` that fits either, else undefined. Pure; O(size of the table).
 */
export function rowOf<T>(table: Readonly<Record<string, T>>, model: string): T | undefined {
  const plain = model.replace(/^([^./]+)\.[^/]*(?=\/)/, '$1');
  const own = [model, plain].find((name) => Object.hasOwn(table, name));
  const key = own ?? widest(table, model) ?? widest(table, plain);
  return key === undefined ? undefined : table[key];
}

/** What a request with so many input tokens, cached ones included, costs per token: for bills, and for reservations by estimate. Pure. */
export function rateOf(price: Price, tokensIn: number): Rate {
  let rate: Rate = price;
  let from = -1;
  for (const step of price.over ?? []) {
    if (step.tokensIn < tokensIn && step.tokensIn > from) [rate, from] = [step, step.tokensIn];
  }
  return rate;
}

/** What a request is reserved at before it is sent, in micro-dollars, rounded up: all of its input may go into a cache. Pure. */
export function reservationUsdMicros(price: Price, tokensIn: number, tokensOut: number): number {
  const rate = rateOf(price, tokensIn);
  return Math.ceil(tokensIn * Math.max(rate.in, rate.written ?? 0) + tokensOut * rate.out);
}

const RATE: readonly string[] = ['in', 'out', 'cached', 'written'];

/** @throws AmdahlError MISCONFIGURED unless every price is made of amounts of at least 0. Pure; O(size of the table). */
export function checkPrices(table: PriceTable): void {
  for (const [model, price] of Object.entries(table)) {
    const wrong = flawOf(price);
    if (wrong === undefined) continue;
    throw new AmdahlError(
      'MISCONFIGURED',
      `The price ${JSON.stringify(model)} ${wrong}: write { in, out, cached, written } in USD per million tokens, 0 or more.`,
    );
  }
}

/** What is wrong with a price, if anything: a program without types may give anything. */
function flawOf(price: unknown): string | undefined {
  if (typeof price !== 'object' || price === null) return `is ${kindOf(price)}`;
  const { over, ...rate } = price as { readonly over?: unknown }; // any object: what is in it is looked at below
  const flaw = rateFlaw(rate, RATE);
  if (flaw !== undefined || over === undefined) return flaw;
  if (!Array.isArray(over)) return `has ${kindOf(over)} as over, which is a list of { tokensIn, in, out, cached, written }`;
  for (const [nth, step] of (over as readonly unknown[]).entries()) {
    const wrong = typeof step !== 'object' || step === null ? `is ${kindOf(step)}` : stepFlaw(step);
    if (wrong !== undefined) return `${wrong} in over[${nth}]`;
  }
  return undefined;
}

function stepFlaw(step: object): string | undefined {
  if (!('tokensIn' in step)) return "has no 'tokensIn'";
  if (!Number.isSafeInteger(step.tokensIn)) return `says tokensIn: ${String(step.tokensIn)}, no whole number`;
  return rateFlaw(step, [...RATE, 'tokensIn']);
}

function rateFlaw(rate: object, known: readonly string[]): string | undefined {
  const amounts = Object.entries(rate).filter(([, amount]) => amount !== undefined);
  const names = amounts.map(([name]) => name);
  const absent = ['in', 'out'].find((name) => !names.includes(name));
  if (absent !== undefined) return `has no '${absent}'; it has ${names.join(', ') || 'nothing'}`;
  const odd = names.find((name) => !known.includes(name));
  if (odd !== undefined) return `has '${odd}', which is no part of a price`;
  const bad = amounts.find(([, amount]) => typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0);
  return bad === undefined ? undefined : `says ${bad[0]}: ${String(bad[1])}`;
}

function widest(table: Readonly<Record<string, unknown>>, model: string): string | undefined {
  let best: string | undefined;
  for (const key of Object.keys(table)) {
    if (!key.endsWith('*') || !model.startsWith(key.slice(0, -1))) continue;
    if (best === undefined || key.length > best.length) best = key;
  }
  return best;
}

/**
 * What a usage costs, in integer micro-dollars, half up: tokens x USD per million tokens are micro-dollars. `tokensIn`
 * includes those read from a cache and written into it, `tokensOut` the reasoning ones. Pure; exact for prices of up to six decimals.
 */
export function costUsdMicros(usage: Usage, price: Price): number {
  const cached = Math.min(usage.tokensCached, usage.tokensIn);
  const written = Math.min(usage.tokensCacheWritten ?? 0, usage.tokensIn - cached);
  const rate = rateOf(price, usage.tokensIn);
  const millionths =
    millionthsOf(usage.tokensIn - cached - written, rate.in) +
    millionthsOf(cached, rate.cached ?? rate.in) +
    millionthsOf(written, rate.written ?? rate.in) +
    millionthsOf(usage.tokensOut, rate.out);
  return Number((millionths + 500_000n) / 1_000_000n);
}

/**
 * What a cache saved, in integer micro-dollars: what the same request would have cost without one, less what it costs. Below
 * 0 where it wrote more than it read. Undefined where it has no part in it, or a price of its own is not known. Pure.
 */
export function savedUsdMicros(usage: Usage, price: Price): number | undefined {
  const { tokensCached, tokensCacheWritten = 0 } = usage;
  const rate = rateOf(price, usage.tokensIn);
  const isKnown = (tokensCached === 0 || rate.cached !== undefined) && (tokensCacheWritten === 0 || rate.written !== undefined);
  if (tokensCached + tokensCacheWritten === 0 || !isKnown) return undefined;
  return costUsdMicros({ ...usage, tokensCached: 0, tokensCacheWritten: 0 }, price) - costUsdMicros(usage, price);
}

/** tokens x price in millionths of a micro-dollar, as an integer: sums of binary fractions would round wrongly. */
function millionthsOf(tokens: number, usdPerMillion: number): bigint {
  return BigInt(Math.round(tokens)) * BigInt(Math.round(usdPerMillion * 1e6));
}
