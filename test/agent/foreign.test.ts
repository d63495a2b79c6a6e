import { type JSONSchema7, jsonSchema, tool as sdkTool } from 'ai';
import { type } from 'arktype';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, readOnly } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { refusal, toolAnswers, Trial } from '../support/trial.ts';

/** A tool as programs for the AI SDK have it. */
const weather = sdkTool({
  description: 'The weather of a city',
  inputSchema: z.object({ city: z.string() }),
  execute: async ({ city }, { toolCallId, abortSignal }) =>
    Promise.resolve({ city, celsius: 7, id: toolCallId, aborted: abortSignal?.aborted }),
});

test('an AI SDK tool is used as it is, with its schema, its call id and a signal', async () => {
  const model = scripted([{ tools: [['weather', { city: 'Oslo' }]] }, { text: '7' }]);
  await new Trial().run(agent({ name: 'asks', model, instructions: 'Ask.', tools: { weather } }), 'Oslo?');
  expect(toolAnswers(model, 1)).toEqual([{ city: 'Oslo', celsius: 7, id: 'call-0-0', aborted: false }]);
  expect(model.requests[0]?.tools).toMatchObject([
    {
      name: 'weather',
      description: 'The weather of a city',
      inputSchema: { properties: { city: { type: 'string' } }, required: ['city'] },
    },
  ]);
});

test('arguments that do not fit the schema of an AI SDK tool never reach it', async () => {
  const model = scripted([{ tools: [['weather', { town: 'Oslo' }]] }, { text: 'sorry' }]);
  const trial = new Trial();
  await trial.run(agent({ name: 'asks', model, instructions: 'Ask.', tools: { weather } }), 'Oslo?');
  expect(toolAnswers(model, 1)).toEqual([expect.stringMatching(/^The arguments do not fit: city: /)]);
  expect(await trial.events('effect.committing')).toEqual([]);
});

test('schemas may also be arktype, or JSON Schema with and without a validator', async () => {
  const form: JSONSchema7 = { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] };
  const validate = (value: unknown): { success: true; value: { n: number } } | { success: false; error: Error } => {
    const found = z.object({ n: z.number() }).safeParse(value);
    return found.success ? { success: true, value: { n: found.data.n + 100 } } : { success: false, error: new Error('n is no number') };
  };
  const execute = ({ n }: { n: number }): { got: unknown } => ({ got: n });
  const tools = {
    ark: readOnly(sdkTool({ inputSchema: type({ n: 'number' }), execute })),
    trusted: readOnly(sdkTool({ inputSchema: jsonSchema<{ n: number }>(form), execute })),
    judged: readOnly(sdkTool({ inputSchema: jsonSchema<{ n: number }>(form, { validate }), execute })),
  };
  const calls = [
    ['ark', { n: 1 }],
    ['trusted', { n: 2 }],
    ['judged', { n: 3 }],
    ['judged', { n: 'x' }],
  ] as const;
  const model = scripted([{ tools: calls }, { text: 'ok' }]);
  await new Trial().run(agent({ name: 'asks', model, instructions: 'Ask.', tools }), 'go');
  expect(toolAnswers(model, 1)).toEqual([{ got: 1 }, { got: 2 }, { got: 103 }, 'The arguments do not fit: n is no number.']);
  expect(model.requests[0]?.tools).toMatchObject([{ inputSchema: { required: ['n'] } }, { inputSchema: form }, { inputSchema: form }]);
});

describe('nobody knows what a foreign tool does', () => {
  test('so it is journaled as an act, and its call gets no fresh attempt', async () => {
    const model = scripted([{ tools: [['weather', { city: 'Oslo' }]] }, { text: 'no' }]);
    const asks = agent({
      name: 'asks',
      model,
      instructions: 'Ask.',
      tools: { weather },
      attempts: 3,
      repairs: 0,
      checks: [(text) => (text === 'no' ? 'say more' : undefined)],
    });
    const trial = new Trial();
    const error = await trial.fails(asks, 'Oslo?');
    expect(error.code).toBe('CHECK_FAILED');
    expect(error.message).toContain('It has acted on the world, so it gets no fresh attempt');
    expect((await trial.events('effect.committing', 'effect.committed', 'tool.returned')).map(({ kind }) => kind)).toEqual([
      'effect.committing',
      'effect.committed',
      'tool.returned',
    ]);
    expect(model.requests).toHaveLength(2);
  });

  test('until readOnly says that it only reads', async () => {
    const model = scripted((_, nth) =>
      nth === 2 ? { text: 'yes' } : nth % 2 === 0 ? { tools: [['weather', { city: 'Oslo' }]] } : { text: 'no' },
    );
    const tools = readOnly({ weather });
    const asks = agent({
      name: 'asks',
      model,
      instructions: 'Ask.',
      tools,
      attempts: 2,
      repairs: 0,
      checks: [(text) => (text === 'no' ? 'say more' : undefined)],
    });
    const trial = new Trial();
    expect((await trial.run(asks, 'Oslo?')).output).toBe('yes');
    expect(await trial.events('effect.committing')).toEqual([]);
    expect((await trial.tree()).root.attempts).toHaveLength(2);
  });

  test('readOnly takes one tool or several, and leaves the originals as they were', () => {
    const one = readOnly(weather);
    expect(one).not.toBe(weather);
    expect(one.description).toBe('The weather of a city');
    expect(Object.keys(readOnly({ weather, again: weather }))).toEqual(['weather', 'again']);
    expect(Object.getOwnPropertySymbols(weather)).toEqual([]);
  });
});

describe('a foreign tool that cannot work is refused where the agent is made', () => {
  const execute = (): number => 1;
  test.each([
    ['no execute function', { inputSchema: z.object({}) }, 'MISCONFIGURED', "The tool 'its' of 'asks' has no execute function"],
    [
      'an unknown kind of schema',
      { inputSchema: { type: 'object' }, execute },
      'NO_JSON_SCHEMA',
      "The input of the tool 'its' of 'asks' has an inputSchema that is neither",
    ],
    [
      'a schema without JSON form',
      { inputSchema: z.object({ at: z.date() }), execute },
      'NO_JSON_SCHEMA',
      "The input of the tool 'its' of 'asks' has no JSON Schema",
    ],
    [
      'a schema that comes later',
      { inputSchema: jsonSchema(async () => Promise.resolve({ type: 'object' as const })), execute },
      'NO_JSON_SCHEMA',
      'Await it first',
    ],
  ] as const)('%s', (_, its, code, words) => {
    const error = refusal(() => agent({ name: 'asks', instructions: 'x', tools: { its } }));
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });
});
