import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, type Agent, type Event, flow, map, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

/** Runs until something happens; the run is cancelled then. */
async function cut(trial: Trial, program: Agent<string, string>, when: (event: Event) => boolean): Promise<void> {
  const controller = new AbortController();
  const error = await trial.fails(program, 'x', {
    signal: controller.signal,
    onEvent: (event) => {
      if (when(event)) controller.abort();
    },
  });
  expect(error.code).toBe('CANCELLED');
}

const asked =
  (name: string) =>
  (event: Event): boolean =>
    event.kind === 'call.started' && event.agent === name;

const named = (name: string, options: { readonly fails?: boolean } = {}): Agent<string, string> =>
  step({
    name,
    version: '1',
    execute: () => {
      if (options.fails === true) throw new Error('gone');
      return name;
    },
  });

test('what was no ambiguous question in the first entry is none on a resume, where answers come at another pace', async () => {
  const trial = new Trial();
  const taking = (name: string, ms: number): Agent<string, string> =>
    step({
      name,
      version: '1',
      execute: async () => {
        await trial.clock.sleep(ms);
        return name;
      },
      // Judging takes longer than answering from the journal.
      checks: name === 'ask' ? [() => trial.clock.sleep(5).then(() => undefined)] : [],
    });
  const [ask, slow, last] = [taking('ask', 10), taking('slow', 100), taking('last', 100)];
  const program = flow({
    name: 'flow',
    run: async (_: string, ctx) => {
      const [one, two] = await Promise.all([ctx.call(ask, 'x'), ctx.call(slow, 'x').then(() => ctx.call(ask, 'x'))]);
      return `${one} ${two} ${await ctx.call(last, 'x')}`;
    },
  });
  await cut(trial, program, asked('last'));
  expect(await trial.run(program, 'x')).toMatchObject({ output: 'ask ask last', resume: { answered: 3, bought: [] } });
});

test('a race whose winner an edit took away is run anew', async () => {
  const hang = step({ name: 'hang', execute: () => new Promise<string>(() => {}) });
  const after = named('after');
  const race = (...members: Agent<string, string>[]): Agent<string, string> =>
    flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        const winner = await ctx.race(members.map((member) => (c) => c.call(member, 'x')));
        await ctx.call(after, winner);
        return winner;
      },
    });
  const trial = new Trial();
  await cut(trial, race(hang, hang, named('third')), asked('after'));
  expect((await trial.run(race(named('first'), hang), 'x')).output).toBe('first');
  expect((await trial.events('decision')).map((event) => event.choice)).toEqual([2, 0]);
});

describe('an answer that was paid for stands, though its check', () => {
  /** One whose check can be slowed down and broken. */
  function checked(trial: Trial): {
    readonly requests: readonly unknown[];
    readonly program: Agent<string, string>;
    readonly check: { ms: number; breaks: boolean };
  } {
    const check = { ms: 1, breaks: false };
    const model = scripted(() => ({ text: 'paid' }));
    const say = agent({
      name: 'say',
      model,
      instructions: 'x',
      timeoutMs: 50,
      checks: [
        async () => {
          await trial.clock.sleep(check.ms);
          if (check.breaks) throw new Error('EMFILE');
          return undefined;
        },
      ],
    });
    const last = named('last');
    const program = flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        const said = await ctx.call(say, 'x').catch((error: unknown) => (error as { code: string }).code);
        await ctx.call(last, 'x');
        return said;
      },
    });
    return { requests: model.requests, program, check };
  }

  test('is slower than the call’s time-out on a resume', async () => {
    const trial = new Trial();
    const { program, check, requests } = checked(trial);
    await cut(trial, program, asked('last'));
    check.ms = 500;
    expect((await trial.run(program, 'x')).output).toBe('paid');
    expect(requests).toHaveLength(1);
    expect(await trial.events('call.failed', 'call.retracted')).toEqual([]);
  });

  test('throws on a resume: that interrupts the run, until the check is mended', async () => {
    const trial = new Trial();
    const { program, check, requests } = checked(trial);
    await cut(trial, program, asked('last'));
    check.breaks = true;
    expect(await trial.fails(program, 'x')).toMatchObject({
      code: 'CODE_FAILED',
      message: expect.stringContaining('EMFILE') as string,
    });
    check.breaks = false;
    expect(await trial.run(program, 'x')).toMatchObject({ output: 'paid', resume: { bought: [] } });
    expect(requests).toHaveLength(1);
    expect(await trial.events('call.failed', 'call.retracted', 'run.failed')).toEqual([]);
  });
});

describe('an input contract that never comes to an end', () => {
  const never = new Promise<boolean>(() => {});

  test('is not waited for when the run is cancelled', async () => {
    const trial = new Trial();
    const stuck = step({ name: 'stuck', input: z.string().refine(() => never), execute: () => 'x' });
    const controller = new AbortController();
    trial.clock.after(20, () => controller.abort());
    expect((await trial.fails(stuck, 'x', { signal: controller.signal })).code).toBe('CANCELLED');
  });

  test('nor on a resume, where a recorded answer is judged again', async () => {
    const trial = new Trial();
    let hangs = false;
    const say = agent({
      name: 'say',
      model: scripted([{ text: 'hi' }]),
      instructions: 'x',
      input: z.string().refine(() => (hangs ? never : true)),
      checks: [() => undefined],
    });
    const program = flow({ name: 'flow', run: (_: string, ctx) => ctx.call(say, 'x') });
    await trial.run(program, 'x');
    hangs = true;
    const controller = new AbortController();
    trial.clock.after(100, () => controller.abort());
    expect((await trial.fails(program, 'x', { signal: controller.signal })).code).toBe('CANCELLED');
    hangs = false;
    expect((await trial.run(program, 'x')).output).toBe('hi');
  });
});

test.each([[[1, 50]], [[50, 1]]])('holes are told in the order of their places, whoever failed first: %j', async (delays) => {
  const trial = new Trial();
  const lose = step({
    name: 'lose',
    input: z.object({ nth: z.number() }),
    execute: async ({ nth }): Promise<string> => {
      await trial.clock.sleep(delays[nth] ?? 0);
      throw new Error('no');
    },
  });
  const { missing } = await trial.run(map(map(lose, { atLeast: 0 })), [[{ nth: 0 }], [{ nth: 1 }]]);
  expect(missing.map((gap) => gap.call)).toEqual(['map(map(lose))[0]/map(lose)[0]/lose', 'map(map(lose))[1]/map(lose)[0]/lose']);
});

describe('a key', () => {
  const echo = named('echo');
  const keyed = (...keys: (string | undefined)[]): Agent<string, string> =>
    flow({
      name: 'flow',
      run: async (_: string, ctx) => {
        for (const key of keys) await ctx.call(echo, 'x', key === undefined ? {} : { key });
        return 'done';
      },
    });

  test('never gives a call the path of a counted one: a retry names one call', async () => {
    const trial = new Trial();
    await trial.run(keyed(undefined, undefined, '1', 'a/b~c'), 'x');
    const paths = (await trial.events('call.started')).map((event) => event.path);
    expect(paths).toEqual(['flow', 'flow/echo', 'flow/echo#1', 'flow/echo~1', 'flow/echo~a%2Fb~c']);
    expect((await trial.run(keyed(undefined, undefined, '1', 'a/b~c'), 'x', { retry: ['flow/echo~1'] })).resume).toMatchObject({
      answered: 3,
      bought: [{ path: 'flow/echo~1' }],
    });
  });

  test.each([
    ['that is empty', ''],
    ['of more than 200 characters', 'k'.repeat(201)],
    ['with half a character', 'a\ud800'],
  ])('%s is refused', async (_, key) => {
    const trial = new Trial();
    expect((await trial.fails(keyed(key), 'x')).code).toBe('MISCONFIGURED');
    expect(await trial.events('call.started')).toHaveLength(1);
  });

  test('of 200 characters is none of these', async () => {
    expect((await new Trial().run(keyed('k'.repeat(200)), 'x')).output).toBe('done');
  });
});
