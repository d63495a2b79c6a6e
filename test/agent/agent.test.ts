import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { agent, isAgent } from '../../src/index.ts';
import { scripted, type ScriptedModel } from '../../src/testing.ts';
import { refusal, Trial } from '../support/trial.ts';

/** What the model was told to answer with. */
function shown(model: ScriptedModel): unknown {
  const format = model.requests[0]?.responseFormat;
  return format?.type === 'json' ? format.schema : format?.type;
}

/** The last thing the model was told, as text. */
function told(model: ScriptedModel, nth = 0): string {
  const last = model.requests[nth]?.prompt.at(-1);
  return typeof last?.content === 'string'
    ? last.content
    : (last?.content ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}

const libraries = {
  zod: { input: z.object({ diff: z.string() }), output: z.object({ file: z.string(), line: z.number() }) },
  arktype: { input: type({ diff: 'string' }), output: type({ file: 'string', line: 'number' }) },
  valibot: {
    input: toStandardJsonSchema(v.object({ diff: v.string() })),
    output: toStandardJsonSchema(v.object({ file: v.string(), line: v.number() })),
  },
};

test.each(Object.entries(libraries))(
  'an agent over %s is shown the schema of its output and gives what fits it',
  async (_, { input, output }) => {
    const model = scripted([{ expect: '<diff>\n+ x\n</diff>', object: { file: 'a.ts', line: 3 } }]);
    const review = agent({ name: 'review', model, input, output, instructions: 'Find the bug.' });
    const result = await new Trial().run(review, { diff: '+ x' });
    expect(result.output).toEqual({ file: 'a.ts', line: 3 });
    expect(shown(model)).toMatchObject({
      type: 'object',
      properties: { file: { type: 'string' }, line: { type: 'number' } },
      required: ['file', 'line'],
      additionalProperties: false,
    });
    model.assertComplete();
  },
);

test.each(Object.entries(libraries))(
  'an agent over %s asks again when the answer does not fit, saying where',
  async (_, { input, output }) => {
    const model = scripted([
      { object: { file: 'a.ts', line: 'three' } },
      { expect: /refused:\n- line: /, object: { file: 'a.ts', line: 3 } },
    ]);
    const review = agent({ name: 'review', model, input, output, instructions: 'Find the bug.' });
    const result = await new Trial().run(review, { diff: '+ x' });
    expect(result.output).toEqual({ file: 'a.ts', line: 3 });
    model.assertComplete();
  },
);

test('an agent without contracts takes and gives text, as it is', async () => {
  const model = scripted([{ expect: /^Say hello to\n {2}Ada\.$/, text: '  Hello {"Ada"}!\n' }]);
  const greet = agent({ name: 'greet', model, instructions: 'You greet.' });
  const { output } = await new Trial().run(greet, 'Say hello to\n  Ada.');
  expect(output).toBe('  Hello {"Ada"}!\n');
  expectTypeOf(output).toEqualTypeOf<string>();
  expect(shown(model)).toBe('text');
  expect(model.requests[0]?.prompt[0]).toEqual({ role: 'system', content: 'You greet.' });
});

describe('an output that is no object', () => {
  const kinds = {
    list: { output: z.array(z.string()), value: ['a', 'b'], wrong: [1] },
    number: { output: z.number(), value: 4, wrong: 'four' },
    text: { output: z.string().min(2), value: 'yes', wrong: 'y' },
    enum: { output: z.enum(['low', 'high']), value: 'high', wrong: 'middle' },
    flag: { output: z.boolean(), value: false, wrong: 'no' },
    nothing: { output: z.null(), value: null, wrong: 0 },
    union: { output: z.union([z.object({ ok: z.boolean() }), z.string()]), value: { ok: true }, wrong: 7 },
  };

  test.each(Object.entries(kinds))('%s: is asked for inside an object and comes out of it', async (_, { output, value, wrong }) => {
    const model = scripted([{ object: { value: wrong } }, { expect: 'refused', object: { value } }]);
    const ask = agent({ name: 'ask', model, output, instructions: 'Answer.' });
    const result = await new Trial().run(ask, 'What?');
    expect(result.output).toEqual(value);
    expect(shown(model)).toMatchObject({ type: 'object', required: ['value'], additionalProperties: false });
    model.assertComplete();
  });

  test.each(Object.entries(kinds))('%s: also counts when the model leaves the object around it out', async (_, { output, value }) => {
    const model = scripted([{ object: value }]);
    const ask = agent({ name: 'ask', model, output, instructions: 'Answer.' });
    expect((await new Trial().run(ask, 'What?')).output).toEqual(value);
  });
});

test('a recursive schema is shown with its references and judged to its depth', async () => {
  const Node = z.object({
    name: z.string(),
    get children() {
      return z.array(Node);
    },
  });
  const tree = { name: 'root', children: [{ name: 'leaf', children: [] }] };
  const model = scripted([{ object: { name: 'root', children: [{ name: 'leaf' }] } }, { expect: 'children[0].children', object: tree }]);
  const outline = agent({ name: 'outline', model, output: Node, instructions: 'Outline it.' });
  expect((await new Trial().run(outline, 'book')).output).toEqual(tree);
  expect(JSON.stringify(shown(model))).toContain('"$ref"');
});

test('a recursive union is shown inside an object and its references still hold', async () => {
  const Value: z.ZodType<unknown> = z.union([z.number(), z.lazy(() => z.array(Value))]);
  const model = scripted([{ object: { value: [1, [2, []]] } }]);
  const nest = agent({ name: 'nest', model, output: Value, instructions: 'Nest.' });
  expect((await new Trial().run(nest, 'x')).output).toEqual([1, [2, []]]);
  expect(shown(model)).toMatchObject({ type: 'object', required: ['value'] });
});

test('transforms change what the agent sees of its input and what its asker gets, not what is recorded or asked for', async () => {
  const model = scripted([{ expect: '<since>\n1970\n</since>', object: { count: '12' } }]);
  const count = agent({
    name: 'count',
    model,
    input: z.object({ since: z.string().transform((year) => Number(year)), of: z.string().default('bugs') }),
    output: z.object({ count: z.string().transform(Number) }),
    checks: [
      (output, { input }) =>
        output.count === 12 && (input as { since: number }).since === 1970 ? undefined : 'checks see contracted values',
    ],
    instructions: 'Count.',
  });
  const trial = new Trial();
  const { output } = await trial.run(count, { since: '1970' });
  expectTypeOf(output).toEqualTypeOf<{ count: number }>();
  expect(output).toEqual({ count: 12 });
  expect(shown(model)).toMatchObject({ properties: { count: { type: 'string' } } });
  expect(told(model)).toContain('<of>\nbugs\n</of>');
  expect(await trial.events('call.started')).toMatchObject([{ input: { since: '1970' } }]);
  expect(await trial.events('call.succeeded')).toMatchObject([{ output: { count: '12' } }]);
  // The record answers, through the contract again.
  const again = await trial.run(count, { since: '1970' });
  expect(again.output).toEqual({ count: 12 });
  expect(again.resume).toMatchObject({ answered: 1, bought: [] });
  expect(model.requests).toHaveLength(1);
});

test('async refinements are waited for, on both sides', async () => {
  const known = async (name: string): Promise<boolean> => Promise.resolve(name === 'a.ts');
  const model = scripted([{ object: { file: 'b.ts' } }, { expect: '- file: no such file', object: { file: 'a.ts' } }]);
  const find = agent({
    name: 'find',
    model,
    input: z.string().refine(known, 'no such file'),
    output: z.object({ file: z.string().refine(known, 'no such file') }),
    instructions: 'Find.',
  });
  expect((await new Trial().run(find, 'a.ts')).output).toEqual({ file: 'a.ts' });
  const error = await new Trial().fails(find, 'c.ts');
  expect(error).toMatchObject({ code: 'CONTRACT_VIOLATION', problems: [{ path: '', message: 'no such file' }], data: { side: 'input' } });
});

test('a fenced answer with prose around it is read, one that is cut off is not', async () => {
  const output = z.object({ n: z.number() });
  const model = scripted([{ text: '{"n": 4' }, { expect: 'not JSON', text: 'Here it is:\n```json\n{"n": 4,}\n```\nAnything else?' }]);
  expect((await new Trial().run(agent({ name: 'n', model, output, instructions: 'N.' }), 'x')).output).toEqual({ n: 4 });
});

test('settings and their absence reach the request', async () => {
  const model = scripted([{ text: 'a' }, { text: 'b' }]);
  const trial = new Trial();
  await trial.run(agent({ name: 'set', model, instructions: 'x', settings: { temperature: 0, maxOutputTokens: 77 } }), 'x');
  await trial.run(agent({ name: 'unset', model, instructions: 'x' }), 'x', { id: 's' });
  expect(model.requests[0]).toMatchObject({ temperature: 0, maxOutputTokens: 77 });
  expect(model.requests[1]).not.toHaveProperty('temperature');
  expect(model.requests[1]).not.toHaveProperty('maxOutputTokens');
  expect(model.requests[1]).not.toHaveProperty('tools');
});

test('the shape of an agent is known without running it, the agents among its tools included', () => {
  const lookup = agent({ name: 'lookup', instructions: 'Look up.' });
  const lead = agent({ name: 'lead', instructions: 'Lead.', tools: { lookup } });
  expect(lead.shape).toEqual({ kind: 'model', name: 'lead', children: [{ kind: 'model', name: 'lookup', children: [] }] });
  expect(isAgent(lead)).toBe(true);
  expect(isAgent({ name: 'lead' })).toBe(false);
});

describe('a definition that cannot work is refused where it is made', () => {
  const make = (options: object) => () => agent({ name: 'review', instructions: 'x', ...options });
  test.each([
    ['an empty name', { name: '' }, 'MISCONFIGURED', 'name is 1 to 200 characters'],
    ['a name with a slash', { name: 'a/b' }, 'MISCONFIGURED', '"a/b" is not'],
    ['a name with a line break', { name: 'a\nb' }, 'MISCONFIGURED', 'without "/" or line breaks'],
    ['a name that is none', { name: 7 }, 'MISCONFIGURED', '7 is not'],
    ['no attempts', { attempts: 0 }, 'MISCONFIGURED', "'review' has attempts: 0. Give a whole number, 1 or more"],
    ['negative repairs', { repairs: -1 }, 'MISCONFIGURED', 'Give a whole number, 0 or more'],
    ['half a turn', { turns: 0.5 }, 'MISCONFIGURED', 'turns: 0.5'],
    ['no time', { timeoutMs: 0 }, 'MISCONFIGURED', 'timeoutMs: 0'],
    [
      'a cap that does not exist',
      { budget: { dollars: 3 } },
      'MISCONFIGURED',
      "a cap 'dollars' that does not exist. Use calls, tokens, usd or ms",
    ],
    ['another way to reach a cap', { budget: { calls: 1, onLimit: 'wait' } }, 'MISCONFIGURED', "onLimit: \"wait\". Say 'fail' or 'ask'"],
    ['a cap that is no number', { budget: { usd: Number.NaN } }, 'MISCONFIGURED', 'caps usd at NaN'],
    [
      'an output that is no schema',
      { output: { type: 'object' } },
      'MISCONFIGURED',
      "The output of agent 'review' is not a Standard Schema",
    ],
    [
      'an output without JSON form',
      { output: z.object({ at: z.date() }) },
      'NO_JSON_SCHEMA',
      "The output of agent 'review' has no JSON Schema",
    ],
    [
      'an output of bare valibot',
      { output: v.object({ a: v.string() }) },
      'NO_JSON_SCHEMA',
      'toStandardJsonSchema(schema) from @valibot/to-json-schema',
    ],
  ] as const)('%s', (_, options, code, words) => {
    const error = refusal(make(options));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test('an input that has no JSON form is fine: no model writes it', async () => {
    const model = scripted([{ text: 'ok' }]);
    const since = agent({
      name: 'since',
      model,
      input: z.object({ at: z.string().pipe(z.transform((text) => new Date(text))) }),
      instructions: 'x',
    });
    expect((await new Trial().run(since, { at: '2020-01-01T00:00:00Z' })).output).toBe('ok');
  });
});
