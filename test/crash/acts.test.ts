// Acts on the world (tools and steps with effect 'immediate') and crashes: an act happens once, or somebody is told.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow, map, step, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { holds } from './law.ts';
import { type Mortal, World } from './mortal.ts';

/** A program with one act between two answers, and the world it acts on. */
function acting(): { readonly mortal: Mortal; readonly acts: string[] } {
  const acts: string[] = [];
  const send = tool({
    description: 'Send it.',
    effect: 'immediate',
    input: z.object({ to: z.string() }),
    execute: ({ to }) => {
      acts.push(to);
      return { sent: acts.length };
    },
  });
  const inner = agent({ name: 'inner', instructions: 'x', input: z.object({ to: z.string() }), tools: { send } });
  const outer = agent({ name: 'outer', instructions: 'x', tools: { inner } });
  const model: Mortal['model'] = () =>
    scripted(({ prompt, tools }) => {
      const spoken = prompt.some((message) => message.role === 'assistant');
      return spoken ? { text: 'sent' } : { tools: [[tools?.[0]?.name ?? '', { to: 'ann' }]] };
    });
  return {
    mortal: { agent: flow({ name: 'program', run: async (input: string, ctx) => await ctx.call(outer, input) }), input: 'q', model },
    acts,
  };
}

describe('an act on the world', () => {
  it('is never repeated by a resume, wherever the run crashed, and is done again only for who asks for it', async () => {
    const calm = acting();
    const undisturbed = new World('act');
    expect(await undisturbed.enter(calm.mortal)).toMatchObject({ kind: 'succeeded', output: 'sent' });
    expect(calm.acts).toEqual(['ann']);
    const { length } = await undisturbed.entries();
    let uncertain = 0;
    for (let events = 0; events <= length; events += 1) {
      for (const lingerMs of [0, 4]) {
        const { mortal, acts } = acting();
        const world = new World('act');
        await world.enter(mortal, { events, lingerMs });
        const entries = await world.entries();
        const open =
          entries.some(({ event }) => event.kind === 'effect.committing') &&
          !entries.some(({ event }) => event.kind === 'effect.committed');
        const before = acts.length;
        for (let again = 0; again < 5; again += 1) {
          const ending = await world.enter(mortal);
          expect(ending, `crashed after ${events} events`).toMatchObject(
            open ? { kind: 'failed', code: 'EFFECT_UNCERTAIN' } : { kind: 'succeeded', output: 'sent' },
          );
          await holds(world, ending);
        }
        expect(acts.length).toBe(open ? before : 1);
        if (!open) continue;
        uncertain += 1;
        const call = entries.flatMap(({ event }) => (event.kind === 'effect.committing' ? event.calls.slice(0, 1) : []));
        const last = await world.enter({ ...mortal, options: { retry: call } });
        expect(last).toMatchObject({ kind: 'succeeded', output: 'sent' });
        expect(acts.length).toBe(before + 1);
        await holds(world, last);
      }
    }
    // Between its record and that of what came back, which is one of two events, both dying at once and a little later.
    expect(uncertain).toBe(4);
  });

  it('is retried at the call that was told, also where others have the same path', async () => {
    let fragile = true;
    const post = step({
      name: 'post',
      effect: 'immediate',
      execute: (to: string) => (fragile && to === 'ann' ? new Promise<string>(() => {}) : `posted ${to}`),
    });
    const program = flow({
      name: 'program',
      run: async (_: string, ctx) => (await Promise.all([ctx.call(post, 'ann'), ctx.call(post, 'bob')])).join(', '),
    });
    const mortal: Mortal = { agent: program, input: 'q', model: () => scripted([]) };
    const world = new World('same-path');
    await world.enter(mortal, { events: 12, lingerMs: 10 });
    const told = await world.enter(mortal);
    expect(told).toMatchObject({ code: 'EFFECT_UNCERTAIN' });
    fragile = false;
    const name = told.kind === 'failed' ? /--retry '([^']+)'/.exec(told.message)?.[1] : undefined;
    expect(await world.enter({ ...mortal, options: { retry: [name ?? ''] } })).toMatchObject({
      kind: 'succeeded',
      output: 'posted ann, posted bob',
    });
  });

  it('that comes back after a cancel is on record before the run is given up, wherever in the program it was', async () => {
    for (const where of ['map', 'race', 'tools'] as const) {
      const stop = new AbortController();
      let acts = 0;
      const slowly = async (clock: { sleep(ms: number): Promise<void> } | undefined): Promise<string> => {
        acts += 1;
        stop.abort('enough');
        await clock?.sleep(100);
        return 'done';
      };
      const world = new World(`cancel-${where}`);
      let time: { sleep(ms: number): Promise<void> } | undefined;
      const post = step({
        name: 'post',
        input: z.unknown(),
        output: z.string(),
        effect: 'immediate',
        undo: () => {},
        execute: () => slowly(time),
      });
      const send = tool({ description: 'Send.', effect: 'immediate', input: z.object({}), execute: () => slowly(time) });
      const look = tool({ description: 'Look.', effect: 'none', input: z.object({}), execute: () => new Promise(() => {}) });
      const poster = agent({ name: 'poster', instructions: 'x', input: z.unknown(), tools: { send, look } });
      const program = flow({
        name: 'program',
        input: z.unknown(),
        run: async (input: unknown, ctx) => {
          if (where === 'map') return await ctx.call(map(post), [input]);
          if (where === 'race') return await ctx.race([async (below) => await below.call(post, input)]);
          return await ctx.call(poster, input);
        },
      });
      const mortal = (options: Mortal['options']): Mortal => ({
        agent: program,
        input: {},
        model: (clock) => {
          time = clock;
          return scripted(({ prompt }) =>
            prompt.some((message) => message.role === 'assistant')
              ? { text: 'done' }
              : {
                  tools: [
                    ['look', {}],
                    ['send', {}],
                  ],
                },
          );
        },
        options: { ...options },
      });
      expect(await world.enter(mortal({ signal: stop.signal })), where).toMatchObject({ kind: 'failed', code: 'CANCELLED' });
      const kinds = (await world.entries()).map(({ event }) => event.kind);
      expect(kinds, where).toContain('effect.committed');
      if (where !== 'tools') expect(await world.enter(mortal({})), where).toMatchObject({ kind: 'succeeded' });
      expect(acts, where).toBe(1);
    }
  });

  it('that was cancelled before it began is not uncertain, and is begun by the next entry', async () => {
    const stop = new AbortController();
    let acts = 0;
    const post = step({ name: 'post', effect: 'immediate', execute: () => `posted ${(acts += 1)}` });
    const mortal: Mortal = {
      agent: flow({ name: 'program', run: async (input: string, ctx) => await ctx.call(post, input) }),
      input: 'q',
      model: () => scripted([]),
    };
    const world = new World('not-begun');
    const cancel = (event: { readonly kind: string }): void => {
      if (event.kind === 'effect.committing') stop.abort('enough');
    };
    expect(await world.enter({ ...mortal, options: { signal: stop.signal, onEvent: cancel } })).toMatchObject({
      kind: 'failed',
      code: 'CANCELLED',
    });
    expect(acts).toBe(0);
    const last = await world.enter(mortal);
    expect(last).toMatchObject({ kind: 'succeeded', output: 'posted 1' });
    await holds(world, last);
  });

  it('does not begin when its call ran out of time while that was being recorded', async () => {
    let acts = 0;
    const post = step({ name: 'post', effect: 'immediate', timeoutMs: 1, execute: () => `posted ${(acts += 1)}` });
    const program = flow({
      name: 'program',
      run: async (input: string, ctx) =>
        await ctx.call(post, input).catch((error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'unknown')),
    });
    const world = new World('too-late');
    const ending = await world.enter({ agent: program, input: 'q', model: () => scripted([]) });
    expect(ending).toMatchObject({ kind: 'succeeded', output: 'TIMEOUT' });
    expect(acts).toBe(0);
    await holds(world, ending);
  });

  it('of the loser of a race is waited for and undone before the winner is on record, wherever it crashes', async () => {
    const done: string[] = [];
    const undone: string[] = [];
    let time: { sleep(ms: number): Promise<void> } | undefined;
    const slow = step({
      name: 'slow',
      effect: 'immediate',
      undo: (result, { key }) => undone.push(`${result} ${key}`),
      idempotent: true,
      execute: async (_, { key }) => {
        done.push(`slow ${key}`);
        await time?.sleep(50);
        return 'slow';
      },
    });
    const quick = step({ name: 'quick', execute: async () => (await time?.sleep(10), 'quick') });
    const program = flow({
      name: 'program',
      run: async (input: string, ctx) =>
        await ctx.race([async (below) => await below.call(slow, input), async (below) => await below.call(quick, input)]),
    });
    const mortal: Mortal = {
      agent: program,
      input: 'q',
      model: (clock) => {
        time = clock;
        return scripted([]);
      },
    };
    const calm = new World('loser');
    expect(await calm.enter(mortal)).toMatchObject({ kind: 'succeeded', output: 'quick' });
    expect(await calm.enter(mortal)).toMatchObject({ kind: 'succeeded', output: 'quick' });
    expect(done).toHaveLength(1);
    expect(undone).toEqual(done);
    const { length } = await calm.entries();
    for (let events = 1; events <= length; events += 1) {
      for (const lingerMs of [0, 4]) {
        done.length = undone.length = 0;
        const world = new World('loser');
        await world.enter(mortal, { events, lingerMs });
        const ending = await world.enter(mortal);
        expect(ending, `crashed after ${events} events`).toMatchObject({ kind: 'succeeded', output: 'quick' });
        expect(new Set(undone), `crashed after ${events} events`).toEqual(new Set(done));
        await holds(world, ending);
      }
    }
  });
});
