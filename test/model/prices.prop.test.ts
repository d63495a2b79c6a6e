import fc from 'fast-check';
import { expect, test } from 'vitest';
import { costUsdMicros } from '../../src/model/prices.ts';

const tokens = fc.nat(10_000_000);
const price = fc.nat(100_000_000).map((millionths) => millionths / 1e6);

test('the cost is the nearest whole number to the exact one, and never falls when tokens are added', () => {
  fc.assert(
    fc.property(tokens, tokens, tokens, price, price, price, price, (tokensIn, more, tokensOut, inPrice, outPrice, cached, written) => {
      const tokensCached = Math.min(tokensIn, more);
      const tokensCacheWritten = Math.floor((tokensIn - tokensCached) / 2);
      const table = { in: inPrice, out: outPrice, cached, written };
      const used = { tokensOut, tokensCached, tokensCacheWritten, tokensReasoning: 0 };
      const cost = costUsdMicros({ ...used, tokensIn }, table);
      const fresh = tokensIn - tokensCached - tokensCacheWritten;
      const near = fresh * inPrice + tokensCached * cached + tokensCacheWritten * written + tokensOut * outPrice;
      expect(Number.isInteger(cost)).toBe(true);
      expect(Math.abs(cost - near)).toBeLessThanOrEqual(0.5 + near * 1e-12);
      const larger = costUsdMicros({ ...used, tokensIn: tokensIn + more }, table);
      expect(larger).toBeGreaterThanOrEqual(cost);
    }),
  );
});
