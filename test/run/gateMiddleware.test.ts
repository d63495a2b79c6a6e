// `gate()` in virtual time, with models made by hand and the AI SDK's own functions over them.

import type { LanguageModelV4StreamPart } from '@ai-sdk/provider';
import { generateText } from 'ai';
import { describe, expect, it } from 'vitest';
import { type Agent, agent, AmdahlError, flow, gate, map, memoryJournal, run, step } from '../../src/index.ts';
import { answer, made, STOP, through, USAGE } from '../support/handMade.ts';
import { failure, refusal } from '../support/trial.ts';
import { VirtualClock } from '../support/virtualClock.ts';

describe('the options of gate()', () => {
  it.each<[string, unknown, string]>([
    ['a name that does not exist', { rateLimit: {} }, "did you mean 'rateLimits'?"],
    ['a cap on time', { budget: { ms: 5 } }, 'a gate has no beginning and no end'],
    ['a cap that does not exist', { budget: { call: 5 } }, "has a cap 'call' that does not exist"],
    ['a limit that does not exist', { limits: { retry: 1 } }, "There is no limit 'retry'"],
    ['a rate that is none', { rateLimits: { a: { requestsPerMinute: 0 } } }, 'requestsPerMinute: 0'],
    ['a price that is none', { prices: { a: { in: 1 } } }, "has no 'out'"],
    ['a name that is no text', { name: 7 }, 'has a number as name'],
  ])('with %s are refused', (_, options, message) => {
    const error = refusal(() => gate(options as never));
    expect([error.code, error.message]).toEqual(['MISCONFIGURED', expect.stringContaining(message)]);
  });
});

describe('a budget of gate()', () => {
  it('of calls is pooled over all models that it wraps', async () => {
    const middleware = gate({ name: 'old code', budget: { calls: 2 } });
    const [one, two] = [made({ modelId: 'one' }), made({ modelId: 'two' })];
    await generateText({ model: through(middleware, one), prompt: 'a' });
    await generateText({ model: through(middleware, two), prompt: 'a' });
    const error = await failure(generateText({ model: through(middleware, two), prompt: 'a' }));
    expect([error.code, error.data]).toEqual(['BUDGET_EXCEEDED', { cap: 'calls', bound: 2, used: 2, of: 'old code' }]);
    expect([one.requests.length, two.requests.length, middleware.bill().calls]).toEqual([1, 1, 2]);
  });

  it('of tokens caps the output of a request, and lets the next wait for what comes back', async () => {
    const clock = new VirtualClock();
    const model = made({
      answer: async () => {
        await clock.sleep(100);
        return answer('said');
      },
    });
    const middleware = gate({ budget: { tokens: 1_000 }, clock });
    const wrapped = through(middleware, model);
    const both = await clock.drive(Promise.all(['a', 'b'].map((prompt) => generateText({ model: wrapped, prompt }))));
    expect(both.map(({ text }) => text)).toEqual(['said', 'said']);
    expect(model.requests.map(({ maxOutputTokens }) => (maxOutputTokens ?? Infinity) < 1_000)).toEqual([true, true]);
    expect(middleware.bill().tax.waitedMs.budget).toBe(100);
  });

  it('of USD needs a price, and without one nothing is sent', async () => {
    const model = made();
    const error = await failure(generateText({ model: through(gate({ budget: { usd: 1 } }), model), prompt: 'a' }));
    expect([error.code, model.requests.length]).toEqual(['PRICE_UNKNOWN', 0]);
    const priced = gate({ budget: { usd: 1 }, prices: { 'hand/*': { in: 2, out: 4 } } });
    await generateText({ model: through(priced, model), prompt: 'a' });
    expect(priced.bill()).toMatchObject({ usdMicros: 40, callsUnpriced: 0 });
  });

  it('counts beside that of a run, and a request that one of them refuses takes nothing of the other', async () => {
    const model = made();
    const middleware = gate({ budget: { calls: 3 } });
    const wrapped = through(middleware, model);
    const ask = step({ name: 'ask', execute: async (prompt: string) => (await generateText({ model: wrapped, prompt })).text });
    const journal = memoryJournal();
    const twice = flow({
      name: 'twice',
      run: async (input: string, ctx) => [await ctx.call(ask, `${input}1`), await ctx.call(ask, `${input}2`)],
    });
    expect((await failure(run(twice, 'a', { id: 'a', journal, budget: { calls: 1 } }))).data).toMatchObject({ bound: 1, of: 'a' });
    expect((await run(twice, 'b', { id: 'b', journal, budget: { calls: 9 } })).bill.calls).toBe(2);
    expect((await failure(run(twice, 'c', { id: 'c', journal, budget: { calls: 9 } }))).data).toMatchObject({ bound: 3, of: 'gate' });
    expect([model.requests.length, middleware.bill().calls]).toEqual([3, 3]);
  });
});

describe('fair shares', () => {
  it('are taken at one gate by two runs and by a gate(), whoever asks more', async () => {
    const clock = new VirtualClock();
    const order: string[] = [];
    const model = made({
      modelId: 'shared',
      answer: ({ prompt }) => {
        order.push(JSON.stringify(prompt).includes('first') ? 'first' : JSON.stringify(prompt).includes('second') ? 'second' : 'gate');
        return answer('said');
      },
    });
    const rateLimits = { 'hand/shared': { requestsPerMinute: 600, burstRequests: 1 } };
    const middleware = gate({ clock, rateLimits });
    const wrapped = through(middleware, model);
    const say = async (prompt: string): Promise<string> => (await generateText({ model: wrapped, prompt })).text;
    const all = async (who: Agent<string, string>, name: string, count: number): Promise<unknown> => {
      const items = Array.from({ length: count }, (_, index) => `${name} ${index}`);
      return await run(map(who, { concurrency: 500 }), items, { journal: memoryJournal(), clock, rateLimits });
    };
    const agents = all(agent({ name: 'first', instructions: 'first', model }), 'first', 300);
    const steps = all(step({ name: 'second', execute: say }), 'second', 120);
    const loop = Array.from({ length: 120 }, (_, index) => say(`third ${index}`));
    await clock.drive(Promise.all([agents, steps, ...loop]));
    expect(order).toHaveLength(540);
    const among = order.slice(0, 180);
    for (const party of ['first', 'second', 'gate'])
      expect(Math.abs(among.filter((one) => one === party).length - 60)).toBeLessThanOrEqual(2);
  });
});

describe('a stream', () => {
  const parts = (...said: readonly LanguageModelV4StreamPart[]): ReadableStream<LanguageModelV4StreamPart> => ReadableStream.from(said);
  const text = (delta: string): readonly LanguageModelV4StreamPart[] => [
    { type: 'text-start', id: '0' },
    { type: 'text-delta', id: '0', delta },
    { type: 'text-end', id: '0' },
  ];
  const start: LanguageModelV4StreamPart = { type: 'stream-start', warnings: [] };
  const finish: LanguageModelV4StreamPart = { type: 'finish', finishReason: STOP, usage: USAGE };
  const read = async (stream: ReadableStream<LanguageModelV4StreamPart>): Promise<readonly LanguageModelV4StreamPart[]> => {
    const heard: LanguageModelV4StreamPart[] = [];
    for await (const part of stream) heard.push(part);
    return heard;
  };

  it('that fails before it says something is sent again, and nobody hears of the first', async () => {
    const clock = new VirtualClock();
    const failed = Object.assign(new Error('no'), { statusCode: 503 });
    const whole = [start, { type: 'response-metadata', id: 'second' } as const, ...text('said'), finish];
    const model = made({
      stream: (_, nth) =>
        nth === 0
          ? parts(start, { type: 'error', error: new AmdahlError('MODEL_UNAVAILABLE', 'no', { retryable: 'yes', cause: failed }) })
          : parts(...whole),
    });
    const middleware = gate({ clock });
    const { stream } = await clock.drive(Promise.resolve(through(middleware, model).doStream({ prompt: [] })));
    expect(await read(stream)).toEqual(whole);
    expect(middleware.bill()).toMatchObject({ calls: 2, failed: 1, open: { requests: 0 } });
  });

  it('that breaks off ends with an error in place of its end', async () => {
    const model = made({ stream: () => parts(start, ...text('half'), { ...finish, finishReason: { unified: 'other', raw: undefined } }) });
    const middleware = gate();
    const { stream } = await through(middleware, model).doStream({ prompt: [] });
    const heard = await read(stream);
    expect(heard.slice(0, -1)).toEqual([start, ...text('half')]);
    expect(heard.at(-1)).toMatchObject({ type: 'error', error: { code: 'MODEL_GARBAGE', retryable: 'yes' } });
    expect([model.requests.length, middleware.bill().failed]).toEqual([1, 1]);
  });

  it.each(['MODEL_RATE_LIMITED', 'MODEL_UNAVAILABLE'] as const)(
    'that began and fails with %s says why it is not sent again',
    async (code) => {
      const clock = new VirtualClock();
      const error = new AmdahlError(code, 'No more.', { retryable: 'yes' });
      const model = made({ modelId: code, stream: () => parts(start, ...text('half'), { type: 'error', error }) });
      const { stream } = await clock.drive(Promise.resolve(through(gate({ clock }), model).doStream({ prompt: [] })));
      const message = 'No more. It is not sent again: its stream has begun, and a stream that has begun cannot be sent again.';
      expect((await clock.drive(read(stream))).at(-1)).toMatchObject({ type: 'error', error: { code, message } });
      expect(model.requests).toHaveLength(1);
    },
  );

  it('that is late says nothing to those who have the next', async () => {
    const clock = new VirtualClock();
    let say: ((part: LanguageModelV4StreamPart) => void) | undefined;
    const deaf = (): ReadableStream<LanguageModelV4StreamPart> =>
      new ReadableStream({
        start: (controller) => {
          say = (part) => controller.enqueue(part);
        },
      });
    const second = (): ReadableStream<LanguageModelV4StreamPart> =>
      new ReadableStream({
        start: async (controller) => {
          [start, ...text('first, late')].forEach((part) => say?.(part));
          await clock.sleep(10);
          [start, ...text('second'), finish].forEach((part) => controller.enqueue(part));
          controller.close();
        },
      });
    const model = made({ stream: (_, nth) => (nth === 0 ? deaf() : second()) });
    const middleware = gate({ clock, limits: { requestMs: 1_000 } });
    const { stream } = await clock.drive(Promise.resolve(through(middleware, model).doStream({ prompt: [] })));
    expect(await clock.drive(read(stream))).toEqual([start, ...text('second'), finish]);
    expect(middleware.bill()).toMatchObject({ calls: 2, failed: 1 });
  });

  it('that falls silent is cut off after idleMs, and its place at the gate is free', async () => {
    const clock = new VirtualClock();
    const silent = (): ReadableStream<LanguageModelV4StreamPart> =>
      new ReadableStream({ start: (controller) => [start, ...text('and then')].forEach((part) => controller.enqueue(part)) });
    const model = made({ modelId: 'silent', stream: silent });
    const middleware = gate({ clock, limits: { idleMs: 5_000 } });
    const { stream } = await clock.drive(Promise.resolve(through(middleware, model).doStream({ prompt: [] })));
    const heard = await clock.drive(read(stream));
    expect(heard.at(-1)).toMatchObject({ type: 'error', error: { code: 'MODEL_TIMEOUT', data: { limit: 'idleMs' } } });
    expect(clock.now()).toBe(5_000);
    expect(middleware.views()).toMatchObject([{ name: 'hand/silent', inFlight: 0 }]);
    expect(model.requests).toHaveLength(1);
  });
});

describe('a model inside a model', () => {
  it('is part of the sending that asks it', async () => {
    const middleware = gate();
    const inner = made({ modelId: 'inner' });
    const outer = made({
      modelId: 'outer',
      answer: async () => answer((await generateText({ model: through(middleware, inner), prompt: 'x' })).text),
    });
    expect((await generateText({ model: through(middleware, outer), prompt: 'x' })).text).toBe('said');
    expect(Object.keys(middleware.bill().models)).toEqual(['hand/outer']);
  });
});
