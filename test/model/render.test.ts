import type { LanguageModelV4Content, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';
import { argumentsOf, assistantMessage, repairMessage, resultsOf, toolPart, unwrapArguments } from '../../src/model/render.ts';

describe('an input', () => {
  test('follows the instructions, in a message of its own', async () => {
    const model = scripted([{ text: 'ok' }]);
    await new Trial().run(agent({ name: 'review', model, instructions: 'Review.' }), 'x');
    expect(model.requests[0]?.prompt).toEqual([
      { role: 'system', content: 'Review.' },
      { role: 'user', content: [{ type: 'text', text: 'x' }] },
    ]);
  });
});

test('the format carries the name of the agent as providers take it', async () => {
  const model = scripted([{ object: { a: 'b' } }]);
  await new Trial().run(agent({ name: 'find: the bug!', model, output: z.object({ a: z.string() }), instructions: 'x' }), 'x');
  expect(model.requests[0]?.responseFormat).toMatchObject({ type: 'json', name: 'find__the_bug_', schema: { type: 'object' } });
});

test('an agent that is asked in run after run is sent the same, under the name of the model that is asked', async () => {
  const asked = agent({ name: 'review', instructions: 'Review.', output: z.object({ a: z.string() }) });
  const names: string[] = [];
  const formats = [];
  for (const modelId of ['one', 'two', 'one']) {
    const model = scripted([{ object: { a: 'b' } }], { modelId });
    const trial = new Trial();
    await trial.run(asked, 'x', { models: { review: model } });
    formats.push(model.requests[0]?.responseFormat);
    for (const { setup } of await trial.events('model.requested')) names.push(setup?.model ?? '');
  }
  expect(names).toEqual(['scripted/one', 'scripted/two', 'scripted/one']);
  expect(formats[1]).toEqual(formats[0]);
  expect(formats[2]).toEqual(formats[0]);
});

describe('a reply, as the next request repeats it', () => {
  const call = { type: 'tool-call', toolCallId: 'c', toolName: 't' } as const;
  test.each<[string, LanguageModelV4Content[], unknown[]]>([
    ['empty text is left out', [{ type: 'text', text: '' }], []],
    [
      'empty reasoning with a signature is kept',
      [{ type: 'reasoning', text: '', providerMetadata: { p: { s: 1 } } }],
      [{ type: 'reasoning', text: '', providerOptions: { p: { s: 1 } } }],
    ],
    ['sources are for people', [{ type: 'source', sourceType: 'url', id: '1', url: 'https://a.example' }], []],
    ['arguments are parsed', [{ ...call, input: '{"a":1}' }], [{ ...call, input: { a: 1 } }]],
    ['arguments that are no JSON stay as they came', [{ ...call, input: '{"a' }], [{ ...call, input: '{"a' }]],
    ['no arguments are an empty object', [{ ...call, input: ' ' }], [{ ...call, input: {} }]],
    [
      'tools of the provider stay its own',
      [{ ...call, input: '{}', providerExecuted: true }],
      [{ ...call, input: {}, providerExecuted: true }],
    ],
  ])('%s', (_, content, parts) => {
    expect(assistantMessage(content)).toEqual({ role: 'assistant', content: parts });
  });
});

test('arguments come out of the object that was put around them, and only out of that one', () => {
  const made = agent({
    name: 'asks',
    instructions: 'x',
    tools: {
      list: tool({ description: 'x', effect: 'none', input: z.array(z.number()), execute: () => null }),
      object: tool({ description: 'x', effect: 'none', input: z.object({ value: z.number() }), execute: () => null }),
      text: step({ name: 'text', execute: (text) => text }),
    },
  });
  const spec = (name: string) => {
    const found = made.behaviour.kind === 'model' ? made.behaviour.tools.get(name) : undefined;
    if (found === undefined) throw new Error('no such tool');
    return found;
  };
  expect(unwrapArguments(spec('list'), { value: [1] })).toEqual([1]);
  expect(unwrapArguments(spec('list'), [1])).toEqual([1]);
  expect(unwrapArguments(spec('object'), { value: 1 })).toEqual({ value: 1 });
  expect(unwrapArguments(spec('text'), { input: 'a' })).toBe('a');
  expect(unwrapArguments(spec('text'), 'a')).toBe('a');
});

test('a repair lists what was wrong, each with its path, and asks for the whole again', () => {
  const problems = [
    { path: 'a[0].b', message: 'too long' },
    { path: '', message: 'too short' },
  ];
  const text = (json: boolean): unknown => repairMessage(problems, json).content;
  expect(text(true)).toEqual([
    {
      type: 'text',
      text: 'Your last answer was refused:\n- a[0].b: too long\n- too short\n\nGive the whole answer again, corrected, as JSON of the required form and nothing else.',
    },
  ]);
  expect(text(false)).toEqual([
    { type: 'text', text: 'Your last answer was refused:\n- a[0].b: too long\n- too short\n\nGive the whole answer again, corrected.' },
  ]);
});

test('what a tool gave is text or JSON, and an error says that it is one', () => {
  const call = { type: 'tool-call', toolCallId: 'c', toolName: 't', input: '{}' } as const;
  expect(toolPart(call, { result: 'plain' }).output).toEqual({ type: 'text', value: 'plain' });
  expect(toolPart(call, { result: { a: null } }).output).toEqual({ type: 'json', value: { a: null } });
  expect(toolPart(call, { result: null }).output).toEqual({ type: 'json', value: null });
  expect(toolPart(call, { error: 'no' }).output).toEqual({ type: 'error-text', value: 'no' });
});

test('evidence is what tools gave in order, with the arguments they were called with, whoever ran them', () => {
  const call = (id: string, input: unknown) => ({ type: 'tool-call', toolCallId: id, toolName: id, input }) as const;
  const prompt: LanguageModelV4Prompt = [
    { role: 'system', content: 'x' },
    {
      role: 'assistant',
      content: [
        call('a', { n: 1 }),
        call('b', { n: 2 }),
        call('s', { q: 1 }),
        { type: 'tool-result', toolCallId: 's', toolName: 's', output: { type: 'json', value: 3 } },
      ],
    },
    {
      role: 'tool',
      content: [
        { type: 'tool-result', toolCallId: 'a', toolName: 'a', output: { type: 'text', value: 'one' } },
        { type: 'tool-result', toolCallId: 'b', toolName: 'b', output: { type: 'error-text', value: 'one' } },
      ],
    },
  ];
  expect(resultsOf(prompt)).toEqual([
    { tool: 's', args: { q: 1 }, result: 3 },
    { tool: 'a', args: { n: 1 }, result: 'one' },
  ]);
});

test('arguments as a model wrote them', () => {
  const written = (input: string): unknown => argumentsOf({ type: 'tool-call', toolCallId: 'c', toolName: 't', input });
  expect([written('{"a":1}'), written(''), written('[1]'), written('{"a')]).toEqual([{ a: 1 }, {}, [1], '{"a']);
});
