import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, flow, map, step, tool } from '../../src/index.ts';
import { scripted, type ScriptedModel } from '../../src/testing.ts';
import { failure, Trial } from '../support/trial.ts';

const prices = { 'scripted/*': { in: 10, out: 20 } };

/** Answers with so many tokens, after so long. */
function costing(tokensIn: number, tokensOut: number, trial?: Trial, ms = 0): ScriptedModel {
  return scripted(async () => {
    if (trial !== undefined) await trial.clock.sleep(ms);
    return { text: 'ok', tokensIn, tokensOut };
  });
}

const items = (count: number): string[] => Array.from({ length: count }, (_, index) => `item ${index}`);

describe('a cap on calls', () => {
  test('lets exactly so many requests through, and says where and what to do', async () => {
    const model = costing(1, 1);
    const say = agent({ name: 'say', model, instructions: 'x' });
    const error = await new Trial().fails(map(say, { concurrency: 1 }), items(5), { budget: { calls: 3 } });
    expect(error.code).toBe('TOO_MANY_MISSING');
    expect(model.requests).toHaveLength(3);
    expect(error.message).toContain(
      "The budget of 'r' caps calls at 3; 3 are spent and the next request does not fit. Raise the budget and resume",
    );
  });

  test('counts those in flight', async () => {
    const trial = new Trial();
    const model = costing(1, 1, trial, 100);
    await trial.fails(map(agent({ name: 'say', model, instructions: 'x' }), { concurrency: 10 }), items(10), { budget: { calls: 4 } });
    expect(model.requests).toHaveLength(4);
  });

  test('counts repairs, fresh attempts and requests that failed', async () => {
    const model = scripted((_, nth) => (nth === 0 ? { error: new Error('down') } : { text: 'garbage' }));
    const find = agent({ name: 'find', model, output: z.object({}), instructions: 'x', budget: { calls: 3 }, repairs: 9, attempts: 9 });
    const trial = new Trial();
    expect((await trial.fails(find, 'x')).code).toBe('MODEL_FAILED');
    // Going on forgets the call's failure and with it its own budget.
    const error = await trial.fails(find, 'x');
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'calls', bound: 3, used: 3, of: 'find' } });
    expect(model.requests).toHaveLength(4);
  });

  test('of nothing lets nothing through, and code is free', async () => {
    const model = scripted([]);
    const trial = new Trial();
    expect((await trial.fails(agent({ name: 'say', model, instructions: 'x' }), 'x', { budget: { calls: 0 } })).code).toBe(
      'BUDGET_EXCEEDED',
    );
    expect(await trial.events('model.requested')).toEqual([]);
    const free = new Trial();
    expect((await free.run(step({ name: 'free', execute: (text) => text }), 'x', { budget: { calls: 0, tokens: 0, usd: 0 } })).output).toBe(
      'x',
    );
  });
});

describe('a cap on tokens', () => {
  test('caps the output of a request at what is left', async () => {
    const model = costing(10, 10);
    await new Trial({ limits: { outputTokensUseful: 5 } }).run(
      agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 1_000 } }),
      'hello',
      { budget: { tokens: 100 } },
    );
    const cap = model.requests[0]?.maxOutputTokens ?? 0;
    expect(cap).toBeGreaterThan(50);
    expect(cap).toBeLessThan(100);
  });

  test('leaves the output alone where no budget counts tokens or dollars', async () => {
    const model = costing(10, 10);
    await new Trial().run(agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 1_000 } }), 'hello', {
      budget: { calls: 1 },
    });
    expect(model.requests[0]?.maxOutputTokens).toBe(1_000);
  });

  test('an answer that was cut at that cap is BUDGET_EXCEEDED, not a bad answer, and a raised budget goes on in the conversation', async () => {
    const model = scripted([
      { text: 'half an ans', finish: 'length', tokensIn: 10, tokensOut: 80 },
      { expect: /cut off/, text: 'short', tokensIn: 10, tokensOut: 5 },
    ]);
    const trial = new Trial({ limits: { outputTokensUseful: 5 } });
    const say = agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 1_000 } });
    const error = await trial.fails(say, 'hello', { budget: { tokens: 100 } });
    expect(error).toMatchObject({
      code: 'BUDGET_EXCEEDED',
      message: expect.stringContaining('was cut off because its budget had no room for more output') as string,
    });
    expect(model.requests).toHaveLength(1);
    expect((await trial.run(say, 'hello', { budget: { tokens: 5_000 } })).output).toBe('short');
    expect(model.requests[1]?.prompt).toHaveLength(4);
  });

  test('an answer that was cut at its own maximum is mended as any other', async () => {
    const model = scripted([
      { text: 'half an ans', finish: 'length' },
      { expect: 'cut off at its maximum length', text: 'short' },
    ]);
    expect(
      (
        await new Trial().run(agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 9 } }), 'hello', {
          budget: { tokens: 50_000 },
        })
      ).output,
    ).toBe('short');
  });

  test('waits while open reservations stand in the way, and goes on with what they leave', async () => {
    const trial = new Trial();
    const model = costing(20, 10, trial, 100);
    const say = agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 400 } });
    const start = trial.clock.now();
    await trial.run(map(say, { concurrency: 4 }), items(4), { budget: { tokens: 900 } });
    expect(model.requests).toHaveLength(4);
    // Two fit at once: the others waited for them.
    expect(trial.clock.now() - start).toBe(200);
    const waits = await trial.events('limit.waited');
    expect(waits.map(({ limit, ms }) => [limit, ms])).toEqual([
      ['budget', 100],
      ['budget', 100],
    ]);
    expect((await trial.tree()).root.children.map(({ waitedMs }) => waitedMs)).toEqual([0, 0, 100, 100]);
  });

  test('is refused when nothing open could make room', async () => {
    const model = scripted([]);
    const error = await new Trial().fails(agent({ name: 'say', model, instructions: 'x' }), 'x'.repeat(4_000), { budget: { tokens: 300 } });
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'tokens', bound: 300 } });
    expect(model.requests).toEqual([]);
  });

  test('a request that was cancelled counts its input as spent: the provider has read it', async () => {
    const trial = new Trial();
    const model = costing(1, 1, trial, 10_000);
    const asks = flow({
      name: 'asks',
      run: async (_, ctx) => (await failure(ctx.call(agent({ name: 'slow', model, instructions: 'x' }), 'hello', { timeoutMs: 50 }))).code,
    });
    const { bill } = await trial.run(asks, 'x', { budget: { tokens: 10_000 } });
    expect(bill.tokensIn).toBeGreaterThan(0);
    expect(bill.tokensOut).toBe(0);
    expect(await trial.events('model.failed')).toMatchObject([{ error: { code: 'TIMEOUT' }, usage: { tokensIn: bill.tokensIn } }]);
  });

  test('so does one whose branch failed while it was under way', async () => {
    const trial = new Trial();
    const slow = agent({ name: 'slow', model: costing(1, 1, trial, 10_000), instructions: 'x' });
    const asks = flow({
      name: 'asks',
      run: async (_, ctx) =>
        await ctx.all([
          async (one) => {
            void one.call(slow, 'hello').catch(() => {});
            await trial.clock.sleep(50);
            throw new Error('gave up');
          },
        ]),
    });
    expect((await trial.fails(asks, 'x', { budget: { tokens: 10_000 } })).message).toContain('gave up');
    const [sent] = await trial.events('model.requested');
    expect(await trial.events('model.failed')).toMatchObject([{ usage: { tokensIn: sent?.reservedTokensIn } }]);
  });
});

describe('a cap on dollars', () => {
  test('counts what the prices say and stops before it is passed', async () => {
    const model = costing(1_000, 100);
    const say = agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 100 } });
    // One answer costs 1000 × 10 + 100 × 20 = 12,000 micro-dollars.
    const error = await new Trial({ prices }).fails(map(say, { concurrency: 1 }), items(9), { budget: { usd: 0.05 } });
    expect(model.requests).toHaveLength(4);
    expect(error.message).toContain("The budget of 'r' caps usd at 0.05; 0.048 are spent and the next request does not fit");
  });

  test('on a model without a price is refused before the first request', async () => {
    const model = scripted([]);
    const trial = new Trial();
    const error = await trial.fails(agent({ name: 'say', model, instructions: 'x' }), 'x', { budget: { usd: 1 } });
    expect(error).toMatchObject({ code: 'PRICE_UNKNOWN', data: { model: 'scripted/script', of: 'r' } });
    expect(error.message).toContain(
      "The budget of 'r' caps usd, but the model 'scripted/script' has no price. Give one: prices: { 'scripted/script': { in: …, out: … } }",
    );
    expect(model.requests).toEqual([]);
  });

  test('caps the output at what the money left buys', async () => {
    const model = costing(10, 10);
    await new Trial({ prices, limits: { outputTokensUseful: 5 } }).run(
      agent({ name: 'say', model, instructions: 'x', settings: { maxOutputTokens: 100_000 } }),
      'hello',
      { budget: { usd: 0.01 } },
    );
    const cap = model.requests[0]?.maxOutputTokens ?? 0;
    expect(cap * 20).toBeLessThanOrEqual(10_000);
    expect(cap * 20).toBeGreaterThan(9_000);
  });
});

describe('a cap on time', () => {
  test('of the run ends it, and a raised one goes on', async () => {
    const trial = new Trial();
    const model = costing(1, 1, trial, 100);
    const say = agent({ name: 'say', model, instructions: 'x' });
    const error = await trial.fails(map(say, { concurrency: 1 }), items(5), { budget: { ms: 250 } });
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'ms', bound: 250 } });
    expect(error.message).toContain("The budget of the run 'r' caps time at 250 ms");
    expect((await trial.tree()).status).toBe('failed');
    const { output, resume } = await trial.run(map(say, { concurrency: 1 }), items(5), { budget: { ms: 600 } });
    expect(output).toHaveLength(5);
    expect(resume?.answered).toBe(2);
    // What was worked before counts: 250 ms + 300 ms.
    expect((await trial.fails(map(say), items(5), { id: 'other', budget: { ms: 50 } })).code).toBe('BUDGET_EXCEEDED');
  });

  test('of an agent fails its call alone', async () => {
    const trial = new Trial();
    const slow = agent({ name: 'slow', model: costing(1, 1, trial, 1_000), instructions: 'x', budget: { ms: 100 } });
    const asks = flow({ name: 'asks', run: async (_, ctx) => (await failure(ctx.call(slow, 'a'))).data });
    expect((await trial.run(asks, 'x')).output).toEqual({ cap: 'ms', bound: 100 });
  });
});

describe('caps nest', () => {
  test('the innermost that is used up is named, and those around it go on', async () => {
    const model = costing(1, 1);
    const inner = agent({ name: 'inner', model, instructions: 'x', budget: { calls: 1 }, output: z.object({}) });
    const asks = flow({
      name: 'asks',
      budget: { calls: 5 },
      run: async (_, ctx) => {
        const first = await failure(ctx.call(inner, 'a'));
        const second = await failure(ctx.call(inner, 'b'));
        return [first.data['of'], second.data['of']];
      },
    });
    expect((await new Trial().run(asks, 'x', { budget: { calls: 9 } })).output).toEqual(['asks/inner', 'asks/inner']);
    expect(model.requests).toHaveLength(2);
  });

  test('an outer one bounds what the inner ones would allow', async () => {
    const model = scripted(() => ({ text: 'garbage' }));
    const inner = agent({ name: 'inner', model, instructions: 'x', budget: { calls: 100 }, output: z.object({}), repairs: 50 });
    const asks = flow({ name: 'asks', run: async (_, ctx) => (await failure(ctx.call(inner, 'a'))).data['of'] });
    expect((await new Trial().run(asks, 'x', { budget: { calls: 4 } })).output).toBe('r');
    expect(model.requests).toHaveLength(4);
  });

  test('an agent among the tools is paid by the one that asks it', async () => {
    const helper = agent({ name: 'helper', model: costing(1, 1), instructions: 'x' });
    const model = scripted([
      {
        tools: [
          ['helper', { input: 'a' }],
          ['helper', { input: 'b' }],
        ],
      },
      { text: 'done' },
    ]);
    const lead = agent({ name: 'lead', model, instructions: 'x', tools: { helper }, budget: { calls: 3 } });
    const trial = new Trial();
    expect((await trial.fails(lead, 'x')).data).toMatchObject({ cap: 'calls', of: 'lead' });
    expect((await trial.events('model.requested')).length).toBe(3);
  });

  test('a tool that waits for nobody needs no budget', async () => {
    const look = tool({ description: 'Look', effect: 'none', input: z.object({}), execute: () => 1 });
    const model = scripted([{ tools: [['look', {}]] }, { text: 'done' }]);
    expect(
      (await new Trial().run(agent({ name: 'looks', model, instructions: 'x', tools: { look } }), 'x', { budget: { calls: 2 } })).output,
    ).toBe('done');
  });
});

describe('going on with a run that ran out', () => {
  test('what was spent stays spent: the same budget does not get further', async () => {
    const trial = new Trial();
    const model = costing(1, 1);
    const sweep = map(agent({ name: 'say', model, instructions: 'x' }), { concurrency: 1 });
    await trial.fails(sweep, items(5), { budget: { calls: 3 } });
    await trial.fails(sweep, items(5));
    expect(model.requests).toHaveLength(3);
  });

  test('a raised budget buys the rest and nothing twice', async () => {
    const trial = new Trial();
    const model = costing(1, 1);
    const sweep = map(agent({ name: 'say', model, instructions: 'x' }), { concurrency: 1 });
    await trial.fails(sweep, items(5), { budget: { calls: 3 } });
    const { output, bill, resume } = await trial.run(sweep, items(5), { budget: { calls: 5 } });
    expect(output).toHaveLength(5);
    expect(bill.calls).toBe(5);
    expect(resume?.answered).toBe(3);
  });
});
