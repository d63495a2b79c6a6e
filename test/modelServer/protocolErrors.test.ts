import { APICallError, type LanguageModelV4Prompt } from '@ai-sdk/provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Said, Trouble, Voice } from '../../src/modelServer/wire.ts';
import { voices } from '../../src/modelServer/voices.ts';
import { ask, packages } from './asked.ts';
import { ProtocolServer } from './protocolServer.ts';

const PROMPT: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'x' }] }];
const SAID: Said = {
  text: 'half of it',
  tools: [],
  finish: 'stop',
  usage: { tokensIn: 1, tokensOut: 1, tokensCached: 0, tokensReasoning: 0 },
};

let server: ProtocolServer;
beforeAll(async () => void (server = await ProtocolServer.open()));
afterAll(() => server.close());

/** Status, and what tells it from others of that status, as [OpenAI, Anthropic]. */
const troubles: Readonly<Record<Trouble, readonly [readonly [number, string], readonly [number, string]]>> = {
  badRequest: [
    [400, '"invalid_request_error"'],
    [400, '"invalid_request_error"'],
  ],
  unauthorized: [
    [401, '"invalid_api_key"'],
    [401, '"authentication_error"'],
  ],
  unknownModel: [
    [404, '"model_not_found"'],
    [404, '"not_found_error"'],
  ],
  contextOverflow: [
    [400, '"context_length_exceeded"'],
    [400, 'prompt is too long'],
  ],
  tooLarge: [
    [413, '"invalid_request_error"'],
    [413, '"request_too_large"'],
  ],
  rateLimited: [
    [429, '"rate_limit_exceeded"'],
    [429, '"rate_limit_error"'],
  ],
  quotaUsedUp: [
    [429, '"insufficient_quota"'],
    [400, 'credit balance is too low'],
  ],
  overloaded: [
    [503, '"server_is_overloaded"'],
    [529, '"overloaded_error"'],
  ],
  serverError: [
    [500, '"server_error"'],
    [500, '"api_error"'],
  ],
  unavailable: [
    [503, '"server_error"'],
    [503, '"api_error"'],
  ],
};

describe.each(Object.entries(packages))('%s', (name, open) => {
  const own = name === 'anthropic.messages' ? 1 : 0;

  test.each(Object.keys(troubles) as Trouble[])('tells %s by its status and its form', async (trouble) => {
    const [status, mark] = troubles[trouble][own];
    for (const stream of [false, true]) {
      for (const message of ['', 'in words of ours']) {
        server.reply = { trouble, message };
        const error = await ask(open(server.url), stream, { prompt: PROMPT }).then(String, (thrown: unknown) => thrown);
        if (!APICallError.isInstance(error)) throw new Error(`not refused but ${String(error)}`);
        expect(error.statusCode).toBe(status);
        expect(error.message).toMatch(message === '' ? /\S/ : /^in words of ours$/);
        if (message === '' || mark.startsWith('"')) expect(error.responseBody).toContain(mark);
        expect(error.data).toHaveProperty('error.message', error.message); // the package knew the form
      }
    }
  });

  test('hears an error in the middle of a stream', async () => {
    for (const after of [1, 5, 7]) {
      server.reply = { said: SAID, breaks: { after, trouble: 'overloaded' } };
      await expect(ask(open(server.url), true, { prompt: PROMPT })).rejects.toMatchObject({
        message: expect.stringMatching(/^(Our servers are currently overloaded|Overloaded)/),
      });
    }
  });
});

const chat = { model: 'm', messages: [{ role: 'user', content: 'x' }] };
const responses = { model: 'm', input: 'x' };
const messages = { model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] };
const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } };
const use = { type: 'tool_use', id: 'c', name: 'f', input: {} };
const asked = { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' };

/** A body that is refused, and a part of the reason. */
const refused: readonly (readonly [Voice['protocol'], unknown, string])[] = [
  ...(['openai.chat', 'openai.responses', 'anthropic.messages'] as const).flatMap((protocol) => [
    [protocol, 'text', "'body': expected an object"] as const,
    [protocol, [], "'body': expected an object"] as const,
    [protocol, {}, "'model'"] as const,
    [protocol, { model: 7 }, "'model': expected a string, but got a number"] as const,
    [protocol, { model: 'm', max_tokens: 9 }, protocol === 'openai.responses' ? "'input'" : "'messages'"] as const,
  ]),
  ['openai.chat', { ...chat, messages: [] }, 'empty array'],
  ['openai.chat', { ...chat, messages: [{ role: 'robot', content: 'x' }] }, "'robot'"],
  ['openai.chat', { ...chat, messages: [{ role: 'user', content: 7 }] }, "'messages[0].content': expected an array, but got a number"],
  ['openai.chat', { ...chat, messages: [{ role: 'user', content: [{ type: 'smell' }] }] }, "'smell'"],
  ['openai.chat', { ...chat, messages: [{ role: 'assistant' }] }, 'messages[0].content'],
  ['openai.chat', { ...chat, messages: [{ role: 'assistant', tool_calls: [call] }] }, 'did not have response messages: c'],
  [
    'openai.chat',
    { ...chat, messages: [{ role: 'assistant', tool_calls: [call] }, ...chat.messages] },
    'did not have response messages: c',
  ],
  ['openai.chat', { ...chat, messages: [{ role: 'tool', tool_call_id: 'c', content: 'x' }] }, 'must be a response'],
  ['openai.chat', { ...chat, response_format: { type: 'json_object' } }, "the word 'json'"],
  ['openai.chat', { ...chat, response_format: { type: 'json_schema' } }, "'response_format.json_schema'"],
  ['openai.chat', { ...chat, response_format: { type: 'yaml' } }, "'yaml'"],
  ['openai.chat', { ...chat, tools: [{ type: 'function', function: {} }] }, "'tools[0].function.name'"],
  ['openai.responses', { ...responses, input: [{ role: 'robot', content: 'x' }] }, "'robot'"],
  ['openai.responses', { ...responses, input: [{ type: 'smell' }] }, "'smell'"],
  ['openai.responses', { ...responses, input: [asked] }, 'No tool output found for function call c.'],
  ['openai.responses', { ...responses, input: [{ type: 'function_call_output', call_id: 'c', output: 'x' }] }, 'No tool call found'],
  ['openai.responses', { ...responses, text: { format: { type: 'json_object' } } }, "the word 'json'"],
  ['openai.responses', { ...responses, text: { format: { type: 'json_schema', name: 'x' } } }, "'text.format.schema'"],
  ['anthropic.messages', { ...messages, max_tokens: undefined }, 'max_tokens: Field required'],
  ['anthropic.messages', { ...messages, messages: [] }, 'at least one message'],
  ['anthropic.messages', { ...messages, messages: [{ role: 'robot', content: 'x' }] }, "'user' or 'assistant'"],
  ['anthropic.messages', { ...messages, messages: [{ role: 'user', content: [] }] }, 'non-empty content'],
  ['anthropic.messages', { ...messages, messages: [{ role: 'user', content: [{ type: 'text', text: '' }] }] }, 'non-empty'],
  ['anthropic.messages', { ...messages, messages: [{ role: 'user', content: [{ type: 'smell' }] }] }, "'smell'"],
  ['anthropic.messages', { ...messages, messages: [{ role: 'assistant', content: [use] }, ...messages.messages] }, 'were found without'],
  [
    'anthropic.messages',
    { ...messages, messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c' }] }] },
    'unexpected `tool_use_id`',
  ],
  ['anthropic.messages', { ...messages, messages: [{ role: 'assistant', content: [{ type: 'thinking', thinking: 'x' }] }] }, 'signature'],
  ['anthropic.messages', { ...messages, tool_choice: { type: 'maybe' } }, "'maybe'"],
  ['anthropic.messages', { ...messages, output_config: { format: { type: 'yaml' } } }, "'json_schema'"],
];

test.each(refused)('%s refuses %j', (protocol, body, reason) => {
  expect(voices[protocol].read(body, {})).toEqual({ wrong: expect.stringContaining(reason) });
});

test.each([
  ['openai.chat', chat],
  ['openai.responses', responses],
  ['anthropic.messages', messages],
] as const)('%s takes the body on which those are built', (protocol, body) => {
  expect(voices[protocol].read(body, { a: 'b' })).toMatchObject({
    protocol,
    model: 'm',
    stream: false,
    toolChoice: 'auto',
    body,
    headers: { a: 'b' },
  });
});

test('a conversation that is too long is told with its numbers, where the provider tells them', () => {
  const about = { tokens: 12, tokensMax: 9 };
  const message = (protocol: Voice['protocol']): string => JSON.stringify(voices[protocol].error('contextOverflow', '', about).body);
  expect(message('openai.chat')).toMatch(/maximum context length is 9 tokens.* 12 tokens.*"param":"messages"/);
  expect(message('openai.responses')).toMatch(/exceeds the context window.*"param":"input"/);
  expect(message('anthropic.messages')).toContain('prompt is too long: 12 tokens > 9 maximum');
});
