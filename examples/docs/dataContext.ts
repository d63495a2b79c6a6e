// A tool that needs a real key has it from the context.

import { agent, run, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { z } from 'zod';

const model = scripted([{ tools: [['stock', { item: 'lamp' }]] }, { text: '3 lamps' }]);

const stock = tool({
  effect: 'none',
  description: 'How many of an item are in stock',
  input: z.object({ item: z.string() }),
  context: z.object({ warehouse: z.object({ apiKey: z.string() }) }),
  execute: async ({ item }, { context }) => ({ item, count: item.length - 1, asked: `with ${context.warehouse.apiKey}` }),
});
const clerk = agent({ name: 'clerk', model, instructions: 'Say what is in stock.', tools: { stock } });

// What the tool gives back has [secret:apiKey] in it, for the model as for the journal.
await run(clerk, 'Are there lamps?', { context: { warehouse: { apiKey: 'wh-7719-token' } } });
console.log(JSON.stringify(model.requests[1]?.prompt).includes('wh-7719-token')); // false
