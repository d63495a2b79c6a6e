import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { deadEnd } from '../../src/agent/schemaPath.ts';
import { parsePath } from '../../src/agent/path.ts';
import { agent, grounded, noPlaceholder } from '../../src/index.ts';
import { refusal } from '../support/trial.ts';

const Finding = z.object({ file: z.string(), quote: z.string().nullable(), tags: z.array(z.string()).optional() });
const Node = z.object({
  name: z.string(),
  get children() {
    return z.array(Node);
  },
});
const outputs = {
  zod: z.object({ summary: z.string(), findings: z.array(Finding) }),
  arktype: type({ summary: 'string', findings: type({ file: 'string', quote: 'string | null', 'tags?': 'string[]' }).array() }),
  valibot: toStandardJsonSchema(
    v.object({
      summary: v.string(),
      findings: v.array(v.object({ file: v.string(), quote: v.nullable(v.string()), tags: v.optional(v.array(v.string())) })),
    }),
  ),
};

describe.each(Object.entries(outputs))('agent() holds the paths of checks against its output (%s)', (_, output) => {
  const make = (path: string) => () => agent({ name: 'review', output, instructions: 'x', checks: [grounded(path)] });

  test.each(['', 'summary', 'findings', 'findings[*].quote', 'findings[2].quote', 'findings[*].tags[*]'])('%j exists', (path) => {
    expect(make(path)).not.toThrow();
  });

  test.each([
    ['findings[*].quotes', "findings[*] has no 'quotes'; did you mean 'quote'? It has file, quote, tags."],
    ['finding[*].quote', "the output has no 'finding'; did you mean 'findings'? It has "],
    ['findings.quote', 'findings is a list: write [*] to reach its items.'],
    ['summary.text', 'there is nothing below summary.'],
  ])('%j does not', (path, why) => {
    const error = refusal(make(path));
    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(`The check grounded(${path}) of 'review' would never find a thing at ${JSON.stringify(path)}: ${why}`);
  });
});

test('the paths of noPlaceholder, of several paths and of checks of one’s own are held against it too', () => {
  const own = { name: 'dated', paths: ['summary', 'date'], judge: () => undefined };
  for (const check of [noPlaceholder('titel'), grounded(['summary', 'titel']), own]) {
    expect(refusal(() => agent({ name: 'a', output: outputs.zod, instructions: 'x', checks: [check] })).message).toContain(check.name);
  }
  expect(() => agent({ name: 'a', output: outputs.zod, instructions: 'x', checks: [noPlaceholder()] })).not.toThrow();
});

test('text has nothing below it', () => {
  expect(refusal(() => agent({ name: 'a', instructions: 'x', checks: [grounded('quote')] })).message).toContain(
    'there is nothing below the output.',
  );
  expect(() => agent({ name: 'a', instructions: 'x', checks: [grounded('')] })).not.toThrow();
});

test('what a transform makes is what counts, and cannot be decided', () => {
  const counts = z.object({ count: z.string() }).transform(({ count }) => ({ n: Number(count) }));
  const dated = z.object({ quote: z.string(), at: z.string().transform((at) => ({ year: at })) });
  const make = (output: z.ZodType, path: string) => () => agent({ name: 'a', output, instructions: 'x', checks: [grounded(path)] });
  expect(make(counts, 'n')).not.toThrow();
  expect(make(dated, 'at.year')).not.toThrow();
  expect(refusal(make(dated, 'quotes')).message).toContain("did you mean 'quote'? It has quote, at.");
});

const shape = (schema: z.ZodType): unknown => schema['~standard'].jsonSchema.output({ target: 'draft-07' });

describe('a path', () => {
  const anything: readonly (readonly [string, unknown, string])[] = [
    ['that exists in one alternative', shape(z.union([z.string(), z.object({ a: z.string() })])), 'a'],
    ['through a recursion', shape(Node), 'children[*].children[0].name'],
    ['into a record', shape(z.record(z.string(), z.object({ a: z.string() }))), 'any.a'],
    ['through all values of an object', shape(z.object({ a: z.object({ b: z.string() }), c: z.string() })), '[*].b'],
    ['into an object that takes more', shape(z.looseObject({ a: z.string() })), 'b.c'],
    ['into what is unknown', shape(z.object({ a: z.unknown() })), 'a.b.c'],
    ['into a tuple', shape(z.tuple([z.string(), z.object({ a: z.string() })])), '[1].a'],
    ['into both parts', { allOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }, 'b'],
    ['through a reference to another document', { $ref: 'other.json' }, 'a'],
    ['by names of a pattern', { type: 'object', properties: {}, patternProperties: { '^x': {} } }, 'xa'],
    ['of an object that lists nothing', { type: 'object' }, 'a'],
    ['of a schema that there is none of', undefined, 'a'],
    ['through a reference to itself', { $ref: '#' }, 'a'],
  ];
  test.each(anything)('%s is fine', (_, schema, path) => {
    expect(deadEnd(schema, parsePath(path))).toBeUndefined();
  });

  const nothing: readonly (readonly [string, unknown, string, string])[] = [
    [
      'in no alternative',
      shape(z.union([z.object({ b: z.string() }), z.object({ c: z.string() }), z.null()])),
      'a',
      "the output has no 'a'",
    ],
    ['below a recursion', shape(Node), 'children[*].nam', "children[*] has no 'nam'; did you mean 'name'? It has name, children."],
    ['below the values of a record', shape(z.record(z.string(), z.object({ a: z.string() }))), 'any.b', "any has no 'b'"],
    ['beyond a tuple', shape(z.tuple([z.string()])), '[1]', 'the output is a list'],
    ['below a word of a few', { properties: { kind: { enum: ['a', 'b', null] } } }, 'kind.a', 'there is nothing below kind.'],
    ['in an empty object', { properties: {}, additionalProperties: false }, 'a', 'there is nothing below the output.'],
  ];
  test.each(nothing)('%s is a dead end', (_, schema, path, why) => {
    expect(deadEnd(schema, parsePath(path))).toContain(why);
  });
});
