import { describe, expect, test } from 'vitest';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Surroundings } from '../../src/model/registry.ts';
import { registry } from '../../src/model/registry.ts';
import { failure, refusal } from '../support/trial.ts';

const HELLO: LanguageModelV4CallOptions = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }] };

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

/** As Node rejects an import of what is not installed. */
function missing(specifier: string): Promise<unknown> {
  return Promise.reject(
    Object.assign(new Error(`Cannot find package '${specifier}' imported from /here/registry.ts`), { code: 'ERR_MODULE_NOT_FOUND' }),
  );
}

describe('naming a model', () => {
  test('loads nothing, and gives the same model for the same name', async () => {
    const surroundings = place({ OPENAI_API_KEY: 'k' });
    const { model, ready } = registry(surroundings);
    const one = model('openai/gpt-5');
    expect(model('openai/gpt-5')).toBe(one);
    expect(model(' openai/gpt-5\n')).toBe(one);
    expect(model('openai.chat/gpt-5')).not.toBe(one);
    expect(surroundings.loaded).toEqual([]);
    await Promise.all([ready(one), ready(one), one.supportedUrls]);
    expect(surroundings.loaded).toEqual(['@ai-sdk/openai']);
    expect(ready(one)).toBeUndefined();
  });

  test.each([
    ['openai/gpt-5', 'openai', 'gpt-5'],
    ['openai.chat/gpt-5', 'openai.chat', 'gpt-5'],
    ['openrouter/meta-llama/llama-3.1-8b:free', 'openrouter', 'meta-llama/llama-3.1-8b:free'],
    ['gateway:anthropic/claude-sonnet-4.5', 'gateway', 'anthropic/claude-sonnet-4.5'],
    ['gateway/anthropic/claude-sonnet-4.5', 'gateway', 'anthropic/claude-sonnet-4.5'],
    ['http://localhost:8000/v1#Qwen/Qwen3', 'http://localhost:8000/v1', 'Qwen/Qwen3'],
  ])('%s is known as what it says', (name, provider, modelId) => {
    expect(registry(place()).model(name)).toMatchObject({ specificationVersion: 'v4', provider, modelId });
  });

  test.each([
    ['gpt-5', "'gpt-5' is no name of a model: write 'openai/gpt-5'."],
    ['claude-sonnet-4-5', "'claude-sonnet-4-5' is no name of a model: write 'anthropic/claude-sonnet-4-5'."],
    ['anthropic:claude-sonnet-4-5', "write 'anthropic/claude-sonnet-4-5'."],
    ['gateway:', "'gateway/' is no name of a model."],
    ['', "'' is no name of a model."],
    ['openai/', "'openai/' is no name of a model."],
    ['/gpt-5', "'/gpt-5' is no name of a model."],
    ['a model', "'a model' is no name of a model."],
    ['openai./x', "'openai./x' is no name of a model: write 'openai/x'."],
    ['openai..chat/x', "'openai..chat/x' is no name of a model."],
    ['.chat/x', "'.chat/x' is no name of a model."],
    ['my proxy/x', "'my proxy/x' is no name of a model."],
    ['ftp://host/v1#m', "'ftp://host/v1#m' is no name of a model."],
    ['opnai.responses/gpt-5', "Did you mean 'openai/gpt-5'?"],
    ['openai.chta/gpt-5', "Did you mean 'openai.chat/gpt-5'?"],
    [
      'openai.constructor/gpt-5',
      "picks an API 'constructor' that openai does not have here. Write 'openai/gpt-5', or 'openai.responses/gpt-5', 'openai.chat/gpt-5'.",
    ],
    [
      'http://localhost:8000/v1',
      "'http://localhost:8000/v1' says where a server is, not which of its models: write 'http://localhost:8000/v1#modelId'.",
    ],
    ['http://#x', "A model's address is no URL"],
  ])('as %j is refused with what to write instead', (name, text) => {
    const error = refusal(() => registry(place()).model(name));
    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(text);
  });

  test.each([
    ['opnai/gpt-5', "Did you mean 'openai/gpt-5'?"],
    ['OpenAI/gpt-5', "Did you mean 'openai/gpt-5'?"],
    ['constructor/x', "'constructor/x' names no provider that amdahl knows."],
    ['my-proxy/x', "set MY_PROXY_BASE_URL (and MY_PROXY_API_KEY), or name the model 'http://host/v1#x'."],
  ])('as %j costs nothing, and whoever makes it ready is told what to set', async (name, text) => {
    const surroundings = place();
    const { model, ready } = registry(surroundings);
    expect(`${model(name).provider}/${model(name).modelId}`).toBe(name);
    const error = await failure(Promise.resolve(ready(model(name))));
    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(text);
    await expect(model(name).doGenerate(HELLO)).rejects.toMatchObject({ code: 'MISCONFIGURED' });
    expect(surroundings.loaded).toEqual([]);
  });

  test('at an address is written in messages as it is named', async () => {
    const { model, ready } = registry(place({}, missing));
    const error = await failure(Promise.resolve(ready(model('http://localhost:1/v1#a=b'))));
    expect(error.message).toContain('The model http://localhost:1/v1#a=b needs the package');
  });

  test.each([
    'https://me:secret@host/v1#m',
    'https://:secret@host/v1#m',
    'https://host/v1?key=secret#m',
    'ftp://me:secret@host/v1',
    'me:secret@host/v1#m',
    '?key=secret',
  ])('at %s is refused, and the secret is not repeated', (name) => {
    const error = refusal(() => registry(place()).model(name));
    expect(error).toMatchObject({ code: 'MISCONFIGURED' });
    expect(error.message).not.toContain('secret');
  });

  test('leaves AMDAHL_MODEL to whoever was given no model', () => {
    expect(registry(place({ AMDAHL_MODEL: ' openai/gpt-5 ' })).usual).toBe('openai/gpt-5');
    expect(registry(place({ AMDAHL_MODEL: '' })).usual).toBeUndefined();
    expect(registry(place()).usual).toBeUndefined();
  });
});
