// Laws of a limiter that is told of its limits: a provider with a token bucket says with every answer what is left, over a
// network that takes a different time for each request, so that they arrive and are answered in another order.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Announced } from '../../src/model/announced.ts';
import { type Bucket, filled, spent } from '../../src/model/bucket.ts';
import { admitted, atTime, costOf, ended, limiter, type Ticket, verdict } from '../../src/model/limiter.ts';

interface World {
  readonly perSecond: number;
  readonly burst: number;
  /** What one takes of the bucket. */
  readonly takes: 'requests' | 'tokens';
  readonly serviceMs: number;
  /** One way of the network, drawn anew each time. */
  readonly ways: readonly number[];
  /** Amounts, one after another; of requests always 1. */
  readonly amounts: readonly number[];
}

interface Played {
  /** Requests sent after whatever was sent before anything was known had come back: how many, how many of them refused. */
  readonly known: number;
  readonly refused: number;
  readonly ms: number;
}

interface Happening {
  readonly at: number;
  readonly then: (now: number) => void;
}

/** So many that always want to go; who is refused comes again. */
function play(world: World, count: number): Played {
  const { perSecond, burst, takes, serviceMs, ways, amounts } = world;
  let provider: Bucket = { size: burst, perMs: perSecond / 1_000, level: burst, at: 0 };
  let state = limiter({}, 0);
  let [now, sent, known, refused, answered, drawn] = [0, 0, 0, 0, 0, 0];
  /** Requests that left before anything was known. */
  let blind = 0;
  let isTold = false;
  let happenings: Happening[] = [];
  const wayMs = (): number => ways[(drawn += 1) % ways.length] ?? 1;
  const told = (): { readonly requests?: Announced; readonly tokens?: Announced } => {
    const { perMs, level, size } = provider;
    return { [takes]: { perMs, remaining: Math.max(0, Math.floor(level)), size, fullInMs: Math.ceil((size - level) / perMs) } };
  };
  const send = (amount: number, ticket: Ticket, isBlind: boolean, isKnown: boolean): void => {
    const arrive = (at: number): void => {
      provider = filled(provider, at);
      const isIn = provider.level >= amount;
      if (isIn) provider = spent(provider, amount, at);
      else if (isKnown) refused += 1;
      const announced = told();
      const back = (then: number): void => {
        isTold = true;
        if (isBlind) blind -= 1;
        if (isIn) answered += 1;
        const outcome = isIn
          ? ({ kind: 'success', tokensIn: amount, tokensOut: 0, announced } as const)
          : ({ kind: 'refused', afterMs: undefined, announced } as const);
        state = ended(state, ticket, outcome, then, 0.5);
      };
      happenings.push({ at: at + wayMs() + (isIn ? serviceMs : 0), then: back });
    };
    happenings.push({ at: now + wayMs(), then: arrive });
  };
  while (answered < count && now < 36_000_000) {
    const due = happenings.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
    happenings = happenings.filter(({ at }) => at > now);
    for (const { at, then } of due) then(Math.max(at, now));
    if (answered === count) break;
    state = atTime(state, now);
    const amount = takes === 'requests' ? 1 : (amounts[sent % amounts.length] ?? 1);
    const cost = costOf(state, takes === 'requests' ? 0 : amount, 0);
    const may = answered + state.inFlight < count ? verdict(state, cost.tokensIn + cost.tokensOut, now) : undefined;
    if (may?.kind === 'go') {
      const isKnown = isTold && blind === 0;
      const next = admitted(state, cost.tokensIn, cost.tokensOut, now);
      state = next.state;
      sent += 1;
      if (isKnown) known += 1;
      const isBlind = !isTold;
      if (isBlind) blind += 1;
      send(amount, next.ticket, isBlind, isKnown);
      continue;
    }
    now = Math.min(now + (may?.ms ?? Infinity), ...happenings.map(({ at }) => at));
  }
  return { known, refused, ms: now };
}

const ways = fc.array(fc.double({ min: 1, max: 5, noNaN: true }), { minLength: 7, maxLength: 31 });
const served = fc.integer({ min: 0, max: 3_000 });
const noAmounts = fc.constant([1]);

/** Answers come within the time that requests are shifted by: one that was sent before arrives after. */
const OVERTAKEN: World = {
  perSecond: 1,
  burst: 89,
  takes: 'requests',
  serviceMs: 7,
  ways: [2, 1, 1.5, 2, 5, 5, 5, 5, 4, 2, 2, 2, 3.5, 2.5, 2],
  amounts: [1],
};
/** What was sent before the provider last told its level comes back after that, having taken less than was reserved. */
const REFUNDED: World = {
  perSecond: 100,
  burst: 77_821,
  takes: 'tokens',
  serviceMs: 1_186,
  ways: [1.3, 2, 3.9, 5, 1.6, 2.9, 2.2, 4.1, 5, 1, 3.6, 1, 3.8, 1.1, 1.2],
  amounts: [8, 1_195, 515, 1_866, 1_210, 6, 6_559, 1_553, 413, 5_370],
};

describe('limits of requests that are announced', () => {
  test('are never passed again once they were heard of, and hardly left unused', () => {
    const worlds = fc.record({
      perSecond: fc.double({ min: 0.5, max: 100, noNaN: true }),
      burst: fc.integer({ min: 8, max: 100 }),
      takes: fc.constant('requests' as const),
      serviceMs: served,
      ways,
      amounts: noAmounts,
    });
    let judged = 0;
    fc.assert(
      fc.property(worlds, (world) => {
        const count = world.burst + 150;
        const { known, refused, ms } = play(world, count);
        judged += known;
        expect(refused).toBe(0);
        // Before anything is known some are refused, and the pause for that is one of at most 20 s.
        const idealMs = (150 / world.perSecond) * 1_000 + world.serviceMs;
        expect(ms).toBeLessThan(1.05 * idealMs + 2 * world.serviceMs + Math.min(20_000, 2_000 / world.perSecond) + 1_000);
      }),
      { numRuns: 100, examples: [[OVERTAKEN]] },
    );
    expect(judged).toBeGreaterThan(5_000);
  });

  test('of one at a time are kept too', () => {
    const worlds = fc.record({
      perSecond: fc.double({ min: 0.05, max: 20, noNaN: true }),
      burst: fc.constant(1),
      takes: fc.constant('requests' as const),
      serviceMs: served,
      ways,
      amounts: noAmounts,
    });
    fc.assert(
      fc.property(worlds, (world) => {
        const { refused, ms } = play(world, 60);
        expect(refused).toBe(0);
        expect(ms).toBeLessThan(1.25 * (59 / world.perSecond) * 1_000 + 3 * world.serviceMs + 20_000);
      }),
      { numRuns: 100 },
    );
  });
});

test('limits of tokens that are announced are never passed again, by requests of whatever size', () => {
  const worlds = fc.record({
    perSecond: fc.double({ min: 100, max: 20_000, noNaN: true }),
    burst: fc.integer({ min: 20_000, max: 100_000 }),
    takes: fc.constant('tokens' as const),
    serviceMs: served,
    ways,
    amounts: fc.array(fc.integer({ min: 1, max: 10_000 }), { minLength: 5, maxLength: 50 }),
  });
  fc.assert(
    fc.property(worlds, (world) => {
      const { refused } = play(world, 100);
      expect(refused).toBe(0);
    }),
    { numRuns: 100, examples: [[REFUNDED]] },
  );
});

test('who uses the same account besides is seen in what is left', () => {
  const announced = (remaining: number): { readonly requests: Announced } => ({
    requests: { perMs: 0.01, remaining, size: 100, fullInMs: Math.ceil((100 - remaining) / 0.01) },
  });
  let state = limiter({}, 0);
  const told = (remaining: number, now: number): void => {
    const one = admitted(state, 0, 0, now);
    state = ended(one.state, one.ticket, { kind: 'success', tokensIn: 0, tokensOut: 0, announced: announced(remaining) }, now + 5, 0.5);
  };
  told(99, 0);
  expect(verdict(state, 0, 10).kind).toBe('go');
  told(0, 10);
  expect(verdict(state, 0, 20)).toMatchObject({ kind: 'wait', why: 'requests' });
});
