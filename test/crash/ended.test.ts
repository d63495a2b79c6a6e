// Resuming a run that has ended: what led to its failure is forgotten, everything else is kept.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, all, flow, map, mapReduce, pipe, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { holds } from './law.ts';
import { type Mortal, World } from './mortal.ts';
import { voice } from './voice.ts';

const Said = z.object({ said: z.string() });
const silent: Mortal['model'] = () => scripted([]);

/** A step that fails for the inputs in `sick`, and counts what it was asked. */
function fragile(name: string, sick: ReadonlySet<string>, asked: string[]): Agent<string, string> {
  return step({
    name,
    execute: (input) => {
      asked.push(`${name} ${input}`);
      if (sick.has(input)) throw new Error(`${input} is sick`);
      return `${name}(${input})`;
    },
  });
}

/** How often each was asked. */
const counted = (asked: readonly string[]): Record<string, number> =>
  asked.reduce<Record<string, number>>((sum, one) => ({ ...sum, [one]: (sum[one] ?? 0) + 1 }), {});

describe('resuming a run that failed', () => {
  it('asks again for what failed on the way to its end, and keeps what succeeded beside it', async () => {
    const asked: string[] = [];
    const sick = new Set(['b']);
    const work = fragile('work', sick, asked);
    const program = flow({
      name: 'program',
      input: z.unknown(),
      run: async (_: unknown, ctx) => await ctx.call(map(work, { concurrency: 3 }), ['a', 'b', 'c']),
    });
    const mortal: Mortal = { agent: program, input: {}, model: silent };
    const world = new World('failed');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'failed', code: 'TOO_MANY_MISSING' });
    sick.clear();
    const last = await world.enter(mortal);
    expect(last).toMatchObject({ kind: 'succeeded', output: ['work(a)', 'work(b)', 'work(c)'] });
    expect(counted(asked)).toEqual({ 'work a': 1, 'work b': 2, 'work c': 1 });
    await holds(world, last);
  });

  it('forgets the whole chain, through pipes, branches, reductions and errors that code threw instead', async () => {
    const shapes: Record<string, (work: Agent<string, string>) => Agent<string, unknown>> = {
      pipe: (work) => pipe(pipe(work, work), work),
      all: (work) => all({ one: work, two: flow({ name: 'two', run: async (input: string, ctx) => await ctx.call(work, `${input}!`) }) }),
      reduce: (work) =>
        flow({
          name: 'reduce',
          run: async (input: string, ctx) =>
            await ctx.call(
              mapReduce({
                map: work,
                reduce: step({ name: 'join', input: z.array(z.string()), execute: (list) => list.join() }),
                fanIn: 2,
              }),
              ['x', input, 'y'],
            ),
        }),
      rethrown: (work) =>
        flow({
          name: 'rethrown',
          run: async (input: string, ctx) =>
            await ctx.call(work, input).catch((cause: unknown) => Promise.reject(new Error('lost', { cause }))),
        }),
      branches: (work) =>
        flow({
          name: 'branches',
          run: async (input: string, ctx) =>
            await ctx.all([async (below) => await below.call(work, input), async (below) => await below.call(work, `${input}!`)]),
        }),
      race: (work) =>
        flow({
          name: 'race',
          run: async (input: string, ctx) =>
            await ctx.race([async (below) => await below.call(work, input), async (below) => await below.call(work, `${input}!`)]),
        }),
    };
    for (const [name, shape] of Object.entries(shapes)) {
      const sick = new Set(['q', 'q!']);
      const program = flow({ name: 'program', run: async (input: string, ctx) => await ctx.call(shape(fragile('work', sick, [])), input) });
      const mortal: Mortal = { agent: program, input: 'q', model: silent };
      const world = new World(`chain-${name}`);
      expect(await world.enter(mortal), name).toMatchObject({ kind: 'failed' });
      expect(await world.enter(mortal), name).toMatchObject({ kind: 'failed' });
      sick.clear();
      const last = await world.enter(mortal);
      expect(last, name).toMatchObject({ kind: 'succeeded' });
      await holds(world, last);
    }
  });

  it('keeps a failure that its asker had caught, with the path that was taken because of it', async () => {
    const asked: string[] = [];
    const sick = new Set(['first', 'last']);
    const work = fragile('work', sick, asked);
    const program = flow({
      name: 'program',
      run: async (_: string, ctx) => {
        const first = await ctx.call(work, 'first').catch(() => 'without');
        return [first, await ctx.call(work, 'last')];
      },
    });
    const mortal: Mortal = { agent: program, input: 'q', model: silent };
    const world = new World('kept');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'failed', code: 'CODE_FAILED' });
    sick.clear();
    const last = await world.enter(mortal);
    expect(last).toMatchObject({ kind: 'succeeded', output: ['without', 'work(last)'] });
    expect(counted(asked)).toEqual({ 'work first': 1, 'work last': 2 });
    await holds(world, last);
  });

  it('keeps a time-out that its asker had decided and caught', async () => {
    const slow = agent({ name: 'slow', input: z.unknown(), output: Said, instructions: 'slow' });
    const sick = new Set(['last']);
    const work = fragile('work', sick, []);
    const program = flow({
      name: 'program',
      input: z.unknown(),
      run: async (input: unknown, ctx) => {
        const first = await ctx
          .call(slow, input, { timeoutMs: 100 })
          .catch((error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'unknown'));
        return [first, await ctx.call(work, 'last')];
      },
    });
    const mortal: Mortal = { agent: program, input: {}, model: voice };
    const world = new World('time-out');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'failed' });
    sick.clear();
    const last = await world.enter(mortal);
    expect(last).toMatchObject({ kind: 'succeeded', output: ['TIMEOUT', 'work(last)'] });
    expect(world.requests).toHaveLength(1);
    await holds(world, last);
  });

  it('keeps the winner of a race, also when the loser would be first this time', async () => {
    const sick = new Set(['last']);
    const work = fragile('work', sick, []);
    let quick: 'left' | 'right' = 'right';
    const left = step({ name: 'left', execute: () => (quick === 'left' ? 'left' : new Promise<string>(() => {})) });
    const right = step({ name: 'right', execute: () => (quick === 'right' ? 'right' : new Promise<string>(() => {})) });
    const program = flow({
      name: 'program',
      run: async (input: string, ctx) => [
        await ctx.race([async (below) => await below.call(left, input), async (below) => await below.call(right, input)]),
        await ctx.call(work, 'last'),
      ],
    });
    const mortal: Mortal = { agent: program, input: 'q', model: silent };
    const world = new World('winner');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'failed' });
    sick.clear();
    quick = 'left';
    expect(await world.enter(mortal)).toMatchObject({ kind: 'succeeded', output: ['right', 'work(last)'] });
  });

  it('lets what a time-out above it cut off go on: that was no outcome of its own', async () => {
    const slow = agent({ name: 'slow', input: z.unknown(), output: Said, instructions: 'slow' });
    const mortal = (timeoutMs: number): Mortal => {
      const bounded = flow({
        name: 'bounded',
        input: z.unknown(),
        timeoutMs,
        run: async (input: unknown, ctx) => await ctx.call(slow, input),
      });
      return {
        agent: flow({ name: 'program', input: z.unknown(), run: async (input: unknown, ctx) => await ctx.call(bounded, input) }),
        input: {},
        model: voice,
      };
    };
    const world = new World('cut-off');
    expect(await world.enter(mortal(100))).toMatchObject({ kind: 'failed', code: 'TIMEOUT' });
    const entries = await world.entries();
    const failed = entries.flatMap(({ event }) => (event.kind === 'call.failed' ? [event.place] : []));
    expect(entries.flatMap(({ event }) => (event.kind === 'call.started' && failed.includes(event.place) ? [event.agent] : []))).toEqual([
      'program',
      'bounded',
    ]);
    const last = await world.enter(mortal(20_000));
    expect(last).toMatchObject({ kind: 'succeeded' });
    await holds(world, last);
  });

  it('finds that the losers of a race were cancelled when it was decided, not when the program ended', async () => {
    const slow = agent({ name: 'slow', input: z.unknown(), output: Said, instructions: 'slow' });
    const quick = agent({ name: 'quick', input: z.unknown(), output: Said, instructions: 'tools 0' });
    const program = flow({
      name: 'program',
      input: z.unknown(),
      run: async (input: unknown, ctx) => [
        await ctx.race([async (below) => await below.call(slow, input), async (below) => await below.call(quick, input)]),
        await ctx.call(slow, input),
      ],
    });
    const world = new World('decided');
    expect(await world.enter({ agent: program, input: {}, model: voice })).toMatchObject({ kind: 'succeeded' });
    const entries = await world.entries();
    const firstAt = (kind: string): number | undefined => entries.find(({ event }) => event.kind === kind)?.event.at;
    expect(firstAt('decision')).toBeGreaterThan(0);
    expect(firstAt('model.failed')).toBe(firstAt('decision'));
  });

  it('does not report what the losers of a race had asked as a difference', async () => {
    const asked: string[] = [];
    const work = fragile('work', new Set(), asked);
    const never = step({ name: 'never', execute: () => new Promise<string>(() => {}) });
    const slow = agent({ name: 'slow', input: z.unknown(), output: Said, instructions: 'tools 0' });
    const program = flow({
      name: 'program',
      run: async (input: string, ctx) =>
        await ctx.race<unknown>([
          async (below) => await below.call(never, await below.call(work, input)),
          async (below) => await below.call(slow, input),
        ]),
    });
    const mortal: Mortal = { agent: program, input: 'q', model: voice };
    const world = new World('loser');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'succeeded' });
    const last = await world.enter(mortal);
    expect(last).toMatchObject({ kind: 'succeeded', resume: { bought: [], unasked: [] } });
  });
});

describe('resuming a run that succeeded in part', () => {
  it('asks only for its holes', async () => {
    const asked: string[] = [];
    const sick = new Set(['b', 'c']);
    const work = fragile('work', sick, asked);
    const program = flow({
      name: 'program',
      input: z.unknown(),
      run: async (_: unknown, ctx) => await ctx.call(map(work, { atLeast: 0.4, concurrency: 2 }), ['a', 'b', 'c', 'd']),
    });
    const mortal: Mortal = { agent: program, input: {}, model: silent };
    const world = new World('partial');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'succeeded', missing: [1, 2] });
    sick.delete('b');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'succeeded', missing: [2] });
    sick.delete('c');
    const last = await world.enter(mortal);
    expect(last).toMatchObject({ kind: 'succeeded', missing: [] });
    expect(counted(asked)).toEqual({ 'work a': 1, 'work b': 2, 'work c': 3, 'work d': 1 });
    await holds(world, last);
    const again = await world.enter(mortal);
    expect(again).toMatchObject({ kind: 'succeeded', missing: [], resume: { bought: [], answered: 4, unasked: [] } });
  });

  it('forgets what lies below a hole, down to the leaf that failed', async () => {
    const asked: string[] = [];
    const sick = new Set(['b']);
    const work = fragile('work', sick, asked);
    const item = flow({
      name: 'item',
      run: async (input: string, ctx) =>
        await ctx
          .call(pipe(fragile('first', new Set(), asked), step({ name: 'cut', execute: (text) => text.slice(6, -1) })), input)
          .then(async (text) => await ctx.call(work, text)),
    });
    const program = flow({
      name: 'program',
      input: z.unknown(),
      run: async (_: unknown, ctx) => await ctx.call(map(item, { atLeast: 0 }), ['a', 'b']),
    });
    const mortal: Mortal = { agent: program, input: {}, model: silent };
    const world = new World('below');
    expect(await world.enter(mortal)).toMatchObject({ missing: [1] });
    sick.clear();
    expect(await world.enter(mortal)).toMatchObject({ missing: [] });
    expect(counted(asked)).toEqual({ 'first a': 1, 'first b': 1, 'work a': 1, 'work b': 2 });
  });
});

describe('resuming a run that was cancelled', () => {
  it('goes on where it stopped and forgets nothing', async () => {
    const stop = new AbortController();
    const leaf = agent({ name: 'leaf', input: z.unknown(), output: Said, instructions: 'tools 0' });
    const program = flow({
      name: 'program',
      input: z.unknown(),
      run: async (input: unknown, ctx) => {
        const first = await ctx.call(leaf, [input, 1]);
        stop.abort('enough');
        return [first, await ctx.call(leaf, [input, 2])];
      },
    });
    const world = new World('cancelled');
    expect(await world.enter({ agent: program, input: {}, model: voice, options: { signal: stop.signal } })).toMatchObject({
      kind: 'failed',
      code: 'CANCELLED',
    });
    expect((await world.entries()).at(-1)?.event.kind).toBe('run.cancelled');
    const last = await world.enter({ agent: program, input: {}, model: voice });
    expect(last).toMatchObject({ kind: 'succeeded', resume: { answered: 1, bought: [] } });
    expect(world.requests).toHaveLength(2);
    await holds(world, last);
  });
});
