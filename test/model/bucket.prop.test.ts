import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bucket, filled, msUntil, spent } from '../../src/model/bucket.ts';

const anyBucket = fc.record({
  size: fc.double({ min: 1, max: 10_000, noNaN: true }),
  perMs: fc.double({ min: 0.0001, max: 100, noNaN: true }),
  level: fc.double({ min: -1_000, max: 1, noNaN: true }),
  at: fc.nat(1e9),
}) satisfies fc.Arbitrary<Bucket>;
const ms = fc.nat(1_000_000);

test('it never holds more than its size, and fills at its rate', () => {
  fc.assert(
    fc.property(anyBucket, ms, (bucket, passed) => {
      const { level } = filled(bucket, bucket.at + passed);
      expect(level).toBeLessThanOrEqual(bucket.size);
      expect(level).toBeCloseTo(Math.min(bucket.size, bucket.level + passed * bucket.perMs), 5);
    }),
  );
});

test('filling in two steps is filling in one', () => {
  fc.assert(
    fc.property(anyBucket, ms, ms, (bucket, first, second) => {
      const twice = filled(filled(bucket, bucket.at + first), bucket.at + first + second);
      expect(twice.level).toBeCloseTo(filled(bucket, bucket.at + first + second).level, 4);
    }),
  );
});

test('what it says to wait is enough, and a millisecond less is not', () => {
  fc.assert(
    fc.property(anyBucket, fc.double({ min: 0.1, max: 20_000, noNaN: true }), (bucket, amount) => {
      const waitMs = msUntil(bucket, amount, bucket.at);
      const wanted = Math.min(amount, bucket.size);
      expect(filled(bucket, bucket.at + waitMs).level).toBeGreaterThanOrEqual(wanted - 1e-3);
      if (waitMs > 0) expect(filled(bucket, bucket.at + waitMs - 1).level).toBeLessThan(wanted + 1e-3);
    }),
  );
});

test('a clock that goes back fills nothing and stops nothing', () => {
  const bucket: Bucket = { size: 10, perMs: 0.01, level: 2, at: 5_000_000 };
  const back = filled(bucket, 1_000_000);
  expect(back).toMatchObject({ level: 2, at: 1_000_000 });
  expect(filled(back, 1_000_100).level).toBeCloseTo(3, 9);
});

test('what is given back never makes it more than full', () => {
  expect(spent({ size: 10, perMs: 1, level: 9, at: 0 }, -5, 0).level).toBe(10);
  expect(spent({ size: 10, perMs: 1, level: 3, at: 0 }, 5, 0).level).toBe(-2);
  expect(msUntil({ size: 1, perMs: 0, level: 0, at: 0 }, 1, 0)).toBe(Infinity);
});
