import { toStandardJsonSchema } from '@valibot/to-json-schema';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { scope, type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { convert, wrapForModel, type JsonSchema } from '../../src/agent/jsonSchema.ts';

const closed = {
  type: 'object',
  properties: {
    file: { type: 'string' },
    lines: {
      type: 'array',
      items: { type: 'object', properties: { at: { type: 'number' } }, required: ['at'], additionalProperties: false },
    },
  },
  required: ['file', 'lines'],
  additionalProperties: false,
};

const same: [string, StandardSchemaV1][] = [
  ['zod', z.object({ file: z.string(), lines: z.array(z.object({ at: z.number() })) })],
  ['arktype', type({ file: 'string', lines: type({ at: 'number' }).array() })],
  ['valibot', toStandardJsonSchema(v.object({ file: v.string(), lines: v.array(v.object({ at: v.number() })) }))],
];

test.each(same)('%s: objects are closed at every depth and $schema is dropped', (_, schema) => {
  expect(convert(schema, 'x')).toEqual(closed);
});

test('an object that says what else it takes is left as it is, and so is one that lists nothing', () => {
  expect(convert(z.looseObject({ a: z.string() }), 'x')['additionalProperties']).toEqual({});
  expect(convert(z.record(z.string(), z.number()), 'x')['additionalProperties']).toEqual({ type: 'number' });
  expect(convert(type('object'), 'x')).toEqual({ type: 'object' });
});

test('the input side is shown: what is transformed shows what a model must write', () => {
  expect(convert(z.object({ n: z.string().transform(Number), d: z.string().default('x') }), 'x')).toMatchObject({
    properties: { n: { type: 'string' } },
    required: ['n'],
  });
  expect(convert(type('string.date.parse'), 'x')).toEqual({ type: 'string' });
});

test('objects that must hold together are made one, or left open where they cannot be', () => {
  const apart = v.intersect([v.object({ a: v.string() }), v.object({ b: v.string() })]);
  expect(convert(toStandardJsonSchema(apart), 'x')).toEqual({
    type: 'object',
    properties: { a: { type: 'string' }, b: { type: 'string' } },
    required: ['a', 'b'],
    additionalProperties: false,
  });
  const both = v.intersect([v.object({ a: v.string() }), v.object({ a: v.string(), b: v.string() })]);
  expect(JSON.stringify(convert(toStandardJsonSchema(both), 'x'))).not.toContain('additionalProperties');
});

test('a definition that stands in such a place stays open too', () => {
  const node: v.GenericSchema = v.object({ v: v.number(), next: v.optional(v.lazy(() => node)) });
  const tagged = v.intersect([v.lazy(() => node), v.object({ v: v.number(), tag: v.string() })]);
  const schema = convert(toStandardJsonSchema(tagged), 'x');
  expect(JSON.stringify(schema)).toContain('"$ref"');
  expect(JSON.stringify(schema)).not.toContain('additionalProperties');
});

test('an undefined alternative disappears', () => {
  expect(convert(type({ 'a?': 'string | undefined' }), 'x')).toMatchObject({ properties: { a: { type: 'string' } } });
});

test('the same schema has the same JSON Schema wherever in a program it is made', () => {
  const make = (): StandardSchemaV1 =>
    scope({ node: { v: 'number', 'next?': 'node' } })
      .export()
      .node.array();
  const first = JSON.stringify(convert(make(), 'x'));
  type({ some: 'string', other: type({ deep: 'number[]' }) });
  expect(JSON.stringify(convert(make(), 'x'))).toBe(first);
  expect(first).toContain('#/definitions/def1');
});

test('names that a user gave to definitions are kept', () => {
  const Tree: z.ZodType = z
    .object({
      v: z.number(),
      get left() {
        return Tree.optional();
      },
    })
    .meta({ id: 'Tree' });
  expect(Object.keys(convert(z.array(Tree), 'x')['definitions'] as object)).toEqual(['Tree']);
});

test.each<[string, StandardSchemaV1, RegExp]>([
  ['a valibot schema', v.object({ a: v.string() }), /toStandardJsonSchema\(schema\) from @valibot\/to-json-schema/],
  ['a zod date', z.object({ at: z.date() }), /zod: Date cannot .* ISO string/],
  ['an arktype date', type({ at: 'Date' }), /arktype: date cannot/],
  ['an arktype map', type({ at: 'Map' }), /arktype: proto cannot/],
  ['a valibot date', toStandardJsonSchema(v.date()), /valibot: .*"date"/],
  ['a class', z.instanceof(Map), /zod: Custom types cannot/],
  [
    'an unknown vendor',
    { '~standard': { version: 1, vendor: 'acme', validate: (value) => ({ value }) } },
    /form of acme that implements Standard JSON Schema/,
  ],
])('%s has no JSON Schema, and the message says what to do', (_, schema, message) => {
  expect(() => convert(schema, 'the output of review')).toThrow(
    expect.objectContaining({ code: 'NO_JSON_SCHEMA', message: expect.stringMatching(message) as string }) as Error,
  );
});

describe('for a model', () => {
  test('an object at the root is shown as it is', () => {
    const schema = convert(z.object({ a: z.string() }), 'x');
    expect(wrapForModel(schema)).toEqual({ schema, unwrap: undefined });
  });

  test.each<[string, JsonSchema]>([
    ['a list', { type: 'array', items: { type: 'string' } }],
    ['text', { type: 'string' }],
    ['anything', {}],
    ['a union of objects', { anyOf: [{ type: 'object', properties: {} }] }],
    ['an object or null', { type: ['object', 'null'], properties: {} }],
  ])('%s is wrapped', (_, schema) => {
    expect(wrapForModel(schema)).toEqual({
      schema: { type: 'object', properties: { value: schema }, required: ['value'], additionalProperties: false },
      unwrap: 'value',
    });
  });

  test('references into the body move with it, definitions stay at the root', () => {
    const { schema } = wrapForModel({
      anyOf: [{ type: 'array', items: { $ref: '#' } }, { $ref: '#/anyOf/0' }, { $ref: '#/definitions/X' }],
      definitions: { X: { type: 'array', items: { $ref: '#/definitions/X' } } },
    });
    expect(schema).toEqual({
      type: 'object',
      properties: {
        value: {
          anyOf: [
            { type: 'array', items: { $ref: '#/properties/value' } },
            { $ref: '#/properties/value/anyOf/0' },
            { $ref: '#/definitions/X' },
          ],
        },
      },
      required: ['value'],
      additionalProperties: false,
      definitions: { X: { type: 'array', items: { $ref: '#/definitions/X' } } },
    });
  });

  test('a root that refers to an object definition becomes that object, and recursion still resolves', () => {
    const Tree: z.ZodType = z
      .object({
        v: z.number(),
        get left() {
          return Tree.optional();
        },
      })
      .meta({ id: 'Tree' });
    const { schema, unwrap } = wrapForModel(convert(Tree, 'x'));
    expect(unwrap).toBeUndefined();
    expect(schema).toMatchObject({
      type: 'object',
      properties: { left: { $ref: '#/definitions/Tree' } },
      definitions: { Tree: { type: 'object' } },
    });
    expect(schema).not.toHaveProperty('$ref');
  });

  test('words that look like references inside values are left alone', () => {
    const schema = { type: 'string', enum: ['#'], default: { $ref: '#' } };
    expect(wrapForModel(schema).schema).toMatchObject({ properties: { value: schema } });
  });
});
