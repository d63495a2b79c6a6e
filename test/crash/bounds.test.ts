// Bounds (attempts, repairs, turns, budgets) count the same however often a run is crashed.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow, step } from '../../src/index.ts';
import { scripted, type ScriptedTurn } from '../../src/testing.ts';
import { Identities, inFlightAtDeaths, requestsBounded } from '../suites/invariants.ts';
import { crashed, holds, undisturbed } from './law.ts';
import { type Mortal, World } from './mortal.ts';

const Answer = z.object({ n: z.number() });

/** A model of which every entry of the run asks the same server: `say` gets the number of the request over all entries. */
function server(say: (nth: number) => ScriptedTurn): { readonly model: Mortal['model']; readonly asked: () => number } {
  let asked = 0;
  return { model: () => scripted(() => say(asked++)), asked: () => asked };
}

/** Crashes at every position, once each, and holds each run to the undisturbed one. */
async function everywhere(mortal: () => Mortal, id: string): Promise<number> {
  const calm = await undisturbed(mortal(), id);
  for (let events = 0; events <= calm.events; events += 1) {
    for (const lingerMs of [0, 5]) {
      try {
        await crashed(mortal(), id, [{ events, lingerMs }], calm, new Identities());
      } catch (thrown) {
        throw new Error(`crashed after ${events} events, lingering ${lingerMs} ms: ${String(thrown)}`, { cause: thrown });
      }
    }
  }
  return calm.requests;
}

describe('a call that is refused for good', () => {
  const hopeless = agent({ name: 'hopeless', output: Answer, instructions: 'x', repairs: 1, attempts: 2 });

  it('gets no attempt more because of a crash before its failure was recorded', async () => {
    expect(await everywhere(() => ({ agent: hopeless, input: 'q', model: () => scripted(() => ({ text: 'garbage' })) }), 'refused')).toBe(
      4,
    );
  });

  it('does not make a composite ask everything again that its own check refused', async () => {
    const leaf = agent({ name: 'leaf', instructions: 'x' });
    const strict = flow({
      name: 'strict',
      output: z.string(),
      checks: [() => 'never good'],
      run: async (input: string, ctx) => await ctx.call(leaf, input),
    });
    expect(await everywhere(() => ({ agent: strict, input: 'q', model: () => scripted(() => ({ text: 'fine' })) }), 'strict')).toBe(1);
  });

  it('has its failure on record in every call that passes it on, so that a resume of the ended run forgets it', async () => {
    for (let events = 1; events < 12; events += 1) {
      let broken = true;
      const leaf = step({ name: 'leaf', execute: () => (broken ? Promise.reject(new Error('not today')) : 'well') });
      const inner = flow({ name: 'inner', run: async (input: string, ctx) => await ctx.call(leaf, input) });
      const outer = flow({ name: 'outer', run: async (input: string, ctx) => await ctx.call(inner, input) });
      const mortal: Mortal = { agent: outer, input: 'q', model: () => scripted([]) };
      const world = new World('chain');
      await world.enter(mortal, { events });
      const failed = await world.enter(mortal);
      expect(failed).toMatchObject({ kind: 'failed', code: 'CODE_FAILED' });
      await holds(world, failed);
      broken = false;
      expect(await world.enter(mortal), `crashed after ${events} events`).toMatchObject({ kind: 'succeeded', output: 'well' });
    }
  });
});

describe('an answer that its budget cut off', () => {
  it('fails its call also when the process dies before that is recorded', async () => {
    const wordy = agent({ name: 'wordy', instructions: 'x', budget: { tokens: 1_000 } });
    const mortal = (): Mortal => ({
      agent: wordy,
      input: 'q',
      model: () => scripted(() => ({ text: 'and then', finish: 'length', tokensIn: 4, tokensOut: 8 })),
    });
    const calm = await undisturbed(mortal(), 'cut');
    expect(calm.ending).toMatchObject({ kind: 'failed', code: 'BUDGET_EXCEEDED' });
    await everywhere(mortal, 'cut');
  });
});

describe('a call that a resume lets go on', () => {
  it('gets as many turns more as it had, however often it crashes on the way', async () => {
    const looping = agent({ name: 'looping', instructions: 'x', output: Answer, turns: 4, repairs: 100, attempts: 1 });
    const failAndGoOn = async (crashes: readonly number[]): Promise<number> => {
      const { model, asked } = server(() => ({ text: 'garbage' }));
      const world = new World('turns');
      const mortal: Mortal = { agent: looping, input: 'q', model };
      expect(await world.enter(mortal)).toMatchObject({ code: 'LIMIT_EXCEEDED' });
      const ended = (await world.entries()).length;
      for (const after of crashes) expect(await world.enter(mortal, { events: ended + after })).toEqual({ kind: 'died' });
      const last = await world.enter(mortal);
      expect(last).toMatchObject({ code: 'LIMIT_EXCEEDED' });
      await holds(world, last);
      return asked();
    };
    expect(await failAndGoOn([])).toBe(8);
    expect(await failAndGoOn([4, 9])).toBe(8);
  });

  it('keeps the turns of the attempt that was begun after its answer was forgotten', async () => {
    let strict = false;
    // Its third answer in a conversation is the first that the stricter check lets through.
    const counting: Mortal['model'] = () =>
      scripted(({ prompt }) => ({ object: { n: prompt.filter((message) => message.role === 'assistant').length } }));
    const picky = agent({
      name: 'picky',
      instructions: 'x',
      output: Answer,
      checks: [({ n }) => (strict && n < 2 ? 'too small' : undefined)],
    });
    const program = flow({ name: 'program', run: async (input: string, ctx) => await ctx.call(picky, input) });
    for (let after = 1; after < 12; after += 1) {
      strict = false;
      const world = new World('forgotten');
      const mortal: Mortal = { agent: program, input: 'q', model: counting };
      expect(await world.enter(mortal)).toMatchObject({ kind: 'succeeded', output: { n: 0 } });
      strict = true;
      await world.enter(mortal, { events: (await world.entries()).length + after });
      const last = await world.enter(mortal);
      expect(last).toMatchObject({ kind: 'succeeded', output: { n: 2 } });
      await holds(world, last);
      const lost = inFlightAtDeaths(await world.entries(), world.requests, world.shifts);
      requestsBounded(world.requests, 4, lost);
    }
  });
});
