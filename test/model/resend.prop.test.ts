import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AmdahlError, type Retryable } from '../../src/agent/errors.ts';
import { resend, type ResendBounds } from '../../src/model/resend.ts';

const bounds: ResendBounds = { retries: 3, retryBudget: 10, retryBudgetPercent: 10, retryWaitMs: 60_000 };
const error = (retryable: Retryable): AmdahlError => new AmdahlError('MODEL_OVERLOADED', 'busy', { retryable });
const anyRetryable = fc.oneof(fc.constantFrom<Retryable>('no', 'yes'), fc.record({ afterMs: fc.nat(200_000) }));
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('waits are fully jittered: from nothing to 500 ms, doubled each time, above what the provider asks for', () => {
  fc.assert(
    fc.property(fc.nat(2), fc.nat(60_000), chance, (before, afterMs, random) => {
      const next = resend(error(afterMs === 0 ? 'yes' : { afterMs }), before, { sent: 5, again: 0 }, bounds, random);
      if (!next.again) throw new Error('it must be sent again');
      expect(next.waitMs).toBeGreaterThanOrEqual(afterMs);
      expect(next.waitMs).toBeLessThanOrEqual(afterMs + 500 * 2 ** before);
    }),
  );
  const at = (random: number): unknown => resend(error('yes'), 1, { sent: 5, again: 0 }, bounds, random);
  expect([at(0), at(0.5), at(0.999)]).toEqual([
    { again: true, waitMs: 0 },
    { again: true, waitMs: 500 },
    { again: true, waitMs: 999 },
  ]);
});

test('nothing is sent again that must not be, beyond its turn, beyond the budget of the run, or after too long a wait', () => {
  fc.assert(
    fc.property(anyRetryable, fc.nat(6), fc.nat(300), fc.nat(100), chance, (retryable, before, sent, again, random) => {
      const next = resend(error(retryable), before, { sent, again }, bounds, random);
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
  expect(resend(error('yes'), 0, { sent: 1, again: 0 }, bounds, 0).again).toBe(true);
  const sendings = { sent: 1_000, again: 0 };
  for (let call = 0; call < 1_000; call += 1) {
    if (!resend(error('yes'), 0, sendings, bounds, 0).again) continue;
    sendings.sent += 1;
    sendings.again += 1;
  }
  // 10 and a tenth of all, those sent again included: 10 + 0.1 · (1,000 + n) = n.
  expect(sendings.again).toBe(123);
});
