import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { agent, type Event, flow, map, memoryJournal, pipe, run, RunError, step } from '../../src/index.ts';
import { deny, scripted, type ScriptedTurn } from '../../src/testing.ts';
import { failure, Trial } from '../support/trial.ts';

const shout = step({ name: 'shout', execute: (text) => text.toUpperCase() });

describe('a run', () => {
  test('gives the output with its type, the bill, and an id to come back with', async () => {
    const count = agent({
      name: 'count',
      model: scripted([{ object: { n: 2 }, tokensIn: 10, tokensOut: 5 }]),
      output: z.object({ n: z.number() }),
      instructions: 'Count.',
    });
    const result = await run(count, 'a b', { journal: memoryJournal() });
    expectTypeOf(result.output).toEqualTypeOf<{ n: number }>();
    expect(result.output).toEqual({ n: 2 });
    expect(result.missing).toEqual([]);
    expect(result.bill).toMatchObject({ calls: 1, tokensIn: 10, tokensOut: 5, callsUnpriced: 1, unpriced: ['scripted/script'] });
    expect(result.id).toMatch(/^[0-9a-z]{12}$/);
    expect(result.resume).toBeUndefined();
  });

  test('records what happened in the order in which it did', async () => {
    const trial = new Trial();
    await trial.run(agent({ name: 'say', model: scripted([{ text: 'hi' }]), instructions: 'x' }), 'go');
    expect((await trial.events()).map(({ kind }) => kind)).toEqual([
      'run.started',
      'call.started',
      'attempt.started',
      'model.requested',
      'model.responded',
      'call.succeeded',
      'run.succeeded',
    ]);
  });

  test('asks the models it is given instead of the agents’ own, by name and for all others', async () => {
    const own = scripted([]);
    const a = agent({ name: 'a', model: own, instructions: 'x' });
    const b = agent({ name: 'b', instructions: 'x' });
    const models = { a: scripted([{ text: 'from a' }]), '*': scripted([{ expect: 'from a', text: 'from all others' }]) };
    expect((await new Trial({ models }).run(pipe(a, b), 'x')).output).toBe('from all others');
    expect(own.requests).toEqual([]);
  });

  test('costs what its prices say', async () => {
    const model = scripted([{ text: 'x', tokensIn: 1_000, tokensOut: 100 }]);
    const { bill } = await new Trial({ prices: { 'scripted/*': { in: 3, out: 15 } } }).run(
      agent({ name: 'say', model, instructions: 'x' }),
      'x',
    );
    expect(bill).toMatchObject({ usdMicros: 4_500, callsUnpriced: 0 });
  });

  test('that failed carries its id, its bill and what it achieved', async () => {
    const good = agent({ name: 'good', model: scripted([{ text: 'fine', tokensIn: 7 }]), instructions: 'x' });
    const bad = step({
      name: 'bad',
      execute: () => {
        throw new Error('no');
      },
    });
    const error = await new Trial().fails(pipe(good, bad), 'x');
    if (!(error instanceof RunError)) throw new Error('it is no RunError');
    expect(error).toMatchObject({
      id: 'r',
      code: 'CODE_FAILED',
      bill: { calls: 1, tokensIn: 7 },
      where: { run: 'r', call: 'pipe(good, bad)/bad' },
    });
    expect(await error.achieved()).toEqual([{ call: 'pipe(good, bad)/good', output: 'fine' }]);
  });
});

describe('the same id again', () => {
  test('with the same input answers without asking anybody', async () => {
    const trial = new Trial();
    const model = scripted([{ text: 'once' }]);
    const say = agent({ name: 'say', model, instructions: 'x' });
    const twice = pipe(say, shout);
    expect((await trial.run(twice, 'x')).output).toBe('ONCE');
    const again = await trial.run(twice, 'x');
    expect(again.output).toBe('ONCE');
    expect(again.resume).toEqual({
      entry: 1,
      answered: 2,
      bought: [],
      unasked: [],
      fresh: 0,
      reused: 0,
      kept: [],
      unversioned: ['shout'],
      changed: [],
    });
    expect(again.bill.calls).toBe(1);
  });

  test('treats inputs as equal when their JSON is, whatever the order of their keys', async () => {
    const trial = new Trial();
    const join = step({ name: 'join', input: z.object({ a: z.string(), b: z.string() }), execute: ({ a, b }) => a + b });
    await trial.run(join, { a: '1', b: '2' });
    expect((await trial.run(join, { b: '2', a: '1' })).output).toBe('12');
  });

  test('after a failure asks again only what failed, and tells why it was bought', async () => {
    const trial = new Trial();
    const first = scripted([{ text: 'kept' }]);
    const second = (turns: ScriptedTurn[]) => agent({ name: 'second', model: scripted(turns), instructions: 'x' });
    const both = (turns: ScriptedTurn[]) => pipe(agent({ name: 'first', model: first, instructions: 'x' }), second(turns));
    expect((await trial.fails(both([{ error: new Error('down') }]), 'x')).code).toBe('MODEL_FAILED');
    const { output, resume } = await trial.run(both([{ text: 'up' }]), 'x');
    expect(output).toBe('up');
    expect(resume).toMatchObject({ entry: 1, answered: 1 });
    expect(first.requests).toHaveLength(1);
  });

  test('keeps a failure that its asker dealt with: a resume takes the same path', async () => {
    const trial = new Trial();
    const model = scripted([{ error: new Error('down') }, { text: 'never asked' }]);
    const say = agent({ name: 'say', model, instructions: 'x' });
    let broken = true;
    const careful = flow({
      name: 'careful',
      run: async (_, ctx) => {
        const { code } = await failure(ctx.call(say, 'x'));
        if (broken) throw new Error('not because of it');
        return code;
      },
    });
    await trial.fails(careful, 'x');
    broken = false;
    expect((await trial.run(careful, 'x')).output).toBe('MODEL_FAILED');
    expect(model.requests).toHaveLength(1);
  });

  test('goes on after a failure that was kept over an interruption and then became the run’s own', async () => {
    const trial = new Trial();
    const controller = new AbortController();
    const answers: ScriptedTurn[] = [{ error: new Error('down') }, { text: 'up again' }];
    const shaky = agent({ name: 'shaky', model: scripted(answers), instructions: 'x' });
    let interrupting = true;
    const pause = step({
      name: 'pause',
      execute: async () => {
        if (interrupting) controller.abort();
        await trial.clock.sleep(10);
        return 'rested';
      },
    });
    const program = flow({
      name: 'program',
      run: async (_, ctx) => {
        try {
          return await ctx.call(shaky, 'x');
        } catch (error) {
          await ctx.call(pause, 'x');
          throw error;
        }
      },
    });
    expect((await trial.fails(program, 'x', { signal: controller.signal })).code).toBe('CANCELLED');
    interrupting = false;
    // The kept failure is thrown on: now the run itself has failed because of it …
    expect((await trial.fails(program, 'x')).code).toBe('MODEL_FAILED');
    expect((await trial.tree()).root).toMatchObject({ status: 'failed', causes: ['program/shaky'] });
    // … so going on forgets it.
    expect((await trial.run(program, 'x')).output).toBe('up again');
  });

  test('with another input, or another agent, is a conflict that names both', async () => {
    const trial = new Trial();
    await trial.run(shout, 'a');
    const other = await trial.fails(shout, 'b');
    expect(other).toMatchObject({ code: 'RUN_CONFLICT', data: { run: 'r', agent: 'shout' } });
    expect(other.message).toBe(
      "There is a run 'r' already, with another input. Use another id, or the same input to go on with it (amdahl show r).",
    );
    const another = await trial.fails(step({ name: 'whisper', execute: (text) => text }), 'a');
    expect(another.message).toContain("There is a run 'r' already, of the agent 'shout', not 'whisper'");
    expect((await trial.run(shout, 'a')).output).toBe('A');
  });

  test('while it runs, is told who owns it', async () => {
    const trial = new Trial();
    const slow = step({
      name: 'slow',
      execute: async (text) => {
        await trial.clock.sleep(100);
        return text;
      },
    });
    const first = trial.run(slow, 'a');
    expect((await trial.fails(slow, 'a')).code).toBe('RUN_OWNED');
    expect((await first).output).toBe('a');
  });
});

describe('values drawn from the world', () => {
  test('are the same when the run goes on', async () => {
    const trial = new Trial();
    let broken = true;
    const draws = flow({
      name: 'draws',
      run: async (_, ctx) => {
        const values = [await ctx.now(), await ctx.random(), await ctx.random()];
        const below = await ctx.all([(one) => one.random(), (one) => one.random()]);
        if (broken) throw new Error(JSON.stringify([...values, ...below]));
        return [...values, ...below];
      },
    });
    const error = await trial.fails(draws, 'x');
    broken = false;
    await trial.clock.drive(trial.clock.sleep(5_000));
    const { output } = await trial.run(draws, 'x');
    expect(output).toEqual(JSON.parse(/\[.*\]/.exec(error.message)?.[0] ?? ''));
    expect(new Set(output).size).toBe(5);
  });
});

describe('an observer', () => {
  test('is told of every event as it happens', async () => {
    const trial = new Trial();
    const told: Event[] = [];
    await trial.run(shout, 'a', { onEvent: (event) => told.push(event) });
    expect(told).toEqual(await trial.events());
  });

  test('that throws stops the run, which says so and can go on', async () => {
    const trial = new Trial();
    const error = await trial.fails(map(shout), ['a', 'b'], {
      onEvent: ({ kind }) => {
        if (kind === 'call.succeeded') throw new Error('the progress bar broke');
      },
    });
    expect(error).toMatchObject({ code: 'CODE_FAILED', message: 'onEvent threw at call.succeeded: the progress bar broke' });
    expect((await trial.run(map(shout), ['a', 'b'])).output).toEqual(['A', 'B']);
  });
});

test('deny proves that nobody else asks', async () => {
  const a = agent({ name: 'a', model: scripted([{ text: 'own' }]), instructions: 'x' });
  const error = await new Trial({ models: { '*': deny } }).fails(a, 'x');
  expect(error).toMatchObject({
    code: 'MODEL_DENIED',
    message: expect.stringContaining("This run does not let 'a' ask a model") as string,
  });
});
