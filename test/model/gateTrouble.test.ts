// What a gate does when clocks are set, when a provider never stops refusing, and when thousands come and go.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AmdahlError } from '../../src/agent/errors.ts';
import type { Came, Permit } from '../../src/model/gate.ts';
import type { Outcome } from '../../src/model/limiter.ts';
import { failure } from '../support/trial.ts';
import { bounds, cancelled, down, mortal, refused, success, visitor, World } from './gateWorld.ts';

const HOUR_MS = 3_600_000;

describe('a clock that is set back by an hour', () => {
  test('makes nobody wait longer for the end of a pause, in line or new', async () => {
    const world = new World();
    world.permits(1)[0]?.done(refused(3_000));
    const inLine = world.waits();
    world.skewMs -= HOUR_MS;
    expect(await inLine).toEqual(['in', expect.closeTo(3_150, -3)]);
    const other = new World();
    other.permits(1)[0]?.done(refused(3_000));
    other.skewMs -= HOUR_MS;
    const [came, ms] = await other.waits();
    expect(came).toBe('in');
    expect(ms).toBeLessThan(3_300);
  });

  test('makes nobody wait longer for a bucket to fill', async () => {
    const world = new World({ requestsPerMinute: 60, burstRequests: 1 });
    world.permits(1);
    const inLine = world.waits();
    world.skewMs -= HOUR_MS;
    expect(await inLine).toEqual(['in', expect.closeTo(1_020, -2)]);
  });

  test('keeps nobody waiting longer for a provider that is down, and its incident stays the same one', async () => {
    const world = new World();
    world.answer();
    world.breakDown();
    const before = world.gate.view().incident;
    const others = Array.from({ length: 9 }, async () => {
      for (;;) (await world.gate.enter(visitor({ bounds: { ...bounds, outageMs: 20_000 } }))).done(down);
    }).map((asking) => asking.catch(() => {}));
    const inLine = world.waits(visitor({ bounds: { ...bounds, outageMs: 20_000 } }));
    world.skewMs -= HOUR_MS;
    expect(world.gate.view().incident).toMatchObject({ id: before?.id, since: 1_000_000 - HOUR_MS });
    const [came, ms] = await inLine;
    expect(came).toBe('MODEL_UNAVAILABLE');
    expect(ms).toBeLessThanOrEqual(21_000);
    await world.clock.drive(Promise.all(others));
  });

  test('neither costs a call its deadline nor gives it another', async () => {
    for (const [leftMs, came] of [
      [4_000, 'in'],
      [2_000, 'TIMEOUT'],
    ] as const) {
      const world = new World();
      world.permits(1)[0]?.done(refused(3_000));
      world.skewMs -= HOUR_MS;
      expect((await world.waits(visitor({ deadlineAt: world.clock.now() + world.skewMs + leftMs })))[0]).toBe(came);
    }
  });
});

test('a clock that is set forward lets one bucketful more in', async () => {
  const world = new World({ requestsPerMinute: 60, burstRequests: 10 });
  world.permits(9);
  expect((await world.waits())[1]).toBeGreaterThan(0);
  world.skewMs += HOUR_MS;
  let atOnce = 0;
  while (!(world.gate.enter(visitor()) instanceof Promise)) atOnce += 1;
  expect(atOnce).toBeGreaterThan(0);
  expect(atOnce).toBeLessThanOrEqual(10);
});

test('however often a clock is set, who waits for a rate is served at that rate', async () => {
  const jumps = fc.array(fc.record({ atMs: fc.nat(20_000), byMs: fc.integer({ min: -2 * HOUR_MS, max: 0 }) }), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(jumps, async (set) => {
      const world = new World({ requestsPerMinute: 60, burstRequests: 1 });
      for (const { atMs, byMs } of set) world.clock.after(atMs, () => (world.skewMs += byMs));
      const times: number[] = [];
      const asking = Array.from({ length: 20 }, async () => {
        const permit = await world.gate.enter(visitor());
        times.push(world.clock.now());
        permit.done(success);
      });
      await world.clock.drive(Promise.all(asking));
      const gaps = times.slice(1).map((at, nth) => at - (times[nth] ?? 0));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1_000);
      // What is too little to tell everybody of may be lost, once for each time that it was set.
      expect((times.at(-1) ?? 0) - 1_000_000).toBeLessThanOrEqual(19 * 1_025 + 100 * set.length);
    }),
    { numRuns: 100 },
  );
});

/** A call that is sent again as often as it may be; resolves to why it ended. */
async function persists(world: World, came: Came, sent: () => void): Promise<string> {
  const who = visitor();
  for (let turnedAway = 0; turnedAway <= bounds.turnedAway; turnedAway += 1) {
    try {
      const permit = await world.gate.enter(who);
      sent();
      await world.clock.sleep(50);
      permit.done(came);
    } catch (error) {
      // Only the gate throws here.
      return (error as AmdahlError).code;
    }
  }
  return 'turned away';
}

describe('a provider that refuses for ever', () => {
  for (const [says, afterMs, calls, minutesMax] of [
    ['nothing', undefined, 1, 6],
    ['nothing', undefined, 100, 6],
    ['to come at once', 0, 100, 6],
    ['to come in a minute', 60_000, 1, 22],
    ['to come in a minute', 60_000, 100, 22],
  ] as const) {
    test(`and says ${says} is given up by ${calls === 1 ? 'one call' : `${calls} calls`} within ${minutesMax} minutes`, async () => {
      const world = new World();
      let sent = 0;
      const ends = await world.clock.drive(
        Promise.all(Array.from({ length: calls }, () => persists(world, refused(afterMs), () => (sent += 1)))),
      );
      expect(ends.filter((end) => end !== 'turned away' && end !== 'MODEL_RATE_LIMITED')).toEqual([]);
      // A first window full, and one at a time from then on.
      expect(sent).toBeLessThanOrEqual(20 + bounds.turnedAway);
      expect(world.clock.now() - 1_000_000).toBeLessThanOrEqual(minutesMax * 60_000);
      expect(world.gate.view()).toMatchObject({ queued: 0, inFlight: 0 });
    });
  }

  test('is not held against a call that comes much later', async () => {
    const world = new World();
    await world.clock.drive(persists(world, refused(), () => {}));
    expect((await world.waits())[0]).toBe('MODEL_RATE_LIMITED');
    await world.clock.drive(world.clock.sleep(HOUR_MS));
    const permit = await world.in();
    permit.done(refused());
    expect((await world.waits())[0]).toBe('in');
  });

  test('is asked for longer where the user said so', async () => {
    const world = new World();
    await world.clock.drive(persists(world, refused(), () => {}));
    expect((await world.waits(visitor({ bounds: { ...bounds, turnedAway: 21 } })))[0]).toBe('in');
  });
});

test('a provider whose Retry-After is always as long as anybody waits is waited for', async () => {
  const world = new World();
  for (let nth = 0; nth < 5; nth += 1) {
    const permit = await world.in();
    const since = world.clock.now();
    permit.done(refused(60_000));
    const next = await world.in();
    expect(world.clock.now() - since).toBeGreaterThanOrEqual(60_000);
    expect(world.clock.now() - since).toBeLessThanOrEqual(61_000);
    next.done(success);
  }
});

describe('limits that are told of', () => {
  const told = (announced: Outcome['announced']): Came => ({
    outcome: { kind: 'success', tokensIn: 100, tokensOut: 50, announced },
    heard: { kind: 'success' },
  });
  const plenty = { perMs: 1, remaining: 50_000, size: 60_000, fullInMs: 10_000 };

  test('keep everybody out while no tokens are left, however many requests are', async () => {
    const world = new World();
    world.permits(1)[0]?.done(told({ requests: plenty, tokens: { perMs: 1, remaining: 0, size: 60_000, fullInMs: 60_000 } }));
    expect(world.gate.enter(visitor())).toBeInstanceOf(Promise);
    expect(world.gate.view()).toMatchObject({ closed: 'tokens' });
    const [came, ms] = await world.waits();
    expect(came).toBe('in');
    expect(ms).toBeGreaterThanOrEqual(200);
    expect(ms).toBeLessThan(2_000);
  });

  test('are not what is kept to where the user has configured less', async () => {
    const world = new World({ requestsPerMinute: 60, burstRequests: 1 });
    world.permits(1)[0]?.done(told({ requests: plenty }));
    expect((await world.waits())[1]).toBeGreaterThanOrEqual(1_000);
    expect(world.gate.view().limits).toMatchObject({ source: 'config', requestsPerMinute: 60 });
  });

  test('and are less than what was configured do not keep refusals from teaching', () => {
    const world = new World({ requestsPerMinute: 60_000, burstRequests: 1_000 });
    const permits = world.permits(20);
    for (const permit of permits.slice(0, 10)) permit.done(told({ requests: plenty }));
    for (const permit of permits.slice(10))
      permit.done({ ...refused(), outcome: { kind: 'refused', afterMs: undefined, announced: { requests: plenty } } });
    expect(world.gate.view().limits.pushBacks).toBe(1);
    permits[0]?.done(success);
    expect(world.gate.enter(visitor())).toBeInstanceOf(Promise);
    expect(world.gate.view().closed).toBe('paused');
  });
});

test('with a concurrency of one, one at a time goes, and all go', async () => {
  const world = new World({ concurrency: 1 });
  let [flying, most] = [0, 0];
  const asking = Array.from({ length: 50 }, async () => {
    const permit = await world.gate.enter(visitor());
    most = Math.max(most, (flying += 1));
    await world.clock.sleep(10);
    flying -= 1;
    permit.done(success);
  });
  await world.clock.drive(Promise.all(asking));
  expect([most, world.clock.now() - 1_000_000]).toEqual([1, 500]);
});

describe('thousands in line', () => {
  const states: readonly (readonly [string, (world: World) => readonly Permit[]])[] = [
    ['while all that may are in flight', (world) => world.permits(20)],
    [
      'while it is paused',
      (world) => {
        world.permits(1)[0]?.done(refused(30_000));
        return [];
      },
    ],
    [
      'while it is down',
      (world) => {
        world.breakDown();
        return [];
      },
    ],
  ];
  for (const [state, prepare] of states) {
    test(`may all be cancelled ${state}, and who comes after is served`, async () => {
      const world = new World();
      const inFlight = prepare(world);
      const waiting = Array.from({ length: 5_000 }, () => mortal());
      const left = waiting.map(async ({ who }) => await failure(Promise.resolve(world.gate.enter(who))));
      expect(world.gate.view().queued).toBe(5_000);
      for (const { end } of waiting) end();
      expect(new Set((await Promise.all(left)).map(({ code }) => code))).toEqual(new Set(['CANCELLED']));
      expect(world.gate.view().queued).toBe(0);
      for (const permit of inFlight) permit.done(cancelled);
      expect((await world.waits())[0]).toBe('in');
    });

    test(`are looked at a few times each ${state}, however many they are`, () => {
      const looks = (count: number): number => {
        const world = new World();
        prepare(world);
        let looked = 0;
        const waiting = Array.from({ length: count }, () => {
          const one = mortal();
          Object.defineProperty(one.who, 'bounds', {
            get: () => {
              looked += 1;
              return bounds;
            },
          });
          return one;
        });
        for (const { who } of waiting) Promise.resolve(world.gate.enter(who)).catch(() => {});
        for (const { end } of waiting) end();
        return looked / count;
      };
      expect(looks(2_000)).toBeLessThanOrEqual(4);
    });
  }
});
