// madeUp: answers for programs that are tried without a key.

import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, map } from '../../src/index.ts';
import { madeUp, testRun } from '../../src/testing.ts';

test('a made-up answer fits the form that is asked for, is the same each time and another for another question', async () => {
  const output = z.object({ kind: z.enum(['a', 'b']), count: z.int().min(3), note: z.string().min(20) });
  const judge = agent({ name: 'judge', instructions: 'Judge.', output, attempts: 1, repairs: 0 });
  const asked = Array.from({ length: 20 }, (_, nth) => `letter ${nth}`);
  const once = await testRun(map(judge), asked, { models: { judge: madeUp } });
  const again = await testRun(map(judge), asked, { models: { judge: madeUp } });
  expect(again.output).toEqual(once.output);
  expect(new Set(once.output.map(({ note }) => note)).size).toBeGreaterThan(10);
});

test('words say that they are made up', async () => {
  const say = agent({ name: 'say', instructions: 'Say.' });
  expect((await testRun(say, 'x', { models: { say: madeUp } })).output).toMatch(/^This is made up: \w+( \w+){11,29}\.$/);
});
