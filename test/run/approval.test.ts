// What a person approves of is what will be sent: where the contract of a tool makes something else of the arguments, both are
// shown, and the question is bound to both.

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { agent, answer, asks, memoryJournal, run, start, tool } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const input = z.object({ text: z.string().transform((text) => text.toUpperCase()), to: z.string().default('everyone') });

describe.each(['staged', 'immediate'] as const)('an approval of what is %s', (effect) => {
  it('shows what the contract makes of the arguments, and only where that is something else', async () => {
    const sent: unknown[] = [];
    const journal = memoryJournal();
    const options = { effect, description: 'Mail', approve: true, execute: (args: unknown) => void sent.push(args) } as const;
    const calls = [
      ['changed', { text: 'hi' }],
      ['plain', { text: 'hi' }],
    ] as const;
    const mailer = agent({
      name: 'mailer',
      instructions: 'Mail.',
      input: z.string(),
      model: scripted(({ prompt }) => (prompt.some(({ role }) => role === 'tool') ? { text: 'sent' } : { tools: calls })),
      tools: { changed: tool({ ...options, input }), plain: tool({ ...options, input: z.object({ text: z.string() }) }) },
    });
    expect((await start(mailer, 'x', { id: 'a', journal, onPark: 'return' }).outcome).status).toBe('parked');
    const open = await asks({ journal });
    expect(open.map(({ about }) => about).toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))).toEqual([
      { tool: 'changed', args: { text: 'hi' }, contracted: { text: 'HI', to: 'everyone' }, key: expect.any(String) },
      { tool: 'plain', args: { text: 'hi' }, key: expect.any(String) },
    ]);
    for (const { ask } of open) await answer(ask, true, { journal });
    await run(mailer, 'x', { id: 'a', journal });
    expect(sent).toEqual([{ text: 'HI', to: 'everyone' }, { text: 'hi' }]);
  });
});

it('is asked for where a function says neither yes nor no', async () => {
  const journal = memoryJournal();
  const forgetful = ((args: { text: string }) => {
    void (args.text.length > 100); // no return
  }) as unknown as () => boolean; // what no compiler saw
  const post = tool({
    effect: 'staged',
    description: 'Post',
    approve: forgetful,
    input: z.object({ text: z.string() }),
    execute: () => 'posted',
  });
  const model = scripted([{ tools: [['post', { text: 'hi' }]] }, { text: 'posted' }]);
  const poster = agent({ name: 'poster', instructions: 'Post.', model, tools: { post } });
  expect((await start(poster, 'x', { journal, onPark: 'return' }).outcome).status).toBe('parked');
});
