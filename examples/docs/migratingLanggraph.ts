// A graph of LangGraph, moved here.

import { standInProvider } from './provider.ts';
import { z } from 'zod';
import { agent, flow, run } from '../../src/index.ts';

const server = await standInProvider();

const write = agent({
  name: 'write',
  model: 'anthropic/claude-sonnet-4-5',
  instructions: 'Write about the topic, and mind what was said of the last draft.',
  input: z.object({ topic: z.string(), mind: z.string().optional() }),
});
const critique = agent({
  name: 'critique',
  model: 'anthropic/claude-sonnet-4-5',
  instructions: 'Is this good?',
  output: z.object({ good: z.boolean(), why: z.string() }),
});

const article = flow({
  name: 'article',
  input: z.object({ topic: z.string() }),
  run: async ({ topic }, ctx) => {
    let draft = await ctx.call(write, { topic });
    for (let round = 1; round < 3; round++) {
      const { good, why } = await ctx.call(critique, draft);
      if (good) break;
      draft = await ctx.call(write, { topic, mind: why });
    }
    return draft;
  },
});

const { output: draft } = await run(article, { topic: 'tides' }, { id: 'tides-1' });

console.log(draft.length > 0);
await server.close();
