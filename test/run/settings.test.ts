// Settings: what requests carry, what a run replaces, and what is recorded.

import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, AmdahlError, type ModelSettings, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

const look = tool({ effect: 'none', description: 'x', input: z.object({}), execute: () => 'seen' });

const ALL: ModelSettings = {
  temperature: 0.5,
  maxOutputTokens: 100,
  topP: 0.9,
  topK: 40,
  reasoning: 'high',
  stop: ['END'],
  seed: 7,
  headers: { 'x-team': 'tangerine' },
  providerOptions: { openai: { serviceTier: 'flex' } },
};

test('every setting is in the request, and all but the headers are recorded', async () => {
  const model = scripted([{ text: 'ok' }]);
  const trial = new Trial();
  await trial.run(agent({ name: 'ask', model, instructions: 'x', settings: ALL }), 'x');
  const { headers, stop, ...rest } = ALL;
  expect(model.requests[0]).toMatchObject({ ...rest, stopSequences: stop, headers });
  const [asked] = await trial.events('model.requested');
  expect(asked?.setup?.settings).toEqual({ ...rest, stop });
  expect(JSON.stringify(await trial.events())).not.toContain('tangerine');
});

test("a run's settings replace those of the same name, by the agent's name over those for all", async () => {
  const model = scripted([{ text: 'ok' }, { text: 'ok' }]);
  const options = { model, instructions: 'x', settings: { temperature: 1, seed: 1, topK: 5 } } as const;
  const trial = new Trial();
  const settings = { '*': { temperature: 0.5, seed: 2 }, ask: { seed: 3 } };
  await trial.run(agent({ ...options, name: 'ask' }), 'x', { settings, id: '1' });
  await trial.run(agent({ ...options, name: 'other' }), 'x', { settings, id: '2' });
  expect(model.requests.map(({ temperature, seed, topK }) => [temperature, seed, topK])).toEqual([
    [0.5, 3, 5],
    [0.5, 2, 5],
  ]);
});

test('other settings ask anew, other headers do not', async () => {
  const model = scripted([{ text: 'a' }, { text: 'b' }]);
  const asked = agent({ name: 'ask', model, instructions: 'x', settings: { headers: { a: '1' } } });
  const trial = new Trial();
  await trial.run(asked, 'x');
  await trial.run(asked, 'x', { settings: { ask: { headers: { a: '2' } } } });
  expect(model.requests).toHaveLength(1);
  const { resume } = await trial.run(asked, 'x', { settings: { ask: { temperature: 0 } } });
  expect(model.requests).toHaveLength(2);
  expect(resume?.bought).toEqual([{ path: 'ask', why: 'its settings changed' }]);
});

test.each<[string, string, unknown]>([
  ['any tool', 'required', { type: 'required' }],
  ['one tool', 'look', { type: 'tool', toolName: 'look' }],
])('%s that must be called is called first, and then the model chooses', async (_, toolChoice, first) => {
  const model = scripted([{ tools: [['look', {}]] }, { text: 'no' }, { text: 'ok' }]);
  const asked = agent({
    name: 'ask',
    model,
    instructions: 'x',
    tools: { look },
    settings: { toolChoice },
    checks: [(said) => (said === 'ok' ? undefined : 'no')],
  });
  await new Trial().run(asked, 'x');
  expect(model.requests.map(({ toolChoice: choice }) => choice)).toEqual([first, { type: 'auto' }, { type: 'auto' }]);
});

test('no tool is called where none may be, and a choice for all means those that have tools', async () => {
  const model = scripted([{ text: 'ok' }, { text: 'ok' }]);
  const trial = new Trial();
  await trial.run(agent({ name: 'a', model, instructions: 'x', tools: { look } }), 'x', {
    settings: { a: { toolChoice: 'none' } },
    id: '1',
  });
  await trial.run(agent({ name: 'b', model, instructions: 'x' }), 'x', { settings: { '*': { toolChoice: 'required' } }, id: '2' });
  expect(model.requests.map(({ toolChoice }) => toolChoice)).toEqual([{ type: 'none' }, undefined]);
});

test('a fresh attempt asks with the next seed, or it would be given the same answer', async () => {
  const model = scripted([{ text: 'no' }, { text: 'ok' }]);
  const asked = agent({
    name: 'ask',
    model,
    instructions: 'x',
    settings: { seed: 7 },
    repairs: 0,
    checks: [(said) => (said === 'ok' ? undefined : 'no')],
  });
  await new Trial().run(asked, 'x');
  expect(model.requests.map(({ seed }) => seed)).toEqual([7, 8]);
});

test.each<[string, object, string]>([
  ['one that there is not', { temprature: 1 }, "a setting 'temprature' that does not exist; did you mean 'temperature'?"],
  ['one of others', { stopSequences: ['a'] }, "did you mean 'stop'?"],
  ['a temperature that is none', { temperature: '0' }, 'has temperature: "0". Give a number, 0 or more'],
  ['half a token', { maxOutputTokens: 1.5 }, 'has maxOutputTokens: 1.5. Give a whole number, 1 or more'],
  ['an effort that there is not', { reasoning: 'lots' }, 'has reasoning: "lots". There are provider-default, none'],
  ['one text to stop at', { stop: 'END' }, 'has stop: text. Give a list of texts'],
  ['a header that is no text', { headers: { a: 1 } }, 'has headers that are not all text'],
  ['options of no provider', { providerOptions: { a: 1 } }, 'has providerOptions of another form'],
  ['a tool that it does not have', { toolChoice: 'search' }, "has toolChoice: 'search', which is none of its tools"],
])('a setting that cannot be right is refused when the agent is made, and for a run before it begins: %s', async (_, settings, message) => {
  const make = (): unknown => agent({ name: 'ask', instructions: 'x', tools: { look }, settings });
  expect(make).toThrow(AmdahlError);
  expect(make).toThrow(message);
  const model = scripted([]);
  const error = await new Trial().fails(agent({ name: 'ask', model, instructions: 'x', tools: { look } }), 'x', {
    settings: { ask: settings },
  });
  expect(error).toMatchObject({ code: 'MISCONFIGURED' });
  expect(error.message).toContain(message);
  expect(model.requests).toHaveLength(0);
});
