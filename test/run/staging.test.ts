// What receipts may stand in: values of what is staged, and of what acts at once where they stand for something done.

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, field, flow, step, tool, transaction } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

const receiptIn = (value: unknown): string => JSON.stringify(value).match(/\[receipt:[\w-]{12}\]/)?.[0] ?? '';

test('a receipt in the name of a field is refused: nothing would replace it', async () => {
  const done: unknown[] = [];
  const note = tool({
    description: 'Note',
    effect: 'staged',
    input: z.object({ counts: z.record(z.string(), z.number()) }),
    execute: ({ counts }) => {
      done.push(counts);
      return 'noted';
    },
  });
  const model = scripted(({ prompt }) => {
    const turn = prompt.filter(({ role }) => role === 'assistant').length;
    if (turn === 0) return { tools: [['note', { counts: { plain: 1 } }]] };
    return turn === 1 ? { tools: [['note', { counts: { [receiptIn(prompt.at(-1))]: 2 } }]] } : { text: 'done' };
  });
  await new Trial().run(agent({ name: 'noter', model, instructions: 'x', tools: { note } }), 'go');
  expect(toolAnswers(model, 2)).toEqual([expect.stringContaining('is the name of a field: receipts are replaced in values alone')]);
  expect(done).toEqual([{ plain: 1 }]);
});

test('a tool that acts at once is not given the receipt of nothing', async () => {
  const told: string[] = [];
  const tell = tool({
    description: 'Tell',
    effect: 'immediate',
    input: z.object({ text: z.string() }),
    execute: ({ text }) => void told.push(text),
  });
  const model = scripted([{ tools: [['tell', { text: 'ticket [receipt:AAAAAAAAAAAA]' }]] }, { text: 'done' }]);
  await new Trial().run(agent({ name: 'teller', model, instructions: 'x', tools: { tell } }), 'go');
  expect(toolAnswers(model, 1)).toEqual([expect.stringContaining('[receipt:AAAAAAAAAAAA] is the receipt of nothing that was staged')]);
  expect(told).toEqual([]);
});

describe('a step that acts at once', () => {
  const program = (told: string[]) => {
    const open = step({ name: 'open', effect: 'staged', output: z.object({ id: z.string() }), execute: (id: string) => ({ id }) });
    const tell = step({
      name: 'tell',
      effect: 'immediate',
      input: z.object({ of: z.string() }),
      undo: () => undefined,
      execute: ({ of }) => {
        told.push(of);
        return 'told';
      },
    });
    return flow({
      name: 'both',
      run: async (id: string, ctx) => await ctx.call(tell, { of: `ticket ${field(await ctx.call(open, id), 'id')}` }),
    });
  };

  test('is given what a receipt stands for', async () => {
    const told: string[] = [];
    await new Trial().run(program(told), 'T7');
    expect(told).toEqual(['ticket T7']);
  });

  test('is refused the receipt of what is not done yet', async () => {
    const told: string[] = [];
    const error = await new Trial().fails(transaction(program(told)), 'T7');
    expect(error).toMatchObject({ code: 'CONTRACT_VIOLATION', message: expect.stringContaining('is not done yet') });
    expect(told).toEqual([]);
  });
});
