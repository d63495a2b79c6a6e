// .env: every command reads it, and the environment comes before it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { place } from './cli.ts';

it('sets what the environment does not set', async () => {
  const { dir, write, amdahl } = place();
  write('.env', "PROVIDER=from-file\nAMDAHL_DIR='runs'\n");
  expect((await amdahl(['run', 'team.ts#hello', '--input', 'x'])).err).toContain('from-file/small');
  expect(existsSync(join(dir, 'runs'))).toBe(true);
  expect((await amdahl(['show', 'last'])).out).toContain('hello');
  expect((await amdahl(['run', 'team.ts#hello', '--input', 'y'], { env: { PROVIDER: 'stand-in' } })).err).not.toContain('from-file');
});
