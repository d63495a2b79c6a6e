// What requests cost, from a price table that the user gives: there is no built-in one, because a stale price is a
// wrong bill. The gate reserves with it, the loop accounts with it. An unknown price is undefined, never zero.

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
 * @throws AmdahlError MISCONFIGURED when that price is not made of amounts of at least 0.
 */
export function priceOf(table: PriceTable, model: string): Price | undefined {
  const key = Object.hasOwn(table, model) ? model : widest(table, model);
  if (key === undefined) return undefined;
  const price = table[key];
  if (price === undefined) return undefined;
  for (const [name, amount] of Object.entries({ in: price.in, out: price.out, cached: price.cached ?? 0 })) {
    if (Number.isFinite(amount) && amount >= 0) continue;
    throw new AmdahlError(
      'MISCONFIGURED',
      `the price ${JSON.stringify(key)} says ${name}: ${String(amount)}; give USD per million tokens, 0 or more`,
    );
  }
  return price;
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
