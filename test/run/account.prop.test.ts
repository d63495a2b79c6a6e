// I8 over random schedules of many requests at once: sent, answered, failed, taken back, and their calls ended.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Budget } from '../../src/agent/budget.ts';
import { AmdahlError } from '../../src/agent/errors.ts';
import type { Place } from '../../src/journal/event.ts';
import { Account, type Reservation, reserve } from '../../src/run/account.ts';
import { Life } from '../../src/run/life.ts';
import { DEFAULT_LIMITS } from '../../src/run/limits.ts';

const limits = { ...DEFAULT_LIMITS, outputTokensUseful: 20 };
const price = { in: 3, out: 15 };

type Step =
  | { readonly do: 'reserve'; readonly by: number; readonly tokensIn: number; readonly tokensOut: number }
  /** `share` of what was reserved was used; undefined: never sent. */
  | { readonly do: 'settle'; readonly which: number; readonly share: number | undefined }
  | { readonly do: 'end'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      by: fc.nat(3),
      tokensIn: fc.nat(200),
      tokensOut: fc.integer({ min: 1, max: 400 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(20),
      share: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(20) }) },
);
const caps: fc.Arbitrary<Budget> = fc.record(
  { calls: fc.nat(10), tokens: fc.nat(2_000), usd: fc.nat(20_000).map((micros) => micros / 1e6) },
  { requiredKeys: [] },
);

/** Requests of four calls in a tree: the run, two below it, and one below the first of these. */
class Schedule {
  readonly accounts: readonly Account[];
  readonly granted: Reservation[] = [];
  readonly lives: Life[] = [];
  refused = 0;
  waited = 0;

  constructor([top = {}, left = {}, right = {}, below = {}]: readonly Budget[]) {
    const made = (name: string, budget: Budget, above?: Account): Account => new Account(name as Place, name, budget, above);
    const root = made('run', top);
    const first = made('left', left, root);
    this.accounts = [root, first, made('right', right, root), made('below', below, first)];
  }

  async play(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      this.#play(one);
      await Promise.resolve();
      for (const account of this.accounts) expectKept(account);
    }
  }

  #play(one: Step): void {
    switch (one.do) {
      case 'reserve':
        return this.#reserve(one);
      case 'settle': {
        const [reserved] = this.granted.splice(one.which % Math.max(1, this.granted.length), 1);
        if (reserved === undefined) return;
        const { share } = one;
        if (share === undefined) return reserved.settle(undefined);
        const tokensOut = Math.floor(reserved.tokensOut * share);
        reserved.settle({
          tokens: reserved.tokensIn + tokensOut,
          usdMicros: Math.floor(reserved.tokensIn * price.in + tokensOut * price.out),
        });
        return;
      }
      case 'end':
        this.lives[one.which % Math.max(1, this.lives.length)]?.end(new AmdahlError('CANCELLED', 'It was taken back.'));
    }
  }

  #reserve({ by, tokensIn, tokensOut }: Extract<Step, { do: 'reserve' }>): void {
    const life = new Life();
    this.lives.push(life);
    const keep = (reserved: Reservation): void => void this.granted.push(reserved);
    try {
      const reserved = reserve(this.accounts[by], { tokensIn, tokensOut, price, model: 'm' }, life, limits);
      if (!(reserved instanceof Promise)) return keep(reserved);
      this.waited += 1;
      reserved.then(keep, () => (this.refused += 1));
    } catch (thrown) {
      if (!(thrown instanceof AmdahlError) || thrown.code !== 'BUDGET_EXCEEDED') throw thrown;
      this.refused += 1;
    }
  }
}

function expectKept({ budget, spent, open, reservedTokens, reservedUsdMicros }: Account): void {
  if (budget.calls !== undefined) expect(spent.calls + open).toBeLessThanOrEqual(budget.calls);
  if (budget.tokens !== undefined) expect(spent.tokens + reservedTokens).toBeLessThanOrEqual(budget.tokens);
  if (budget.usd !== undefined) expect(spent.usdMicros + reservedUsdMicros).toBeLessThanOrEqual(Math.round(budget.usd * 1e6) + 1e-6);
}

test('in every account what is settled and reserved keeps to the cap, and at the end nothing is open and nobody waits', async () => {
  let [refused, waited] = [0, 0];
  await fc.assert(
    fc.asyncProperty(fc.array(caps, { minLength: 4, maxLength: 4 }), fc.array(step, { maxLength: 40 }), async (budgets, steps) => {
      const schedule = new Schedule(budgets);
      await schedule.play(steps);
      for (let left = schedule.granted.shift(); left !== undefined; left = schedule.granted.shift()) {
        left.settle(undefined);
        await Promise.resolve();
      }
      for (const { open, waiters, reservedTokens, reservedUsdMicros } of schedule.accounts)
        expect([open, waiters.length, reservedTokens, Math.abs(reservedUsdMicros) < 1e-6]).toEqual([0, 0, 0, true]);
      refused += schedule.refused;
      waited += schedule.waited;
    }),
    { numRuns: 10_000 },
  );
  // It was tight enough to mean something.
  expect(Math.min(refused, waited)).toBeGreaterThan(500);
});
