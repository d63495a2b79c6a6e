// What prompt caching does for a map over shared instructions and for a loop with tools, with the real provider packages
// against the project's own model server, which plays the providers' caches: with it and without, by protocol.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { z } from 'zod';
import { agent } from '../src/agent/agent.ts';
import type { Agent } from '../src/agent/definition.ts';
import { tool } from '../src/agent/tool.ts';
import { map } from '../src/compose/map.ts';
import { memoryJournal } from '../src/journal/memory.ts';
import { cacheRule } from '../src/model/cacheRules.ts';
import { startModelServer } from '../src/modelServer/server.ts';
import { run } from '../src/run/run.ts';
import { quantity, type Report } from './finding.ts';

type Choice = 'auto' | 'off';
type Wire = (baseURL: string) => LanguageModelV4;

const WIRES: Readonly<Record<string, Wire>> = {
  'anthropic claude-sonnet-4-5': (baseURL) => createAnthropic({ baseURL, apiKey: 'any' })('claude-sonnet-4-5'),
  'openai.chat gpt-5': (baseURL) => createOpenAI({ baseURL, apiKey: 'any' }).chat('gpt-5'),
  'openai.responses gpt-5': (baseURL) => createOpenAI({ baseURL, apiKey: 'any' }).responses('gpt-5'),
  'openai.responses gpt-5.6': (baseURL) => createOpenAI({ baseURL, apiKey: 'any' }).responses('gpt-5.6'),
};

const WIDTH = 50;
const TURNS = 20;
/** Until an answer begins, and for each token of it. */
const FIRST_MS = 400;
const PER_TOKEN_MS = 4;

/** Some 4,000 tokens. */
const GUIDE = Array.from({ length: 320 }, (_, nth) => `Rule ${nth}: say what is wrong on line ${nth * 7} and how to mend it.`).join('\n');
const PAGE = 'What happened then is told at length. '.repeat(40);

interface Row {
  readonly wire: string;
  readonly what: string;
  readonly cache: Choice;
  readonly sharedBytes: number;
  readonly cachedBytes: number;
  readonly tokensIn: number;
  /** Input tokens as they are paid, in those of plain input. */
  readonly paid: number;
  readonly ms: number;
}

export async function cache(): Promise<Report> {
  const rows: Row[] = [];
  for (const [name, wire] of Object.entries(WIRES)) {
    for (const choice of ['auto', 'off'] as const) rows.push(await ofMap(name, wire, choice));
    for (const choice of ['auto', 'off'] as const) rows.push(await ofLoop(name, wire, choice));
  }
  return {
    findings: rows
      .filter((row) => row.cache === 'auto')
      .map((row) => ({
        what: `not cached of what ${row.what} shares, ${row.wire}`,
        measured: 100 * (1 - row.cachedBytes / row.sharedBytes),
        unit: '%',
        aimMax: row.what.startsWith('map') ? 5 : 10,
      })),
    tables: [
      [
        ['', '', 'cache', 'shared', 'cached', 'input', 'paid as', 'took'],
        ...rows.map((row) => [
          row.wire,
          row.what,
          row.cache,
          `${quantity(Math.round(row.sharedBytes / 1_000))} kB`,
          `${(100 * (row.cachedBytes / row.sharedBytes)).toFixed(1)} %`,
          `${quantity(row.tokensIn)} tokens`,
          quantity(Math.round(row.paid)),
          quantity(Math.round(row.ms), 'ms'),
        ]),
      ],
    ],
    notes: [
      `Shared are the bytes of each prompt that an earlier request began with too; cached, those of them that were read from the cache. Paid is the input in tokens of plain input: what is written and what is read at the provider's factors.`,
      `The server stands in for the providers: it plays their published rules, and asks no model. An answer begins after ${FIRST_MS} ms and takes ${PER_TOKEN_MS} ms a token; all ${WIDTH} calls of the map may be on their way at once.`,
      `What caches by itself, free of charge (gpt-5), does so in a loop also where it is off; a map at once is what the wait for the first is for.`,
    ],
  };
}

async function ofMap(wire: string, make: Wire, choice: Choice): Promise<Row> {
  const review = agent({ name: 'review', instructions: GUIDE, cache: choice });
  const items = Array.from({ length: WIDTH }, (_, nth) => `change number ${nth}`);
  return await through(
    map(review, { concurrency: WIDTH }),
    items,
    { wire, make, choice, what: `map of ${WIDTH}` },
    () => 'Nothing is wrong here.',
  );
}

async function ofLoop(wire: string, make: Wire, choice: Choice): Promise<Row> {
  const page = tool({
    effect: 'none',
    description: 'A page of the book',
    input: z.object({ page: z.number() }),
    execute: ({ page: nth }) => `Page ${nth}. ${PAGE}`,
  });
  const reading = agent({ name: 'reading', instructions: GUIDE, cache: choice, turns: TURNS + 1, tools: { page } });
  return await through(reading, 'Read the book.', { wire, make, choice, what: `loop of ${TURNS}` }, (_, nth) =>
    nth < TURNS - 1 ? { tools: [{ name: 'page', args: { page: nth } }] } : 'It ends well.',
  );
}

interface Asked {
  readonly wire: string;
  readonly make: Wire;
  readonly choice: Choice;
  readonly what: string;
}

type Answers = NonNullable<NonNullable<Parameters<typeof startModelServer>[0]>['answers']>;

async function through<I>(
  asked: Agent<I, unknown>,
  input: NoInfer<I>,
  { wire, make, choice, what }: Asked,
  answers: Answers,
): Promise<Row> {
  const server = await startModelServer({ answers, delay: { firstMs: what.startsWith('map') ? FIRST_MS : 5, perTokenMs: PER_TOKEN_MS } });
  const model = make(server.baseUrl());
  const start = performance.now();
  await run(asked, input, { journal: memoryJournal(), models: { '*': model }, rateLimits: { '*': { concurrency: WIDTH } } });
  const ms = performance.now() - start;
  const { sharedBytes, cachedBytes, tokensIn, tokensCached, tokensCacheWritten } = server.stats();
  await server.close();
  const { write = 1, read = 1 } = cacheRule(model) ?? {};
  const paid = tokensIn - tokensCached - tokensCacheWritten + tokensCacheWritten * write + tokensCached * read;
  return { wire, what, cache: choice, sharedBytes, cachedBytes, tokensIn, paid, ms };
}
