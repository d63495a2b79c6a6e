// The agents of the page, asked of stand-ins.

import { z } from 'zod';
import { agent, grounded, memoryJournal, render, run } from '../../src/index.ts';
import { reviewer } from './standIn.ts';

const Findings = z.object({ findings: z.array(z.object({ line: z.int(), quote: z.string() })) });

const review = agent({
  name: 'review',
  model: reviewer,
  instructions: 'Find correctness bugs in the change.',
  input: z.object({ diff: z.string(), rules: z.string().optional() }),
  output: Findings,
  checks: [grounded('findings[*].quote')],
  settings: { temperature: 0, reasoning: 'low', maxOutputTokens: 2_000 },
});

const journal = memoryJournal();
const { output } = await run(review, { diff: '+eval(input)' }, { journal, id: 'one' });
console.log(output.findings);

await run(
  review,
  { diff: '+eval(input)' },
  { journal, settings: { review: { temperature: 0.7, seed: 3 }, '*': { maxOutputTokens: 4_000 } } },
);

const { messages, tools, format } = await render(review, { diff: '+let x = 1', rules: 'No globals.' });
console.log(messages.length, tools.length, format.type);

const ask = agent({
  name: 'ask',
  model: reviewer,
  instructions: 'Answer about the code.',
  input: z.object({ question: z.string(), code: z.string() }),
  output: Findings,
  prompt: ({ question, code }) => [{ text: code, cache: true }, `Question: ${question}`],
});
await run(ask, { question: 'What is evaluated?', code: 'let x = 1' }, { journal });
