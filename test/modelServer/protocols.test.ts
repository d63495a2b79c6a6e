import type { JSONSchema7, LanguageModelV4CallOptions, LanguageModelV4FunctionTool, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Said } from '../../src/modelServer/wire.ts';
import { ask, packages } from './asked.ts';
import { ProtocolServer } from './protocolServer.ts';

const USAGE = { tokensIn: 100, tokensOut: 40, tokensCached: 64, tokensReasoning: 8 };
const SAID: Said = { tools: [], finish: 'stop', usage: USAGE };
const PROMPT: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'Say something as JSON.' }] }];
const schema: JSONSchema7 = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'], additionalProperties: false };
const tools: LanguageModelV4FunctionTool[] = ['add', 'sub'].map((name) => {
  return { type: 'function', name, description: `To ${name}.`, inputSchema: schema };
});

let server: ProtocolServer;
beforeAll(async () => void (server = await ProtocolServer.open()));
afterAll(() => server.close());

/** Where the protocols differ in what comes out, by the package that reads it. */
interface Case {
  readonly title: string;
  readonly said: Partial<Said>;
  readonly asks?: Partial<LanguageModelV4CallOptions>;
  readonly heard: object | ((name: string) => object);
}

const two = [
  { name: 'add', args: { a: 1 } },
  { name: 'sub', args: { a: 2 } },
];

const cases: readonly Case[] = [
  { title: 'text', said: { text: 'Grüße 👋🏽 an alle' }, heard: { text: 'Grüße 👋🏽 an alle', finish: 'stop', tools: [] } },
  {
    title: 'usage with what was cached and thought',
    said: { text: 'x' },
    heard: { tokens: [100, 64, 40, 8] },
  },
  {
    title: 'two calls at once behind a text',
    said: { text: 'Let me see.', tools: two, finish: 'tools' },
    asks: { tools },
    heard: {
      text: 'Let me see.',
      finish: 'tool-calls',
      tools: two.map(({ name, args }) => ({ id: expect.any(String), name, input: JSON.stringify(args) })),
    },
  },
  {
    title: 'a call without arguments and without text',
    said: { tools: [{ name: 'add', args: {} }], finish: 'tools' },
    asks: { tools },
    heard: { text: '', finish: 'tool-calls', tools: [{ id: expect.any(String), name: 'add', input: '{}' }] },
  },
  {
    title: 'JSON of a schema',
    said: { text: '{"a":1}' },
    asks: { responseFormat: { type: 'json', schema, name: 'sum' } },
    heard: { text: '{"a":1}', finish: 'stop', tools: [] },
  },
  {
    title: 'reasoning before a text',
    said: { reasoning: 'One and one.', text: 'Two.' },
    heard: (name) => ({ text: 'Two.', reasoning: name === 'openai.chat' ? '' : 'One and one.' }), // OpenAI's own chat shows none
  },
  {
    title: 'a refusal',
    said: { refusal: 'I will not.', finish: 'refusal' },
    heard: { text: 'I will not.', finish: 'content-filter' },
  },
  { title: 'a refusal that has only text', said: { text: 'No.', finish: 'refusal' }, heard: { text: 'No.', finish: 'content-filter' } },
  { title: 'a text that a filter cut', said: { text: 'How to', finish: 'filter' }, heard: { text: 'How to', finish: 'content-filter' } },
  { title: 'a text that grew too long', said: { text: 'On and', finish: 'length' }, heard: { text: 'On and', finish: 'length' } },
  {
    title: 'an unknown finish as it is',
    said: { text: 'x', finish: 'eos_of_doom' },
    heard: { text: 'x', finish: 'other', raw: 'eos_of_doom' },
  },
  { title: 'an empty text', said: { text: '' }, heard: { text: '', finish: 'stop' } },
];

for (const [name, open] of Object.entries(packages)) {
  describe.each([false, true])(`${name}, streaming: %s, hears`, (stream) => {
    test.each(cases)('$title', async ({ said, asks, heard }) => {
      server.reply = { said: { ...SAID, ...said } };
      const answer = await ask(open(server.url), stream, { prompt: PROMPT, ...asks });
      expect(answer).toMatchObject(typeof heard === 'function' ? heard(name) : heard);
      expect(new Set(answer.tools.map(({ id }) => id)).size).toBe(answer.tools.length);
    });

    test('nothing in an empty envelope', async () => {
      server.reply = { said: { ...SAID, empty: true, text: 'unheard' } };
      const answer = ask(open(server.url), stream, { prompt: PROMPT });
      const refuses = name === 'compatible' || (name === 'openai.chat' && !stream);
      if (refuses) await expect(answer).rejects.toThrow(stream ? 'without a finish reason' : /choices|undefined/);
      else await expect(answer).resolves.toMatchObject({ text: '', tools: [] });
    });
  });
}
