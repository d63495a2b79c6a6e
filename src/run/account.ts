// Accounts: what calls with a budget may still spend. Every model request is reserved at all accounts above it
// before it is sent, and settled by its answer (design §2 Budget, I8). decide() is pure; Account keeps the sums.
//
// I8 settled + reserved ≤ cap in every account: calls exactly, tokens and USD up to the estimate's error. What a provider
//    refused for its rate is settled as if it had not been sent: the gate provokes such refusals to find out the limits.
// A reservation left by a crash stays spent: reentry.ts adds it up from the journal, with the same exceptions.

import type { Budget } from '../agent/budget.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Place } from '../journal/event.ts';
import { type Price, rateOf, reservationUsdMicros } from '../model/prices.ts';
import type { Life } from './life.ts';
import { limitError, type Limits } from './limits.ts';

/** What has been spent for good. */
export interface Spent {
  calls: number;
  tokens: number;
  usdMicros: number;
}

/** What a request wants: the estimated input, and how much output it may bring at most. */
export interface Wanted {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly price: Price | undefined;
  readonly model: string;
}

export interface Reservation {
  readonly tokensIn: number;
  /** Output tokens granted: the request is sent with this as its maximum. */
  readonly tokensOut: number;
  /** Whether that is less than was wanted. */
  readonly capped: boolean;
  /** Gives the reservation back and books what was really spent; nothing when the request was never sent, or turned away. Once. */
  settle(spent: { readonly tokens: number; readonly usdMicros: number } | undefined): void;
}

type Decision =
  | { readonly kind: 'grant'; readonly tokensOut: number }
  | { readonly kind: 'wait'; readonly at: Account }
  | { readonly kind: 'refuse'; readonly error: AmdahlError };

/** A request in line: at the account where it found no room. */
interface Waiter {
  at: Account;
  readonly account: Account | undefined;
  readonly wanted: Wanted;
  readonly useful: number;
  readonly over: (result: Reservation | Error) => void;
}

const RESUME = 'Raise the budget and resume: nothing finished is bought again.';

/** One call's budget, below those of the calls above it. */
export class Account {
  readonly place: Place;
  readonly path: string;
  readonly budget: Budget;
  readonly above: Account | undefined;
  readonly spent: Spent;
  /** What to do when it is spent. For messages. */
  readonly remedy: string;
  reservedTokens = 0;
  reservedUsdMicros = 0;
  open = 0;
  readonly waiters: Waiter[] = [];

  constructor(place: Place, path: string, budget: Budget, above: Account | undefined, spent?: Spent, remedy: string = RESUME) {
    this.place = place;
    this.path = path;
    this.budget = budget;
    this.above = above;
    this.spent = spent ?? { calls: 0, tokens: 0, usdMicros: 0 };
    this.remedy = remedy;
  }

  /** Its call is asked anew: what was spent before stays spent above it, and counts no more here. */
  renew(): void {
    Object.assign(this.spent, { calls: 0, tokens: 0, usdMicros: 0 });
  }
}

/** An account and all above it, innermost first. */
export function accountsFrom(account: Account | undefined): readonly Account[] {
  const chain: Account[] = [];
  for (let one = account; one !== undefined; one = one.above) chain.push(one);
  return chain;
}

/**
 * Whether a request may be sent now, must wait for open reservations to come back, or cannot be served. Pure.
 * Waiting is only for what may come back: a count of calls never does.
 */
export function decide(account: Account | undefined, wanted: Wanted, useful: number): Decision {
  let tokensOut = wanted.tokensOut;
  const least = Math.min(wanted.tokensOut, useful);
  let wait: Account | undefined;
  for (let one = account; one !== undefined; one = one.above) {
    const { budget, spent, open } = one;
    if (budget.calls !== undefined && spent.calls + open + 1 > budget.calls) return refuse(one, 'calls', budget.calls);
    if (budget.usd !== undefined && wanted.price === undefined) return { kind: 'refuse', error: priceUnknown(one, wanted.model) };
    const room = Math.min(roomInTokens(one, wanted), roomInMoney(one, wanted));
    if (room < least) {
      if (open === 0)
        return refuse(
          one,
          tokensFit(one, wanted, least) ? 'usd' : 'tokens',
          (tokensFit(one, wanted, least) ? budget.usd : budget.tokens) ?? 0,
        );
      wait ??= one;
    }
    tokensOut = Math.min(tokensOut, room);
  }
  return wait === undefined ? { kind: 'grant', tokensOut } : { kind: 'wait', at: wait };
}

function roomInTokens({ budget, spent, reservedTokens }: Account, wanted: Wanted): number {
  return budget.tokens === undefined ? Infinity : budget.tokens - spent.tokens - reservedTokens - wanted.tokensIn;
}

function roomInMoney({ budget, spent, reservedUsdMicros }: Account, { tokensIn, price }: Wanted): number {
  if (budget.usd === undefined || price === undefined) return Infinity;
  const rate = rateOf(price, tokensIn);
  const left = Math.round(budget.usd * 1e6) - spent.usdMicros - reservedUsdMicros - tokensIn * rate.in;
  if (left < 0) return -1;
  return rate.out === 0 ? Infinity : Math.floor(left / rate.out);
}

function tokensFit(account: Account, wanted: Wanted, least: number): boolean {
  return roomInTokens(account, wanted) >= least;
}

function refuse(account: Account, cap: 'calls' | 'tokens' | 'usd', bound: number): Decision {
  const { spent, path, remedy } = account;
  const used = { calls: spent.calls, tokens: spent.tokens, usd: spent.usdMicros / 1e6 }[cap];
  return {
    kind: 'refuse',
    error: new AmdahlError(
      'BUDGET_EXCEEDED',
      `The budget of '${path}' caps ${cap} at ${bound}; ${used} are spent and the next request does not fit. ${remedy}`,
      { data: { cap, bound, used, of: path } },
    ),
  };
}

function priceUnknown(account: Account, model: string): AmdahlError {
  return new AmdahlError(
    'PRICE_UNKNOWN',
    `The budget of '${account.path}' caps usd, but the model '${model}' has no price. Give one: prices: { '${model}': { in: …, out: … } } in USD per million tokens.`,
    { data: { model, of: account.path } },
  );
}

/**
 * Reserves a request at every account above it, waiting in line while only open reservations stand in the way.
 * @throws AmdahlError BUDGET_EXCEEDED, PRICE_UNKNOWN, LIMIT_EXCEEDED (queue), or why the life ended.
 */
export function reserve(account: Account | undefined, wanted: Wanted, life: Life, limits: Limits): Reservation | Promise<Reservation> {
  const first = decide(account, wanted, limits.outputTokensUseful);
  if (first.kind === 'refuse') throw first.error;
  if (first.kind === 'wait') return stand(first.at, account, wanted, life, limits);
  // Who comes later stands behind whoever waits already, or a large request would wait for ever.
  const line = accountsFrom(account).find(({ waiters }) => waiters.length > 0);
  return line === undefined ? book(account, wanted, first.tokensOut) : stand(line, account, wanted, life, limits);
}

/** Stands in line at an account until a settlement lets the request through. */
function stand(at: Account, account: Account | undefined, wanted: Wanted, life: Life, limits: Limits): Promise<Reservation> {
  if (at.waiters.length >= limits.queue) {
    throw limitError(
      'queue',
      limits.queue,
      `Too many requests wait for room in the budget of '${at.path}'`,
      'Lower the concurrency or raise the budget.',
    );
  }
  return new Promise((resolve, reject) => {
    const over = (result: Reservation | Error): void => {
      off();
      if (result instanceof Error) reject(result);
      else resolve(result);
    };
    const waiter: Waiter = { at, account, wanted, useful: limits.outputTokensUseful, over };
    at.waiters.push(waiter);
    const off = life.onEnd((error) => {
      waiter.at.waiters.splice(waiter.at.waiters.indexOf(waiter), 1);
      reject(error);
    });
  });
}

function book(account: Account | undefined, wanted: Wanted, granted: number): Reservation {
  const { tokensIn, price } = wanted;
  const tokensOut = Number.isFinite(granted) ? granted : wanted.tokensOut;
  const tokens = tokensIn + tokensOut;
  const usdMicros = price === undefined ? 0 : reservationUsdMicros(price, tokensIn, tokensOut);
  for (let one = account; one !== undefined; one = one.above) {
    one.open += 1;
    one.reservedTokens += tokens;
    one.reservedUsdMicros += usdMicros;
  }
  let settled = false;
  return {
    tokensIn,
    tokensOut,
    capped: tokensOut < wanted.tokensOut,
    settle: (spent) => {
      if (settled) return;
      settled = true;
      for (let one = account; one !== undefined; one = one.above) {
        one.open -= 1;
        one.reservedTokens -= tokens;
        one.reservedUsdMicros -= usdMicros;
        if (spent === undefined) continue;
        one.spent.calls += 1;
        one.spent.tokens += spent.tokens;
        one.spent.usdMicros += spent.usdMicros;
      }
      wake(account);
    },
  };
}

/** Lets waiters try in the order in which they came, at each account until one still has to wait there. */
function wake(account: Account | undefined): void {
  for (let one = account; one !== undefined; one = one.above) {
    for (let waiter = one.waiters[0]; waiter !== undefined; waiter = one.waiters[0]) {
      const next = decide(waiter.account, waiter.wanted, waiter.useful);
      if (next.kind === 'wait' && next.at === one) break;
      one.waiters.shift();
      if (next.kind === 'wait') {
        // Room here, none there: it must stand where the next settlement can wake it.
        waiter.at = next.at;
        next.at.waiters.push(waiter);
      } else {
        waiter.over(next.kind === 'refuse' ? next.error : book(waiter.account, waiter.wanted, next.tokensOut));
      }
    }
  }
}
