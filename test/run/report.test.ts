// What a resume says of itself, beyond what answered.

import { expect, it } from 'vitest';
import { agent, flow, run, memoryJournal, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

it('tells a program that went another way: calls asked for the first time beside answers nobody asked for', async () => {
  const journal = memoryJournal();
  const model = scripted(() => ({ text: 'ok' }));
  const program = (question: string): Parameters<typeof run<string, string>>[0] =>
    flow({
      name: 'program',
      run: async (_: string, ctx) => await ctx.call(agent({ name: 'a', model, instructions: 'Answer.' }), question),
    });
  await run(program('one'), 'x', { id: 'r', journal });
  const { resume } = await run(program('two'), 'x', { id: 'r', journal });
  expect(resume).toMatchObject({ answered: 0, bought: [], fresh: 1, firstDifference: 'program/a', unasked: [{ path: 'program/a' }] });
  expect(model.requests).toHaveLength(2);
});

it('names the failures that answered because their asker dealt with them', async () => {
  const journal = memoryJournal();
  const weak = step({ name: 'weak', execute: () => Promise.reject(new Error('down')) });
  const program = flow({ name: 'program', run: async (input: string, ctx) => await ctx.call(weak, input).catch(() => 'without it') });
  await run(program, 'x', { id: 'r', journal });
  const { output, resume } = await run(program, 'x', { id: 'r', journal });
  expect(output).toBe('without it');
  expect(resume?.kept).toEqual([{ path: 'program/weak', code: 'CODE_FAILED' }]);
});

it('keeps each cap until it is given again', async () => {
  const journal = memoryJournal();
  const a = agent({ name: 'a', model: scripted(() => ({ text: 'ok' })), instructions: 'Answer.' });
  const program = flow({
    name: 'program',
    run: async (_: string, ctx) => {
      for (const question of ['1', '2', '3', '4']) await ctx.call(a, question);
    },
  });
  await expect(run(program, 'x', { id: 'r', journal, budget: { calls: 2 } })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
  await expect(run(program, 'x', { id: 'r', journal, budget: { tokens: 1e6 } })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
  await expect(run(program, 'x', { id: 'r', journal })).rejects.toMatchObject({ code: 'BUDGET_EXCEEDED' });
  expect((await run(program, 'x', { id: 'r', journal, budget: { calls: 4 } })).bill.calls).toBe(4);
});

it('refuses what a flow makes that is not JSON, and lets it give nothing', async () => {
  const dated = flow({ name: 'dated', run: async () => await Promise.resolve({ at: new Date(0) }) });
  await expect(run(dated, 'x', { journal: memoryJournal() })).rejects.toMatchObject({
    code: 'NOT_JSON',
    message: expect.stringContaining('at') as string,
  });
  const silent = flow({ name: 'silent', run: async () => await Promise.resolve() });
  expect((await run(silent, 'x', { journal: memoryJournal() })).output).toBeUndefined();
});
