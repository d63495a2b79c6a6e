import { inspect } from 'node:util';
import {
  APICallError,
  InvalidArgumentError,
  InvalidPromptError,
  JSONParseError,
  LoadSettingError,
  NoSuchModelError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from '@ai-sdk/provider';
import { expect, test } from 'vitest';
import { AmdahlError, type ErrorCode, recordError, type Retryable } from '../../src/agent/errors.ts';
import { failureOf } from '../../src/model/failure.ts';
import { context, expectNoKey, page, thrownBy } from './failureTable.ts';
import { KEYS, loopback, MODELS } from './loopback.ts';

const WAYS = ['whole', 'streamed'] as const;
const url = `https://api.acme.test/v1/chat?key=${KEYS.google}`;

/** An error of the platform with a code of the system, as undici makes them. */
function fetchFailed(code: string, message: string = code): TypeError {
  return new TypeError('fetch failed', { cause: Object.assign(new Error(message), { code }) });
}

function call(parts: {
  readonly statusCode?: number;
  readonly responseBody?: string;
  readonly cause?: unknown;
  readonly data?: unknown;
  readonly message?: string;
}): APICallError {
  return new APICallError({ message: 'failed', url, requestBodyValues: {}, ...parts });
}

test.each(WAYS)('a closed port is unavailable, and the message says where nothing listens, %s', async (way) => {
  const { origin } = await closed();
  for (const model of Object.values(MODELS)) {
    const error = failureOf(await thrownBy(model(origin), way), context);
    expect([error.code, error.retryable]).toEqual(['MODEL_UNAVAILABLE', 'yes']);
    expect(error.message).toMatch(/nothing listens there.*ECONNREFUSED.*Check that the server runs/);
    // The gateway's package does not pass the address on.
    if (!error.message.includes('Gateway')) expect(error.message).toContain(origin);
    expectNoKey(error);
  }
});

test.each(WAYS)('a certificate that nobody vouches for is named, and never asked again, %s', async (way) => {
  await using server = await loopback({ body: {} }, { tls: true });
  for (const model of Object.values(MODELS)) {
    const error = failureOf(await thrownBy(model(server.origin), way), context);
    expect([error.code, error.retryable]).toEqual(['MODEL_UNAVAILABLE', 'no']);
    expect(error.message).toMatch(/no secure connection.*DEPTH_ZERO_SELF_SIGNED_CERT.*NODE_EXTRA_CA_CERTS/);
  }
  expect(server.asked).toBe(0);
});

test('https asked of a server that speaks http says to look at the base URL', async () => {
  await using server = await loopback({ body: {} });
  const error = failureOf(await thrownBy(MODELS['openai chat'](server.origin.replace('http:', 'https:')), 'whole'), context);
  expect([error.code, error.retryable]).toEqual(['MODEL_UNAVAILABLE', 'no']);
  expect(error.message).toContain('https or http');
});

const made: readonly (readonly [what: string, thrown: unknown, code: ErrorCode, retryable: Retryable, says: RegExp])[] = [
  ['an unknown host', fetchFailed('ENOTFOUND'), 'MODEL_UNAVAILABLE', 'no', /no such host/],
  ['a name server that does not answer', fetchFailed('EAI_AGAIN'), 'MODEL_UNAVAILABLE', 'yes', /Check the network/],
  ['a lost connection', fetchFailed('ECONNRESET'), 'MODEL_UNAVAILABLE', 'yes', /lost before an answer/],
  ['a broken pipe', fetchFailed('EPIPE'), 'MODEL_UNAVAILABLE', 'yes', /lost before an answer/],
  ['a closed socket', fetchFailed('UND_ERR_SOCKET'), 'MODEL_UNAVAILABLE', 'yes', /lost before an answer/],
  ['a connection that takes too long', fetchFailed('UND_ERR_CONNECT_TIMEOUT'), 'MODEL_TIMEOUT', 'yes', /in its time/],
  ['an answer that takes too long', fetchFailed('UND_ERR_HEADERS_TIMEOUT'), 'MODEL_TIMEOUT', 'yes', /in its time/],
  ['an expired certificate', fetchFailed('CERT_HAS_EXPIRED'), 'MODEL_UNAVAILABLE', 'no', /certificate/],
  ['a certificate of somebody else', fetchFailed('ERR_TLS_CERT_ALTNAME_INVALID'), 'MODEL_UNAVAILABLE', 'no', /certificate/],
  ['an unknown authority', fetchFailed('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), 'MODEL_UNAVAILABLE', 'no', /certificate/],
  ['a missing issuer', fetchFailed('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 'MODEL_UNAVAILABLE', 'no', /certificate/],
  ['another protocol than TLS', fetchFailed('ERR_SSL_WRONG_VERSION_NUMBER'), 'MODEL_UNAVAILABLE', 'no', /https or http/],
  ['what is no HTTP', fetchFailed('HPE_INVALID_CONSTANT'), 'MODEL_GARBAGE', 'yes', /not what the protocol says/],
  [
    'several addresses, all closed',
    Object.assign(new AggregateError([fetchFailed('ECONNREFUSED')]), { code: 'ECONNREFUSED' }),
    'MODEL_UNAVAILABLE',
    'yes',
    /nothing listens/,
  ],
  ['a base URL that is none', fetchFailed('ERR_INVALID_URL', 'Invalid URL'), 'MODEL_BAD_REQUEST', 'no', /base URL/],
  ['a foreign abort', new DOMException('This operation was aborted', 'AbortError'), 'MODEL_TIMEOUT', 'yes', /not by the run/],
  ['a foreign time-out', new DOMException('The operation timed out', 'TimeoutError'), 'MODEL_TIMEOUT', 'yes', /in its time/],
  ['a proxy that wants a login', call({ statusCode: 407 }), 'MODEL_UNAUTHORIZED', 'no', /proxy.*HTTPS_PROXY/],
  ['a tunnel that wants a login', new Error('Proxy response (407) !== 200 when HTTP Tunneling'), 'MODEL_UNAUTHORIZED', 'no', /proxy/],
  [
    'an unknown model of a package',
    new NoSuchModelError({ modelId: 'x', modelType: 'languageModel' }),
    'MODEL_BAD_REQUEST',
    'no',
    /does not know this model/,
  ],
  [
    'a prompt that cannot be sent',
    new InvalidPromptError({ prompt: [], message: 'no user message' }),
    'MODEL_BAD_REQUEST',
    'no',
    /no user message/,
  ],
  [
    'a part that is not supported',
    new UnsupportedFunctionalityError({ functionality: 'audio/ogg' }),
    'MODEL_BAD_REQUEST',
    'no',
    /audio\/ogg/,
  ],
  [
    'a wrong argument',
    new InvalidArgumentError({ argument: 'providerOptions', message: 'invalid openai provider options' }),
    'MODEL_BAD_REQUEST',
    'no',
    /provider options/,
  ],
  [
    'a missing setting',
    new LoadSettingError({ message: 'Azure OpenAI resource name setting is missing' }),
    'MODEL_BAD_REQUEST',
    'no',
    /resource name/,
  ],
  ['a bare string', 'Overloaded', 'MODEL_OVERLOADED', 'yes', /The error says: Overloaded/],
  [
    'an unwrapped error of Anthropic',
    { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
    'MODEL_OVERLOADED',
    'yes',
    /overloaded/,
  ],
  [
    'an unwrapped error of Google',
    { error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Too much' } },
    'MODEL_RATE_LIMITED',
    'yes',
    /Too much/,
  ],
  ['an error of Google in a list', [{ error: { code: 503, status: 'UNAVAILABLE', message: 'Later' } }], 'MODEL_OVERLOADED', 'yes', /Later/],
  ['a status alone', { status: 500 }, 'MODEL_UNAVAILABLE', 'yes', /HTTP 500/],
  ['a bare refusal', { type: 'refusal', message: 'I will not' }, 'MODEL_REFUSED', 'no', /refused to answer/],
  ['nothing', undefined, 'MODEL_FAILED', 'no', /not known/],
  ['null', null, 'MODEL_FAILED', 'no', /not known/],
  ['an error of nobody', new Error('Something odd'), 'MODEL_FAILED', 'no', /The error says: Something odd/],
];

test.each(made)('%s', (_, thrown, code, retryable, says) => {
  const error = failureOf(thrown, context);
  expect([error.code, error.retryable]).toEqual([code, retryable]);
  expect(error.message).toMatch(says);
  expect(error.message).toContain('acme/model-9');
});

test('a key that is missing is named as a missing key', async () => {
  const { createOpenAI } = await import('@ai-sdk/openai');
  const before = process.env['OPENAI_API_KEY'];
  delete process.env['OPENAI_API_KEY'];
  try {
    const error = failureOf(await thrownBy(createOpenAI({}).chat('x'), 'whole'), context);
    expect([error.code, error.retryable]).toEqual(['KEY_MISSING', 'no']);
    expect(error.message).toContain('OPENAI_API_KEY');
  } finally {
    if (before !== undefined) process.env['OPENAI_API_KEY'] = before;
  }
});

test('a key that cannot be sent in a header is not shown', async () => {
  const { createOpenAI } = await import('@ai-sdk/openai');
  const model = createOpenAI({ apiKey: `${KEYS.openai}\n${KEYS.groq}`, baseURL: 'http://127.0.0.1:1234/v1' }).chat('x');
  const error = failureOf(await thrownBy(model, 'whole'), context);
  expect([error.code, error.retryable]).toEqual(['MODEL_BAD_REQUEST', 'no']);
  expect(error.message).toContain('invalid header value');
  expectNoKey(error);
  expect(inspect(error)).not.toContain(KEYS.openai);
});

test('what broke in the code of a package is garbage when an answer had come, and unknown when none had', () => {
  const thrown = new TypeError("Cannot read properties of undefined (reading 'message')");
  expect(failureOf(thrown, { ...context, answered: true }).code).toBe('MODEL_GARBAGE');
  expect(failureOf(thrown, { ...context, answered: false }).code).toBe('MODEL_FAILED');
  expect(failureOf(thrown, context).code).toBe('MODEL_FAILED');
});

test('a connection lost after the answer began is garbage, before it unavailable', () => {
  const thrown = fetchFailed('ECONNRESET');
  expect(failureOf(thrown, { ...context, answered: true }).code).toBe('MODEL_GARBAGE');
  expect(failureOf(thrown, { ...context, answered: false }).code).toBe('MODEL_UNAVAILABLE');
});

test('a request that nobody explains is an overflow when it is known to be longer than the model reads', () => {
  const short = { ...context, tokensIn: 9000, contextTokens: 8192 };
  const error = failureOf(call({ statusCode: 400 }), short);
  expect(error.code).toBe('MODEL_CONTEXT_OVERFLOW');
  expect(error.message).toMatch(/about 9000 tokens, the model reads 8192/);
  expect(failureOf(call({ statusCode: 400 }), { ...short, tokensIn: 8000 }).code).toBe('MODEL_BAD_REQUEST');
  expect(failureOf(call({ statusCode: 500 }), short).code).toBe('MODEL_UNAVAILABLE');
  expect(failureOf(call({ statusCode: 401 }), short).code).toBe('MODEL_UNAUTHORIZED');
});

test('words of a model are no words of a provider', () => {
  const answer = { id: 'x', choices: [{ message: { content: 'rate limit, overloaded, prompt is too long, safety' } }] };
  const responseBody = JSON.stringify(answer);
  expect(failureOf(call({ statusCode: 200, message: 'Invalid JSON response', responseBody }), context).code).toBe('MODEL_GARBAGE');
  const broken = new JSONParseError({ text: responseBody.slice(0, -4), cause: new SyntaxError('Unexpected end') });
  expect(failureOf(broken, context).code).toBe('MODEL_GARBAGE');
  const value = { choices: 'none', message: 'rate limit, overloaded, prompt is too long' };
  expect(failureOf(new TypeValidationError({ value, cause: new Error('Invalid input') }), context).code).toBe('MODEL_GARBAGE');
});

test('an error of this family comes back itself, however deep it lies', () => {
  const inner = new AmdahlError('BUDGET_EXCEEDED', 'Enough.');
  expect(failureOf(inner, context)).toBe(inner);
  expect(failureOf(call({ cause: new Error('aborted', { cause: inner }) }), context)).toBe(inner);
});

test('only the origin of an address is told', () => {
  const error = failureOf(call({ statusCode: 500 }), context);
  expect(error.message).toContain('(HTTP 500 from https://api.acme.test)');
  expectNoKey(error);
  expect(inspect(error, { depth: 9 })).not.toContain(KEYS.google);
});

test('data holds model, status, the code of the provider and the id of the request', () => {
  const responseBody = JSON.stringify({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'req_1' });
  const error = failureOf(
    new APICallError({ message: 'Overloaded', url: 'https://api.acme.test/v1', requestBodyValues: {}, statusCode: 529, responseBody }),
    context,
  );
  expect(error.data).toEqual({ model: 'acme/model-9', status: 529, providerCode: 'overloaded_error', requestId: 'req_1' });
});

test('the cause is the original, unless it would show a key or a whole page', () => {
  const thrown = new Error('It broke');
  expect(failureOf(thrown, context).cause).toBe(thrown);
  const secret = failureOf(new Error(`No such key: Bearer ${KEYS.mistral}`), context);
  expect(secret.cause).toBeInstanceOf(Error);
  expectNoKey(secret);
  const long = failureOf(new JSONParseError({ text: page('x'.repeat(100_000)), cause: new SyntaxError('Unexpected token') }), context);
  expect(long.code).toBe('MODEL_GARBAGE');
  expect(JSON.stringify(recordError(long)).length).toBeLessThan(3000);
});

test('long words of a provider are cut', () => {
  const data = { error: { message: 'no '.repeat(500), type: 'invalid_request_error' } };
  expect(failureOf(call({ statusCode: 400, data }), context).message.length).toBeLessThan(600);
});

/** An address at which nothing listens any more. */
async function closed(): Promise<{ readonly origin: string }> {
  await using server = await loopback({});
  return { origin: server.origin };
}
