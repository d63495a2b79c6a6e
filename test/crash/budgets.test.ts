// Budgets over crashes and resumes: what was spent stays spent, caps hold at every position, and what is forgotten
// begins with its own budget full.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow, type FlowContext, map } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Identities } from '../suites/invariants.ts';
import { crashed, holds, undisturbed } from './law.ts';
import { type Mortal, World } from './mortal.ts';
import { voice } from './voice.ts';

const Said = z.object({ said: z.string() });

/** Five questions, two at a time, where four calls are paid for; whoever comes too late is told so. */
function tight(): Mortal {
  const leaf = agent({ name: 'leaf', input: z.unknown(), output: Said, instructions: 'tools 0 garbage' });
  const fan = map(leaf, { atLeast: 0, concurrency: 2, budget: { calls: 4, tokens: 40_000 } });
  const program = flow({
    name: 'tight',
    input: z.unknown(),
    run: async (_: unknown, ctx) => {
      const { done, missing } = await ctx.call(fan, [1, 2, 3, 4, 5]);
      return done.length + missing.length;
    },
  });
  return { agent: program, input: {}, model: voice };
}

describe('a budget', () => {
  it('is never passed at any position of the journal, wherever the run crashes and however often it is resumed', async () => {
    const calm = new World('tight');
    const ending = await calm.enter(tight());
    expect(ending).toMatchObject({ kind: 'succeeded', output: 5 });
    const { length } = await calm.entries();
    for (let first = 1; first < length; first += 1) {
      const world = new World('tight');
      await world.enter(tight(), { events: first, lingerMs: first % 7 });
      await world.enter(tight(), { events: first + 5, lingerMs: first % 3 });
      const last = await world.enter(tight());
      expect(last).toMatchObject({ kind: 'succeeded', output: 5 });
      await holds(world, last);
    }
  });

  it('bills every request that was sent and none that was not, also where waiting for room is cut short', async () => {
    let waits = 0;
    for (let timeoutMs = 1; timeoutMs <= 40; timeoutMs += 1) {
      const leaf = agent({
        name: 'leaf',
        input: z.unknown(),
        output: Said,
        instructions: 'tools 0 garbage',
        settings: { maxOutputTokens: 300 },
      });
      const fan = map(leaf, { atLeast: 0, concurrency: 4, budget: { tokens: 900 } });
      const program = flow({
        name: 'hurried',
        input: z.unknown(),
        run: async (input: unknown, ctx) =>
          await ctx.all(
            [1, 2].map(
              (half) => async (below: FlowContext) =>
                await below
                  .call(
                    fan,
                    [1, 2, 3, 4].map((nth) => [half, nth, input]),
                    { timeoutMs: timeoutMs * half },
                  )
                  .catch(() => 'late'),
            ),
          ),
      });
      const world = new World('hurried');
      const ending = await world.enter({ agent: program, input: {}, model: voice, options: { budget: { tokens: 1_500 } } });
      expect(ending).toMatchObject({ kind: 'succeeded' });
      await holds(world, ending);
      waits += (await world.entries()).filter(({ event }) => event.kind === 'limit.waited').length;
    }
    expect(waits).toBeGreaterThan(40);
  });

  it('lets a leaf go on where it stopped when it was used up in mid-conversation and is raised', async () => {
    const patient = (calls: number): Mortal => ({
      agent: agent({ name: 'patient', input: z.unknown(), output: Said, instructions: 'tools 0 garbage', budget: { calls } }),
      input: {},
      model: voice,
    });
    const world = new World('raised');
    expect(await world.enter(patient(1))).toMatchObject({ kind: 'failed', code: 'BUDGET_EXCEEDED' });
    const last = await world.enter(patient(2));
    expect(last).toMatchObject({ kind: 'succeeded' });
    await holds(world, last);
    expect(world.requests).toHaveLength(2);
  });

  it('of a run that is raised for a resume counts what was spent before', async () => {
    const chain = flow({
      name: 'chain',
      run: async (input: string, ctx) => {
        for (const nth of ['a', 'b', 'c', 'd']) await ctx.call(leaf, `${input}${nth}`);
        return 'done';
      },
    });
    const leaf = agent({ name: 'leaf', instructions: 'x' });
    const with_ = (calls?: number): Mortal => ({
      agent: chain,
      input: 'q',
      model: () => scripted(() => ({ text: 'y' })),
      options: calls === undefined ? {} : { budget: { calls } },
    });
    const world = new World('run-budget');
    expect(await world.enter(with_(2))).toMatchObject({ kind: 'failed', code: 'BUDGET_EXCEEDED' });
    expect(await world.enter(with_(3))).toMatchObject({ kind: 'failed', code: 'BUDGET_EXCEEDED' });
    expect(world.requests).toHaveLength(3);
    expect(await world.enter(with_(4))).toMatchObject({ kind: 'succeeded', output: 'done' });
    expect(world.requests).toHaveLength(4);
  });

  it('of a run that has none until a resume gives one counts what was spent before', async () => {
    const leaf = agent({ name: 'leaf', instructions: 'x' });
    const chain = flow({
      name: 'chain',
      run: async (input: string, ctx) =>
        [await ctx.call(leaf, `${input}a`), await ctx.call(leaf, `${input}b`), await ctx.call(leaf, `${input}c`)].length,
    });
    const mortal = (options: Mortal['options'] = {}): Mortal => ({
      agent: chain,
      input: 'q',
      model: () => scripted(() => ({ text: 'y' })),
      options,
    });
    const world = new World('late-budget');
    await world.enter(mortal(), { events: 12 });
    const sent = world.requests.length;
    expect(sent).toBe(2);
    expect(await world.enter(mortal({ budget: { calls: 2 } }))).toMatchObject({ kind: 'failed', code: 'BUDGET_EXCEEDED' });
    expect(world.requests).toHaveLength(2);
  });

  it('of a leaf is full again when the leaf is asked anew because its program changed', async () => {
    const version = (instructions: string): Mortal => {
      const leaf = agent({ name: 'leaf', instructions, budget: { calls: 1 } });
      return {
        agent: flow({ name: 'program', run: async (input: string, ctx) => await ctx.call(leaf, input) }),
        input: 'q',
        model: () => scripted(() => ({ text: instructions })),
      };
    };
    const world = new World('anew');
    expect(await world.enter(version('one'))).toMatchObject({ output: 'one' });
    const last = await world.enter(version('two'));
    expect(last).toMatchObject({ kind: 'succeeded', output: 'two' });
    await holds(world, last);
  });

  it('of time does not fail a composite that was done long before the crash', async () => {
    const quick = agent({ name: 'quick', input: z.unknown(), output: Said, instructions: 'x' });
    const slow = agent({ name: 'slow', input: z.unknown(), output: Said, instructions: 'slow' });
    const bounded = flow({
      name: 'bounded',
      input: z.unknown(),
      budget: { ms: 1_000 },
      run: async (input: unknown, ctx) => [await ctx.call(quick, input), await ctx.call(quick, [input])],
    });
    const program = flow({
      name: 'program',
      input: z.unknown(),
      run: async (input: unknown, ctx) => [await ctx.call(bounded, input), await ctx.call(slow, input)],
    });
    const mortal: Mortal = { agent: program, input: {}, model: voice };
    const calm = await undisturbed(mortal, 'time');
    expect(calm.ending).toMatchObject({ kind: 'succeeded' });
    for (let events = 0; events <= calm.events; events += 1)
      await crashed(mortal, 'time', [{ events, lingerMs: 0 }], calm, new Identities(), { readMs: 1 });
  });
});
