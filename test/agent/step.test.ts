import { describe, expect, expectTypeOf, test } from 'vitest';
import { z } from 'zod';
import { flow, step } from '../../src/index.ts';
import { refusal, Trial } from '../support/trial.ts';

test('a step is code behind contracts', async () => {
  const add = step({
    name: 'add',
    input: z.object({ a: z.string().transform(Number), b: z.number() }),
    output: z.number().transform(String),
    execute: ({ a, b }) => a + b,
  });
  const { output, bill } = await new Trial().run(add, { a: '2', b: 3 });
  expect(output).toBe('5');
  expectTypeOf(output).toEqualTypeOf<string>();
  expect(bill.calls).toBe(0);
});

test('a step that answered is not run again by a resume, and one without a version is named', async () => {
  let runs = 0;
  const count = (version?: string): ReturnType<typeof step> =>
    step({ name: 'count', ...(version === undefined ? {} : { version }), execute: () => String((runs += 1)) });
  const trial = new Trial();
  expect((await trial.run(count(), 'x')).output).toBe('1');
  const again = await trial.run(count(), 'x');
  expect(again.output).toBe('1');
  expect(again.resume).toMatchObject({ answered: 1, unversioned: ['count'] });
  // Another version is another step: what it answered counts no more.
  const changed = await trial.run(count('2'), 'x');
  expect(changed.output).toBe('2');
  expect(changed.resume?.bought).toEqual([{ path: 'count', why: 'its version changed' }]);
});

test('a step that throws is tried again where it has attempts, and its own error is told', async () => {
  let runs = 0;
  const flaky = (attempts: number): ReturnType<typeof step> =>
    step({
      name: 'flaky',
      attempts,
      execute: () => {
        runs += 1;
        if (runs < 3) throw new Error(`no luck ${runs}`);
        return `lucky ${runs}`;
      },
    });
  const error = await new Trial().fails(flaky(2), 'x');
  expect(error).toMatchObject({ code: 'CODE_FAILED', message: expect.stringContaining("The code of 'flaky' threw: no luck 2") as string });
  runs = 0;
  const trial = new Trial();
  expect((await trial.run(flaky(3), 'x')).output).toBe('lucky 3');
  expect((await trial.tree()).root.attempts.map((attempt) => attempt.rejected?.problems[0]?.message)).toEqual([
    'no luck 1',
    'no luck 2',
    undefined,
  ]);
});

test('checks judge a step with its contracted input', async () => {
  const echo = step({
    name: 'echo',
    input: z.string().trim(),
    execute: (text) => text,
    checks: [
      function loud(text, { input }) {
        return text === input && text !== 'quiet' ? undefined : 'not loud';
      },
    ],
  });
  expect((await new Trial().run(echo, ' hey ')).output).toBe('hey');
  expect(await new Trial().fails(echo, 'quiet ')).toMatchObject({
    code: 'CHECK_FAILED',
    problems: [{ path: '', message: 'loud: not loud' }],
  });
});

test('the signal of a step reaches its code when its time is over', async () => {
  const trial = new Trial();
  let reason: unknown;
  const slow = step({
    name: 'slow',
    timeoutMs: 20,
    execute: async (_, { signal }) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      await trial.clock.sleep(1_000);
      return 'late';
    },
  });
  expect(await trial.fails(slow, 'x')).toMatchObject({
    code: 'TIMEOUT',
    message: expect.stringContaining("'slow' did not end within 20 ms") as string,
  });
  expect(reason).toMatchObject({ code: 'TIMEOUT' });
});

describe('what a step gives must cross the handoff', () => {
  test.each([
    ['nothing', undefined, 'NOT_JSON', "The output of the step 'bad' is not JSON: found undefined"],
    ['a date inside', { at: new Date(0) }, 'NOT_JSON', 'at at: found a Date; send an ISO string'],
    ['a number that is none', { n: Number.NaN }, 'NOT_JSON', 'found NaN; send null or a string'],
    ['another type', 3, 'CONTRACT_VIOLATION', "The output of 'bad' does not fit its contract: expected text, got a number"],
  ] as const)('%s', async (_, value, code, words) => {
    const error = await new Trial().fails(step({ name: 'bad', execute: () => value as never }), 'x');
    expect(error.code).toBe(code);
    expect(error.message).toContain(words);
  });

  test('and is bounded', async () => {
    const error = await new Trial({ limits: { payloadBytes: 100 } }).fails(step({ name: 'big', execute: () => 'x'.repeat(101) }), 'x');
    expect(error).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      data: { limit: 'payloadBytes', bound: 100 },
      message: expect.stringContaining("The output of 'big' has 101 bytes") as string,
    });
  });
});

test('a step declares the same effects as a tool, and defaults to none', async () => {
  expect(refusal(() => step({ name: 'send', effect: 'some' as never, execute: () => '' }))).toMatchObject({
    code: 'EFFECT_REFUSED',
    message: expect.stringContaining("The step 'send' declares effect: 'some'") as string,
  });
  const trial = new Trial();
  await trial.run(
    flow({
      name: 'both',
      run: async (_, ctx) => {
        await ctx.call(step({ name: 'reads', execute: () => '' }), '');
        await ctx.call(step({ name: 'sends', effect: 'immediate', execute: () => '' }), '');
      },
    }),
    '',
  );
  expect((await trial.events('effect.committing')).map(({ path }) => path)).toEqual(['both/sends']);
});
