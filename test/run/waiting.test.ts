import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { agent, type Budget, flow } from '../../src/index.ts';
import type { Place } from '../../src/journal/event.ts';
import { Account, type Reservation, reserve } from '../../src/run/account.ts';
import { Life } from '../../src/run/life.ts';
import { DEFAULT_LIMITS } from '../../src/run/limits.ts';
import { systemClock } from '../../src/run/ports.ts';
import { scripted } from '../../src/testing.ts';
import { failure, Trial } from '../support/trial.ts';

describe('a large request that waits for room in a budget', () => {
  const asks = (account: Account, tokensIn: number, tokensOut: number): Reservation | Promise<Reservation> =>
    reserve(account, { tokensIn, tokensOut, price: undefined, model: 'm' }, new Life(), DEFAULT_LIMITS);
  const little = { tokens: 10, usdMicros: 0 };

  test('is not overtaken by small ones that come later: they stand behind it', async () => {
    const account = new Account('p' as Place, 'p', { tokens: 10_000 }, undefined);
    const open = [asks(account, 100, 2_000), asks(account, 100, 2_000)];
    const served: string[] = [];
    const large = Promise.resolve(asks(account, 7_000, 1_000)).then(() => served.push('large'));
    const small = asks(account, 100, 2_000); // there would be room for it
    expect(small).toBeInstanceOf(Promise);
    const later = Promise.resolve(small).then(() => served.push('small'));
    for (const one of open) (await one).settle(little);
    await Promise.all([large, later]);
    expect(served).toEqual(['large', 'small']);
  });

  test('nor by those of other calls under the same budget, and nobody stands behind what waits elsewhere', () => {
    const above = new Account('above' as Place, 'above', { tokens: 10_000 }, undefined);
    const [one, other] = ['one', 'other'].map((name) => new Account(name as Place, name, { tokens: 5_000 }, above));
    if (one === undefined || other === undefined) throw new Error('two were made');
    expect(asks(one, 100, 4_500)).not.toBeInstanceOf(Promise);
    void asks(one, 100, 1_000); // waits at its own budget
    expect(asks(other, 100, 1_000)).not.toBeInstanceOf(Promise);
    void asks(above, 8_000, 1_000); // waits above them all
    expect(asks(other, 100, 1_000)).toBeInstanceOf(Promise);
  });
});

describe('a request that was not sent', () => {
  test('because its call was cancelled at that moment costs its budget nothing', async () => {
    const model = scripted(() => ({ text: 'hi' }));
    const say = agent({ name: 'say', model, instructions: 'x' });
    const controller = new AbortController();
    const program = flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        await failure(ctx.call(say, 'one', { signal: controller.signal }));
        return await ctx.call(say, 'two');
      },
    });
    const { output } = await new Trial().run(program, 'x', {
      budget: { calls: 1 },
      onEvent: (event) => {
        if (event.kind === 'model.requested') controller.abort();
      },
    });
    expect([output, model.requests.length]).toEqual(['hi', 1]);
  });

  test('because its run was cancelled while it waited for room is not on record as one', async () => {
    const trial = new Trial();
    const model = scripted(async () => {
      await trial.clock.sleep(10);
      return { text: 'hi', tokensIn: 10, tokensOut: 10 };
    });
    const say = agent({ name: 'say', model, instructions: 'x' });
    const both = flow({ name: 'flow', run: (_: string, ctx) => ctx.all([(c) => c.call(say, 'one'), (c) => c.call(say, 'two')]) });
    const controller = new AbortController();
    await trial.fails(both, 'x', {
      budget: { tokens: 4_200 },
      signal: controller.signal,
      onEvent: (event) => {
        if (event.kind === 'limit.waited') controller.abort();
      },
    });
    expect(controller.signal.aborted).toBe(true);
    expect([model.requests.length, (await trial.events('model.requested')).length]).toEqual([1, 1]);
  });
});

test.each([NaN, Infinity, -90_000])(
  'a provider that reports %s tokens does not switch the caps off: they are estimated',
  async (tokensIn) => {
    const model = scripted((_, nth) => (nth === 0 ? { text: 'hi', tokensIn, tokensOut: tokensIn } : { text: 'hi', tokensIn: 90_000 }));
    const say = agent({ name: 'say', model, instructions: 'x' });
    const program = flow({
      name: 'flow',
      budget: { tokens: 100_000 },
      run: async (_: string, ctx) => {
        for (let nth = 0; nth < 5; nth += 1) await ctx.call(say, String(nth));
        return 'all';
      },
    });
    const trial = new Trial();
    expect((await trial.fails(program, 'x')).code).toBe('BUDGET_EXCEEDED');
    expect(model.requests).toHaveLength(3);
    const [first] = await trial.events('model.responded');
    expect(first?.estimated).toBe(true);
    expect(first?.usage.tokensIn).toBeGreaterThan(0);
  },
);

describe('a time budget of nothing lets nothing be sent', () => {
  const none: Budget = { ms: 0 };
  test.each([
    ['the run', undefined, { budget: none }],
    ['an agent', none, {}],
  ])('given to %s', async (_, own, options) => {
    const model = scripted(() => ({ text: 'hi' }));
    const say = agent({ name: 'say', model, instructions: 'x', ...(own === undefined ? {} : { budget: own }) });
    expect(await new Trial().fails(say, 'x', options)).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'ms' } });
    expect(model.requests).toEqual([]);
  });
});

test.each(['calls', 'tokens', 'usd', 'ms'])('a cap on %s without a bound is refused: a journal could not keep it', async (cap) => {
  const trial = new Trial();
  for (const bound of [Infinity, NaN]) {
    const error = await trial.fails(agent({ name: 'say', model: scripted([]), instructions: 'x' }), 'x', { budget: { [cap]: bound } });
    expect(error.code).toBe('MISCONFIGURED');
  }
  expect(await trial.events()).toEqual([]);
});

describe('a time beyond what one timer of Node can wait', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is waited for to its end, and can be given up on the way', () => {
    const rung: string[] = [];
    systemClock.after(2 ** 32, () => rung.push('long'));
    systemClock.after(Infinity, () => rung.push('never'));
    const off = systemClock.after(2 ** 32, () => rung.push('given up'));
    vi.advanceTimersByTime(2 ** 31 + 5);
    off();
    vi.advanceTimersByTime(2 ** 31 - 6);
    expect(rung).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(rung).toEqual(['long']);
    vi.advanceTimersByTime(2 ** 33);
    expect(rung).toEqual(['long']);
  });
});
