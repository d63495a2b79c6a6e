// A workflow of Mastra, moved here.

import { standInProvider } from './provider.ts';
import { z } from 'zod';
import { agent, mapReduce, run, step } from '../../src/index.ts';

const server = await standInProvider();
const pages = [{ page: 'The tide comes in.' }, { page: 'The tide goes out.' }];

const Summary = z.object({ summary: z.string() });

const summarize = agent({
  name: 'summarize',
  model: 'anthropic/claude-sonnet-4-5',
  instructions: 'Summarize the page in one sentence.',
  input: z.object({ page: z.string() }),
  output: Summary,
});

const join = step({
  name: 'join',
  version: '1',
  input: z.array(Summary),
  execute: (summaries) => summaries.map(({ summary }) => `- ${summary}`).join('\n'),
});

const digest = mapReduce({ map: summarize, reduce: join, concurrency: 5 });

const { output } = await run(digest, pages, { id: 'digest-1' });
console.log(output);

await server.close();
