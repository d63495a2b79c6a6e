// `amdahl script`: what it prints is a test that passes, and fails once the program asks otherwise.

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { place } from './cli.ts';

const SRC = new URL('../../src/', import.meta.url).href;

it('prints a test that passes, and that fails once the program asks otherwise', async () => {
  const { dir: cwd, amdahl } = place();
  expect((await amdahl(['run', 'team.ts#sweep', '--input', '[{"topic":"a"},{"topic":"bad"}]', '--id', 'sweep-1'])).code).toBe(0);
  const { code, out, err } = await amdahl(['script', 'sweep-1', 'tests/sweep.script.json']);
  expect(code).toBe(0);
  expect(err).toContain('tests/sweep.script.json has what sweep-1 asked and was answered');
  expect(out).toContain("import { sweep } from '../team.ts';");
  // Where amdahl is installed its name is enough.
  writeFileSync(join(cwd, 'tests/sweep.test.ts'), out.replace("'amdahl/testing'", `'${SRC}testing.ts'`));
  const team = readFileSync(join(cwd, 'team.ts'), 'utf8').replace("'amdahl'", `'${SRC}index.ts'`);
  writeFileSync(join(cwd, 'team.ts'), team);
  const passes = async (): Promise<string> =>
    await promisify(execFile)(process.execPath, ['--test', 'tests/sweep.test.ts'], { cwd }).then(
      () => 'passes',
      (error: { stdout: string }) => error.stdout,
    );
  expect(await passes()).toBe('passes');
  writeFileSync(join(cwd, 'team.ts'), team.replace("instructions: 'Review it.'", "instructions: 'Review it well.'"));
  expect(await passes()).toContain('it was "Review it." and is now "Review it well."');
});

it('writes to standard output without a file, and over nothing but a script', async () => {
  const { amdahl } = place();
  await amdahl(['run', 'team.ts#hello', '--input', 'x', '--id', 'hello-1']);
  const { out } = await amdahl(['script', 'hello-1']);
  expect(JSON.parse(out)).toMatchObject({ amdahl: 'script', run: 'hello-1', agent: 'hello', input: 'x' });
  const { code, err } = await amdahl(['script', 'hello-1', 'team.ts']);
  expect(code).toBe(2);
  expect(err).toContain('team.ts is there already and is no script');
});

it('makes of a run that failed a test that expects the failure', async () => {
  const { amdahl } = place();
  await amdahl(['run', 'team.ts#review', '--input', '{"topic":"bad"}', '--id', 'review-1']);
  const { out } = await amdahl(['script', 'review-1', 'review.script.json']);
  expect(out).toContain("await assert.rejects(testScript(review, script), { code: 'CONTRACT_VIOLATION' });");
});

it('gives the test of a program that needs a context what the program makes of the subject', async () => {
  const { dir: cwd, amdahl } = place();
  writeFileSync(
    join(cwd, 'greet.ts'),
    [
      `import { step } from '${SRC}index.ts';`,
      `import { z } from '${import.meta.resolve('zod')}';`,
      `const greeting = z.object({ greeting: z.string() });`,
      'export default step({',
      `  name: 'greet',`,
      `  version: '1',`,
      '  context: greeting,',
      '  execute: (name, { context }) => `${context.greeting}, ${name}!`,',
      '});',
      `export const context = (subject: unknown) => ({ greeting: subject === 'de' ? 'Hallo' : 'Hello' });`,
    ].join('\n'),
  );
  expect((await amdahl(['run', 'greet.ts', '--input', 'Ann', '--subject', '"de"', '--id', 'greet-1'])).code).toBe(0);
  const { out } = await amdahl(['script', 'greet-1', 'greet.script.json']);
  expect(out).toContain("import greet, { context } from './greet.ts';");
  expect(out).toContain('const made = await context("de");');
  writeFileSync(join(cwd, 'greet.test.ts'), out.replace("'amdahl/testing'", `'${SRC}testing.ts'`));
  await promisify(execFile)(process.execPath, ['--test', 'greet.test.ts'], { cwd });
});

it('imports the program as the project itself would: by the ending that its compiler allows', async () => {
  const { dir, amdahl } = place();
  await amdahl(['run', 'team.ts#hello', '--input', 'x', '--id', 'hello-1']);
  const printed = async (): Promise<string> => (await amdahl(['script', 'hello-1', 'hello.script.json'])).out;
  writeFileSync(join(dir, 'tsconfig.json'), '{ "compilerOptions": { "module": "nodenext" } }');
  expect(await printed()).toContain("from './team.ts'"); // node:test runs the file itself
  writeFileSync(join(dir, 'package.json'), '{ "type": "module", "devDependencies": { "vitest": "*" } }');
  expect(await printed()).toContain("from './team.js'");
  writeFileSync(join(dir, 'tsconfig.json'), '{ "compilerOptions": { "allowImportingTsExtensions": true } }');
  expect(await printed()).toContain("from './team.ts'");
});
