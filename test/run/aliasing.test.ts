import { type } from 'arktype';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, all, flow, grounded, memoryJournal, run, step, tool } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { scripted } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

const double = step({ name: 'double', version: '1', input: z.object({ n: z.number() }), output: z.number(), execute: ({ n }) => n * 2 });

test('a question is what its input was when it was asked, whatever its asker does to the object afterwards', async () => {
  const reused = flow({
    name: 'flow',
    run: async (_: string, ctx) => {
      const job = { n: 0 };
      const answers: Promise<number>[] = [];
      for (const n of [1, 2, 3]) {
        job.n = n;
        answers.push(ctx.call(double, job));
      }
      return await Promise.all(answers);
    },
  });
  const trial = new Trial();
  expect((await trial.run(reused, 'x')).output).toEqual([2, 4, 6]);
  expect((await trial.events('call.started')).slice(1).map((event) => event.input)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  // And so it is found again by a program that asks with an object each.
  const fresh = flow({ name: 'flow', run: async (_: string, ctx) => await Promise.all([1, 2, 3].map((n) => ctx.call(double, { n }))) });
  expect(await trial.run(fresh, 'x')).toMatchObject({ output: [2, 4, 6], resume: { answered: 3, bought: [] } });
});

test('code that changes its input changes nothing for its asker, so a resume asks what was asked before', async () => {
  let executions = 0;
  // Unlike zod, this contract hands over the very object that it was given.
  const reverse = step({
    name: 'reverse',
    version: '1',
    input: type({ xs: 'number[]' }),
    output: z.number(),
    execute: ({ xs }) => xs.reverse().length,
  });
  const show = step({
    name: 'show',
    version: '1',
    input: z.any(),
    output: z.any(),
    execute: (input: unknown) => {
      executions += 1;
      return input;
    },
  });
  const both = flow({
    name: 'flow',
    run: async (_: string, ctx) => {
      const list = { xs: [3, 1, 2] };
      await ctx.call(reverse, list);
      return await ctx.call(show, list);
    },
  });
  const trial = new Trial();
  expect((await trial.run(both, 'x')).output).toEqual({ xs: [3, 1, 2] });
  expect(await trial.run(both, 'x')).toMatchObject({ output: { xs: [3, 1, 2] }, resume: { answered: 2, bought: [] } });
  expect(executions).toBe(1);
});

test('members of all() that are given one object do not see what the others do to it', async () => {
  const counting = (name: string): Agent<{ n: number }, number> =>
    step({ name, input: type({ n: 'number' }), output: z.number(), execute: (input) => (input.n += 1) });
  expect((await new Trial().run(all({ a: counting('a'), b: counting('b') }), { n: 1 })).output).toEqual({ a: 2, b: 2 });
});

test('a quote is looked for in the document that was sent with the question, not in an earlier one', async () => {
  const quote = agent({
    name: 'quote',
    instructions: 'Quote.',
    input: type({ doc: 'string' }),
    output: z.object({ quote: z.string() }),
    checks: [grounded(['quote'])],
    repairs: 0,
    attempts: 1,
  });
  const twice = flow({
    name: 'flow',
    run: async (_: string, ctx) => {
      const asked = { doc: 'the first document speaks of apples' };
      await ctx.call(quote, asked);
      asked.doc = 'the second document speaks of pears';
      return await ctx.call(quote, asked).then(
        (answer) => answer.quote,
        (error: unknown) => (error as { code: string }).code,
      );
    },
  });
  const second = async (said: string): Promise<string> => {
    const model = scripted(['speaks of apples', said].map((text) => ({ object: { quote: text } })));
    return (await new Trial().run(twice, 'x', { models: { quote: model } })).output;
  };
  expect(await second('speaks of apples')).toBe('CHECK_FAILED');
  expect(await second('speaks of pears')).toBe('speaks of pears');
});

test('what a tool gave stays as it was then, also when the tool goes on working on the same object', async () => {
  const list: string[] = [];
  const add = tool({
    description: 'Add',
    effect: 'none',
    input: z.object({ item: z.string() }),
    execute: ({ item }) => {
      list.push(item);
      return list;
    },
  });
  const model = scripted([{ tools: [['add', { item: 'a' }]] }, { tools: [['add', { item: 'b' }]] }, { text: 'ok' }]);
  const trial = new Trial();
  await trial.run(agent({ name: 'note', model, instructions: 'x', tools: { add } }), 'x');
  expect(model.requests.slice(1).map((_, index) => toolAnswers(model, index + 1))).toEqual([[['a']], [['a', 'b']]]);
  expect(await trial.events('tool.returned')).toMatchObject([{ result: ['a'] }, { result: ['a', 'b'] }]);
});

test('a run is about what its input was when run() was called', async () => {
  const journal = memoryJournal();
  const job = { n: 0 };
  const runs = [1, 2, 3].map((n) => {
    job.n = n;
    return run(double, job, { id: `r${n}`, journal });
  });
  expect((await Promise.all(runs)).map((result) => result.output)).toEqual([2, 4, 6]);
});

test('an input is read once: what is recorded, named and worked on is the same', async () => {
  let reads = 0;
  const odd = {
    get n(): number {
      reads += 1;
      return reads;
    },
  };
  const trial = new Trial();
  expect((await trial.run(double, odd)).output).toBe(2);
  const inputs: unknown[] = [];
  for await (const { event } of trial.journal.read('r' as RunId)) if ('input' in event) inputs.push(event.input);
  expect({ reads, inputs }).toEqual({ reads: 1, inputs: [{ n: 1 }, { n: 1 }] });
});

test('what an attempt did to its input does not reach the next attempt', async () => {
  const seen: unknown[] = [];
  const careless = step({
    name: 'careless',
    input: type({ n: 'number' }),
    output: z.number(),
    attempts: 2,
    execute: (input) => {
      seen.push({ ...input });
      input.n += 1;
      if (seen.length === 1) throw new Error('once more');
      return input.n;
    },
  });
  expect((await new Trial().run(careless, { n: 1 })).output).toBe(2);
  expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
});
