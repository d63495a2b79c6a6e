import { createAnthropic } from '@ai-sdk/anthropic';
import { createGateway } from '@ai-sdk/gateway';
import { createGoogle } from '@ai-sdk/google';
import { createGroq } from '@ai-sdk/groq';
import { createMistral } from '@ai-sdk/mistral';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { createXai } from '@ai-sdk/xai';
import { createOpenRouter } from '@openrouter/ai-sdk-provider';
import { wrapLanguageModel } from 'ai';
import { createAnthropic as anthropicV2 } from 'anthropic-v2';
import { createOpenAI as openaiV2 } from 'openai-v2';
import { createOpenAI as openaiV3 } from 'openai-v3';
import { expect, test, vi } from 'vitest';
import { adapted } from '../../src/model/adapted.ts';
import { providerAccount } from '../../src/model/providerAccount.ts';
import { registry } from '../../src/model/registry.ts';
import { scripted } from '../../src/model/scripted.ts';

interface Settings {
  readonly apiKey: string;
  readonly baseURL: string;
}

/** Every provider package that is installed, by each of its APIs. */
const makes: Readonly<Record<string, (settings: Settings, modelId: string) => LanguageModelV4>> = {
  'openai chat': (settings, id) => createOpenAI(settings).chat(id),
  'openai responses': (settings, id) => createOpenAI(settings).responses(id),
  'openai completion': (settings, id) => createOpenAI(settings).completion(id),
  anthropic: (settings, id) => createAnthropic(settings)(id),
  google: (settings, id) => createGoogle(settings)(id),
  mistral: (settings, id) => createMistral(settings)(id),
  groq: (settings, id) => createGroq(settings)(id),
  xai: (settings, id) => createXai(settings)(id),
  'openai compatible': (settings, id) => createOpenAICompatible({ name: 'local', ...settings })(id),
  openrouter: (settings, id) => createOpenRouter(settings)(id),
  'openai of AI SDK 5': (settings, id) => adapted(openaiV2(settings).chat(id)),
  'openai responses of AI SDK 5': (settings, id) => adapted(openaiV2(settings).responses(id)),
  'anthropic of AI SDK 5': (settings, id) => adapted(anthropicV2(settings)(id)),
  'openai of AI SDK 6': (settings, id) => adapted(openaiV3(settings).chat(id)),
  'openai responses of AI SDK 6': (settings, id) => adapted(openaiV3(settings).responses(id)),
};

const KEY = 'sk-proj-Zx81kQm2VvB7nP4rT9wY3cL6dF0gH5jK';
const OTHER = 'sk-proj-Aa11kQm2VvB7nP4rT9wY3cL6dF0gH5jK';
const HERE = 'http://127.0.0.1:9/v1';

test.each(Object.entries(makes))('%s tells accounts apart by key and address, and by nothing else', (_, make) => {
  const account = providerAccount(make({ apiKey: KEY, baseURL: HERE }, 'a'));
  expect(account).toMatch(/^[\w-]{8}$/);
  expect(providerAccount(make({ apiKey: KEY, baseURL: HERE }, 'a'))).toBe(account);
  expect(providerAccount(make({ apiKey: KEY, baseURL: HERE }, 'b'))).toBe(account);
  expect(providerAccount(make({ apiKey: OTHER, baseURL: HERE }, 'a'))).not.toBe(account);
  expect(providerAccount(make({ apiKey: KEY, baseURL: 'http://127.0.0.1:10/v1' }, 'a'))).not.toBe(account);
  for (let at = 0; at + 4 <= KEY.length; at += 1) expect(account).not.toContain(KEY.slice(at, at + 4));
});

test('organisations and projects of one key are accounts of their own, user agents and other headers are not', () => {
  const of = (settings: object): string | undefined => providerAccount(createOpenAI({ apiKey: KEY, ...settings })('gpt-5'));
  const plain = of({});
  expect(of({ organization: 'org-a' })).not.toBe(plain);
  expect(of({ project: 'p' })).not.toBe(plain);
  expect(of({ project: 'p' })).not.toBe(of({ organization: 'p' }));
  expect(of({ headers: { 'User-Agent': 'mine/1', 'x-trace': '7' } })).toBe(plain);
  expect(of({ headers: { 'Proxy-Authorization': 'Basic x' } })).not.toBe(plain);
});

test('a server that wants no key is told by its address', () => {
  const of = (baseURL: string): string | undefined => providerAccount(createOpenAICompatible({ name: 'ollama', baseURL })('llama'));
  expect(of('http://localhost:11434/v1')).toMatch(/^[\w-]{8}$/);
  expect(of('http://localhost:11434/v1')).not.toBe(of('http://localhost:1234/v1'));
});

test('a key that is missing is asked for again, and what was found once stays', () => {
  vi.stubEnv('OPENAI_API_KEY', undefined);
  try {
    const model = createOpenAI({ baseURL: HERE })('gpt-5');
    expect(providerAccount(model)).toBeUndefined();
    vi.stubEnv('OPENAI_API_KEY', KEY);
    const account = providerAccount(model);
    expect(account).toBe(providerAccount(createOpenAI({ baseURL: HERE, apiKey: KEY })('gpt-5')));
    vi.stubEnv('OPENAI_API_KEY', OTHER);
    expect(providerAccount(model)).toBe(account);
  } finally {
    vi.unstubAllEnvs();
  }
});

test('credentials that are made while a request waits are not asked for: that may send something', () => {
  let asked = 0;
  const fetching = (): Promise<never> => {
    asked += 1;
    return Promise.reject(new Error('no network'));
  };
  expect(providerAccount(createGateway({ apiKey: KEY, baseURL: HERE, fetch: fetching })('a/b'))).toBeUndefined();
  expect(providerAccount(createGateway({ baseURL: HERE, fetch: fetching })('a/b'))).toBeUndefined();
  const later = { config: { baseURL: HERE, headers: async () => fetching() } } as unknown as LanguageModelV4; // hand-made
  expect(providerAccount(later)).toBeUndefined();
  expect(asked).toBe(0);
  // One that only then says that it has to wait is asked once.
  const model = createAnthropic({ baseURL: HERE, authToken: fetching })('claude');
  expect([providerAccount(model), providerAccount(model)]).toEqual([undefined, undefined]);
  expect(asked).toBe(1);
});

/** A machine where the provider's package is what `createOpenAI` is. */
function models(factory: unknown): ReturnType<typeof registry> {
  return registry({
    env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: HERE },
    load: () => Promise.resolve({ createOpenAI: factory }),
    installCommand: () => 'npm install',
  });
}

test('a named model answers for the one behind it, once that is loaded', async () => {
  for (const factory of [createOpenAI, openaiV3, openaiV2]) {
    const names = models(factory);
    const model = names.model('openai.chat/gpt-4o');
    expect(providerAccount(model)).toBeUndefined();
    await names.ready(model);
    expect(providerAccount(model)).toBe(providerAccount(createOpenAI({ apiKey: KEY, baseURL: HERE }).chat('gpt-4o')));
  }
});

test.each<[string, object]>([
  ['is wrapped', wrapLanguageModel({ model: createOpenAI({ apiKey: KEY })('gpt-5'), middleware: { specificationVersion: 'v4' } })],
  ['is a script', scripted([{ text: 'hi' }])],
  ['has an empty config', { config: {} }],
  ['has a config that is none', { config: 'x' }],
  ['has a config of its own', { config: { url: 'x', headers: 7 } }],
  ['makes no address', { config: { url: () => Promise.resolve(HERE), headers: () => undefined } }],
  [
    'throws when it is looked at',
    {
      get config() {
        throw new Error('private');
      },
    },
  ],
])('a model that %s shows nothing', (_, model) => {
  expect(providerAccount(model as LanguageModelV4)).toBeUndefined(); // what hand-made models are
});

test('the order and the case of headers tell no accounts apart', () => {
  const of = (headers: object): string | undefined => providerAccount({ config: { baseURL: HERE, headers } } as unknown as LanguageModelV4); // hand-made
  expect(of({ 'Openai-Project': 'p', Authorization: 'Bearer x' })).toBe(of({ authorization: 'Bearer x', 'openai-project': 'p' }));
});

test('an address that cannot be made leaves the credentials to tell', () => {
  const of = (url: unknown): string | undefined =>
    providerAccount({ config: { url, headers: { authorization: 'Bearer x' } } } as unknown as LanguageModelV4); // hand-made
  const throwing = (): never => {
    throw new Error('no path');
  };
  expect(of(throwing)).toMatch(/^[\w-]{8}$/);
  expect(of(throwing)).toBe(of(() => 7));
});
