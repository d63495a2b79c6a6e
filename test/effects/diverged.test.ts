// A flow that reads the clock behind ctx's back goes another way when it is entered again. What it did to the world on its first
// way stays where it is, and nothing is done on the other one until a person has seen both.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, type AnyAgent, flow, type Json, tool } from '../../src/index.ts';
import { effectsInOrder, noOrphanEffects } from '../suites/effectInvariants.ts';
import type { Program } from './cells.ts';
import { play } from './player.ts';
import { type Client, Service } from './service.ts';
import { type Question, Stage } from './stage.ts';

let service: Service;
beforeAll(async () => {
  service = await Service.open();
});
afterAll(async () => await service.close());

/** What it reads behind ctx's back. */
let hour = '9';

function program(effect: 'staged' | 'immediate'): Program {
  const make = (client: Client): AnyAgent => {
    const note = tool({
      effect,
      idempotent: true,
      description: 'Note.',
      input: z.object({ text: z.string() }),
      execute: (args, { key }) => client.do('idempotent', 'note', args, key),
    });
    const turns = ['a', 'b'].map((text) => [['note', { text: `$input-${text}` }] as const]);
    const doer = agent({ name: 'doer', instructions: play([{ turns, answers: ['done'] }]), tools: { note } });
    const reader = agent({ name: 'reader', instructions: play([{ answers: ['read'] }]) });
    return flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        const done = await ctx.call(doer, `q${hour}`);
        return [done, await ctx.call(reader, done)];
      },
    });
  };
  return { name: 'clock', input: 'q', make, expected: [], ordered: true, never: [] };
}

function texts(stage: Stage): readonly string[] {
  return stage.ledger.standing.map((one) => (JSON.parse(one.slice('note '.length)) as { text: string }).text); // as the ledger writes it
}

describe.each(['staged', 'immediate'] as const)('a flow that goes another way after %s effects', (effect) => {
  it.each(['stop', 'go on'])('is shown to a person before it does anything, who says: %s', async (outcome) => {
    hour = '9';
    const calm = new Stage(program(effect), service);
    expect(await calm.toItsEnd()).toMatchObject({ kind: 'succeeded' });
    expect(texts(calm)).toEqual(['q9-a', 'q9-b']);
    const { length } = await calm.world.entries();
    let shown = 0;
    for (let events = 0; events < length; events += 1) {
      hour = '9';
      const stage = new Stage(program(effect), service, ({ of }: Question): Json => ({ outcome: of === 'diverged' ? outcome : 'done' }));
      await stage.enter({ events, lingerMs: events % 6 });
      const left = await stage.world.entries();
      if (left.some(({ event }) => event.kind === 'run.succeeded')) continue;
      const begun = left.some(({ event }) => event.kind === 'call.confirmed' || event.kind === 'effect.committing');
      const before = texts(stage);
      hour = '10';
      const first = await stage.enter();
      const where = `crashed after ${events} events`;
      if (begun) {
        shown += 1;
        expect(first, where).toMatchObject({ kind: 'failed', code: 'RUN_PARKED' });
        expect(texts(stage), where).toEqual(before);
        await stage.say();
        expect(
          stage.asked.map(({ question }) => question.of),
          where,
        ).toEqual(['diverged']);
      }
      const ending = begun ? await stage.toItsEnd() : first;
      const entries = await stage.world.entries();
      effectsInOrder(entries);
      if (begun && outcome === 'stop') {
        expect(ending, where).toMatchObject({ kind: 'failed', code: 'DIVERGED' });
        expect(texts(stage), where).toEqual(before);
      } else {
        expect(ending, where).toMatchObject({ kind: 'succeeded' });
        noOrphanEffects(entries);
        expect(texts(stage), where).toEqual([...before, 'q10-a', 'q10-b']);
      }
    }
    expect(shown).toBeGreaterThan(3);
  });
});
