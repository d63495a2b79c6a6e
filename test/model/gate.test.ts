import { describe, expect, test } from 'vitest';
import type { Came } from '../../src/model/gate.ts';
import { failure } from '../support/trial.ts';
import { bounds, cancelled, down, mortal, refused, success, visitor, World } from './gateWorld.ts';

/** Comes again whenever its probe failed, until the gate says that it makes no sense. */
async function probing(world: World): Promise<unknown> {
  const who = visitor({ bounds: { ...bounds, outageMs: 25_000 } });
  try {
    for (;;) (await world.gate.enter(who)).done(down);
  } catch (error) {
    return error;
  }
}

test('it opens with twenty in flight, and who comes then waits for one of them', async () => {
  const world = new World();
  const [first] = world.permits(20);
  const next = world.gate.enter(visitor());
  expect(next).toBeInstanceOf(Promise);
  expect(world.gate.view()).toMatchObject({ inFlight: 20, queued: 1, closed: 'inFlight' });
  first?.done(success);
  await next;
  expect(world.gate.view()).toMatchObject({ inFlight: 20, queued: 0 });
});

test('a permit is told of once: what is told again changes nothing', () => {
  const world = new World({ concurrency: 2 });
  const [one] = world.permits(2);
  one?.done(success);
  one?.done(refused(10_000));
  expect(world.gate.view()).toMatchObject({ inFlight: 1, limits: { pushBacks: 0 } });
});

test('a push-back closes it for all that wait, not only for the one that met it', async () => {
  const world = new World();
  const [one, other] = world.permits(2);
  one?.done(refused(3_000));
  other?.done(success);
  expect(world.gate.view().limits).toMatchObject({ source: 'learned', pushBacks: 1 });
  const [came, ms] = await world.waits();
  expect(came).toBe('in');
  expect(ms).toBeGreaterThanOrEqual(3_000);
  expect(ms).toBeLessThan(3_300);
});

describe('waiting in vain', () => {
  test('is refused where the provider asks for longer than anybody waits, also to those in line', async () => {
    const world = new World();
    const permits = world.permits(20);
    const inLine = failure(Promise.resolve(world.gate.enter(visitor())));
    permits[0]?.done(refused(3_600_000));
    expect(await inLine).toMatchObject({ code: 'MODEL_RATE_LIMITED' });
    expect(await world.waits()).toEqual(['MODEL_RATE_LIMITED', 0]);
  });

  test('is refused at once to a call that could not be served in its time', async () => {
    const world = new World();
    world.permits(1)[0]?.done(refused(5_000));
    expect(await world.waits(visitor({ deadlineAt: world.clock.now() + 4_000 }))).toEqual(['TIMEOUT', 0]);
    expect((await world.waits(visitor({ deadlineAt: world.clock.now() + 8_000 })))[0]).toBe('in');
  });

  test('counts those of its own who go before, where the rate is known', async () => {
    const world = new World({ requestsPerMinute: 60 });
    world.permits(1);
    for (let one = 0; one < 10; one += 1) void world.gate.enter(visitor());
    expect(await world.waits(visitor({ deadlineAt: world.clock.now() + 5_000 }))).toEqual(['TIMEOUT', 0]);
  });

  test('is refused by name where too many wait already', async () => {
    const world = new World({ concurrency: 1 });
    world.permits(1);
    for (let one = 0; one < 3; one += 1) void world.gate.enter(visitor());
    const error = await failure(Promise.resolve().then(() => world.gate.enter(visitor({ bounds: { ...bounds, queue: 3 } }))));
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', data: { limit: 'queue', bound: 3, gate: 'test/model' } });
  });

  test('ends with its call, and those behind are served', async () => {
    const world = new World({ concurrency: 1 });
    const [first] = world.permits(1);
    const { who, end } = mortal();
    const left = failure(Promise.resolve(world.gate.enter(who)));
    const behind = world.gate.enter(visitor());
    end();
    expect((await left).code).toBe('CANCELLED');
    first?.done(success);
    await behind;
    expect(world.gate.view()).toMatchObject({ inFlight: 1, queued: 0 });
  });
});

describe('a provider that is down', () => {
  test('is asked by single probes, later and later, and everybody goes on when one is answered', async () => {
    const world = new World();
    world.answer();
    world.breakDown();
    const since = world.clock.now();
    const waiting = Array.from({ length: 5 }, () => Promise.resolve(world.gate.enter(visitor())));
    const probes: number[] = [];
    for (let nth = 0; nth < 3; nth += 1) {
      const probe = await world.clock.drive(Promise.race(waiting));
      probes.push(world.clock.now() - since);
      expect(world.gate.view()).toMatchObject({ closed: 'breaker', inFlight: 1 });
      void waiting.shift();
      probe.done(nth < 2 ? down : success);
    }
    expect(probes).toEqual([1_000, 3_000, 7_000]);
    await world.clock.drive(Promise.all(waiting));
    expect(world.gate.view()).toMatchObject({ inFlight: 2, queued: 0 });
    expect(world.gate.view().incident).toBeUndefined();
  });

  test('is not waited for by whoever can ask another, in line or new', async () => {
    const world = new World();
    const permits = world.permits(20);
    // As many go in as fail until it is clear that the provider is down.
    const inLine = Array.from({ length: 15 }, () => Promise.resolve(world.gate.enter(visitor({ hasNext: true }))));
    for (const one of inLine) one.catch(() => {});
    for (const permit of permits) permit.done(down);
    expect(await failure(inLine[14]!)).toMatchObject({ code: 'MODEL_UNAVAILABLE', data: { incident: 'test/model@1000000' } });
    expect(await world.waits(visitor({ hasNext: true }))).toEqual(['MODEL_UNAVAILABLE', 0]);
  });

  test('is waited for no longer than outageMs', async () => {
    const world = new World();
    world.answer();
    world.breakDown();
    // Others come before, whose probes fail.
    const others = Array.from({ length: 9 }, () => probing(world));
    const [came, ms] = await world.waits(visitor({ bounds: { ...bounds, outageMs: 25_000 } }));
    expect(came).toBe('MODEL_UNAVAILABLE');
    expect(ms).toBeGreaterThan(25_000);
    expect(ms).toBeLessThanOrEqual(26_000);
    expect(world.gate.view().incident).toMatchObject({ failures: 9 });
    await world.clock.drive(Promise.all(others));
  });

  test('and has never answered is waited for no longer than five seconds', async () => {
    const world = new World();
    world.breakDown();
    const others = Array.from({ length: 9 }, () => probing(world));
    const [came, ms] = await world.waits();
    expect(came).toBe('MODEL_UNAVAILABLE');
    expect(ms).toBeGreaterThan(5_000);
    expect(ms).toBeLessThanOrEqual(6_000);
    await world.clock.drive(Promise.all(others));
  });

  test('but is waited for where something answered, be it with a refusal or a failure: it is the right address', async () => {
    for (const first of [refused(), { ...down, reached: true }]) {
      const world = new World();
      for (const [nth, permit] of world.permits(6).entries()) permit.done(nth === 0 ? first : down);
      const since = world.clock.now();
      expect(await world.clock.drive(probing(world))).toMatchObject({ code: 'MODEL_UNAVAILABLE' });
      expect(world.clock.now() - since).toBeGreaterThan(20_000);
    }
  });

  test('is known by its incident while it lasts and after', async () => {
    const world = new World();
    world.answer();
    world.breakDown();
    const id = world.gate.view().incident?.id ?? '';
    expect(world.gate.incident(id)).toMatchObject({ id, since: 1_000_000, failures: 5 });
    expect(world.gate.incident(id)).not.toHaveProperty('until');
    (await world.in()).done(success);
    expect(world.gate.incident(id)).toMatchObject({ id, since: 1_000_000, until: 1_001_000, failures: 5 });
    expect(world.gate.incident('test/model@1')).toBeUndefined();
    for (let nth = 0; nth < 100; nth += 1) {
      world.breakDown();
      (await world.in()).done(success);
      if (nth === 98) expect(world.gate.incident(id)).toBeDefined();
    }
    expect(world.gate.incident(id)).toBeUndefined();
  });

  test('is probed by everybody in turn, so that nobody is turned away on behalf of all', async () => {
    const world = new World();
    world.answer();
    world.breakDown();
    const went: string[] = [];
    const patient = { ...bounds, outageMs: 3_600_000 };
    const asking = ['a', 'b', 'c'].map(async (name) => {
      const who = visitor({ bounds: patient, depth: name === 'b' ? 5 : 1 });
      for (let nth = 0; nth < 3; nth += 1) {
        const permit = await world.gate.enter(who);
        went.push(name);
        permit.done(went.length < 9 ? down : success);
      }
    });
    await world.clock.drive(Promise.all(asking));
    expect(went.join('')).toBe('abcabcabc');
  });

  test('is told of as one incident, whoever was hit', () => {
    const world = new World();
    const permits = world.permits(12);
    const incidents = permits.map((permit) => permit.done(down));
    expect(incidents.slice(0, 4)).toEqual(Array(4).fill(undefined));
    expect(new Set(incidents.slice(4).map((incident) => incident?.id))).toEqual(new Set(['test/model@1000000']));
    expect(incidents[11]).toMatchObject({ failures: 12, code: 'MODEL_UNAVAILABLE', message: 'Nothing listens there.' });
  });

  test('whose prober gives up is asked by the next at once', async () => {
    const world = new World();
    world.breakDown();
    const probe = await world.in();
    const next = world.gate.enter(visitor());
    probe.done(cancelled);
    (await next).done(success);
    expect(world.gate.view().incident).toBeUndefined();
  });
});

describe('one whose requests the provider chokes on', () => {
  test('does not close it for another that is answered meanwhile', () => {
    const world = new World({ concurrency: 100 });
    const [sick, well] = [{}, {}];
    const come = (party: object, came: Came): unknown => {
      const permit = world.gate.enter(visitor({ party }));
      if (permit instanceof Promise) throw new Error('it must not wait');
      return permit.done(came);
    };
    come(sick, down);
    come(well, success);
    for (let nth = 0; nth < 50; nth += 1) expect(come(sick, down)).toBeUndefined();
    expect(world.gate.view().incident).toBeUndefined();
    // Where the other fails too, it is the provider.
    for (let nth = 0; nth < 5; nth += 1) come(well, down);
    expect(world.gate.view().incident).toBeDefined();
  });

  test('takes turns with the other at probing', async () => {
    const world = new World();
    world.answer();
    const [sick, well] = [{}, {}];
    for (let nth = 0; nth < 5; nth += 1) {
      const permit = world.gate.enter(visitor({ party: sick }));
      if (!(permit instanceof Promise)) permit.done(down);
    }
    const lines = Array.from({ length: 5 }, async () => (await world.gate.enter(visitor({ party: sick }))).done(down));
    const answered = (async () => (await world.gate.enter(visitor({ party: well }))).done(success))();
    const since = world.clock.now();
    await world.clock.drive(answered);
    expect(world.clock.now() - since).toBe(3_000);
    await world.clock.drive(Promise.all(lines));
  });

  test('an answer to what was sent since it began ends an incident, and so does the beginning of a stream', async () => {
    for (const how of ['answer', 'stream'] as const) {
      const world = new World();
      const permits = world.permits(5);
      await world.clock.drive(world.clock.sleep(10));
      permits[0]?.done(down);
      await world.clock.drive(world.clock.sleep(10));
      const [late] = world.permits(1);
      for (const one of permits.slice(1)) one.done(down);
      expect(world.gate.view().incident).toBeDefined();
      if (how === 'answer') late?.done(success);
      else (await world.in()).announce({});
      expect(world.gate.view().incident).toBeUndefined();
    }
  });
});

test('the same limits in another object change nothing, and other limits keep what was left', () => {
  const world = new World({ requestsPerMinute: 60, burstRequests: 10 });
  for (let nth = 0; nth < 5; nth += 1) world.permits(1)[0]?.done(success);
  world.gate.configure({ requestsPerMinute: 60, burstRequests: 10 });
  let more = 0;
  while (!(world.gate.enter(visitor()) instanceof Promise)) more += 1;
  expect(more).toBeLessThanOrEqual(5);
});

test('a limit of Infinity is none', async () => {
  const world = new World({ requestsPerMinute: Infinity, tokensPerMinute: Infinity });
  expect(world.permits(500)).toHaveLength(500);
});

test('a call with little time waits for a place in flight, which may be free at any moment', async () => {
  const world = new World();
  const [first] = world.permits(20);
  const waiting = world.gate.enter(visitor({ deadlineAt: world.clock.now() + 200 }));
  first?.done(success);
  expect(await waiting).toBeDefined();
});

test("a line of others does not count against one's own, and whoever was let in before finds its place again", async () => {
  const world = new World({ concurrency: 1 });
  const mine = visitor({ party: {}, bounds: { ...bounds, queue: 3 } });
  const permit = await world.gate.enter(mine);
  for (let one = 0; one < 10; one += 1) void world.gate.enter(visitor());
  for (let one = 0; one < 3; one += 1) void world.gate.enter(visitor({ party: mine.party }));
  permit.done(refused(10));
  expect(() => world.gate.enter(visitor({ party: mine.party, bounds: mine.bounds }))).toThrow(/'queue' is 3/);
  expect(world.gate.enter(mine)).toBeInstanceOf(Promise);
});

test('runs that wait get equal shares, whoever came first and with how many', async () => {
  const world = new World({ concurrency: 1 });
  const [first] = world.permits(1);
  const served: string[] = [];
  const ask = async (party: object, name: string): Promise<void> => {
    const permit = await world.gate.enter(visitor({ party }));
    served.push(name);
    permit.done(success);
  };
  const [big, small] = [{}, {}];
  const all = [...Array.from({ length: 50 }, () => ask(big, 'big')), ...Array.from({ length: 5 }, () => ask(small, 'small'))];
  first?.done(success);
  await Promise.all(all);
  expect(served.slice(0, 10).filter((name) => name === 'small')).toHaveLength(5);
});

test('within a run, who completes the longest chain of waiting calls goes first', async () => {
  const world = new World({ concurrency: 1 });
  const [first] = world.permits(1);
  const served: number[] = [];
  const all = [1, 1, 3, 2].map(async (depth) => {
    const permit = await world.gate.enter(visitor({ depth }));
    served.push(depth);
    permit.done(success);
  });
  first?.done(success);
  await Promise.all(all);
  expect(served).toEqual([3, 2, 1, 1]);
});

test('limits that are given later count from then on', async () => {
  const world = new World();
  world.gate.configure({ concurrency: 1 });
  world.permits(1);
  expect(world.gate.enter(visitor())).toBeInstanceOf(Promise);
  world.gate.configure({ concurrency: 2 });
  expect(world.gate.view()).toMatchObject({ inFlight: 2, queued: 0, limits: { source: 'config', concurrency: 2 } });
});
