// Laws of the limiter over random schedules: who asks when, what comes of it, and a clock that may jump.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  admitted,
  atTime,
  costOf,
  ended,
  type Limiter,
  limiter,
  type Outcome,
  type RateLimit,
  type Ticket,
  verdict,
} from '../../src/model/limiter.ts';

type Step =
  | { readonly do: 'ask'; readonly tokensIn: number }
  | {
      readonly do: 'end';
      readonly which: number;
      readonly outcome: Outcome['kind'];
      readonly tokens: number;
      readonly afterMs: number | undefined;
    }
  | { readonly do: 'pass'; readonly ms: number };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('ask' as const), tokensIn: fc.nat(3_000) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which: fc.nat(50),
      outcome: fc.constantFrom<Outcome['kind']>('success', 'success', 'success', 'ignored', 'refused', 'dropped'),
      tokens: fc.nat(4_000),
      afterMs: fc.option(fc.nat(3_000), { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.oneof(fc.nat(20), fc.nat(2_000)) }) },
);

interface Played {
  readonly state: Limiter;
  readonly now: number;
  readonly flying: readonly Ticket[];
  readonly admissions: readonly { readonly at: number; readonly ticket: Ticket }[];
  readonly used: number;
}

function outcomeOf({ outcome, tokens, afterMs }: Extract<Step, { do: 'end' }>, ticket: Ticket): Outcome {
  const announced = {};
  if (outcome === 'success') return { kind: outcome, tokensIn: ticket.tokensIn, tokensOut: tokens, announced };
  return outcome === 'ignored' ? { kind: outcome, announced } : { kind: outcome, afterMs, announced };
}

/** Plays a schedule; `watch` sees the limiter after every step. */
function play(config: RateLimit, steps: readonly Step[], watch: (state: Limiter, flying: number) => void = () => {}): Played {
  let now = 1_000;
  let state = limiter(config, now);
  let used = 0;
  const flying: Ticket[] = [];
  const admissions: { at: number; ticket: Ticket }[] = [];
  for (const step of steps) {
    switch (step.do) {
      case 'pass':
        now += step.ms;
        break;
      case 'ask': {
        const { tokensIn, tokensOut } = costOf(state, step.tokensIn, 1_000);
        if (verdict(state, tokensIn + tokensOut, now).kind === 'wait') break;
        const let1 = admitted(state, tokensIn, tokensOut, now);
        state = let1.state;
        flying.push(let1.ticket);
        admissions.push({ at: now, ticket: let1.ticket });
        break;
      }
      case 'end': {
        const [ticket] = flying.splice(step.which % Math.max(1, flying.length), 1);
        if (ticket === undefined) break;
        const outcome = outcomeOf(step, ticket);
        if (outcome.kind === 'success') used += outcome.tokensIn + outcome.tokensOut;
        else if (outcome.kind !== 'refused') used += ticket.tokensIn + ticket.tokensOut;
        state = ended(state, ticket, outcome, now, 0.5);
        break;
      }
    }
    watch(state, flying.length);
  }
  return { state, now, flying, admissions, used };
}

const schedule = fc.array(anyStep, { maxLength: 150 });

describe('what is configured', () => {
  test('never more are in flight than it says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), schedule, (concurrency, steps) => {
        play({ concurrency }, steps, (state, flying) => {
          expect(state.inFlight).toBe(flying);
          expect(flying).toBeLessThanOrEqual(concurrency);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('in no window more requests are let in than its bucket holds and gains', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3_000 }),
        fc.integer({ min: 1, max: 40 }),
        schedule,
        (requestsPerMinute, burstRequests, steps) => {
          const { admissions } = play({ requestsPerMinute, burstRequests }, steps);
          for (let first = 0; first < admissions.length; first += 1)
            for (let last = first; last < admissions.length; last += 1) {
              const ms = admissions[last]!.at - admissions[first]!.at;
              expect(last - first + 1).toBeLessThanOrEqual(Math.max(1, burstRequests) + (ms * requestsPerMinute) / 60_000 + 1e-6);
            }
        },
      ),
      { numRuns: 500 },
    );
  });

  test('tokens that were reserved and not used come back, and no others', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        // It hardly fills at all, so that what is left is what was not taken.
        const burstTokens = 1_000_000;
        const { state, flying, used } = play({ tokensPerMinute: 1e-6, burstTokens, concurrency: 1_000 }, steps);
        const reserved = flying.reduce((sum, { tokensIn, tokensOut }) => sum + tokensIn + tokensOut, 0);
        const bucket = state.tokens!.bucket;
        expect(bucket.level).toBeCloseTo(bucket.size - used - reserved, 3);
        expect(state.expectedOut).toBeCloseTo(
          flying.reduce((sum, { tokensOut }) => sum + tokensOut, 0),
          6,
        );
      }),
      { numRuns: 500 },
    );
  });

  test('a request that is larger than the whole bucket goes when it is full, and is not held for ever', () => {
    let state = limiter({ tokensPerMinute: 60_000, burstTokens: 1_000 }, 0);
    const first = admitted(state, 900, 100, 0);
    state = ended(first.state, first.ticket, { kind: 'success', tokensIn: 900, tokensOut: 100, announced: {} }, 0, 0);
    const wait = verdict(state, 50_000, 0);
    expect(wait).toMatchObject({ kind: 'wait', why: 'tokens' });
    expect(verdict(state, 50_000, wait.kind === 'wait' ? wait.ms : 0)).toEqual({ kind: 'go' });
  });
});

describe('where nothing is known', () => {
  test('never more are in flight than the window has room for', () => {
    fc.assert(
      fc.property(schedule, (steps) => {
        let room = 20;
        play({}, steps, (state, flying) => {
          expect(flying).toBeLessThanOrEqual(Math.max(room, state.window.limit));
          room = Math.max(flying, state.window.limit);
        });
      }),
      { numRuns: 300 },
    );
  });

  test('whatever happened, waiting long enough opens it again', () => {
    fc.assert(
      fc.property(schedule, fc.constantFrom(0, 3_600_000), (steps, jumpMs) => {
        const { state, now, flying } = play({}, steps);
        let [last, at] = [state, now + jumpMs];
        for (const ticket of flying) last = ended(last, ticket, { kind: 'ignored', announced: {} }, at, 0.5);
        for (let waits = 0; waits < 100; waits += 1) {
          last = atTime(last, at);
          const next = verdict(last, 100, at);
          if (next.kind === 'go') return;
          expect(Number.isFinite(next.ms)).toBe(true);
          at += Math.max(1, next.ms);
        }
        throw new Error('it stays closed');
      }),
      { numRuns: 300 },
    );
  });

  test('a refusal closes it for everybody, and they do not all come back at once', () => {
    let state = limiter({}, 0);
    const tickets: Ticket[] = [];
    for (let one = 0; one < 20; one += 1) {
      const next = admitted(state, 10, 10, 0);
      state = next.state;
      tickets.push(next.ticket);
    }
    for (const [nth, ticket] of tickets.entries()) {
      const announced = {};
      state = ended(
        state,
        ticket,
        nth < 10 ? { kind: 'success', tokensIn: 10, tokensOut: 10, announced } : { kind: 'refused', afterMs: 1_000, announced },
        100,
        0.5,
      );
    }
    expect(verdict(state, 20, 500)).toMatchObject({ kind: 'wait', why: 'paused' });
    expect(state.pushBacks).toBe(1);
    let at = state.pausedUntil;
    let together = 0;
    while (verdict(state, 20, at).kind === 'go') {
      state = admitted(state, 10, 10, at).state;
      together += 1;
    }
    expect(together).toBeLessThanOrEqual(2);
    at += 200;
    expect(verdict(state, 20, at)).toEqual({ kind: 'go' });
  });
});

test('the same schedule gives the same limiter', () => {
  fc.assert(
    fc.property(schedule, (steps) => {
      expect(play({}, steps).state).toEqual(play({}, steps).state);
    }),
    { numRuns: 50 },
  );
});
