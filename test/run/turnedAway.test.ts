// What a provider refuses for its rate, in virtual time: which model is asked instead, and what it counts for in budgets.

import { APICallError } from '@ai-sdk/provider';
import { describe, expect, it, test } from 'vitest';
import { agent, type Agent, AmdahlError, flow, gate, map, memoryJournal, run, step } from '../../src/index.ts';
import { generateText } from 'ai';
import type { RunId } from '../../src/journal/event.ts';
import { answer, made, through } from '../support/handMade.ts';
import { failure, Trial } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const refused = (afterMs?: number): AmdahlError =>
  new AmdahlError('MODEL_RATE_LIMITED', 'Not so fast.', { retryable: afterMs === undefined ? 'yes' : { afterMs } });
const never = (afterMs?: number): Parameters<typeof made>[0] => ({
  modelId: 'never',
  answer: () => Promise.reject(refused(afterMs)),
});
/** Refuses so many requests, then answers. */
const after = (refusals: number): ReturnType<typeof made> =>
  made({ answer: (_, nth) => (nth < refusals ? Promise.reject(refused(0)) : answer('said')) });
const say = (...model: readonly ReturnType<typeof made>[]): Agent<string, string> => agent({ name: 'say', instructions: 'x', model });

describe('a model that refuses for its rate, with another behind it', () => {
  it.each([
    [undefined, 4],
    [0, 4],
    [2_000, 4],
    [2_001, 1],
    [30_000, 1],
  ])('and asks to wait %s ms is asked %i times', async (afterMs, times) => {
    const [first, second] = [made(never(afterMs)), made()];
    const trial = new Trial();
    expect((await trial.run(say(first, second), 'hi')).output).toBe('said');
    expect([first.requests.length, second.requests.length]).toEqual([times, 1]);
    expect(trial.clock.now() - 1_000_000).toBeLessThan(20_000);
    expect(await trial.events('decision')).toMatchObject([{ choice: 'hand/made', reason: 'hand/never failed: MODEL_RATE_LIMITED' }]);
  });

  it('is asked as often as limits.turnedAway says where there is no other', async () => {
    const only = made(never(2_001));
    const error = await new Trial({ limits: { turnedAway: 5 } }).fails(say(only), 'hi');
    expect([error.code, only.requests.length]).toEqual(['MODEL_RATE_LIMITED', 6]);
  });

  it('is not waited for while its gate is closed for longer', async () => {
    const [first, second] = [made(never(30_000)), made()];
    const trial = new Trial();
    await trial.fails(agent({ name: 'say', instructions: 'x', model: first, timeoutMs: 5_000 }), 'one', { id: 'before' });
    const { output } = await trial.run(map(say(first, second)), ['a', 'b', 'c']);
    expect([output, first.requests.length, trial.clock.now() - 1_000_000]).toEqual([['said', 'said', 'said'], 1, 0]);
    expect((await trial.events('decision')).map((event) => event.reason)).toEqual(
      Array.from({ length: 3 }, () => 'hand/never failed: MODEL_RATE_LIMITED'),
    );
  });

  it('is left where its gate says that the call would be over before its turn', async () => {
    const [first, second] = [made({ modelId: 'slow' }), made()];
    const trial = new Trial({ rateLimits: { 'hand/slow': { requestsPerMinute: 1 } } });
    await trial.run(say(first), 'one', { id: 'before' });
    const both = agent({ name: 'say', instructions: 'x', model: [first, second], timeoutMs: 5_000 });
    expect((await trial.run(both, 'two')).output).toBe('said');
    expect([first.requests.length, second.requests.length]).toEqual([1, 1]);
    expect(await trial.events('decision')).toMatchObject([{ choice: 'hand/made', reason: 'hand/slow failed: TIMEOUT' }]);
    const alone = agent({ name: 'alone', instructions: 'x', model: first, timeoutMs: 5_000 });
    expect((await trial.fails(alone, 'two', { id: 'alone' })).code).toBe('TIMEOUT');
  });

  it('is left where too many stand in line at its gate', async () => {
    const trial = new Trial({ rateLimits: { 'hand/slow': { concurrency: 1 } }, limits: { queue: 1 } });
    const slow = made({ modelId: 'slow', answer: () => trial.clock.sleep(1_000).then(() => answer('slowly')) });
    const ask = say(slow, made());
    const three = flow({
      name: 'three',
      run: (_: string, ctx) => ctx.all(['a', 'b', 'c'].map((input) => (c: typeof ctx) => c.call(ask, input))),
    });
    expect((await trial.run(three, 'x')).output).toEqual(['slowly', 'slowly', 'said']);
    expect(await trial.events('decision')).toMatchObject([{ reason: 'hand/slow failed: LIMIT_EXCEEDED' }]);
  });

  it('is not left where the line is that of a budget', async () => {
    const trial = new Trial({ limits: { queue: 1 }, budget: { tokens: 4_200 } });
    const slow = made({ modelId: 'slow', answer: () => trial.clock.sleep(1_000).then(() => answer('slowly')) });
    const second = made();
    const ask = say(slow, second);
    const three = flow({
      name: 'three',
      run: (_: string, ctx) => ctx.all(['a', 'b', 'c'].map((input) => (c: typeof ctx) => c.call(ask, input))),
    });
    expect((await trial.fails(three, 'x')).code).toBe('LIMIT_EXCEEDED');
    expect(second.requests).toHaveLength(0);
    expect(await trial.events('decision')).toEqual([]);
  });
});

describe('a request that was refused for its rate', () => {
  it('counts on the bill, and in no cap on calls', async () => {
    const model = after(4);
    const { bill } = await new Trial().run(agent({ name: 'say', instructions: 'x', model, budget: { calls: 1 } }), 'hi', {
      budget: { calls: 1 },
    });
    expect([bill.calls, bill.failed, model.requests.length]).toEqual([5, 4, 5]);
    const error = await new Trial().fails(
      flow({
        name: 'two',
        budget: { calls: 1 },
        run: async (_: string, ctx) => [await ctx.call(say(after(1)), 'a'), await ctx.call(say(after(1)), 'b')],
      }),
      'x',
    );
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { cap: 'calls', used: 1 } });
  });

  it('counts in none after a resume either', async () => {
    const trial = new Trial({ budget: { calls: 2 } });
    const [model, broken] = [after(3), { now: true }];
    const two = flow({
      name: 'two',
      budget: { calls: 2 },
      run: async (_: string, ctx) => {
        const one = await ctx.call(say(model), 'a');
        if (broken.now) throw new Error('broken');
        return [one, await ctx.call(say(model), 'b')];
      },
    });
    await trial.fails(two, 'x');
    broken.now = false;
    const { output, bill } = await trial.run(two, 'x');
    expect([output, bill.calls]).toEqual([['said', 'said'], 5]);
  });

  it('counts in none of gate() either', async () => {
    const clock = new VirtualClock();
    const middleware = gate({ budget: { calls: 1 }, clock });
    const wrapped = through(middleware, after(3));
    expect((await clock.drive(generateText({ model: wrapped, prompt: 'a' }))).text).toBe('said');
    expect(middleware.bill().calls).toBe(4);
    expect((await failure(clock.drive(generateText({ model: wrapped, prompt: 'b' })))).code).toBe('BUDGET_EXCEEDED');
  });

  it('counts where something was served before', async () => {
    const trial = new Trial();
    const model = made({
      stream: () =>
        ReadableStream.from([
          { type: 'stream-start', warnings: [] },
          { type: 'text-start', id: '0' },
          { type: 'text-delta', id: '0', delta: 'said so much already' },
          { type: 'error', error: refused(0) },
        ]),
    });
    const error = await trial.fails(agent({ name: 'say', instructions: 'x', model, budget: { calls: 2 } }), 'hi', { onDelta: () => {} });
    expect(error).toMatchObject({ code: 'BUDGET_EXCEEDED', data: { used: 2 } });
  });
});

test('a limit of a day that comes back bit by bit does not fail a call, as a wait of a day would', async () => {
  const limit = { 'x-ratelimit-limit-requests': '14400', 'x-ratelimit-remaining-requests': '0', 'x-ratelimit-reset-requests': '24h0m0s' };
  const call = {
    message: 'slow down',
    url: 'http://h',
    requestBodyValues: {},
    responseBody: '{}',
    statusCode: 429,
    responseHeaders: limit,
  };
  const model = made({ answer: (_, nth) => (nth === 0 ? Promise.reject(new APICallError(call)) : answer('said')) });
  const trial = new Trial();
  expect((await trial.run(say(model), 'hi')).output).toBe('said');
  expect(trial.clock.now() - 1_000_000).toBeLessThan(20_000);
});

test('a run that meets a provider that is down tells of the incident though it sent nothing; one without the time to wait does not', async () => {
  const trial = new Trial({ limits: { retries: 0 } });
  const gone = made({ answer: () => Promise.reject(new AmdahlError('MODEL_UNAVAILABLE', 'Gone.', { retryable: 'yes' })) });
  const ask = say(gone, made({ modelId: 'other' }));
  for (let nth = 0; nth < 5; nth += 1) await trial.run(ask, 'a', { id: `early${nth}` });
  const hasty = agent({ name: 'hasty', instructions: 'x', model: gone, timeoutMs: 100 });
  expect((await trial.fails(hasty, 'b')).code).toBe('TIMEOUT');
  expect(await trial.events('guard.tripped')).toEqual([]);
  await trial.run(ask, 'c', { id: 'c' });
  const told: unknown[] = [];
  for await (const { event } of trial.journal.read('c' as RunId, { kinds: ['guard.tripped'] })) told.push(event);
  expect(told).toMatchObject([{ guard: 'breaker', call: 'say' }, { guard: 'breaker' }]);
  expect(gone.requests).toHaveLength(5);
});

describe('a wait that comes to nothing is on record with its time', () => {
  const slow = { modelId: 'slow' };
  const rateLimits = { 'hand/slow': { requestsPerMinute: 1 } };

  it('where its call is cancelled while it stands in line at a gate, of an agent and of gate()', async () => {
    const trial = new Trial({ rateLimits });
    const model = made(slow);
    const wrapped = through(gate({ clock: trial.clock }), model);
    const old = step({ name: 'old', execute: async (prompt: string) => (await generateText({ model: wrapped, prompt })).text });
    const controller = new AbortController();
    const program = flow({
      name: 'program',
      run: async (_: string, ctx) => {
        await ctx.call(say(model), 'first');
        trial.clock.after(700, () => controller.abort());
        const { signal } = controller;
        await ctx.all([say(model), old].map((one) => async (c: typeof ctx) => await failure(c.call(one, 'late', { signal }))));
        return 'done';
      },
    });
    const { bill } = await trial.run(program, 'x');
    expect((await trial.events('limit.waited')).map(({ limit, ms, gate: at }) => [limit, ms, at])).toEqual([
      ['gate', 700, 'hand/slow'],
      ['gate', 700, 'hand/slow'],
    ]);
    expect(bill.tax.waitedMs.gate).toBe(1_400);
  });

  it('where the gate gives it up', async () => {
    const trial = new Trial({ limits: { outageMs: 2_000 } });
    const model = made({
      answer: (_, nth) =>
        nth === 0 ? answer('said') : Promise.reject(new AmdahlError('MODEL_UNAVAILABLE', 'Gone.', { retryable: 'yes' })),
    });
    await trial.run(say(model), 'a', { id: 'before' });
    await trial.fails(map(say(model)), ['b', 'c', 'd', 'e', 'f', 'g']);
    const at = async (kind: 'call.started' | 'call.failed'): Promise<number> =>
      (await trial.events(kind)).reduce((sum, event) => sum + event.at, 0);
    const waited = (await trial.events('limit.waited')).reduce((sum, { ms }) => sum + ms, 0);
    // The map itself, which waits for its calls, began with them and ended with the last.
    const mapMs = trial.clock.now() - 1_000_000;
    expect(mapMs).toBeGreaterThan(2_000);
    expect(waited).toBe((await at('call.failed')) - (await at('call.started')) - mapMs);
  });

  it('where its call is cancelled while it waits for room in a budget, or to be sent again', async () => {
    const trial = new Trial({ budget: { tokens: 4_200 } });
    const long = made({ answer: () => trial.clock.sleep(1_000).then(() => answer('said')) });
    const busy = made({
      modelId: 'busy',
      answer: () => Promise.reject(new AmdahlError('MODEL_OVERLOADED', 'Busy.', { retryable: { afterMs: 50_000 } })),
    });
    const inTime = (model: ReturnType<typeof made>, ms: number): Agent<string, string> =>
      agent({ name: `in${ms}`, instructions: 'x', model, timeoutMs: ms });
    const program = flow({
      name: 'program',
      run: async (_: string, ctx) => {
        await ctx.all([
          async (c: typeof ctx) => await c.call(say(long), 'a'),
          async (c: typeof ctx) => await failure(c.call(inTime(long, 300), 'b')),
        ]);
        await failure(ctx.call(inTime(busy, 400), 'c'));
        return 'done';
      },
    });
    await trial.run(program, 'x');
    expect((await trial.events('limit.waited')).map(({ limit, ms }) => [limit, ms])).toEqual([
      ['budget', 300],
      ['retry', 400],
    ]);
  });

  it('but not where the run was interrupted', async () => {
    const trial = new Trial({ rateLimits });
    const model = made(slow);
    const controller = new AbortController();
    await trial.run(say(model), 'first', { id: 'before' });
    trial.clock.after(700, () => controller.abort());
    await trial.fails(say(model), 'x', { signal: controller.signal });
    expect(await trial.events('limit.waited')).toEqual([]);
  });
});

describe('a request that takes too long', () => {
  it('names a bound on those in flight where others are on their way to the same model', async () => {
    const hangs = { modelId: 'local', answer: () => new Promise<never>(() => {}) };
    const options = { clock: new VirtualClock(), limits: { requestMs: 1_000, retries: 0 } };
    const both = flow({
      name: 'both',
      run: (_: string, ctx) => ctx.all(['a', 'b'].map((input) => (c: typeof ctx) => c.call(say(made(hangs)), input))),
    });
    const error = await failure(options.clock.drive(run(both, 'x', { ...options, journal: memoryJournal() })));
    expect(error.message).toContain("rateLimits: { 'hand/local': { concurrency: n } }");
    const alone = await failure(
      options.clock.drive(run(say(made({ ...hangs, modelId: 'other' })), 'x', { ...options, journal: memoryJournal() })),
    );
    expect([alone.code, alone.message.includes('rateLimits')]).toEqual(['MODEL_TIMEOUT', false]);
  });
});
