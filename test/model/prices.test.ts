import { expect, test } from 'vitest';
import type { Usage } from '../../src/journal/event.ts';
import { agent } from '../../src/index.ts';
import { checkPrices, costUsdMicros, priceOf } from '../../src/model/prices.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

function usage(tokensIn: number, tokensOut: number, tokensCached = 0): Usage {
  return { tokensIn, tokensOut, tokensCached, tokensReasoning: 0 };
}

const table = {
  'acme/large': { in: 3, out: 15, cached: 0.3 },
  'acme/*': { in: 1, out: 2 },
  'acme/large-*': { in: 4, out: 20 },
  '*': { in: 9, out: 9 },
};

test('the exact key wins, then the longest prefix that fits', () => {
  expect(priceOf(table, 'acme/large')).toEqual({ in: 3, out: 15, cached: 0.3 });
  expect(priceOf(table, 'acme/large-2026')).toEqual({ in: 4, out: 20 });
  expect(priceOf(table, 'acme/small')).toEqual({ in: 1, out: 2 });
  expect(priceOf(table, 'other/x')).toEqual({ in: 9, out: 9 });
});

test('a model without a price has none: not zero', () => {
  expect(priceOf({ 'acme/large': { in: 3, out: 15 } }, 'acme/larger')).toBeUndefined();
  expect(priceOf({}, 'toString')).toBeUndefined();
});

test('cached input costs its own price, or the input price where none is said', () => {
  expect(costUsdMicros(usage(1000, 100, 800), { in: 3, out: 15, cached: 0.3 })).toBe(600 + 240 + 1500);
  expect(costUsdMicros(usage(1000, 100, 800), { in: 3, out: 15 })).toBe(3000 + 1500);
});

test('a cost is rounded half up to whole micro-dollars, once, over the sum', () => {
  expect(costUsdMicros(usage(1, 0), { in: 0.5, out: 0 })).toBe(1);
  expect(costUsdMicros(usage(1, 0), { in: 0.499999, out: 0 })).toBe(0);
  expect(costUsdMicros(usage(1, 1), { in: 0.25, out: 0.25 })).toBe(1);
  expect(costUsdMicros(usage(35, 0), { in: 0.1, out: 0 })).toBe(4); // 3.5, though 35 * 0.1 is 3.5000000000000004 and 0.7 * 5 is not
  expect(costUsdMicros(usage(5, 0), { in: 0.7, out: 0 })).toBe(4);
});

test.each([
  [{ in: -1, out: 1 }, 'says in: -1'],
  [{ in: Number.NaN, out: 1 }, 'says in: NaN'],
  [{ in: 1, out: 1, cached: Infinity }, 'says cached: Infinity'],
  [{ in: '3', out: 15 }, 'says in: 3'],
  [{ input: 3, output: 15 }, "has no 'in'; it has input, output"],
  [{ in: 3 }, "has no 'out'; it has in"],
  [{}, "has no 'in'; it has nothing"],
  [{ in: 3, out: 15, cache: 1 }, "has 'cache', which is no part of a price"],
  [3, 'is a number'],
  [undefined, 'is nothing'],
])('a price that is none (%j) is refused by name', (price, why) => {
  expect(() => checkPrices({ 'acme/large': { in: 3, out: 15, cached: 0.3 }, 'acme/*': price as never })).toThrow(
    expect.objectContaining({
      code: 'MISCONFIGURED',
      message: `The price "acme/*" ${why}: write { in, out, cached } in USD per million tokens, 0 or more.`,
    }) as Error,
  );
});

test('a price table is looked at when the run begins, also for models that are not asked', async () => {
  const model = scripted([{ text: 'ok' }]);
  const say = agent({ name: 'say', model, instructions: 'x' });
  const trial = new Trial({ prices: { 'other/*': { input: 1, output: 2 } as never } });
  expect(await trial.fails(say, 'x')).toMatchObject({ code: 'MISCONFIGURED' });
  expect(await trial.journal.rows()).toEqual([]);
  expect(() => checkPrices({ free: { in: 0, out: 0, cached: undefined as never } })).not.toThrow();
});
