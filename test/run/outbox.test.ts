// Staged effects: from the tool call that is answered with a receipt to the call that commits them.

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, all, field, flow, map, pipe, type Receipt, step, tool, transaction } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

/** What was done, in order, with the keys under which it was. */
class Service {
  readonly done: { readonly what: string; readonly key: string }[] = [];

  get whats(): readonly string[] {
    return this.done.map(({ what }) => what);
  }

  do(what: string, key: string): { id: number; ticket: { id: string } } {
    this.done.push({ what, key });
    return { id: this.done.length, ticket: { id: `T${this.done.length}` } };
  }

  tool(name: string, options: object = {}) {
    return tool({
      description: name,
      effect: 'staged',
      input: z.object({ text: z.string() }),
      execute: ({ text }, { key }) => this.do(`${name} ${text}`, key),
      ...options,
    });
  }

  step<const N extends string>(name: N, options: object = {}) {
    return step({
      name,
      effect: 'staged',
      execute: (text: string, { key }) => JSON.stringify(this.do(`${name} ${text}`, key)),
      ...options,
    });
  }
}

describe('a staged tool', () => {
  test('is told of when an answer is refused, so that its model does not call for it again', async () => {
    const service = new Service();
    const model = scripted([
      { tools: [['post', { text: 'a' }]] },
      { text: 'no' },
      { expect: /Still staged, .*do not call for it again: post \[receipt:.{12}\]\.$/, text: 'posted' },
    ]);
    const checks = [(said: string) => (said === 'posted' ? undefined : 'say what you did')];
    const poster = agent({ name: 'poster', model, instructions: 'x', tools: { post: service.tool('post') }, checks });
    await new Trial().run(poster, 'go');
    model.assertComplete();
    expect(service.whats).toEqual(['post a']);
  });

  test('is answered with a receipt, and done once the answer stands', async () => {
    const service = new Service();
    const model = scripted([{ tools: [['post', { text: 'a' }]] }, { tools: [['post', { text: 'b' }]] }, { text: 'posted' }]);
    const before: number[] = [];
    const poster = agent({
      name: 'poster',
      model,
      instructions: 'x',
      tools: { post: service.tool('post') },
      checks: [() => void before.push(service.done.length)],
    });
    const trial = new Trial();
    const { output } = await trial.run(poster, 'go');
    expect(output).toBe('posted');
    expect(before).toEqual([0]);
    expect(service.whats).toEqual(['post a', 'post b']);
    expect(toolAnswers(model, 1)).toEqual([
      { staged: true, receipt: expect.stringMatching(/^\[receipt:.{12}\]$/), note: expect.stringContaining('once your answer stands') },
    ]);
    const kinds = (await trial.events()).map(({ kind }) => kind).filter((kind) => /^(effect|call)\./.test(kind));
    expect(kinds).toEqual([
      'call.started',
      'effect.staged',
      'effect.staged',
      'call.confirmed',
      'effect.committing',
      'effect.committed',
      'effect.committing',
      'effect.committed',
      'call.succeeded',
    ]);
  });

  test('counts equal calls of an attempt apart, and has the same key in a fresh attempt that does the same', async () => {
    const service = new Service();
    const twice = {
      tools: [
        ['post', { text: 'a' }],
        ['post', { text: 'a' }],
      ] as const,
    };
    const model = scripted([twice, { text: 'bad' }, twice, { text: 'good' }]);
    const poster = agent({
      name: 'poster',
      model,
      instructions: 'x',
      repairs: 0,
      tools: { post: service.tool('post') },
      checks: [(text) => (text === 'bad' ? 'no' : undefined)],
    });
    const trial = new Trial();
    await trial.run(poster, 'go');
    expect(service.whats).toEqual(['post a', 'post a']);
    const staged = await trial.events('effect.staged');
    expect(staged.map(({ key }) => key)).toEqual([...service.done, ...service.done].map(({ key }) => key));
    expect(new Set(staged.map(({ key }) => key)).size).toBe(2);
    expect((await trial.events('effect.discarded')).map(({ why }) => why)).toEqual(['its attempt was refused', 'its attempt was refused']);
  });

  test('whose arguments do not fit is told so, and nothing is staged', async () => {
    const service = new Service();
    const model = scripted([{ tools: [['post', { txt: 'a' }]] }, { text: 'sorry' }]);
    const trial = new Trial();
    await trial.run(agent({ name: 'poster', model, instructions: 'x', tools: { post: service.tool('post') } }), 'go');
    expect(toolAnswers(model, 1)).toEqual([expect.stringMatching(/^The arguments do not fit: text: /)]);
    expect(await trial.events('effect.staged', 'call.confirmed')).toEqual([]);
  });

  test('that no answer stands for is never done', async () => {
    const service = new Service();
    const model = scripted([{ tools: [['post', { text: 'a' }]] }, { text: 'bad' }]);
    const poster = agent({
      name: 'poster',
      model,
      instructions: 'x',
      repairs: 0,
      attempts: 1,
      tools: { post: service.tool('post') },
      checks: [() => 'no'],
    });
    const trial = new Trial();
    expect((await trial.fails(poster, 'go')).code).toBe('CHECK_FAILED');
    expect(service.done).toEqual([]);
    expect(await trial.events('effect.discarded')).toHaveLength(1);
    expect(await trial.events('call.confirmed', 'effect.committing')).toEqual([]);
  });
});

describe('receipts', () => {
  const comment = (service: Service) =>
    tool({
      description: 'Comment',
      effect: 'staged',
      input: z.object({ on: z.string(), nth: z.number(), text: z.string() }),
      execute: ({ on, nth, text }, { key }) => service.do(`comment ${on} ${nth} ${text}`, key),
    });

  test('stand for results and fields of them in later staged arguments', async () => {
    const service = new Service();
    const model = scripted((request) => {
      const said = JSON.stringify(request.prompt);
      const receipt = /\[receipt:.{12}\]/.exec(said)?.[0] as Receipt | undefined;
      if (receipt === undefined) return { tools: [['create', { text: 'bug' }]] };
      if (said.includes('comment')) return { text: 'done' };
      return {
        tools: [
          [
            'comment',
            { on: field(receipt, 'ticket.id'), nth: field(receipt, 'id'), text: `see ${field(receipt, 'ticket.id')}: ${receipt}` },
          ],
        ],
      };
    });
    const tools = { create: service.tool('create'), comment: comment(service) };
    const trial = new Trial();
    await trial.run(agent({ name: 'tracker', model, instructions: 'x', tools }), 'go');
    expect(service.whats).toEqual(['create bug', 'comment T1 1 see T1: {"id":1,"ticket":{"id":"T1"}}']);
    const [, second] = await trial.events('effect.committing');
    expect(second?.args).toEqual({ on: 'T1', nth: 1, text: 'see T1: {"id":1,"ticket":{"id":"T1"}}' });
  });

  test('of nothing, or for what only reads, are refused', async () => {
    const service = new Service();
    const read = tool({ description: 'Read', effect: 'none', input: z.object({ text: z.string() }), execute: ({ text }) => text });
    const model = scripted((request, nth) => {
      const receipt = JSON.stringify(request.prompt)
        .match(/\[receipt:.{12}\]/g)
        ?.at(-1);
      if (nth === 0)
        return {
          tools: [
            ['post', { text: '[receipt:abcdefghijkl]' }],
            ['post', { text: 'a' }],
          ],
        };
      if (nth === 1) return { tools: [['read', { text: `about ${receipt}` }]] };
      return { text: 'done' };
    });
    const trial = new Trial();
    await trial.run(agent({ name: 'poster', model, instructions: 'x', tools: { post: service.tool('post'), read } }), 'go');
    expect(toolAnswers(model, 1)[0]).toMatch(/text: \[receipt:abcdefghijkl\] is the receipt of nothing that was staged/);
    expect(toolAnswers(model, 2)[0]).toMatch(/stands for 'post', which is not done yet: only what is staged may take it/);
    expect(service.whats).toEqual(['post a']);
  });

  test('of staged steps are what they give, and flow from one to the next', async () => {
    const service = new Service();
    const open = service.step('open');
    const close = service.step('close');
    const program = transaction(
      flow({ name: 'program', run: async (text: string, ctx) => await ctx.call(close, `the one of ${await ctx.call(open, text)}`) }),
    );
    const { output } = await new Trial().run(program, 'x');
    expect(output).toMatch(/^\[receipt:.{12}\]$/);
    expect(service.whats).toEqual(['open x', 'close the one of {"id":1,"ticket":{"id":"T1"}}']);
  });
});

describe('what rises', () => {
  const poster = (service: Service, name = 'poster') =>
    agent({
      name,
      instructions: 'x',
      model: scripted(({ prompt }) =>
        prompt.at(-1)?.role === 'tool'
          ? { text: 'ok' }
          : {
              tools: [
                [
                  'post',
                  {
                    text: JSON.stringify(prompt.at(-1)?.content)
                      .replaceAll(/[^a-z0-9]/g, '')
                      .replace('typetexttext', ''),
                  },
                ],
              ],
            },
      ),
      tools: { post: service.tool('post') },
    });

  test('is committed by the outermost holder, in the order of the tree and not of arrival', async () => {
    const service = new Service();
    const trial = new Trial();
    const slow = step({ name: 'slow', execute: async (ms: string) => (await trial.clock.sleep(Number(ms)), ms) });
    const post = service.step('post');
    const branch = flow({ name: 'branch', run: async (ms: string, ctx) => await ctx.call(post, await ctx.call(slow, ms)) });
    const held = transaction(
      pipe(map(branch, { concurrency: 2 }), step({ name: 'first', input: z.array(z.string()).readonly(), execute: () => 'ok' })),
    );
    const program = transaction(held);
    const seen: number[] = [];
    const { output } = await trial.run(
      flow({
        name: 'above',
        checks: [() => void seen.push(service.done.length)],
        run: async (_: string, ctx) => await ctx.call(program, ['300', '50', '100', '10']),
      }),
      'x',
    );
    expect(output).toBe('ok');
    expect(seen).toEqual([0]);
    expect(service.whats).toEqual(['post 300', 'post 50', 'post 100', 'post 10']);
    expect((await trial.events('call.confirmed')).length).toBe(1);
  });

  test('from agents among the tools of a model waits for that model', async () => {
    const service = new Service();
    const inner = poster(service, 'inner');
    const lead = agent({
      name: 'lead',
      instructions: 'x',
      model: scripted([
        {
          tools: [
            ['inner', { input: 'one' }],
            ['post', { text: 'own' }],
            ['inner', { input: 'two' }],
          ],
        },
        { text: 'bad' },
        { text: 'fine' },
      ]),
      tools: { inner, post: service.tool('post') },
      checks: [(text) => (text === 'bad' ? (expect(service.done).toEqual([]), 'no') : undefined)],
    });
    await new Trial().run(lead, 'go');
    expect(service.whats).toEqual(['post one', 'post own', 'post two']);
  });

  test('without a holder is committed by each call itself, whatever comes of those above', async () => {
    const service = new Service();
    const bad = step({
      name: 'bad',
      input: z.unknown(),
      execute: () => {
        throw new Error('no');
      },
    });
    const trial = new Trial();
    await trial.fails(pipe(all({ a: service.step('a'), b: service.step('b') }), bad), 'x');
    expect(service.whats.toSorted()).toEqual(['a x', 'b x']);
    // The same under a transaction leaves nothing.
    const other = new Service();
    await new Trial().fails(transaction(pipe(all({ a: other.step('a'), b: other.step('b') }), bad)), 'x');
    expect(other.done).toEqual([]);
  });

  test('out of a race is what the winner staged, and without a winner nothing', async () => {
    const service = new Service();
    const trial = new Trial();
    const slow = step({ name: 'slow', execute: async (ms: string) => (await trial.clock.sleep(Number(ms)), ms) });
    const post = service.step('post');
    const program = flow({
      name: 'program',
      run: async (_: string, ctx) => {
        const branch = (ms: string) => async (c: typeof ctx) => {
          const receipt = await c.call(post, `early ${ms}`);
          await c.call(slow, ms);
          await c.call(post, `late ${ms}`);
          return receipt;
        };
        return await ctx.race([branch('300'), branch('10'), branch('200')]);
      },
    });
    await trial.run(program, 'x');
    expect(service.whats).toEqual(['post early 10', 'post late 10']);
    expect((await trial.events('effect.discarded')).map(({ why }) => why)).toEqual([
      'its holder was confirmed without it',
      'its holder was confirmed without it',
    ]);
  });

  test('from a branch that failed does not, and from one that was left out by a map that may neither', async () => {
    const service = new Service();
    const post = service.step('post');
    const fragile = flow({
      name: 'fragile',
      run: async (text: string, ctx) => {
        await ctx.call(post, text);
        if (text === 'b') throw new Error('no');
        return text;
      },
    });
    const { missing } = await new Trial().run(transaction(map(fragile, { atLeast: 0.5 })), ['a', 'b', 'c']);
    expect(missing.map(({ index }) => index)).toEqual([1]);
    expect(service.whats).toEqual(['post a', 'post c']);
  });
});
