// What a person said of one way of a run holds for the next, which goes another way again.

import { expect, test } from 'vitest';
import { answer, asks, flow, memoryJournal, run, step } from '../../src/index.ts';

test.each(['stop', 'go on'])('a run that wants something else each time is told what was said of the time before: %s', async (outcome) => {
  let clock = 0;
  const posted: string[] = [];
  const post = step({
    name: 'post',
    version: '1',
    effect: 'immediate',
    execute: (text: string) => {
      posted.push(text);
      return 'posted';
    },
  });
  const late = step({
    name: 'late',
    version: '1',
    execute: (text: string) => {
      if (clock === 1) throw new Error('the first entry ends here');
      return text;
    },
  });
  const daily = flow({
    name: 'daily',
    run: async (_: string, ctx) => {
      clock += 1;
      await ctx.call(post, `at ${clock}`);
      return await ctx.call(late, 'x');
    },
  });
  const options = { id: 'daily', journal: memoryJournal(), onPark: 'return' as const };

  await expect(run(daily, 'q', options)).rejects.toMatchObject({ status: 'failed' });
  await expect(run(daily, 'q', options)).rejects.toMatchObject({ code: 'RUN_PARKED' });
  const [open] = await asks({ journal: options.journal });
  if (open === undefined) throw new Error('nothing is asked');
  await answer(open.ask, { outcome }, { journal: options.journal });

  const third = await run(daily, 'q', options).catch((error: unknown) => error);
  expect(third).toMatchObject(outcome === 'stop' ? { code: 'DIVERGED' } : { output: 'x' });
  expect(posted).toEqual(outcome === 'stop' ? ['at 1'] : ['at 1', 'at 3']);
  expect(await asks({ journal: options.journal })).toEqual([]);
});
