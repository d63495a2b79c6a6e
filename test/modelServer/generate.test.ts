import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { conforms } from '../../src/modelServer/conforms.ts';
import { dice } from '../../src/modelServer/dice.ts';
import { generate } from '../../src/modelServer/generate.ts';
import { heightOf } from '../../src/modelServer/height.ts';
import type { Schema } from '../../src/modelServer/wire.ts';

const SEEDS = Array.from({ length: 30 }, (_, seed) => seed);
const object = (properties: object, required: readonly string[] = Object.keys(properties)): Schema => ({
  type: 'object',
  properties,
  required,
});

/** Values by thirty seeds, each of which fits. */
function made(schema: Schema): readonly unknown[] {
  return SEEDS.map((seed) => {
    const value = generate(schema, dice(seed, 'value'));
    expect(conforms(value, schema), `${JSON.stringify(schema)} ${JSON.stringify(value)}`).toBe(true);
    return value;
  });
}

/** An expression of twelve binary operators: what walks it anew for each reference never ends. */
const EXPRESSION: Schema = {
  $ref: '#/$defs/e',
  $defs: {
    e: {
      anyOf: [
        ...Array.from({ length: 12 }, (_, at) => object({ op: { const: `op${at}` }, l: { $ref: '#/$defs/e' }, r: { $ref: '#/$defs/e' } })),
        object({ lit: { type: 'number' } }),
      ],
    },
  },
};

describe('the height of a schema', () => {
  it('is that of its flattest value, and infinite where there is none', () => {
    const list = { type: 'array', items: { type: 'string' } };
    const cases: readonly (readonly [Schema, number])[] = [
      [{ type: 'string' }, 0],
      [{ enum: [{ a: 1 }] }, 0],
      [list, 0],
      [{ ...list, minItems: 1 }, 1],
      [object({ a: { ...list, minItems: 1 } }), 2],
      [object({ a: object({ b: {} }) }, []), 0],
      [{ anyOf: [object({ a: {} }), { type: 'null' }] }, 0],
      [{ allOf: [object({ a: {} }), object({ b: object({ c: {} }) })] }, 2],
      [object({ a: { $ref: '#' } }), Infinity],
      [{ ...object({ a: { $ref: '#' } }), type: ['object', 'null'] }, 0],
      [{ $ref: '#/nowhere' }, Infinity],
      [EXPRESSION, 1],
    ];
    for (const [schema, height] of cases) expect(heightOf(schema, schema), JSON.stringify(schema)).toBe(height);
  });
});

describe('a generated value', () => {
  it('of a type that refers to itself many times comes at once', () => {
    expect(made(EXPRESSION)).toHaveLength(SEEDS.length);
    const pick = { anyOf: Array.from({ length: 12 }, (_, at) => ({ $ref: `#/$defs/t${at}` })) };
    const types = Array.from({ length: 12 }, (_, at) => [`t${at}`, object({ kind: { const: at }, of: at === 11 ? {} : pick })] as const);
    made({ ...object({ root: pick }), $defs: Object.fromEntries(types) });
  });

  it('of a long enumeration comes at once, also where each item must be another', () => {
    const values = Array.from({ length: 10_000 }, (_, at) => `value ${at}`);
    made({ type: 'string', enum: values, minLength: 8 });
    const all = values.slice(0, 500);
    const drawn = generate({ type: 'array', items: { enum: all }, uniqueItems: true, minItems: 500 }, dice(1));
    expect((drawn as readonly string[]).toSorted()).toEqual(all.toSorted()); // what conforms is a list of them
  });

  it('of an enumeration may be an object, whatever the order of its properties', () => {
    expect(conforms({ a: 1, b: 2 }, { enum: [{ b: 2, a: 1 }] })).toBe(true);
    expect(conforms({ a: 1 }, { const: { a: 2 } })).toBe(false);
    made({ type: 'object', enum: [{ b: 2, a: 1 }, 5] });
  });

  it('has what a list must contain as often as it must, and no more often than it may', () => {
    const three = { const: 3 };
    const digits = { type: 'array', items: { type: 'integer', minimum: 0, maximum: 5 }, contains: three };
    const counts = (schema: Schema): readonly number[] =>
      made(schema).map((list) => (list as readonly unknown[]).filter((one) => one === 3).length); // what conforms is a list
    expect(Math.min(...counts({ ...digits, minContains: 3, minItems: 5 }))).toBe(3);
    expect(Math.max(...counts({ ...digits, maxContains: 1, minItems: 6 }))).toBe(1);
    expect(conforms([3, 3], { contains: three, maxContains: 1 })).toBe(false);
    expect(conforms([3], { contains: three, minContains: 2 })).toBe(false);
    expect(conforms([], { contains: three, minContains: 0 })).toBe(true);
  });

  it('has the properties that come with others', () => {
    const schema = { ...object({ a: {}, b: {}, c: {} }, []), dependentRequired: { a: ['b'], b: ['z'] } };
    expect(made(schema).some((value) => Object.hasOwn(value as object, 'z'))).toBe(true); // an object, by its schema
    expect(conforms({ a: '' }, schema)).toBe(false);
    expect(conforms({ a: '' }, { dependencies: { a: ['b'] } })).toBe(false);
  });

  it('has no more properties than it may, and those that a pattern names', () => {
    const twelve = Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`p${at}`, { type: 'string' }]));
    const few = made({ ...object(twelve, ['p7']), maxProperties: 2, additionalProperties: false });
    expect(new Set(few.map((value) => Object.keys(value as object).length))).toEqual(new Set([2])); // objects, by their schema
    made({ type: 'object', patternProperties: { '^x-[a-z]{2}$': { type: 'integer' } }, additionalProperties: false, minProperties: 2 });
  });

  it('matches all of its patterns, and classes of Unicode', () => {
    const texts = [
      z.string().startsWith('ab').includes('needle').endsWith('yz'),
      z.string().regex(/^a/).regex(/z$/),
      z.email().endsWith('.com'),
      z.string().regex(/^\p{Lu}\p{Ll}+\P{L}$/u),
      z.jwt(),
    ];
    for (const text of texts) {
      for (const value of made(z.toJSONSchema(text))) expect(text.safeParse(value).success, String(value)).toBe(true);
    }
  });

  it('follows references by anchor', () => {
    const values = made({ ...object({ a: { $ref: '#n' } }), $defs: { n: { $anchor: 'n', type: 'integer' } } });
    expect(values.every((value) => Number.isInteger((value as { a: number }).a))).toBe(true); // an object, by its schema
  });
});

test('what has no value is named with its place and the reason', () => {
  const cases: readonly (readonly [Schema, RegExp])[] = [
    [
      object({ a: { type: 'array', items: object({ b: { type: 'string', pattern: '^(?=b)a$' } }), minItems: 1 } }),
      /\$\.a\[0\]\.b has none \(no text .* pattern \^\(\?=b\)a\$\)/,
    ],
    [object({ a: { type: 'string', format: 'iban' } }), /\$\.a has none \(the format 'iban' is not known\)/],
    [object({ a: { type: 'integer', minimum: 5, maximum: 4 } }), /\$\.a has none \(no number is at least 5 and at most 4\)/],
    [object({ a: { $ref: '#/%zz' } }), /\$\.a has none \(a reference leads nowhere/],
    [{ type: 'array', items: { enum: [1, 2] }, uniqueItems: true, minItems: 3 }, /\$\[2\] has none \(nothing of its enum is left/],
    [{ type: 'string', not: { type: 'string' } }, /\$ has none \(its parts have values, but together/],
  ];
  for (const [schema, message] of cases)
    expect(() => generate(schema, dice(1))).toThrow(
      expect.objectContaining({ code: 'MISCONFIGURED', message: expect.stringMatching(message) }),
    );
  expect(typeof generate({ type: 'string', format: 'iban', pattern: '^DE\\d{20}$' }, dice(1))).toBe('string');
});
