// Retrying a call: what is forgotten besides it, and what is refused.

import { expect, it } from 'vitest';
import { z } from 'zod';
import { agent, flow, memoryJournal, run, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

it('forgets the failed calls above the one that is retried, which would answer in its stead', async () => {
  let sick = true;
  let asked = 0;
  const work = step({
    name: 'work',
    execute: () => {
      asked += 1;
      if (sick) throw new Error('sick');
      return 'well';
    },
  });
  const wrapped = flow({ name: 'wrapped', run: async (input: string, ctx) => await ctx.call(work, input) });
  const program = flow({
    name: 'program',
    run: async (input: string, ctx) => {
      try {
        return await ctx.call(wrapped, input);
      } catch {
        return 'caught';
      }
    },
  });
  const journal = memoryJournal();
  const enter = async (retry?: string): Promise<unknown> =>
    (await run(program, 'x', { id: 'r', journal, ...(retry === undefined ? {} : { retry: [retry] }) })).output;
  expect(await enter()).toBe('caught');
  sick = false;
  expect(await enter()).toBe('caught');
  expect(asked).toBe(1);
  expect(await enter('program/wrapped/work')).toBe('well');
  expect(asked).toBe(2);
});

it('refuses a call below one that has its answer, and names that one', async () => {
  const helper = step({ name: 'helper', input: z.object({ q: z.string() }), execute: () => 'help' });
  const lead = agent({ name: 'lead', instructions: 'Ask.', tools: { helper } });
  const program = flow({ name: 'program', run: async (input: string, ctx) => await ctx.call(lead, input) });
  const journal = memoryJournal();
  const models = { lead: scripted([{ tools: [['helper', { q: 'a' }]] }, { text: 'done' }]) };
  await run(program, 'x', { id: 'r', journal, models });
  await expect(run(program, 'x', { id: 'r', journal, models, retry: ['program/lead:1.1/helper'] })).rejects.toMatchObject({
    code: 'RUN_UNKNOWN',
    message: expect.stringContaining("Retry 'program/lead' instead"),
  });
  await expect(run(program, 'x', { id: 'r', journal, models, retry: ['program/nobody'] })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' });
});
