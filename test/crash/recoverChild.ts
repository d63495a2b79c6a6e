// A server that has runs in flight, or one that takes up what its predecessor left. Started by recover.test.ts, told what
// to do by its first argument; what it recovered goes to stdout.

import { createOpenAI } from '@ai-sdk/openai';
import { z } from 'zod';
import { type Agent, agent, recover, sqliteJournal, start, tool } from '../../src/index.ts';

export interface RecoverOrders {
  readonly baseUrl: string;
  readonly dir: string;
  /** Runs to start; absent in a process that recovers. */
  readonly runs?: number;
}

/** What a process recovered. */
export type RecoverSaid = readonly { readonly id: string; readonly status: string }[];

const orders = JSON.parse(process.argv[2] ?? '{}') as RecoverOrders; // written by recover.test.ts
const journal = sqliteJournal({ dir: orders.dir, synchronous: 'normal' });

const look = tool({
  description: 'Looks a number up',
  effect: 'none',
  input: z.object({ n: z.number() }),
  execute: ({ n }) => n * n,
});
const square: Agent<string, string> = agent({
  name: 'square',
  model: createOpenAI({ baseURL: orders.baseUrl, apiKey: 'k' }).chat('gpt-4o'),
  instructions: 'Say the square.',
  tools: { look },
});

if (orders.runs === undefined) {
  const { runs } = await recover([square], { journal, concurrency: 4 });
  process.stdout.write(JSON.stringify(runs.map(({ id, status }) => ({ id, status }))));
  await journal.close();
} else {
  for (let n = 0; n < orders.runs; n += 1) start(square, String(n), { journal, id: `square-${n}` });
}
