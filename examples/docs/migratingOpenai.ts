// Agents of the OpenAI Agents SDK, moved here.

import { standInProvider } from './provider.ts';
import { z } from 'zod';
import { agent, run, tool } from '../../src/index.ts';

const server = await standInProvider();

const order = tool({
  effect: 'none',
  description: 'Look up an order',
  input: z.object({ id: z.string() }),
  execute: ({ id }) => ({ id, status: 'shipped' }),
});

const translate = agent({
  name: 'translate',
  description: 'Translate into French',
  model: 'openai/gpt-5',
  instructions: 'Translate the text into French.',
  input: z.object({ text: z.string() }),
});

const support = agent({
  name: 'support',
  model: 'openai/gpt-5',
  instructions: 'Answer the customer, in French.',
  tools: { order, translate },
  output: z.object({ answer: z.string(), resolved: z.boolean() }),
  turns: 8,
});

const { output } = await run(support, 'Where is order 7?', { id: 'customer-7' });
console.log(output.answer);

await server.close();
