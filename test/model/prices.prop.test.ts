import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costUsdMicros } from '../../src/model/prices.ts';

const tokens = fc.nat(10_000_000);
const price = fc.nat(100_000_000).map((millionths) => millionths / 1e6);

test('the cost is the nearest whole number to the exact one, and never falls when tokens are added', () => {
  fc.assert(
    fc.property(tokens, tokens, tokens, price, price, price, (tokensIn, more, tokensOut, inPrice, outPrice, cached) => {
      const tokensCached = Math.min(tokensIn, more);
      const table = { in: inPrice, out: outPrice, cached };
      const cost = costUsdMicros({ tokensIn, tokensOut, tokensCached, tokensReasoning: 0 }, table);
      const near = (tokensIn - tokensCached) * inPrice + tokensCached * cached + tokensOut * outPrice;
      expect(Number.isInteger(cost)).toBe(true);
      expect(Math.abs(cost - near)).toBeLessThanOrEqual(0.5 + near * 1e-12);
      const larger = costUsdMicros({ tokensIn: tokensIn + more, tokensOut, tokensCached, tokensReasoning: 0 }, table);
      expect(larger).toBeGreaterThanOrEqual(cost);
    }),
  );
});
