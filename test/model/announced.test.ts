import { expect, test } from 'vitest';
import { type Announced, announcedIn } from '../../src/model/announced.ts';

const NOW = Date.UTC(2026, 0, 15, 12);

/** Rates are compared per minute, where people know them. */
function perMinute(announced: Announced | undefined): object | undefined {
  if (announced === undefined) return undefined;
  const { perMs, ...rest } = announced;
  return {
    perMinute: Number((perMs * 60_000).toPrecision(6)),
    ...rest,
    ...(rest.size === undefined ? {} : { size: Math.round(rest.size) }),
  };
}

interface Row {
  readonly headers: Readonly<Record<string, string>>;
  readonly requests?: object;
  readonly tokens?: object;
}

const rows: Readonly<Record<string, Row>> = {
  // The time is until the limit "resets to its initial state".
  "OpenAI, whose reset is the time until full (developers.openai.com/api/docs/guides/rate-limits, values of a key's own answer)": {
    headers: {
      'x-ratelimit-limit-requests': '5000',
      'x-ratelimit-limit-tokens': '160000',
      'x-ratelimit-remaining-requests': '4999',
      'x-ratelimit-remaining-tokens': '159976',
      'x-ratelimit-reset-requests': '12ms',
      'x-ratelimit-reset-tokens': '9ms',
    },
    requests: { perMinute: 5000, remaining: 4999, size: 5000, fullInMs: 12 },
    tokens: { perMinute: 160_000, remaining: 159_976, size: 160_000, fullInMs: 9 },
  },
  "OpenAI's project limit, where it is the tighter one (same page)": {
    headers: {
      'x-ratelimit-limit-tokens': '150000',
      'x-ratelimit-remaining-tokens': '149000',
      'x-ratelimit-reset-tokens': '400ms',
      'x-ratelimit-limit-project-tokens': '60000',
      'x-ratelimit-remaining-project-tokens': '57000',
      'x-ratelimit-reset-project-tokens': '3s',
    },
    tokens: { perMinute: 60_000, remaining: 57_000, size: 60_000, fullInMs: 3_000 },
  },
  'OpenAI, limited per day under the same names: a request comes back every 8.64 s': {
    headers: { 'x-ratelimit-limit-requests': '10000', 'x-ratelimit-remaining-requests': '9990', 'x-ratelimit-reset-requests': '1m26.4s' },
    requests: { perMinute: 6.94444, remaining: 9_990, size: 10_000, fullInMs: 86_400 },
  },
  'Groq: requests are per day, tokens per minute (console.groq.com/docs/rate-limits)': {
    headers: {
      'x-ratelimit-limit-requests': '14400',
      'x-ratelimit-limit-tokens': '18000',
      'x-ratelimit-remaining-requests': '14370',
      'x-ratelimit-remaining-tokens': '17997',
      'x-ratelimit-reset-requests': '2m59.56s',
      'x-ratelimit-reset-tokens': '7.66s',
    },
    requests: { perMinute: 10.0245, remaining: 14_370, size: 14_400, fullInMs: 179_560 },
    // 3 tokens in 7.66 s would be slow for 18,000 a minute; it may as well be the end of a minute's window.
    tokens: { perMinute: 18_000, remaining: 17_997, size: 18_000, fullInMs: 7_660 },
  },
  'Groq at the end of its day': {
    headers: { 'x-ratelimit-limit-requests': '1000', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '23h59m59.999s' },
    requests: { perMinute: 0.694444, remaining: 0, size: 1_000, fullInMs: 86_399_999 },
  },
  'Cerebras names its windows, and counts resets in seconds (inference-docs.cerebras.ai/support/rate-limits)': {
    headers: {
      'x-ratelimit-limit-requests-day': '14400',
      'x-ratelimit-limit-tokens-minute': '60000',
      'x-ratelimit-remaining-requests-day': '14300',
      'x-ratelimit-remaining-tokens-minute': '58000',
      'x-ratelimit-reset-requests-day': '33011.382867097855',
      'x-ratelimit-reset-tokens-minute': '11.382867097854614',
    },
    requests: { perMinute: 10, remaining: 14_300, size: 14_400, fullInMs: 33_011_383 },
    tokens: { perMinute: 60_000, remaining: 58_000, size: 60_000, fullInMs: 11_383 },
  },
  'SambaNova: a minute and a day at once, of which the minute lets less through (docs.sambanova.ai, rate limits)': {
    headers: {
      'x-ratelimit-limit-requests': '20',
      'x-ratelimit-remaining-requests': '11',
      'x-ratelimit-reset-requests': '27',
      'x-ratelimit-limit-requests-day': '1500',
      'x-ratelimit-remaining-requests-day': '1497',
      'x-ratelimit-reset-requests-day': '4h17m',
    },
    requests: { perMinute: 20, remaining: 11, size: 20, fullInMs: 27_000 },
  },
  'and of which the day does, near its end': {
    headers: {
      'x-ratelimit-limit-requests': '20',
      'x-ratelimit-remaining-requests': '19',
      'x-ratelimit-limit-requests-day': '1500',
      'x-ratelimit-remaining-requests-day': '2',
    },
    requests: { perMinute: 1.04167, remaining: 2 },
  },
  'Mistral, today: requests and tokens per minute, no reset (docs.mistral.ai, rate limits)': {
    headers: {
      'x-ratelimit-limit-req-minute': '50',
      'x-ratelimit-remaining-req-minute': '49',
      'x-ratelimit-limit-tokens-minute': '50000',
      'x-ratelimit-remaining-tokens-minute': '47300',
      'x-ratelimit-tokens-query-cost': '1300',
    },
    requests: { perMinute: 50, remaining: 49 },
    tokens: { perMinute: 50_000, remaining: 47_300 },
  },
  'Mistral, before: tokens in the words of its gateway (docs.konghq.com, rate limiting by response size)': {
    headers: {
      'ratelimitbysize-limit': '500000',
      'ratelimitbysize-reset': '40',
      'ratelimitbysize-query-cost': '32007',
      'x-ratelimitbysize-remaining-minute': '467993',
      'x-ratelimitbysize-limit-month': '1000000000',
      'x-ratelimitbysize-remaining-month': '999000000',
    },
    tokens: { perMinute: 500_000, remaining: 467_993, size: 500_000, fullInMs: 40_000 },
  },
  'Mistral, for a model that the plan does not have': {
    headers: { 'x-ratelimit-limit-req-minute': '0', 'x-ratelimit-remaining-req-minute': '0' },
  },
  'Anthropic: the moments at which all is back (platform.claude.com/docs/en/api/rate-limits)': {
    headers: {
      'anthropic-ratelimit-requests-limit': '1000',
      'anthropic-ratelimit-requests-remaining': '990',
      'anthropic-ratelimit-requests-reset': '2026-01-15T12:00:01Z',
      'anthropic-ratelimit-input-tokens-limit': '80000',
      'anthropic-ratelimit-input-tokens-remaining': '60000',
      'anthropic-ratelimit-input-tokens-reset': '2026-01-15T12:00:15Z',
      'anthropic-ratelimit-output-tokens-limit': '16000',
      'anthropic-ratelimit-output-tokens-remaining': '15000',
      'anthropic-ratelimit-output-tokens-reset': '2026-01-15T12:00:04Z',
      'anthropic-ratelimit-tokens-limit': '96000',
      'anthropic-ratelimit-tokens-remaining': '75000',
      'anthropic-ratelimit-tokens-reset': '2026-01-15T12:00:15Z',
    },
    requests: { perMinute: 1000, remaining: 990, size: 1000, fullInMs: 1_000 },
    tokens: { perMinute: 80_000, remaining: 60_000, size: 80_000, fullInMs: 15_000 },
  },
  "Anthropic, to somebody whose clock is wrong: the answer's own date counts": {
    headers: {
      date: 'Thu, 15 Jan 2026 11:20:00 GMT',
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '50',
      'anthropic-ratelimit-requests-reset': '2026-01-15T11:20:10Z',
      'anthropic-ratelimit-tokens-limit': '96000',
      'anthropic-ratelimit-tokens-remaining': '96000',
      'anthropic-ratelimit-tokens-reset': '2026-01-15T11:19:59Z',
    },
    requests: { perMinute: 60, remaining: 50, size: 60, fullInMs: 10_000 },
    tokens: { perMinute: 96_000, remaining: 96_000, size: 96_000, fullInMs: 0 },
  },
  'a date that lies an hour behind says nothing of the reset': {
    headers: {
      'anthropic-ratelimit-requests-limit': '60',
      'anthropic-ratelimit-requests-remaining': '50',
      'anthropic-ratelimit-requests-reset': '2026-01-15T11:00:00Z',
    },
    requests: { perMinute: 60, remaining: 50 },
  },
  'Azure: seconds, without a unit (learn.microsoft.com, Azure OpenAI quota)': {
    headers: {
      'X-RateLimit-Limit-Requests': '60',
      'X-RateLimit-Remaining-Requests': '59',
      'X-RateLimit-Reset-Requests': '1',
      'X-RateLimit-Limit-Tokens': '50000',
      'X-RateLimit-Remaining-Tokens': '25000',
      'X-RateLimit-Reset-Tokens': '30',
    },
    requests: { perMinute: 60, remaining: 59, size: 60, fullInMs: 1_000 },
    tokens: { perMinute: 50_000, remaining: 25_000, size: 50_000, fullInMs: 30_000 },
  },
  'Azure, where its Responses API does not know (learn.microsoft.com/answers 5625878)': {
    headers: { 'x-ratelimit-limit-tokens': '-1', 'x-ratelimit-remaining-tokens': '-1', 'x-ratelimit-reset-tokens': '0' },
  },
  'Azure, where only what remains is told': {
    headers: { 'x-ratelimit-remaining-requests': '9', 'x-ratelimit-remaining-tokens': '9000' },
  },
  'xAI: no resets (docs.x.ai/developers/rate-limits)': {
    headers: {
      'x-ratelimit-limit-requests': '480',
      'x-ratelimit-remaining-requests': '479',
      'x-ratelimit-limit-tokens': '2000000',
      'x-ratelimit-remaining-tokens': '1999000',
    },
    requests: { perMinute: 480, remaining: 479 },
    tokens: { perMinute: 2_000_000, remaining: 1_999_000 },
  },
  'Together: per second, tokens under a name of their own (docs.together.ai/docs/rate-limits)': {
    headers: {
      'x-ratelimit-limit': '10',
      'x-ratelimit-remaining': '9',
      'x-ratelimit-reset': '1',
      'x-tokenlimit-limit': '3000',
      'x-tokenlimit-remaining': '2500',
    },
    requests: { perMinute: 600, remaining: 9, size: 10, fullInMs: 1_000 },
    tokens: { perMinute: 180_000, remaining: 2_500 },
  },
  'Fireworks: prompt and generated tokens apart (docs.fireworks.ai/serverless/rate-limits)': {
    headers: {
      'x-ratelimit-limit-tokens-prompt': '3600000',
      'x-ratelimit-remaining-tokens-prompt': '3593993',
      'x-ratelimit-limit-tokens-generated': '36000',
      'x-ratelimit-remaining-tokens-generated': '33338',
    },
    tokens: { perMinute: 3_600_000, remaining: 3_593_993 },
  },
  'OpenRouter, refused for the day: an epoch in ms (openrouter.ai/docs/api-reference/limits)': {
    headers: { 'X-RateLimit-Limit': '50', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(NOW + 12 * 3_600_000) },
    requests: { perMinute: 0.0694444, remaining: 0, size: 50, fullInMs: 43_200_000 },
  },
  'OpenRouter, refused for the minute': {
    headers: { 'X-RateLimit-Limit': '8', 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(NOW + 20_000) },
    requests: { perMinute: 8, remaining: 0, size: 3, fullInMs: 20_000 },
  },
  'an epoch in seconds': {
    headers: { 'x-ratelimit-limit': '60', 'x-ratelimit-remaining': '30', 'x-ratelimit-reset': String(NOW / 1_000 + 30) },
    requests: { perMinute: 60, remaining: 30, size: 60, fullInMs: 30_000 },
  },
  'a bucket that holds less than a minute of its rate: the limit is the rate, what is missing the size': {
    headers: { 'x-ratelimit-limit-requests': '1200', 'x-ratelimit-remaining-requests': '5', 'x-ratelimit-reset-requests': '750ms' },
    requests: { perMinute: 1200, remaining: 5, size: 20, fullInMs: 750 },
  },
  'little used of a window that ends within a minute is no slow bucket': {
    headers: { 'x-ratelimit-limit-requests': '1000', 'x-ratelimit-remaining-requests': '999', 'x-ratelimit-reset-requests': '45s' },
    requests: { perMinute: 1000, remaining: 999, size: 1000, fullInMs: 45_000 },
  },
  'a bucket that holds more than a minute of its rate is as large as what it still has': {
    headers: { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '80', 'x-ratelimit-reset-requests': '20s' },
    requests: { perMinute: 60, remaining: 80, size: 80, fullInMs: 20_000 },
  },
  'a reset of a little more than a minute, where the second may be rounded up': {
    headers: { 'x-ratelimit-limit-requests': '1000', 'x-ratelimit-remaining-requests': '900', 'x-ratelimit-reset-requests': '61s' },
    requests: { perMinute: 1000, remaining: 900, size: 1000, fullInMs: 61_000 },
  },
  'and where it is a tenth of one': {
    headers: { 'x-ratelimit-limit-requests': '1000', 'x-ratelimit-remaining-requests': '900', 'x-ratelimit-reset-requests': '60.5s' },
    requests: { perMinute: 99.1736, remaining: 900, size: 1000, fullInMs: 60_500 },
  },
  'a moment that may be rounded up, and the date of the answer down': {
    headers: {
      date: 'Thu, 15 Jan 2026 11:59:59 GMT',
      'anthropic-ratelimit-requests-limit': '1000',
      'anthropic-ratelimit-requests-remaining': '900',
      'anthropic-ratelimit-requests-reset': '2026-01-15T12:01:01Z',
    },
    requests: { perMinute: 1000, remaining: 900, size: 1000, fullInMs: 62_000 },
  },
  'and a moment alone': {
    headers: {
      'anthropic-ratelimit-requests-limit': '1000',
      'anthropic-ratelimit-requests-remaining': '900',
      'anthropic-ratelimit-requests-reset': '2026-01-15T12:01:01Z',
      'anthropic-ratelimit-tokens-limit': '1000',
      'anthropic-ratelimit-tokens-remaining': '900',
      'anthropic-ratelimit-tokens-reset': '2026-01-15T12:01:02Z',
    },
    requests: { perMinute: 1000, remaining: 900, size: 1000, fullInMs: 61_000 },
    tokens: { perMinute: 96.7742, remaining: 900, size: 1000, fullInMs: 62_000 },
  },
  'a bucket in debt is not slow either': {
    headers: { 'x-ratelimit-limit-tokens': '60000', 'x-ratelimit-remaining-tokens': '0', 'x-ratelimit-reset-tokens': '2m30s' },
    tokens: { perMinute: 60_000, remaining: 0, size: 60_000, fullInMs: 150_000 },
  },
};

test.each(Object.entries(rows))('%s', (_, { headers, requests, tokens }) => {
  const said = announcedIn(headers, NOW);
  expect({ requests: perMinute(said.requests), tokens: perMinute(said.tokens) }).toEqual({ requests, tokens });
});

test.each<Readonly<Record<string, string | undefined>>>([
  {},
  { 'x-ratelimit-limit-requests': undefined, 'x-ratelimit-remaining-requests': '1' },
  { 'x-ratelimit-limit-requests': '10' },
  { 'x-ratelimit-limit-requests': 'many', 'x-ratelimit-remaining-requests': '1' },
  { 'x-ratelimit-limit-requests': '10', 'x-ratelimit-remaining-requests': '-1' },
  { 'x-ratelimit-limit-requests': '0', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '1s' },
  { 'x-ratelimit-limit-requests': 'Infinity', 'x-ratelimit-remaining-requests': 'NaN' },
  { 'x-ratelimit-limit-requests': '9999999999999', 'x-ratelimit-remaining-requests': '1' },
  { 'x-ratelimit-limit': '100, 100;window=60', 'x-ratelimit-remaining': '98' },
  { 'x-ratelimit-limit-images': '10', 'x-ratelimit-remaining-images': '9' },
  { 'anthropic-ratelimit-output-tokens-limit': '10', 'anthropic-ratelimit-output-tokens-remaining': '9' },
])('%j says nothing', (headers) => {
  expect(announcedIn(headers, NOW)).toEqual({});
});

test('an answer without headers says nothing', () => {
  expect(announcedIn(undefined, NOW)).toEqual({});
});

test.each(['soon', '-1', '99999999999999999999', '900000000', '1e3'])('a reset of %s is left out, the rest counts', (reset) => {
  const headers = { 'x-ratelimit-limit-requests': '60', 'x-ratelimit-remaining-requests': '3', 'x-ratelimit-reset-requests': reset };
  expect(announcedIn(headers, NOW)).toEqual({ requests: { perMs: 0.001, remaining: 3 } });
});
