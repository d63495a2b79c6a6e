import fc from 'fast-check';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { agent, type Agent, AmdahlError, flow, map, mapReduce, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { refusal, Trial } from '../support/trial.ts';

const shout = step({ name: 'shout', execute: (text) => text.toUpperCase() });

/** Fails for what starts with "bad". */
const picky = step({
  name: 'picky',
  execute: (text) => {
    if (text.startsWith('bad')) throw new Error(`${text} is refused`);
    return text;
  },
});

/** Takes as many ms as its input says. */
const patient = (trial: Trial, seen: { now: number; most: number } = { now: 0, most: 0 }): Agent<number, number> =>
  step({
    name: 'patient',
    input: z.number(),
    output: z.number(),
    execute: async (ms) => {
      seen.now += 1;
      seen.most = Math.max(seen.most, seen.now);
      await trial.clock.sleep(ms);
      seen.now -= 1;
      return ms;
    },
  });

describe('map', () => {
  test('gives the outputs in the order of the items, whoever was first', async () => {
    const trial = new Trial();
    const { output } = await trial.run(map(patient(trial)), [300, 100, 200]);
    expectTypeOf(output).toEqualTypeOf<readonly number[]>();
    expect(output).toEqual([300, 100, 200]);
  });

  test('of nothing is nothing', async () => {
    expect((await new Trial().run(map(shout), [])).output).toEqual([]);
    expect((await new Trial().run(map(shout, { atLeast: 1 }), [])).output).toEqual({ done: [], missing: [] });
  });

  test('asks equal items one by one: each is a question of its own', async () => {
    const model = scripted([{ text: 'a' }, { text: 'b' }]);
    expect((await new Trial().run(map(agent({ name: 'say', model, instructions: 'x' })), ['same', 'same'])).output).toEqual(['a', 'b']);
  });

  test('never asks about more items at once than it may, and about no fewer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 30 }),
        fc.integer({ min: 1, max: 8 }),
        async (list, concurrency) => {
          const trial = new Trial();
          const seen = { now: 0, most: 0 };
          expect((await trial.run(map(patient(trial, seen), { concurrency }), list)).output).toEqual(list);
          expect(seen.most).toBe(Math.min(concurrency, list.length));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('asks about ten at once where nothing is said', async () => {
    const trial = new Trial();
    const seen = { now: 0, most: 0 };
    await trial.run(
      map(patient(trial, seen)),
      Array.from({ length: 30 }, () => 5),
    );
    expect(seen.most).toBe(10);
  });

  test('where all must succeed begins no further item once one has failed, and says what is kept', async () => {
    const trial = new Trial();
    const error = await trial.fails(map(picky, { concurrency: 2 }), ['a', 'bad one', 'c', 'd', 'e', 'f']);
    expect(error).toMatchObject({ code: 'TOO_MANY_MISSING', data: { count: 6, failed: 1, mayFail: 0 } });
    expect(error.message).toMatch(
      /^1 of 6 calls of 'picky' failed and at most 0 may \(\d were begun\)\. The first: The code of 'map\(picky\)\[1\]\/picky' threw: bad one is refused/,
    );
    expect(error.message).toContain('What succeeded is kept: a resume asks only for the rest.');
    expect((await trial.tree()).root.causes).toEqual(['map(picky)[1]/picky']);
    expect((await trial.events('call.started')).length).toBeLessThan(6);
  });

  test('tells failures that share an incident once, and then the first of the others', async () => {
    const down = new AmdahlError('MODEL_UNAVAILABLE', 'The request to openai/gpt-5 had no answer.', {
      data: { incident: 'i1', model: 'openai/gpt-5' },
    });
    const flaky = step({
      name: 'flaky',
      execute: (text) => {
        if (text.startsWith('down')) throw down;
        if (text.startsWith('bad')) throw new Error(`${text} is refused`);
        return text;
      },
    });
    const both = await new Trial().fails(map(flaky, { atLeast: 0.5, concurrency: 9 }), ['down 1', 'bad', 'down 2', 'a', 'down 3']);
    expect(both).toMatchObject({
      code: 'TOO_MANY_MISSING',
      data: { count: 5, failed: 4, incidents: [{ id: 'i1', gate: 'openai/gpt-5', missing: 3, code: 'MODEL_UNAVAILABLE' }] },
    });
    expect(both.message).toMatch(
      /\(5 were begun\)\. 3 of them fell to one incident: openai\/gpt-5 was unavailable\. The first of the others: The code of .* threw: bad is refused/,
    );
    const one = await new Trial().fails(map(flaky), ['down']);
    expect(one.message).toMatch(
      /1 of them fell to one incident: .*\. The first: The request to openai\/gpt-5 had no answer\. What succeeded is kept/,
    );
    expect((await new Trial().fails(map(picky), ['bad'])).data).not.toHaveProperty('incidents');
  });

  test('passes on that all it lost fell to one incident, and not where only some did', async () => {
    const fell = (failed: number): AmdahlError =>
      new AmdahlError('TOO_MANY_MISSING', 'Too many.', { data: { failed, incidents: [{ id: 'i1', gate: 'openai/gpt-5', missing: 2 }] } });
    const inner = step({
      name: 'inner',
      execute: (text) => {
        throw fell(text === 'all' ? 2 : 3);
      },
    });
    const error = await new Trial().fails(map(inner, { atLeast: 0.9, concurrency: 9 }), ['all', 'some', 'all']);
    expect(error.data['incidents']).toEqual([{ id: 'i1', gate: 'openai/gpt-5', missing: 2 }]);
  });

  test('is shown with its width', async () => {
    const trial = new Trial();
    await trial.run(map(shout, { name: 'loud' }), ['a', 'b']);
    expect((await trial.tree()).root).toMatchObject({
      path: 'loud',
      kind: 'map',
      width: 2,
      children: [{ path: 'loud[0]/shout' }, { path: 'loud[1]/shout' }],
    });
  });
});

describe('atLeast', () => {
  test('gives what was done and what is missing, and the run says it too', async () => {
    const trial = new Trial();
    const { output, missing } = await trial.run(map(picky, { atLeast: 0.5 }), ['a', 'bad', 'c']);
    expect(output.done).toEqual([
      { index: 0, output: 'a' },
      { index: 2, output: 'c' },
    ]);
    expect(output.missing).toMatchObject([{ index: 1, error: { code: 'CODE_FAILED' } }]);
    expect(missing).toMatchObject([{ index: 1, call: 'map(picky)[1]/picky', error: { code: 'CODE_FAILED' } }]);
    expect((await trial.tree()).status).toBe('partial');
  });

  test.each([
    [0.9, 50, 5],
    [0.9, 10, 1],
    [0.7, 10, 3],
    [0.1, 10, 9],
    [0.29, 100, 71],
    [0.55, 100, 45],
    [0.5, 3, 1],
    [0, 3, 3],
    [1, 3, 0],
    [0.9, 9, 0],
  ])('%d of %i lets %i fail and not one more', async (atLeast, count, mayFail) => {
    const items = (bad: number): string[] => Array.from({ length: count }, (_, index) => (index < bad ? `bad ${index}` : `good ${index}`));
    const fine = await new Trial().run(map(picky, { atLeast }), items(mayFail));
    expect(fine.output.missing).toHaveLength(mayFail);
    if (mayFail === count) return;
    const error = await new Trial().fails(map(picky, { atLeast }), items(mayFail + 1));
    expect(error).toMatchObject({ code: 'TOO_MANY_MISSING', data: { mayFail } });
  });

  test('a resume of a partial run asks for what is missing, and for nothing else', async () => {
    const trial = new Trial();
    const asked: string[] = [];
    let broken = true;
    const flaky = step({
      name: 'flaky',
      execute: (text) => {
        asked.push(text);
        if (broken && text === 'b') throw new Error('not yet');
        return text;
      },
    });
    const partial = await trial.run(map(flaky, { atLeast: 0.5 }), ['a', 'b', 'c']);
    expect(partial.missing).toHaveLength(1);
    broken = false;
    const { output, missing } = await trial.run(map(flaky, { atLeast: 0.5 }), ['a', 'b', 'c']);
    expect(output.done.map((one) => one.output)).toEqual(['a', 'b', 'c']);
    expect(missing).toEqual([]);
    expect(asked).toEqual(['a', 'b', 'c', 'b']);
  });

  test('holes below holes reach the run, each with its own place', async () => {
    const rows = map(map(picky, { name: 'row', atLeast: 0.5 }), { name: 'rows' });
    const { missing } = await new Trial().run(rows, [
      ['a', 'bad x'],
      ['bad y', 'b'],
    ]);
    expect(missing.map(({ call, index }) => [call, index])).toEqual([
      ['rows[0]/row[1]/picky', 1],
      ['rows[1]/row[0]/picky', 0],
    ]);
  });

  test('holes of an attempt that was thrown away are no holes of the result', async () => {
    let attempts = 0;
    const trial = new Trial();
    const twice = flow({
      name: 'twice',
      attempts: 2,
      run: async (_, ctx) => {
        attempts += 1;
        const { done } = await ctx.call(map(picky, { atLeast: 0 }), attempts === 1 ? ['bad', 'a'] : ['b', 'c']);
        if (attempts === 1) throw new Error('too few');
        return done.length;
      },
    });
    const { output, missing } = await trial.run(twice, 'x');
    expect([output, missing]).toEqual([2, []]);
  });

  test('a run that was cancelled has no missing items: what was not asked is not missing', async () => {
    const trial = new Trial();
    const controller = new AbortController();
    trial.clock.after(150, () => controller.abort());
    const error = await trial.fails(map(patient(trial), { atLeast: 0, concurrency: 1 }), [100, 100, 100], { signal: controller.signal });
    expect(error.code).toBe('CANCELLED');
    expect((await trial.run(map(patient(trial), { atLeast: 0, concurrency: 1 }), [100, 100, 100])).output.done).toHaveLength(3);
  });
});

describe('mapReduce', () => {
  const length = step({ name: 'length', output: z.number(), execute: (text) => text.length });
  const sum = step({ name: 'sum', input: z.array(z.number()), output: z.number(), execute: (all) => all.reduce((a, b) => a + b, 0) });
  const join = step({ name: 'join', input: z.array(z.string()), execute: (all) => `(${all.join(' ')})` });

  test('asks about every item and then about all outputs, in order', async () => {
    const { output } = await new Trial().run(mapReduce({ map: shout, reduce: join }), ['a', 'b', 'c']);
    expectTypeOf(output).toEqualTypeOf<string>();
    expect(output).toBe('(A B C)');
    expect((await new Trial().run(mapReduce({ map: length, reduce: sum }), ['a', 'bb'])).output).toBe(3);
  });

  test('of nothing asks the reducer about nothing', async () => {
    expect((await new Trial().run(mapReduce({ map: shout, reduce: join }), [])).output).toBe('()');
  });

  test('reduces what there is when some may be missing, and the run lists the holes', async () => {
    const { output, missing } = await new Trial().run(mapReduce({ map: picky, reduce: join, atLeast: 0.5 }), ['a', 'bad', 'c']);
    expect(output).toBe('(a c)');
    expect(missing).toMatchObject([{ index: 1 }]);
  });

  test('does not ask the reducer when too much is missing', async () => {
    const trial = new Trial();
    expect((await trial.fails(mapReduce({ map: picky, reduce: join, atLeast: 0.5 }), ['a', 'bad', 'bad'])).code).toBe('TOO_MANY_MISSING');
    expect((await trial.events('call.started')).some(({ agent: name }) => name === 'join')).toBe(false);
  });

  test('reduces in a tree whose shape depends on the number of items alone, not on who was first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: 1, max: 7 }),
        async (delays, fanIn, concurrency) => {
          const trees = await Promise.all(
            [delays, delays.map(() => 1)].map(async (list) => {
              const trial = new Trial();
              const wait = step({
                name: 'wait',
                input: z.object({ ms: z.number(), name: z.string() }),
                execute: async ({ ms, name }) => {
                  await trial.clock.sleep(ms);
                  return name;
                },
              });
              const { output } = await trial.run(
                mapReduce({ map: wait, reduce: join, fanIn, concurrency }),
                list.map((ms, index) => ({ ms, name: `${index}` })),
              );
              return output;
            }),
          );
          expect(trees[0]).toBe(trees[1]);
          // Nothing is lost, nothing moves, and no group is larger than it may be.
          const [tree = ''] = trees;
          expect(tree.match(/\d+/g)).toEqual(delays.map((_, index) => `${index}`));
          for (const group of groups(tree)) expect(group).toBeLessThanOrEqual(fanIn);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('fails with the reduction that failed, and a resume does not map again', async () => {
    const trial = new Trial();
    const model = scripted(() => ({ text: 'x' }));
    let broken = true;
    const flaky = step({
      name: 'flaky',
      input: z.array(z.string()),
      execute: (all) => {
        if (broken) throw new Error('no');
        return `${all.length}`;
      },
    });
    const sweep = mapReduce({ name: 'sweep', map: agent({ name: 'say', model, instructions: 'x' }), reduce: flaky, fanIn: 2 });
    const error = await trial.fails(sweep, ['a', 'b', 'c']);
    expect(error).toMatchObject({
      code: 'CODE_FAILED',
      message: expect.stringContaining("2 of 2 branches failed; the first: The code of 'sweep[reduce0.0]/flaky' threw") as string,
    });
    broken = false;
    expect((await trial.run(sweep, ['a', 'b', 'c'])).output).toBe('2');
    expect(model.requests).toHaveLength(3);
  });
});

/** How many parts each bracket of a tree holds. */
function groups(tree: string): readonly number[] {
  const sizes: number[] = [];
  const open: number[] = [];
  for (const token of tree.match(/[()]|\d+/g) ?? []) {
    if (token !== ')' && open.length > 0) open.push((open.pop() ?? 0) + 1);
    if (token === '(') open.push(0);
    if (token === ')') sizes.push(open.pop() ?? 0);
  }
  return sizes;
}

test.each([
  ['no concurrency', () => map(shout, { concurrency: 0 }), "The map over 'shout' has concurrency: 0. Give a whole number, 1 or more."],
  ['half a concurrency', () => map(shout, { concurrency: 1.5 }), 'concurrency: 1.5'],
  [
    'a percentage',
    () => map(shout, { atLeast: 90 }),
    "The map over 'shout' has atLeast: 90. Give a share between 0 and 1: 0.9 lets one in ten fail.",
  ],
  ['a share that is none', () => map(shout, { atLeast: Number.NaN }), 'atLeast: NaN'],
  [
    'a tree that does not narrow',
    () => mapReduce({ map: shout, reduce: step({ name: 'join', input: z.array(z.string()), execute: () => '' }), fanIn: 1 }),
    "mapReduce over 'shout' has fanIn: 1. Give a whole number, 2 or more.",
  ],
  ['no time', () => map(shout, { timeoutMs: 0 }), "'map(shout)' has timeoutMs: 0"],
  ['a wrong budget', () => map(shout, { budget: { usd: -1 } }), "The budget of 'map(shout)' caps usd at -1"],
])('%s is refused where it is said', (_, make, words) => {
  expect(refusal(make)).toMatchObject({ code: 'MISCONFIGURED', message: expect.stringContaining(words) as string });
});
