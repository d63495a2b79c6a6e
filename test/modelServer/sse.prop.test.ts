import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pieces } from '../../src/modelServer/sse.ts';

test('pieces make the text again, none is empty, and none tears a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.oneof(fc.nat(9), fc.constant(Infinity)), (text, size) => {
      const all = pieces(text, size);
      expect(all.join('')).toBe(text);
      for (const piece of all) {
        expect(piece).not.toBe('');
        expect(piece.isWellFormed()).toBe(true);
        expect([...piece].length).toBeLessThanOrEqual(Math.max(1, size));
      }
    }),
  );
});
