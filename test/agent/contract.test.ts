import { toStandardJsonSchema } from '@valibot/to-json-schema';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { contractOf, PROBLEMS_MAX, text, type Contract, type RawOf, type ParsedOf } from '../../src/agent/contract.ts';

const good = { findings: [{ file: 'a.ts', line: 1 }] };
const bad = {
  findings: [
    { file: 'a.ts', line: 1 },
    { file: 2, line: 'x' },
  ],
};

const findings = {
  zod: z.object({ findings: z.array(z.object({ file: z.string(), line: z.number() })) }),
  arktype: type({ findings: type({ file: 'string', line: 'number' }).array() }),
  valibot: toStandardJsonSchema(v.object({ findings: v.array(v.object({ file: v.string(), line: v.number() })) })),
};

test.each(Object.entries(findings))(
  '%s: a value that fits comes back, one that does not with a readable path for each problem',
  (_, schema) => {
    const contract: Contract = contractOf(schema as StandardSchemaV1, 'the output of review');
    expect(contract.validate(good)).toEqual({ ok: true, value: good });
    const refused = contract.validate(bad);
    expect(refused).toMatchObject({ ok: false, problems: [{ path: 'findings[1].file' }, { path: 'findings[1].line' }] });
    expect(contract.validate('text')).toMatchObject({ ok: false, problems: [{ path: '' }] });
  },
);

test('transforms are applied, and a sync schema answers without a promise', () => {
  const contract = contractOf(z.object({ n: z.string().transform(Number), d: z.string().default('x') }), 'x');
  expect(contract.validate({ n: '4' })).toEqual({ ok: true, value: { n: 4, d: 'x' } });
});

test('an async schema answers with a promise', async () => {
  const contract = contractOf(
    z.string().refine(async (s) => Promise.resolve(s.length > 2), 'too short'),
    'x',
  );
  const answer = contract.validate('ab');
  expect(answer).toBeInstanceOf(Promise);
  await expect(answer).resolves.toEqual({ ok: false, problems: [{ path: '', message: 'too short' }] });
});

test('at most twenty problems are told, the last saying how many more there are', () => {
  const contract = contractOf(z.array(z.number()), 'x');
  const checked = contract.validate(Array.from({ length: 50 }, () => 'no'));
  expect(checked).toMatchObject({ ok: false });
  if (checked instanceof Promise || checked.ok) throw new Error('unreachable');
  expect(checked.problems).toHaveLength(PROBLEMS_MAX);
  expect(checked.problems.at(-2)?.path).toBe('[18]');
  expect(checked.problems.at(-1)).toEqual({ path: '', message: 'and 31 more problems' });
});

test('a refused union says why each alternative was refused', () => {
  const contract = contractOf(z.union([z.object({ a: z.string() }), z.number()]), 'x');
  expect(contract.validate({})).toEqual({
    ok: false,
    problems: [
      {
        path: '',
        message:
          'Invalid input (a: Invalid input: expected string, received undefined | or: Invalid input: expected number, received object)',
      },
    ],
  });
});

test('a schema that throws is CODE_FAILED with its cause, sync and async', async () => {
  const boom = new Error('boom');
  const failed = { code: 'CODE_FAILED', cause: boom, message: expect.stringContaining('the input of review threw: boom') as string };
  const sync = contractOf(
    type('string').narrow(() => {
      throw boom;
    }),
    'the input of review',
  );
  expect(() => sync.validate('a')).toThrow(expect.objectContaining(failed) as Error);
  // zod tries again asynchronously whenever a refinement throws.
  const late = contractOf(
    z.string().refine(() => {
      throw boom;
    }),
    'the input of review',
  );
  await expect(late.validate('a')).rejects.toMatchObject(failed);
});

test('without a schema the contract is text', () => {
  expect(contractOf(undefined, 'x')).toBe(text);
  expect(text.validate('hello')).toEqual({ ok: true, value: 'hello' });
  expect(text.validate({ a: 1 })).toEqual({ ok: false, problems: [{ path: '', message: 'expected text, got an object' }] });
  expect(text.jsonSchema()).toEqual({ type: 'string' });
});

test.each([{ type: 'object' }, null, 'string', z])('what is no Standard Schema is refused by name', (schema) => {
  expect(() => contractOf(schema as never, 'the output of review')).toThrow(
    expect.objectContaining({
      code: 'MISCONFIGURED',
      message: expect.stringContaining('The output of review is not a Standard Schema') as string,
    }) as Error,
  );
});

test('the JSON Schema is computed when it is first asked for, and once', () => {
  let asked = 0;
  const inner = z.object({ a: z.string() });
  const counting = {
    '~standard': { ...inner['~standard'], jsonSchema: { ...inner['~standard'].jsonSchema, input: () => (asked++, { type: 'object' }) } },
  };
  const contract = contractOf(counting, 'x');
  expect(contract.validate({ a: 'x' })).toMatchObject({ ok: true });
  expect(asked).toBe(0);
  expect(contract.jsonSchema()).toBe(contract.jsonSchema());
  expect(asked).toBe(1);
});

test('callers see the input side, readers the output side, and text where nothing is declared', () => {
  const schema = z.object({ n: z.string().transform(Number) });
  expectTypeOf<RawOf<typeof schema>>().toEqualTypeOf<{ n: string }>();
  expectTypeOf<ParsedOf<typeof schema>>().toEqualTypeOf<{ n: number }>();
  expectTypeOf<RawOf<undefined>>().toEqualTypeOf<string>();
  const contract = contractOf(schema, 'x');
  expectTypeOf(contract).toEqualTypeOf<Contract<{ n: string }, { n: number }>>();
  expect(contract.kind).toBe('schema');
});
