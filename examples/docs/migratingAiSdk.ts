// A program of the AI SDK, moved here.

import { standInProvider } from './provider.ts';
import { z } from 'zod';
import { agent, map, run, tool } from '../../src/index.ts';

const server = await standInProvider();
const diffs = ['-if (a < b)\n+if (a <= b)', '+eval(input)'];

const blame = tool({
  effect: 'none',
  description: 'Who changed a line last',
  input: z.object({ line: z.number() }),
  execute: ({ line }) => ({ line, author: 'ada' }),
});

const review = agent({
  name: 'review',
  model: 'anthropic/claude-sonnet-4-5',
  instructions: 'Find correctness bugs in the change.',
  output: z.object({ findings: z.array(z.object({ line: z.number(), quote: z.string() })) }),
  tools: { blame },
  turns: 8,
});

const { output: reviews } = await run(map(review), diffs, { id: 'reviews-1' });

console.log(reviews.length, 'reviews');
await server.close();
