// One agent: it reads a letter to a shop and says what kind it is. The text it was given and every answer are kept in
// .amdahl, so nothing that finished is asked again.

import { agent } from 'amdahl';
import { z } from 'zod';
import { model } from './model.ts';

export default agent({
  name: 'triage',
  model,
  instructions: 'You sort letters to a shop. Say what kind the letter is, whether it is urgent, and sum it up in one sentence.',
  input: z.object({ letter: z.string() }),
  output: z.object({
    kind: z.enum(['question', 'complaint', 'order', 'other']),
    urgent: z.boolean(),
    summary: z.string(),
  }),
  checks: [({ summary }) => (summary.length <= 300 ? undefined : 'the summary is longer than 300 characters')],
});
