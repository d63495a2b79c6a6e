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

describe('a conversation that goes on after a person gave its commit up', () => {
  test.each(['its own tool', 'an agent among its tools'])('does what was taken back once more, as another effect: %s', async (whose) => {
    const done: string[] = [];
    let isDown = true;
    const create = tool({
      description: 'Open a ticket',
      effect: 'staged',
      input: z.object({ title: z.string() }),
      execute: ({ title }) => {
        done.push(`open ${title}`);
        return { id: done.length };
      },
      undo: (given) => void done.push(`close ${given?.id}`),
    });
    const comment = tool({
      description: 'Comment on it',
      effect: 'staged',
      input: z.object({ ticket: z.number() }),
      execute: ({ ticket }) => {
        if (isDown) throw new Error('down');
        done.push(`comment on ${ticket}`);
        return 'commented';
      },
    });
    const receipt = (prompt: unknown): string => JSON.stringify(prompt).match(/\[receipt:[\w-]{12}/)?.[0] ?? '';
    const inner = agent({
      name: 'opener',
      instructions: 'x',
      input: z.object({ title: z.string() }),
      model: scripted([{ tools: [['create', { title: 'a' }]] }, { text: 'opened' }]),
      tools: { create },
    });
    const isOwn = whose === 'its own tool';
    const helper = agent({
      name: 'helper',
      instructions: 'x',
      model: scripted(
        isOwn
          ? ({ prompt }) => {
              const turn = prompt.filter(({ role }) => role === 'assistant').length;
              if (turn === 0) return { tools: [['create', { title: 'a' }]] };
              return turn === 1 ? { tools: [['comment', { ticket: `${receipt(prompt.at(-1))}.id]` }]] } : { text: 'done' };
            }
          : [{ tools: [['opener', { title: 'a' }]] }, { tools: [['comment', { ticket: 1 }]] }, { text: 'done' }],
      ),
      tools: isOwn ? { create, comment } : { opener: inner, comment },
    });
    const trial = new Trial();
    const goOn = async (outcome: string): Promise<void> => {
      expect((await trial.fails(helper, 'go', { onPark: 'return' })).code).toBe('RUN_PARKED');
      const ask = (await trial.events('ask.opened')).at(-1);
      await trial.journal.respond(ask?.ask as never, { kind: 'answer', value: { outcome } }, trial.clock.now());
    };
    await goOn('give up');
    expect((await trial.fails(helper, 'go', { onPark: 'return' })).code).toBe('EFFECT_FAILED');
    expect(done).toEqual(['open a', 'close 1']);
    isDown = false;
    await goOn('not done');
    const { effects } = await trial.run(helper, 'go', { onPark: 'return' });
    expect(done).toEqual(['open a', 'close 1', 'open a', `comment on ${isOwn ? 3 : 1}`]);
    expect(new Set(effects.map(({ tool: name, state }) => `${name} ${state}`))).toEqual(
      new Set(['create undone', 'create committed', 'comment committed']),
    );
  });
});
