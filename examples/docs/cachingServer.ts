// The page's question to a model server: how much of each prompt came from the cache.

import { createOpenAI } from '@ai-sdk/openai';
import { agent, map, memoryJournal, run } from '../../src/index.ts';
import { startModelServer } from '../../src/testing.ts';

const rules = Array.from({ length: 300 }, (_, nth) => `Rule ${nth}: say what is wrong and how to mend it.`).join('\n');
const review = agent({ name: 'review', instructions: rules });
const diffs = ['+if (a <= b)', '+eval(input)', '+let x = 1', '-return'];

const server = await startModelServer();
const openai = createOpenAI({ baseURL: server.baseUrl('openai'), apiKey: 'any' });
await run(map(review), diffs, { models: { '*': openai('gpt-5') }, journal: memoryJournal() });

for (const { promptBytes, sharedBytes, cachedBytes } of server.requests) {
  console.log(`of ${promptBytes} bytes an earlier request had ${sharedBytes}, and ${cachedBytes} came from the cache`);
}
await server.close();
