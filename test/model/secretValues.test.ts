import { expect, test } from 'vitest';
import { base64FormsOf, isSecretField, isSecretName, isSecretValue } from '../../src/model/secretValues.ts';

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
  for (const name of ['OPENAI_API_KEY', 'GITHUB_TOKEN', 'DB_PASSWORD', 'key', 'SESSION_SECRET'])
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
