// A tool that needs a store of its own process, and a run that is given one. The model is a stand-in.

import { z } from 'zod';
import { agent, run, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const model = scripted([{ tools: [['lookUp', { order: 'A-7' }]] }, { text: 'It left on Monday.' }]);

class Orders {
  async find(order: string, customer: string): Promise<string> {
    return await Promise.resolve(`${order} of ${customer}: sent on Monday`);
  }
}

const lookUp = tool({
  effect: 'none',
  description: 'Look up one order of the customer',
  input: z.object({ order: z.string() }),
  context: z.object({ orders: z.instanceof(Orders), customer: z.string() }),
  execute: async ({ order }, { context }) => await context.orders.find(order, context.customer),
});
const support = agent({ name: 'support', model, instructions: 'Answer the customer.', tools: { lookUp } });

const { output } = await run(support, 'Where is A-7?', {
  context: { orders: new Orders(), customer: 'ann' },
});
console.log(output);
