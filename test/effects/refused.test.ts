// A holder whose output is refused for good: what was staged below it is never done, and what was done at once is taken back,
// wherever the process dies. Mended and run again, the same is done once, as other effects than those that were taken back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, type AnyAgent, flow, step, tool } from '../../src/index.ts';
import { effectsInOrder, noOrphanEffects } from '../suites/effectInvariants.ts';
import type { Program } from './cells.ts';
import { undoneInReverse } from './law.ts';
import { play } from './player.ts';
import { type Client, Service } from './service.ts';
import { Stage } from './stage.ts';

const STRIDE = process.env['AMDAHL_CRASH'] === undefined ? 3 : 1;

let service: Service;
beforeAll(async () => {
  service = await Service.open();
});
afterAll(async () => await service.close());

type Effect = 'staged' | 'immediate';

/** A tool does `a`, a step `b`; then the flow above them is refused, twice, or once it is mended is not. */
function program(effect: Effect, isMended: boolean): Program {
  const make = (client: Client): AnyAgent => {
    const Text = z.object({ text: z.string() });
    const rules = {
      effect,
      input: Text,
      idempotent: true,
      execute: (args: { text: string }, { key }: { readonly key: string }) => client.do('idempotent', 'note', args, key),
      undo: (_: unknown, { key }: { readonly key: string }) => client.undo('idempotent', 'note', key),
    };
    const note = tool({ ...rules, description: 'Note.' });
    const output = z.object({ id: z.string() });
    const own =
      effect === 'staged'
        ? step({ ...rules, name: 'own', effect: 'staged', output })
        : step({ ...rules, name: 'own', effect: 'immediate', output });
    const doer = agent({ name: 'doer', instructions: play([{ turns: [[['note', { text: 'a' }]]], answers: ['done'] }]), tools: { note } });
    return flow({
      name: 'holder',
      output: z.string(),
      attempts: 2,
      checks: [() => (isMended ? undefined : 'Not this.')],
      run: async (input: string, ctx) => {
        const done = await ctx.call(doer, input);
        await ctx.call<{ text: string }, unknown>(own, { text: 'b' });
        return done;
      },
    });
  };
  return { name: 'refused', input: 'q', make, expected: [], ordered: true, never: [] };
}

const BOTH = ['note {"text":"a"}', 'note {"text":"b"}'];

describe.each(['staged', 'immediate'] as const)('%s effects below what is refused for good', (effect) => {
  it('leave no trace, wherever the process dies', { timeout: 60_000 }, async () => {
    const calm = new Stage(program(effect, false), service);
    expect(await calm.toItsEnd()).toMatchObject({ kind: 'failed', code: 'CHECK_FAILED' });
    expect(calm.ledger.standing).toEqual([]);
    expect(calm.ledger.deeds).toHaveLength(effect === 'staged' ? 0 : 4);
    const { length } = await calm.world.entries();
    for (let events = 0; events < length; events += STRIDE) {
      const stage = new Stage(program(effect, false), service);
      await stage.enter({ events, lingerMs: events % 6 });
      if ((await stage.world.entries()).at(-1)?.event.kind === 'run.failed') continue;
      const where = `crashed after ${events} events`;
      expect(await stage.toItsEnd(), where).toMatchObject({ kind: 'failed', code: 'CHECK_FAILED' });
      expect(stage.ledger.standing, where).toEqual([]);
      if (effect === 'staged') expect(stage.ledger.asked, where).toEqual([]);
      undoneInReverse(stage.ledger);
      const entries = await stage.world.entries();
      effectsInOrder(entries);
      noOrphanEffects(entries);
    }
  });

  it('are done once when the program is mended and run again, wherever it dies then', { timeout: 60_000 }, async () => {
    const failed = async (): Promise<Stage> => {
      const stage = new Stage(program(effect, false), service);
      await stage.toItsEnd();
      stage.program = program(effect, true);
      return stage;
    };
    const calm = await failed();
    const before = (await calm.world.entries()).length;
    expect(await calm.toItsEnd()).toMatchObject({ kind: 'succeeded' });
    expect(calm.ledger.standing).toEqual(BOTH);
    const { length } = await calm.world.entries();
    for (let events = before; events <= length; events += STRIDE) {
      const stage = await failed();
      await stage.enter({ events, lingerMs: events % 6 });
      const where = `crashed after ${events} events`;
      expect(await stage.toItsEnd(), where).toMatchObject({ kind: 'succeeded' });
      expect(stage.ledger.standing, where).toEqual(BOTH);
      const keys = stage.ledger.deeds.map(({ key }) => key);
      expect(new Set(keys).size, where).toBe(keys.length);
      const entries = await stage.world.entries();
      effectsInOrder(entries);
      noOrphanEffects(entries);
    }
  });
});
