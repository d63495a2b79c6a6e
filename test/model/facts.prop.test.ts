import { calcPrice, findProvider } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { type Facts, factsOf } from '../../src/model/facts.ts';
import { costUsdMicros, priceOf, rateOf } from '../../src/model/prices.ts';

// Every model of every provider that is covered: its ids as AI SDK models would carry them.
const PROVIDERS = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'google',
  mistral: 'mistral',
  groq: 'groq',
  xai: 'x-ai',
  openrouter: 'openrouter',
  'amazon-bedrock': 'aws',
  cerebras: 'cerebras',
  cohere: 'cohere',
  deepseek: 'deepseek',
  fireworks: 'fireworks',
  moonshotai: 'moonshotai',
  perplexity: 'perplexity',
  togetherai: 'together',
};
const entries = Object.entries(PROVIDERS).flatMap(([name, providerId]) =>
  (findProvider({ providerId })?.models ?? []).map(({ id, prices }) => ({
    model: `${name}/${id}`,
    id,
    providerId,
    changes: Array.isArray(prices) && prices.some(({ constraint }) => constraint?.type === 'time_of_date'),
  })),
);

const usages = fc
  .record({
    tokensIn: fc.oneof(fc.nat(3_000_000), fc.nat(300_000)),
    tokensOut: fc.nat(300_000),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ tokensIn, tokensOut, share }) => ({ tokensIn, tokensOut, tokensCached: Math.floor(tokensIn * share), tokensReasoning: 0 }));
const times = fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2027, 6, 1) });

function theirs(
  entry: { id: string; providerId: string },
  usage: { tokensIn: number; tokensOut: number; tokensCached: number },
  time: number,
) {
  const counted = { input_tokens: usage.tokensIn, cache_read_tokens: usage.tokensCached, output_tokens: usage.tokensOut };
  return calcPrice(counted, entry.id, { providerId: entry.providerId, timestamp: new Date(time) });
}

let known: Facts;
beforeAll(async () => {
  known = await factsOf('openai/gpt-5', 0);
});

function factsNow(model: string, time: number): Facts {
  const facts = factsOf(model, time);
  if (facts instanceof Promise) throw new Error('not loaded');
  return facts;
}

test('there are many models to hold the laws against', () => {
  expect(known.price).toBeDefined();
  expect(entries.length).toBeGreaterThan(1000);
  expect(entries.filter(({ changes }) => changes).length).toBeGreaterThan(0);
});

test("our cost is the package's own, for every model, usage and time; by the time of day it is never below", () => {
  let priced = 0;
  fc.assert(
    fc.property(usages, times, (usage, time) => {
      for (const entry of entries) {
        const { price } = factsNow(entry.model, time);
        const result = theirs(entry, usage, time);
        if (price === undefined || result === null) continue;
        priced += 1;
        const [ours, exact] = [costUsdMicros(usage, price), result.total_price * 1e6];
        const near = 0.5 + exact * 1e-9;
        if (entry.changes ? ours < exact - near : Math.abs(ours - exact) > near) {
          expect.fail(`${entry.model}: ${ours} against ${exact} for ${JSON.stringify({ usage, price, theirs: result.model_price })}`);
        }
      }
    }),
    { numRuns: 15 },
  );
  expect(priced).toBeGreaterThan(15 * 1000);
});

test('a model without a price is not known, or paid otherwise: by the request, the hour, the page, or for kinds of tokens that are not counted', () => {
  for (const entry of entries) {
    const result = theirs(entry, { tokensIn: 0, tokensOut: 0, tokensCached: 0 }, 0);
    const keys = Object.keys(result?.model_price ?? {});
    const half = keys.length > 0 && !(keys.includes('input_mtok') && keys.includes('output_mtok'));
    const unpriced = result === null || half || keys.some((key) => /^(requests|output_(reasoning|citation))_/.test(key));
    expect([entry.model, factsNow(entry.model, 0).price === undefined]).toEqual([entry.model, unpriced]);
  }
});

test('a price by the time of day is reached at some time of that day', () => {
  const usage = { tokensIn: 1e6, tokensOut: 1e6, tokensCached: 0, tokensReasoning: 0 };
  fc.assert(
    fc.property(fc.constantFrom(...entries.filter(({ changes }) => changes)), times, (entry, time) => {
      const price = factsNow(entry.model, time).price ?? { in: -1, out: -1 };
      const midnight = Math.floor(time / 86_400_000) * 86_400_000;
      const day = Array.from({ length: 96 }, (_, quarter) =>
        Math.round((theirs(entry, usage, midnight + quarter * 900_000)?.total_price ?? 0) * 1e6),
      );
      expect(Math.max(...day)).toBe(costUsdMicros(usage, price));
    }),
  );
});

test("the user's own price wins over what is known", () => {
  const own = { in: 7, out: 9 };
  fc.assert(
    fc.property(fc.constantFrom(...entries), fc.nat(3), ({ model }, cut) => {
      const key = cut === 0 ? model : `${model.slice(0, -cut)}*`;
      expect(priceOf({ [key]: own }, model) ?? factsNow(model, 0).price).toBe(own);
    }),
  );
});

test('a reservation by a right estimate covers the request on both sides of a step', () => {
  const stepped = entries.filter(({ model }) => factsNow(model, Date.UTC(2026, 9, 1)).price?.over !== undefined);
  expect(stepped.length).toBeGreaterThan(10);
  fc.assert(
    fc.property(fc.constantFrom(...stepped), fc.integer({ min: -2, max: 2 }), fc.nat(1000), ({ model }, off, tokensOut) => {
      const price = factsNow(model, Date.UTC(2026, 9, 1)).price ?? { in: -1, out: -1 };
      const tokensIn = (price.over?.[0]?.tokensIn ?? 0) + off;
      const rate = rateOf(price, tokensIn);
      expect(rate.in).toBe(off > 0 ? price.over?.[0]?.in : price.in);
      const cost = costUsdMicros({ tokensIn, tokensOut, tokensCached: 0, tokensReasoning: 0 }, price);
      expect(Math.ceil(tokensIn * rate.in + tokensOut * rate.out)).toBeGreaterThanOrEqual(cost - 1);
    }),
  );
});
