import { describe, expect, test } from 'vitest';
import type { Budget } from '../../src/agent/budget.ts';
import { AmdahlError } from '../../src/agent/errors.ts';
import type { Place } from '../../src/journal/event.ts';
import { Account, decide, type Reservation, reserve, type Wanted } from '../../src/run/account.ts';
import { Life } from '../../src/run/life.ts';
import { DEFAULT_LIMITS } from '../../src/run/limits.ts';
import { failure, refusal } from '../support/trial.ts';

const limits = { ...DEFAULT_LIMITS, outputTokensUseful: 10, queue: 3 };
const account = (budget: Budget, above?: Account, name = 'a'): Account => new Account(name as Place, name, budget, above);
const wanted = (tokensIn: number, tokensOut: number, price?: Wanted['price']): Wanted => ({
  tokensIn,
  tokensOut,
  price,
  model: 'm',
});

function granted(at: Account | undefined, what: Wanted): Reservation {
  const reserved = reserve(at, what, new Life(), limits);
  if (reserved instanceof Promise) throw new Error('it waits');
  return reserved;
}

function waiting(at: Account, what: Wanted, life = new Life()): Promise<Reservation> {
  const reserved = reserve(at, what, life, limits);
  if (!(reserved instanceof Promise)) throw new Error('it does not wait');
  return reserved;
}

describe('a reservation', () => {
  test('without any budget is granted as wanted', () => {
    expect(granted(undefined, wanted(5, 100))).toMatchObject({ tokensIn: 5, tokensOut: 100, capped: false });
  });

  test('takes its input and output from every account above it, and gives back what was not spent', () => {
    const outer = account({ tokens: 1_000 }, undefined, 'outer');
    const inner = account({ tokens: 500 }, outer, 'inner');
    const one = granted(inner, wanted(100, 200));
    expect([inner.reservedTokens, outer.reservedTokens, inner.open]).toEqual([300, 300, 1]);
    one.settle({ tokens: 120, usdMicros: 7 });
    expect([inner.reservedTokens, outer.reservedTokens, inner.open]).toEqual([0, 0, 0]);
    expect([inner.spent, outer.spent]).toEqual([
      { calls: 1, tokens: 120, usdMicros: 7 },
      { calls: 1, tokens: 120, usdMicros: 7 },
    ]);
  });

  test('is settled once, however often that is said', () => {
    const one = account({ tokens: 1_000 });
    const reserved = granted(one, wanted(1, 10));
    for (let again = 0; again < 3; again += 1) reserved.settle({ tokens: 5, usdMicros: 0 });
    expect(one.spent).toEqual({ calls: 1, tokens: 5, usdMicros: 0 });
  });

  test('that was never sent costs nothing, not even a call', () => {
    const one = account({ calls: 1 });
    granted(one, wanted(1, 10)).settle(undefined);
    expect(one.spent.calls).toBe(0);
    expect(granted(one, wanted(1, 10)).tokensOut).toBe(10);
  });

  test('is capped at the least room of all accounts above it', () => {
    const outer = account({ tokens: 150 }, undefined, 'outer');
    const inner = account({ tokens: 500 }, outer, 'inner');
    expect(granted(inner, wanted(100, 200))).toMatchObject({ tokensOut: 50, capped: true });
  });

  test('in dollars counts input and output at their prices', () => {
    const one = account({ usd: 0.001 });
    expect(granted(one, wanted(100, 200, { in: 2, out: 8 }))).toMatchObject({ tokensOut: 100, capped: true });
    expect(one.reservedUsdMicros).toBe(1_000);
  });

  test('with free output is bounded by its input alone', () => {
    const one = account({ usd: 0.0001 });
    expect(granted(one, wanted(100, 99_999, { in: 1, out: 0 }))).toMatchObject({ tokensOut: 99_999, capped: false });
    expect(refusal(() => granted(account({ usd: 0.0001 }), wanted(101, 1, { in: 1, out: 0 }))).code).toBe('BUDGET_EXCEEDED');
  });

  test('that is smaller than what is useful needs only itself', () => {
    expect(granted(account({ tokens: 8 }), wanted(3, 5))).toMatchObject({ tokensOut: 5, capped: false });
  });
});

describe('deciding', () => {
  test.each([
    ['calls', account({ calls: 0 }), wanted(1, 1), { cap: 'calls', bound: 0, used: 0, of: 'a' }],
    ['tokens', account({ tokens: 10 }), wanted(11, 1), { cap: 'tokens', bound: 10, used: 0, of: 'a' }],
    ['usd', account({ tokens: 1_000, usd: 0.00001 }), wanted(11, 1, { in: 1, out: 1 }), { cap: 'usd', bound: 0.00001, used: 0, of: 'a' }],
  ] as const)('refuses by %s and says which cap of whose', (_, at, what, data) => {
    const decision = decide(at, what, 10);
    expect(decision).toMatchObject({ kind: 'refuse', error: { code: 'BUDGET_EXCEEDED', data } });
  });

  test('refuses a price that is not known before anything else is counted', () => {
    expect(decide(account({ usd: 1 }), wanted(1, 1), 10)).toMatchObject({ kind: 'refuse', error: { code: 'PRICE_UNKNOWN' } });
  });

  test('does not wait for a count of calls: what is in flight never comes back', () => {
    const one = account({ calls: 1 });
    granted(one, wanted(1, 1));
    expect(decide(one, wanted(1, 1), 10).kind).toBe('refuse');
  });

  test('waits at the account that has no room, and only while something there is open', () => {
    const outer = account({ tokens: 100 }, undefined, 'outer');
    const busy = account({ tokens: 10_000 }, outer, 'busy');
    const idle = account({ tokens: 10_000 }, outer, 'idle');
    const open = granted(busy, wanted(10, 85));
    expect(decide(idle, wanted(10, 85), 10)).toEqual({ kind: 'wait', at: outer });
    open.settle({ tokens: 95, usdMicros: 0 });
    expect(decide(idle, wanted(10, 85), 10)).toMatchObject({ kind: 'refuse', error: { data: { of: 'outer' } } });
  });
});

describe('those who wait', () => {
  test('are served in the order in which they came', async () => {
    const one = account({ tokens: 100 });
    const open = granted(one, wanted(10, 80));
    const order: string[] = [];
    const first = waiting(one, wanted(10, 50)).then((reserved) => (order.push('first'), reserved));
    const second = waiting(one, wanted(10, 30)).then((reserved) => (order.push('second'), reserved));
    open.settle({ tokens: 0, usdMicros: 0 });
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    expect(one.waiters).toEqual([]);
  });

  test('are refused when the last open reservation leaves them no room', async () => {
    const one = account({ tokens: 100 });
    const open = granted(one, wanted(10, 80));
    const error = failure(waiting(one, wanted(50, 50)));
    open.settle({ tokens: 90, usdMicros: 0 });
    expect(await error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { used: 90 } });
  });

  test('leave the queue when they are cancelled, and those behind them are served', async () => {
    const one = account({ tokens: 100 });
    const open = granted(one, wanted(10, 80));
    const [impatient, patient] = [new Life(), new Life()];
    const gone = failure(waiting(one, wanted(10, 80), impatient));
    const served = waiting(one, wanted(10, 80), patient);
    impatient.end(new AmdahlError('CANCELLED', 'no more'));
    expect((await gone).message).toBe('no more');
    expect(one.waiters).toHaveLength(1);
    open.settle({ tokens: 0, usdMicros: 0 });
    expect((await served).tokensOut).toBe(80);
    expect(one.open).toBe(1);
  });

  test('and are all cancelled at once leave nothing behind', async () => {
    const one = account({ tokens: 100 });
    granted(one, wanted(10, 80));
    const life = new Life();
    const all = Promise.all([1, 2, 3].map(async () => (await failure(waiting(one, wanted(10, 80), new Life(life)))).code));
    life.end(new AmdahlError('TIMEOUT', 'late'));
    expect(await all).toEqual(['TIMEOUT', 'TIMEOUT', 'TIMEOUT']);
    expect(one.waiters).toEqual([]);
  });

  test('whose life is over already do not queue up', async () => {
    const one = account({ tokens: 100 });
    granted(one, wanted(10, 80));
    const life = new Life();
    life.end(new AmdahlError('CANCELLED', 'over'));
    expect((await failure(waiting(one, wanted(10, 80), life))).code).toBe('CANCELLED');
    expect(one.waiters).toEqual([]);
  });

  test('move on to the next account that has no room, and are served when that has', async () => {
    const outer = account({ tokens: 130 }, undefined, 'outer');
    const left = account({ tokens: 85 }, outer, 'left');
    const right = account({}, outer, 'right');
    const inLeft = granted(left, wanted(10, 60));
    const inRight = granted(right, wanted(10, 50));
    const waits = waiting(left, wanted(10, 20));
    expect([left.waiters.length, outer.waiters.length]).toEqual([1, 0]);
    inLeft.settle({ tokens: 60, usdMicros: 0 });
    expect([left.waiters.length, outer.waiters.length]).toEqual([0, 1]);
    inRight.settle({ tokens: 10, usdMicros: 0 });
    expect((await waits).tokensOut).toBe(15);
    expect([left.waiters.length, outer.waiters.length, outer.open]).toEqual([0, 0, 1]);
  });

  test('are bounded in number, by name', () => {
    const one = account({ tokens: 100 });
    granted(one, wanted(10, 80));
    for (let nth = 0; nth < 3; nth += 1) waiting(one, wanted(10, 80)).catch(() => {});
    expect(refusal(() => reserve(one, wanted(10, 80), new Life(), limits))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      data: { limit: 'queue', bound: 3 },
    });
  });
});
