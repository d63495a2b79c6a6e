import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../src/agent/canonical.ts';
import { misfits } from '../../src/agent/form.ts';
import { conforms } from '../../src/modelServer/conforms.ts';

const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.integer({ min: -3, max: 8 }),
  fc.constantFrom('', 'a', 'ab', 'abc', 'b'),
  fc.boolean(),
  fc.constant(null),
  fc.constantFrom(0.5, 1.5),
);

const value = fc.letrec<{ any: Json }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('any'), { maxKeys: 3 }),
  ),
})).any;

const bound = fc.integer({ min: 0, max: 4 });

const schema = fc.letrec<{ any: Json }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record(
      { type: fc.constantFrom('integer', 'number'), minimum: bound, exclusiveMaximum: bound, multipleOf: fc.constantFrom(1, 2) },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      { type: fc.constantFrom('string', ['string', 'null']), minLength: bound, maxLength: bound, pattern: fc.constantFrom('^a', 'b$') },
      { requiredKeys: ['type'] },
    ),
    fc.record({ enum: fc.array(scalar, { minLength: 1, maxLength: 3 }) }),
    fc.record({ const: scalar }),
    fc.record(
      { type: fc.constant('array'), items: tie('any'), minItems: bound, maxItems: bound, uniqueItems: fc.boolean() },
      { requiredKeys: ['type'] },
    ),
    fc.record(
      {
        type: fc.constant('object'),
        properties: fc.dictionary(fc.constantFrom('a', 'b'), tie('any'), { maxKeys: 2 }),
        required: fc.subarray(['a', 'b', 'c']),
        additionalProperties: fc.oneof(fc.boolean(), tie('any')),
        minProperties: bound,
        maxProperties: bound,
      },
      { requiredKeys: ['type'] },
    ),
    fc.record({ anyOf: fc.array(tie('any'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ oneOf: fc.array(tie('any'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.array(tie('any'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ not: tie('any') }),
  ),
})).any;

test('a value fits a form exactly where it conforms to the schema, and what does not says why', () => {
  let [fitting, not] = [0, 0];
  fc.assert(
    fc.property(value, schema, (one, form) => {
      const problems = misfits(one, form);
      expect(problems.length === 0).toBe(conforms(one, form));
      for (const { message } of problems) expect(message).not.toBe('');
      if (problems.length === 0) fitting += 1;
      else not += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(Math.min(fitting, not)).toBeGreaterThan(300);
});
