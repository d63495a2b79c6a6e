import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { z } from 'zod';
import { conforms } from '../../src/modelServer/conforms.ts';
import { dice } from '../../src/modelServer/dice.ts';
import { generate } from '../../src/modelServer/generate.ts';
import { misfit } from '../../src/modelServer/misfit.ts';
import { ofPattern } from '../../src/modelServer/pattern.ts';
import type { Schema } from '../../src/modelServer/wire.ts';

/** Schemas of zod, some levels deep. What zod accepts is the judge. */
const { schema: schemas } = fc.letrec<{ schema: z.ZodType; leaf: z.ZodType }>((tie) => ({
  leaf: fc.oneof(
    fc.constantFrom<z.ZodType>(
      z.string(),
      z.boolean(),
      z.null(),
      z.number(),
      z.int(),
      z.email(),
      z.url(),
      z.uuid(),
      z.ipv4(),
      z.iso.datetime(),
      z.iso.date(),
      z.literal('fixed'),
      z.enum(['a', 'b', 'c']),
      z.string().regex(/^[A-Z]{3}-\d{4}$/),
      z.string().regex(/^(?:GET|POST) \/[a-z]+(?:\/\d+)?$/),
      z.string().startsWith('id_').min(8),
    ),
    fc.tuple(fc.nat(30), fc.nat(30)).map(([min, more]) =>
      z
        .string()
        .min(min)
        .max(min + more),
    ),
    fc.tuple(fc.integer({ min: -1e6, max: 1e6 }), fc.nat(1e4)).map(([min, more]) =>
      z
        .int()
        .min(min)
        .max(min + more),
    ),
    fc.tuple(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: 1, max: 1000 })).map(([min, more]) =>
      z
        .number()
        .gt(min)
        .lt(min + more / 1000),
    ),
    fc.integer({ min: 1, max: 50 }).map((step) => z.int().multipleOf(step).min(3)),
  ),
  schema: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    tie('leaf'),
    fc
      .dictionary(fc.stringMatching(/^[a-zA-Z_$ü]{1,8}$/), tie('schema'), { maxKeys: 4, noNullPrototype: true })
      .map((shape) => z.object(shape)),
    fc
      .dictionary(fc.stringMatching(/^[a-z]{1,6}$/), tie('schema'), { maxKeys: 3, noNullPrototype: true })
      .map((shape) => z.strictObject(shape).partial()),
    fc.tuple(tie('schema'), fc.nat(3), fc.nat(3)).map(([item, min, more]) =>
      z
        .array(item)
        .min(min)
        .max(min + more),
    ),
    fc.tuple(tie('schema'), tie('schema')).map(([a, b]) => z.tuple([a, b])),
    fc.tuple(tie('schema'), tie('schema')).map(([a, b]) => z.union([a, b])),
    tie('schema').map((schema) => z.nullable(schema)),
    tie('leaf').map((schema) => z.record(z.string(), schema)),
  ),
}));

const jsonOf = (schema: z.ZodType, target: 'draft-7' | 'draft-2020-12'): Schema => z.toJSONSchema(schema, { target });

test('every generated value fits its schema, in both drafts, and equal dice make equal values', () => {
  fc.assert(
    fc.property(schemas, fc.integer(), fc.constantFrom('draft-7' as const, 'draft-2020-12' as const), (schema, seed, target) => {
      const form = jsonOf(schema, target);
      const value = generate(form, dice(seed, 'value'));
      const judged = schema.safeParse(value);
      expect(judged.success, `${JSON.stringify(form)}\n${JSON.stringify(value)}\n${String(judged.error)}`).toBe(true);
      expect(conforms(value, form)).toBe(true);
      expect(generate(form, dice(seed, 'value'))).toEqual(value);
    }),
    { numRuns: 400 },
  );
});

test('what is to break a schema breaks it, wherever it can be broken', () => {
  fc.assert(
    fc.property(schemas, fc.integer(), (schema, seed) => {
      const form = jsonOf(schema, 'draft-7');
      const value = generate(form, dice(seed, 'value'));
      expect(conforms(misfit(form, value, dice(seed, 'misfit')), form)).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test('an object whose properties hide what objects can do is broken like any other', () => {
  const form = jsonOf(z.object({ a: z.object({ toString: z.null(), valueOf: z.null() }) }), 'draft-7');
  const value = { a: { toString: null, valueOf: null } };
  for (let seed = 0; seed < 20; seed += 1) expect(conforms(misfit(form, value, dice(seed, 'misfit')), form)).toBe(false);
});

test('what zod refuses does not conform', () => {
  fc.assert(
    fc.property(schemas, fc.jsonValue(), (schema, value) => {
      // Formats are judged loosely here, and objects that zod strips are closed in its JSON Schema.
      if (conforms(value, jsonOf(schema, 'draft-2020-12'))) expect(schema.safeParse(value).success || typeof value === 'string').toBe(true);
    }),
  );
});

describe('a generated value', () => {
  const make = (schema: Schema, seed = 1): unknown => generate(schema, dice(seed, 'value'));

  it('comes to an end where a schema refers to itself', () => {
    const tree = {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: {
            name: { type: 'string' },
            children: { type: 'array', items: { $ref: '#/$defs/node' } },
            next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] },
          },
          required: ['name', 'children', 'next'],
        },
      },
    };
    for (let seed = 0; seed < 50; seed += 1) expect(conforms(make(tree, seed), tree)).toBe(true);
  });

  it('is refused where a schema has none', () => {
    const endless = {
      $ref: '#/$defs/node',
      $defs: { node: { type: 'object', properties: { next: { $ref: '#/$defs/node' } }, required: ['next'] } },
    };
    for (const schema of [
      endless,
      { type: 'integer', minimum: 5, maximum: 4 },
      { enum: [] },
      { $ref: '#/$defs/missing' },
      { allOf: [{ type: 'string' }, { type: 'number' }] },
    ]) {
      expect(() => make(schema)).toThrow(expect.objectContaining({ code: 'MISCONFIGURED' }));
    }
  });

  it('fits conjunctions, unique items, properties of any name, contained items and conditions', () => {
    const schemas: readonly Schema[] = [
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string', minLength: 3 } }, required: ['a'] },
          { properties: { a: { maxLength: 5 }, b: { type: 'null' } }, required: ['b'] },
        ],
      },
      { type: 'array', items: { enum: [1, 2, 3, 4, 5, 6, 7] }, uniqueItems: true, minItems: 7 },
      { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 3, propertyNames: { pattern: '^[a-z]{3}$' } },
      { type: 'object', patternProperties: { '^x-': { type: 'integer' } }, required: ['x-one'] },
      { type: 'array', items: { type: 'integer' }, contains: { minimum: 500 }, maxItems: 1 },
      {
        oneOf: [
          { type: 'integer', multipleOf: 3 },
          { type: 'integer', multipleOf: 5 },
        ],
      },
      { type: ['string', 'null'], enum: ['a', null, 3] },
      { const: { deep: [1] } },
      { type: 'array', items: [{ type: 'string' }, { type: 'integer' }], additionalItems: false, minItems: 2 },
      {
        type: 'object',
        properties: { kind: { const: 'a' }, more: { type: 'string' } },
        required: ['kind'],
        if: { properties: { kind: { const: 'a' } } },
        then: { required: ['more'] },
      },
    ];
    for (const schema of schemas) {
      for (let seed = 0; seed < 20; seed += 1) {
        const value = make(schema, seed);
        expect(conforms(value, schema), `${JSON.stringify(schema)} ${JSON.stringify(value)}`).toBe(true);
      }
    }
    expect(conforms({ a: 'too long', b: null }, schemas[0])).toBe(false);
    expect(conforms([1, 1, 2], schemas[1])).toBe(false);
    expect(conforms(15, schemas[5])).toBe(false);
  });
});

test('a text of a pattern matches it', () => {
  const patterns = [
    /^\d{4}-\d{2}$/,
    /^[\w.+-]+@[a-z]+\.(com|org)$/,
    /^(?:a|b(?=c)c)+$/,
    /^[^\s<>]{2,6}$/,
    /^\u0041\x42[\]\-^]$/,
    /^.{3}[à-ü]?$/,
    /^(?<year>\d\d)(?:-\d)*?$/,
  ];
  for (const pattern of patterns) {
    const made = Array.from({ length: 30 }, (_, seed) => ofPattern(pattern.source, dice(seed, 'pattern'), 4));
    expect(made.filter((text) => text !== undefined && pattern.test(text)).length, pattern.source).toBeGreaterThan(10);
  }
  expect(ofPattern('^(a)\\1$', dice(1), 4)).toBeUndefined();
  expect(ofPattern('(', dice(1), 4)).toBeUndefined();
});
