// The README's test of an agent, as a program.

import { z } from 'zod';
import { agent, memoryJournal, run, tool } from '../../src/index.ts';
import { deny, scripted } from '../../src/testing.ts';

const blame = tool({
  effect: 'none',
  description: 'Who changed a line last',
  input: z.object({ line: z.int() }),
  execute: ({ line }) => ({ line, author: 'ada' }),
});
const review = agent({
  name: 'review',
  instructions: 'Find correctness bugs in the change.',
  input: z.object({ diff: z.string() }),
  output: z.object({ findings: z.array(z.string()) }),
  tools: { blame },
});

const model = scripted([{ expect: 'diff', tools: [['blame', { line: 1 }]] }, { object: { findings: [] } }]);
await run(review, { diff: '+x' }, { models: { review: model, '*': deny }, journal: memoryJournal() });
model.assertComplete();
console.log('as the script says');
