import { Buffer } from 'node:buffer';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LanguageModelV4GenerateResult, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cassette } from '../../src/model/cassette.ts';
import { redacted, redactor } from '../../src/model/cassetteRedact.ts';
import { scripted } from '../../src/testing.ts';
import { drain, user } from '../support/olderModels.ts';

// Made up, in the shapes of the real ones; put together here so that no scanner takes this file for a leak.
const SHAPED = [
  `sk-proj-${'a1B2'.repeat(10)}`,
  `sk-ant-api03-${'a1B2'.repeat(10)}`,
  `sk-${'a1B2'.repeat(8)}`,
  `AIza${'Sy1_-'.repeat(7)}`,
  `ghp_${'a1B2'.repeat(9)}`,
  `github_pat_${'a1B2'.repeat(10)}`,
  `xoxb-${'1234-'.repeat(4)}abc`,
  `AKIA${'A1B2'.repeat(4)}`,
  `gsk_${'a1B2'.repeat(10)}`,
  `eyJ${'hbGci'.repeat(4)}.eyJ${'zdWIi'.repeat(4)}.${'s1gn'.repeat(8)}`,
  `-----BEGIN RSA PRIVATE KEY-----\n${'MIIE'.repeat(20)}\n-----END RSA PRIVATE KEY-----`,
];
const NAMED = {
  ACME_API_KEY: 'zebra+crossing/7',
  ACME_TOKEN: 'quiet "quoted" token',
  ACME_CLIENT_SECRET: 'plain-secret-word',
  DB_PASSWORD: 'p@ss word ünique',
};
const BEARER = `Bearer ${'opaque.'.repeat(3)}`;
const secrets = [...SHAPED, ...Object.values(NAMED), BEARER.slice(7)];

let file: string;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cassette-'));
  file = join(folder, 'a.jsonl');
  vi.stubEnv('CI', undefined);
  for (const [name, value] of Object.entries(NAMED)) vi.stubEnv(name, value);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function expectClean(): void {
  const tape = readFileSync(file, 'utf8');
  expect(tape.length).toBeGreaterThan(100);
  const files = [...tape.matchAll(/"data":"([^"]*)"/g)].map(([, data = '']) => Buffer.from(data, 'base64').toString());
  for (const secret of secrets) {
    const forms = [secret, encodeURIComponent(secret), encodeURI(secret), new URLSearchParams([['', secret]]).toString().slice(1)];
    for (let depth = 0; depth < 3; depth += 1) forms.push(JSON.stringify(forms.at(depth === 0 ? 0 : -1)).slice(1, -1));
    for (const form of forms) for (const text of [tape, ...files]) expect(text).not.toContain(form);
  }
}

const usage = { inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 1, text: 1, reasoning: 0 } };
const spilling = (secret: string): LanguageModelV4GenerateResult => ({
  content: [
    { type: 'text', text: `it is ${secret}, I think`, providerMetadata: { acme: { echoed: secret, [secret]: 1 } } },
    { type: 'reasoning', text: secret },
    { type: 'tool-call', toolCallId: 'c', toolName: 't', input: JSON.stringify({ key: secret, deep: JSON.stringify({ secret }) }) },
    { type: 'tool-result', toolCallId: 'c', toolName: 't', result: { [secret]: [secret] } },
    { type: 'file', mediaType: 'text/plain', data: { type: 'data', data: Buffer.from(secret) } },
  ],
  finishReason: { unified: 'stop', raw: secret },
  usage,
  warnings: [{ type: 'other', message: `the key ${secret} is old` }],
  request: { body: secret },
  response: { headers: { authorization: secret }, body: secret },
});

const urls = (secret: string): URL[] => {
  const searched = new URL('https://x.y/a');
  searched.searchParams.set('key', secret);
  return [new URL(`https://x.y/${encodeURIComponent(secret)}`), new URL(`https://x.y/a?key=${secret.replaceAll('\n', '%0A')}`), searched];
};

test('no key reaches the file: not from prompts, files, tools, settings, headers or answers', async () => {
  for (const secret of [...SHAPED, ...Object.values(NAMED), BEARER]) {
    const model = { ...scripted([]), doGenerate: () => Promise.resolve(spilling(secret)) };
    // Recorded: without their keys the requests are equal, and would be played.
    await cassette(file, { mode: 'record' })(model).doGenerate({
      prompt: [
        { role: 'system', content: `the key is ${secret}.` },
        {
          role: 'user',
          content: [
            { type: 'file', mediaType: 'text/plain', data: { type: 'data', data: Buffer.from(`KEY=${secret}\n`).toString('base64') } },
          ],
        },
        {
          role: 'user',
          content: urls(secret).map((url) => ({ type: 'file' as const, mediaType: 'text/plain', data: { type: 'url' as const, url } })),
        },
        {
          role: 'assistant',
          content: [
            { type: 'tool-call', toolCallId: 'c', toolName: 't', input: { url: `https://x.y/?key=${encodeURIComponent(secret)}` } },
          ],
        },
      ],
      tools: [{ type: 'function', name: 't', description: `use ${secret}`, inputSchema: { type: 'object', properties: { [secret]: {} } } }],
      providerOptions: { acme: { apiKey: secret } },
      headers: { authorization: secret },
    });
  }
  expect(readFileSync(file, 'utf8').trimEnd().split('\n')).toHaveLength(SHAPED.length + 5);
  expectClean();
});

test('a key that a stream spells out piece by piece is none of its pieces', async () => {
  for (const secret of SHAPED) {
    const pieces = secret.match(/[\s\S]{1,5}/g) ?? [];
    const parts: LanguageModelV4StreamPart[] = [
      { type: 'text-start', id: '1' },
      { type: 'text-delta', id: '1', delta: 'it is ' },
      ...pieces.map((delta) => ({ type: 'text-delta', id: '1', delta }) as const),
      { type: 'text-delta', id: '1', delta: ' , I think' },
      { type: 'text-end', id: '1' },
      { type: 'tool-input-start', id: '1', toolName: 't' },
      ...pieces.map((delta) => ({ type: 'tool-input-delta', id: '1', delta }) as const),
      { type: 'tool-input-end', id: '1' },
      { type: 'finish', finishReason: { unified: 'stop', raw: undefined }, usage },
    ];
    const model = { ...scripted([]), doStream: () => Promise.resolve({ stream: ReadableStream.from(parts) }) };
    await drain((await cassette(file, { mode: 'record' })(model).doStream(user([]))).stream);
    const played = await drain((await cassette(file, { mode: 'replay' })(scripted([])).doStream(user([]))).stream);
    const text = played.flatMap((part) => (part.type === 'text-delta' ? [part.delta] : [])).join('');
    expect(text).toMatch(/^it is \[redacted\]\s*, I think$/);
    const deltas = readFileSync(file, 'utf8').match(/"delta":"[^"]*"/g) ?? [];
    expect(deltas.map((delta) => delta.slice(9, -1)).join('')).not.toContain(secret.slice(4, 30));
  }
  expectClean();
});

test('a tape fits on a machine with other keys, or none', async () => {
  const asked = user([{ type: 'text', text: `call with ${NAMED.ACME_API_KEY} and other-secret-99` }]);
  await cassette(file)(scripted([{ text: 'done' }])).doGenerate(asked);
  vi.stubEnv('OTHER_KEY', 'other-secret-99');
  expect(await cassette(file, { mode: 'replay' })(scripted([])).doGenerate(asked)).toMatchObject({ content: [{ text: 'done' }] });
});

test('drift does not show keys either', async () => {
  await cassette(file)(scripted([{ text: 'done' }])).doGenerate(user([{ type: 'text', text: 'a' }]));
  const asked = cassette(file, { mode: 'replay' })(scripted([])).doGenerate(user([{ type: 'text', text: `b ${SHAPED[0]}` }]));
  await expect(asked).rejects.toThrow('asked "b [redacted]"');
});

test('the name of a model is redacted, where it is written and where it is said', async () => {
  const model = {
    ...scripted([{ text: 'done' }]),
    provider: `http://me:${NAMED.ACME_CLIENT_SECRET}@host/v1`,
    modelId: NAMED.ACME_CLIENT_SECRET,
  };
  await cassette(file)(model).doGenerate(user([{ type: 'text', text: 'a' }]));
  expectClean();
  const asked = cassette(file, { mode: 'replay' })(model).doGenerate(user([{ type: 'text', text: 'b' }]));
  await expect(asked).rejects.toThrow('no answer to this request of http://[redacted]@host/v1#[redacted]: ');
});

test('a number that is a secret is one too, and a tool reads what is left of its input', async () => {
  vi.stubEnv('ACME_PAT', '1234567890');
  const input = '{"pin":1234567890,"n":[12,1234567890]}';
  const reply = { ...spilling('nothing'), content: [{ type: 'tool-call' as const, toolCallId: 'c', toolName: 't', input }] };
  const pieces = ['{"pin":12345', '67890,"n":[12,1234567890]}'].map((delta) => ({ type: 'tool-input-delta' as const, id: '1', delta }));
  const parts: LanguageModelV4StreamPart[] = [...pieces, { type: 'finish', finishReason: reply.finishReason, usage }];
  const model = {
    ...scripted([]),
    doGenerate: () => Promise.resolve(reply),
    doStream: () => Promise.resolve({ stream: ReadableStream.from(parts) }),
  };
  const asked = { ...user([]), providerOptions: { acme: { pin: 1234567890, most: 12345678 } } };
  await cassette(file)(model).doGenerate(asked);
  await drain((await cassette(file)(model).doStream(user([]))).stream);
  const safe = '{"pin":"[redacted]","n":[12,"[redacted]"]}';
  const playing = cassette(file, { mode: 'replay' })(scripted([]));
  expect((await playing.doGenerate(asked)).content).toMatchObject([{ input: safe }]);
  const played = await drain((await playing.doStream(user([]))).stream);
  expect(played.map((part) => (part.type === 'tool-input-delta' ? part.delta : '')).join('')).toBe(safe);
  const tape = readFileSync(file, 'utf8');
  expect(tape).not.toContain('1234567890');
  expect(tape).toContain('"most":12345678');
});

test.each([
  ['Authorization: Basic dXNlcjpwYXNzd29yZDEyMw==', 'Authorization: Basic [redacted]'],
  ['curl -H "Authorization: Basic b3BhcXVl"', 'curl -H "Authorization: Basic [redacted]"'],
  ['say Basic dXNlcjpwYXNzd29yZDEyMw==', 'say Basic [redacted]'],
  ['postgres://u:hunter2hunter2@h/db', 'postgres://[redacted]@h/db'],
  ['redis://:hunter2@h', 'redis://[redacted]@h'],
  [`csk-${'a1b2'.repeat(8)}`, '[redacted]'],
  [`xapp-1-A123-456-${'abcdef01'.repeat(2)}`, '[redacted]'],
  [`SG.${'abcd'.repeat(5)}.${'a1B2'.repeat(10)}`, '[redacted]'],
  [`sk-${'abcdefghijkl'.repeat(2)}`, '[redacted]'],
  [`x-api-key: ${'0123abcd'.repeat(4)}`, 'x-api-key: [redacted]'],
  ['api_key="abcd1234efgh5678"', 'api_key="[redacted]"'],
  ['ACME_API_KEY=abcd1234efgh5678', 'ACME_API_KEY=[redacted]'],
  ['{"api_key":"abcd1234efgh5678"}', '{"api_key":"[redacted]"}'],
  ['{"apiKey": "abcd1234efgh5678"}', '{"apiKey": "[redacted]"}'],
  ['{"api_key":12345678}', '{"api_key":"[redacted]"}'],
  [String.raw`{"body":"{\"api_key\":\"abcd1234efgh5678\"}"}`, String.raw`{"body":"{\"api_key\":\"[redacted]\"}"}`],
])('%s is known by its shape', (text, safe) => {
  expect(redactor({})(text)).toBe(safe);
  expect(redactor({})(safe)).toBe(safe);
});

test('a field that is called after a key holds one', () => {
  const redact = redactor({});
  expect(redacted({ apiKey: 'abcd1234efgh5678', 'x-api-key': 12345678, note: 'abcd1234efgh5678' }, redact)).toEqual({
    apiKey: '[redacted]',
    'x-api-key': '[redacted]',
    note: 'abcd1234efgh5678',
  });
  const schema = { properties: { api_key: { type: 'string', description: 'the key' }, password: { const: 'required' } } };
  expect(redacted(schema, redact)).toEqual(schema);
});

test.each(['TOKEN', 'APIKEY', 'ACME_APIKEY', 'DB_PASS', 'ACME_PAT', 'PGPASSWORD', 'acme_secret'])('the value of %s is a secret', (name) => {
  expect(redactor({ [name]: 'horse-staple' })('a horse-staple here')).toBe('a [redacted] here');
});

test('a common word that is a password is left alone, so that the tape fits on other machines', async () => {
  vi.stubEnv('DB_PASSWORD', 'production');
  const asked = user([{ type: 'text', text: 'is this ready for production?' }]);
  await cassette(file)(scripted([{ text: 'yes, for production' }])).doGenerate(asked);
  vi.stubEnv('DB_PASSWORD', undefined);
  const played = await cassette(file, { mode: 'replay' })(scripted([])).doGenerate(asked);
  expect(played).toMatchObject({ content: [{ text: 'yes, for production' }] });
});

test('drift says that something stood where a secret was', async () => {
  await cassette(file)(scripted([{ text: 'done' }])).doGenerate(user([{ type: 'text', text: `say ${NAMED.ACME_CLIENT_SECRET}` }]));
  vi.stubEnv('ACME_CLIENT_SECRET', undefined);
  const asked = cassette(file, { mode: 'replay' })(scripted([])).doGenerate(
    user([{ type: 'text', text: `say ${NAMED.ACME_CLIENT_SECRET}` }]),
  );
  await expect(asked).rejects.toThrow(
    'recorded "say [redacted]", asked "say plain-secret-word" ([redacted] stands where a secret was: the value of a variable such as *_KEY',
  );
});

test('texts made to be slow to search are searched all the same', () => {
  const redact = redactor({});
  for (const unit of [
    '://',
    'a://b:',
    'api_key',
    'api key="',
    'Basic ',
    'basic aaaaaaa',
    'authorization: ',
    'SG.',
    'sk-',
    'a-',
    '{"',
    'x-api-key: a',
    'eyJ',
    'eyJ-',
  ]) {
    const startedAt = performance.now();
    redact(unit.repeat(20_000));
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  }
});

test.each([
  'Basic JavaScript and Basic authentication',
  'https://host:8000/a@b',
  'api_key: required, password: production',
  'const apiKey = process.env.OPENAI_API_KEY;',
  'api key = settings.apiKey',
  'the task-list of risk-management-2026',
  'sk-learn-tutorials',
  'a bearer of news',
  'AIza',
  `${'QUJD'.repeat(30)}AKIAQUJDQUJDQUJDQUJD${'QUJD'.repeat(30)}`,
  'eyJ.no.token',
  'ghp_short',
  'password: 7',
])('%s is no key', (text) => {
  expect(redactor({ SHORT_KEY: 'tasks', EMPTY_TOKEN: '', KEYBOARD: 'learn-tutorials' })(text)).toBe(text);
});
