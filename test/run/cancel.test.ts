import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, flow, map, step, tool } from '../../src/index.ts';
import { scripted, type ScriptedModel } from '../../src/testing.ts';
import { failure, Trial } from '../support/trial.ts';

/** A model that takes its time, ends early when told to, and says how often that was. */
function slowly(trial: Trial, ms: number): ScriptedModel & { readonly aborted: unknown[] } {
  const aborted: unknown[] = [];
  const model = scripted(async (request) => {
    const { abortSignal } = request;
    abortSignal?.addEventListener('abort', () => aborted.push((abortSignal.reason as { code?: string }).code));
    await trial.clock.sleep(ms);
    return { text: 'late' };
  });
  return Object.assign(model, { aborted });
}

/** Nothing was asked, confirmed or ended after the run was: only what is about the run itself. */
async function expectSilenceAfter(trial: Trial, kind: 'run.cancelled' | 'run.failed'): Promise<void> {
  const kinds = (await trial.events()).map((event) => event.kind);
  expect(kinds.slice(kinds.indexOf(kind) + 1)).toEqual([]);
}

describe('the signal of a run', () => {
  test('reaches the request, and the run says how to go on', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort(new Error('the user pressed Ctrl-C')));
    const error = await trial.fails(agent({ name: 'say', model, instructions: 'x' }), 'x', { signal: controller.signal });
    expect(error).toMatchObject({ code: 'CANCELLED', data: { run: 'r' } });
    expect(error.message).toBe("The run 'r' was cancelled: the user pressed Ctrl-C. Run it again with this id to go on.");
    expect(trial.clock.now()).toBe(1_000_100);
    expect(model.aborted).toEqual(['CANCELLED']);
    await expectSilenceAfter(trial, 'run.cancelled');
    expect(await trial.tree()).toMatchObject({ status: 'cancelled', root: { status: 'interrupted' } });
  });

  test('reaches the tools', async () => {
    const trial = new Trial();
    const reasons: unknown[] = [];
    const wait = tool({
      description: 'Wait',
      effect: 'none',
      input: z.object({}),
      execute: async (_, { signal }) => {
        signal.addEventListener('abort', () => reasons.push((signal.reason as { code: string }).code));
        await trial.clock.sleep(1_000);
        return null;
      },
    });
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    const model = scripted([
      {
        tools: [
          ['wait', {}],
          ['wait', {}],
        ],
      },
    ]);
    await trial.fails(agent({ name: 'waits', model, instructions: 'x', tools: { wait } }), 'x', { signal: controller.signal });
    expect(reasons).toEqual(['CANCELLED', 'CANCELLED']);
    expect(trial.clock.now()).toBe(1_000_100);
  });

  test('that is aborted already lets nothing begin', async () => {
    const trial = new Trial();
    const model = scripted([]);
    const error = await trial.fails(agent({ name: 'say', model, instructions: 'x' }), 'x', {
      signal: AbortSignal.abort(new Error('too late')),
    });
    expect(error).toMatchObject({ code: 'CANCELLED', message: expect.stringContaining('too late') as string });
    expect(model.requests).toEqual([]);
    expect(await trial.events()).toEqual([]);
  });

  test('is no outcome: the same run goes on later, and buys only what it has not', async () => {
    const trial = new Trial();
    const fast = agent({ name: 'fast', model: scripted([{ text: 'done' }]), instructions: 'x' });
    const slow = (model: ScriptedModel): Agent<never, unknown> => agent({ name: 'slow', model, instructions: 'x' });
    const both = (model: ScriptedModel): ReturnType<typeof flow> =>
      flow({ name: 'both', run: async (_, ctx) => [await ctx.call(fast, ''), await ctx.call(slow(model), '' as never)] });
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    await trial.fails(both(slowly(trial, 1_000)), 'x', { signal: controller.signal });
    const { output, resume } = await trial.run(both(scripted([{ text: 'at last' }])), 'x');
    expect(output).toEqual(['done', 'at last']);
    expect(resume).toMatchObject({ entry: 1, answered: 1 });
  });
});

describe('once a run is interrupted, nothing below it may ask, confirm or end', () => {
  const leaf = (model: ScriptedModel): Agent<string, string> => agent({ name: 'leaf', model, instructions: 'x' });

  test('whatever user code catches', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const caught: string[] = [];
    const attempt = async (work: () => Promise<unknown>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        caught.push((error as { code: string }).code);
      }
    };
    const stubborn = flow({
      name: 'stubborn',
      run: async (_, ctx) => {
        await attempt(() => ctx.call(leaf(model), 'a'));
        await attempt(() => ctx.call(leaf(model), 'b'));
        await attempt(() => ctx.all([(one) => one.call(leaf(model), 'c')]));
        await attempt(() => ctx.race([(one) => one.call(leaf(model), 'd')]));
        await attempt(() => ctx.now());
        await attempt(() => ctx.random());
        return 'as if nothing had happened';
      },
    });
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    const error = await trial.fails(stubborn, 'x', { signal: controller.signal });
    expect(error.code).toBe('CANCELLED');
    expect(caught).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED', 'CANCELLED', 'CANCELLED', 'CANCELLED']);
    expect(model.requests).toHaveLength(1);
    expect((await trial.events('call.started')).map(({ path }) => path)).toEqual(['stubborn', 'stubborn/leaf']);
    expect(await trial.events('call.succeeded', 'call.failed')).toEqual([]);
    await expectSilenceAfter(trial, 'run.cancelled');
  });

  test('even code that asks in a loop without an end is left behind', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const loops = flow({
      name: 'loops',
      run: async (_, ctx) => {
        for (;;) {
          try {
            return await ctx.call(leaf(model), 'a');
          } catch {
            // and again
          }
        }
      },
    });
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    expect((await trial.fails(loops, 'x', { signal: controller.signal })).code).toBe('CANCELLED');
    expect(model.requests).toHaveLength(1);
  });

  test('and so is code that asks for ever what is refused at once', async () => {
    const loops = flow({
      name: 'loops',
      run: async (_, ctx) => {
        for (;;) {
          try {
            return await ctx.all([(one) => one.call(leaf(scripted([])), { at: new Date(0) } as never)]);
          } catch {
            // and again
          }
        }
      },
    });
    const error = await new Trial({ limits: { fanOut: 1_000 } }).fails(loops, 'x');
    expect(error).toMatchObject({
      code: 'NOT_JSON',
      message: expect.stringContaining("The input of 'leaf' is not JSON at at: found a Date") as string,
    });
  });

  test('a step that ignores its signal is not waited for, and what it gives comes too late', async () => {
    const trial = new Trial();
    const deaf = step({
      name: 'deaf',
      execute: async () => {
        await trial.clock.sleep(10_000);
        return 'finally';
      },
    });
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    await trial.fails(deaf, 'x', { signal: controller.signal });
    expect(trial.clock.now()).toBe(1_000_100);
    await trial.clock.drive(trial.clock.sleep(20_000));
    expect(await trial.events('call.succeeded')).toEqual([]);
  });

  test('nor is a schema or a check that never comes to an end', async () => {
    const endless = async (): Promise<never> => await new Promise<never>(() => {});
    const cases = [
      step({ name: 'input', input: z.string().refine(endless), execute: (text) => text }),
      step({ name: 'output', output: z.string().refine(endless), execute: (text) => text }),
      step({ name: 'check', execute: (text) => text, checks: [endless] }),
      agent({ name: 'answer', model: scripted([{ text: 'x' }]), instructions: 'x', checks: [endless] }),
      agent({
        name: 'asks',
        model: scripted([{ tools: [['look', { value: 'x' }]] }]),
        instructions: 'x',
        tools: {
          look: tool({ description: 'Look', effect: 'immediate', input: z.string().refine(endless), execute: () => null }),
        },
      }),
      flow({ name: 'flow', output: z.string().refine(endless), run: async () => Promise.resolve('x') }),
    ];
    for (const one of cases) {
      const trial = new Trial();
      // In a flow: the run itself waits for what it is given before it begins.
      const asks = flow({ name: 'around', run: async (_, ctx) => (await failure(ctx.call(one, 'x', { timeoutMs: 100 }))).code });
      expect([one.name, (await trial.run(asks, 'x')).output]).toEqual([one.name, 'TIMEOUT']);
      expect(await trial.events('attempt.rejected', 'effect.committing')).toEqual([]);
    }
  });

  test('a wide map begins no further item', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    await trial.fails(
      map(leaf(model), { concurrency: 3, atLeast: 0 }),
      Array.from({ length: 50 }, (_, index) => `${index}`),
      {
        signal: controller.signal,
      },
    );
    expect(model.requests).toHaveLength(3);
    await expectSilenceAfter(trial, 'run.cancelled');
  });
});

test('an act in a branch that is told to stop is waited for, so that a resume need not wonder', async () => {
  const trial = new Trial();
  let acted = 0;
  const send = tool({
    description: 'Send',
    effect: 'immediate',
    input: z.object({}),
    execute: async () => {
      await trial.clock.sleep(500);
      acted += 1;
      return 'sent';
    },
  });
  const model = scripted((request) => (request.prompt.at(-1)?.role === 'tool' ? { text: 'ok' } : { tools: [['send', {}]] }));
  const mail = map(agent({ name: 'mail', model, instructions: 'x', tools: { send } }), { concurrency: 2 });
  const controller = new AbortController();
  trial.clock.after(100, () => controller.abort());
  expect((await trial.fails(mail, ['a', 'b'], { signal: controller.signal })).code).toBe('CANCELLED');
  expect((await trial.events('effect.committing', 'effect.committed', 'effect.uncertain')).map(({ kind }) => kind)).toEqual([
    'effect.committing',
    'effect.committing',
    'effect.committed',
    'effect.committed',
  ]);
  expect((await trial.run(mail, ['a', 'b'])).output).toEqual(['ok', 'ok']);
  expect(acted).toBe(2);
});

test('the loser of a race that is in the middle of an act is waited for too', async () => {
  const trial = new Trial();
  let acted = 0;
  const acts = step({
    name: 'acts',
    effect: 'immediate',
    undo: () => {},
    execute: async () => {
      await trial.clock.sleep(500);
      acted += 1;
      return 'slow';
    },
  });
  const quick = step({
    name: 'quick',
    execute: async () => {
      await trial.clock.sleep(10);
      return 'quick';
    },
  });
  const races = flow({
    name: 'races',
    run: async (_, ctx) => await ctx.race([(one) => one.call(acts, 'x'), (one) => one.call(quick, 'x')]),
  });
  expect((await trial.run(races, 'x')).output).toBe('quick');
  expect(acted).toBe(1);
  const kinds = (await trial.events()).map(({ kind }) => kind);
  expect(kinds.indexOf('effect.committed')).toBeGreaterThan(0);
  expect(kinds.at(-1)).toBe('run.succeeded');
});
