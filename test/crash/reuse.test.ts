// Crashes of runs that use answers by content: a resume whose edit moved every place, and a run that runs another again.
// Wherever it dies, the next entry ends it as if nothing had happened and buys nothing twice.

import { expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, flow, type FlowContext, map, pipe, run, type RunOptions } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { inFlightAtDeaths, requestsBounded } from '../suites/invariants.ts';
import { VirtualClock } from '../support/virtualClock.ts';
import { holds, shown } from './law.ts';
import { type Ending, type Mortal, World } from './mortal.ts';
import { voice } from './voice.ts';

const Said = z.object({ said: z.string() });
const ITEMS = [0, 1, 2, 1];

function parts(edit: string): {
  readonly first: Agent<unknown, z.infer<typeof Said>>;
  readonly second: Agent<unknown, z.infer<typeof Said>>;
} {
  const helper = agent({ name: 'helper', description: 'Ask.', input: z.object({ q: z.string() }), output: Said, instructions: 'tools 0' });
  const first = agent({ name: 'first', input: z.unknown(), output: Said, instructions: 'tools 1 garbage', tools: { helper } });
  return { first, second: agent({ name: 'second', input: z.unknown(), output: Said, instructions: `tools 0${edit}` }) };
}

function sweep(edit = ''): Agent<unknown, unknown> {
  const { first, second } = parts(edit);
  return flow({
    name: 'program',
    input: z.unknown(),
    run: async (_: unknown, ctx) => await ctx.call(map(pipe(first, second), { concurrency: 2 }), ITEMS),
  });
}

/** The same questions in another order, below other askers. */
function moved(edit = ''): Agent<unknown, unknown> {
  const { first, second } = parts(edit);
  const item = flow({ name: 'item', input: z.number(), run: async (nth, ctx) => await ctx.call(second, await ctx.call(first, nth)) });
  return flow({
    name: 'program',
    input: z.unknown(),
    run: async (_: unknown, ctx) => [
      await ctx.call(map(item, { concurrency: 3 }), ITEMS.slice(1).reverse()),
      await ctx.call(item, ITEMS[0] ?? 0),
    ],
  });
}

const mortal = (one: Agent<unknown, unknown>, options: RunOptions = {}): Mortal => ({ agent: one, input: {}, model: voice, options });

/** No answer of elsewhere serves two places. */
async function takenOnce(world: World, often?: 'one answer may serve several'): Promise<number> {
  const origins = new Map<string, string>();
  for (const { event } of await world.entries()) {
    if (event.kind === 'call.retracted') origins.delete(event.place);
    if (event.kind === 'call.succeeded' && event.from !== undefined)
      origins.set(event.place, `${event.from.run ?? ''}/${event.from.place}`);
  }
  if (often === undefined) expect(new Set(origins.values()).size).toBe(origins.size);
  return origins.size;
}

/** Lets `last` end undisturbed in one world; then in others, where it dies after each event it made durable. */
async function everywhere(
  begin: (world: World) => Promise<unknown>,
  last: () => Mortal,
  often?: 'one answer may serve several',
): Promise<number> {
  const calm = new World('r');
  await begin(calm);
  const from = (await calm.entries()).length;
  const ending: Ending = await calm.enter(last());
  const end = (await calm.entries()).length;
  await holds(calm, ending);
  expect(ending.kind).toBe('succeeded');
  const taken = await takenOnce(calm, often);
  expect(end - from).toBeGreaterThan(10);
  for (let events = from; events <= end; events += 1) {
    const world = new World('r');
    await begin(world);
    await world.enter(last(), { events, lingerMs: events % 3 === 0 ? 0 : events % 11 });
    const again = await world.enter(last());
    expect(shown(again), `crashed after ${events} events, ${events - from} into it`).toEqual(shown(ending));
    await holds(world, again);
    await takenOnce(world, often);
    requestsBounded(world.requests, calm.requests.length, inFlightAtDeaths(await world.entries(), world.requests, world.shifts));
  }
  return taken;
}

/** Another run in the same journal, undisturbed. */
async function other(world: World, one: Agent<unknown, unknown>, options: RunOptions): Promise<void> {
  const clock = new VirtualClock(0);
  const model = voice(clock);
  await clock.drive(run(one, {}, { ...options, id: 'old', journal: world.store, clock, random: () => 0.5, models: { '*': model } }));
  expect(await world.store.row('old' as RunId)).toMatchObject({ status: 'succeeded' });
}

it('a resume whose edit moved every place buys nothing, wherever it dies', async () => {
  expect(
    await everywhere(
      (world) => world.enter(mortal(sweep())),
      () => mortal(moved()),
    ),
  ).toBe(8);
}, 60_000);

it('a resume whose edit moved every place and changed an agent buys that agent alone', async () => {
  expect(
    await everywhere(
      (world) => world.enter(mortal(sweep())),
      () => mortal(moved(' edited')),
    ),
  ).toBeGreaterThanOrEqual(4);
}, 60_000);

it('a run that runs an edited program again is answered by the old one once, wherever it dies', async () => {
  expect(
    await everywhere(
      (world) => other(world, sweep(), {}),
      () => mortal(moved(' edited'), { rerun: 'old' }),
    ),
  ).toBeGreaterThanOrEqual(4);
}, 60_000);

it('a run that is answered by others of its scope ends as if nothing had happened, wherever it dies', async () => {
  const shared: RunOptions = { scope: 's', reuse: 'journal' };
  expect(
    await everywhere(
      (world) => other(world, sweep(), shared),
      () => mortal(moved(' edited'), shared),
      'one answer may serve several',
    ),
  ).toBeGreaterThanOrEqual(1);
}, 60_000);

/** Equal questions in branches that come to them by ways of different lengths: samples, of which each is bought. */
function samples(): Agent<unknown, unknown> {
  const { second: sample } = parts('');
  const way = (manner: string): Agent<unknown, unknown> => agent({ name: 'way', input: z.unknown(), output: Said, instructions: manner });
  const branch =
    (ways: readonly string[]) =>
    async (ctx: FlowContext): Promise<unknown> => {
      for (const [nth, one] of ways.entries()) await ctx.call(way(one), nth);
      return [await ctx.call(sample, 'q'), await ctx.call(map(sample, { concurrency: 1 }), ['q', 'q'])];
    };
  // The second has the shorter way, and takes longer for it.
  const ways = [['', '', '', ''], ['slow'], ['', '']];
  return flow({ name: 'program', input: z.unknown(), run: async (_: unknown, ctx) => await ctx.all(ways.map(branch)) });
}

it('a resume of the same program buys each of equal questions, wherever it died', async () => {
  const calm = new World('r');
  await holds(calm, await calm.enter(mortal(samples())));
  const events = (await calm.entries()).length;
  for (let died = 1; died < events; died += 1) {
    const world = new World('r');
    await world.enter(mortal(samples()), { events: died, lingerMs: died % 3 === 0 ? 0 : died % 11 });
    const again = await world.enter(mortal(samples()), { readMs: 1 });
    await holds(world, again);
    expect(await takenOnce(world), `crashed after ${died} events`).toBe(0);
    const entries = await world.entries();
    expect(world.requests.length).toBeGreaterThanOrEqual(calm.requests.length);
    requestsBounded(world.requests, calm.requests.length, inFlightAtDeaths(entries, world.requests, world.shifts));
  }
}, 60_000);
