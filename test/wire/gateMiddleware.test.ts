// Programs of the AI SDK that ask through `gate()`: the real package with real providers, over sockets. The server's own
// records say what was sent.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4, LanguageModelV4Prompt } from '@ai-sdk/provider';
import {
  extractReasoningMiddleware,
  generateObject,
  generateText,
  isStepCount,
  type LanguageModel,
  Output,
  streamText,
  tool as aiTool,
  wrapLanguageModel,
} from 'ai';
import { createOpenAI as createOpenAIV2 } from 'openai-v2';
import { createOpenAI as createOpenAIV3 } from 'openai-v3';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { agent, type Bill, billOf, flow, gate, type GateMiddleware, map, memoryJournal, run, step, tool, treeOf } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import type { ModelServerOptions } from '../../src/modelServer/options.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';
import { failure } from '../support/trial.ts';

let server: ModelServer;
afterEach(async () => await server.close());

async function serve(options: ModelServerOptions = {}): Promise<void> {
  server = await startModelServer(options);
}

const SAYING_A: LanguageModelV4Prompt = [{ role: 'user', content: [{ type: 'text', text: 'a' }] }];
const PRICES = { '*': { in: 1, out: 2 } };
const openai = (modelId = 'gpt-4o'): LanguageModelV4 => createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'k' }).chat(modelId);
const anthropic = (): LanguageModelV4 => createAnthropic({ baseURL: server.baseUrl('anthropic'), apiKey: 'k' })('claude-sonnet-4-5');
const through = (middleware: GateMiddleware, model = openai()): LanguageModelV4 => wrapLanguageModel({ model, middleware });

/** What the server says that it was sent and what it charged. */
async function counted(): Promise<{ readonly calls: number; readonly tokensIn: number; readonly tokensOut: number }> {
  await vi.waitFor(() => expect(server.stats().inFlight).toBe(0), { interval: 2, timeout: 5_000 });
  const { requests, tokensIn, tokensOut } = server.stats();
  return { calls: requests, tokensIn, tokensOut };
}
const sumsOf = ({ calls, tokensIn, tokensOut }: Pick<Bill, 'calls' | 'tokensIn' | 'tokensOut'>): object => ({ calls, tokensIn, tokensOut });

describe.each([
  ['openai', openai],
  ['anthropic', anthropic],
])('what the AI SDK asks of %s', (_, model) => {
  test('as text, whole and streamed, comes as without a gate, and is on the bill as the server counted it', async () => {
    await serve({ answers: ({ messages }) => `to ${JSON.stringify(messages.at(-1)).length}` });
    const middleware = gate({ prices: PRICES });
    const plain = await generateText({ model: model(), prompt: 'hello' });
    const plainParts = await partsOf(model(), 'hello');
    await counted();
    server.reset();
    const whole = await generateText({ model: through(middleware, model()), prompt: 'hello' });
    expect([whole.text, whole.usage, whole.finishReason]).toEqual([plain.text, plain.usage, plain.finishReason]);
    expect(await partsOf(through(middleware, model()), 'hello')).toEqual(plainParts);
    const bill = middleware.bill();
    expect(sumsOf(bill)).toEqual(await counted());
    expect(bill).toMatchObject({ calls: 2, failed: 0, unpriced: [], usdMicros: bill.tokensIn + 2 * bill.tokensOut, open: { requests: 0 } });
  });

  test('as an object, and in a loop of tools, is asked and billed too', async () => {
    await serve({
      answers: ({ messages, tools }) =>
        tools.length > 0 && messages.at(-1)?.role === 'user' ? { tools: [{ name: 'look', args: { at: 'x' } }] } : { object: { seen: 'x' } },
    });
    const middleware = gate({ prices: PRICES });
    const look = aiTool({ inputSchema: z.object({ at: z.string() }), execute: ({ at }) => `seen ${at}` });
    const loop = await generateText({ model: through(middleware, model()), prompt: 'look', tools: { look }, stopWhen: isStepCount(4) });
    expect([loop.steps.length, loop.text]).toEqual([2, '{"seen":"x"}']);
    const schema = z.object({ seen: z.string() });
    const { object } = await generateObject({ model: through(middleware, model()), prompt: 'look', schema });
    const { output } = await generateText({ model: through(middleware, model()), prompt: 'look', output: Output.object({ schema }) });
    expect([object, output]).toEqual([{ seen: 'x' }, { seen: 'x' }]);
    expect(sumsOf(middleware.bill())).toEqual({ ...(await counted()), calls: 4 });
  });
});

describe('a provider that fails', () => {
  test('is asked once, and again as often as the limit says: generateText adds nothing to that', async () => {
    await serve({ faults: () => '500' });
    const middleware = gate({ limits: { retries: 2 }, random: () => 0 });
    const error = await failure(generateText({ model: through(middleware), prompt: 'x' }));
    expect([error.code, error.retryable, server.stats().requests]).toEqual(['MODEL_UNAVAILABLE', 'yes', 3]);
    expect(error.cause).toMatchObject({ name: 'AI_APICallError', statusCode: 500 });
    expect(middleware.bill()).toMatchObject({ calls: 3, failed: 3, tax: { retries: { requests: 2 } } });
    const heard: unknown[] = [];
    const model = through(middleware, openai('another'));
    await streamText({ model, prompt: 'x', onError: ({ error: one }) => void heard.push(one) }).consumeStream();
    expect([heard, server.stats().requests]).toMatchObject([[{ code: 'MODEL_UNAVAILABLE' }], 6]);
  });

  test('and then does not, is answered, whole or streamed, with the failures on the bill', async () => {
    await serve({ faults: (_, nth) => (nth % 2 === 0 ? '500' : undefined), answers: () => 'at last' });
    const middleware = gate({ random: () => 0 });
    expect((await generateText({ model: through(middleware), prompt: 'a' })).text).toBe('at last');
    expect(await streamText({ model: through(middleware), prompt: 'b' }).text).toBe('at last');
    expect(middleware.bill()).toMatchObject({ calls: 4, failed: 2 });
    expect(server.stats().requests).toBe(4);
  });

  test('in the middle of a stream ends it with an error, and nothing is sent again', async () => {
    await serve({ faults: { cut: { share: 1, atByte: 1_500 } }, answers: () => 'word '.repeat(200), pieceChars: 5 });
    const middleware = gate({ random: () => 0 });
    const heard: unknown[] = [];
    const { textStream, finishReason } = streamText({
      model: through(middleware),
      prompt: 'x',
      onError: ({ error }) => void heard.push(error),
    });
    let text = '';
    for await (const piece of textStream) text += piece;
    expect(text).toMatch(/^word /);
    expect(await finishReason).toBe('error');
    expect(heard).toMatchObject([{ name: 'AmdahlError' }]);
    expect([server.stats().requests, middleware.bill().calls, middleware.bill().failed]).toEqual([1, 1, 1]);
    expect(middleware.views().find(({ name }) => name === 'openai.chat/gpt-4o')?.inFlight).toBe(0);
  });
});

describe('whoever gives up', () => {
  test('by a signal hears its own reason, hangs up, and is billed once, whole or streamed', async () => {
    await serve({ delay: 60_000, answers: () => 'never' });
    const middleware = gate();
    const reason = new Error('enough');
    const aborted = async (ask: (abortSignal: AbortSignal) => PromiseLike<unknown>): Promise<unknown> => {
      const abort = new AbortController();
      const asking = Promise.resolve(ask(abort.signal)).catch((error: unknown) => error);
      await vi.waitFor(() => expect(server.stats().inFlight).toBe(1), { interval: 2, timeout: 5_000 });
      abort.abort(reason);
      return await asking;
    };
    expect(await aborted((abortSignal) => generateText({ model: through(middleware), prompt: 'a', abortSignal }))).toBe(reason);
    await counted();
    expect(await aborted((abortSignal) => through(middleware).doStream({ prompt: SAYING_A, abortSignal }))).toBe(reason);
    await counted();
    expect(server.requests.map(({ closed }) => closed)).toEqual(['client', 'client']);
    expect(middleware.bill()).toMatchObject({ calls: 2, cancelled: 2, open: { requests: 0 } });
    await expect(generateText({ model: through(middleware), prompt: 'a', abortSignal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(middleware.bill().calls).toBe(2);
  });

  test('in the middle of a stream, by leaving it, hangs up, and gives its place at the gate back', async () => {
    await serve({ delay: { firstMs: 0, perTokenMs: 20 }, answers: () => 'word '.repeat(600) });
    const middleware = gate({ rateLimits: { 'openai.chat/one-at-a-time': { concurrency: 1 } } });
    const model = through(middleware, openai('one-at-a-time'));
    const { stream } = await model.doStream({ prompt: SAYING_A });
    const reader = stream.getReader();
    while ((await reader.read()).value?.type !== 'text-delta');
    await reader.cancel();
    await counted();
    expect(server.requests).toMatchObject([{ closed: 'client' }]);
    expect(middleware.bill()).toMatchObject({ calls: 1, cancelled: 1, open: { requests: 0 } });
    expect(middleware.bill().tokensOut).toBeGreaterThan(0);
    expect(middleware.views().find(({ name }) => name.endsWith('one-at-a-time'))).toMatchObject({ inFlight: 0, queued: 0 });
  });

  test('of a stream that nobody reads keeps no place at the gate', async () => {
    await serve({ answers: () => 'word '.repeat(50) });
    const middleware = gate({ rateLimits: { 'openai.chat/unread': { concurrency: 1 } } });
    const model = through(middleware, openai('unread'));
    const unread = await model.doStream({ prompt: SAYING_A });
    expect((await generateText({ model, prompt: 'after it' })).text).toMatch(/^word/);
    expect(middleware.bill()).toMatchObject({ calls: 2, failed: 0 });
    let parts = 0;
    for await (const part of unread.stream) parts += Number(part.type === 'text-delta');
    expect(parts).toBeGreaterThan(5);
  });
});

describe('in a run', () => {
  test('what a step, a tool and a flow ask stands in its journal and its bill, as the server counted it', async () => {
    await serve({
      answers: ({ messages, tools }) =>
        tools.length > 0 && messages.at(-1)?.role === 'user' ? { tools: [{ name: 'look', args: { at: 'x' } }] } : 'said',
    });
    const middleware = gate({ name: 'old code' });
    const before = middleware.views().length;
    const model = through(middleware);
    const look = aiTool({ inputSchema: z.object({ at: z.string() }), execute: ({ at }) => `seen ${at}` });
    const loop = step({
      name: 'loop',
      execute: async (prompt: string) => (await generateText({ model, prompt, tools: { look }, stopWhen: isStepCount(3) })).text,
    });
    const talk = step({
      name: 'talk',
      effect: 'immediate',
      execute: async (prompt: string) => await streamText({ model, prompt }).text,
    });
    const lookUp = tool({
      description: 'Look.',
      effect: 'none',
      input: z.object({ at: z.string() }),
      execute: async ({ at }) => (await generateText({ model, prompt: at })).text,
    });
    const seek = agent({ name: 'seek', instructions: 'Seek.', model: openai(), tools: { look: lookUp } });
    const all = flow({
      name: 'all',
      run: async (input: string, ctx) => {
        const own = await generateText({ model, prompt: input });
        const [a, b, c] = await ctx.all([(one) => one.call(loop, input), (one) => one.call(talk, input), (one) => one.call(seek, input)]);
        return [own.text, a, b, c];
      },
    });
    const journal = memoryJournal();
    const { output, bill, id } = await run(all, 'go', { id: 'r', journal, prices: { '*': { in: 1, out: 1 } } });
    expect(output).toEqual(['said', 'said', 'said', 'said']);
    const sums = { ...(await counted()), calls: 7 };
    expect(sumsOf(bill)).toEqual(sums);
    expect(sumsOf(await billOf(journal.read(id)))).toEqual(sums);
    expect(Object.entries(bill.agents).map(([name, { calls }]) => [name, calls])).toEqual([
      ['all', 1],
      ['loop', 2],
      ['seek', 3],
      ['talk', 1],
    ]);
    expect(middleware.bill()).toMatchObject({ calls: 5, open: { requests: 0 } });
    const { root } = await treeOf(journal.read(id));
    expect(root?.total.calls).toBe(7);
    const turns = Object.fromEntries(
      (root?.children ?? []).map(({ agent: name, attempts, own }) => [name, [attempts[0]?.turns.length, own.calls]]),
    );
    expect(turns).toEqual({ loop: [2, 2], talk: [1, 1], seek: [2, 3] });
    // The limits of an account are shared: one gate for all of them.
    expect(middleware.views()).toHaveLength(before + 1);
  });

  test('the model of an agent that is wrapped is counted by the run and by the instance, and retries do not multiply', async () => {
    await serve({ faults: () => '500' });
    const middleware = gate();
    const ask = agent({ name: 'ask', instructions: 'Say it.', model: through(middleware) });
    const error = await failure(run(ask, 'x', { journal: memoryJournal(), limits: { retries: 1 }, random: () => 0 }));
    expect([error.code, server.stats().requests, middleware.bill().calls]).toEqual(['MODEL_UNAVAILABLE', 2, 2]);
  });

  test('a step that has an outcome asks nothing again, and the run that goes on pays for what it asks', async () => {
    await serve({ answers: ({ messages }) => JSON.stringify(messages.at(-1)).slice(0, 60) });
    const model = through(gate());
    let fails = true;
    const first = step({ name: 'first', execute: async (prompt: string) => (await generateText({ model, prompt })).text });
    const second = step({
      name: 'second',
      execute: async (prompt: string) => {
        const { text } = await generateText({ model, prompt });
        if (fails) throw new Error('not yet');
        return text;
      },
    });
    const both = flow({ name: 'both', run: async (input: string, ctx) => [await ctx.call(first, input), await ctx.call(second, input)] });
    const journal = memoryJournal();
    await failure(run(both, 'a', { id: 'r', journal, budget: { calls: 10 } }));
    fails = false;
    const { bill } = await run(both, 'a', { id: 'r', journal });
    expect([bill.calls, server.stats().requests]).toEqual([3, 3]);
    expect(sumsOf(bill)).toEqual(await counted());
  });

  test('a budget caps what steps ask, also what was spent in an earlier entry', async () => {
    await serve({ answers: () => 'said' });
    const model = through(gate());
    const ask = step({ name: 'ask', execute: async (prompt: string) => (await generateText({ model, prompt })).text });
    const journal = memoryJournal();
    const error = await failure(run(map(ask, { concurrency: 1 }), ['a', 'b', 'c'], { id: 'r', journal, budget: { calls: 2 } }));
    expect([error.code, server.stats().requests]).toEqual(['TOO_MANY_MISSING', 2]);
    const again = await failure(run(map(ask, { concurrency: 1 }), ['a', 'b', 'c'], { id: 'r', journal }));
    expect([again.code, server.stats().requests]).toEqual(['TOO_MANY_MISSING', 2]);
    const { bill } = await run(map(ask, { concurrency: 1 }), ['a', 'b', 'c'], { id: 'r', journal, budget: { calls: 3 } });
    expect([bill.calls, server.stats().requests]).toEqual([3, 3]);
  });

  test('that is cancelled, what its steps asked is cut off and told of before the run is', async () => {
    await serve({ delay: 60_000 });
    const middleware = gate();
    const model = through(middleware);
    const ask = step({ name: 'ask', execute: async (prompt: string) => (await generateText({ model, prompt })).text });
    const abort = new AbortController();
    const journal = memoryJournal();
    const running = failure(run(ask, 'x', { id: 'r', journal, signal: abort.signal }));
    await vi.waitFor(() => expect(server.stats().inFlight).toBe(1), { interval: 2, timeout: 5_000 });
    abort.abort();
    expect((await running).code).toBe('CANCELLED');
    await counted();
    expect(server.requests).toMatchObject([{ closed: 'client' }]);
    expect(await billOf(journal.read('r' as RunId))).toMatchObject({ calls: 1, cancelled: 1, open: { requests: 0 } });
  });

  test('a request that a step does not wait for is cancelled when the step ends', async () => {
    await serve({ delay: { firstMs: 0, perTokenMs: 20 }, answers: () => 'word '.repeat(600) });
    const model = through(gate());
    const ask = step({
      name: 'ask',
      execute: async (prompt: string) => {
        for await (const piece of streamText({ model, prompt, onError: () => {} }).textStream) return piece;
        return '';
      },
    });
    const journal = memoryJournal();
    const { bill } = await run(ask, 'x', { id: 'r', journal });
    expect(bill).toMatchObject({ calls: 1, cancelled: 1, open: { requests: 0 } });
    await counted();
    expect(server.requests).toMatchObject([{ closed: 'client' }]);
  });
});

describe('whatever goes wrong', () => {
  test.each([1, 2, 3])('journal, bills and the server count the same requests (seed %i)', async (seed) => {
    await serve({ seed, faults: { '500': 0.05, html: 0.03, cut: 0.05, cutReset: 0.03 }, answers: () => 'word '.repeat(20) });
    const middleware = gate({ random: () => 0, limits: { retries: 5, retryBudget: 1_000 } });
    const model = through(middleware);
    const ask = step({
      name: 'ask',
      execute: async (prompt: string) => {
        const whole = generateText({ model, prompt });
        const streamed = streamText({ model, prompt, onError: () => {} }).text;
        return (await Promise.allSettled([whole, streamed])).map(({ status }) => status).join();
      },
    });
    const journal = memoryJournal();
    const items = Array.from({ length: 20 }, (_, index) => `item ${index}`);
    const { bill, id } = await run(map(ask, { concurrency: 5 }), items, { journal });
    const { calls } = await counted();
    expect(calls).toBeGreaterThan(40);
    const { root } = await treeOf(journal.read(id));
    const read = await billOf(journal.read(id));
    expect([bill.calls, read.calls, root?.total.calls, middleware.bill().calls]).toEqual([calls, calls, calls, calls]);
    expect([bill.open.requests, read.open.requests, middleware.bill().open.requests]).toEqual([0, 0, 0]);
    expect(middleware.bill()).toMatchObject(sumsOf(bill));
    expect(middleware.views().map(({ inFlight, queued }) => inFlight + queued)).toSatisfy((all: number[]) => all.every((n) => n === 0));
  });
});

describe('beside other middlewares, and for models of other versions', () => {
  test('it stands next to the model, and several wrap it', async () => {
    await serve({ answers: () => '<think>hm</think>said' });
    const middleware = gate();
    const model = wrapLanguageModel({
      model: openai('thinker'),
      middleware: [extractReasoningMiddleware({ tagName: 'think' }), middleware],
    });
    const { text, reasoningText } = await generateText({ model, prompt: 'x' });
    expect([text, reasoningText, middleware.bill().calls]).toEqual(['said', 'hm', 1]);
  });

  test.each([
    ['V2', (baseURL: string) => createOpenAIV2({ baseURL, apiKey: 'k' }).chat('gpt-4o')],
    ['V3', (baseURL: string) => createOpenAIV3({ baseURL, apiKey: 'k' }).chat('gpt-4o')],
  ])('a model of %s is asked, whole and streamed, at the gate of its account', async (_, older) => {
    await serve({ answers: () => 'said' });
    const middleware = gate();
    const model = wrapLanguageModel({ model: older(server.baseUrl('openai')), middleware });
    const current = openai();
    expect((await generateText({ model, prompt: 'x' })).text).toBe('said');
    expect(await streamText({ model, prompt: 'x' }).text).toBe('said');
    expect(sumsOf(middleware.bill())).toEqual({ ...(await counted()), calls: 2 });
    const before = middleware.views().length;
    await generateText({ model: through(middleware, current), prompt: 'x' });
    expect(middleware.views()).toHaveLength(before);
  });
});

/** All that a stream says, without what differs from one to the next. */
async function partsOf(model: LanguageModel, prompt: string): Promise<readonly unknown[]> {
  const parts: unknown[] = [];
  for await (const part of streamText({ model, prompt }).stream) {
    const { type } = part;
    parts.push('text' in part ? { type, text: part.text } : { type });
  }
  return parts;
}
