import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, all, map, tool } from '../../src/index.ts';
import { gatesOf } from '../../src/model/gates.ts';
import { leastToLead, waitMsMax } from '../../src/model/leadFirst.ts';
import { Trial } from '../support/trial.ts';
import { cachedModel, type CachedModel, type Course } from './cachedModel.ts';

/** Some 3,000 tokens. */
const GUIDE = 'Say what is wrong and how to mend it, in one line. '.repeat(240);
const items = (count: number): string[] => Array.from({ length: count }, (_, index) => `item ${index}`);
const review = (more: object = {}): Agent<string, string> => agent({ name: 'review', instructions: GUIDE, ...more });

interface Ran {
  readonly trial: Trial;
  readonly cached: CachedModel;
  readonly output: unknown;
}

async function ran<I>(asked: Agent<I, unknown>, input: I, course: (nth: number) => Course, more: object = {}): Promise<Ran> {
  const trial = new Trial({ prices: { '*': { in: 3, out: 15 } } });
  const cached = cachedModel(trial.clock, course, more);
  const { output } = await trial.run<I, unknown>(asked, input, { models: { '*': cached.model } });
  return { trial, cached, output };
}

const atsOf = ({ cached }: Ran): readonly number[] => cached.asked.map(({ at }) => at);

describe('a map over a shared prefix', () => {
  test('sends one first, and the others when its answer begins, not when it ends', async () => {
    const came = await ran(map(review()), items(5), (nth) => ({ firstMs: 700, restMs: nth === 0 ? 60_000 : 10 }));
    expect(atsOf(came)).toEqual([0, 700, 700, 700, 700]);
    expect(came.output).toEqual(Array.from({ length: 5 }, () => 'said'));
    expect(came.cached.asked.map(({ streamed }) => streamed)).toEqual([true, false, false, false, false]);
    expect(came.cached.asked.map(({ marks }) => marks)).toEqual(Array.from({ length: 5 }, () => ['system']));
    expect(gatesOf(came.trial.clock).views()[0]).not.toHaveProperty('following');
    const waits = await came.trial.events('limit.waited');
    expect(waits.map(({ limit, ms }) => [limit, ms])).toEqual(Array.from({ length: 4 }, () => ['cache', 700]));
    expect((await came.trial.tree()).root.children[1]?.waits).toEqual([{ limit: 'cache', ms: 700 }]);
  });

  test('waits for the whole answer of a lead that may not be streamed, and asks it all the same', async () => {
    const came = await ran(map(review()), items(4), () => ({ firstMs: 500, restMs: 300 }), { streams: false });
    expect(came.cached.asked.map(({ streamed }) => streamed)).toEqual([true, false, false, false, false]);
    expect(atsOf(came).slice(0, 3)).toEqual([0, 0, 800]);
  });

  test('goes on with another where the first fails', async () => {
    const few = map(review({ attempts: 1 }), { atLeast: 0.5 });
    const came = await ran(few, items(4), (nth) => ({ firstMs: 400, fails: nth === 0 }));
    expect(atsOf(came)).toEqual([0, 400, 800, 800]);
    expect(came.cached.asked.map(({ streamed }) => streamed)).toEqual([true, true, false, false]);
    expect(came.output).toMatchObject({ missing: [{ index: 0 }] });
  });

  test('is not held up by a slow first for longer than a bound, and writes no prefix that may be there in a moment', async () => {
    const came = await ran(map(review()), items(5), (nth) => ({ firstMs: nth === 0 ? 100_000 : 50 }));
    const [, ...others] = atsOf(came);
    const { length: tokens } = GUIDE.split(/\s+/);
    expect(Math.max(...others)).toBeLessThanOrEqual(waitMsMax(tokens * 2));
    expect(Math.min(...others)).toBeGreaterThan(5_000);
    // One of them leads anew.
    expect(came.cached.asked.map(({ marks }) => marks.length)).toEqual([1, 1, 0, 0, 0]);
  });

  test('waits for nobody where two are all, where the prefix is short, and where it is off', async () => {
    const course = (): Course => ({ firstMs: 500 });
    expect(atsOf(await ran(map(review()), items(2), course))).toEqual([0, 0]);
    expect(atsOf(await ran(map(review({ instructions: 'Say.' })), items(4), course))).toEqual([0, 0, 0, 0]);
    const off = await ran(map(review({ cache: 'off' })), items(4), course);
    expect(atsOf(off)).toEqual([0, 0, 0, 0]);
    expect(off.cached.asked.flatMap(({ marks }) => marks)).toEqual([]);
    expect(atsOf(await ran(map(review()), items(4), course, { provider: 'acme', modelId: 'm' }))).toEqual([0, 0, 0, 0]);
  });

  test('waits where a provider caches by itself too, unless reading costs half of writing', async () => {
    const course = (): Course => ({ firstMs: 500 });
    const gpt5 = { provider: 'openai.chat', modelId: 'gpt-5' };
    const came = await ran(map(review()), items(4), course, gpt5);
    // The table of prices of the run says nothing of a cache.
    expect(atsOf(came)).toEqual([0, 500, 500, 500]);
    const keys = came.cached.asked.map(({ options }) => options.providerOptions?.['openai']?.['promptCacheKey']);
    expect(new Set(keys).size).toBe(1);
    expect(keys[0]).toMatch(/^amdahl-/);
    expect(atsOf(await ran(map(review()), items(4), course, { ...gpt5, modelId: 'gpt-4o' }))).toEqual([0, 0, 0, 0]);
  });

  test('holds no place at the gate and no room in a budget while it waits', async () => {
    const trial = new Trial({ prices: { '*': { in: 3, out: 15 } }, rateLimits: { '*': { concurrency: 1 } } });
    const cached = cachedModel(trial.clock, () => ({ firstMs: 300 }));
    // Room for hardly more than what they cost.
    const tight = map(review({ settings: { maxOutputTokens: 100 } }), { budget: { usd: 0.06 } });
    const { output } = await trial.run(tight, items(6), { models: { '*': cached.model } });
    expect(output).toHaveLength(6);
    expect(cached.asked).toHaveLength(6);
  });

  test('shows who waits', async () => {
    const trial = new Trial({ prices: { '*': { in: 3, out: 15 } } });
    const cached = cachedModel(trial.clock, () => ({ firstMs: 1_000 }));
    const seen: unknown[] = [];
    trial.clock.after(500, () => seen.push(gatesOf(trial.clock).views()));
    await trial.run(map(review()), items(5), { models: { '*': cached.model } });
    expect(seen).toMatchObject([[{ inFlight: 1, queued: 0, following: 4 }]]);
  });

  test('is left at once by those who wait when the run is cancelled', async () => {
    const trial = new Trial({ prices: { '*': { in: 3, out: 15 } } });
    const cached = cachedModel(trial.clock, () => ({ firstMs: 4_000 }));
    const abort = new AbortController();
    trial.clock.after(1_000, () => abort.abort(new Error('enough')));
    await trial.fails(map(review()), items(5), { models: { '*': cached.model }, signal: abort.signal });
    expect(cached.asked).toHaveLength(1);
    expect(trial.clock.now()).toBeLessThan(1_005_000);
    // The next run finds nobody to wait for.
    await trial.run(map(review()), items(5), { id: 'again', models: { '*': cached.model } });
    expect(cached.asked).toHaveLength(6);
  });
});

describe('who asks alone', () => {
  const course = (): Course => ({ firstMs: 100 });

  test('marks nothing at first, then what was asked with before, as long as a provider holds it', async () => {
    const trial = new Trial({ prices: { '*': { in: 3, out: 15 } } });
    const { model, asked } = cachedModel(trial.clock, course);
    const ask = (id: string): Promise<unknown> => trial.run(review(), 'item', { id, models: { '*': model } });
    for (const id of ['a', 'b', 'c']) await ask(id);
    await trial.clock.drive(trial.clock.sleep(300_000));
    await ask('d');
    expect(asked.map(({ marks }) => marks)).toEqual([[], ['system'], ['system'], []]);
    expect(asked.every(({ streamed }) => !streamed)).toBe(true);
  });

  test('marks the end of each turn with tools, and where the turn before ended', async () => {
    const trial = new Trial({ prices: { '*': { in: 3, out: 15 } } });
    const { model, asked } = cachedModel(trial.clock, course);
    const look = tool({ effect: 'none', description: 'Look', input: z.object({}), execute: () => 'seen' });
    const calls = ['look', 'look', undefined];
    const withTools = {
      ...model,
      doGenerate: async (options: Parameters<typeof model.doGenerate>[0]) => {
        const came = await model.doGenerate(options);
        const toolName = calls.shift();
        if (toolName === undefined) return came;
        const call = { type: 'tool-call', toolCallId: `t${calls.length}`, toolName, input: '{}' } as const;
        return { ...came, content: [call], finishReason: { unified: 'tool-calls', raw: 'tool_use' } as const };
      },
    };
    await trial.run(review({ tools: { look } }), 'item', { models: { '*': withTools } });
    expect(asked.map(({ marks }) => marks)).toEqual([['user'], ['user', 'tool'], ['tool', 'tool']]);
  });

  test('marks the fields that are named, for whoever comes next', async () => {
    const input = z.object({ question: z.string(), document: z.string() });
    const named = agent({ name: 'named', instructions: 'Answer.', input, cache: ['document'] });
    const came = await ran(named, { question: 'why', document: GUIDE }, course);
    expect(came.cached.asked[0]?.marks).toEqual(['system', 'user']);
    const journaled = await came.trial.events('model.requested');
    expect(JSON.stringify(journaled)).not.toContain('cacheControl');
  });

  test('leaves a request alone that says itself what is to be cached', async () => {
    const trial = new Trial({ prices: { '*': { in: 3, out: 15 } } });
    const { model, asked } = cachedModel(trial.clock, course, { provider: 'openai.responses', modelId: 'gpt-5.6' });
    await trial.run(review(), 'item', { models: { '*': model } });
    expect(asked[0]?.options.providerOptions).toMatchObject({ openai: { promptCacheOptions: { mode: 'explicit' } } });
  });

  test('of different agents waits for nobody', async () => {
    const other = agent({ name: 'other', instructions: `${GUIDE} Otherwise.` });
    const third = agent({ name: 'third', instructions: `${GUIDE} Thirdly.` });
    const came = await ran(all({ review: review(), other, third }), 'item', course);
    expect(atsOf(came)).toEqual([0, 0, 0]);
  });
});

test('waiting begins to pay with three, and never where reading costs half', () => {
  expect([leastToLead(1.25, 0.1), leastToLead(1, 0.1), leastToLead(1, 0.25), leastToLead(1, 0.5)]).toEqual([3, 3, 3, Infinity]);
});
