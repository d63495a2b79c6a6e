import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationMs, retryAfterMs, retryAfterWords } from '../../src/model/retryAfter.ts';

const NOW = Date.UTC(2026, 0, 15, 12);
const DAY_MS = 86_400_000;

test.each([
  [{ 'retry-after-ms': '250' }, 250],
  [{ 'retry-after': '2' }, 2000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '1.5' }, 1500],
  [{ 'retry-after': '16.001' }, 16_001],
  [{ 'retry-after': '16.0011' }, 16_002],
  [{ 'Retry-After': '3' }, 3000],
  [{ 'retry-after-ms': '250', 'retry-after': '2' }, 250],
  [{ 'retry-after-ms': 'soon', 'retry-after': '2' }, 2000],
  [{ 'retry-after': 'Thu, 15 Jan 2026 12:00:30 GMT' }, 30_000],
  [{ 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' }, 1000],
  [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '6m0s' }, 360_000],
  [{ 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '20ms' }, 20],
  [{ 'anthropic-ratelimit-input-tokens-remaining': '0', 'anthropic-ratelimit-input-tokens-reset': '2026-01-15T12:00:05Z' }, 5000],
])('%j says %i ms', (headers, ms) => {
  expect(retryAfterMs(headers, NOW)).toBe(ms);
});

test.each([
  {},
  { 'retry-after': '' },
  { 'retry-after': '-3' },
  { 'retry-after': 'NaN' },
  { 'retry-after': 'Infinity' },
  { 'retry-after': 'later' },
  { 'retry-after': '1e3' },
  { 'retry-after-ms': '-1' },
  { 'retry-after': 'Thu, 15 Jan 2026 11:59:30 GMT' },
  { 'retry-after': 'Thu, 99 Foo 2026' },
  { 'retry-after': undefined },
  { 'x-ratelimit-reset-requests': '1s' },
  { 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': 'soon' },
])('%j says nothing', (headers) => {
  expect(retryAfterMs(headers, NOW)).toBeUndefined();
});

test('the resets of limits count only where nothing remains, and the longest of those', () => {
  const headers = {
    'x-ratelimit-remaining-requests': '3',
    'x-ratelimit-reset-requests': '1h0m0s',
    'x-ratelimit-remaining-tokens': '0',
    'x-ratelimit-reset-tokens': '7.66s',
  };
  expect(retryAfterMs(headers, NOW)).toBe(7660);
  expect(retryAfterMs({ ...headers, 'x-ratelimit-remaining-requests': '0' }, NOW)).toBe(3_600_000);
  expect(retryAfterMs({ ...headers, 'retry-after': '2' }, NOW)).toBe(2000);
});

test.each([
  // A day's bucket of 14,400: one is back after 6 s.
  ['requests', '14400', '24h0m0s', 6_000],
  ['requests', '14400', '10ms', 1],
  ['tokens', '60000', '60s', 500],
  ['tokens', '100', '60s', 60_000],
  ['requests', '0', '10s', 10_000],
  ['requests', 'many', '10s', 10_000],
  ['requests', undefined, '10s', 10_000],
])('of %s, where nothing is left of %s and that is full after %s, a request of 500 tokens fits after %i ms', (what, limit, reset, ms) => {
  const headers = {
    [`x-ratelimit-limit-${what}`]: limit,
    [`x-ratelimit-remaining-${what}`]: '0',
    [`x-ratelimit-reset-${what}`]: reset,
  };
  expect(retryAfterMs(headers, NOW, 500)).toBe(ms);
  expect(retryAfterMs(headers, NOW)).toBe(durationMs(reset));
  expect(retryAfterMs({ ...headers, 'retry-after': '90' }, NOW, 500)).toBe(90_000);
});

test('the same for limits whose reset is a date', () => {
  const headers = {
    'anthropic-ratelimit-requests-limit': '50',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-requests-reset': '2026-01-15T12:01:00Z',
  };
  expect([retryAfterMs(headers, NOW), retryAfterMs(headers, NOW, 500)]).toEqual([60_000, 1_200]);
});

test.each([
  ['Limit 30000, Used 29000. Please try again in 1.5s. Visit a page.', 1500],
  ['Please try again in 6m0s.', 360_000],
  ['Please try again in 250ms.', 250],
  ['Please retry in 34.074824224s.', 34_075],
  ['Try again in 2 m 3 s', 123_000],
  ['Please try again in a few seconds.', undefined],
  ['Try again in 5 some', undefined],
  ['', undefined],
])('the words "%s" say %s', (words, ms) => {
  expect(retryAfterWords(words)).toBe(ms);
});

const anyHeaders = fc.dictionary(
  fc.oneof(
    fc.constantFrom(
      'retry-after',
      'retry-after-ms',
      'x-ratelimit-reset-tokens',
      'x-ratelimit-remaining-tokens',
      'anthropic-ratelimit-tokens-reset',
      'anthropic-ratelimit-tokens-remaining',
    ),
    fc.string(),
  ),
  fc.oneof(
    fc.string(),
    fc.integer().map(String),
    fc.double().map(String),
    fc.constant('0'),
    fc.date().map((date) => String(date)),
  ),
);

test('whatever the headers say, it is nothing or whole milliseconds between none and a day', () => {
  fc.assert(
    fc.property(anyHeaders, fc.integer({ min: 0, max: 2 ** 42 }), (headers, now) => {
      const ms = retryAfterMs(headers, now);
      expect(ms === undefined || (Number.isInteger(ms) && ms >= 0 && ms <= DAY_MS)).toBe(true);
    }),
  );
});

test('seconds and a date as far away say the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 86_400 }), (seconds) => {
      const date = new Date(NOW + seconds * 1000).toUTCString();
      expect(retryAfterMs({ 'retry-after': date }, NOW)).toBe(seconds * 1000);
      expect(retryAfterMs({ 'retry-after': String(seconds) }, NOW)).toBe(seconds * 1000);
    }),
  );
});

test('a duration is the sum of its parts, and words that hold it say the same', () => {
  const part = fc.integer({ min: 0, max: 59 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 22 }), part, part, fc.integer({ min: 0, max: 999 }), (hours, minutes, seconds, ms) => {
      const text = `${hours}h${minutes}m${seconds}s${ms}ms`;
      const sum = ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms;
      expect(durationMs(text)).toBe(sum);
      expect(retryAfterWords(`Please try again in ${text}.`)).toBe(sum);
    }),
  );
});

test.each(['99999999', 'Thu, 15 Jan 2099 11:59:30 GMT'])(
  'retry-after: %s is a day at most: what asks for so much is not asked again at once',
  (value) => {
    expect(retryAfterMs({ 'retry-after': value }, Date.UTC(2026, 0, 15, 12))).toBe(86_400_000);
  },
);
