import { APICallError, JSONParseError, TypeValidationError } from '@ai-sdk/provider';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AmdahlError, ERROR_CODES, recordError } from '../../src/agent/errors.ts';
import { failureOf, type FailureContext } from '../../src/model/failure.ts';
import { withoutSecrets } from '../../src/model/secrets.ts';
import { KEYS } from './loopback.ts';

const contexts: fc.Arbitrary<FailureContext> = fc.record({
  model: fc.constant('acme/model-9'),
  answered: fc.constantFrom(true, false, undefined),
  now: fc.constant(Date.UTC(2026, 0, 15)),
  tokensIn: fc.nat(),
  contextTokens: fc.nat(),
});

const FIELDS = [
  'name',
  'message',
  'code',
  'type',
  'status',
  'statusCode',
  'error',
  'data',
  'cause',
  'errors',
  'responseBody',
  'responseHeaders',
  'url',
  'value',
  'text',
  'details',
  'metadata',
  'headers',
  'stack',
  'reason',
  'retryDelay',
  'violations',
];

/** Things with the fields that are read, holding anything. */
const shaped = fc.dictionary(
  fc.constantFrom(...FIELDS),
  fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true }),
);

/** Makes things that break whoever reads them; made late, because the library that draws them reads them too. */
const hostile: fc.Arbitrary<() => unknown> = fc.constantFrom(...FIELDS).chain((field) =>
  fc.constantFrom<() => unknown>(
    () => circle(field),
    () => Object.defineProperty({}, field, { get: fail }),
    () => Object.defineProperty(new Error('x'), field, { get: fail }),
    () => new Proxy({}, { get: fail, has: fail, getPrototypeOf: fail, ownKeys: fail }),
    () => ({ [field]: new Proxy({}, { get: fail, getPrototypeOf: fail, ownKeys: fail }) }),
    () => endless(field),
    () => fail,
    () => Symbol('x'),
  ),
);

function fail(): never {
  throw new Error('nobody may read this');
}

function circle(field: string): unknown {
  const thing: Record<string, unknown> = {};
  thing[field] = thing;
  thing['cause'] = [thing];
  return thing;
}

/** A new thing at every look. */
function endless(field: string): unknown {
  return {
    get [field]() {
      return endless(field);
    },
    get cause() {
      return endless(field);
    },
  };
}

test('whatever is thrown becomes an error of the family, which can be journaled', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        fc.oneof(fc.anything(), shaped, fc.string()).map((thrown) => () => thrown),
      ),
      contexts,
      (make, context) => {
        const error = failureOf(make(), context);
        expect(error).toBeInstanceOf(AmdahlError);
        expect(Object.keys(ERROR_CODES)).toContain(error.code);
        expect(error.code === 'KEY_MISSING' || error.code.startsWith('MODEL_')).toBe(true);
        expect(error.message).toContain('acme/model-9');
        expect(JSON.parse(JSON.stringify(error.data))).toEqual(error.data);
        expect(JSON.stringify(recordError(error))).toContain(error.code);
      },
    ),
    { numRuns: 2000 },
  );
});

test('only what may pass is asked again', () => {
  const passing = ['MODEL_RATE_LIMITED', 'MODEL_OVERLOADED', 'MODEL_UNAVAILABLE', 'MODEL_TIMEOUT', 'MODEL_GARBAGE'];
  fc.assert(
    fc.property(
      fc.oneof(
        shaped,
        fc.anything(),
        fc.integer({ min: 100, max: 599 }).map((status) => ({ status })),
      ),
      contexts,
      (thrown, context) => {
        const { code, retryable } = failureOf(thrown, context);
        if (retryable !== 'no') expect(passing).toContain(code);
      },
    ),
  );
});

test('no key is shown, wherever in an error a provider put it', () => {
  const around = fc.constantFrom(
    (key: string) => key,
    (key: string) => `Incorrect API key provided: ${key}.`,
    (key: string) => `Authorization: Bearer ${key}`,
    (key: string) => `{"error":{"message":"bad key '${key}'","code":"${key}"}}`,
    (key: string) => `https://u:${key}@api.acme.test/v1?key=${key}&x=1`,
    (key: string) => `${'x '.repeat(140)}${key}`,
    (key: string) => `Headers.append: "Bearer ${key}\n" is an invalid header value.`,
  );
  const within = fc.constantFrom(
    (text: string): unknown => text,
    (text: string) => new Error(text),
    (text: string) => new TypeError('fetch failed', { cause: new Error(text) }),
    (text: string) => ({ error: { message: text, code: text, type: text } }),
    (text: string) =>
      new APICallError({
        message: text,
        url: text,
        requestBodyValues: {},
        statusCode: 401,
        responseBody: text,
        responseHeaders: { 'x-request-id': text },
      }),
    (text: string) => new JSONParseError({ text, cause: new Error(text) }),
    (text: string) => new TypeValidationError({ value: { error: text }, cause: new Error(text) }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.values(KEYS)), around, within, contexts, (key, wrap, put, context) => {
      const error = failureOf(put(wrap(key)), context);
      const shown = `${error.message} ${error.stack} ${JSON.stringify(error.data)} ${JSON.stringify(recordError(error))}`;
      expect(shown).not.toContain(key);
      expect(shown).not.toContain(key.slice(0, 16));
    }),
    { numRuns: 1000 },
  );
});

test.each(['sk-a-short-one', 'sk-ant-ab-12', 'gsk_shortkey', 'AIzaShort-1', 'xai-few-words', 'sk-abc***xyz'])(
  '%s is known as a key by its beginning',
  (key) => {
    expect(withoutSecrets(`The key ${key} is not known.`)).toBe('The key [hidden] is not known.');
  },
);

test.each([
  ['{"api_key":"hunter2"}', '{"api_key":"[hidden]"}'],
  ["{'x-api-key': 'hunter2'}", "{'x-api-key': '[hidden]'}"],
  [String.raw`{"body":"{\"api_key\":\"hunter2\"}"}`, String.raw`{"body":"{\"api_key\":\"[hidden]\"}"}`],
  ['{"access_token":"hunter2","password": "hunter2"}', '{"access_token":"[hidden]","password": "[hidden]"}'],
])('in %s the secret between quotes is known by the name before it', (text, safe) => {
  expect(withoutSecrets(text)).toBe(safe);
});

test('words, model ids and numbers are no secrets', () => {
  for (const text of [
    'The model `claude-sonnet-4-5-20250929` does not exist',
    'prompt is too long: 210000 tokens > 200000 maximum',
    "Unsupported value: 'temperature' does not support 0.2 with this model.",
    'connect ECONNREFUSED 127.0.0.1:33333',
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
    'meta-llama/Llama-4-Maverick-17B-128E-Instruct-FP8 is not a valid model ID',
  ])
    expect(withoutSecrets(text)).toBe(text);
});

test('a body made to be slow to search is searched all the same', () => {
  const context: FailureContext = { model: 'acme/model-9', answered: undefined, now: 0, tokensIn: 1 };
  for (const unit of ['<!-- -->', 'a', '*', '?', '//', 'model ', 'exceeds the ', 'bearer ', '{"error":', '[', 'retry in 1', 'api key=']) {
    const text = unit.repeat(100_000);
    for (const thrown of [text, new Error(text), { statusCode: 400, responseBody: text }]) {
      expect(failureOf(thrown, context).message.length).toBeLessThan(800);
    }
  }
});
