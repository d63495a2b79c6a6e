// An agent that answers letters about broken orders: it reads the order, pays a refund where one is due, and says so.

import { z } from 'zod';
import { agent, tool } from '../../src/index.ts';

const readOrder = tool({
  effect: 'none',
  description: 'Read an order',
  input: z.object({ order: z.string() }),
  execute: ({ order }) => ({ order, total: order.startsWith('A') ? 40 : 400, currency: 'EUR' }),
});

const payRefund = tool({
  effect: 'immediate',
  description: 'Pay money back',
  input: z.object({ order: z.string(), amount: z.number() }),
  execute: async ({ order, amount }) => {
    const response = await fetch('https://payments.example/refunds', { method: 'POST', body: JSON.stringify({ order, amount }) });
    return { status: response.status };
  },
});

export const support = agent({
  name: 'support',
  model: 'anthropic/claude-sonnet-4-5',
  instructions: 'Pay back what a customer is owed, up to 100 EUR. Pass on everything above.',
  input: z.object({ letter: z.string(), order: z.string() }),
  output: z.object({ decision: z.enum(['refunded', 'passed on']), amount: z.number() }),
  tools: { readOrder, payRefund },
  checks: [({ decision, amount }) => (decision === 'refunded' && amount > 100 ? 'refunds above 100 EUR are for a person' : undefined)],
});
