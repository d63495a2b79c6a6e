import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partialJson } from '../../src/model/partial.ts';

/** Whether the one may still become the other: strings and lists that begin alike, objects with some of its fields. */
function mayBecome(part: unknown, whole: unknown): boolean {
  if (typeof part === 'string') return typeof whole === 'string' && whole.startsWith(part);
  if (Array.isArray(part))
    return Array.isArray(whole) && part.length <= whole.length && part.every((item, nth) => mayBecome(item, whole[nth]));
  if (typeof part !== 'object' || part === null) return Object.is(part, whole);
  if (typeof whole !== 'object' || whole === null || Array.isArray(whole)) return false;
  return Object.entries(part).every(([key, value]) => Object.hasOwn(whole, key) && mayBecome(value, whole[key as never]));
}

const value = fc.oneof(
  fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()),
  fc.array(fc.jsonValue()),
  fc.string({ unit: 'binary' }),
);
// -0 is 0 in JSON, and JSON.parse makes no own '__proto__' otherwise than this.
const asJson = (given: unknown): unknown => JSON.parse(JSON.stringify(given));

test('what is read of JSON that is cut anywhere may still become the whole, and the whole is read as it is', () => {
  fc.assert(
    fc.property(value, fc.double({ min: 0, max: 1, noNaN: true }), fc.constantFrom(0, 2), (given, share, indent) => {
      const whole = asJson(given);
      const text = JSON.stringify(whole, undefined, indent);
      const part = partialJson(text.slice(0, Math.floor(share * text.length)));
      expect(part === undefined || mayBecome(part, whole)).toBe(true);
      expect(partialJson(text)).toEqual(whole);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ['', undefined],
  ['Here it is: ', undefined],
  ['```json\n{"a": 1', {}],
  ['```json\n{"a": 1, ', { a: 1 }],
  ['{"a": tru', {}],
  ['{"a": "x\\u00', { a: 'x' }],
  ['{"a": "x\\', { a: 'x' }],
  ['{"a": [1, 22, 3', { a: [1, 22] }],
  ['{"a": {"b": "c", "d', { a: { b: 'c' } }],
  ['{"a": "he said \\"hi\\', { a: 'he said "hi' }],
])('%j is read as %j', (text, value) => {
  expect(partialJson(text)).toEqual(value);
});
