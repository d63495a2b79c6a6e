// The tests of docs/testing.md, as a program: what `test` is given is run at once.

import assert from 'node:assert/strict';
import { z } from 'zod';
import { agent, memoryJournal, run, step, tool } from '../../src/index.ts';
import { journalToScript, lastMessage, scripted, testRun, testScript } from '../../src/testing.ts';
import { test } from './testingRunner.ts';

const readOrder = tool({
  effect: 'none',
  description: 'Read an order',
  input: z.object({ order: z.string() }),
  execute: ({ order }) => ({ order, total: 40 }),
});

const payRefund = tool({
  effect: 'immediate',
  description: 'Pay money back',
  input: z.object({ order: z.string(), amount: z.number() }),
  execute: async ({ order, amount }) => await pay(order, amount),
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

async function pay(order: string, amount: number): Promise<{ paid: string }> {
  throw new Error(`really pays ${amount} for ${order}`);
}

await test('it pays back what the order cost', async () => {
  const { output, toolCalls } = await testRun(
    support,
    { letter: 'The cup is broken.', order: 'A-7' },
    {
      models: {
        support: [
          { expect: 'The cup is broken.', tools: [['readOrder', { order: 'A-7' }]] },
          { expect: '"total":40', tools: [['payRefund', { order: 'A-7', amount: 40 }]] },
          { object: { decision: 'refunded', amount: 40 } },
        ],
      },
      tools: { payRefund: ({ amount }) => ({ paid: amount }) },
    },
  );
  assert.equal(output.decision, 'refunded');
  assert.deepEqual(toolCalls.at(-1)?.args, { order: 'A-7', amount: 40 });
});

await test('a refund that is too high is sent back', async () => {
  const { prompts } = await testRun(
    support,
    { letter: 'The sofa is broken.', order: 'B-1' },
    { models: { support: [{ object: { decision: 'refunded', amount: 400 } }, { object: { decision: 'passed on', amount: 400 } }] } },
  );
  assert.match(prompts[1]?.text ?? '', /refunds above 100 EUR are for a person/);
});

await test('what has no stand-in is named', async () => {
  await assert.rejects(testRun(support, { letter: 'Broken.', order: 'A-7' }), {
    code: 'NO_STAND_IN',
    message: /Say what it answers: testRun\(agent, input, \{ models: \{ 'support': \{ object: \{…\} \} \} \}\)/,
  });
});

await test('a model that answers by what it is asked', async () => {
  const count = step({ name: 'count', version: '1', execute: (text) => String(text.length) });
  const grade = agent({ name: 'grade', instructions: 'Grade the text.', tools: { count } });
  const { output } = await testRun(grade, 'a text', {
    models: {
      grade: (request) =>
        request.prompt.at(-1)?.role === 'tool' ? { text: lastMessage(request) } : { tools: [['count', { input: 'a text' }]] },
    },
  });
  assert.match(output, /6/);
});

const journal = memoryJournal();
const model = scripted([{ tools: [['readOrder', { order: 'A-7' }]] }, { object: { decision: 'passed on', amount: 40 } }]);
const input = { letter: 'It broke.', order: 'A-7' };

const real = await run(support, input, { models: { support: model }, journal });
const script = await journalToScript(real, { journal });

await test('it does as in that run', async () => {
  const { output } = await testScript(support, script);
  assert.deepEqual(output, script.output);
});
