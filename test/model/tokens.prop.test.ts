import fc from 'fast-check';
import { expect, test } from 'vitest';
import { estimateTokens } from '../../src/model/tokens.ts';

const text = fc.string({ unit: 'binary', maxLength: 200 });
const words = fc
  .array(fc.oneof(fc.lorem(), fc.webUrl(), fc.string(), fc.constantFrom('\n', '  ', '{', '"', '漢字', 'é')), { maxLength: 30 })
  .map((parts) => parts.join(' '));

test('an estimate is a whole number between none and two for each UTF-16 unit', () => {
  fc.assert(
    fc.property(fc.oneof(text, words), (value) => {
      const tokens = estimateTokens(value);
      expect(Number.isInteger(tokens)).toBe(true);
      expect(tokens).toBeGreaterThanOrEqual(value.trim() === '' ? 0 : 1);
      expect(tokens).toBeLessThanOrEqual(Math.ceil(value.length * 2));
    }),
  );
});

test('cutting a text in two changes its estimate by a few tokens at most', () => {
  fc.assert(
    fc.property(fc.oneof(text, words), fc.oneof(text, words), (a, b) => {
      expect(Math.abs(estimateTokens(a + b) - estimateTokens(a) - estimateTokens(b))).toBeLessThanOrEqual(4);
    }),
  );
});
