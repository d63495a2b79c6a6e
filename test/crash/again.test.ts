// Crashes of a resume itself: of one that goes on after a failure, of one that fills holes, of one under an edited
// program. A resume that is cut off half-way is finished by the next, and nothing that it bought is bought again.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, flow, map, pipe } from '../../src/index.ts';
import { inFlightAtDeaths, requestsBounded } from '../suites/invariants.ts';
import { holds, shown } from './law.ts';
import { type Mortal, World } from './mortal.ts';
import { programOf } from './programs.ts';
import { voice } from './voice.ts';

const Said = z.object({ said: z.string() });

/** Runs `before` to its end and `after` to its end; then again for every position of the second, crashing there. */
async function everywhereInTheResume(before: () => Mortal, after: () => Mortal, id: string): Promise<number> {
  const calm = new World(id);
  await calm.enter(before());
  const begin = (await calm.entries()).length;
  const ending = await calm.enter(after());
  const end = (await calm.entries()).length;
  await holds(calm, ending);
  expect(ending.kind).toBe('succeeded');
  for (let events = begin; events <= end; events += 1) {
    const world = new World(id);
    await world.enter(before());
    await world.enter(after(), { events, lingerMs: events % 3 === 0 ? 0 : events % 11 });
    const last = await world.enter(after());
    expect(shown(last), `crashed after ${events} events, ${events - begin} into the resume`).toEqual(shown(ending));
    await holds(world, last);
    requestsBounded(world.requests, calm.requests.length, inFlightAtDeaths(await world.entries(), world.requests, world.shifts));
  }
  return end - begin;
}

/** Items through two agents, the second of which is moody about some; each item asks a helper that is a tool. */
function moody(atLeast: number, mood: string): Agent<unknown, unknown> {
  const helper = agent({
    name: 'helper',
    description: 'Ask.',
    input: z.object({ q: z.string() }),
    output: Said,
    instructions: 'tools 0 garbage',
  });
  const first = agent({ name: 'first', input: z.unknown(), output: Said, instructions: 'tools 1', tools: { helper } });
  const second = agent({ name: 'second', input: z.unknown(), output: Said, instructions: 'tools 1', tools: { helper }, repairs: 1 });
  const third = agent({ name: 'third', input: z.unknown(), output: Said, instructions: mood, repairs: 1 });
  const item = flow({
    name: 'item',
    input: z.number(),
    run: async (nth, ctx) => {
      const said = await ctx.call(pipe(first, second), nth);
      return nth === 1 ? await ctx.call(third, said) : said;
    },
  });
  return flow({
    name: 'moody',
    input: z.unknown(),
    run: async (_: unknown, ctx) => await ctx.call(map(item, { atLeast, concurrency: 2 }), [0, 1, 2]),
  });
}

describe('a resume that crashes', () => {
  for (const [title, mood] of [
    ['was refused', 'hopeless'],
    ['could not be asked', 'down'],
  ] as const) {
    it(`after a failure of what ${title}, under a program that was mended, is finished by the next`, async () => {
      const mortal = (now: string) => (): Mortal => ({ agent: moody(1, now), input: {}, model: voice });
      expect(await everywhereInTheResume(mortal(mood), mortal('tools 0'), `failed-${mood}`)).toBeGreaterThan(10);
    });
  }

  it('after a failure of a provider that is back, is finished by the next', async () => {
    let down = true;
    const leaf = agent({ name: 'leaf', input: z.unknown(), output: Said, instructions: 'tools 0' });
    const mortal = (isDown: boolean) => (): Mortal => {
      down = isDown;
      const flaky: Mortal['model'] = (clock) => ({
        ...voice(clock),
        doGenerate: async (call) =>
          down && JSON.stringify(call.prompt).includes('the second')
            ? Promise.reject(new Error('down'))
            : await voice(clock).doGenerate(call),
      });
      return {
        agent: flow({
          name: 'program',
          input: z.unknown(),
          run: async (_: unknown, ctx) => await ctx.call(map(leaf, { concurrency: 2 }), [0, 'the second', 2, 3]),
        }),
        input: {},
        model: flaky,
      };
    };
    expect(await everywhereInTheResume(mortal(true), mortal(false), 'flaky')).toBeGreaterThan(10);
  });

  it('to fill the holes of a partial result, is finished by the next', async () => {
    const mortal = (mood: string) => (): Mortal => ({ agent: moody(0.5, mood), input: {}, model: voice });
    expect(await everywhereInTheResume(mortal('hopeless'), mortal('tools 0'), 'partial')).toBeGreaterThan(10);
  });

  it('under an edited program is finished by the next, also of a generated one', { timeout: 60_000 }, async () => {
    let positions = 0;
    for (const seed of [1, 2, 3, 6, 7]) {
      const mortal = (leaf?: number) => (): Mortal => ({ agent: programOf(seed, leaf), input: { seed }, model: voice });
      positions += await everywhereInTheResume(mortal(), mortal(1 + (seed % 3)), `edited-${seed}`);
    }
    expect(positions).toBeGreaterThan(50);
  });
});
