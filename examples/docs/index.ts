// The example of the first page, with a stand-in for the model.

import { reviewer as model } from './standIn.ts';
import { z } from 'zod';
import { agent, map, run } from '../../src/index.ts';

const review = agent({
  name: 'review',
  model, // such as 'anthropic/claude-sonnet-4-5', or any AI SDK model
  instructions: 'Find correctness bugs in the change.',
  input: z.object({ diff: z.string() }),
  output: z.object({
    findings: z.array(z.object({ line: z.int(), quote: z.string() })),
  }),
});

const diffs = ['+if (a <= b)', '+eval(input)', '+let x = 1'].map((diff) => ({ diff }));
const { output, bill } = await run(map(review), diffs, {
  id: 'reviews-1',
  budget: { calls: 20 },
});
console.log({ findings: output.flatMap(({ findings }) => findings).length, requests: bill.calls });
