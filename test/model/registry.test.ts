import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { PROVIDERS } from '../../src/model/providers.ts';
import type { Surroundings } from '../../src/model/registry.ts';
import { registry } from '../../src/model/registry.ts';
import { failure } from '../support/trial.ts';
import { providerServer } from './providerServer.ts';

const HELLO: LanguageModelV4CallOptions = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }] };
const JSON_FORM: LanguageModelV4CallOptions['responseFormat'] = {
  type: 'json',
  schema: { type: 'object', properties: { a: { type: 'string' } }, required: ['a'], additionalProperties: false },
};

interface Place extends Surroundings {
  readonly loaded: string[];
}

/** The packages that are installed here, in an environment of the test's own. */
function place(env: Record<string, string> = {}, load: Surroundings['load'] = (specifier) => import(specifier)): Place {
  const loaded: string[] = [];
  return {
    env,
    loaded,
    load: (specifier) => {
      loaded.push(specifier);
      return load(specifier);
    },
    installCommand: (packages) => `npm install ${packages.join(' ')}`,
  };
}

/** A package that holds one provider, which gives the same model for every id. */
function packageOf(factory: string, model: unknown): Surroundings['load'] {
  return () => Promise.resolve({ [factory]: () => () => model });
}

/** As Node rejects an import of what is not installed. */
function missing(specifier: string): Promise<unknown> {
  return Promise.reject(
    Object.assign(new Error(`Cannot find package '${specifier}' imported from /here/registry.ts`), { code: 'ERR_MODULE_NOT_FOUND' }),
  );
}

function textOf({ content }: Awaited<ReturnType<LanguageModelV4['doGenerate']>>): string {
  return content.map((part) => (part.type === 'text' ? part.text : `<${part.type}>`)).join('');
}

/** Who is asked by which name: the variables that send it to a server, the path it asks for, and how the key is sent. */
const HOSTED = [
  { name: 'openai/gpt-5', prefix: 'OPENAI', path: '/responses', header: 'authorization' },
  { name: 'openai.responses/gpt-5', prefix: 'OPENAI', path: '/responses', header: 'authorization' },
  { name: 'openai.chat/gpt-4o', prefix: 'OPENAI', path: '/chat/completions', header: 'authorization' },
  { name: 'anthropic/claude-sonnet-4-5', prefix: 'ANTHROPIC', path: '/messages', header: 'x-api-key' },
  { name: 'anthropic.messages/claude-sonnet-4-5', prefix: 'ANTHROPIC', path: '/messages', header: 'x-api-key' },
  {
    name: 'google/gemini-2.5-pro',
    prefix: 'GOOGLE_GENERATIVE_AI',
    path: '/models/gemini-2.5-pro:generateContent',
    header: 'x-goog-api-key',
  },
  {
    name: 'google.generative-ai/gemini-2.5-pro',
    prefix: 'GOOGLE_GENERATIVE_AI',
    path: '/models/gemini-2.5-pro:generateContent',
    header: 'x-goog-api-key',
  },
  { name: 'mistral/mistral-large-latest', prefix: 'MISTRAL', path: '/chat/completions', header: 'authorization' },
  { name: 'groq/openai/gpt-oss-120b', prefix: 'GROQ', path: '/chat/completions', header: 'authorization' },
  { name: 'xai/grok-4', prefix: 'XAI', path: '/responses', header: 'authorization' },
  { name: 'openrouter/anthropic/claude-sonnet-4.5', prefix: 'OPENROUTER', path: '/chat/completions', header: 'authorization' },
  { name: 'ollama/llama3.2:1b', prefix: 'OLLAMA', path: '/chat/completions', header: 'authorization' },
  { name: 'lmstudio/qwen3', prefix: 'LMSTUDIO', path: '/chat/completions', header: 'authorization' },
  { name: 'vllm/meta-llama/Llama-3.1-8B', prefix: 'VLLM', path: '/chat/completions', header: 'authorization' },
  { name: 'gateway:openai/gpt-5', prefix: 'AI_GATEWAY', path: '/language-model', header: 'authorization' },
  { name: 'my-proxy/some/model', prefix: 'MY_PROXY', path: '/chat/completions', header: 'authorization' },
  { name: 'my-proxy.chat/some/model', prefix: 'MY_PROXY', path: '/chat/completions', header: 'authorization' },
];

describe('a model of a name', () => {
  test.each(HOSTED)(
    '$name is asked through its own package, where its variables say and with its key',
    async ({ name, prefix, path, header }) => {
      const { url, asked } = await providerServer();
      const { model } = registry(place({ [`${prefix}_API_KEY`]: 'the-key', [`${prefix}_BASE_URL`]: `${url}/v1` }));
      expect(textOf(await model(name).doGenerate(HELLO))).toBe('fine');
      expect(asked.map((one) => one.path)).toEqual([`/v1${path}`]);
      expect(asked[0]!.headers[header]).toMatch(/^(Bearer )?the-key$/);
    },
  );

  test.each(HOSTED)('$name sends once: nothing below the gate tries again', async ({ name, prefix }) => {
    const { url, asked } = await providerServer(500);
    const { model } = registry(place({ [`${prefix}_API_KEY`]: 'the-key', [`${prefix}_BASE_URL`]: `${url}/v1` }));
    await expect(model(name).doGenerate(HELLO)).rejects.toMatchObject({ statusCode: 500 });
    await expect(model(name).doStream(HELLO)).rejects.toMatchObject({ statusCode: 500 });
    expect(asked).toHaveLength(2);
  });

  test('takes keys and addresses with the line ends and slashes that files put behind them', async () => {
    const { url, asked } = await providerServer();
    const { model } = registry(place({ OPENAI_API_KEY: ' the-key\n', OPENAI_BASE_URL: `${url}/v1/ ` }));
    await model('openai/gpt-5').doGenerate(HELLO);
    expect(asked[0]).toMatchObject({ path: '/v1/responses', headers: { authorization: 'Bearer the-key' } });
  });

  test('at an address is asked there, without a key', async () => {
    const { url, asked } = await providerServer();
    const model = registry(place()).model(`${url}/v1/#org/some-model`);
    expect(textOf(await model.doGenerate(HELLO))).toBe('fine');
    expect(asked[0]).toMatchObject({ path: '/v1/chat/completions', body: { model: 'org/some-model' } });
    expect(asked[0]!.headers).not.toHaveProperty('authorization');
    expect(model).toMatchObject({ provider: `${url}/v1`, modelId: 'org/some-model' });
  });

  test('of a server that speaks as OpenAI does gets the schema of an answer, and the usage of streams', async () => {
    const { url, asked } = await providerServer();
    const surroundings = place({ OLLAMA_BASE_URL: url });
    const model = registry(surroundings).model('ollama/llama3.2');
    await model.doGenerate({ ...HELLO, responseFormat: JSON_FORM });
    await model.doStream(HELLO);
    expect(asked[0]!.body).toMatchObject({ response_format: { type: 'json_schema', json_schema: { schema: { required: ['a'] } } } });
    expect(asked[1]!.body).toMatchObject({ stream: true, stream_options: { include_usage: true } });
    expect(model).toMatchObject({ supportsStructuredOutputs: true });
  });

  test("reads the environment it was given alone: what the process says is nobody's business", async () => {
    const { url, asked } = await providerServer();
    const elsewhere = await providerServer();
    const before = { ...process.env };
    Object.assign(process.env, { OPENAI_API_KEY: 'other', OPENAI_BASE_URL: elsewhere.url, OLLAMA_BASE_URL: elsewhere.url });
    try {
      const { model } = registry(place({ OPENAI_API_KEY: 'mine', OPENAI_BASE_URL: url }));
      await model('openai/gpt-5').doGenerate(HELLO);
      expect(asked[0]!.headers).toMatchObject({ authorization: 'Bearer mine' });
      const error = await failure(Promise.resolve(registry(place()).model('openai/gpt-5').doGenerate(HELLO)));
      expect(error.code).toBe('KEY_MISSING');
      // Its own address is given to the package, which would otherwise read OPENAI_BASE_URL of the process.
      const settings: unknown[] = [];
      const spy = place({ OPENAI_API_KEY: 'mine' }, () =>
        Promise.resolve({ createOpenAI: (given: unknown) => (settings.push(given), () => ({})) }),
      );
      await failure(Promise.resolve(registry(spy).model('openai/gpt-5').doGenerate(HELLO)));
      expect(settings).toEqual([{ apiKey: 'mine', baseURL: 'https://api.openai.com/v1' }]);
      expect(elsewhere.asked).toEqual([]);
    } finally {
      for (const name of ['OPENAI_API_KEY', 'OPENAI_BASE_URL', 'OLLAMA_BASE_URL']) {
        if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
        else process.env[name] = before[name];
      }
    }
  });
});

describe('a package', () => {
  test.each(Object.entries(PROVIDERS))('of %s that is not installed is named with the command that installs it', async (name, entry) => {
    const { model, ready } = registry(place({}, missing));
    const error = await failure(Promise.resolve(ready(model(`${name}/m`))));
    expect(error).toMatchObject({ code: 'PACKAGE_MISSING', data: { package: entry.package, install: `npm install ${entry.package}` } });
    expect(error.message).toContain(`The model ${name}/m needs the package ${entry.package}. Install it: npm install ${entry.package}`);
    for (const variable of entry.needs[0] ?? []) expect(error.message).toContain(variable);
  });

  test('that is installed while the process runs is found by the next who asks', async () => {
    let installed = false;
    const { model } = registry(place({ OPENAI_API_KEY: 'k' }, (specifier) => (installed ? import(specifier) : missing(specifier))));
    await expect(model('openai/gpt-5').supportedUrls).rejects.toMatchObject({ code: 'PACKAGE_MISSING' });
    installed = true;
    await expect(Promise.resolve(model('openai/gpt-5').supportedUrls)).resolves.toBeTypeOf('object');
  });

  test('that lacks a package of its own, or throws when it is loaded, is broken and not missing', async () => {
    const broken = [() => missing('some-dependency'), () => Promise.reject(new SyntaxError('Unexpected token'))];
    for (const load of broken) {
      const { model, ready } = registry(place({ OPENAI_API_KEY: 'k' }, load));
      const error = await failure(Promise.resolve(ready(model('openai/gpt-5'))));
      expect(error.code).toBe('PROGRAM_BROKEN');
      expect(error.message).toMatch(
        /^The package @ai-sdk\/openai, which .* needs, is installed and cannot be loaded: (Cannot find package 'some-dependency'|Unexpected token)/,
      );
      expect(error.cause).toBeInstanceOf(Error);
    }
  });

  test.each([
    ['exports no createOpenAI', () => Promise.resolve({ createSomething: () => {} })],
    ['has no openai models', () => Promise.resolve({ createOpenAI: () => ({}) })],
    [
      'gives no language model of AI SDK 5, 6 or 7',
      packageOf('createOpenAI', { specificationVersion: 'v1', provider: 'openai', modelId: 'm', doGenerate() {}, doStream() {} }),
    ],
  ])('of a version that %s is told to be too old', async (what, load) => {
    const { model, ready } = registry(place({ OPENAI_API_KEY: 'k' }, load));
    const error = await failure(Promise.resolve(ready(model('openai/gpt-5'))));
    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toBe(
      `The package @ai-sdk/openai, as it is installed, ${what}. Install a newer one: npm install @ai-sdk/openai@latest`,
    );
  });

  test('of AI SDK 5 or 6 gives a model that is asked as one of 7 is', async () => {
    const usages = {
      v2: { inputTokens: 3, outputTokens: 1, totalTokens: 4 },
      v3: { inputTokens: { total: 3 }, outputTokens: { total: 1 } },
    };
    const reasons = { v2: 'stop', v3: { unified: 'stop', raw: 'stop' } };
    for (const specificationVersion of ['v2', 'v3'] as const) {
      const old = {
        specificationVersion,
        provider: 'openai.responses',
        modelId: 'gpt-5',
        supportedUrls: {},
        doGenerate: () =>
          Promise.resolve({
            content: [{ type: 'text', text: 'fine' }],
            finishReason: reasons[specificationVersion],
            usage: usages[specificationVersion],
            warnings: [],
          }),
        doStream: () => Promise.reject(new Error('not asked')),
      };
      const model = registry(place({ OPENAI_API_KEY: 'k' }, packageOf('createOpenAI', old))).model('openai/gpt-5');
      const reply = await model.doGenerate(HELLO);
      expect(textOf(reply)).toBe('fine');
      expect(reply.usage.inputTokens.total).toBe(3);
      expect(reply.finishReason.unified).toBe('stop');
      expect(model).toMatchObject({ specificationVersion: 'v4', provider: 'openai' });
    }
  });

  test('that throws at its settings is named with what it said', async () => {
    const load = () =>
      Promise.resolve({
        createOpenAI: () => {
          throw new Error('no such region');
        },
      });
    const { model, ready } = registry(place({ OPENAI_API_KEY: 'k' }, load));
    const error = await failure(Promise.resolve(ready(model('openai/gpt-5'))));
    expect(error).toMatchObject({
      code: 'MISCONFIGURED',
      message: 'The package @ai-sdk/openai does not make openai/gpt-5: no such region',
    });
  });
});

describe('a key', () => {
  test.each([
    ['openai/gpt-5', 'set OPENAI_API_KEY (keys: https://platform.openai.com/api-keys)'],
    ['google/gemini-2.5-pro', 'set GOOGLE_GENERATIVE_AI_API_KEY'],
    ['openrouter/x/y', 'set OPENROUTER_API_KEY'],
    ['gateway:x/y', 'set AI_GATEWAY_API_KEY, or VERCEL_OIDC_TOKEN'],
  ])('that %s lacks is named by its variable', async (name, text) => {
    const { model, ready } = registry(place());
    const error = await failure(Promise.resolve(ready(model(name))));
    expect(error.code).toBe('KEY_MISSING');
    expect(error.message).toContain(text);
    await expect(model(name).doGenerate(HELLO)).rejects.toMatchObject({ code: 'KEY_MISSING' });
  });

  test('that holds nothing is none', async () => {
    const { model, ready } = registry(place({ OPENAI_API_KEY: ' ' }));
    expect((await failure(Promise.resolve(ready(model('openai/gpt-5'))))).code).toBe('KEY_MISSING');
  });

  test.each([
    [{}, 'set AWS_REGION and AWS_BEARER_TOKEN_BEDROCK, or AWS_REGION and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY ('],
    [{ AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'id' }, 'set AWS_BEARER_TOKEN_BEDROCK, or AWS_SECRET_ACCESS_KEY ('],
    [{ AWS_ACCESS_KEY_ID: 'id', AWS_SECRET_ACCESS_KEY: 'secret' }, 'set AWS_REGION ('],
  ])('in several parts is missing by the parts that are: %j', async (env, text) => {
    const { model, ready } = registry(place(env, packageOf('createAmazonBedrock', {})));
    expect((await failure(Promise.resolve(ready(model('amazon-bedrock/m'))))).message).toContain(text);
  });

  test('of which there are two kinds is missing in both ways', async () => {
    const { model, ready } = registry(place({ GOOGLE_VERTEX_LOCATION: 'global' }, packageOf('createVertex', {})));
    expect((await failure(Promise.resolve(ready(model('google-vertex/m'))))).message).toContain(
      'set GOOGLE_VERTEX_API_KEY, or GOOGLE_VERTEX_PROJECT (',
    );
  });

  test('is not wanted by local servers, nor where the machine vouches', async () => {
    for (const [name, env] of [
      ['ollama/m', {}],
      ['lmstudio/m', {}],
      ['vllm/m', {}],
      ['gateway:x/y', { VERCEL: '1' }],
    ] as const) {
      const { model, ready } = registry(place(env));
      await expect(Promise.resolve(ready(model(name)))).resolves.toBeUndefined();
    }
  });

  test.each(['localhost:8000', 'ftp://host/v1', 'http://'])('may not go to an address that is none: %s', async (url) => {
    const { model, ready } = registry(place({ OPENAI_API_KEY: 'k', OPENAI_BASE_URL: url }));
    const error = await failure(Promise.resolve(ready(model('openai/gpt-5'))));
    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).toContain('OPENAI_BASE_URL is no address');
  });
});

describe('models that were not named', () => {
  test('are ready as they are', () => {
    const own: LanguageModelV4 = {
      specificationVersion: 'v4',
      provider: 'acme',
      modelId: 'm',
      supportedUrls: {},
      doGenerate: () => Promise.reject(new Error('no')),
      doStream: () => Promise.reject(new Error('no')),
    };
    expect(registry(place()).ready(own)).toBeUndefined();
  });
});
