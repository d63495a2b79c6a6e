// Accounts: what calls with a budget may still spend. Every model request is reserved at all accounts above it
// before it is sent, and settled by its answer (design §2 Budget, I8). decide() is pure; Account keeps the sums.
//
// I8 settled + reserved ≤ cap in every account: calls exactly, tokens and USD up to the estimate's error. What a provider
//    refused for its rate is settled as if it had not been sent: the gate provokes such refusals to find out the limits.
//    Where a person may give more (onLimit 'ask'), cap is what it was with all that was given.
// A reservation left by a crash stays spent: reentry.ts adds it up from the journal, with the same exceptions.

import { type Budget, type Cap, type More, raised } from '../agent/budget.ts';
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

/** What an account has no more of. */
export interface Shortage {
  readonly cap: Cap;
  readonly bound: number;
  readonly used: number;
}

/** How more of a budget is asked for (raise.ts). */
export interface Raising {
  /** What a person gives; undefined where none gives any. Rejects when nobody needs it any more. */
  ask(short: Shortage, nth: number): Promise<More | undefined>;
  /** Whoever has this life waits for it, until what is returned is called. */
  hold(life: Life): () => void;
  /** Nobody needs more any more. Resolves once that is on record. */
  close(): Promise<void>;
}

type Decision =
  | { readonly kind: 'grant'; readonly tokensOut: number }
  | { readonly kind: 'wait'; readonly at: Account }
  /** Only a person can make room. */
  | { readonly kind: 'ask'; readonly at: Account; readonly short: Shortage }
  | { readonly kind: 'refuse'; readonly error: AmdahlError };

/** A request in line: at the account where it found no room. */
interface Waiter {
  at: Account;
  readonly account: Account | undefined;
  readonly wanted: Wanted;
  readonly useful: number;
  readonly life: Life;
  readonly over: (result: Reservation | Error) => void;
  /** Set while it waits for a person. */
  release: (() => void) | undefined;
}

const RESUME = 'Raise the budget and resume: nothing finished is bought again.';

/** One call's budget, below those of the calls above it. */
export class Account {
  readonly place: Place;
  readonly path: string;
  readonly above: Account | undefined;
  readonly spent: Spent;
  /** What to do when it is spent. For messages. */
  readonly remedy: string;
  budget: Budget;
  reservedTokens = 0;
  reservedUsdMicros = 0;
  open = 0;
  readonly waiters: Waiter[] = [];
  /** Its time is used up: below it nothing is begun until a person gives more. */
  isLate = false;
  /** Set where a person may be asked for more. */
  raising: Raising | undefined;
  /** How often a person has given more. */
  raises = 0;
  /** Told of what a person said, before anybody who waits goes on. */
  onReply: (() => void) | undefined;
  #isAsking = false;
  #isDenied = false;
  #paused: Set<() => void> | undefined;

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

  /** Whether a person may still give more. */
  get mayAsk(): boolean {
    return this.raising !== undefined && !this.#isDenied;
  }

  /** Asks a person, one thing at a time: whoever stands here or comes meanwhile waits for what is said. */
  ask(short: Shortage): void {
    if (this.#isAsking || this.raising === undefined) return;
    this.#isAsking = true;
    for (const waiter of this.waiters) this.#hold(waiter);
    this.raising.ask(short, this.raises).then(
      (more) => this.#replied(more),
      () => {}, // its call is over, and so is whoever waits here
    );
  }

  #replied(more: More | undefined): void {
    this.#isAsking = false;
    for (const waiter of this.waiters) release(waiter);
    if (more === undefined) this.#isDenied = true;
    else this.budget = raised(this.budget, more);
    if (more !== undefined) this.raises += 1;
    this.onReply?.();
    const paused = this.#paused;
    this.#paused = undefined;
    for (const goOn of paused ?? []) goOn();
    drain(this);
  }

  join(waiter: Waiter): void {
    waiter.at = this;
    this.waiters.push(waiter);
    if (this.#isAsking) this.#hold(waiter);
  }

  leave(waiter: Waiter): void {
    this.waiters.splice(this.waiters.indexOf(waiter), 1);
    release(waiter);
  }

  #hold(waiter: Waiter): void {
    waiter.release ??= this.raising?.hold(waiter.life);
  }

  /** Waits for what a person says. Rejects with the end of `life`. */
  pause(life: Life): Promise<void> {
    return new Promise((resolve, reject) => {
      const letGo = this.raising?.hold(life);
      const paused = (this.#paused ??= new Set());
      const goOn = (): void => {
        off();
        letGo?.();
        resolve();
      };
      paused.add(goOn);
      const off = life.onEnd((error) => {
        paused.delete(goOn);
        letGo?.();
        reject(error);
      });
    });
  }
}

function release(waiter: Waiter): void {
  waiter.release?.();
  waiter.release = undefined;
}

/** Undefined where a call may begin; else it waits until a person gives more time. */
export function inTime(account: Account | undefined, life: Life): Promise<void> | undefined {
  for (let one = account; one !== undefined; one = one.above) {
    if (one.isLate && one.mayAsk) return one.pause(life).then(() => inTime(account, life));
  }
  return undefined;
}

/** An account and all above it, innermost first. */
export function accountsFrom(account: Account | undefined): readonly Account[] {
  const chain: Account[] = [];
  for (let one = account; one !== undefined; one = one.above) chain.push(one);
  return chain;
}

/**
 * Whether a request may be sent now, must wait for open reservations or for a person, or cannot be served. Pure.
 * Waiting for reservations is only for what may come back: a count of calls never does. Nobody is asked in vain: what is refused
 * anywhere is refused first.
 */
export function decide(account: Account | undefined, wanted: Wanted, useful: number): Decision {
  let tokensOut = wanted.tokensOut;
  let wait: Decision | undefined;
  let ask: Decision | undefined;
  for (let one = account; one !== undefined; one = one.above) {
    const { budget, open } = one;
    if (budget.usd !== undefined && wanted.price === undefined) return { kind: 'refuse', error: priceUnknown(one, wanted.model) };
    const room = Math.min(roomInTokens(one, wanted), roomInMoney(one, wanted));
    const short = shortage(one, wanted, useful);
    if (short !== undefined) {
      if (short.cap !== 'calls' && short.cap !== 'ms' && open > 0) wait ??= { kind: 'wait', at: one };
      else if (one.mayAsk) ask ??= { kind: 'ask', at: one, short };
      else return refuse(one, short);
    }
    tokensOut = Math.min(tokensOut, room);
  }
  return ask ?? wait ?? { kind: 'grant', tokensOut };
}

/** What the request does not find here. Where a person may give more, an answer is not shortened to what is left. */
function shortage(account: Account, wanted: Wanted, useful: number): Shortage | undefined {
  const { budget, spent, open, isLate, mayAsk } = account;
  if (isLate && budget.ms !== undefined) return { cap: 'ms', bound: budget.ms, used: budget.ms };
  if (budget.calls !== undefined && spent.calls + open + 1 > budget.calls)
    return { cap: 'calls', bound: budget.calls, used: spent.calls + open };
  const least = mayAsk ? wanted.tokensOut : Math.min(wanted.tokensOut, useful);
  if (budget.tokens !== undefined && roomInTokens(account, wanted) < least)
    return { cap: 'tokens', bound: budget.tokens, used: spent.tokens };
  if (budget.usd !== undefined && roomInMoney(account, wanted) < least)
    return { cap: 'usd', bound: budget.usd, used: spent.usdMicros / 1e6 };
  return undefined;
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

function refuse({ path, remedy }: Account, { cap, bound, used }: Shortage): Decision {
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
  if (first.kind === 'ask') first.at.ask(first.short);
  if (first.kind !== 'grant') return stand(first.at, account, wanted, life, limits);
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
    const waiter: Waiter = { at, account, wanted, useful: limits.outputTokensUseful, life, over, release: undefined };
    at.join(waiter);
    const off = life.onEnd((error) => {
      waiter.at.leave(waiter);
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

/** Lets waiters try at each account. */
function wake(account: Account | undefined): void {
  for (let one = account; one !== undefined; one = one.above) drain(one);
}

/** Lets waiters try in the order in which they came, until one still has to wait here. */
function drain(one: Account): void {
  for (let waiter = one.waiters[0]; waiter !== undefined; waiter = one.waiters[0]) {
    const next = decide(waiter.account, waiter.wanted, waiter.useful);
    if (next.kind === 'ask') next.at.ask(next.short);
    if ((next.kind === 'wait' || next.kind === 'ask') && next.at === one) break;
    one.leave(waiter);
    if (next.kind === 'wait' || next.kind === 'ask') {
      // Room here, none there: it must stand where the next settlement can wake it.
      next.at.join(waiter);
    } else {
      waiter.over(next.kind === 'refuse' ? next.error : book(waiter.account, waiter.wanted, next.tokensOut));
    }
  }
}
