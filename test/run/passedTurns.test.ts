// A conversation that goes on in a later entry, over turns whose tools had staged something.

import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { toolAnswers, Trial } from '../support/trial.ts';

describe('a conversation that goes on after its run failed', () => {
  test('may use the receipts of turns before: what they stand for is staged again', async () => {
    const done: string[] = [];
    const create = tool({
      description: 'Open a ticket',
      effect: 'staged',
      input: z.object({ title: z.string() }),
      execute: ({ title }) => {
        done.push(`open ${title}`);
        return { id: 7 };
      },
    });
    const comment = tool({
      description: 'Comment on it',
      effect: 'staged',
      input: z.object({ ticket: z.number() }),
      execute: ({ ticket }) => {
        done.push(`comment on ${ticket}`);
        return 'commented';
      },
    });
    let isDown = true;
    const model = scripted(({ prompt }) => {
      const turn = prompt.filter(({ role }) => role === 'assistant').length;
      if (turn === 0) return { tools: [['create', { title: 'a' }]] };
      if (turn === 2) return { text: 'done' };
      if (isDown) return { error: new Error('down') };
      const [receipt] = JSON.stringify(prompt.at(-1)).match(/\[receipt:[\w-]{12}/) ?? [''];
      return { tools: [['comment', { ticket: `${receipt}.id]` }]] };
    });
    const helper = agent({ name: 'helper', model, instructions: 'x', tools: { create, comment } });
    const trial = new Trial();
    expect((await trial.fails(helper, 'go')).code).toBe('MODEL_FAILED');
    expect(await trial.events('effect.discarded')).toHaveLength(1);
    isDown = false;
    const { effects } = await trial.run(helper, 'go');
    expect(toolAnswers(model, 3)).toEqual([expect.objectContaining({ staged: true })]);
    expect(done).toEqual(['open a', 'comment on 7']);
    expect(effects.map(({ tool: name, state }) => [name, state])).toEqual([
      ['create', 'committed'],
      ['comment', 'committed'],
    ]);
  });
});
