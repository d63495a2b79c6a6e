import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, messages, render, step } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const Input = z.object({ diff: z.string(), repo: z.string() });

test('render gives what would be sent, and asks nobody', async () => {
  const model = scripted([]);
  const review = agent({
    name: 'review',
    model,
    instructions: 'Review.',
    input: Input,
    output: z.object({ ok: z.boolean() }),
    settings: { temperature: 0, headers: { a: 'b' } },
  });
  const rendered = await render(review, { diff: '+a', repo: 'r' }, { settings: { review: { seed: 1 } } });
  expect(rendered).toEqual({
    model: 'scripted/script',
    messages: [
      { role: 'system', content: 'Review.' },
      { role: 'user', content: [{ type: 'text', text: '<diff>\n+a\n</diff>\n\n<repo>\nr\n</repo>' }] },
    ],
    tools: [],
    format: expect.objectContaining({ type: 'json', name: 'review' }) as unknown,
    settings: { temperature: 0, seed: 1 },
  });
  expect(model.requests).toHaveLength(0);
});

test('a prompt of its own gets its context, and a conversation its messages', async () => {
  const model = scripted([]);
  const ask = agent({
    name: 'ask',
    model,
    instructions: 'x',
    context: z.object({ user: z.string() }),
    prompt: (text, { user }) => `${user}: ${text}`,
  });
  expect((await render(ask, 'hi', { context: { user: 'Ada' } })).messages[1]?.content).toEqual([{ type: 'text', text: 'Ada: hi' }]);
  await expect(render(ask, 'hi')).rejects.toMatchObject({ code: 'CONTEXT_MISSING' });
  const chat = agent({ name: 'chat', model, instructions: 'x', input: messages() });
  expect((await render(chat, [{ role: 'user', content: 'hi' }])).messages).toHaveLength(2);
});

test('a model whose key is not set is no reason not to show what it would be sent', async () => {
  const review = agent({ name: 'review', model: 'http://127.0.0.1:1/v1#none', instructions: 'Review.' });
  expect((await render(review, 'x')).messages).toHaveLength(2);
});

test('what does not fit, and what no model answers, is refused', async () => {
  const review = agent({ name: 'review', model: scripted([]), instructions: 'x', input: Input });
  await expect(render(review, { diff: 3 } as never)).rejects.toMatchObject({ code: 'CONTRACT_VIOLATION' });
  await expect(render(step({ name: 'count', execute: () => 'x' }), 'x')).rejects.toThrow("'count' is answered by no model");
});
