import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { agent, all, pipe, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { failure, refusal, Trial } from '../support/trial.ts';

const count = step({ name: 'count', output: z.number(), execute: (text) => text.length });
const double = step({ name: 'double', input: z.number(), output: z.number(), execute: (n) => n * 2 });
const show = step({ name: 'show', input: z.number(), execute: (n) => `${n}` });

describe('pipe', () => {
  test('gives each agent what the one before it gave', async () => {
    const trial = new Trial();
    const { output } = await trial.run(pipe(count, double, double, show), 'abc');
    expectTypeOf(output).toEqualTypeOf<string>();
    expect(output).toBe('12');
    const at = 'pipe(count, double, double, show)';
    expect((await trial.tree()).root.children.map(({ path }) => path)).toEqual([
      `${at}/count`,
      `${at}/double`,
      `${at}/double`,
      `${at}/show`,
    ]);
  });

  test('passes on what contracts made of it', async () => {
    const dates = step({ name: 'dates', output: z.string().transform((text) => text.length), execute: () => 'four' });
    expect((await new Trial().run(pipe(dates, show), 'x')).output).toBe('4');
  });

  test('fails with the first that fails, asks no further, and keeps what succeeded', async () => {
    const model = scripted([]);
    const bad = step({
      name: 'bad',
      execute: () => {
        throw new Error('no');
      },
    });
    const trial = new Trial();
    const error = await trial.fails(pipe(show, bad, agent({ name: 'never', model, instructions: 'x' })), 4);
    expect(error).toMatchObject({ code: 'CODE_FAILED', where: { call: 'pipe(show, bad, never)/bad' } });
    expect(model.requests).toEqual([]);
    expect((await trial.tree()).root).toMatchObject({
      status: 'failed',
      causes: ['pipe(show, bad, never)/bad'],
      children: [{ status: 'succeeded' }, { status: 'failed' }],
    });
  });

  test('is an agent again: it has a name, a shape, the input of its first and may stand in another', async () => {
    const inner = pipe(count, double);
    expect(inner.name).toBe('pipe(count, double)');
    expect(inner.shape).toEqual({
      kind: 'pipe',
      name: 'pipe(count, double)',
      children: [
        { kind: 'step', name: 'count', children: [] },
        { kind: 'step', name: 'double', children: [] },
      ],
    });
    expect((await new Trial().run(pipe(inner, show), 'ab')).output).toBe('4');
  });

  test('takes two agents or more', () => {
    expect(refusal(() => (pipe as (...all: unknown[]) => unknown)(count))).toMatchObject({
      code: 'MISCONFIGURED',
      message: 'pipe() takes two agents or more.',
    });
  });
});

describe('all', () => {
  test('asks every agent the same at once and gives their answers under the same keys', async () => {
    const trial = new Trial();
    const slow = (name: string, ms: number) =>
      step({
        name,
        execute: async (text) => {
          await trial.clock.sleep(ms);
          return `${name} ${text}`;
        },
      });
    const start = trial.clock.now();
    const { output } = await trial.run(all({ b: slow('one', 300), a: slow('two', 100), n: count }), 'x');
    expectTypeOf(output).toEqualTypeOf<{ readonly b: string; readonly a: string; readonly n: number }>();
    expect(output).toEqual({ b: 'one x', a: 'two x', n: 1 });
    expect(Object.keys(output)).toEqual(['b', 'a', 'n']);
    expect(trial.clock.now() - start).toBe(300);
  });

  test('may ask the same agent twice', async () => {
    const model = scripted([{ text: 'first' }, { text: 'second' }]);
    const say = agent({ name: 'say', model, instructions: 'x' });
    expect((await new Trial().run(all({ a: say, b: say }), 'x')).output).toEqual({ a: 'first', b: 'second' });
  });

  test('finishes the others when one fails, and a resume does not ask them again', async () => {
    const trial = new Trial();
    const model = scripted([{ text: 'kept' }]);
    let broken = true;
    const flaky = step({
      name: 'flaky',
      execute: () => {
        if (broken) throw new Error('no');
        return 'now';
      },
    });
    const both = all({ flaky, good: agent({ name: 'good', model, instructions: 'x' }) }, { name: 'both' });
    const error = await trial.fails(both, 'x');
    expect(error).toMatchObject({ code: 'CODE_FAILED', where: { call: 'both[all.0]/flaky' } });
    broken = false;
    expect((await trial.run(both, 'x')).output).toEqual({ flaky: 'now', good: 'kept' });
    expect(model.requests).toHaveLength(1);
  });

  test('tells how many failed, the first in the order of the keys, and carries them all', async () => {
    const trial = new Trial();
    const fails = (name: string, ms: number) =>
      step({
        name,
        execute: async () => {
          await trial.clock.sleep(ms);
          throw new Error(`${name} is down`);
        },
      });
    const error = await failure(trial.run(all({ a: fails('late', 100), b: count, c: fails('early', 1) }), 'x'));
    expect(error.message).toMatch(
      /^2 of 3 branches failed; the first: The code of 'all\(late, count, early\)\[all\.0\]\/late' threw: late is down \(pipe\.test\.ts:\d+:\d+\)$/,
    );
    expect((await trial.tree()).root.causes).toEqual(['all(late, count, early)[all.0]/late', 'all(late, count, early)[all.2]/early']);
  });

  test('takes at least one agent', () => {
    expect(refusal(() => all({})).message).toBe('all() takes at least one agent: all({ summary, review }).');
  });
});
