import { describe, expect, test } from 'vitest';
import { agent, flow, type FlowContext, map } from '../../src/index.ts';
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

describe('an asker that gives up', () => {
  const cases = {
    'ctx.call with timeoutMs': (model: ScriptedModel) =>
      flow({
        name: 'asks',
        run: async (_, ctx) => await ctx.call(agent({ name: 'slow', model, instructions: 'x' }), 'a', { timeoutMs: 100 }),
      }),
    'the timeoutMs of the agent': (model: ScriptedModel) =>
      flow({ name: 'asks', run: async (_, ctx) => await ctx.call(agent({ name: 'slow', model, instructions: 'x', timeoutMs: 100 }), 'a') }),
  };
  test.each(Object.entries(cases))('%s: the call fails with TIMEOUT, its request is aborted, and it says what to do', async (_, make) => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const error = await trial.fails(make(model), 'x');
    expect(error).toMatchObject({ code: 'TIMEOUT', where: { call: 'asks/slow' }, data: { ms: 100 } });
    expect(error.message).toBe("'asks/slow' did not end within 100 ms. Give it more time (timeoutMs), or ask for less.");
    expect(model.aborted).toEqual(['TIMEOUT']);
    expect(trial.clock.now()).toBe(1_000_100);
    expect((await trial.events('call.failed')).map(({ error: { code } }) => code)).toEqual(['TIMEOUT', 'TIMEOUT']);
  });

  test('with a signal of its own: the call is CANCELLED and the flow goes on', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const controller = new AbortController();
    trial.clock.after(50, () => controller.abort(new Error('changed my mind')));
    const asks = flow({
      name: 'asks',
      run: async (_, ctx) =>
        (await failure(ctx.call(agent({ name: 'slow', model, instructions: 'x' }), 'a', { signal: controller.signal }))).message,
    });
    expect((await trial.run(asks, 'x')).output).toBe("'asks/slow' was cancelled by its asker: changed my mind.");
    expect(model.aborted).toEqual(['CANCELLED']);
  });

  test('with a signal that is aborted already: nothing is sent, and that is on record', async () => {
    const trial = new Trial();
    const model = scripted([]);
    const asks = flow({
      name: 'asks',
      run: async (_, ctx) =>
        (await failure(ctx.call(agent({ name: 'slow', model, instructions: 'x' }), 'a', { signal: AbortSignal.abort() }))).code,
    });
    expect((await trial.run(asks, 'x')).output).toBe('CANCELLED');
    expect((await trial.tree()).root.children).toMatchObject([{ path: 'asks/slow', status: 'failed', attempts: [] }]);
  });

  test('is an outcome: a resume takes the same path and asks nobody again', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const asks = flow({
      name: 'asks',
      run: async (_, ctx) => {
        const first = await failure(ctx.call(agent({ name: 'slow', model, instructions: 'x' }), 'a', { timeoutMs: 100 }));
        return `${first.code} ${String(first.data['ms'])}`;
      },
    });
    expect((await trial.run(asks, 'x')).output).toBe('TIMEOUT 100');
    expect((await trial.run(asks, 'x')).output).toBe('TIMEOUT 100');
    expect(model.requests).toHaveLength(1);
  });

  test('a time-out of a composite ends everything below it', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const slow = agent({ name: 'slow', model, instructions: 'x' });
    const error = await trial.fails(map(slow, { timeoutMs: 100, concurrency: 2 }), ['a', 'b', 'c']);
    expect(error).toMatchObject({ code: 'TIMEOUT', where: { call: 'map(slow)' } });
    expect(model.aborted).toEqual(['TIMEOUT', 'TIMEOUT']);
    expect((await trial.tree()).root.children.map(({ status }) => status)).toEqual(['interrupted', 'interrupted']);
  });
});

describe('a call that nobody waits for when its asker ends', () => {
  const forgets = (run: (ctx: FlowContext) => Promise<unknown>): ReturnType<typeof flow> =>
    flow({ name: 'forgets', run: async (_, ctx) => await run(ctx) });

  test('is cancelled, and that is on record', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const slow = agent({ name: 'slow', model, instructions: 'x' });
    const { output } = await trial.run(
      forgets(async (ctx) => {
        void ctx.call(slow, 'a').catch(() => {});
        await ctx.now();
        return Promise.resolve('done');
      }),
      'x',
    );
    expect(output).toBe('done');
    expect(trial.clock.now()).toBe(1_000_000);
    expect(model.aborted).toEqual(['CANCELLED']);
    expect((await trial.tree()).root.children).toMatchObject([
      {
        status: 'failed',
        failure: { code: 'CANCELLED', message: expect.stringContaining('ended while this call was still open') as string },
      },
    ]);
  });

  test('is followed by no other call of what was left behind', async () => {
    const trial = new Trial();
    const model = slowly(trial, 1_000);
    const slow = agent({ name: 'slow', model, instructions: 'x' });
    const codes: string[] = [];
    await trial.run(
      forgets(async (ctx) => {
        void (async () => {
          for (const question of ['a', 'b', 'c']) codes.push((await failure(ctx.call(slow, question))).code);
        })();
        await ctx.now();
        return 'done';
      }),
      'x',
    );
    expect(codes).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED']);
    expect(model.requests).toHaveLength(1);
    expect((await trial.events('call.started')).map(({ path }) => path)).toEqual(['forgets', 'forgets/slow']);
  });

  const late = agent({ name: 'late', model: scripted([]), instructions: 'x' });
  test.each<[string, (ctx: FlowContext) => Promise<unknown>]>([
    ['by itself', (ctx) => ctx.call(late, 'a')],
    ['in branches', (ctx) => ctx.all([(one) => one.call(late, 'a')])],
    ['in branches of branches', (ctx) => ctx.all([(one) => one.all([(two) => two.call(late, 'a')])])],
    ['in a race', (ctx) => ctx.race([(one) => one.call(late, 'a')])],
  ])('nor may what was left behind ask once the run is over: %s', async (_, ask) => {
    const trial = new Trial();
    let left: Promise<unknown> | undefined;
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    await trial.run(
      forgets(async (ctx) => {
        left = gate.then(async () => await ask(ctx));
        left.catch(() => {});
        return Promise.resolve('done');
      }),
      'x',
    );
    const before = (await trial.events()).length;
    open();
    await expect(left).rejects.toThrow(/is over and asks no more|Every branch of the race/);
    expect(await trial.events()).toHaveLength(before);
  });
});
