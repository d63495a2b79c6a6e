import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AmdahlError, type Retryable } from '../../src/agent/errors.ts';
import { resend, type ResendBounds } from '../../src/model/resend.ts';

const bounds: ResendBounds = { retries: 3, retryBudget: 10, retryBudgetPercent: 10, retryWaitMs: 60_000, turnedAway: 50 };
const up = { down: false, hasNext: false, gated: true, begun: false };
const after = (again: number, turnedAway = 0): { readonly again: number; readonly turnedAway: number } => ({ again, turnedAway });
const error = (retryable: Retryable): AmdahlError => new AmdahlError('MODEL_OVERLOADED', 'busy', { retryable });
const anyRetryable = fc.oneof(fc.constantFrom<Retryable>('no', 'yes'), fc.record({ afterMs: fc.nat(200_000) }));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('waits are fully jittered: from nothing to 500 ms, doubled each time, above what the provider asks for', () => {
  fc.assert(
    fc.property(fc.nat(2), fc.nat(60_000), chance, (before, afterMs, random) => {
      const next = resend(error(afterMs === 0 ? 'yes' : { afterMs }), after(before), up, { sent: 5, again: 0 }, bounds, random);
      if (!next.again) throw new Error('it must be sent again');
      expect(next.waitMs).toBeGreaterThanOrEqual(afterMs);
      expect(next.waitMs).toBeLessThanOrEqual(afterMs + 500 * 2 ** before);
    }),
  );
  const at = (random: number): unknown => resend(error('yes'), after(1), up, { sent: 5, again: 0 }, bounds, random);
  expect([at(0), at(0.5), at(0.999)]).toEqual([
    { again: true, waitMs: 0, turnedAway: false },
    { again: true, waitMs: 500, turnedAway: false },
    { again: true, waitMs: 999, turnedAway: false },
  ]);
});

test('nothing is sent again that must not be, beyond its turn, beyond the budget of the run, or after too long a wait', () => {
  fc.assert(
    fc.property(anyRetryable, fc.nat(6), fc.nat(300), fc.nat(100), chance, (retryable, before, sent, again, random) => {
      const next = resend(error(retryable), after(before), up, { sent, again }, bounds, random);
      const allowed =
        retryable !== 'no' &&
        before < bounds.retries &&
        again < bounds.retryBudget + sent / 10 &&
        (retryable === 'yes' || retryable.afterMs <= bounds.retryWaitMs);
      expect(next.again).toBe(allowed);
    }),
  );
});

test('a run of one request can still send it again, and a thousand failing at once cannot double the load', () => {
  expect(resend(error('yes'), after(0), up, { sent: 1, again: 0 }, bounds, 0).again).toBe(true);
  const sendings = { sent: 1_000, again: 0 };
  for (let call = 0; call < 1_000; call += 1) {
    if (!resend(error('yes'), after(0), up, sendings, bounds, 0).again) continue;
    sendings.sent += 1;
    sendings.again += 1;
  }
  // 10 and a tenth of all, those sent again included: 10 + 0.1 · (1,000 + n) = n.
  expect(sendings.again).toBe(123);
});

test('what a rate limit or an outage turns away goes back in line at once, and uses up neither retries nor the retry budget', () => {
  const limited = (retryable: Retryable): AmdahlError => new AmdahlError('MODEL_RATE_LIMITED', 'slow down', { retryable });
  const spent = { sent: 1_000, again: 500 };
  const back = { again: true, waitMs: 0, turnedAway: true };
  expect(resend(limited({ afterMs: 2_000 }), after(3, 49), up, spent, bounds, 0.5)).toEqual(back);
  expect(resend(error('yes'), after(3), { ...up, down: true }, spent, bounds, 0.5)).toEqual(back);
  expect(resend(limited('yes'), after(0), { ...up, gated: false }, { sent: 1, again: 0 }, bounds, 0.5)).toMatchObject({
    turnedAway: false,
    waitMs: 250,
  });
  expect(resend(limited('yes'), after(0, 50), up, spent, bounds, 0.5)).toMatchObject({
    again: false,
    why: expect.stringMatching(/turned away 51 times/),
  });
  expect(resend(limited('no'), after(0), up, spent, bounds, 0.5).again).toBe(false);
  expect(resend(limited({ afterMs: 61_000 }), after(0), up, spent, bounds, 0.5)).toMatchObject({
    again: false,
    why: expect.stringMatching(/retryWaitMs/),
  });
  expect(resend(error('yes'), after(0), { ...up, down: true, hasNext: true }, spent, bounds, 0.5).again).toBe(false);
});

test('with another model to ask, what a rate limit turns away goes back in line three times and for a short wait, gate or none', () => {
  const again = (afterMs: number, turnedAway: number, gated: boolean): boolean => {
    const limited = new AmdahlError('MODEL_RATE_LIMITED', 'slow down', { retryable: { afterMs } });
    return resend(limited, after(0, turnedAway), { ...up, hasNext: true, gated }, { sent: 1, again: 0 }, bounds, 0.5).again;
  };
  for (const gated of [true, false]) {
    expect([again(0, 0, gated), again(2_000, 2, gated), again(2_001, 0, gated), again(0, 3, gated)]).toEqual([true, true, false, false]);
  }
});

test('what somebody has heard the beginning of is not sent again, and says so', () => {
  for (const code of ['MODEL_RATE_LIMITED', 'MODEL_UNAVAILABLE', 'MODEL_OVERLOADED'] as const) {
    for (const down of [true, false]) {
      const failed = new AmdahlError(code, 'gone', { retryable: 'yes' });
      const next = resend(failed, after(0), { ...up, down, begun: true }, { sent: 1, again: 0 }, bounds, 0.5);
      expect(next).toEqual({ again: false, why: expect.stringContaining('a stream that has begun cannot be sent again') as unknown });
    }
  }
});
