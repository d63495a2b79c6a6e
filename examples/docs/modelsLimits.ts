// The page's run under limits that the user knows. The server stands in for a provider, and keeps to the same limits.

import { createOpenAI } from '@ai-sdk/openai';
import { agent, map, memoryJournal, run } from '../../src/index.ts';
import { startModelServer } from '../../src/testing.ts';

const server = await startModelServer({ throttle: { requestsPerMinute: 6_000, burstRequests: 100, headers: 'bare' } });
const openai = createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'any' });
const judge = agent({ name: 'judge', model: openai.chat('stand-in'), instructions: 'Judge.' });
const reports = Array.from({ length: 200 }, (_, index) => `report ${index}`);

const { bill } = await run(map(judge, { concurrency: 200 }), reports, {
  rateLimits: { 'openai/*': { requestsPerMinute: 6_000, tokensPerMinute: 2_000_000, concurrency: 50 } },
  journal: memoryJournal(),
});
console.log(`${bill.calls} requests, ${bill.failed} refused`);
await server.close();
