// Tests of the agent behind the chat. No model is asked: each test says what the model answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testRun } from 'amdahl/testing';
import chat from './chat.ts';

test('the clerk is told the conversation, and answers', async () => {
  const conversation = [
    { role: 'user', content: 'Do you have a green lamp?' },
    { role: 'assistant', content: 'Two of them.' },
    { role: 'user', content: 'What do they cost?' },
  ] as const;
  const models = { chat: { expect: 'What do they cost?', text: '40 EUR each.' } };
  const { output, prompts } = await testRun(chat, conversation, { models });
  assert.equal(output, '40 EUR each.');
  assert.match(prompts[0]?.system ?? '', /lamp shop/);
  assert.equal(prompts[0]?.messages.length, 4);
});
