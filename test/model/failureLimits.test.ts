import { ALL, anthropic, expectFailures, google, openai, OPENAI, page, row } from './failureTable.ts';

expectFailures([
  row(
    'a rate limit',
    OPENAI,
    {
      status: 429,
      headers: { 'retry-after': '7' },
      body: openai('Rate limit reached for gpt-9 in organization org-1 on requests per min. Limit: 3.', 'requests', 'rate_limit_exceeded'),
    },
    ['MODEL_RATE_LIMITED', { afterMs: 7000 }, 429],
    ['acme/model-9', 'HTTP 429', 'Rate limit reached'],
  ),
  row(
    'a rate limit with milliseconds',
    ['openai chat', 'compatible'],
    {
      status: 429,
      headers: { 'retry-after': '7', 'retry-after-ms': '6120' },
      body: openai('Slow down', 'requests', 'rate_limit_exceeded'),
    },
    ['MODEL_RATE_LIMITED', { afterMs: 6120 }, 429],
    ['Slow down'],
  ),
  row(
    'a rate limit that says when in words',
    OPENAI,
    {
      status: 429,
      body: openai(
        'Rate limit reached on tokens per min (TPM): Limit 30000, Used 29000. Please try again in 1.5s.',
        'tokens',
        'rate_limit_exceeded',
      ),
    },
    ['MODEL_RATE_LIMITED', { afterMs: 1500 }, 429],
    [],
  ),
  row('a bare 429', ALL, { status: 429 }, ['MODEL_RATE_LIMITED', 'yes', 429], ['no more requests']),
  row(
    'one request above the tokens per minute',
    ['openai chat', 'groq'],
    {
      status: 429,
      body: openai('Request too large for gpt-9 on tokens per min (TPM): Limit 30000, Requested 40000.', 'tokens', 'rate_limit_exceeded'),
    },
    ['MODEL_RATE_LIMITED', 'no', 429],
    ['tokens per minute'],
  ),
  row(
    'a used-up quota',
    OPENAI,
    {
      status: 429,
      headers: { 'retry-after': '7' },
      body: openai(
        'You exceeded your current quota, please check your plan and billing details.',
        'insufficient_quota',
        'insufficient_quota',
      ),
    },
    ['MODEL_RATE_LIMITED', 'no', 429],
    ['quota', 'billing'],
  ),
  row(
    'used-up credit',
    ['anthropic'],
    { status: 400, body: anthropic('invalid_request_error', 'Your credit balance is too low to access the Anthropic API.') },
    ['MODEL_RATE_LIMITED', 'no', 400],
    ['credit'],
  ),
  row(
    'a payment that is due',
    ['openrouter', 'compatible'],
    { status: 402, body: { error: { message: 'This request requires more credits', code: 402 } } },
    ['MODEL_RATE_LIMITED', 'no', 402],
    ['credit'],
  ),
  row(
    "Anthropic's rate limit, with the reset of what is used up",
    ['anthropic'],
    {
      status: 429,
      headers: { 'anthropic-ratelimit-requests-remaining': '0', 'anthropic-ratelimit-requests-reset': '2026-01-15T12:00:09Z' },
      body: anthropic('rate_limit_error', 'This request would exceed your rate limit'),
    },
    ['MODEL_RATE_LIMITED', { afterMs: 9000 }, 429],
    [],
  ),
  row(
    "Google's rate limit, with its RetryInfo",
    ['google'],
    {
      status: 429,
      body: google(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota, please check your plan and billing details.', [
        { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '34s' },
      ]),
    },
    ['MODEL_RATE_LIMITED', { afterMs: 34_000 }, 429],
    [],
  ),
  row(
    "Google's daily quota",
    ['google'],
    {
      status: 429,
      body: google(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.', [
        {
          '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
          violations: [{ quotaId: 'GenerateRequestsPerDayPerProjectPerModel-FreeTier' }],
        },
      ]),
    },
    ['MODEL_RATE_LIMITED', 'no', 429],
    ['used up'],
  ),
  row(
    'an overloaded Anthropic',
    ['anthropic'],
    { status: 529, body: anthropic('overloaded_error', 'Overloaded') },
    ['MODEL_OVERLOADED', 'yes', 529],
    ['overloaded'],
  ),
  row(
    'an overloaded Google',
    ['google'],
    { status: 503, headers: { 'retry-after': '2' }, body: google(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.') },
    ['MODEL_OVERLOADED', { afterMs: 2000 }, 503],
    [],
  ),
  row(
    'a server error',
    OPENAI,
    { status: 500, body: openai('The server had an error while processing your request.', 'server_error') },
    ['MODEL_UNAVAILABLE', 'yes', 500],
    ['The server had an error'],
  ),
  row(
    'an internal error of Anthropic',
    ['anthropic'],
    { status: 500, body: anthropic('api_error', 'Internal server error') },
    ['MODEL_UNAVAILABLE', 'yes', 500],
    [],
  ),
  row(
    'a server that says not to ask again',
    ['openai chat', 'anthropic'],
    { status: 500, headers: { 'x-should-retry': 'false' } },
    ['MODEL_UNAVAILABLE', 'no', 500],
    [],
  ),
  row('a bad gateway', ALL, { status: 502, body: page('502 Bad Gateway') }, ['MODEL_UNAVAILABLE', 'yes', 502], ['HTTP 502']),
  row('a page of a CDN about its origin', ALL, { status: 522, body: page('Connection timed out') }, ['MODEL_UNAVAILABLE', 'yes', 522], []),
  row(
    'a time-out of the provider',
    ['anthropic'],
    { status: 504, body: anthropic('timeout_error', 'Request timed out') },
    ['MODEL_TIMEOUT', 'yes', 504],
    [],
  ),
  row(
    "the gateway's rate limit",
    ['gateway'],
    { status: 429, body: openai('Free tier limit', 'rate_limit_exceeded') },
    ['MODEL_RATE_LIMITED', 'yes', 429],
    ['Free tier limit'],
  ),
  row('a bare 503', ALL, { status: 503 }, ['MODEL_OVERLOADED', 'yes', 503], []),
  row('a bare 408', ALL, { status: 408 }, ['MODEL_TIMEOUT', 'yes', 408], []),
  row('a bare 409', ALL, { status: 409 }, ['MODEL_UNAVAILABLE', 'yes', 409], []),
]);
