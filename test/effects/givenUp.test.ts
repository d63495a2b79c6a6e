// A person is asked what became of an effect, and gives up: what was done before it is taken back where it can be, in reverse
// order, what was to follow is not done, and the failure names all of it. Wherever the process dies meanwhile.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, type AnyAgent, flow, type Json, tool, type ToolSet, transaction } from '../../src/index.ts';
import { effectsInOrder } from '../suites/effectInvariants.ts';
import type { Program } from './cells.ts';
import type { Ledger, Mishap } from './ledger.ts';
import { play } from './player.ts';
import { type Client, Service } from './service.ts';
import { type Question, Stage, truthful } from './stage.ts';

const STRIDE = process.env['AMDAHL_CRASH'] === undefined ? 2 : 1;

let service: Service;
beforeAll(async () => {
  service = await Service.open();
});
afterAll(async () => await service.close());

function program(undo: boolean, held: boolean): Program {
  const make = (client: Client): AnyAgent => {
    const note = (name: string): ToolSet[string] =>
      tool({
        effect: 'staged',
        description: 'Note.',
        input: z.object({ text: z.string() }),
        execute: (args, { key }) => client.do('plain', name, args, key),
        ...(undo ? { undo: (_: unknown, { key }: { readonly key: string }) => client.undo('plain', name, key) } : {}),
      });
    const doer = agent({
      name: 'doer',
      instructions: play([{ turns: [['first', 'second', 'third'].map((name) => [name, { text: 'x' }])], answers: ['done'] }]),
      tools: { first: note('first'), second: note('second'), third: note('third') },
    });
    return held ? transaction(flow({ name: 'body', run: async (input: string, ctx) => await ctx.call(doer, input) })) : doer;
  };
  return { name: 'given up', input: 'q', make, expected: [], ordered: true, never: [] };
}

/** Says the truth of all but the second, of which they have had enough. */
function weary(question: Question, ledger: Ledger): Json {
  const { tool: name, undo } = question.about as { readonly tool?: string; readonly undo?: boolean }; // as questions about effects are
  return name === 'second' && undo !== true ? { outcome: 'give up' } : truthful(question, ledger);
}

function names(list: readonly string[]): readonly string[] {
  return list.map((one) => one.split(' ')[0] ?? '');
}

describe.each([true, false])('a person who gives up, with an undo: %s', (undo) => {
  it.each<[Mishap, boolean]>([
    ['answer lost', false],
    ['refused', true],
    ['not arrived', false],
  ])('on an effect whose request was %s ends the run with what stands', { timeout: 120_000 }, async (mishap, held) => {
    const begin = (): Stage => {
      const stage = new Stage(program(undo, held), service, weary);
      stage.ledger.expect('second', mishap);
      return stage;
    };
    const calm = begin();
    const ending = await calm.toItsEnd();
    const stands = [...(undo ? [] : ['first']), ...(mishap === 'answer lost' ? ['second'] : [])];
    expect(ending).toMatchObject({ kind: 'failed', code: 'EFFECT_FAILED' });
    expect(names(calm.ledger.standing)).toEqual(stands);
    expect(calm.asked).toHaveLength(1);

    const { length } = await calm.world.entries();
    for (let events = 0; events < length; events += STRIDE) {
      const stage = begin();
      for (const crash of [{ events, lingerMs: events % 6 }, { events: events + 3 }]) {
        await stage.enter(crash);
        await stage.say();
      }
      const last = (await stage.world.entries()).at(-1)?.event.kind;
      const end = last === 'run.failed' ? ending : await stage.toItsEnd();
      const where = `crashed after ${events} events`;
      expect(end, where).toMatchObject({ kind: 'failed', code: 'EFFECT_FAILED' });
      effectsInOrder(await stage.world.entries());
      // Dead before it heard that the request failed, it cannot tell whether the second was done: it may have been or not.
      const standing = names(stage.ledger.standing).filter((name) => name !== 'second');
      expect(standing, where).toEqual(undo ? [] : ['first']);
      expect(
        stage.ledger.deeds.map(({ tool: name }) => name),
        where,
      ).not.toContain('third');
      expect(new Set(names(stage.ledger.deeds.map(({ tool: name }) => name))).size, where).toBe(stage.ledger.deeds.length);
    }
  });
});
