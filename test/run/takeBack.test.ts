// What a person said of an undo that failed holds for the entry that would try it again.

import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, answer, asks, memoryJournal, run, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

test.each([
  { outcome: 'done', again: 0, state: 'undone' },
  { outcome: 'give up', again: 0, state: 'committed' },
  { outcome: 'not done', again: 1, state: 'undone' },
])(
  'what is said of a failed undo while nobody drives the run counts before it is tried again: $outcome',
  async ({ outcome, again, state }) => {
    let isClosed = true;
    let undos = 0;
    const book = tool({
      effect: 'immediate',
      description: 'Book.',
      input: z.object({ seat: z.string() }),
      execute: ({ seat }) => seat,
      undo: () => {
        undos += 1;
        if (isClosed) throw new Error('the desk is closed');
      },
    });
    const model = scripted(({ prompt }) =>
      prompt.some(({ role }) => role === 'tool') ? { text: 'done' } : { tools: [['book', { seat: 'A1' }]] },
    );
    const booking = agent({ name: 'booking', model, instructions: 'x', tools: { book }, repairs: 0, attempts: 1, checks: [() => 'never'] });
    const options = { id: 'undo', journal: memoryJournal(), onPark: 'return' as const };

    await expect(run(booking, 'q', options)).rejects.toMatchObject({ code: 'RUN_PARKED' });
    const [open] = await asks({ journal: options.journal });
    if (open === undefined) throw new Error('nothing is asked');
    await answer(open.ask, { outcome }, { journal: options.journal });

    isClosed = false;
    undos = 0;
    await expect(run(booking, 'q', options)).rejects.toMatchObject({ code: 'CHECK_FAILED', effects: [{ tool: 'book', state }] });
    expect(undos).toBe(again);
  },
);
