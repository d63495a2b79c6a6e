import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admit, charged, durationText, filled, fullBucket, msUntil, openBuckets } from '../../src/modelServer/throttle.ts';

const requests = fc.array(fc.record({ pauseMs: fc.nat(20_000), tokens: fc.integer({ min: 1, max: 500 }) }), {
  minLength: 1,
  maxLength: 80,
});
const limits = fc.record({
  requestsPerMinute: fc.integer({ min: 1, max: 600 }),
  tokensPerMinute: fc.integer({ min: 1, max: 20_000 }),
  burstRequests: fc.integer({ min: 1, max: 50 }),
  burstTokens: fc.integer({ min: 1, max: 5_000 }),
});

test('no window lets in more than a bucket and what fills it meanwhile', () => {
  fc.assert(
    fc.property(limits, requests, (throttle, arrivals) => {
      const admitted: { at: number; tokens: number }[] = [];
      let [now, buckets] = [0, openBuckets(throttle, 0)];
      for (const { pauseMs, tokens } of arrivals) {
        now += pauseMs;
        const admission = admit(buckets, tokens, now);
        ({ buckets } = admission);
        if (admission.refused === undefined) admitted.push({ at: now, tokens });
      }
      for (const [from, first] of admitted.entries()) {
        let sum = 0;
        for (const [offset, { at, tokens }] of admitted.slice(from).entries()) {
          sum += tokens;
          const windowMs = at - first.at;
          expect(offset + 1).toBeLessThanOrEqual(throttle.burstRequests + (windowMs * throttle.requestsPerMinute) / 60_000 + 1e-6);
          expect(sum).toBeLessThanOrEqual(throttle.burstTokens + (windowMs * throttle.tokensPerMinute) / 60_000 + 1e-6);
        }
      }
    }),
  );
});

test('who waits as long as a refusal says is let in, and who comes two milliseconds earlier is not', () => {
  fc.assert(
    fc.property(limits, requests, (throttle, arrivals) => {
      let [now, buckets] = [0, openBuckets(throttle, 0)];
      for (const { pauseMs, tokens } of arrivals) {
        now += pauseMs;
        const admission = admit(buckets, tokens, now);
        ({ buckets } = admission);
        const { refused } = admission;
        if (refused === undefined) continue;
        if (refused.waitMs === Infinity) {
          expect(tokens).toBeGreaterThan(throttle.burstTokens);
          continue;
        }
        // A bucket is a sum of fractions: the last bit of it may take a millisecond more.
        expect(admit(buckets, tokens, now + refused.waitMs + 1).refused).toBeUndefined();
        expect(refused.waitMs < 2 || admit(buckets, tokens, now + refused.waitMs - 2).refused !== undefined).toBe(true);
      }
    }),
  );
});

test('a bucket never holds more than its size, and a clock that goes back fills nothing', () => {
  const bucket = charged(fullBucket(60, 10, 1_000), 8);
  expect(filled(bucket, 4_000).level).toBe(5);
  expect(filled(bucket, 1_000_000).level).toBe(10);
  expect(filled(bucket, 0)).toEqual(bucket);
  expect(msUntil(bucket, 3)).toBe(1_000);
  expect(msUntil(bucket, 11)).toBe(Infinity);
});

test('durations are written as Go writes them', () => {
  expect([0, 120, 1_500, 60_000, 361_000, 3_600_000].map(durationText)).toEqual(['0ms', '120ms', '1.5s', '1m0s', '6m1s', '1h0m0s']);
});
