import { expect, test } from 'vitest';
import { adapted, isLanguageModel } from '../../src/model/adapted.ts';
import { scripted } from '../../src/testing.ts';
import { drain, OlderV2, OlderV3, plainV2, plainV3, type ReplyV2, type ReplyV3, usageV2, usageV3, user } from '../support/olderModels.ts';

test('a V4 model is returned as it is, and an older one gets the same adapter each time', () => {
  const v4 = scripted([]);
  expect(adapted(v4)).toBe(v4);
  for (const model of [new OlderV2(), new OlderV3()]) {
    const made = adapted(model);
    expect(made).toMatchObject({ specificationVersion: 'v4', provider: 'acme.chat', modelId: model.modelId });
    expect(made.supportedUrls).toBe(model.supportedUrls);
    expect(adapted(model)).toBe(made);
    expect(adapted(made)).toBe(made);
  }
  expect(adapted(new OlderV2())).not.toBe(adapted(new OlderV2()));
});

test('whether an older model keeps to a schema is passed on where it is told', () => {
  expect(adapted(Object.assign(new OlderV3(), { supportsStructuredOutputs: false }))).toHaveProperty('supportsStructuredOutputs', false);
  expect(adapted(new OlderV2())).not.toHaveProperty('supportsStructuredOutputs');
});

test('language models are told from anything else, classes and callable ones included', () => {
  for (const model of [scripted([]), new OlderV2(), new OlderV3(), Object.assign(() => undefined, scripted([]))]) {
    expect(isLanguageModel(model)).toBe(true);
  }
  const deaf = { ...scripted([]), doStream: undefined };
  for (const other of [
    'openai/gpt-5',
    undefined,
    null,
    7,
    {},
    deaf,
    { ...scripted([]), specificationVersion: 'v1' },
    { ...scripted([]), modelId: 1 },
  ]) {
    expect(isLanguageModel(other)).toBe(false);
  }
});

const providerMetadata = { acme: { signature: 's' } };

test('a V3 reply comes up whole: files said by kind, everything else as it is', async () => {
  const kept = [
    { type: 'text', text: 'hi', providerMetadata },
    { type: 'reasoning', text: 'hm', providerMetadata },
    { type: 'tool-call', toolCallId: 'c', toolName: 't', input: '{}', dynamic: true, providerExecuted: true, providerMetadata },
    { type: 'tool-result', toolCallId: 'c', toolName: 't', result: { a: 1 }, preliminary: true, providerMetadata },
    { type: 'tool-approval-request', approvalId: 'a', toolCallId: 'c' },
    { type: 'source', sourceType: 'url', id: '1', url: 'https://a.b' },
  ] as const;
  const rest = {
    finishReason: { unified: 'length', raw: 'max' },
    usage: { ...usageV3, raw: { a: 1 } },
    warnings: [{ type: 'compatibility', feature: 'f' }],
    providerMetadata,
    request: { body: 'q' },
    response: { id: 'r', modelId: 'm', timestamp: new Date(0), headers: { h: '1' }, body: 'b' },
  } as const;
  const reply: ReplyV3 = {
    ...rest,
    warnings: [...rest.warnings],
    content: [...kept, { type: 'file', mediaType: 'image/png', data: 'aGk=', providerMetadata }],
  };
  expect(await adapted(new OlderV3(reply)).doGenerate(user([]))).toStrictEqual({
    ...rest,
    content: [...kept, { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'aGk=' }, providerMetadata }],
  });
});

test('a V2 reply comes up in V4 words: finish, usage, warnings, files and results', async () => {
  const reply: ReplyV2 = {
    content: [
      { type: 'text', text: 'hi', providerMetadata },
      { type: 'file', mediaType: 'image/png', data: Uint8Array.of(1) },
      { type: 'tool-call', toolCallId: 'c', toolName: 't', input: '{}', providerExecuted: true },
      { type: 'tool-result', toolCallId: 'c', toolName: 't', result: { a: 1 }, providerExecuted: true },
      { type: 'tool-result', toolCallId: 'd', toolName: 't', result: null, isError: true },
    ],
    finishReason: 'unknown',
    usage: { inputTokens: 10, outputTokens: 5, totalTokens: 15, cachedInputTokens: 4, reasoningTokens: 2 },
    warnings: [
      { type: 'unsupported-setting', setting: 'topK', details: 'd' },
      { type: 'unsupported-tool', tool: { type: 'function', name: 'look', inputSchema: {} } },
      { type: 'other', message: 'm' },
    ],
    providerMetadata,
    response: { id: 'r', headers: { h: '1' } },
  };
  expect(await adapted(new OlderV2(reply)).doGenerate(user([]))).toStrictEqual({
    content: [
      { type: 'text', text: 'hi', providerMetadata },
      { type: 'file', mediaType: 'image/png', data: { type: 'data', data: Uint8Array.of(1) } },
      { type: 'tool-call', toolCallId: 'c', toolName: 't', input: '{}', providerExecuted: true },
      { type: 'tool-result', toolCallId: 'c', toolName: 't', result: { a: 1 } },
      { type: 'tool-result', toolCallId: 'd', toolName: 't', result: '', isError: true },
    ],
    finishReason: { unified: 'other', raw: undefined },
    usage: {
      inputTokens: { total: 10, noCache: undefined, cacheRead: 4, cacheWrite: undefined },
      outputTokens: { total: 5, text: undefined, reasoning: 2 },
    },
    warnings: [
      { type: 'unsupported', feature: 'topK', details: 'd' },
      { type: 'unsupported', feature: "the tool 'look'" },
      { type: 'other', message: 'm' },
    ],
    providerMetadata,
    response: { id: 'r', headers: { h: '1' } },
  });
});

test.each([
  ['anthropic.messages', { anthropic: { cacheCreationInputTokens: 7 } }],
  ['amazon-bedrock', { bedrock: { usage: { cacheWriteInputTokens: 7 } } }],
])('the V2 package of %s counts its cache beside the input: it is added', async (provider, metadata) => {
  const reply: ReplyV2 = { ...plainV2, usage: { ...usageV2, cachedInputTokens: 100 }, providerMetadata: metadata };
  const { usage } = await adapted(new OlderV2(reply, [], provider)).doGenerate(user([]));
  expect(usage.inputTokens).toEqual({ total: 117, noCache: 10, cacheRead: 100, cacheWrite: 7 });
});

test('an unknown V2 usage stays unknown', async () => {
  const reply: ReplyV2 = { ...plainV2, usage: { inputTokens: undefined, outputTokens: undefined, totalTokens: undefined } };
  for (const provider of ['acme', 'anthropic.messages']) {
    const { usage } = await adapted(new OlderV2(reply, [], provider)).doGenerate(user([]));
    expect([usage.inputTokens.total, usage.outputTokens.total]).toEqual([undefined, undefined]);
  }
});

const shared = [
  { type: 'response-metadata', id: 'r' },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'hi' },
  { type: 'text-end', id: '1', providerMetadata },
  { type: 'reasoning-start', id: '2' },
  { type: 'reasoning-delta', id: '2', delta: 'hm', providerMetadata },
  { type: 'reasoning-end', id: '2' },
  { type: 'tool-input-start', id: '3', toolName: 't' },
  { type: 'tool-input-delta', id: '3', delta: '{}' },
  { type: 'tool-input-end', id: '3' },
  { type: 'tool-call', toolCallId: '3', toolName: 't', input: '{}' },
  { type: 'source', sourceType: 'url', id: '1', url: 'https://a.b' },
  { type: 'raw', rawValue: { a: 1 } },
  { type: 'error', error: 'e' },
] as const;

test('streams of both versions come up part by part', async () => {
  const file = { type: 'file', mediaType: 'image/png', data: 'aGk=' } as const;
  const fileUp = { ...file, data: { type: 'data', data: 'aGk=' } };
  const finishV3 = { type: 'finish', usage: usageV3, finishReason: { unified: 'stop', raw: 'end' } } as const;
  const v3 = await adapted(new OlderV3(plainV3, [{ type: 'stream-start', warnings: [] }, ...shared, file, finishV3])).doStream(user([]));
  expect(await drain(v3.stream)).toStrictEqual([{ type: 'stream-start', warnings: [] }, ...shared, fileUp, finishV3]);

  const v2 = await adapted(
    new OlderV2(plainV2, [
      { type: 'stream-start', warnings: [{ type: 'unsupported-setting', setting: 'seed' }] },
      ...shared,
      file,
      { type: 'tool-result', toolCallId: '3', toolName: 't', result: 1, providerExecuted: true },
      { type: 'finish', usage: usageV2, finishReason: 'tool-calls', providerMetadata },
    ]),
  ).doStream(user([]));
  expect(v2.request).toEqual({ body: 'sent' });
  expect(await drain(v2.stream)).toStrictEqual([
    { type: 'stream-start', warnings: [{ type: 'unsupported', feature: 'seed' }] },
    ...shared,
    fileUp,
    { type: 'tool-result', toolCallId: '3', toolName: 't', result: 1 },
    {
      type: 'finish',
      usage: {
        inputTokens: { total: 10, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
        outputTokens: { total: 5, text: undefined, reasoning: undefined },
      },
      finishReason: { unified: 'tool-calls', raw: undefined },
      providerMetadata,
    },
  ]);
});

test('cancelling the stream cancels the one below', async () => {
  const model = new OlderV2(plainV2, shared);
  const { stream } = await adapted(model).doStream(user([]));
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel('enough');
  expect(model.cancelled).toBe('enough');
});

test('what an older model throws is passed on as it was thrown', async () => {
  const failure = new Error('429');
  const model = new OlderV3();
  model.doGenerate = () => Promise.reject(failure);
  await expect(adapted(model).doGenerate(user([]))).rejects.toBe(failure);
});
