// From the commit point of a call to its end: every way on that there is.

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, type AnyAgent, flow, pipe, RunError, step, tool, transaction } from '../../src/index.ts';
import type { Json } from '../../src/journal/event.ts';
import { scripted } from '../../src/testing.ts';
import { failure, toolAnswers, Trial } from '../support/trial.ts';

/** A world that counts. What is to fail fails as often as it is told. */
class World {
  readonly done: string[] = [];
  readonly keys: string[] = [];
  readonly undone: string[] = [];
  fails = 0;

  do(what: string, key: string): string {
    this.keys.push(key);
    if (this.fails > 0) {
      this.fails -= 1;
      throw new Error('the line is down');
    }
    this.done.push(what);
    return `${what}!`;
  }

  step<const N extends string>(name: N, options: object = {}) {
    return step({ name, effect: 'staged', execute: (text: string, { key }) => this.do(`${name} ${text}`, key), ...options });
  }
}

/** Runs what parks, and says what a person would, until it ends. */
async function withPerson(trial: Trial, program: AnyAgent, says: readonly Json[], input: unknown = 'x') {
  const asked: { readonly of: string; readonly about: Json; readonly question: string }[] = [];
  for (let nth = 0; ; nth += 1) {
    const came = await trial.run(program as never, input as never, { onPark: 'return' }).then(
      (result) => ({ result, error: undefined }),
      (error: unknown) => ({ result: undefined, error: error as RunError }),
    );
    if (came.error?.code !== 'RUN_PARKED') return { ...came, asked };
    const [ask] = (await trial.events('ask.opened')).slice(-1);
    const said = says[nth];
    if (ask === undefined || said === undefined) throw new Error(`nobody says anything to ${ask?.question}`);
    asked.push(ask);
    const no = typeof said === 'object' && said !== null && 'refuse' in said ? said['refuse'] : undefined;
    const reply = typeof no === 'string' ? { kind: 'refuse' as const, reason: no } : { kind: 'answer' as const, value: said };
    await trial.journal.respond(ask.ask, reply, trial.clock.now());
  }
}

const two = (world: World, first: object, second: object): AnyAgent => {
  const [a, b] = [world.step('a', first), world.step('b', second)];
  return transaction(flow({ name: 'both', run: async (text: string, ctx) => [await ctx.call(a, text), await ctx.call(b, text)] }));
};

describe('an effect that fails', () => {
  test('is sent again with the same key where its service takes keys, three times at most', async () => {
    const world = new World();
    world.fails = 3;
    const trial = new Trial();
    const start = trial.clock.now();
    const { result, asked } = await withPerson(trial, world.step('a', { idempotent: true }), []);
    expect([world.done, asked, new Set(world.keys).size, world.keys.length]).toEqual([['a x'], [], 1, 4]);
    expect(result?.effects).toMatchObject([{ state: 'committed', result: 'a x!' }]);
    expect(trial.clock.now() - start).toBeGreaterThanOrEqual(1_000 + 2_000 + 4_000);
    world.fails = 4;
    const more = await withPerson(new Trial(), world.step('b', { idempotent: true }), [{ outcome: 'done', result: 'by hand' }]);
    expect(more.asked).toMatchObject([
      { of: 'effect', about: { tool: 'b', error: { message: expect.stringContaining('the line is down') } } },
    ]);
    expect(more.result?.effects).toMatchObject([{ state: 'committed', result: 'by hand' }]);
  });

  test('is looked up where its service can tell, and done again where that says that it was not', async () => {
    const world = new World();
    world.fails = 1;
    const verified = world.step('a', { verify: () => ({ done: true, result: 'seen' }) });
    expect((await withPerson(new Trial(), verified, [])).result?.effects).toMatchObject([{ result: 'seen' }]);
    expect(world.done).toEqual([]);
    world.fails = 1;
    await withPerson(new Trial(), world.step('b', { verify: () => ({ done: false }) }), []);
    expect(world.done).toEqual(['b x']);
  });

  test.each([
    ['nothing', {}],
    ['a service that cannot tell', { verify: () => undefined }],
    [
      'a service that fails too',
      {
        verify: () => {
          throw new Error('down');
        },
      },
    ],
  ])('is a question to a person with %s, and begins again only where they say that it was not done', async (_, options) => {
    const world = new World();
    world.fails = 2;
    const trial = new Trial();
    const { asked } = await withPerson(trial, two(world, {}, options), [{ outcome: 'not done' }, { outcome: 'not done' }]);
    expect(world.done).toEqual(['a x', 'b x']);
    expect(asked).toMatchObject([
      { about: { tool: 'a', committed: [], remaining: [{ tool: 'b', args: 'x' }] } },
      { about: { tool: 'a', committed: [], remaining: [{ tool: 'b', args: 'x' }] } },
    ]);
    expect(world.keys).toHaveLength(4);
  });

  test('that is out of time may still come back before anybody is asked about it', async () => {
    const trial = new Trial();
    let begun = 0;
    const slow = tool({
      description: 'Slow',
      effect: 'staged',
      timeoutMs: 100,
      input: z.object({}),
      verify: () => ({ done: false }),
      execute: async () => {
        begun += 1;
        await new Promise<void>((resolve) => trial.clock.after(2_000, resolve));
        return 'late';
      },
    });
    const model = scripted([{ tools: [['slow', {}]] }, { text: 'done' }]);
    const { effects } = await trial.run(agent({ name: 'a', model, instructions: 'x', tools: { slow } }), 'x');
    expect([begun, effects]).toMatchObject([1, [{ state: 'committed', result: 'late' }]]);
  });

  test('lets the rest be done once a person says that it was', async () => {
    const world = new World();
    world.fails = 1;
    const { result } = await withPerson(new Trial(), two(world, {}, {}), [{ outcome: 'done', result: 7 }]);
    expect(result?.effects).toMatchObject([
      { tool: 'a', result: 7 },
      { tool: 'b', result: 'b x!' },
    ]);
    expect(world.done).toEqual(['b x']);
  });

  test('is given up by a person: what can be is taken back in reverse, the rest is not done, and the call fails for good', async () => {
    const world = new World();
    const undo = (result: string): void => void world.undone.push(result);
    const [a, b, c, d, e] = [
      world.step('a', { undo }),
      world.step('b'),
      world.step('c', { undo }),
      step({
        name: 'd',
        effect: 'staged',
        execute: (): string => {
          throw new Error('no');
        },
      }),
      world.step('e'),
    ];
    const program = transaction(
      flow({
        name: 'all',
        run: async (text: string, ctx) => {
          for (const one of [a, b, c, d, e]) await ctx.call(one, text);
          return '';
        },
      }),
    );
    const trial = new Trial();
    const { error, asked } = await withPerson(trial, program, [{ outcome: 'give up' }]);
    expect(asked).toMatchObject([
      { about: { tool: 'd', committed: [{ tool: 'a' }, { tool: 'b' }, { tool: 'c' }], remaining: [{ tool: 'e' }] } },
    ]);
    expect(world.undone).toEqual(['c x!', 'a x!']);
    expect(error).toMatchObject({
      code: 'EFFECT_FAILED',
      data: { committed: [{ tool: 'b' }], undone: [{ tool: 'a' }, { tool: 'c' }], discarded: [{ tool: 'e' }], uncertain: [{ tool: 'd' }] },
    });
    expect(error?.effects.map(({ tool, state }) => [tool, state])).toEqual([
      ['a', 'undone'],
      ['b', 'committed'],
      ['c', 'undone'],
      ['d', 'uncertain'],
    ]);
    expect((await trial.events('call.failed')).map(({ error }) => error.code)).toEqual(['EFFECT_FAILED']);
  });

  test('whose undo fails is another question, until a person says that it is undone, or lets it stand', async () => {
    const world = new World();
    let tries = 0;
    const undo = (): void => {
      tries += 1;
      throw new Error('too late');
    };
    const bad = step({
      name: 'bad',
      effect: 'staged',
      execute: (): string => {
        throw new Error('no');
      },
    });
    const program = transaction(pipe(world.step('a', { undo }), bad));
    const { error, asked } = await withPerson(new Trial(), program, [
      { outcome: 'give up' },
      { outcome: 'not done' },
      { outcome: 'give up' },
    ]);
    expect(asked.slice(1)).toMatchObject([{ about: { undo: true, tool: 'a' } }, { about: { undo: true, tool: 'a' } }]);
    expect(tries).toBeGreaterThanOrEqual(2);
    expect(error).toMatchObject({ code: 'EFFECT_FAILED', data: { committed: [{ tool: 'a' }], undone: [] } });
  });

  test('and was given up is done again by going on with the run: what was taken back under a key of its own', async () => {
    const world = new World();
    let broken = true;
    const undo = (result: string): void => void world.undone.push(result);
    const bad = step({
      name: 'bad',
      effect: 'staged',
      execute: (text: string, { key }): string => {
        if (broken) throw new Error('no');
        return world.do(`bad ${text}`, key);
      },
    });
    const a = world.step('a', { undo });
    const program = transaction(
      flow({ name: 'both', run: async (text: string, ctx) => [await ctx.call(a, text), await ctx.call(bad, text)] }),
    );
    const trial = new Trial();
    await withPerson(trial, program, [{ outcome: 'give up' }]);
    broken = false;
    const { result } = await withPerson(trial, program, [{ outcome: 'not done' }]);
    expect(result?.effects.map(({ tool, state }) => [tool, state])).toEqual([
      ['a', 'undone'],
      ['a', 'committed'],
      ['bad', 'committed'],
    ]);
    expect(world.done).toEqual(['a x', 'a x', 'bad x']);
    expect(new Set(world.keys).size).toBe(3);
  });
});

describe('what a person must approve of', () => {
  test('is asked for all at once, bound to the very arguments, and done after a yes', async () => {
    const world = new World();
    const trial = new Trial();
    const program = two(world, { approve: true }, { approve: (text: string) => text === 'x' });
    const parked = await failure(trial.run(program as never, 'x', { onPark: 'return' }));
    expect(parked.code).toBe('RUN_PARKED');
    const asks = await trial.events('ask.opened');
    expect(asks).toMatchObject([
      { of: 'approval', about: { tool: 'a', args: 'x' } },
      { of: 'approval', about: { tool: 'b', args: 'x' } },
    ]);
    expect(await trial.events('call.confirmed')).toEqual([]);
    for (const { ask } of asks) await trial.journal.respond(ask, { kind: 'answer', value: true }, trial.clock.now());
    await trial.run(program as never, 'x');
    expect(world.done).toEqual(['a x', 'b x']);
  });

  test('and is refused is told to the model, which does better', async () => {
    const world = new World();
    const pay = tool({
      description: 'Pay',
      effect: 'staged',
      approve: ({ usd }) => usd > 10,
      input: z.object({ usd: z.number() }),
      execute: ({ usd }, { key }) => world.do(`pay ${usd}`, key),
    });
    const model = scripted([{ tools: [['pay', { usd: 500 }]] }, { text: 'paid' }, { tools: [['pay', { usd: 5 }]] }, { text: 'paid less' }]);
    const payer = agent({ name: 'payer', model, instructions: 'x', tools: { pay } });
    const trial = new Trial();
    const { result } = await withPerson(trial, payer, [{ refuse: 'too much' }]);
    expect(result?.output).toBe('paid less');
    expect(JSON.stringify(model.requests[2]?.prompt.at(-1))).toContain('too much');
    expect(world.done).toEqual(['pay 5']);
    expect(toolAnswers(model, 1)).toMatchObject([{ staged: true }]);
    expect(result?.effects).toMatchObject([{ args: { usd: 5 }, state: 'committed' }]);
  });

  test('is anything that its function does not deny, and all that holds a receipt, also where that fits as text', async () => {
    const world = new World();
    const invite = world.step('invite', { approve: (to: string) => to.endsWith('@elsewhere.org') });
    const look = step({ name: 'look', effect: 'staged', execute: () => 'eve@elsewhere.org' });
    const program = transaction(flow({ name: 'f', run: async (text: string, ctx) => ctx.call(invite, await ctx.call(look, text)) }));
    const told = await withPerson(new Trial(), program, [{ refuse: 'not her' }]);
    expect(told.asked).toMatchObject([{ about: { tool: 'invite', args: expect.stringMatching(/^\[receipt:/) } }]);
    const found = await withPerson(new Trial(), world.step('b', { approve: async () => ({ list: 'watched' }) }), [{ refuse: 'not him' }]);
    expect([told.error?.code, found.error?.code, world.done]).toEqual(['APPROVAL_REFUSED', 'APPROVAL_REFUSED', []]);
  });

  test('and is refused for good is APPROVAL_REFUSED, with nothing done', async () => {
    const world = new World();
    const { error } = await withPerson(new Trial(), two(world, {}, { approve: true }), [{ refuse: 'not today' }]);
    expect(error).toMatchObject({ code: 'APPROVAL_REFUSED', message: expect.stringContaining('not today') });
    expect([world.done, error?.effects]).toEqual([[], []]);
  });
});

describe('an effect that is too old', () => {
  const aging = (world: World, sleeps: () => Promise<unknown>, options: object = {}): AnyAgent =>
    transaction(
      flow({
        name: 'slow',
        run: async (text: string, ctx) => {
          await ctx.call(world.step('a', { maxAge: 1_000, ...options }), text);
          await ctx.call(step({ name: 'sleeps', execute: async () => (await sleeps(), '') }), text);
          return '';
        },
      }),
    );

  test('when its call is confirmed is refused like by a check', async () => {
    const world = new World();
    const trial = new Trial();
    const error = await trial.fails(aging(world, async () => await trial.clock.sleep(2_000)) as never, 'x');
    expect(error).toMatchObject({ code: 'CHECK_FAILED', message: expect.stringContaining("'a' was staged too long ago") });
    expect(world.done).toEqual([]);
  });

  test('only once it was confirmed is a question, and a person may have it done all the same', async () => {
    const world = new World();
    world.fails = 1;
    const trial = new Trial();
    const slow = world.step('first', { idempotent: true });
    const late = world.step('late', { maxAge: 500 });
    const program = transaction(
      flow({ name: 'f', run: async (text: string, ctx) => [await ctx.call(slow, text), await ctx.call(late, text)] }),
    );
    const { asked, result } = await withPerson(trial, program, [{ outcome: 'not done' }]);
    expect(asked).toMatchObject([{ of: 'effect', about: { tool: 'late', error: { message: expect.stringContaining('too long ago') } } }]);
    expect(result?.effects.map(({ state }) => state)).toEqual(['committed', 'committed']);
    expect(world.done).toEqual(['first x', 'late x']);
  });
});

test('a receipt whose field its result does not have is a question, not an argument', async () => {
  const world = new World();
  const a = step({ name: 'a', effect: 'staged', output: z.object({ id: z.number() }), execute: () => ({ id: 1 }) });
  const b = world.step('b');
  const program = transaction(
    flow({ name: 'f', run: async (_: string, ctx) => await ctx.call(b, (await ctx.call(a, 'x')).replace(']', '.nope]')) }),
  );
  const { asked, error } = await withPerson(new Trial(), program, [{ outcome: 'not done' }, { outcome: 'give up' }]);
  expect(asked).toHaveLength(2);
  expect(asked).toMatchObject([{ about: { tool: 'b', error: { message: expect.stringContaining('no such field') } } }, {}]);
  expect([error?.code, world.done]).toEqual(['EFFECT_FAILED', []]);
});

test('a time-out that comes after the commit point does not make a failure of the call, and a cancel only puts the rest off', async () => {
  const trial = new Trial();
  const done: string[] = [];
  const slowly = (name: string, meanwhile: () => void = () => {}) =>
    step({
      name,
      effect: 'staged',
      execute: async (text: string) => {
        meanwhile();
        await trial.clock.sleep(500);
        done.push(`${name} ${text}`);
        return name;
      },
    });
  const late = transaction(slowly('a'));
  const timed = flow({ name: 'timed', timeoutMs: 100, output: z.string(), run: async (text, ctx) => await ctx.call(late, text) });
  expect((await trial.run(timed, 'x')).output).toMatch(/^\[receipt/);
  expect(done).toEqual(['a x']);
  const stop = new AbortController();
  const [one, two] = [slowly('one', () => stop.abort('enough')), slowly('two')];
  const both = transaction(
    flow({ name: 'both', run: async (text: string, ctx) => [await ctx.call(one, text), await ctx.call(two, text)] }),
  );
  const other = new Trial();
  Object.assign(other, { clock: trial.clock });
  expect(await other.fails(both, 'y', { signal: stop.signal })).toMatchObject({ code: 'CANCELLED' });
  expect(done).toEqual(['a x', 'one y']);
  await other.run(both, 'y');
  expect(done).toEqual(['a x', 'one y', 'two y']);
});
