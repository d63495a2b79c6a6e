// A test of the sweep. No model is asked: the test answers for it, by what each request holds.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastMessage, testRun } from 'amdahl/testing';
import sweep from './sweep.ts';

test('every file is reviewed once, and what was found is put together', async () => {
  const { output, calls, prompts } = await testRun(
    sweep,
    { folder: 'agents', ending: '.ts' },
    {
      models: {
        review: (request) => {
          const [, path = ''] = /<path>\s*(.+?)\s*<\/path>/.exec(lastMessage(request)) ?? [];
          return { object: { path, purpose: 'a part of the sweep', problems: path.endsWith('model.ts') ? ['no test'] : [] } };
        },
      },
    },
  );
  const reviewed = calls.filter(({ agent }) => agent === 'review');
  assert.ok(reviewed.length >= 3);
  assert.equal(prompts.length, reviewed.length);
  assert.deepEqual(output.problems, ['agents/model.ts: no test']);
});
