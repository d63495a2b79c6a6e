import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

const SURROUNDINGS = new URL('../../src/run/surroundings.ts', import.meta.url).href;

interface Project {
  readonly write: (file: string, text: string) => void;
  /** What an expression over the module gives, in a process of its own that works here. */
  readonly evaluate: (expression: string, env?: Readonly<Record<string, string>>, below?: string) => unknown;
}

/** An empty directory that nothing above manages, gone when the test is over. */
function project(): Project {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'amdahl-surroundings-')));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return {
    write: (file, text) => {
      mkdirSync(dirname(join(dir, file)), { recursive: true });
      writeFileSync(join(dir, file), text);
    },
    evaluate: (expression, env = {}, below = '.') => {
      const code = `
        const { installedVersion, systemRegistry: models, systemSurroundings: here } = await import('${SURROUNDINGS}');
        const failure = (promise) => Promise.resolve(promise).then(() => 'no failure', ({ code, message, cause }) => ({ code, message, cause: cause?.message }));
        console.log(JSON.stringify({ it: await (${expression}) }));`;
      mkdirSync(join(dir, below), { recursive: true });
      const { PATH = '' } = process.env;
      const ran = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
        cwd: join(dir, below),
        env: { PATH, ...env },
        encoding: 'utf8',
      });
      if (ran.status !== 0) throw new Error(ran.stderr);
      return (JSON.parse(ran.stdout) as { readonly it?: unknown }).it;
    },
  };
}

const INSTALL = `here.installCommand(['a', 'b'])`;

describe('the command that installs a package', () => {
  test('is that of npm where nothing says otherwise', () => {
    expect(project().evaluate(INSTALL)).toBe('npm install a b');
  });

  test.each([
    ['pnpm-lock.yaml', 'pnpm add a b'],
    ['yarn.lock', 'yarn add a b'],
    ['bun.lock', 'bun add a b'],
    ['bun.lockb', 'bun add a b'],
    ['package-lock.json', 'npm install a b'],
  ])('is told by a lockfile above: %s', (file, command) => {
    const { write, evaluate } = project();
    write(file, '');
    write('deep/package.json', '{}');
    expect(evaluate(INSTALL, {}, 'deep/er')).toBe(command);
  });

  test('is told by packageManager before a lockfile beside it, and by what is nearer before what is above', () => {
    const { write, evaluate } = project();
    write('package.json', '{ "packageManager": "pnpm@10.2.0" }');
    write('package-lock.json', '');
    expect(evaluate(INSTALL)).toBe('pnpm add a b');
    write('app/yarn.lock', '');
    expect(evaluate(INSTALL, {}, 'app')).toBe('yarn add a b');
  });

  test('is told by whoever runs the script where no file does, and a package.json that is no JSON tells nothing', () => {
    const { write, evaluate } = project();
    write('package.json', '{');
    expect(evaluate(INSTALL, { npm_config_user_agent: 'bun/1.2.0 npm/? node/v24.3.0 linux x64' })).toBe('bun add a b');
    expect(evaluate(INSTALL, { npm_config_user_agent: 'cnpm/9.0.0' })).toBe('npm install a b');
  });
});

describe('a package', () => {
  test('comes from where amdahl is, wherever the process works', () => {
    const { evaluate } = project();
    expect(evaluate(`typeof (await here.load('@ai-sdk/openai')).createOpenAI`)).toBe('function');
    expect(evaluate(`installedVersion('@ai-sdk/openai')`)).toMatch(/^\d+\.\d+\.\d+/);
  });

  test('comes from the working directory where amdahl does not have it', () => {
    const { write, evaluate } = project();
    const model = `{ specificationVersion: 'v4', provider: 'cohere.chat', modelId, supportedUrls: {}, doGenerate() {}, doStream() {} }`;
    write(
      'node_modules/@ai-sdk/cohere/package.json',
      '{ "name": "@ai-sdk/cohere", "version": "7.8.9", "type": "module", "exports": "./index.js" }',
    );
    write('node_modules/@ai-sdk/cohere/index.js', `export const createCohere = ({ apiKey }) => (modelId) => (${model});`);
    expect(evaluate(`installedVersion('@ai-sdk/cohere')`, {}, 'deep')).toBe('7.8.9');
    expect(evaluate(`failure(models.ready(models.model('cohere/command-a')))`, { COHERE_API_KEY: 'k' }, 'deep')).toBe('no failure');
    expect(evaluate(`failure(models.ready(models.model('cohere/command-a')))`)).toMatchObject({ code: 'KEY_MISSING' });
  });

  test('that is nowhere is missing, and the command is that of the project', () => {
    const { write, evaluate } = project();
    write('pnpm-lock.yaml', '');
    expect(evaluate(`installedVersion('@ai-sdk/cohere') ?? null`)).toBeNull();
    const error = evaluate(`failure(models.ready(models.model('cohere/command-a')))`);
    expect(error).toMatchObject({ code: 'PACKAGE_MISSING' });
    expect(error).toHaveProperty(
      'message',
      expect.stringContaining('Install it: pnpm add @ai-sdk/cohere\nIt also needs a key: set COHERE_API_KEY'),
    );
  });

  test.each([
    ['throws', `throw new Error('no crypto here');`, 'no crypto here'],
    ['needs a package that is missing', `import 'not-installed-at-all';`, "Cannot find package 'not-installed-at-all'"],
    ['is no JavaScript', `export const = ;`, 'Unexpected token'],
  ])('that is there and %s is broken, and says why', (_, code, message) => {
    const { write, evaluate } = project();
    write(
      'node_modules/@ai-sdk/cohere/package.json',
      '{ "name": "@ai-sdk/cohere", "version": "7.8.9", "type": "module", "exports": "./index.js" }',
    );
    write('node_modules/@ai-sdk/cohere/index.js', code);
    const error = evaluate(`failure(models.ready(models.model('cohere/command-a')))`, { COHERE_API_KEY: 'k' });
    expect(error).toMatchObject({ code: 'PROGRAM_BROKEN', cause: expect.stringContaining(message) as string });
    expect(error).toHaveProperty('message', expect.stringContaining('is installed and cannot be loaded'));
  });
});
