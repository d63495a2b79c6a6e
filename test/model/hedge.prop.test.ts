import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lateInMs, mayHedge } from '../../src/model/hedge.ts';
import { ANSWERS_MIN, type Latencies, NO_LATENCIES, quantileMs, withLatency } from '../../src/model/latencies.ts';

const share = fc.double({ min: 0.01, max: 0.999, noNaN: true });
const times = fc.array(fc.integer({ min: 0, max: 10_000 }), { minLength: ANSWERS_MIN, maxLength: 300 });
const all = (list: readonly number[], answered = true): Latencies =>
  list.reduce((known, ms) => withLatency(known, ms, answered), NO_LATENCIES);
/** The smallest time within which so many are answered. */
const empirical = (list: readonly number[], p: number): number | undefined =>
  list.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(list.length * p - 1e-6) - 1)];

test('where every sending was answered, the quantile is the one of the sample', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 19 }), (list, twentieth) => {
      expect(quantileMs(all(list), [], 0, twentieth / 20)).toBe(empirical(list, twentieth / 20));
    }),
  );
});

test('of sendings that all began at once it is the quantile of all of them, however many are answered so far', () => {
  fc.assert(
    fc.property(times, share, fc.integer({ min: 0, max: 10_000 }), (list, p, now) => {
      const answered = list.filter((ms) => ms <= now);
      const onTheirWay = list.filter((ms) => ms > now).map(() => 0);
      const found = quantileMs(all(answered), onTheirWay, now, p);
      const whole = empirical(list, p) ?? Infinity;
      expect(found).toBe(answered.length >= ANSWERS_MIN && whole <= now ? whole : undefined);
    }),
    { numRuns: 500 },
  );
});

test('what was cut off, or is on its way, never makes it shorter', () => {
  fc.assert(
    fc.property(times, fc.array(fc.integer({ min: 0, max: 10_000 }), { maxLength: 50 }), share, (list, cut, p) => {
      const plain = quantileMs(all(list), [], 0, p) ?? Infinity;
      const mixed = cut.reduce((known, ms) => withLatency(known, ms, false), all(list));
      expect(quantileMs(mixed, [], 0, p) ?? Infinity).toBeGreaterThanOrEqual(plain);
      const since = cut.map((ms) => 20_000 - ms).toSorted((a, b) => a - b);
      expect(quantileMs(all(list), since, 20_000, p)).toBe(quantileMs(mixed, [], 0, p));
    }),
  );
});

test('fewer than twenty answers say nothing, however many were cut off', () => {
  const few = all(Array.from({ length: ANSWERS_MIN - 1 }, () => 10));
  const cut = Array.from({ length: 100 }, () => 5).reduce((known, ms) => withLatency(known, ms, false), few);
  expect(quantileMs(cut, [], 0, 0.5)).toBeUndefined();
  expect(quantileMs(withLatency(few, 10, true), [], 0, 0.5)).toBe(10);
});

test('only the last thousand count', () => {
  const before = all(Array.from({ length: 1_500 }, () => 9_000));
  const after = Array.from({ length: 1_000 }, (_, nth) => nth).reduce((known, ms) => withLatency(known, ms, true), before);
  expect(quantileMs(after, [], 0, 0.95)).toBe(949);
  expect([after.recent.length, after.sorted.length, after.answers]).toEqual([1_000, 1_000, 1_000]);
});

test('however requests and hedges come, the hedges stay within their share, and two', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 500 }), fc.double({ min: 0.001, max: 1, noNaN: true }), (wants, extra) => {
      let [requests, hedges] = [0, 0];
      for (const isRequest of wants) {
        if (isRequest) requests += 1;
        else if (mayHedge({ requests, hedges }, { p: 0.95, extra })) hedges += 1;
        expect(hedges).toBeLessThan(extra * requests + 2);
      }
      // The share is there to be used.
      if (hedges <= extra * requests) expect(mayHedge({ requests, hedges }, { p: 0.95, extra })).toBe(true);
    }),
  );
});

test('a sending is late once it is later than usual, and its clock is set for that moment', () => {
  fc.assert(
    fc.property(fc.nat(10_000), fc.nat(10_000), (ageMs, usualMs) => {
      const inMs = lateInMs(ageMs, usualMs);
      expect(inMs === 0).toBe(ageMs > usualMs);
      expect(lateInMs(ageMs + inMs, usualMs)).toBe(0);
      if (inMs > 0) expect(lateInMs(ageMs + inMs - 1, usualMs)).toBeGreaterThan(0);
    }),
  );
});
