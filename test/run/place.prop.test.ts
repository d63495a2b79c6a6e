import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RunId } from '../../src/journal/event.ts';
import { askerPlace, callPlace, rootAsker } from '../../src/run/place.ts';

const root = rootAsker('r' as RunId);
const nth = fc.oneof(fc.nat(5), fc.constantFrom('0', '1', 'key:0', 'a', ''));
const text = fc.constantFrom('', 'a', 'b', '1', '1:a', 'a1', 'key:', ':', 'call');
const call = fc.tuple(text, text, nth);

test('two calls of one asker have the same place exactly when agent, input and count or key are the same', () => {
  fc.assert(
    fc.property(call, call, (one, other) => {
      const [a, b] = [callPlace(root, ...one), callPlace(root, ...other)];
      expect(a === b).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
    { numRuns: 2_000 },
  );
});

test('a key is never a count: "0" and 0 are two places', () => {
  expect(callPlace(root, 'a', 'h', '0')).not.toBe(callPlace(root, 'a', 'h', 0));
});

test('askers differ by what is above them, by kind and by index, and are never calls', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, fc.nat(3)), { maxLength: 4 }),
      fc.array(fc.tuple(text, fc.nat(3)), { maxLength: 4 }),
      (one, other) => {
        const [a, b] = [one, other].map((steps) => steps.reduce((place, [kind, index]) => askerPlace(place, kind, index), root));
        expect(a === b).toBe(JSON.stringify(one) === JSON.stringify(other));
      },
    ),
  );
  expect(askerPlace(root, 'call', 0)).not.toBe(callPlace(root, '', '', 0));
});

test('a place is 22 characters that may stand in a URL, and depends on the run', () => {
  expect(root).toMatch(/^[\w-]{22}$/);
  expect(rootAsker('s' as RunId)).not.toBe(root);
});
