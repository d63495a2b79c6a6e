import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonical, toJson } from '../../src/agent/canonical.ts';

const json = fc.jsonValue({ stringUnit: 'grapheme' });

function shuffled(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shuffled);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]: [string, unknown]) => [key, shuffled(item)] as const)
      .toReversed(),
  );
}

test('every JSON value passes the door, equal to what its JSON text says', () => {
  fc.assert(
    fc.property(json, (value) => {
      expect(JSON.stringify(toJson(value, 'x'))).toBe(JSON.stringify(value));
      const parsed: unknown = JSON.parse(JSON.stringify(value));
      expect(toJson(parsed, 'x')).toEqual(parsed);
    }),
  );
});

test('the canonical text parses back to the value and does not depend on the order of properties', () => {
  fc.assert(
    fc.property(json, (value) => {
      const text = canonical(value);
      expect(canonical(JSON.parse(text))).toBe(text);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonical(shuffled(value))).toBe(text);
    }),
  );
});

test('whatever the door lets through reads back from its JSON text as the same value', () => {
  fc.assert(
    fc.property(fc.anything({ withDate: true, withMap: true, withBigInt: true, withSparseArray: true }), (value) => {
      let out: unknown;
      try {
        out = toJson(value, 'x');
      } catch (error) {
        expect(error).toMatchObject({ code: 'NOT_JSON' });
        return;
      }
      expect(canonical(JSON.parse(JSON.stringify(out)))).toBe(canonical(out));
      expect(toJson(out, 'x')).toEqual(out);
    }),
  );
});
