import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError } from '../../src/index.ts';
import { endsShared } from '../../src/model/opening.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

const Question = z.object({ question: z.string(), repo: z.string(), rules: z.string().optional() });

test('fields named in cache come first, in a part of its own that is the same for every call', async () => {
  const model = scripted([{ text: 'a' }, { text: 'b' }]);
  const asked = agent({ name: 'ask', model, instructions: 'Answer.', input: Question, cache: ['rules', 'repo'] });
  const trial = new Trial();
  await trial.run(asked, { question: 'one?', repo: 'r', rules: 's' }, { id: '1' });
  await trial.run(asked, { question: 'two?', repo: 'r', rules: 's' }, { id: '2' });
  const [one, two] = model.requests.map(({ prompt }) => prompt);
  expect(one?.[1]?.content).toEqual([
    { type: 'text', text: '<rules>\ns\n</rules>\n\n<repo>\nr\n</repo>', providerOptions: { amdahl: { cache: true } } },
    { type: 'text', text: '\n\n<question>\none?\n</question>' },
  ]);
  expect(one?.slice(0, 1)).toEqual(two?.slice(0, 1));
  const [first, second] = [one, two].map((prompt) => (prompt?.[1]?.role === 'user' ? prompt[1].content[0] : undefined));
  expect(first).toEqual(second);
  expect(first !== undefined && endsShared(first)).toBe(true);
});

test('a prompt of its own replaces the rendering, and says itself where the shared part ends', async () => {
  const model = scripted([{ text: 'a' }, { text: 'b' }]);
  const options = { model, instructions: 'Answer.', input: Question } as const;
  const trial = new Trial();
  await trial.run(
    agent({ ...options, name: 'text', prompt: ({ question }) => `Q: ${question}` }),
    { question: 'why?', repo: '' },
    { id: '1' },
  );
  await trial.run(
    agent({ ...options, name: 'parts', prompt: ({ question, repo }) => [{ text: repo, cache: true }, question] }),
    { question: 'why?', repo: 'r' },
    { id: '2' },
  );
  expect(model.requests.map(({ prompt }) => prompt[1]?.content)).toEqual([
    [{ type: 'text', text: 'Q: why?' }],
    [
      { type: 'text', text: 'r', providerOptions: { amdahl: { cache: true } } },
      { type: 'text', text: 'why?' },
    ],
  ]);
});

test.each([
  ['nothing', () => '', 'is empty'],
  ['no parts', () => [], 'is empty'],
  ['a number', () => [3] as never, 'gives a number where text belongs'],
  ['a promise', () => Promise.reject(new Error('late')) as never, 'gives a promise (fetch what it needs before'],
  [
    'an error',
    () => {
      throw new Error('no repo');
    },
    'threw: no repo',
  ],
])('a prompt that gives %s fails its call before anything is sent', async (_, prompt, message) => {
  const model = scripted([]);
  const error = await new Trial().fails(agent({ name: 'ask', model, instructions: 'x', prompt }), 'x');
  expect(error).toMatchObject({ code: 'CODE_FAILED' });
  expect(error.message).toContain(message);
  expect(model.requests).toHaveLength(0);
});

test.each<[string, object, string]>([
  [
    'a field that is none',
    { cache: ['repos'] },
    "names 'repos' in cache, which is no field of its input; did you mean 'repo'? The fields are",
  ],
  ['a field twice', { cache: ['repo', 'repo'] }, "names 'repo' twice"],
  ['a word that is no choice', { cache: 'on' }, "neither 'auto' nor 'off' nor a list of fields"],
  ['fields of a text', { cache: ['repo'], input: z.string() }, 'but its input has no fields'],
  ['fields beside a prompt', { cache: ['repo'], prompt: () => 'x' }, '{ text, cache: true }'],
  ['a prompt that is text', { prompt: 'x' }, 'has text as prompt'],
])('%s is refused when the agent is made', (_, options, message) => {
  const make = (): unknown => agent({ name: 'ask', instructions: 'x', input: Question, ...options });
  expect(make).toThrow(AmdahlError);
  expect(make).toThrow(message);
});

test('a field that the schema does not list may be named where it lists not all', () => {
  const open = agent({ name: 'ask', instructions: 'x', input: z.looseObject({ a: z.string() }), cache: ['b'] });
  expect(open.name).toBe('ask');
});

test('another prompt, or another order, asks anew', async () => {
  const model = scripted(['a', 'b', 'c', 'd'].map((text) => ({ text })));
  const options = { name: 'ask', model, instructions: 'Answer.', input: Question } as const;
  const trial = new Trial();
  const input = { question: 'q', repo: 'r' };
  const first = (question: string): string => question;
  for (const one of [
    {},
    { cache: ['repo'] as const },
    { prompt: ({ question }: { question: string }) => first(question) },
    { prompt: () => 'x' },
  ]) {
    await trial.run(agent({ ...options, ...one }), input);
    await trial.run(agent({ ...options, ...one }), input);
  }
  expect(model.requests).toHaveLength(4);
});
