import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, flow, map, step } from '../../src/index.ts';
import { scripted, type ScriptedModel } from '../../src/testing.ts';
import { Person, refusal } from '../support/answering.ts';
import { Trial } from '../support/trial.ts';

const HOUR = 3_600_000;
const prices = { 'scripted/*': { in: 10, out: 20 } };

function costing(tokensIn: number, tokensOut: number, trial?: Trial, ms = 0): ScriptedModel {
  return scripted(async () => {
    if (trial !== undefined) await trial.clock.sleep(ms);
    return { text: 'ok', tokensIn, tokensOut };
  });
}

const say = (model: ScriptedModel): ReturnType<typeof agent<'say'>> =>
  agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 100 } });
const items = (count: number): string[] => Array.from({ length: count }, (_, index) => `item ${index}`);

describe('a budget that asks', () => {
  test('asks a person once for all who need more, and they go on with what is given', async () => {
    const trial = new Trial();
    const model = costing(1, 1);
    const person = new Person(trial, () => ({ calls: 3 }));
    const { output, bill } = await trial.run(map(say(model), { budget: { calls: 2, onLimit: 'ask' } }), items(5), person.options);
    expect(output).toHaveLength(5);
    expect(bill.calls).toBe(5);
    expect(person.asked).toMatchObject([
      {
        of: 'budget',
        path: 'map(say)',
        question: "The budget of 'map(say)' caps calls at 2; 2 are spent, and what comes next does not fit. How much more may it spend?",
        about: { path: 'map(say)', cap: 'calls', bound: 2 },
        form: { type: 'object', required: ['calls'], additionalProperties: false },
      },
    ]);
    expect(bill.tax.waitedMs.budget).toBeGreaterThan(0);
  });

  test('asks again where what was given is not enough, with what is capped by then', async () => {
    const trial = new Trial();
    const person = new Person(trial, () => ({ calls: 1 }));
    await trial.run(map(say(costing(1, 1)), { concurrency: 1 }), items(4), { ...person.options, budget: { calls: 2, onLimit: 'ask' } });
    expect(person.asked.map(({ about, path }) => ({ about, path }))).toEqual([
      { about: { path: 'r', cap: 'calls', bound: 2 }, path: 'r' },
      { about: { path: 'r', cap: 'calls', bound: 3 }, path: 'r' },
    ]);
    expect(new Set(person.asked.map(({ ask }) => ask)).size).toBe(2);
  });

  test('is BUDGET_EXCEEDED as ever where a person gives no more, or nobody answers; nobody is asked twice then', async () => {
    for (const [says, limits] of [
      [refusal('enough'), {}],
      [undefined, { askMs: HOUR }],
    ] as const) {
      const trial = new Trial();
      const model = costing(1, 1);
      const person = new Person(trial, () => says);
      const error = await trial
        .fails(map(say(model), { concurrency: 1, atLeast: 0.2, budget: { calls: 2, onLimit: 'ask' } }), items(5), {
          ...person.options,
          limits,
        })
        .catch(() => undefined); // two of five are enough
      expect(error).toBeUndefined();
      const { root } = await trial.tree();
      expect(root.status).toBe('succeeded');
      const failed = await trial.events('call.failed');
      expect(failed.map((event) => event.error.code)).toEqual(['BUDGET_EXCEEDED', 'BUDGET_EXCEEDED', 'BUDGET_EXCEEDED']);
      expect(failed[0]?.error.data).toMatchObject({ cap: 'calls', bound: 2, used: 2 });
      expect(await trial.events('ask.opened')).toHaveLength(1);
      expect(model.requests).toHaveLength(2);
    }
  });

  test('lets what is in flight come back first, and shortens no answer to what is left', async () => {
    const trial = new Trial();
    const model = costing(10, 60, trial, 100);
    const person = new Person(trial, () => ({ tokens: 1_000 }));
    const { output } = await trial.run(
      map(say(model), { concurrency: 2, budget: { tokens: 300, onLimit: 'ask' } }),
      items(4),
      person.options,
    );
    expect(output).toHaveLength(4);
    expect(person.asked).toHaveLength(1);
    for (const { maxOutputTokens } of model.requests) expect(maxOutputTokens).toBe(100);
    expect((await trial.events('model.responded')).filter(({ at }) => at <= 1_000_100).length).toBeGreaterThan(0);
  });

  test('takes dollars, to the micro-dollar, and nothing that is not capped', async () => {
    const trial = new Trial();
    const person = new Person(trial, () => ({ usd: 0.1 }));
    const each = agent({ name: 'say', model: costing(1_000, 0), instructions: 'x', settings: { maxOutputTokens: 1 } }); // a cent
    const fan = map(each, { concurrency: 1, budget: { usd: 0.2, onLimit: 'ask' } });
    const { bill } = await trial.run(fan, items(35), { ...person.options, prices });
    expect(bill.calls).toBe(35);
    expect(person.asked.map(({ about }) => (about as { bound: number }).bound)).toEqual([0.2, 0.3]);
    expect(person.asked[0]?.form).toEqual({
      type: 'object',
      properties: { usd: expect.anything() },
      required: ['usd'],
      additionalProperties: false,
    });
  });

  test('asks nobody in vain: where a budget above fails, that is what happens', async () => {
    const trial = new Trial();
    const fan = map(say(costing(1, 1)), { concurrency: 1, budget: { calls: 2, onLimit: 'ask' } });
    const error = await trial.fails(fan, items(5), { budget: { calls: 2 } });
    expect(error.message).toContain("The budget of 'r' caps calls at 2");
    expect(await trial.events('ask.opened')).toEqual([]);
  });

  test('of an answer that gives nothing of use takes it as a refusal', async () => {
    const trial = new Trial();
    const onEvent = (event: { readonly kind: string; readonly ask?: unknown }): void => {
      if (event.kind === 'ask.opened')
        trial.clock.after(
          1_000,
          () => void trial.journal.respond(event.ask as never, { kind: 'answer', value: 'more!' }, trial.clock.now()),
        );
    };
    const error = await trial.fails(map(say(costing(1, 1))), items(3), { budget: { calls: 1, onLimit: 'ask' }, onEvent });
    expect(error.message).toContain('caps calls at 1');
  });

  test('that nobody needs any more is withdrawn, and does not keep its run from ending', async () => {
    const trial = new Trial();
    const fan = map(say(costing(1, 1)), { budget: { calls: 1, onLimit: 'ask' } });
    const hurried = flow({
      name: 'hurried',
      run: async (_: string, ctx) => await ctx.call(fan, items(2), { timeoutMs: 1 }).catch(({ code }: { code: string }) => code),
    });
    const slow = step({ name: 'slow', execute: async () => await trial.clock.sleep(5).then(() => 'slow') });
    const both = flow({
      name: 'both',
      run: async (input: string, ctx) => await ctx.all([async (c) => await c.call(hurried, input), async (c) => await c.call(slow, input)]),
    });
    expect((await trial.run(both, 'x')).output).toEqual(['TIMEOUT', 'slow']);
    expect(await trial.events('ask.withdrawn')).toHaveLength(1);
    expect(await trial.events('run.parked')).toEqual([]);
  });
});

describe('a cap on time that asks', () => {
  const taking = (trial: Trial, ms: number): ReturnType<typeof step<'work'>> =>
    step({ name: 'work', execute: async (text) => await trial.clock.sleep(ms).then(() => text) });

  test('begins nothing new when it is used up, lets what is in flight go on, and goes on with what is given', async () => {
    const trial = new Trial();
    const person = new Person(trial, () => ({ ms: 10_000 }), HOUR);
    const fan = map(taking(trial, 400), { concurrency: 2, budget: { ms: 1_000, onLimit: 'ask' } });
    const { output, bill } = await trial.run(fan, items(10), person.options);
    expect(output).toHaveLength(10);
    const begun = (await trial.events('attempt.started')).map(({ at }) => at - 1_000_000).slice(1); // without the map's own
    // At 1,000 two are in flight; they end at 1,200, and then everything waits for the person.
    const answeredAt = 1_000 + HOUR;
    expect(begun).toEqual([0, 0, 400, 400, 800, 800, answeredAt, answeredAt, answeredAt + 400, answeredAt + 400]);
    expect(person.asked[0]?.openedAt).toBe(1_001_000);
    expect(bill.activeMs).toBe(2_000);
    expect((await trial.events('run.parked')).map(({ at }) => at)).toEqual([1_001_200]);
  });

  test('ends the work as ever where a person gives no more, of a call and of a run', async () => {
    const own = new Trial();
    const error = await own.fails(map(taking(own, 400), { concurrency: 1, budget: { ms: 1_000, onLimit: 'ask' } }), items(5), new Person(own, () => refusal('no')).options); // prettier-ignore
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'ms', bound: 1_000 } });
    const whole = new Trial();
    const limits = { askMs: HOUR };
    const over = await whole.fails(map(taking(whole, 400), { concurrency: 1 }), items(5), {
      limits,
      budget: { ms: 1_000, onLimit: 'ask' },
    });
    expect(over).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'ms', bound: 1_000 } });
    expect(over.message).toContain("The budget of the run 'r' caps time at 1000 ms");
  });

  test('sends no further request of a conversation either', async () => {
    const trial = new Trial();
    const model = costing(1, 1, trial, 700);
    const person = new Person(trial, () => ({ ms: 5_000 }), HOUR);
    const lines = flow({
      name: 'lines',
      budget: { ms: 1_000, onLimit: 'ask' },
      run: async (_: string, ctx) => [await ctx.call(say(model), 'a'), await ctx.call(say(model), 'b'), await ctx.call(say(model), 'c')],
    });
    await trial.run(lines, 'x', person.options);
    const sent = (await trial.events('model.requested')).map(({ at }) => at - 1_000_000);
    expect(sent).toEqual([0, 700, 1_000 + HOUR]);
  });
});

describe('what a person gave', () => {
  test('holds in every later entry, and a question that was open stays the same one', async () => {
    const trial = new Trial();
    const model = costing(1, 1);
    const fan = map(say(model), { concurrency: 1, budget: { calls: 1, onLimit: 'ask' } });
    const broken = flow({
      name: 'desk',
      input: z.array(z.string()),
      run: async (list, ctx) => {
        await ctx.call(fan, list.slice(0, 3));
        await ctx.call(step({ name: 'fragile', execute: () => Promise.reject(new Error('no')) }), 'x');
      },
    }); // prettier-ignore
    const mended = flow({
      name: 'desk',
      input: z.array(z.string()),
      run: async (list, ctx) => [await ctx.call(fan, list.slice(0, 3)), await ctx.call(say(model), 'late')],
    });
    const parked = await trial.fails(broken, items(3), { onPark: 'return' });
    expect(parked.code).toBe('RUN_PARKED');
    const [open] = await trial.events('ask.opened');
    // Somebody answers while nobody works on the run.
    await trial.journal.respond(open?.ask as never, { kind: 'answer', value: { calls: 2 } }, trial.clock.now());
    expect((await trial.fails(broken, items(3))).code).toBe('CODE_FAILED');
    expect(await trial.events('ask.opened')).toHaveLength(1);
    const { output } = await trial.run(mended, items(3));
    expect(output).toEqual([['ok', 'ok', 'ok'], 'ok']);
    expect(await trial.events('ask.opened')).toHaveLength(1);
    expect(model.requests).toHaveLength(4);
  });

  test('gives way to a cap that a resume names, which is then the whole of it', async () => {
    const trial = new Trial();
    const person = new Person(trial, () => ({ calls: 1 }));
    const lines = (count: number): ReturnType<typeof flow> =>
      flow({
        name: 'lines',
        run: async (_: string, ctx) => {
          for (let nth = 0; nth < count; nth += 1) await ctx.call(say(costing(1, 1)), `line ${nth}`);
        },
      });
    await trial.run(lines(2), 'x', { ...person.options, budget: { calls: 1, onLimit: 'ask' } });
    expect(person.asked).toHaveLength(1);
    await trial.run(lines(5), 'x', { budget: { calls: 5 } });
    const bounds = (await trial.events('ask.opened')).map(({ about }) => (about as { bound: number }).bound);
    expect(bounds).toEqual([1]);
    const third = new Person(trial, () => ({ calls: 1 }));
    await trial.run(lines(6), 'x', third.options);
    expect(third.asked.map(({ about }) => (about as { bound: number }).bound)).toEqual([5]);
  });
});
