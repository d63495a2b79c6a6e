import { expect, test } from 'vitest';
import {
  base64FormsOf,
  formsOf,
  isConnectionName,
  isSecretField,
  isSecretName,
  isSecretValue,
  passwordsIn,
} from '../../src/model/secretValues.ts';

test('words, switches, numbers, paths and what is short are no secrets', () => {
  for (const value of [
    '',
    'true',
    'short-1',
    'production',
    'DISABLED',
    '1234567890',
    '3.141592653',
    '/home/me/.ssh/id_rsa',
    './keys/dev.pem',
    '~/keys/dev.pem',
    'C:\\keys\\dev.pem',
    'file:///etc/key.pem',
  ])
    expect(isSecretValue(value), value).toBe(false);
  for (const value of ['hunter2hunter2', 'sk-proj-abcdef', 'correct horse battery', '/bPxRfiCYEXAMPLEKEY9wJalrXUtnFEMIK7MDENG'])
    expect(isSecretValue(value), value).toBe(true);
});

test('variables and fields are known by their names', () => {
  for (const name of ['OPENAI_API_KEY', 'GITHUB_TOKEN', 'DB_PASSWORD', 'key', 'SESSION_SECRET', 'OPENAI_API_KEY_2', 'MYSQL_PWD'])
    expect(isSecretName(name), name).toBe(true);
  for (const name of ['PATH', 'KEYBOARD', 'NEXT_PUBLIC_MAPS_KEY', 'MONKEY_NAME', 'STRIPE_PUBLISHABLE_KEY'])
    expect(isSecretName(name), name).toBe(false);
  for (const name of ['apiKey', 'api_key', 'x-api-key', 'Authorization', 'accessToken', 'openaiApiKey', 'dbPassword', 'token'])
    expect(isSecretField(name, 'hunter2hunter2'), name).toBe(true);
  for (const name of ['cacheKey', 'sortKey', 'nextToken', 'pageToken', 'keyboard', 'author'])
    expect(isSecretField(name, 'hunter2hunter2'), name).toBe(false);
});

test('base64 of a text holds one of the forms of a secret in it, wherever that stands', () => {
  for (const before of ['', 'u', 'us', 'user:', 'another']) {
    const text = Buffer.from(`${before}hunter2hunter2${before}`).toString('base64');
    expect(
      base64FormsOf('hunter2hunter2').some((form) => text.includes(form)),
      before,
    ).toBe(true);
  }
});

test('a password stands in the midst of what says how to connect', () => {
  for (const name of [
    'DATABASE_URL',
    'MONGODB_URI',
    'SENTRY_DSN',
    'HTTPS_PROXY',
    'DB_CONNECTION_STRING',
    'connectionString',
    'REDIS_URL_2',
  ])
    expect(isConnectionName(name), name).toBe(true);
  for (const [value, passwords] of [
    ['postgres://app:hunter2%2Fhunter2@db.example:5432/app?sslmode=require', ['hunter2%2Fhunter2', 'hunter2/hunter2']],
    ['redis://:hunter2hunter2@cache', ['hunter2hunter2']],
    ['mongodb://app:hunter2@hunter2@one,two/app', ['hunter2@hunter2']],
    ['Server=db;User Id=app;Password=hunter2;hunter2', []],
    ['Server=db;User Id=app;Password=hunter2hunter2;Encrypt=true', ['hunter2hunter2']],
    ["host=db user=app password='hunter2hunter2'", ['hunter2hunter2']],
    ['https://api.example/v1?page=2&api_key=hunter2hunter2', ['hunter2hunter2']],
    ['postgres://postgres:postgres@localhost:5432/app', []],
    ['https://example.com/a:b@c', []],
  ] as const)
    expect(passwordsIn(value), value).toEqual(passwords);
});

test('a value is known in every part of a URL and in HTML', () => {
  const value = `p/w+'"&<!>hunter2`;
  const url = new URL('https://app@host/');
  url.password = value;
  url.searchParams.set('p', value);
  const strict = encodeURIComponent(value).replaceAll("'", '%27').replaceAll('!', '%21');
  for (const text of [url.href.slice(0, url.href.indexOf('?')), url.search, strict, 'p/w+&#39;&quot;&amp;&lt;!&gt;hunter2'])
    expect(
      formsOf(value).some((form) => text.includes(form)),
      text,
    ).toBe(true);
});
