// The page's map over one document, asked of the model server, which plays the prompt cache of the provider.

import { createAnthropic } from '@ai-sdk/anthropic';
import { z } from 'zod';
import { agent, map, memoryJournal, run } from '../../src/index.ts';
import { startModelServer } from '../../src/testing.ts';

const server = await startModelServer({ answers: () => 'Clause 7.' });
const anthropic = createAnthropic({ baseURL: server.baseUrl('anthropic'), apiKey: 'any' });
const model = anthropic('claude-sonnet-4-5');
const contract = Array.from({ length: 300 }, (_, nth) => `Clause ${nth}: the parties agree on what is said here.`).join('\n');
const questions = ['Who pays?', 'Who delivers?', 'By when?', 'Where?', 'What if not?'];

const answer = agent({
  name: 'answer',
  model,
  instructions: 'Answer from the contract alone, and name the clause.',
  input: z.object({ question: z.string(), contract: z.string() }),
  cache: ['contract'], // rendered first: what all calls share
});

const asked = questions.map((question) => ({ question, contract }));
const { bill } = await run(map(answer), asked, { journal: memoryJournal() });

console.log(`${bill.tokensIn} tokens in: ${bill.tokensCacheWritten} written into the cache, ${bill.tokensCached} read from it`);
console.log(`saved: $${((bill.cacheSavedUsdMicros ?? 0) / 1e6).toFixed(4)}, waited: ${bill.tax.waitedMs.cache > 0}`);
await server.close();
if (bill.tokensCached === 0) throw new Error('nothing was read from the cache');
