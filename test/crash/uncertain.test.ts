// Acts that began and never came back, because their process died: their service is asked, or a person, and nothing is guessed.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow, step, tool } from '../../src/index.ts';
import type { Json } from '../../src/journal/event.ts';
import { scripted } from '../../src/testing.ts';
import { answered, asksOf } from './answering.ts';
import { holds } from './law.ts';
import { type Ending, type Mortal, World } from './mortal.ts';

type Rules = Pick<Parameters<typeof step>[0], 'idempotent'> & { readonly verify?: 'told' | 'cannot' };

/** A service that counts what it is sent by key, and a program that sends one thing between two answers. */
class Post {
  readonly sent: string[] = [];
  readonly mortal: Mortal;

  constructor({ idempotent = false, verify }: Rules, as: 'tool' | 'step') {
    const execute = (to: string, key: string): string => {
      this.sent.push(key);
      return `sent to ${to}`;
    };
    const verified = (key: string): { done: true; result: string } | { done: false } | undefined => {
      if (verify === 'cannot') return undefined;
      return this.sent.includes(key) ? { done: true, result: 'sent, says the service' } : { done: false };
    };
    const rules = { effect: 'immediate' as const, idempotent, ...(verify === undefined ? {} : { verify: verified }) };
    const send = tool({
      ...rules,
      description: 'Send.',
      input: z.object({ to: z.string() }),
      execute: ({ to }, { key }) => execute(to, key),
    });
    const mail = agent({ name: 'mail', instructions: 'x', tools: { send } });
    const post = step({ ...rules, name: 'post', output: z.string(), execute: (to, { key }) => execute(to, key) });
    const acting = as === 'tool' ? mail : post;
    this.mortal = {
      agent: flow({ name: 'program', run: async (input: string, ctx) => `${await ctx.call(acting, input)}!` }),
      input: 'ann',
      model: () =>
        scripted(({ prompt }) => {
          const last = prompt.at(-1);
          if (last?.role !== 'tool') return { tools: [['send', { to: 'ann' }]] };
          return { text: last.content.map((part) => ('output' in part ? JSON.stringify(part.output) : '')).join() };
        }),
    };
  }

  /** Whether the service has what this key sent. */
  has(key: unknown): boolean {
    return this.sent.some((one) => one === key);
  }
}

/** Dies at every position of a run, both at once and a little later; gives each to be gone on with. */
async function everywhere(rules: Rules, as: 'tool' | 'step', goOn: (world: World, post: Post) => Promise<Ending>): Promise<void> {
  const calm = new Post(rules, as);
  const undisturbed = new World('calm');
  await undisturbed.enter(calm.mortal);
  expect(calm.sent).toHaveLength(1);
  const { length } = await undisturbed.entries();
  for (let events = 1; events <= length; events += 1) {
    for (const lingerMs of [0, 4]) {
      const post = new Post(rules, as);
      const world = new World(`post-${events}-${lingerMs}`);
      await world.enter(post.mortal, { events, lingerMs });
      const ending = await goOn(world, post);
      expect(ending, `crashed after ${events} events`).toMatchObject({ kind: 'succeeded' });
      expect(new Set(post.sent).size, `crashed after ${events} events`).toBe(1);
      await holds(world, ending);
    }
  }
}

/** A person who looks whether it was done. */
const truthful =
  (post: Post) =>
  ({ about }: { readonly about: Json }): Json =>
    post.has(typeof about === 'object' && about !== null && 'key' in about ? about['key'] : undefined)
      ? { outcome: 'done', result: 'sent, says a person' }
      : { outcome: 'not done' };

describe.each(['tool', 'step'] as const)('an act of a %s that never came back', (as) => {
  it('is sent again with the same key where its service takes keys, and nobody is asked', async () => {
    await everywhere({ idempotent: true }, as, async (world, post) => {
      const ending = await answered(world, post.mortal, () => undefined);
      expect(await asksOf(world)).toEqual([]);
      return ending;
    });
  });

  it('is done as its service says, and done once', async () => {
    await everywhere({ verify: 'told' }, as, async (world, post) => {
      const ending = await answered(world, post.mortal, () => undefined);
      expect(await asksOf(world)).toEqual([]);
      expect(post.sent).toHaveLength(1);
      return ending;
    });
  });

  it('is asked of a person where nobody else knows, or cannot tell, and done once', async () => {
    for (const rules of [{}, { verify: 'cannot' }] as const) {
      let asked = 0;
      await everywhere(rules, as, async (world, post) => {
        const begun = post.sent.length;
        const came = (await world.entries()).some(({ event }) => event.kind === 'effect.committed');
        const began = (await world.entries()).some(({ event }) => event.kind === 'effect.committing');
        const ending = await answered(world, post.mortal, truthful(post));
        const asks = await asksOf(world);
        expect(asks.map(({ of }) => of)).toEqual(began && !came ? ['effect'] : []);
        asked += asks.length;
        expect(post.sent).toHaveLength(Math.max(1, begun));
        return ending;
      });
      expect(asked).toBeGreaterThan(2);
    }
  });
});

describe('what a person says of an act', () => {
  async function lost(): Promise<{ readonly post: Post; readonly world: World }> {
    const post = new Post({}, 'step');
    const world = new World('lost');
    await world.enter(post.mortal, { events: 6, lingerMs: 4 });
    expect((await world.entries()).at(-1)?.event.kind).toBe('effect.committing');
    return { post, world };
  }

  it('is asked only where it is reached, and waited for without an end of its own', async () => {
    const { post, world } = await lost();
    const parked = await answered(world, post.mortal, () => undefined);
    expect(parked).toMatchObject({ code: 'RUN_PARKED' });
    const [ask] = await asksOf(world);
    expect(ask).toMatchObject({ of: 'effect', path: 'program/post', about: { tool: 'post', args: 'ann', key: post.sent[0] } });
    expect(ask?.question).toBe("'post' was called by 'program/post' and never came back. Look whether it was done: was it?");
    expect(await answered(world, post.mortal, () => undefined)).toMatchObject({ code: 'RUN_PARKED' });
    expect(await asksOf(world)).toHaveLength(1);
  });

  it('is an answer of its service: a result that was given is what it gave', async () => {
    const { post, world } = await lost();
    expect(await answered(world, post.mortal, () => ({ outcome: 'done', result: 'seen in the box' }))).toMatchObject({
      output: 'seen in the box!',
    });
    expect(post.sent).toHaveLength(1);
  });

  it('that it was given up fails its call, which does it again only for who retries', async () => {
    const { post, world } = await lost();
    const failed = await answered(world, post.mortal, () => ({ outcome: 'give up' }));
    expect(failed).toMatchObject({
      kind: 'failed',
      code: 'EFFECT_UNCERTAIN',
      message: expect.stringContaining('a person gave it up') as string,
    });
    expect(await answered(world, post.mortal, () => undefined)).toMatchObject({ code: 'EFFECT_UNCERTAIN' });
    expect(post.sent).toHaveLength(1);
    const retried = { ...post.mortal, options: { retry: ['program/post'] } };
    expect(await answered(world, retried, () => undefined)).toMatchObject({ kind: 'succeeded', output: 'sent to ann!' });
    expect(post.sent).toHaveLength(2);
    expect(new Set(post.sent).size).toBe(1);
  });

  it('holds for the beginning that it was said of: lost once more, it is asked once more', async () => {
    const { post, world } = await lost();
    await answered(world, post.mortal, () => undefined);
    const [ask] = await asksOf(world);
    if (ask === undefined) throw new Error('nobody was asked');
    await world.store.respond(ask.ask, { kind: 'answer', value: { outcome: 'not done' } }, ask.at + 1);
    for (let more = 2; post.sent.length < 2 && more < 9; more += 1)
      await world.enter(post.mortal, { events: (await world.entries()).length + more, lingerMs: 4 });
    expect(await answered(world, post.mortal, () => undefined)).toMatchObject({ code: 'RUN_PARKED' });
    expect(await asksOf(world)).toHaveLength(2);
    expect(post.sent).toHaveLength(2);
  });
});
