import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AmdahlError } from '../../src/agent/errors.ts';
import type { RateLimit } from '../../src/model/limiter.ts';
import { refusal } from '../support/trial.ts';
import { checkRateLimits, rateLimitOf, type RateLimits } from '../../src/model/rateLimits.ts';

/** What is wrong with the limits of a model, as users of plain JavaScript may give them. */
function wrong(limit: unknown): AmdahlError {
  try {
    checkRateLimits({ 'a/b': limit });
  } catch (error) {
    if (error instanceof AmdahlError) return error;
    throw error;
  }
  throw new Error(`${String(JSON.stringify(limit))} was taken`);
}

const LIST: readonly unknown[] = [];
const OBJECT = {};
/** How values are told that are no numbers. */
const SAID: ReadonlyMap<unknown, string> = new Map<unknown, string>([
  ['60', '"60"'],
  [LIST, 'a list'],
  [OBJECT, 'an object'],
]);

const NAMES: readonly (keyof RateLimit)[] = ['requestsPerMinute', 'tokensPerMinute', 'concurrency', 'burstRequests', 'burstTokens'];

describe('the limits of a model', () => {
  const table: RateLimits = { 'openai/gpt-5': { concurrency: 1 }, 'openai/gpt-*': { concurrency: 2 }, 'openai/*': { concurrency: 3 } };

  test('are those under its name, else those of the longest beginning of it', () => {
    expect(
      ['openai/gpt-5', 'openai/gpt-5-mini', 'openai/o9', 'other/gpt-5'].map((model) => rateLimitOf(table, model)?.concurrency),
    ).toEqual([1, 2, 3, undefined]);
  });

  test('may be as small as one in an hour, and as large as one likes', () => {
    const table: RateLimits = {
      'a/b': { requestsPerMinute: 1 / 60 },
      'a/c/d*': { tokensPerMinute: 1e12, burstTokens: 1 },
      'a*': { concurrency: Infinity },
      '*': { requestsPerMinute: 60, burstRequests: 0.5, concurrency: 1 },
    };
    expect(() => checkRateLimits(table)).not.toThrow();
  });
});

describe('bad limits are refused by name', () => {
  test('whatever is no number above 0', () => {
    const bad = fc.constantFrom<unknown>(0, -1, NaN, -Infinity, '60', null, true, LIST, OBJECT);
    fc.assert(
      fc.property(fc.constantFrom(...NAMES), bad, (name, value) => {
        const rates = { requestsPerMinute: 60, tokensPerMinute: 60 };
        const error = wrong({ ...rates, [name]: value });
        expect(error.code).toBe('MISCONFIGURED');
        expect(error.message).toContain('rateLimits["a/b"]');
        expect(error.message).toContain(`${name}: ${SAID.get(value) ?? String(value)}`);
      }),
    );
  });

  test('a part of a request in flight', () => {
    expect(wrong({ concurrency: 1.5 }).message).toMatch(/concurrency: 1.5.* whole/);
  });

  test('a burst that belongs to no rate', () => {
    expect(wrong({ burstRequests: 5 }).message).toMatch(/burst without a rate/);
    expect(wrong({ requestsPerMinute: 60, burstTokens: 5 }).message).toMatch(/burst without a rate/);
  });

  test('a name that others use, with the one it has here', () => {
    expect(wrong({ rpm: 5 }).message).toMatch(
      /^rateLimits\["a\/b"\] has a limit 'rpm' that does not exist; did you mean 'requestsPerMinute'\?/,
    );
    expect(wrong({ tpm: 5 }).message).toContain("did you mean 'tokensPerMinute'?");
    expect(wrong({ maxConcurrency: 5 }).message).toContain("did you mean 'concurrency'?");
  });

  test('no limit at all', () => {
    for (const limit of [{}, { concurrency: undefined }]) expect(wrong(limit).message).toMatch(/^rateLimits\["a\/b"\] has no limit\./);
  });

  test('what is no table', () => {
    for (const [table, said] of [
      [null, 'null'],
      [[], 'a list'],
      ['60', 'text'],
      [60, 'a number'],
    ] as const)
      expect(refusal(() => checkRateLimits(table))).toMatchObject({
        code: 'MISCONFIGURED',
        message: expect.stringMatching(`^rateLimits is ${said}\\. Give a table by model`),
      });
  });

  test('a key that fits no model', () => {
    for (const [key, said] of [
      ['gpt-5', 'names no model'],
      ['', 'names no model'],
      ['openai/*-mini', "has a '*' before its end"],
      ['*/gpt-5', "has a '*' before its end"],
    ] as const)
      expect(refusal(() => checkRateLimits({ [key]: { concurrency: 1 } })).message).toContain(`rateLimits[${JSON.stringify(key)}] ${said}`);
  });

  test('a name that does not exist', () => {
    expect(wrong({ requestPerMinute: 60 })).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringMatching(/requestPerMinute/) });
  });

  test('what is no object', () => {
    for (const limit of [null, undefined, 60, 'many']) expect(wrong(limit)).toMatchObject({ code: 'MISCONFIGURED' });
  });
});
