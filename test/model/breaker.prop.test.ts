import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  allows,
  type Breaker,
  type BreakerPolicy,
  closedBreaker,
  heard,
  type Heard,
  MODEL_BREAKER,
  probing,
} from '../../src/model/breaker.ts';

const NOW = 1_800_000_000_000;
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const anyOutcome: fc.Arbitrary<Heard> = fc.constantFrom<Heard>(
  { kind: 'success' },
  { kind: 'ignored' },
  { kind: 'failure', code: 'MODEL_UNAVAILABLE', message: 'down' },
  { kind: 'failure', code: 'MODEL_TIMEOUT', message: 'late' },
);
const windowed: fc.Arbitrary<BreakerPolicy> = fc.record({
  windowMs: fc.integer({ min: 500, max: 20_000 }),
  least: fc.integer({ min: 1, max: 10 }),
  share: fc.double({ min: 0.05, max: 1, noNaN: true }),
  row: fc.constant(Infinity),
  openMs: fc.integer({ min: 1, max: 2_000 }),
  openMsMax: fc.integer({ min: 2_000, max: 60_000 }),
});

const anyPolicy: fc.Arbitrary<BreakerPolicy> = fc
  .tuple(windowed, fc.oneof(fc.integer({ min: 1, max: 8 }), fc.constant(Infinity)))
  .map(([policy, row]) => ({ ...policy, row }));

/** Somebody wants to send, or the outcome of the nth request that is out comes in; after some time, or after the clock was set. */
type Step = { readonly waitMs: number; readonly random: number } & (
  | { readonly kind: 'ask' }
  | { readonly kind: 'hear'; readonly nth: number; readonly outcome: Heard }
);
const waits = fc.oneof({ weight: 9, arbitrary: fc.nat(300) }, fc.nat(40_000));
const jumps = fc.oneof(
  { weight: 8, arbitrary: waits },
  fc.integer({ min: -90_000_000, max: 90_000_000 }),
  fc.integer({ min: -3_000, max: 0 }),
);
const steps = (waitMs: fc.Arbitrary<number>): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.oneof(
      fc.record({ kind: fc.constant('ask' as const), waitMs, random: chance }),
      fc.record({ kind: fc.constant('hear' as const), waitMs, random: chance, nth: fc.nat(1_000), outcome: anyOutcome }),
    ),
    { maxLength: 150, size: 'max' },
  );

interface Sent {
  readonly probe: boolean;
  readonly era: number;
}

/** What happened at one step, for a law to judge. */
interface Moment {
  readonly before: Breaker;
  readonly after: Breaker;
  readonly now: number;
  readonly out: readonly Sent[];
  readonly heard?: Heard;
  readonly sent?: Sent;
}

/** A gate that keeps to the protocol: it sends what it may, and tells of every outcome once. */
function play(
  plan: readonly Step[],
  policy: BreakerPolicy,
  judge: (moment: Moment) => void,
): { breaker: Breaker; now: number; out: Sent[] } {
  let breaker = closedBreaker();
  let now = NOW;
  const out: Sent[] = [];
  for (const step of plan) {
    now += step.waitMs;
    const before = breaker;
    if (step.kind === 'ask') {
      const may = allows(breaker, now);
      const sent = may.kind === 'no' ? undefined : { probe: may.kind === 'probe', era: breaker.era };
      if (sent !== undefined) out.push(sent);
      if (sent?.probe === true) breaker = probing(breaker, now);
      judge({ before, after: breaker, now, out, ...(sent === undefined ? {} : { sent }) });
    } else {
      const [sent] = out.splice(step.nth % Math.max(1, out.length), 1);
      if (sent === undefined) continue;
      breaker = heard(breaker, step.outcome, sent.probe, now, step.random, policy, sent.era);
      judge({ before, after: breaker, now, out, heard: step.outcome, sent });
    }
  }
  return { breaker, now, out };
}

test('at most one probe is out, half-open means exactly that, and no request goes while it is open but a probe', () => {
  fc.assert(
    fc.property(steps(jumps), anyPolicy, (plan, policy) => {
      play(plan, policy, ({ before, after, out, heard: outcome, sent }) => {
        expect(out.filter(({ probe }) => probe).length).toBe(after.kind === 'halfOpen' ? 1 : 0);
        if (outcome === undefined && sent !== undefined) expect(sent.probe).toBe(before.kind !== 'closed');
      });
    }),
  );
});

test('a success of the probe closes it, and nothing else does', () => {
  fc.assert(
    fc.property(steps(jumps), anyPolicy, (plan, policy) => {
      play(plan, policy, ({ before, after, heard: outcome, sent }) => {
        const closes = sent?.probe === true && outcome?.kind === 'success';
        if (closes) expect(after).toEqual({ kind: 'closed', era: before.era + 1, window: undefined, row: undefined });
        else if (before.kind !== 'closed') expect(after.kind).not.toBe('closed');
      });
    }),
  );
});

test('where only the window counts, it opens only when enough outcomes came within it and enough of them failed, and it does when they did', () => {
  fc.assert(
    fc.property(steps(waits), windowed, (plan, policy) => {
      let outcomes: { readonly at: number; readonly failed: boolean }[] = [];
      const enough = (withinMs: number, now: number): boolean => {
        const inside = outcomes.filter(({ at }) => now - at < withinMs);
        const failed = inside.filter((one) => one.failed).length;
        return inside.length >= policy.least && failed >= policy.share * inside.length;
      };
      play(plan, policy, ({ before, after, now, heard: outcome, sent }) => {
        if (before.kind !== 'closed') outcomes = [];
        if (before.kind !== 'closed' || sent?.era !== before.era || outcome === undefined || outcome.kind === 'ignored') return;
        outcomes.push({ at: now, failed: outcome.kind === 'failure' });
        // The window ends at the border of a bucket, somewhere in its oldest fifth.
        const borders = outcomes.map(({ at }) => now - at + 1).filter((ms) => ms > 0.8 * policy.windowMs && ms <= policy.windowMs);
        const windows = [0.8 * policy.windowMs, policy.windowMs, ...borders];
        const may = outcome.kind === 'failure' && windows.some((ms) => enough(ms, now));
        const must = outcome.kind === 'failure' && windows.every((ms) => enough(ms, now));
        if (after.kind === 'open') expect(may).toBe(true);
        else expect(must).toBe(false);
        if (after.kind === 'open') expect(after.failures).toBeLessThanOrEqual(outcomes.filter(({ failed }) => failed).length);
      });
    }),
  );
});

test('where only a row counts, it opens when the failures since the last success weigh enough, and not before', () => {
  const rows = fc.tuple(windowed, fc.integer({ min: 1, max: 8 })).map(([policy, row]) => ({ ...policy, least: Infinity, row }));
  fc.assert(
    fc.property(steps(waits), rows, (plan, policy) => {
      // Those since the last success that lie no further back than the window from the first of them.
      let row: { readonly at: number; readonly weight: number }[] = [];
      play(plan, policy, ({ before, after, now, heard: outcome, sent }) => {
        if (before.kind !== 'closed') row = [];
        if (before.kind !== 'closed' || sent?.era !== before.era || outcome === undefined || outcome.kind === 'ignored') return;
        if (outcome.kind === 'success' || now - (row[0]?.at ?? now) > policy.windowMs) row = [];
        if (outcome.kind === 'failure') row.push({ at: now, weight: outcome.code === 'MODEL_TIMEOUT' ? 0.5 : 1 });
        const weight = row.reduce((sum, one) => sum + one.weight, 0);
        expect(after.kind).toBe(weight >= policy.row ? 'open' : 'closed');
        if (after.kind === 'open') expect(after).toMatchObject({ since: row[0]?.at, failures: row.length });
      });
    }),
  );
});

test('no jump of the clock wedges it: with no probe out, whoever waits for twice the open time goes', () => {
  fc.assert(
    fc.property(steps(jumps), anyPolicy, (plan, policy) => {
      const { breaker, now } = play(plan, policy, () => {});
      if (breaker.kind === 'halfOpen') return;
      expect(allows(breaker, now + 2 * 1.2 * policy.openMsMax).kind).not.toBe('no');
      const first = allows(breaker, now);
      if (first.kind === 'no') expect(allows(breaker, first.untilMs).kind).toBe('probe');
    }),
  );
});

test('whatever happened, once the provider answers every request goes again', () => {
  fc.assert(
    fc.property(steps(jumps), anyPolicy, (plan, policy) => {
      const played = play(plan, policy, () => {});
      let { breaker, now } = played;
      for (const { probe, era } of played.out) breaker = heard(breaker, { kind: 'success' }, probe, now, 0.5, policy, era);
      for (let tries = 0; breaker.kind !== 'closed' && tries < 3; tries += 1) {
        const next = allows(breaker, now);
        if (next.kind === 'no') now = next.untilMs;
        else breaker = heard(probing(breaker, now), { kind: 'success' }, true, now, 0.5, policy);
      }
      expect(allows(breaker, now)).toEqual({ kind: 'yes' });
    }),
  );
});

/** The most probes in an outage of `outageMs`: each waits at least 0.8 of its nominal time. */
function probesMax(outageMs: number, { openMs, openMsMax }: BreakerPolicy): number {
  let count = 0;
  for (let at = 0; ; count += 1) {
    at += Math.floor(0.8 * Math.min(openMsMax, openMs * 2 ** count));
    if (at > outageMs) return count;
  }
}

test('the schedule bounds the probes of an outage, however many ask and whatever comes back late: at most five in 10 s', () => {
  expect(probesMax(10_000, MODEL_BREAKER)).toBe(3);
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 300_000 }),
      fc.array(fc.record({ everyMs: fc.integer({ min: 1, max: 900 }), random: chance, late: anyOutcome }), { minLength: 1, maxLength: 50 }),
      (outageMs, rhythm) => {
        let breaker = closedBreaker();
        for (let nth = 0; nth < 10; nth += 1) breaker = heard(breaker, down, false, NOW, 0, MODEL_BREAKER);
        let probes = 0;
        for (let now = NOW, nth = 0; now <= NOW + outageMs; nth += 1) {
          const { everyMs, random, late } = rhythm[nth % rhythm.length] ?? { everyMs: 1, random: 0, late: down };
          if (allows(breaker, now).kind === 'probe') {
            probes += 1;
            breaker = heard(probing(breaker, now), down, true, now, random, MODEL_BREAKER);
          }
          breaker = heard(breaker, late, false, now, random, MODEL_BREAKER);
          now += everyMs;
        }
        expect(probes).toBeLessThanOrEqual(probesMax(outageMs, MODEL_BREAKER));
        if (outageMs <= 10_000) expect(probes).toBeLessThanOrEqual(5);
      },
    ),
  );
});

const down: Heard = { kind: 'failure', code: 'MODEL_UNAVAILABLE', message: 'down' };
