// Programs that commit effects and crash, also with an edit before they go on: past its commit point a call only rolls forward.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, type AnyAgent, flow, step, tool, transaction } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { committedAfterConfirmed, effectsInOrder, noOrphanEffects } from '../suites/effectInvariants.ts';
import { holds } from './law.ts';
import { type Mortal, World } from './mortal.ts';

/** Counts by key: its services take keys, so that the same key again changes nothing. */
class Service {
  readonly done: [key: string, what: string][] = [];

  do(key: string, what: string): string {
    if (!this.done.some(([known]) => known === key)) this.done.push([key, what]);
    return `${what} is done`;
  }

  get whats(): readonly string[] {
    return this.done.map(([, what]) => what);
  }
}

/** A transaction over a flow that asks a model with a helper among its tools, then a step; nothing of it is declared. */
function program(service: Service, { edited = false }: { readonly edited?: boolean } = {}): Mortal {
  const note = tool({
    description: 'Note',
    effect: 'staged',
    idempotent: true,
    input: z.object({ text: z.string() }),
    execute: ({ text }, { key }) => service.do(key, `note ${text}`),
  });
  const close = step({
    name: 'close',
    effect: 'staged',
    idempotent: true,
    execute: (text: string, { key }) => service.do(key, `close ${text}`),
  });
  const inner = agent({
    name: 'inner',
    instructions: edited ? 'edited' : 'as it was',
    input: z.object({ text: z.string() }),
    tools: { note },
  });
  const wrapped = flow({ name: 'wrapped', input: z.object({ text: z.string() }), run: async (input, ctx) => await ctx.call(inner, input) });
  const lead = agent({ name: 'lead', instructions: edited ? 'edited' : 'as it was', tools: { wrapped, note } });
  const body = flow({
    name: 'body',
    checks: edited ? [() => 'refused by a new check'] : [],
    run: async (input: string, ctx) => {
      const said = await ctx.call(lead, input);
      await ctx.call(close, 'it');
      return said;
    },
  });
  const turns: Mortal['model'] = () =>
    scripted(({ prompt, tools }) => {
      const turn = prompt.filter(({ role }) => role === 'assistant').length;
      if ((tools ?? []).length === 1) return turn === 0 ? { tools: [['note', { text: 'inner' }]] } : { text: 'noted' };
      if (turn === 0)
        return {
          tools: [
            ['note', { text: 'first' }],
            ['wrapped', { text: 'x' }],
          ],
        };
      if (turn === 1) return { tools: [['note', { text: 'first' }]] };
      return { text: 'led' };
    });
  return { agent: transaction(body), input: 'q', model: turns };
}

const ALL = ['note first', 'note inner', 'note first', 'close it'];

async function lawful(world: World): Promise<void> {
  const entries = await world.entries();
  effectsInOrder(entries);
  committedAfterConfirmed(entries);
  noOrphanEffects(entries);
}

describe('a program that commits effects', () => {
  it('commits each once and in order, wherever it crashes once or twice', async () => {
    const calm = new World('commits');
    const counted = new Service();
    expect(await calm.enter(program(counted))).toMatchObject({ kind: 'succeeded', output: 'led' });
    expect(counted.whats).toEqual(ALL);
    const { length } = await calm.entries();
    for (let events = 0; events <= length; events += 1) {
      const service = new Service();
      const world = new World('commits');
      await world.enter(program(service), { events, lingerMs: events % 3 });
      await world.enter(program(service), { events: (await world.entries()).length + (events % 7), lingerMs: events % 2 });
      const ending = await world.enter(program(service));
      expect(ending, `crashed after ${events} events`).toMatchObject({ kind: 'succeeded', output: 'led' });
      expect(service.whats, `crashed after ${events} events`).toEqual(ALL);
      await holds(world, ending);
      await lawful(world);
    }
  });

  it('rolls forward past its commit point whatever is edited, and before it does as the edited program says', async () => {
    const calm = new World('edited');
    await calm.enter(program(new Service()));
    const entries = await calm.entries();
    const confirmed = entries.findIndex(({ event }) => event.kind === 'call.confirmed');
    for (let events = confirmed; events <= entries.length; events += 1) {
      const service = new Service();
      const world = new World('edited');
      await world.enter(program(service), { events });
      const ending = await world.enter(program(service, { edited: true }));
      const past = events > confirmed;
      expect(ending, `crashed after ${events} events`).toMatchObject(
        past ? { kind: 'succeeded', output: 'led' } : { kind: 'failed', code: 'CHECK_FAILED' },
      );
      expect(service.whats).toEqual(past ? ALL : []);
      await lawful(world);
      if (past && ending.kind === 'succeeded') expect(ending.resume?.unasked).toEqual([]);
    }
  });

  it('does what an answer had staged once, also where an edit takes away who held it', async () => {
    const made = (service: Service, held: boolean): Mortal => {
      const close = step({
        name: 'close',
        effect: 'staged',
        idempotent: true,
        execute: (text: string, { key }) => service.do(key, `close ${text}`),
      });
      const rest = agent({ name: 'rest', instructions: 'x' });
      const body = flow({
        name: 'body',
        checks: held ? [() => undefined] : [],
        run: async (input: string, ctx) => {
          await ctx.call(close, input);
          return await ctx.call(rest, input);
        },
      });
      return { agent: body, input: 'q', model: () => scripted(() => ({ text: 'rested' })) };
    };
    const calm = new World('unheld');
    await calm.enter(made(new Service(), true));
    const entries = await calm.entries();
    const confirmed = entries.findIndex(({ event }) => event.kind === 'call.confirmed');
    for (let events = 0; events <= confirmed; events += 1) {
      const service = new Service();
      const world = new World('unheld');
      await world.enter(made(service, true), { events });
      await world.enter(made(service, false), { events: events + 4 });
      const ending = await world.enter(made(service, false), {});
      expect(ending, `crashed after ${events} events`).toMatchObject({ output: 'rested' });
      expect(service.whats, `crashed after ${events} events`).toEqual(['close q']);
      await lawful(world);
    }
  });

  it('finds the code of its effects nowhere, and then asks a person instead of forgetting them', async () => {
    const service = new Service();
    const world = new World('gone');
    const before = program(service);
    const calm = new World('gone');
    await calm.enter(program(new Service()));
    const confirmed = (await calm.entries()).findIndex(({ event }) => event.kind === 'call.confirmed');
    await world.enter(before, { events: confirmed + 1 });
    const empty: AnyAgent = transaction(flow({ name: 'body', run: async () => 'nothing' }));
    const ending = await world.enter({ ...before, agent: empty, options: { onPark: 'return' } });
    expect(ending).toMatchObject({ kind: 'failed', code: 'RUN_PARKED', message: expect.stringContaining("has no 'note'") as string });
    expect(service.done).toEqual([]);
    expect(await world.enter(before)).toMatchObject({ kind: 'succeeded', output: 'led' });
    expect(service.whats).toEqual(ALL);
  });
});
