// Tests of support.ts with vitest: no model is asked and no money is paid, with a stand-in for each.

import { expect, test } from 'vitest';
import { testRun } from '../../src/testing.ts';
import { support } from './support.ts';

const paid = ({ order, amount }: { order: string; amount: number }): object => ({ status: 201, order, amount });

test('it pays back what the order cost', async () => {
  const { output, toolCalls } = await testRun(
    support,
    { letter: 'The cup is broken.', order: 'A-7' },
    {
      models: {
        support: [
          { expect: 'The cup is broken.', tools: [['readOrder', { order: 'A-7' }]] },
          { expect: '"total":40', tools: [['payRefund', { order: 'A-7', amount: 40 }]] },
          { expect: '201', object: { decision: 'refunded', amount: 40 } },
        ],
      },
      tools: { payRefund: paid },
    },
  );
  expect(output).toEqual({ decision: 'refunded', amount: 40 });
  expect(toolCalls.map(({ tool, args }) => [tool, args])).toEqual([
    ['readOrder', { order: 'A-7' }],
    ['payRefund', { order: 'A-7', amount: 40 }],
  ]);
});

test('it is told to pass on what is above 100 EUR', async () => {
  const { output, prompts } = await testRun(
    support,
    { letter: 'The sofa is broken.', order: 'B-1' },
    {
      models: { support: [{ object: { decision: 'refunded', amount: 400 } }, { object: { decision: 'passed on', amount: 400 } }] },
    },
  );
  expect(output.decision).toBe('passed on');
  expect(prompts[1]?.text).toContain('refunds above 100 EUR are for a person');
});

test('a refund that no stand-in pays ends the test', async () => {
  const models = { support: { tools: [['payRefund', { order: 'A-7', amount: 40 }]] as const } };
  await expect(testRun(support, { letter: 'Broken.', order: 'A-7' }, { models })).rejects.toThrow("tools: { 'payRefund': (args) => … }");
});
