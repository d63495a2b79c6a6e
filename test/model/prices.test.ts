import { expect, test } from 'vitest';
import type { Usage } from '../../src/journal/event.ts';
import { costUsdMicros, priceOf } from '../../src/model/prices.ts';

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
  { in: -1, out: 1 },
  { in: Number.NaN, out: 1 },
  { in: 1, out: 1, cached: Infinity },
])('a price that is no amount is refused by name', (price) => {
  expect(() => priceOf({ 'acme/*': price }, 'acme/x')).toThrow(
    expect.objectContaining({ code: 'MISCONFIGURED', message: expect.stringContaining('"acme/*"') as string }) as Error,
  );
});
