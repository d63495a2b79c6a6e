// The agent behind the chat: it reads the conversation so far and says what comes next.

import { agent } from 'amdahl';
import { z } from 'zod';
import { model } from './model.ts';

export default agent({
  name: 'chat',
  model,
  instructions: 'You are a clerk in a lamp shop. Answer the last thing the customer said, in at most three sentences.',
  input: z.object({
    conversation: z.array(z.object({ who: z.enum(['customer', 'clerk']), says: z.string() })).min(1),
  }),
});
