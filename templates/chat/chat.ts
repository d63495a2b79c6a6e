// The agent behind the chat: it is given the conversation so far and says what comes next.

import { agent, messages } from 'amdahl';
import { model } from './model.ts';

export default agent({
  name: 'chat',
  model,
  instructions: 'You are a clerk in a lamp shop. Answer in at most three sentences.',
  input: messages(),
});
