// The program of docs/start.md: an agent asked from code, twice under one id.

import { z } from 'zod';
import { agent, run } from '../../src/index.ts';
import { madeUp, scripted } from '../../src/testing.ts';

const triage = agent({
  name: 'triage',
  model: scripted(madeUp),
  instructions: 'You sort letters to a shop.',
  input: z.object({ letter: z.string() }),
  output: z.object({ kind: z.enum(['question', 'complaint', 'order', 'other']), urgent: z.boolean() }),
});

const first = await run(triage, { letter: 'The lamp came broken.' }, { id: 'letter-7' });
const again = await run(triage, { letter: 'The lamp came broken.' }, { id: 'letter-7' });
console.log(first.output, again.bill.calls); // 1: the second time nobody was asked
