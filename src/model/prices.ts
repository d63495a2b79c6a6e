// What requests cost, from a price table that the user gives: there is no built-in one, because a stale price is a
// wrong bill. The gate reserves with it, the loop accounts with it. An unknown price is undefined, never zero.

import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Usage } from '../journal/event.ts';

/** USD per million tokens. `cached` is the price of input tokens read from the provider's cache; without it they cost `in`. */
export interface Price {
  readonly in: number;
  readonly out: number;
  readonly cached?: number;
}

/** Keys are 'provider/modelId', or end in `*` for every model that starts so. */
export type PriceTable = Readonly<Record<string, Price>>;

/**
 * The price of a model ('provider/modelId'): its own key, else the longest key ending in `*` that fits, else undefined.
 * Pure; O(size of the table).
 */
export function priceOf(table: PriceTable, model: string): Price | undefined {
  const key = Object.hasOwn(table, model) ? model : widest(table, model);
  return key === undefined ? undefined : table[key];
}

const AMOUNTS = new Set(['in', 'out', 'cached']);

/** @throws AmdahlError MISCONFIGURED unless every price is made of amounts of at least 0. Pure; O(size of the table). */
export function checkPrices(table: PriceTable): void {
  for (const [model, price] of Object.entries(table)) {
    const wrong = flawOf(price);
    if (wrong === undefined) continue;
    throw new AmdahlError(
      'MISCONFIGURED',
      `The price ${JSON.stringify(model)} ${wrong}: write { in, out, cached } in USD per million tokens, 0 or more.`,
    );
  }
}

/** What is wrong with a price, if anything: a program without types may give anything. */
function flawOf(price: unknown): string | undefined {
  if (typeof price !== 'object' || price === null) return `is ${kindOf(price)}`;
  const amounts = Object.entries(price).filter(([, amount]) => amount !== undefined);
  const names = amounts.map(([name]) => name);
  const absent = ['in', 'out'].find((name) => !names.includes(name));
  if (absent !== undefined) return `has no '${absent}'; it has ${names.join(', ') || 'nothing'}`;
  const odd = names.find((name) => !AMOUNTS.has(name));
  if (odd !== undefined) return `has '${odd}', which is no part of a price`;
  const bad = amounts.find(([, amount]) => typeof amount !== 'number' || !Number.isFinite(amount) || amount < 0);
  return bad === undefined ? undefined : `says ${bad[0]}: ${String(bad[1])}`;
}

function widest(table: PriceTable, model: string): string | undefined {
  let best: string | undefined;
  for (const key of Object.keys(table)) {
    if (!key.endsWith('*') || !model.startsWith(key.slice(0, -1))) continue;
    if (best === undefined || key.length > best.length) best = key;
  }
  return best;
}

/**
 * What a usage costs, in integer micro-dollars, half up: tokens x USD per million tokens are micro-dollars. `tokensIn`
 * includes the cached ones and `tokensOut` the reasoning ones. Pure; exact for prices of up to six decimals.
 */
export function costUsdMicros(usage: Usage, price: Price): number {
  const cached = Math.min(usage.tokensCached, usage.tokensIn);
  const millionths =
    millionthsOf(usage.tokensIn - cached, price.in) +
    millionthsOf(cached, price.cached ?? price.in) +
    millionthsOf(usage.tokensOut, price.out);
  return Number((millionths + 500_000n) / 1_000_000n);
}

/** tokens x price in millionths of a micro-dollar, as an integer: sums of binary fractions would round wrongly. */
function millionthsOf(tokens: number, usdPerMillion: number): bigint {
  return BigInt(Math.round(tokens)) * BigInt(Math.round(usdPerMillion * 1e6));
}
