// The README's example: reviews three changes at once and sums up what was found. Run it twice: the second run asks nobody.

import { z } from 'zod';
import { agent, grounded, mapReduce, run, step, tool } from '../../src/index.ts';
import { model } from './standIn.ts';

const Findings = z.object({ findings: z.array(z.object({ line: z.int(), quote: z.string() })) });

const blame = tool({
  effect: 'none',
  description: 'Who changed a line last',
  input: z.object({ line: z.int() }),
  execute: ({ line }) => ({ line, author: line % 2 === 0 ? 'ada' : 'grace' }),
});

const review = agent({
  name: 'review',
  model,
  instructions: 'Find correctness bugs in the change.',
  input: z.object({ diff: z.string() }),
  output: Findings,
  tools: { blame },
  checks: [grounded('findings[*].quote')],
  budget: { calls: 8 },
});

const count = step({
  name: 'count',
  version: '1',
  input: z.array(Findings),
  output: z.number(),
  execute: (reviews) => reviews.flatMap(({ findings }) => findings).length,
});

const sweep = mapReduce({ map: review, reduce: count, atLeast: 0.9 });

const diffs = ['-if (a < b)\n+if (a <= b)', '+eval(input)', '+let x = 1'].map((diff) => ({ diff }));
const { output, missing, bill } = await run(sweep, diffs, { id: 'quickstart-1', prices: { 'scripted/*': { in: 0, out: 0 } } });
console.log({ findings: output, missing: missing.length, requests: bill.calls, usd: bill.usdMicros / 1e6 });
