import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { factsOf } from '../../src/model/facts.ts';

const AUTUMN = Date.UTC(2026, 9, 1, 12);

test.each([
  'scripted/script',
  'ollama/llama3.2',
  'azure.chat/gpt-5',
  'acme/gpt-5',
  'gateway/acme/x',
  'constructor/x',
  'openai',
  'openai/',
  '',
])('nothing is known of %j, at once and without loading anything', (model) => {
  expect(factsOf(model, AUTUMN)).toEqual({});
});

test('the package is loaded by the first model that needs it, and by nothing else', () => {
  const program = `
    const { factsOf } = await import(${JSON.stringify(new URL('../../src/model/facts.ts', import.meta.url).href)});
    const { registerHooks } = await import('node:module');
    const asked = [];
    registerHooks({ resolve: (name, context, next) => (asked.push(name), next(name, context)) });
    for (const model of ['scripted/script', 'ollama/llama3.2', 'gateway/acme/x']) await factsOf(model, 0);
    const before = asked.length;
    const first = factsOf('openai.responses/gpt-4.1', 0);
    const second = factsOf('anthropic.messages/claude-opus-4-1', 0);
    await Promise.all([first, second]);
    const third = factsOf('mistral.chat/mistral-large-latest', 0);
    console.log(JSON.stringify({ before, asked, promised: [first, second, third].map((one) => one instanceof Promise) }));
  `;
  const said = execFileSync(process.execPath, ['--input-type=module', '--no-warnings', '--eval', program], { encoding: 'utf8' });
  expect(JSON.parse(said)).toEqual({ before: 0, asked: ['@pydantic/genai-prices'], promised: [true, true, false] });
});

test.each([
  ['openai.responses/gpt-4.1', { in: 2, out: 8, cached: 0.5 }],
  ['openai.chat/gpt-4.1', { in: 2, out: 8, cached: 0.5 }],
  ['openai/gpt-4.1-2025-04-14', { in: 2, out: 8, cached: 0.5 }],
  ['anthropic.messages/claude-haiku-4-5', { in: 1, out: 5, cached: 0.1, written: 1.25 }],
  ['google.generative-ai/gemini-2.5-flash', { in: 0.3, out: 2.5, cached: 0.03 }],
  ['google.vertex.chat/gemini-2.5-flash', { in: 0.3, out: 2.5, cached: 0.03 }],
  ['vertex.anthropic.messages/claude-haiku-4-5', { in: 1, out: 5, cached: 0.1, written: 1.25 }],
  ['xai.responses/grok-4', { in: 3, out: 15, cached: 0.75 }],
  ['groq.chat/openai/gpt-oss-120b', { in: 0.15, out: 0.6, cached: 0.075 }],
  ['mistral.chat/mistral-large-2407', { in: 2, out: 6 }],
  ['openrouter.chat/anthropic/claude-haiku-4.5', { in: 1, out: 5, cached: 0.1, written: 1.25 }],
  ['gateway/anthropic/claude-haiku-4.5', { in: 1, out: 5, cached: 0.1, written: 1.25 }],
  ['gateway/xai/grok-4', { in: 3, out: 15, cached: 0.75 }],
])('%s has its price', async (model, price) => {
  expect((await factsOf(model, AUTUMN)).price).toEqual(price);
});

test('a long request has its own rate', async () => {
  expect((await factsOf('anthropic/claude-sonnet-4-5', AUTUMN)).price).toEqual({
    in: 3,
    out: 15,
    cached: 0.3,
    written: 3.75,
    over: [{ tokensIn: 200_000, in: 6, out: 22.5, cached: 0.6, written: 7.5 }],
  });
});

test('a context window is told where it is known, with a price or without', async () => {
  expect(await factsOf('openai/gpt-5', AUTUMN)).toMatchObject({ contextTokens: 400_000 });
  expect(await factsOf('openai/text-embedding-3-small', AUTUMN)).toEqual({ contextTokens: 8192 });
  expect(await factsOf('mistral/mistral-large-2407', AUTUMN)).not.toHaveProperty('contextTokens');
});

test.each(['openai/no-such-model', 'openrouter/openrouter/auto', 'gateway/openai/no-such-model'])(
  'the unknown model %s of a known provider has no price: not zero',
  async (model) => {
    expect(await factsOf(model, AUTUMN)).toEqual({});
  },
);

test('a free model costs nothing, and that is a price', async () => {
  expect((await factsOf('openrouter/openai/gpt-oss-20b:free', AUTUMN)).price).toEqual({ in: 0, out: 0 });
});

test.each(['perplexity/sonar', 'perplexity/sonar-deep-research', 'openai/whisper-1'])(
  'what is paid by the request, the hour or the citation has no price per token: %s',
  async (model) => {
    expect((await factsOf(model, AUTUMN)).price).toBeUndefined();
  },
);

test('a price is the one of its date', async () => {
  const at = async (time: number) => (await factsOf('openai/o3', time)).price;
  expect(await at(Date.UTC(2025, 5, 9))).toMatchObject({ in: 10, out: 40 });
  expect(await at(Date.UTC(2025, 5, 10))).toMatchObject({ in: 2, out: 8 });
});

test('a price by the time of day is the dearest of its day, at any time of it', async () => {
  for (let hour = 0; hour < 24; hour += 1) {
    const { price } = await factsOf('deepseek/deepseek-chat', AUTUMN + hour * 3_600_000);
    expect(price).toEqual({ in: 0.27, out: 1.1, cached: 0.07 });
  }
});
