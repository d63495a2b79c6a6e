// Tests of the agent behind the chat. No model is asked: each test says what the model answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testRun } from 'amdahl/testing';
import chat from './chat.ts';

test('the clerk is told the conversation, and answers', async () => {
  const { output, prompts } = await testRun(
    chat,
    { conversation: [{ who: 'customer', says: 'Do you have a green lamp?' }] },
    { models: { chat: { expect: 'green lamp', text: 'Yes, two of them.' } } },
  );
  assert.equal(output, 'Yes, two of them.');
  assert.match(prompts[0]?.system ?? '', /lamp shop/);
});
