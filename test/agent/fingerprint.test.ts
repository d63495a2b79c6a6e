import type { LanguageModelV4 } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AgentOptions } from '../../src/agent/agent.ts';
import { fingerprint, modelName } from '../../src/agent/fingerprint.ts';
import { agent, all, type AnyAgent, flow, map, pipe, step, type Tool, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted([], { modelId: 'a' });
const other = scripted([], { modelId: 'b' });
const print = (one: AnyAgent): string | undefined =>
  fingerprint(one, (asked) => (asked.behaviour.kind === 'model' ? (asked.behaviour.model as LanguageModelV4 | undefined) : undefined));
const read = (version?: string, effect: 'none' | 'immediate' = 'none', description = 'Read'): Tool =>
  tool({ description, effect, input: z.object({ path: z.string() }), ...(version === undefined ? {} : { version }), execute: () => null });

const base = {
  name: 'review',
  model,
  instructions: 'Review.',
  input: z.object({ diff: z.string() }),
  output: z.object({ ok: z.boolean() }),
  tools: { read: read() },
  settings: { temperature: 0 },
};
const review = (change: Partial<AgentOptions<string, z.ZodType, z.ZodType>> = {}): AnyAgent => agent({ ...base, ...change } as never);

test('equal definitions have equal fingerprints, made separately', () => {
  expect(print(review({ input: z.object({ diff: z.string() }), tools: { read: read() } }))).toBe(print(review()));
});

describe('everything that makes an answer what it is, changes the fingerprint of a model agent', () => {
  test.each([
    ['instructions', { instructions: 'Review it.' }],
    ['the model', { model: other }],
    ['settings', { settings: { temperature: 1 } }],
    ['the input contract', { input: z.object({ diff: z.string().max(9) }) }],
    ['the output contract', { output: z.object({ ok: z.boolean().describe('fine') }) }],
    ['text instead of a contract', { output: undefined }],
    ['one tool more', { tools: { read: read(), list: read() } }],
    ['no tool', { tools: {} }],
    ['the version of a tool', { tools: { read: read('2') } }],
    ['the effect of a tool', { tools: { read: read(undefined, 'immediate') } }],
    ['the description of a tool', { tools: { read: read(undefined, 'none', 'Look') } }],
    ['an agent among the tools', { tools: { read: agent({ name: 'read', model, instructions: 'Read.' }) } }],
  ])('%s', (_, change) => {
    expect(print(review(change as never))).not.toBe(print(review()));
  });

  test('an agent among the tools with all that is its own, however deep', () => {
    const nested = (instructions: string): AnyAgent => {
      const inner = agent({ name: 'inner', model, instructions });
      return review({ tools: { middle: agent({ name: 'middle', model, instructions: 'x', tools: { inner } }) } });
    };
    expect(print(nested('a'))).toBe(print(nested('a')));
    expect(print(nested('a'))).not.toBe(print(nested('b')));
  });
});

describe('asked again, a fingerprint follows', () => {
  test('the model of the run that asks, there and back', () => {
    const one = review();
    const [first, second, third] = [model, other, model].map((asked) => fingerprint(one, () => asked));
    expect(second).not.toBe(first);
    expect(third).toBe(first);
    expect(fingerprint(one, () => undefined)).not.toBe(first);
  });

  test('the model of an agent among its tools, where its own stays', () => {
    const inner = agent({ name: 'inner', instructions: 'x' });
    const outer = review({ tools: { inner } });
    const asked = (of: LanguageModelV4): string | undefined => fingerprint(outer, (one) => (one === outer ? model : of));
    expect(asked(other)).not.toBe(asked(model));
  });
});

test('settings that are changed after an agent was made are not its settings', () => {
  const settings = { temperature: 0 };
  const one = review({ settings });
  const before = print(one);
  settings.temperature = 1;
  expect(one.behaviour).toMatchObject({ settings: { temperature: 0 } });
  expect(print(one)).toBe(before);
});

test('what only judges, bounds or names an answer does not change it', () => {
  const same = [
    { checks: [() => 'no'] },
    { budget: { calls: 1 } },
    { attempts: 5 },
    { repairs: 0 },
    { turns: 3 },
    { timeoutMs: 9 },
    { description: 'x' },
  ];
  expect(same.map((change) => print(review(change as never)))).toEqual(same.map(() => print(review())));
});

test('code counts as unchanged without a version, and as what its version says', () => {
  const one = (execute: () => string, version?: string): AnyAgent =>
    step({ name: 'one', execute, ...(version === undefined ? {} : { version }) });
  expect(print(one(() => 'a'))).toBe(print(one(() => 'b')));
  expect(print(one(() => 'a', '1'))).not.toBe(print(one(() => 'a', '2')));
  expect(print(one(() => 'a', '1'))).not.toBe(print(one(() => 'a')));
});

test('composites have none, unless a flow carries a version', () => {
  const inner = agent({ name: 'inner', model, instructions: 'x' });
  const body = async (): Promise<string> => Promise.resolve('');
  expect([pipe(inner, inner), map(inner), all({ a: inner }), flow({ name: 'f', run: body })].map(print)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(print(flow({ name: 'f', version: '1', run: body }))).not.toBe(print(flow({ name: 'f', version: '2', run: body })));
});

test('a model is named by its provider and id', () => {
  expect(modelName(model)).toBe('scripted/a');
});
