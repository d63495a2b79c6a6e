import { expect, test } from 'vitest';
import type { Usage } from '../../src/journal/event.ts';
import { agent } from '../../src/index.ts';
import { checkPrices, costUsdMicros, priceOf, rateOf, reservationUsdMicros, savedUsdMicros } from '../../src/model/prices.ts';
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

test('what is written into a cache costs its own price, and a reservation allows for it', () => {
  const price = { in: 3, out: 15, cached: 0.3, written: 3.75 };
  const written: Usage = { ...usage(1000, 100, 400), tokensCacheWritten: 500 };
  expect(costUsdMicros(written, price)).toBe(300 + 120 + 1875 + 1500);
  expect(costUsdMicros(written, { in: 3, out: 15 })).toBe(3000 + 1500);
  expect(reservationUsdMicros(price, 1000, 100)).toBe(3750 + 1500);
  expect(reservationUsdMicros({ ...price, written: 0 }, 1000, 100)).toBe(3000 + 1500);
});

test('what a cache saved is told where its prices are known: less than nothing where it was only written', () => {
  const price = { in: 3, out: 15, cached: 0.3, written: 3.75 };
  expect(savedUsdMicros(usage(1000, 100, 800), price)).toBe(800 * 3 - 800 * 0.3);
  expect(savedUsdMicros({ ...usage(1000, 100), tokensCacheWritten: 800 }, price)).toBe(-600);
  expect(savedUsdMicros(usage(1000, 100), price)).toBeUndefined();
  expect(savedUsdMicros(usage(1000, 100, 800), { in: 3, out: 15 })).toBeUndefined();
  expect(savedUsdMicros({ ...usage(1000, 100, 10), tokensCacheWritten: 1 }, { in: 3, out: 15, cached: 0.3 })).toBeUndefined();
});

test('a cost is rounded half up to whole micro-dollars, once, over the sum', () => {
  expect(costUsdMicros(usage(1, 0), { in: 0.5, out: 0 })).toBe(1);
  expect(costUsdMicros(usage(1, 0), { in: 0.499999, out: 0 })).toBe(0);
  expect(costUsdMicros(usage(1, 1), { in: 0.25, out: 0.25 })).toBe(1);
  expect(costUsdMicros(usage(35, 0), { in: 0.1, out: 0 })).toBe(4); // 3.5, though 35 * 0.1 is 3.5000000000000004 and 0.7 * 5 is not
  expect(costUsdMicros(usage(5, 0), { in: 0.7, out: 0 })).toBe(4);
});

const stepped = {
  in: 3,
  out: 15,
  cached: 0.3,
  over: [
    { tokensIn: 500_000, in: 12, out: 30 },
    { tokensIn: 200_000, in: 6, out: 22.5, cached: 0.6 },
  ],
};

test('a request longer than a step costs that step, all of it; one of exactly its length does not', () => {
  expect(costUsdMicros(usage(200_000, 100, 1000), stepped)).toBe(199_000 * 3 + 300 + 1500);
  expect(costUsdMicros(usage(200_001, 100, 1000), stepped)).toBe(199_001 * 6 + 600 + 2250);
  expect(costUsdMicros(usage(500_001, 100, 1000), stepped)).toBe(500_001 * 12 + 3000);
  expect([0, 200_000, 200_001, 500_000, 500_001].map((tokensIn) => rateOf(stepped, tokensIn).in)).toEqual([3, 3, 6, 6, 12]);
});

test('a price with steps is accepted in a table', () => {
  expect(() => checkPrices({ 'acme/large': stepped, 'acme/small': { in: 1, out: 2, over: [] } })).not.toThrow();
});

test.each([
  [{ in: 1, out: 1, over: 3 }, 'has a number as over, which is a list of { tokensIn, in, out, cached, written }'],
  [{ in: 1, out: 1, over: [3] }, 'is a number in over[0]'],
  [{ in: 1, out: 1, over: [{ in: 1, out: 1 }] }, "has no 'tokensIn' in over[0]"],
  [{ in: 1, out: 1, over: [{ tokensIn: 1.5, in: 1, out: 1 }] }, 'says tokensIn: 1.5, no whole number in over[0]'],
  [{ in: 1, out: 1, over: [{ tokensIn: -1, in: 1, out: 1 }] }, 'says tokensIn: -1 in over[0]'],
  [{ in: 1, out: 1, over: [{ tokensIn: 1, in: 1, out: -1 }] }, 'says out: -1 in over[0]'],
  [{ in: 1, out: 1, over: [{ tokensIn: 1, in: 1 }] }, "has no 'out'; it has tokensIn, in in over[0]"],
  [{ in: 1, out: 1, over: [{ tokensIn: 1, in: 1, out: 1, over: [] }] }, "has 'over', which is no part of a price in over[0]"],
  [{ in: 1, out: 1, tokensIn: 1 }, "has 'tokensIn', which is no part of a price"],
])('a step that is none (%j) is refused by name', (price, why) => {
  expect(() => checkPrices({ 'acme/*': price as never })).toThrow(`The price "acme/*" ${why}: write`);
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
      message: `The price "acme/*" ${why}: write { in, out, cached, written } in USD per million tokens, 0 or more.`,
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

test('a provider stands for all of its APIs, and a key of its own goes before', () => {
  const table = { 'openai/gpt-5': { in: 1, out: 1 }, 'openai.chat/gpt-5': { in: 2, out: 2 }, 'openai/*': { in: 3, out: 3 } };
  const price = (model: string): number | undefined => priceOf(table, model)?.in;
  expect([price('openai/gpt-5'), price('openai.responses/gpt-5'), price('openai.chat/gpt-5'), price('openai.chat/my-ft')]).toEqual([
    1, 1, 2, 3,
  ]);
  expect([price('openai.azure/x/y'), price('http://a.b/v1#openai/gpt-5'), price('openaix/gpt-5')]).toEqual([3, undefined, undefined]);
});
