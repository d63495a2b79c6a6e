import fc from 'fast-check';
import { expect, test } from 'vitest';
import { announcedIn } from '../../src/model/announced.ts';
import { type Bucket, limitHeaders } from '../../src/modelServer/throttle.ts';

const DAY_MS = 86_400_000;
const moment = fc.integer({ min: Date.UTC(2020), max: Date.UTC(2040) });

/** A bucket as large as a minute's worth, or smaller: a larger one looks like one that holds over longer. */
const bucket = fc
  .record({
    perMinute: fc.integer({ min: 1, max: 1_000_000 }),
    size: fc.double({ min: 0.01, max: 1, noNaN: true }),
    full: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ perMinute, size, full }): Omit<Bucket, 'at'> => {
    const holds = Math.max(1, Math.round(perMinute * size));
    return { size: holds, perMs: perMinute / 60_000, level: holds * full };
  });

test("what our own server says of its buckets is read as they are: rate, what is left, size within the reset's rounding", () => {
  fc.assert(
    fc.property(fc.constantFrom('openai.chat', 'openai.responses', 'anthropic.messages'), bucket, bucket, moment, (protocol, a, b, at) => {
      const buckets = { requests: { ...a, at }, tokens: { ...b, at } };
      const said = announcedIn(limitHeaders({ headers: 'announced' }, protocol, { buckets }), at);
      for (const kind of ['requests', 'tokens'] as const) {
        const { perMs, level, size } = buckets[kind];
        const heard = said[kind];
        if (heard === undefined) throw new Error('nothing was heard');
        expect(Math.abs(heard.perMs / perMs - 1)).toBeLessThan(0.01);
        expect(heard.remaining).toBe(Math.floor(level));
        const roundedMs = protocol === 'anthropic.messages' ? 1_001 : 1;
        expect(heard.size).toBeGreaterThanOrEqual(size - 1.001);
        expect(heard.size).toBeLessThanOrEqual(size + roundedMs * perMs + 0.001);
        expect(heard.fullInMs).toBeLessThanOrEqual((size - level) / perMs + roundedMs);
      }
    }),
    { numRuns: 1_000 },
  );
});

test('a token bucket that holds for an hour or a day is found out once a minute of it is gone, however its reset is written', () => {
  const hours = fc.constantFrom(1, 24);
  fc.assert(
    fc.property(
      fc.integer({ min: 24, max: 100_000 }),
      hours,
      fc.double({ min: 0, max: 1, noNaN: true }),
      moment,
      (limit, window, left, now) => {
        const perMs = limit / (window * 3_600_000);
        const remaining = Math.floor(limit * left);
        const ms = (limit - remaining) / perMs;
        const seconds = Math.ceil(ms / 1_000);
        const written = [
          `${Math.ceil(ms)}ms`,
          `${seconds}s`,
          String(seconds),
          new Date(now + ms).toISOString(),
          String(Math.ceil(now + ms)),
        ];
        for (const reset of written) {
          const headers = {
            'x-ratelimit-limit-requests': String(limit),
            'x-ratelimit-remaining-requests': String(remaining),
            'x-ratelimit-reset-requests': reset,
          };
          const heard = announcedIn(headers, now).requests;
          expect(heard?.remaining).toBe(remaining);
          // At 61 s it is not told from a minute's window and its rounding.
          if (ms > 63_000) expect(Math.abs((heard?.perMs ?? 0) / perMs - 1)).toBeLessThan(0.02);
          if (ms < 58_000) expect(heard?.perMs).toBe(limit / 60_000);
        }
      },
    ),
  );
});

test('what lasts a moment longer to fill never means a faster rate', () => {
  const whole = fc.integer({ min: 1, max: 10_000 });
  fc.assert(
    fc.property(whole, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(DAY_MS / 2), fc.nat(DAY_MS / 2), (limit, left, ms, more) => {
      const rate = (reset: number): number | undefined =>
        announcedIn(
          {
            'x-ratelimit-limit-requests': String(limit),
            'x-ratelimit-remaining-requests': String(Math.floor(limit * left)),
            'x-ratelimit-reset-requests': `${reset}ms`,
          },
          0,
        ).requests?.perMs;
      expect(rate(ms + more)).toBeLessThanOrEqual(rate(ms) ?? 0);
      expect(rate(ms)).toBeLessThanOrEqual(limit / 60_000);
    }),
  );
});

const text = fc.oneof(
  fc.string(),
  fc.integer().map(String),
  fc.double().map(String),
  fc.constantFrom('0', '-1', '1e9', 'NaN', 'Infinity', '0.0', '1000000000000', '6m0s', '1ms', '0s', '00', '9'.repeat(40)),
  fc.date().map((date) => date.toString()),
  fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
);
const name = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('limit', 'remaining', 'reset'),
      fc.constantFrom('requests', 'tokens', 'tokens-prompt', 'req', 'project-tokens'),
      fc.constantFrom('', '-second', '-minute', '-hour', '-day', '-month'),
    )
    .map(([kind, what, window]) => `x-ratelimit-${kind}-${what}${window}`),
  fc
    .tuple(fc.constantFrom('limit', 'remaining', 'reset'), fc.constantFrom('requests', 'tokens', 'input-tokens', 'output-tokens'))
    .map(([kind, what]) => `anthropic-ratelimit-${what}-${kind}`),
  fc.constantFrom('x-ratelimit-limit', 'x-ratelimit-remaining', 'x-ratelimit-reset', 'x-tokenlimit-limit', 'x-tokenlimit-remaining'),
  fc.constantFrom('ratelimitbysize-limit', 'ratelimitbysize-reset', 'ratelimitbysize-remaining', 'date'),
);

test('whatever the headers say, what is heard are finite numbers: a rate above 0, the others not below', () => {
  fc.assert(
    fc.property(fc.dictionary(name, text, { maxKeys: 12 }), fc.integer({ min: 0, max: 2 ** 42 }), (headers, now) => {
      for (const heard of Object.values(announcedIn(headers, now))) {
        for (const value of Object.values(heard)) expect(Number.isFinite(value) && value >= 0).toBe(true);
        expect(heard.perMs).toBeGreaterThan(0);
        expect(Number.isInteger(heard.remaining)).toBe(true);
        expect(heard.size ?? Infinity).toBeGreaterThanOrEqual(heard.remaining);
      }
    }),
    { numRuns: 2_000 },
  );
});
