// What `amdahl init` decides to write, for folders as people have them.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { manifestIn } from '../../src/cli/initManifest.ts';
import { type Found, type Plan, planOf, type Template, TEMPLATES } from '../../src/cli/initPlan.ts';

const asset = (path: string): string => readFileSync(new URL(`../../templates/${path}`, import.meta.url), 'utf8');
const own = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Found['own'];

function plan(files: Readonly<Record<string, string>>, template: Template = 'script', env: Found['env'] = {}): Plan {
  return planOf(
    template,
    { folder: '/home/ada/My Letters', read: (path) => files[path], manifest: manifestIn(files['package.json']), own, env },
    asset,
  );
}

const textOf = ({ files }: Plan, path: string): string => files.find((file) => file.path === path)?.text ?? '';
const manifestOf = (made: Plan): Record<string, Record<string, string>> =>
  JSON.parse(textOf(made, 'package.json')) as Record<string, Record<string, string>>;

test.each(TEMPLATES)('an empty folder gets all that %s needs', (template) => {
  const made = plan({}, template);
  expect(made.left).toEqual([]);
  expect(manifestOf(made)).toMatchObject({
    name: 'my-letters',
    private: true,
    type: 'module',
    dependencies: { amdahl: `^${own.version}` },
  });
  expect(made.files.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['agents/model.ts', '.env.example', 'tsconfig.json', '.gitignore', 'package.json']),
  );
  expect(made.files.some(({ path }) => path.endsWith('.test.ts'))).toBe(true);
  expect(textOf(made, '.gitignore')).toBe('node_modules/\n.amdahl/\n.env\n');
});

test('a second time there is nothing to write', () => {
  const written = Object.fromEntries(plan({}).files.map(({ path, text }) => [path, text]));
  const again = plan(written);
  expect(again.files).toEqual([]);
  expect(again.left.map(({ path }) => path)).toContain('agents/triage.ts');
});

test('one more template in a folder gets a script of its own', () => {
  const written = Object.fromEntries(plan({}).files.map(({ path, text }) => [path, text]));
  const more = plan(written, 'sweep');
  expect(more.scripts).toMatchObject({ test: 'test', run: 'agent:sweep' });
  expect(manifestOf(more)['scripts']).toMatchObject({
    agent: expect.stringContaining('triage') as string,
    'agent:sweep': expect.stringContaining('sweep') as string,
  });
});

test("a project's own files stay, its package.json gets what it lacks, in its own indentation and order", () => {
  const mine = `{\n\t"name": "shop",\n\t"type": "module",\n\t"scripts": {\n\t\t"test": "jest"\n\t},\n\t"dependencies": {\n\t\t"zod": "3.25.0"\n\t},\n\t"license": "MIT"\n}\n`;
  const made = plan({ 'package.json': mine, 'agents/model.ts': 'mine', 'tsconfig.json': '{}', '.gitignore': 'dist\n/node_modules' });
  expect(made.left).toEqual([
    { path: 'agents/model.ts', why: 'it is there already' },
    { path: 'tsconfig.json', why: expect.stringContaining('"allowImportingTsExtensions": true') as string },
  ]);
  const text = textOf(made, 'package.json');
  expect(text).toMatch(
    /^\{\n\t"name": "shop",\n\t"type": "module",\n\t"scripts": \{\n\t\t"test": "jest",\n\t\t"test:agents": "node --test/,
  );
  expect(manifestOf(made)['dependencies']).toEqual({ zod: '3.25.0', amdahl: `^${own.version}` });
  expect(made.scripts.test).toBe('test:agents');
  expect(textOf(made, '.gitignore')).toBe('dist\n/node_modules\n.amdahl/\n.env\n');
});

test('a package of CommonJS gets .mts files, which name each other so', () => {
  const made = plan({
    'package.json': '{"name":"shop","type":"commonjs","scripts":{"test":"echo \\"Error: no test specified\\" && exit 1"}}',
  });
  expect(textOf(made, 'agents/triage.test.mts')).toContain("from './triage.mts'");
  expect(textOf(made, 'agents/triage.mts')).toContain("from './model.mts'");
  expect(manifestOf(made)['scripts']).toMatchObject({
    test: 'node --test "agents/*.test.mts"',
    agent: expect.stringContaining('agents/triage.mts') as string,
  });
  expect(manifestOf(made)['type']).toBe('commonjs');
});

test('a package.json that npm made while it installed becomes one of modules', () => {
  const made = plan({ 'package.json': '{"dependencies":{"amdahl":"^0.1.0"}}' });
  expect(manifestOf(made)).toMatchObject({ type: 'module', dependencies: { amdahl: '^0.1.0' } });
  expect(made.files.map(({ path }) => path)).toContain('agents/triage.ts');
});

test('where the project has vitest, that runs the test', () => {
  const made = plan({ 'package.json': '{"type":"module","devDependencies":{"vitest":"5.0.0"}}' });
  expect(textOf(made, 'agents/triage.test.ts')).toContain("import { test } from 'vitest'");
  expect(manifestOf(made)['scripts']).toMatchObject({ test: 'vitest run' });
});

test('a key brings the package of its provider', () => {
  expect(manifestOf(plan({}, 'script', { OPENAI_API_KEY: 'k' }))['dependencies']).toHaveProperty('@ai-sdk/openai');
  expect(manifestOf(plan({}, 'script', { AMDAHL_MODEL: 'anthropic/claude' }))['dependencies']).toHaveProperty('@ai-sdk/anthropic');
  expect(Object.keys(manifestOf(plan({}))['dependencies'] ?? {})).toEqual(['amdahl', 'zod']);
});

test('a package.json that cannot be read is not written', () => {
  expect(() => plan({ 'package.json': '{ "name": ' })).toThrow('package.json cannot be read');
});
