// Settings on every wire: what each provider package makes of them, as the model server receives it.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agent, memoryJournal, type ModelSettings, run } from '../../src/index.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';

interface Received {
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

let server: ModelServer;
let received: Received[] = [];
beforeAll(async () => (server = await startModelServer({ answers: () => 'Fine.' })));
afterAll(() => server.close());

/** The real fetch, which remembers what it sends. */
const recording: typeof fetch = async (input, init) => {
  received.push({
    headers: new Headers(init?.headers),
    body: JSON.parse(typeof init?.body === 'string' ? init.body : '{}') as Received['body'],
  });
  return await fetch(input, init);
};

const models: Readonly<Record<string, () => LanguageModelV4>> = {
  'openai.chat': () => createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'k', fetch: recording }).chat('gpt-5'),
  'openai.chat, no thinking': () => createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'k', fetch: recording }).chat('gpt-4o'),
  'openai.responses': () => createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'k', fetch: recording }).responses('gpt-5'),
  'anthropic.messages': () => createAnthropic({ baseURL: server.baseUrl('anthropic'), apiKey: 'k', fetch: recording })('claude-sonnet-4-5'),
};

async function bodyOf(model: string, settings: ModelSettings): Promise<Received> {
  received = [];
  const asked = agent({ name: 'ask', model: models[model]?.() as LanguageModelV4, instructions: 'x', settings });
  await run(asked, 'x', { journal: memoryJournal() });
  expect(received).toHaveLength(1);
  return received[0] as Received;
}

const common: ModelSettings = { maxOutputTokens: 2000, headers: { 'x-team': 'tangerine' } };

describe('each protocol carries', () => {
  test.each<[string, ModelSettings, object]>([
    [
      'openai.chat, no thinking',
      { ...common, temperature: 0.5, topP: 0.9, stop: ['END'], seed: 7, providerOptions: { openai: { serviceTier: 'flex' } } },
      { max_tokens: 2000, temperature: 0.5, top_p: 0.9, stop: ['END'], seed: 7 },
    ],
    ['openai.chat', { ...common, reasoning: 'high' }, { max_completion_tokens: 2000, reasoning_effort: 'high' }],
    [
      'openai.responses',
      { ...common, reasoning: 'low', providerOptions: { openai: { user: 'u' } } },
      { max_output_tokens: 2000, reasoning: { effort: 'low' }, user: 'u' },
    ],
    [
      'anthropic.messages',
      { ...common, temperature: 0.5, topK: 40, stop: ['END'] },
      { max_tokens: 2000, temperature: 0.5, top_k: 40, stop_sequences: ['END'] },
    ],
    ['anthropic.messages', { ...common, maxOutputTokens: 10_000, reasoning: 'medium' }, { thinking: { type: 'enabled' } }],
  ])('%s: %j', async (model, settings, expected) => {
    const { body, headers } = await bodyOf(model, settings);
    expect(body).toMatchObject(expected);
    expect(headers.get('x-team')).toBe('tangerine');
  });
});
