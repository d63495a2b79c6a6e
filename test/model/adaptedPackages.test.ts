import type { LanguageModelV4CallOptions, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { createAnthropic as anthropicV2 } from 'anthropic-v2';
import { createOpenAI as openaiV2 } from 'openai-v2';
import { createOpenAI as openaiV3 } from 'openai-v3';
import { expect, test } from 'vitest';
import { adapted, isLanguageModel } from '../../src/model/adapted.ts';

/** The packages' own code runs; their fetch is answered here, and what they send is kept. */
function answering(body: string, type: string): { fetch: typeof fetch; sent: { body: unknown; headers: Headers }[] } {
  const sent: { body: unknown; headers: Headers }[] = [];
  return {
    sent,
    fetch: (_, init) => {
      sent.push({ body: JSON.parse(typeof init?.body === 'string' ? init.body : '{}'), headers: new Headers(init?.headers) });
      return Promise.resolve(new Response(body, { status: 200, headers: { 'content-type': type } }));
    },
  };
}

const call = { id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"q":1}' } };
const whole = JSON.stringify({
  id: 'chat_1',
  created: 1,
  model: 'gpt-4.1',
  choices: [{ index: 0, message: { role: 'assistant', content: 'hello', tool_calls: [call] }, finish_reason: 'tool_calls' }],
  usage: { prompt_tokens: 20, completion_tokens: 7, total_tokens: 27, prompt_tokens_details: { cached_tokens: 12 } },
});
const chunks = [
  { choices: [{ index: 0, delta: { role: 'assistant', content: 'hel' } }] },
  { choices: [{ index: 0, delta: { content: 'lo' } }] },
  { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, ...call }] } }] },
  { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
  { choices: [], usage: { prompt_tokens: 20, completion_tokens: 7, total_tokens: 27, prompt_tokens_details: { cached_tokens: 12 } } },
];
const streamed = [
  ...chunks.map((chunk) => `data: ${JSON.stringify({ id: 'chat_1', created: 1, model: 'gpt-4.1', ...chunk })}\n\n`),
  'data: [DONE]\n\n',
].join('');

const request: LanguageModelV4CallOptions = {
  prompt: [
    { role: 'system', content: 'be brief' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'what is it' },
        { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'aGk=' } },
        { type: 'file', mediaType: 'image', data: { type: 'url', url: new URL('https://example.com/a.png') } },
      ],
    },
    { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'call_0', toolName: 'look', input: { q: 0 } }] },
    { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'call_0', toolName: 'look', output: { type: 'json', value: { n: 3 } } }] },
  ],
  tools: [{ type: 'function', name: 'look', inputSchema: { type: 'object', properties: { q: { type: 'number' } } } }],
  temperature: 0,
};

async function drain(stream: ReadableStream<LanguageModelV4StreamPart>): Promise<LanguageModelV4StreamPart[]> {
  const parts: LanguageModelV4StreamPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

const makers = {
  'AI SDK 5 (V2)': (fetch: typeof globalThis.fetch) => openaiV2({ apiKey: 'k', fetch }).chat('gpt-4.1'),
  'AI SDK 6 (V3)': (fetch: typeof globalThis.fetch) => openaiV3({ apiKey: 'k', fetch }).chat('gpt-4.1'),
};

test.each(Object.entries(makers))('@ai-sdk/openai of %s sends the whole prompt and answers in V4', async (_, make) => {
  const { fetch, sent } = answering(whole, 'application/json');
  const older = make(fetch);
  expect(isLanguageModel(older)).toBe(true);
  const model = adapted(older);
  expect(model).toMatchObject({ specificationVersion: 'v4', provider: 'openai.chat', modelId: 'gpt-4.1' });
  expect(await model.supportedUrls).toEqual(await older.supportedUrls);
  const reply = await model.doGenerate(request);
  expect(reply).toMatchObject({
    content: [
      { type: 'text', text: 'hello' },
      { type: 'tool-call', toolCallId: 'call_1', toolName: 'look', input: '{"q":1}' },
    ],
    finishReason: { unified: 'tool-calls' },
    usage: { inputTokens: { total: 20, cacheRead: 12 }, outputTokens: { total: 7 } },
    warnings: [],
  });
  expect(sent[0]?.body).toMatchObject({
    model: 'gpt-4.1',
    temperature: 0,
    messages: [
      { role: 'system', content: 'be brief' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'what is it' },
          { type: 'image_url', image_url: { url: 'data:image/png;base64,aGk=' } },
          { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
        ],
      },
      { role: 'assistant', tool_calls: [{ id: 'call_0', function: { name: 'look', arguments: '{"q":0}' } }] },
      { role: 'tool', tool_call_id: 'call_0', content: '{"n":3}' },
    ],
    tools: [{ type: 'function', function: { name: 'look' } }],
  });
});

test.each(Object.entries(makers))('@ai-sdk/openai of %s streams in V4', async (_, make) => {
  const { stream } = await adapted(make(answering(streamed, 'text/event-stream').fetch)).doStream(request);
  const parts = await drain(stream);
  expect(parts.flatMap((part) => (part.type === 'text-delta' ? [part.delta] : [])).join('')).toBe('hello');
  expect(parts).toContainEqual(expect.objectContaining({ type: 'tool-call', toolCallId: 'call_1', input: '{"q":1}' }));
  expect(parts[0]).toEqual({ type: 'stream-start', warnings: [] });
  expect(parts.at(-1)).toMatchObject({
    type: 'finish',
    finishReason: { unified: 'tool-calls' },
    usage: { inputTokens: { total: 20, cacheRead: 12 }, outputTokens: { total: 7 } },
  });
});

test.each(Object.entries(makers))('@ai-sdk/openai of %s: a refused key keeps its status for the classification', async (_, make) => {
  const refuse: typeof fetch = () => Promise.resolve(new Response('{"error":{"message":"no"}}', { status: 401 }));
  await expect(adapted(make(refuse)).doGenerate(request)).rejects.toMatchObject({ name: 'AI_APICallError', statusCode: 401 });
});

test('@ai-sdk/anthropic of AI SDK 5 counts its cache beside the input: it is added, whole and streamed', async () => {
  const usage = { input_tokens: 10, cache_read_input_tokens: 100, cache_creation_input_tokens: 7, output_tokens: 5 };
  const message = {
    type: 'message',
    id: 'm',
    model: 'claude',
    role: 'assistant',
    content: [{ type: 'text', text: 'hi' }],
    stop_reason: 'end_turn',
    usage,
  };
  const make = (body: string, type: string) =>
    adapted(anthropicV2({ apiKey: 'k', fetch: answering(body, type).fetch })('claude-sonnet-4-5'));
  const reply = await make(JSON.stringify(message), 'application/json').doGenerate(request);
  expect(reply.usage.inputTokens).toEqual({ total: 117, noCache: 10, cacheRead: 100, cacheWrite: 7 });
  const events = [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'hi' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ];
  const sse = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  const parts = await drain((await make(sse, 'text/event-stream').doStream(request)).stream);
  expect(parts.at(-1)).toMatchObject({
    type: 'finish',
    finishReason: { unified: 'stop' },
    usage: { inputTokens: { total: 117, noCache: 10, cacheRead: 100, cacheWrite: 7 }, outputTokens: { total: 5 } },
  });
});
