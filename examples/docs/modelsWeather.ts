// The page's run against a provider that misbehaves: a local server that stands in for one, over a real socket.

import { createOpenAI } from '@ai-sdk/openai';
import { z } from 'zod';
import { agent, map, memoryJournal, run } from '../../src/index.ts';
import { startModelServer } from '../../src/testing.ts';

const server = await startModelServer({ faults: { '500': 0.05, html: 0.05, wrongJson: 0.1, hang: { share: 0.02, forMs: 30_000 } } });
const openai = createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'any' });

const judge = agent({ name: 'judge', model: openai.chat('stand-in'), instructions: 'Judge.', output: z.object({ ok: z.boolean() }) });
const reports = Array.from({ length: 40 }, (_, index) => `report ${index}`);
const { output, bill } = await run(map(judge), reports, { id: 'reports', limits: { requestMs: 500 }, journal: memoryJournal() });
await server.close();

const { retries, repairs } = bill.tax;
console.log(
  `${output.length} right; ${retries.requests > 0 && repairs.requests > 0 ? 'some were sent again, some were mended' : 'too fair a day'}`,
);
