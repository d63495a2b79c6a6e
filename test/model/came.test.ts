import { APICallError } from '@ai-sdk/provider';
import { describe, expect, test } from 'vitest';
import { AmdahlError, type ErrorCode } from '../../src/agent/errors.ts';
import { cameOf, NOTHING_CAME } from '../../src/model/came.ts';
import { failureOf } from '../../src/model/failure.ts';
import type { Failed } from '../../src/model/send.ts';

const failed = (error: AmdahlError, given: Partial<Failed> = {}): Failed => ({
  ok: false,
  error,
  usage: { tokensIn: 0, tokensOut: 0, tokensCached: 0, tokensReasoning: 0 },
  usdMicros: 0,
  ms: 1,
  unsent: false,
  incident: undefined,
  hedge: false,
  lost: false,
  ...given,
});
const answered = (statusCode: number, responseHeaders: Record<string, string> = {}): AmdahlError =>
  failureOf(new APICallError({ message: 'no', url: 'http://h', requestBodyValues: {}, statusCode, responseHeaders, responseBody: '{}' }), {
    model: 'acme/m',
    answered: undefined,
    now: 0,
    tokensIn: 500,
  });
const read = { usage: { tokensIn: 500, tokensOut: 0, tokensCached: 0, tokensReasoning: 0 } };

describe('the tokens of a sending come back', () => {
  test.each<[string, Failed]>([
    ['that never left', failed(new AmdahlError('CANCELLED', 'enough'), { unsent: true })],
    ['that could not connect', failed(new AmdahlError('MODEL_UNAVAILABLE', 'nothing listens'))],
    ['that was cancelled while it connected', failed(new AmdahlError('CANCELLED', 'enough'))],
    ['that was refused with 400', failed(answered(400))],
    ['that was refused with 401', failed(answered(401))],
  ])('%s', (_, sent) => {
    expect(cameOf(sent, 0).outcome).toMatchObject({ kind: 'ignored', unused: true });
    expect(NOTHING_CAME.outcome).toMatchObject({ kind: 'ignored', unused: true });
  });

  test.each<[string, Failed]>([
    ['that was cut off on the way', failed(new AmdahlError('CANCELLED', 'enough'), read)],
    ['that was lost on the way', failed(new AmdahlError('MODEL_UNAVAILABLE', 'reset'), read)],
    ['that failed there', failed(answered(500))],
    ['of which nobody knows', failed(new AmdahlError('MODEL_FAILED', 'odd'))],
  ])('but not of one %s', (_, sent) => {
    expect(cameOf(sent, 0).outcome).toMatchObject({ kind: 'ignored' });
    expect(cameOf(sent, 0).outcome).not.toHaveProperty('unused');
  });
});

test('of a limit that comes back bit by bit the call hears when its request fits, and the gate when all of it is back', () => {
  const daily = { 'x-ratelimit-limit-requests': '14400', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '24h0m0s' };
  const error = answered(429, daily);
  expect(error.retryable).toEqual({ afterMs: 6_000 });
  expect(cameOf(failed(error), 0).outcome).toMatchObject({
    kind: 'refused',
    afterMs: 86_400_000,
    announced: { requests: { remaining: 0 } },
  });
  const asked = answered(429, { ...daily, 'retry-after': '3' });
  expect([asked.retryable, cameOf(failed(asked), 0).outcome]).toMatchObject([{ afterMs: 3_000 }, { afterMs: 3_000 }]);
});

test.each<[ErrorCode, AmdahlError, boolean]>([
  ['MODEL_UNAVAILABLE', answered(500), true],
  ['MODEL_OVERLOADED', answered(503), true],
  ['MODEL_UNAVAILABLE', new AmdahlError('MODEL_UNAVAILABLE', 'nothing listens'), false],
])('whether somebody is there is told of a failure: %s', (code, error, reached) => {
  expect(cameOf(failed(error), 0)).toMatchObject({ heard: { kind: 'failure', code }, reached });
});
