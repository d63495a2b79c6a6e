// Tests of the agent. No model is asked: each test says what the model answers, and looks at what became of it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testRun } from 'amdahl/testing';
import triage from './triage.ts';

const letter = 'The lamp I ordered came broken. I need it tomorrow!';

test('the model is told what to do, and its answer comes out typed', async () => {
  const answer = { kind: 'complaint', urgent: true, summary: 'A lamp came broken.' };
  const { output, prompts } = await testRun(triage, { letter }, { models: { triage: [{ expect: 'broken', object: answer }] } });
  assert.deepEqual(output, answer);
  assert.match(prompts[0]?.system ?? '', /sort letters/);
});

test('a summary that is too long is sent back, and mended', async () => {
  const answer = { kind: 'complaint', urgent: true, summary: 'A lamp came broken.' };
  const { output, prompts } = await testRun(
    triage,
    { letter },
    { models: { triage: [{ object: { ...answer, summary: 'long '.repeat(100) } }, { object: answer }] } },
  );
  assert.equal(output.summary, answer.summary);
  assert.match(prompts[1]?.text ?? '', /longer than 300 characters/);
});
