// Sagas and crashes: what was done at once for something that is refused is undone, in reverse, wherever the run crashes; what stands
// in the end was asked for by what stands.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, type AnyAgent, flow, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { noOrphanEffects } from '../suites/effectLaws.ts';
import { answered, asksOf } from './answering.ts';
import { holds } from './law.ts';
import { type Mortal, World } from './mortal.ts';

/** A desk where things are booked, by key, and given back. */
class Desk {
  readonly log: string[] = [];
  readonly booked = new Map<string, string>();
  /** How often giving back fails before it works. */
  failures = 0;

  book(what: string, key: string): string {
    if (!this.booked.has(key)) this.log.push(`book ${what}`);
    this.booked.set(key, what);
    return `booked ${what}`;
  }

  giveBack(what: string, key: string): void {
    if (this.failures > 0) {
      this.failures -= 1;
      throw new Error('the desk is closed');
    }
    if (this.booked.delete(key)) this.log.push(`give back ${what}`);
  }

  readonly step = step({
    name: 'book',
    effect: 'immediate',
    idempotent: true,
    undo: (_, { key, args }) => this.giveBack(args, key),
    execute: (what: string, { key }) => this.book(what, key),
  });

  /** A model that books what it is told, turn by turn; each refused answer is followed by the next list. */
  travel(lists: readonly (readonly string[])[], undoable = true): { readonly agent: AnyAgent; readonly model: Mortal['model'] } {
    const book = tool({
      description: 'Book.',
      effect: 'immediate',
      idempotent: true,
      input: z.object({ what: z.string() }),
      ...(undoable ? { undo: (_: unknown, { key, args }: { key: string; args: { what: string } }) => this.giveBack(args.what, key) } : {}),
      execute: ({ what }, { key }) => this.book(what, key),
    });
    const made = agent({
      name: 'travel',
      instructions: 'x',
      tools: { book },
      repairs: 0,
      attempts: lists.length,
      settings: { seed: 0 },
      checks: [(text: string) => (text === `done ${lists.at(-1)?.join()}` ? undefined : 'too dear')],
    });
    const model: Mortal['model'] = () =>
      scripted(({ prompt, seed = 0 }) => {
        const list = lists[seed] ?? [];
        const turn = prompt.filter(({ role }) => role === 'assistant').length;
        const what = list[turn];
        return what === undefined ? { text: `done ${list.join()}` } : { tools: [['book', { what }]] };
      });
    return { agent: made, model };
  }
}

type Program = (desk: Desk) => Pick<Mortal, 'agent' | 'model'>;

const code =
  (run: (desk: Desk) => AnyAgent): Program =>
  (desk) => ({ agent: run(desk), model: () => scripted([]) });

/** Crashes a program everywhere, at once and a little later, and holds each to what stands in the end. Gives how often. */
async function everywhere(program: Program, ends: unknown, stands: readonly string[]): Promise<number> {
  const calm = new World('calm');
  const desk = new Desk();
  expect(await calm.enter({ ...program(desk), input: 'q' })).toMatchObject(ends as object);
  expect([...desk.booked.values()]).toEqual(stands);
  const { length } = await calm.entries();
  for (let events = 1; events <= length; events += 1) {
    for (const lingerMs of [0, 3]) {
      const world = new World(`undo-${events}`);
      const present = new Desk();
      const mortal = { ...program(present), input: 'q' };
      const before = await world.enter(mortal, { events, lingerMs });
      const ending =
        before.kind === 'died' && (await world.entries()).at(-1)?.event.kind !== 'run.failed'
          ? await answered(world, mortal, () => undefined)
          : before;
      const where = `crashed after ${events} of ${length} events, ${lingerMs} ms later`;
      if (ending.kind !== 'died') expect(ending, where).toMatchObject(ends as object);
      expect([...present.booked.values()], where).toEqual(stands);
      expect(await asksOf(world), where).toEqual([]);
      await holds(world, ending);
      noOrphanEffects(await world.entries());
    }
  }
  return length;
}

describe('what a refused attempt did at once', () => {
  it('is undone in reverse order before the next attempt, wherever it crashes', async () => {
    const lists = [['flight', 'hotel'], ['train']];
    const desk = new Desk();
    await new World('order').enter({ ...desk.travel(lists), input: 'q' });
    expect(desk.log).toEqual(['book flight', 'book hotel', 'give back hotel', 'give back flight', 'book train']);
    expect(await everywhere((one) => one.travel(lists), { kind: 'succeeded', output: 'done train' }, ['train'])).toBeGreaterThan(20);
  });

  it('is done again with another key where the next attempt does the same', async () => {
    expect(
      await everywhere((desk) => desk.travel([['flight'], ['flight', 'hotel']]), { kind: 'succeeded' }, ['flight', 'hotel']),
    ).toBeGreaterThan(20);
  });

  it('is undone where it is refused for good', async () => {
    const hopeless = (desk: Desk): Pick<Mortal, 'agent' | 'model'> => {
      const { model } = desk.travel([['flight'], ['train']]);
      const { agent: travel } = desk.travel([['flight'], ['never']]);
      return { agent: travel, model };
    };
    expect(await everywhere(hopeless, { kind: 'failed', code: 'CHECK_FAILED' }, [])).toBeGreaterThan(20);
  });

  it('stands as a whole where one of it has no undo, and there is no next attempt', async () => {
    const desk = new Desk();
    const failed = await new World('stands').enter({ ...desk.travel([['flight'], ['train']], false), input: 'q' });
    expect(failed).toMatchObject({ code: 'CHECK_FAILED', message: expect.stringContaining('It has acted on the world') as string });
    expect(desk.log).toEqual(['book flight']);
  });
});

describe('what was done at once below a holder', () => {
  const failing = code((desk) =>
    flow({
      name: 'program',
      uses: [],
      run: async (_: string, ctx) => {
        const trip = flow({
          name: 'trip',
          checks: [() => undefined],
          run: async (what: string, below) => {
            await below.call(desk.step, `${what} 1`);
            await below.all([(c) => c.call(desk.step, `${what} 2`), (c) => c.call(desk.step, `${what} 3`)]);
            throw new Error('no seat');
          },
        });
        const said = await ctx.call(trip, 'flight').catch(() => 'no trip');
        return `${said}, ${await ctx.call(desk.step, 'taxi')}`;
      },
    }),
  );

  it('is undone where it fails, wherever it crashes, and what is beside it stands', async () => {
    expect(await everywhere(failing, { kind: 'succeeded', output: 'no trip, booked taxi' }, ['taxi'])).toBeGreaterThan(20);
  });

  it('is undone where its output is refused', async () => {
    const refused = code((desk) =>
      flow({
        name: 'program',
        attempts: 2,
        checks: [() => 'not good enough'],
        run: async (_: string, ctx) => [await ctx.call(desk.step, 'a'), await ctx.call(desk.step, 'b')],
      }),
    );
    expect(await everywhere(refused, { kind: 'failed', code: 'CHECK_FAILED' }, [])).toBeGreaterThan(20);
  });

  it('is done anew, with other keys, by a resume into it', async () => {
    const desk = new Desk();
    let seats = 0;
    const trip = flow({
      name: 'trip',
      checks: [() => undefined],
      run: async (_: string, ctx) => {
        await ctx.call(desk.step, 'flight');
        if (seats === 0) throw new Error('no seat');
        return await ctx.call(desk.step, 'hotel');
      },
    });
    const mortal: Mortal = { agent: trip, input: 'q', model: () => scripted([]) };
    const world = new World('anew');
    expect(await world.enter(mortal)).toMatchObject({ kind: 'failed' });
    expect(desk.log).toEqual(['book flight', 'give back flight']);
    seats = 1;
    const ending = await world.enter(mortal);
    expect(ending).toMatchObject({ kind: 'succeeded' });
    expect([...desk.booked.values()]).toEqual(['flight', 'hotel']);
    await holds(world, ending);
  });
});

describe('an undo that fails', () => {
  it('is shown to a person, who says that it is taken back, to be tried again, or may stand', async () => {
    for (const [outcome, failures, stands] of [
      ['done', Infinity, ['flight', 'train']], // somebody else cancels that flight
      ['not done', 1, ['train']],
      ['give up', Infinity, ['flight']],
    ] as const) {
      const desk = new Desk();
      desk.failures = failures;
      const world = new World('closed');
      const ending = await answered(world, { ...desk.travel([['flight'], ['train']]), input: 'q' }, () => ({ outcome }));
      expect(await asksOf(world), outcome).toMatchObject([{ of: 'effect', about: { tool: 'book', undo: true, args: { what: 'flight' } } }]);
      expect(ending.kind, outcome).toBe(outcome === 'give up' ? 'failed' : 'succeeded');
      expect([...desk.booked.values()], outcome).toEqual(stands);
      noOrphanEffects(await world.entries());
    }
  });
});
