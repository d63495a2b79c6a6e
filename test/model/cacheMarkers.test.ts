import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { marked, uncached, unmarked } from '../../src/model/cacheMarkers.ts';
import { cacheRule, type CacheRule } from '../../src/model/cacheRules.ts';
import { comparable, recordedRequest } from '../../src/model/cassetteRequest.ts';

const CLAUDE = { provider: 'anthropic.messages', modelId: 'claude-sonnet-4-5' };
const NEWER = { provider: 'openai.responses', modelId: 'gpt-5.6' };
const EPHEMERAL = { anthropic: { cacheControl: { type: 'ephemeral' } } };
const SHARED = { amdahl: { cache: true } };

const prompt: LanguageModelV4Prompt = [
  { role: 'system', content: 'Instructions' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'shared', providerOptions: SHARED },
      { type: 'text', text: 'own' },
    ],
  },
  { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 't', toolName: 'look', input: {} }] },
  { role: 'tool', content: [{ type: 'tool-result', toolCallId: 't', toolName: 'look', output: { type: 'text', value: 'seen' } }] },
];
const options: LanguageModelV4CallOptions = { prompt };

/** Which messages and parts say something to a provider. */
const placesOf = ({ prompt: sent }: LanguageModelV4CallOptions, name = 'anthropic'): readonly string[] =>
  sent.flatMap((message, nth) => [
    ...(message.providerOptions?.[name] === undefined ? [] : [`${nth}`]),
    ...(message.role === 'system'
      ? []
      : message.content.flatMap((part, at) =>
          'providerOptions' in part && part.providerOptions?.[name] !== undefined ? [`${nth}.${at}`] : [],
        )),
  ]);

const ruleOf = (model: Parameters<typeof cacheRule>[0]): CacheRule => {
  const rule = cacheRule(model);
  if (rule === undefined) throw new Error('no rule');
  return rule;
};

describe('a marked request', () => {
  const rule = ruleOf(CLAUDE);

  test('has at most four marks: instructions, shared fields, where the last turn ended, and the end', () => {
    const sent = marked(options, { rule, shared: true, end: true, key: 'k' });
    expect(placesOf(sent)).toEqual(['0', '1.0', '1.1', '3.0']);
    expect(sent.providerOptions).toBeUndefined();
    expect(placesOf(marked(options, { rule, shared: true, end: false, key: undefined }))).toEqual(['0', '1.0']);
    expect(placesOf(marked(options, { rule, shared: false, end: true, key: undefined }))).toEqual(['1.1', '3.0']);
  });

  test('is what it was but for its marks, and the original is untouched', () => {
    const before = JSON.stringify(options);
    const sent = marked(options, { rule, shared: true, end: true, key: 'k' });
    expect(JSON.stringify(options)).toBe(before);
    expect(unmarked(sent)).toEqual(unmarked(options));
    expect(marked(options, { rule, shared: false, end: false, key: undefined })).toBe(options);
  });

  test('is left as it is where it says itself what is to be cached', () => {
    const own: readonly LanguageModelV4CallOptions[] = [
      { ...options, providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } } },
      { prompt: [{ role: 'system', content: 'x', providerOptions: EPHEMERAL }, ...prompt.slice(1)] },
      {
        prompt: [
          { role: 'user', content: [{ type: 'text', text: 'x', providerOptions: { bedrock: { cachePoint: { type: 'default' } } } }] },
        ],
      },
      { ...options, tools: [{ type: 'function', name: 'f', inputSchema: {}, providerOptions: EPHEMERAL }] },
      { ...options, providerOptions: { openai: { promptCacheKey: 'mine' } } },
    ];
    for (const one of own) expect(marked(one, { rule, shared: true, end: true, key: 'k' })).toBe(one);
  });

  test('keeps what else its parts say, and marks nothing that is empty', () => {
    const spoken: LanguageModelV4CallOptions = {
      prompt: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a', providerOptions: { anthropic: { citations: { enabled: true } } } },
            { type: 'text', text: ' ' },
          ],
        },
      ],
    };
    const blank: LanguageModelV4CallOptions = { prompt: [{ role: 'system', content: '' }] };
    expect(marked(blank, { rule, shared: true, end: true, key: undefined })).toBe(blank);
    const [message] = marked(spoken, { rule, shared: false, end: true, key: undefined }).prompt;
    expect(message).toMatchObject({
      content: [{ providerOptions: { anthropic: { citations: { enabled: true }, cacheControl: { type: 'ephemeral' } } } }, { text: ' ' }],
    });
  });

  test('says it in the words of each provider', () => {
    const words = (model: Parameters<typeof cacheRule>[0]): unknown =>
      marked(options, { rule: ruleOf(model), shared: true, end: false, key: 'k' }).prompt[0]?.providerOptions;
    expect(words({ provider: 'vertex.anthropic.messages', modelId: 'claude-sonnet-4-5@20250929' })).toEqual(EPHEMERAL);
    expect(words({ provider: 'gateway', modelId: 'anthropic/claude-sonnet-4.5' })).toEqual(EPHEMERAL);
    expect(words({ provider: 'amazon-bedrock', modelId: 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0' })).toEqual({
      bedrock: { cachePoint: { type: 'default' } },
    });
    expect(words({ provider: 'openrouter', modelId: 'anthropic/claude-sonnet-4.5' })).toEqual({
      openrouter: { cacheControl: { type: 'ephemeral' } },
    });
    expect(words(NEWER)).toMatchObject({ openai: { promptCacheBreakpoint: { mode: 'explicit' } } });
    expect(words({ provider: 'google.generative-ai', modelId: 'gemini-2.5-pro' })).toBeUndefined();
  });

  test('has a key where a provider takes one, and is told not to write by itself where that costs', () => {
    const sent = marked(options, { rule: ruleOf(NEWER), shared: false, end: false, key: 'k' });
    expect(sent.providerOptions).toEqual({ openai: { promptCacheKey: 'k', promptCacheOptions: { mode: 'explicit' } } });
    const gpt5 = marked(
      { ...options, providerOptions: { openai: { store: false } } },
      {
        rule: ruleOf({ provider: 'openai.chat', modelId: 'gpt-5' }),
        shared: true,
        end: true,
        key: 'k',
      },
    );
    expect(gpt5.providerOptions).toEqual({ openai: { store: false, promptCacheKey: 'k' } });
    expect(gpt5.prompt).toBe(prompt);
    expect(uncached(NEWER, options).providerOptions).toEqual({ openai: { promptCacheOptions: { mode: 'explicit' } } });
    expect(uncached(CLAUDE, options)).toBe(options);
  });
});

test('a cassette knows no marks: neither of a request nor on its tape', () => {
  const as = (request: LanguageModelV4CallOptions): unknown => recordedRequest('a/b', request, (text) => text);
  const sent = marked(options, { rule: ruleOf(NEWER), shared: true, end: true, key: 'k' });
  expect(as(sent)).toEqual(as(options));
  expect(as({ ...sent, providerOptions: { ...sent.providerOptions, acme: { a: 1 } } })).toMatchObject({
    providerOptions: { acme: { a: 1 } },
  });
  expect(comparable({ model: 'a/b', ...JSON.parse(JSON.stringify(sent)) })).toEqual(as(options));
});

test.each([
  ['anthropic.messages', 'claude-haiku-4-5', 4_096],
  ['anthropic.messages', 'claude-opus-4-7', 2_048],
  ['anthropic.messages', 'claude-opus-5', 512],
  ['amazon-bedrock', 'amazon.nova-pro-v1:0', 1_024],
  ['azure.responses', 'gpt-5.6', 1_024],
  ['google.vertex.chat', 'gemini-3-pro', 4_096],
  ['vertex', 'gemini-2.5-flash', 2_048],
  ['xai.responses', 'grok-4', 1_024],
  ['gateway', 'openai/gpt-5', 1_024],
  // What else speaks OpenAI's protocol, and models that know no checkpoints, may refuse what they do not know.
  ['openai.chat', 'llama-4', undefined],
  ['openai.chat', 'gpt-oss-120b', undefined],
  ['amazon-bedrock', 'anthropic.claude-3-sonnet-20240229-v1:0', undefined],
  ['openrouter', 'meta-llama/llama-4', undefined],
  ['acme', 'm', undefined],
])('%s/%s is cached from %s tokens on', (provider, modelId, tokens) => {
  expect(cacheRule({ provider, modelId })?.minTokens).toBe(tokens);
});
