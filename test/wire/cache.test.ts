// Prompt caching over sockets, with the real packages against a server that plays the providers' caches: how much of what
// requests have in common was read from the cache, with it and without.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type Agent, agent, type Bill, map, memoryJournal, run, tool } from '../../src/index.ts';
import type { Event } from '../../src/journal/event.ts';
import { type ModelServer, startModelServer } from '../../src/testing.ts';

type Wire = (baseURL: string) => LanguageModelV4;

const wires: Readonly<Record<string, Wire>> = {
  'anthropic.messages': (baseURL) => createAnthropic({ baseURL, apiKey: 'k' })('claude-sonnet-4-5'),
  'openai.chat': (baseURL) => createOpenAI({ baseURL, apiKey: 'k' }).chat('gpt-5'),
  'openai.responses': (baseURL) => createOpenAI({ baseURL, apiKey: 'k' }).responses('gpt-5'),
  'openai.responses, gpt-5.6': (baseURL) => createOpenAI({ baseURL, apiKey: 'k' }).responses('gpt-5.6'),
};

/** Some 4,000 tokens. */
const GUIDE = Array.from({ length: 320 }, (_, nth) => `Rule ${nth}: say what is wrong on line ${nth * 7} and how to mend it.`).join('\n');
const ITEMS = Array.from({ length: 50 }, (_, nth) => ({ item: `change number ${nth}` }));

/** All may be on their way at once. */
const rateLimits = { '*': { concurrency: 50 } };

type Choice = 'auto' | 'off';

const review = (cache: Choice): Agent<{ item: string }, string> =>
  agent({ name: 'review', instructions: GUIDE, input: z.object({ item: z.string() }), cache });

const reading = (cache: Choice): Agent<string, string> =>
  agent({
    name: 'reading',
    instructions: GUIDE,
    cache,
    turns: 30,
    tools: {
      page: tool({
        effect: 'none',
        description: 'A page of the book',
        input: z.object({ page: z.number() }),
        execute: ({ page }) => `Page ${page}. ${'What happened then is told at length. '.repeat(40)}`,
      }),
    },
  });

type Answers = Extract<NonNullable<NonNullable<Parameters<typeof startModelServer>[0]>['answers']>, (...args: never) => unknown>;

interface Came {
  readonly server: ModelServer;
  readonly bill: Bill;
  readonly events: readonly Event[];
  /** Of the bytes that a request had in common with an earlier one, the share that came from the cache. */
  readonly cached: number;
}

async function through<I>(wire: Wire, asked: Agent<I, unknown>, input: I, answers: Parameters<typeof startModelServer>[0]): Promise<Came> {
  const server = await startModelServer({ delay: { firstMs: 10, perTokenMs: 2 }, ...answers });
  onTestFinished(() => server.close());
  const journal = memoryJournal();
  const { bill } = await run(asked, input, { id: 'r', journal, models: { '*': wire(server.baseUrl()) }, rateLimits });
  const events: Event[] = [];
  for await (const { event } of journal.read('r' as never)) events.push(event);
  const { sharedBytes, cachedBytes } = server.stats();
  return { server, bill, events, cached: cachedBytes / sharedBytes };
}

const mapped = (wire: Wire, cache: Choice, answers: Answers): Promise<Came> =>
  through(wire, map(review(cache), { concurrency: 50 }), ITEMS, { answers });

/** Nobody is answered before all have asked. */
function together(): Answers {
  const all = Promise.withResolvers<void>();
  let asked = 0;
  return async () => {
    asked += 1;
    if (asked === ITEMS.length) all.resolve();
    await all.promise;
    return 'Nothing is wrong with it.';
  };
}

const looped = (wire: Wire, cache: Choice): Promise<Came> =>
  through(wire, reading(cache), 'Read the book.', {
    delay: 1,
    answers: (_, nth) => (nth < 19 ? { tools: [{ name: 'page', args: { page: nth } }] } : 'It ends well.'),
  });

test.each(Object.entries(wires))('%s: a map of 50 reads what its calls share, after one has written it', async (_, wire) => {
  const { server, bill, events, cached } = await mapped(wire, 'auto', () => 'Nothing is wrong with it.');
  expect(server.requests).toHaveLength(50);
  expect(cached).toBeGreaterThanOrEqual(0.95);
  const read = server.requests.filter(({ tokensCached }) => tokensCached > 0);
  expect(read).toHaveLength(49);
  const waits = events.filter((event) => event.kind === 'limit.waited' && event.limit === 'cache');
  expect(waits).toHaveLength(49);
  expect(bill.tokensCached).toBe(server.stats().tokensCached);
  expect(bill.tokensCacheWritten).toBe(server.stats().tokensCacheWritten);
  expect(bill.tax.waitedMs.cache).toBeGreaterThan(0);
  // The one for whose beginning others wait is streamed, and no other.
  expect(server.requests.map(({ stream }) => stream)).toEqual([true, ...Array.from({ length: 49 }, () => false)]);

  const off = await mapped(wire, 'off', together());
  expect(off.cached).toBe(0);
  expect(off.bill).toMatchObject({ tokensCached: 0, tokensCacheWritten: 0, tax: { waitedMs: { cache: 0 } } });
});

test.each(Object.entries(wires))('%s: a loop of 20 turns reads what the turns before had', async (name, wire) => {
  const { server, cached, bill } = await looped(wire, 'auto');
  expect(server.requests).toHaveLength(20);
  expect(cached).toBeGreaterThanOrEqual(0.9);
  expect(bill.tokensCached).toBe(server.stats().tokensCached);

  const off = await looped(wire, 'off');
  // What caches by itself, and free of charge, is not kept from it.
  if (name === 'openai.chat' || name === 'openai.responses') expect(off.cached).toBeGreaterThanOrEqual(0.9);
  else expect(off.bill).toMatchObject({ tokensCached: 0, tokensCacheWritten: 0 });
});
