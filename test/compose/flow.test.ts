import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { agent, flow, type FlowContext, map, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { failure, Trial } from '../support/trial.ts';

const shout = step({ name: 'shout', execute: (text) => text.toUpperCase() });

/** Answers after as many ms as it is asked for, unless that is negative: then it fails after as many. */
const wait = (trial: Trial, log: string[] = []) =>
  step({
    name: 'wait',
    input: z.number(),
    execute: async (ms, { signal }) => {
      signal.addEventListener('abort', () => log.push(`${ms} stopped`));
      await trial.clock.sleep(Math.abs(ms));
      if (ms < 0) throw new Error(`failed after ${-ms}`);
      log.push(`${ms} done`);
      return `${ms}`;
    },
  });

describe('flow', () => {
  test('is an async function that asks agents, with contracts on both sides', async () => {
    const greet = flow({
      name: 'greet',
      input: z.object({ names: z.string().transform((text) => text.split(',')) }),
      output: z.object({ all: z.array(z.string()).transform((list) => list.join('!')) }),
      run: async ({ names }, ctx) => ({ all: await ctx.call(map(shout), names).then((list) => [...list]) }),
    });
    const { output } = await new Trial().run(greet, { names: 'ada,bob' });
    expectTypeOf(output).toEqualTypeOf<{ all: string }>();
    expect(output).toEqual({ all: 'ADA!BOB' });
  });

  test('without an output contract gives what its function gives, with its type', async () => {
    const made = flow({ name: 'made', run: async () => Promise.resolve({ at: new Date(0).toISOString() }) });
    const { output } = await new Trial().run(made, 'x');
    expectTypeOf(output).toEqualTypeOf<{ at: string }>();
    expect(output).toEqual({ at: '1970-01-01T00:00:00.000Z' });
  });

  test('is judged by contract and checks like any agent, and tried afresh where it has attempts', async () => {
    let runs = 0;
    const counts = flow({
      name: 'counts',
      output: z.number(),
      attempts: 3,
      checks: [(n) => (n < 3 ? `${n} is too few` : undefined)],
      run: async () => Promise.resolve((runs += 1)),
    });
    const trial = new Trial();
    expect((await trial.run(counts, 'x')).output).toBe(3);
    expect((await trial.tree()).root.attempts.map(({ rejected }) => rejected?.problems[0]?.message)).toEqual([
      'check 1: 1 is too few',
      'check 1: 2 is too few',
      undefined,
    ]);
    expect(
      await new Trial().fails(flow({ name: 'wrong', output: z.number(), run: async () => Promise.resolve('x' as never) }), 'x'),
    ).toMatchObject({ code: 'CONTRACT_VIOLATION', data: { side: 'output' } });
  });

  test('asks afresh in a fresh attempt: nothing of the refused one counts', async () => {
    const model = scripted([{ text: 'no' }, { text: 'yes' }]);
    const say = agent({ name: 'say', model, instructions: 'x' });
    const picky = flow({
      name: 'picky',
      attempts: 2,
      checks: [(text) => (text === 'no' ? 'no' : undefined)],
      run: async (_, ctx) => await ctx.call(say, 'same'),
    });
    expect((await new Trial().run(picky, 'x')).output).toBe('yes');
  });

  test('tells where the error of a call came from, and may go on', async () => {
    const bad = step({
      name: 'bad',
      execute: () => {
        throw new Error('no');
      },
    });
    const careful = flow({
      name: 'careful',
      run: async (_, ctx) => {
        const error = await failure(ctx.call(bad, 'x'));
        return `${error.code} at ${error.where.call ?? ''}`;
      },
    });
    const trial = new Trial();
    expect((await trial.run(careful, 'x')).output).toBe('CODE_FAILED at careful/bad');
    expect((await trial.tree()).root).toMatchObject({ status: 'succeeded', children: [{ status: 'failed' }] });
  });

  test('names in its shape the agents it says it uses', () => {
    expect(flow({ name: 'f', uses: [shout], run: async () => Promise.resolve('') }).shape.children).toEqual([shout.shape]);
  });
});

describe('the same question twice', () => {
  const say = () => agent({ name: 'say', model: scripted([{ text: 'one' }, { text: 'two' }]), instructions: 'x' });

  test('one after the other is two questions, and a resume tells them apart', async () => {
    const trial = new Trial();
    const agentOf = say();
    const twice = flow({ name: 'twice', run: async (_, ctx) => [await ctx.call(agentOf, 'x'), await ctx.call(agentOf, 'x')] });
    expect((await trial.run(twice, 'x')).output).toEqual(['one', 'two']);
    const again = await trial.run(twice, 'x');
    expect(again.output).toEqual(['one', 'two']);
    expect(again.resume?.answered).toBe(2);
  });

  test('at once is ambiguous, and the message says both ways out', async () => {
    const agentOf = say();
    const twice = flow({ name: 'twice', run: async (_, ctx) => await Promise.all([ctx.call(agentOf, 'x'), ctx.call(agentOf, 'x')]) });
    const error = await new Trial().fails(twice, 'x');
    expect(error).toMatchObject({ code: 'AMBIGUOUS_CALL', data: { agent: 'say' } });
    expect(error.message).toContain("'twice' asks 'say' the same thing again while the first question is still open");
    expect(error.message).toContain("{ key: 'second' }");
    expect(error.message).toContain('ctx.all([...])');
  });

  test('at once with keys is two questions', async () => {
    const trial = new Trial();
    const agentOf = say();
    const twice = flow({
      name: 'twice',
      run: async (_, ctx) => await Promise.all([ctx.call(agentOf, 'x', { key: 'a' }), ctx.call(agentOf, 'x', { key: 'b' })]),
    });
    expect((await trial.run(twice, 'x')).output).toEqual(['one', 'two']);
    expect((await trial.tree()).root.children.map(({ path }) => path)).toEqual(['twice/say~a', 'twice/say~b']);
    expect((await trial.run(twice, 'x')).output).toEqual(['one', 'two']);
  });

  test('with the same key is refused even when the first is over', async () => {
    const agentOf = say();
    const twice = flow({
      name: 'twice',
      run: async (_, ctx) => [await ctx.call(agentOf, 'x', { key: 'a' }), await ctx.call(agentOf, 'x', { key: 'a' })],
    });
    const error = await new Trial().fails(twice, 'x');
    expect(error).toMatchObject({
      code: 'AMBIGUOUS_CALL',
      message: expect.stringContaining("'twice' used the key 'a' twice for 'say'") as string,
    });
  });

  test('in branches is two questions, and so is the same with another input', async () => {
    const agentOf = say();
    const twice = flow({
      name: 'twice',
      run: async (_, ctx) => await ctx.all([(one) => one.call(agentOf, 'x'), (one) => one.call(agentOf, 'x')]),
    });
    expect((await new Trial().run(twice, 'x')).output).toEqual(['one', 'two']);
    const other = say();
    const both = flow({ name: 'both', run: async (_, ctx) => await Promise.all([ctx.call(other, 'x'), ctx.call(other, 'y')]) });
    expect((await new Trial().run(both, 'x')).output).toEqual(['one', 'two']);
  });
});

describe('ctx.all', () => {
  test('gives the results of its branches in order and with their types', async () => {
    const trial = new Trial();
    const mixed = flow({
      name: 'mixed',
      run: async (_, ctx) =>
        await ctx.all([(one) => one.call(wait(trial), 30), async () => Promise.resolve(2), (one) => one.call(shout, 'c')]),
    });
    const { output } = await trial.run(mixed, 'x');
    expectTypeOf(output).toEqualTypeOf<[string, number, string]>();
    expect(output).toEqual(['30', 2, 'C']);
  });

  test('twice in one flow does not mix its branches', async () => {
    const trial = new Trial();
    const model = scripted((_, nth) => ({ text: `${nth}` }));
    const say = agent({ name: 'say', model, instructions: 'x' });
    const twice = flow({
      name: 'twice',
      run: async (_, ctx) => [...(await ctx.all([(one) => one.call(say, 'x')])), ...(await ctx.all([(one) => one.call(say, 'x')]))],
    });
    expect((await trial.run(twice, 'x')).output).toEqual(['0', '1']);
    expect((await trial.run(twice, 'x')).output).toEqual(['0', '1']);
    expect(model.requests).toHaveLength(2);
  });

  test('inside a branch opens branches of that branch', async () => {
    const nested = flow({
      name: 'nested',
      run: async (_, ctx) =>
        await ctx.all([(one) => one.all([(two) => two.call(shout, 'a'), (two) => two.call(shout, 'a')]), (one) => one.call(shout, 'a')]),
    });
    expect((await new Trial().run(nested, 'x')).output).toEqual([['A', 'A'], 'A']);
  });

  test('fails when one does, after the others have finished', async () => {
    const trial = new Trial();
    const log: string[] = [];
    const waits = wait(trial, log);
    const error = await trial.fails(
      flow({
        name: 'some',
        run: async (_, ctx) => await ctx.all([(one) => one.call(waits, 50), (one) => one.call(waits, -10), (one) => one.call(waits, -20)]),
      }),
      'x',
    );
    expect(error.message).toContain('2 of 3 branches failed; the first: ');
    expect(error.message).toContain('failed after 10');
    expect(log).toEqual(['50 done']);
  });
});

describe('ctx.race', () => {
  const races = (trial: Trial, log: string[], list: readonly number[]) =>
    flow({ name: 'races', run: async (_, ctx) => await ctx.race(list.map((ms) => (one) => one.call(wait(trial, log), ms))) });

  test('gives the first that succeeds and stops the rest', async () => {
    const trial = new Trial();
    const log: string[] = [];
    const start = trial.clock.now();
    expect((await trial.run(races(trial, log, [300, 100, -50, 200]), 'x')).output).toBe('100');
    expect(trial.clock.now() - start).toBe(100);
    expect(log).toEqual(['100 done', '300 stopped', '200 stopped']);
  });

  test('stops the rest at once, not when the flow ends', async () => {
    const trial = new Trial();
    const log: string[] = [];
    const goesOn = flow({
      name: 'goesOn',
      run: async (_, ctx) => {
        await ctx.race([(one) => one.call(wait(trial, log), 100), (one) => one.call(wait(trial, log), 300)]);
        return await ctx.call(wait(trial, log), 900);
      },
    });
    await trial.run(goesOn, 'x');
    expect(log.slice(0, 2)).toEqual(['100 done', '300 stopped']);
  });

  test('records the winner: a resume takes it again, however the others would do now', async () => {
    const trial = new Trial();
    let broken = true;
    const program = flow({
      name: 'program',
      run: async (_, ctx) => {
        const winner = await ctx.race([(one) => one.call(wait(trial), 300), (one) => one.call(wait(trial), 100)]);
        if (broken) throw new Error('not yet');
        return winner;
      },
    });
    await trial.fails(program, 'x');
    broken = false;
    const { output, resume } = await trial.run(program, 'x');
    expect(output).toBe('100');
    expect(resume?.answered).toBe(1);
    expect(await trial.events('decision')).toMatchObject([{ question: 'race 0', choice: 1 }]);
  });

  test('fails when every branch has, with all of them as its cause', async () => {
    const trial = new Trial();
    const error = await trial.fails(races(trial, [], [-20, -10]), 'x');
    expect(error).toMatchObject({ code: 'CODE_FAILED', message: "Every branch of the race in 'races' failed." });
    expect((await trial.tree()).root.causes.length).toBe(2);
  });

  test('of nothing fails and says so', async () => {
    const error = await new Trial().fails(races(new Trial(), [], []), 'x');
    expect(error.message).toContain("race in 'races'");
  });

  test('twice in one flow records two winners', async () => {
    const trial = new Trial();
    const twice = flow({
      name: 'twice',
      run: async (_, ctx) => [
        await ctx.race([(one) => one.call(wait(trial), 20), (one) => one.call(wait(trial), 10)]),
        await ctx.race([(one) => one.call(wait(trial), 10), (one) => one.call(wait(trial), 20)]),
      ],
    });
    expect((await trial.run(twice, 'x')).output).toEqual(['10', '10']);
    expect((await trial.events('decision')).map(({ question, choice }) => [question, choice])).toEqual([
      ['race 0', 1],
      ['race 1', 0],
    ]);
  });
});

describe('branches that are none', () => {
  const asks = (body: (ctx: FlowContext) => unknown) => flow({ name: 'asks', run: async (_, ctx) => await body(ctx) });
  test.each([
    [
      'a call that was begun already',
      asks((ctx) => ctx.all([ctx.call(shout, 'a')] as never)),
      'ctx.all takes functions and got a promise at 0. Write ctx.all([(c) => c.call(agent, input)]).',
    ],
    [
      'a call that fails',
      asks((ctx) => ctx.race([async () => Promise.resolve('a'), ctx.call(shout, 1 as never)] as never)),
      'ctx.race takes functions and got a promise at 1. Write ctx.race([(c) => c.call(agent, input)]).',
    ],
    ['an agent', asks((ctx) => ctx.all([shout] as never)), 'ctx.all takes functions and got an object at 0.'],
    ['no list', asks((ctx) => ctx.all(shout as never)), 'ctx.all takes functions and got an object.'],
  ] as const)('%s', async (_, program, words) => {
    const error = await new Trial().fails(program, 'x');
    expect(error.code).toBe('MISCONFIGURED');
    expect(error.message).toContain(words);
  });
});

test('a name where an agent belongs is quoted', async () => {
  const asks = flow({ name: 'asks', run: async (_, ctx) => await ctx.call('a' as never, 'x') });
  expect((await new Trial().fails(asks, 'x')).message).toBe(
    '\'asks\' was given the text "a" where an agent belongs; give the agent itself.',
  );
});
