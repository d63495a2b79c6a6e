// Programs that go another way when they are entered again, after an effect: nothing new is done before a person has seen both.

import { describe, expect, it } from 'vitest';
import { all, type AnyAgent, flow, map, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { answered, asksOf } from './answering.ts';
import { holds } from './law.ts';
import { type Mortal, World } from './mortal.ts';

/** What was sent, and a step that sends. */
function mailbox(): { readonly sent: string[]; readonly post: ReturnType<typeof postTo> } {
  const sent: string[] = [];
  return { sent, post: postTo(sent) };
}
function postTo(sent: string[]) {
  return step({
    name: 'post',
    effect: 'immediate',
    execute: (what: string) => {
      sent.push(what);
      return `posted ${what}`;
    },
  });
}

const mortalOf = (agent: AnyAgent): Mortal => ({ agent, input: 'q', model: () => scripted([]) });

/** How many events there were once the nth effect was on record. */
async function committed(mortal: Mortal, nth = 1): Promise<number> {
  const world = new World('calm');
  await world.enter(mortal);
  const at = (await world.entries()).flatMap(({ seq, event }) => (event.kind === 'effect.committed' ? [seq] : []));
  return (at[nth - 1] ?? Number.NaN) + 2; // with what came back
}

describe('a flow that reads the clock behind the back of ctx', () => {
  let today = 'monday';
  function program(): { readonly mortal: Mortal; readonly sent: string[] } {
    const { sent, post } = mailbox();
    const run = async (_: string, ctx: { call(agent: typeof post, input: string): Promise<string> }): Promise<string> =>
      `${await ctx.call(post, `report of ${today}`)}; ${await ctx.call(post, 'the end')}`;
    return { mortal: mortalOf(flow({ name: 'program', run })), sent };
  }
  async function crashed(): Promise<{ readonly world: World; readonly mortal: Mortal; readonly sent: string[] }> {
    today = 'monday';
    const events = await committed(program().mortal);
    const { mortal, sent } = program();
    const world = new World('clock');
    await world.enter(mortal, { events });
    expect(sent).toEqual(['report of monday']);
    today = 'tuesday';
    return { world, mortal, sent };
  }

  it('is parked with both shown, and nothing is sent, however often it is entered', async () => {
    const { world, mortal, sent } = await crashed();
    for (const _ of [1, 2, 3]) expect(await answered(world, mortal, () => undefined)).toMatchObject({ code: 'RUN_PARKED' });
    expect(sent).toEqual(['report of monday']);
    expect(await asksOf(world)).toMatchObject([
      {
        of: 'diverged',
        about: {
          committed: [{ tool: 'post', args: 'report of monday', path: 'program/post' }],
          wants: { tool: 'post', args: 'report of tuesday', path: 'program/post' },
        },
        question: expect.stringContaining("did 'post' of 'program/post'") as string,
      },
    ]);
  });

  it('goes on where a person accepts it, which is remembered', async () => {
    const { world, mortal, sent } = await crashed();
    const accepts = (): { outcome: string } => ({ outcome: 'go on' });
    expect(await answered(world, mortal, accepts)).toMatchObject({ kind: 'succeeded', output: 'posted report of tuesday; posted the end' });
    expect(sent).toEqual(['report of monday', 'report of tuesday', 'the end']);
    const ending = await answered(world, mortal, () => undefined);
    expect(ending).toMatchObject({ kind: 'succeeded' });
    expect(await asksOf(world)).toHaveLength(1);
    await holds(world, ending);
  });

  it('fails where a person stops it; as it was, it goes on from there', async () => {
    const { world, mortal, sent } = await crashed();
    const stopped = await answered(world, mortal, () => ({ outcome: 'stop' }));
    expect(stopped).toMatchObject({ code: 'DIVERGED', message: expect.stringContaining("had done 'post' of 'program/post'") as string });
    expect(await answered(world, mortal, () => undefined)).toMatchObject({ code: 'RUN_PARKED' });
    expect(sent).toEqual(['report of monday']);
    today = 'monday';
    expect(await answered(world, mortal, () => undefined)).toMatchObject({ output: 'posted report of monday; posted the end' });
    expect(sent).toEqual(['report of monday', 'the end']);
  });
});

describe('a program that was edited', () => {
  it('and does not ask for an effect any more is shown to a person before it ends', async () => {
    const { sent, post } = mailbox();
    const before = flow({ name: 'program', run: async (_: string, ctx) => [await ctx.call(post, 'a'), await ctx.random()] });
    const world = new World('left-out');
    await world.enter(mortalOf(before), { events: await committed(mortalOf(before)) });
    sent.length = 1;
    const after = mortalOf(flow({ name: 'program', run: async () => await Promise.resolve('nothing') }));
    expect(await answered(world, after, () => undefined)).toMatchObject({ code: 'RUN_PARKED' });
    expect((await asksOf(world))[0]).toMatchObject({
      of: 'diverged',
      calls: [],
      question: expect.stringContaining('ended without') as string,
    });
    const ending = await answered(world, after, () => ({ outcome: 'go on' }));
    expect(ending).toMatchObject({ kind: 'succeeded', output: 'nothing' });
    expect(sent).toHaveLength(1);
    await holds(world, ending);
  });

  it('and only asks for more goes on without a question', async () => {
    const { sent, post } = mailbox();
    const before = flow({ name: 'program', run: async (_: string, ctx) => [await ctx.call(post, 'a'), await ctx.call(post, 'b')] });
    const world = new World('added');
    await world.enter(mortalOf(before), { events: await committed(mortalOf(before)) });
    sent.length = 1;
    const after = flow({
      name: 'program',
      run: async (_: string, ctx) => [await ctx.call(post, 'a'), await ctx.call(post, 'new'), await ctx.call(post, 'b')],
    });
    expect(await answered(world, mortalOf(after), () => undefined)).toMatchObject({ kind: 'succeeded' });
    expect(sent).toEqual(['a', 'new', 'b']);
    expect(await asksOf(world)).toEqual([]);
  });
});

describe('an honest program', () => {
  const programs: Readonly<Record<string, (post: ReturnType<typeof postTo>) => AnyAgent>> = {
    'a map, some at a time': (post) => {
      const slow = step({
        name: 'slow',
        version: '1',
        execute: (what: string) => (what === 'b' ? Promise.reject(new Error('not b')) : what),
      });
      const item = flow({ name: 'item', run: async (what: string, ctx) => await ctx.call(post, await ctx.call(slow, what)) });
      return flow({
        name: 'program',
        run: async (_: string, ctx) => await ctx.call(map(item, { concurrency: 2, atLeast: 0.5 }), ['a', 'b', 'c', 'd', 'e']),
      });
    },
    'a map that stops early, caught': (post) => {
      const slow = step({ name: 'slow', version: '1', execute: async (what: string) => await Promise.resolve(what) });
      const item = flow({
        name: 'item',
        run: async (what: string, ctx) => {
          if (what !== 'a') return await ctx.call(post, what);
          for (const nth of ['1', '2', '3', '4', '5']) await ctx.call(slow, nth);
          throw new Error('no');
        },
      });
      return flow({
        name: 'program',
        run: async (_: string, ctx) => {
          const outcome = await ctx.call(map(item, { concurrency: 3 }), ['a', 'b', 'c', 'd', 'e', 'f']).catch(() => 'failed');
          return [outcome, await ctx.call(post, 'after')];
        },
      });
    },
    'caught failures and time-outs': (post) =>
      flow({
        name: 'program',
        run: async (_: string, ctx) => {
          const fails = flow({
            name: 'fails',
            run: async (what: string, below) => {
              await below.call(post, what);
              throw new Error('and then');
            },
          });
          const caught = await ctx.call(fails, 'a').catch(() => 'caught');
          return [caught, await ctx.call(post, 'b')];
        },
      }),
    'branches at once': (post) =>
      flow({
        name: 'program',
        run: async (_: string, ctx) => {
          const both = await ctx.call(
            all({ left: post, right: flow({ name: 'right', run: async (what: string, c) => await c.call(post, `${what}2`) }) }),
            'a',
          );
          return [both, await ctx.call(post, 'b')];
        },
      }),
  };

  for (const [name, make] of Object.entries(programs)) {
    it(`is never asked about: ${name}, crashed anywhere`, async () => {
      const calm = new World('calm');
      const box = mailbox();
      const whole = await calm.enter(mortalOf(make(box.post)));
      const { length } = await calm.entries();
      for (let events = 1; events <= length; events += 1) {
        const { sent, post } = mailbox();
        const mortal = mortalOf(make(post));
        const world = new World(`honest-${events}`);
        await world.enter(mortal, { events, lingerMs: events % 3 });
        const ending = await answered(world, mortal, ({ of }) => (of === 'effect' ? { outcome: 'done', result: 'posted' } : undefined));
        expect(ending.kind, `crashed after ${events} of ${length}`).toBe(whole.kind);
        expect((await asksOf(world)).filter(({ of }) => of !== 'effect')).toEqual([]);
        expect(new Set(sent).size).toBe(sent.length);
      }
    });
  }
});
