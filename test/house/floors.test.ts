// Every rule of the house, broken on purpose in a small tree: the step of verify.ts that guards it says so and
// names the file. A rule without a case here may be asleep.

import { expect, test } from 'vitest';
import { EMPTY, type Files, packable, runPlanted } from './planted.ts';

async function expectCaught(step: string, files: Files, file: string, words: RegExp): Promise<void> {
  const { ok, failed, output } = await runPlanted(step, files);
  expect({ ok, failed }, output).toEqual({ ok: false, failed: 1 });
  expect(output).toContain(file);
  expect(output).toMatch(words);
}

test.for(['format', 'lint', 'floors', 'types'])('%s passes a tree that follows the rules, having looked at it', async (step) => {
  const { ok, output, note } = await runPlanted(step, {});
  expect(ok, output).toBe(true);
  expect(Number.parseInt(note, 10)).toBeGreaterThanOrEqual(6);
});

const upward: readonly (readonly [title: string, file: string, code: string])[] = [
  ['a value from above', 'src/agent/upward.ts', `import { call } from '../run/call.ts';\n\nexport const x: string = call;\n`],
  ['a type from above', 'src/agent/upward.ts', `import type { call } from '../run/call.ts';\n\nexport type X = typeof call;\n`],
  ['a type by import()', 'src/agent/upward.ts', `export type X = import('../run/call.ts').call;\n`],
  ['import() of above', 'src/journal/upward.ts', `export const x: Promise<unknown> = import('../run/call.ts');\n`],
  ['a re-export from above', 'src/model/upward.ts', `export * from '../run/call.ts';\n`],
  ['an import for its effects', 'src/model/upward.ts', `import '../run/call.ts';\n`],
  ['more of agent than journal may see', 'src/journal/upward.ts', `export { step } from '../agent/step.ts';\n`],
  ['more of run than compose may see', 'src/compose/pipe.ts', `export { call } from '../run/call.ts';\n`],
  ['the public face from below it', 'src/run/upward.ts', `export { call as again } from '../index.ts';\n`],
  ['cli from the public face', 'src/index.ts', `import './cli/main.ts';\n`],
  ['tests from src', 'src/run/upward.ts', `import '../../test/house/planted.ts';\n`],
  ['the inside from an example', 'examples/one/one.ts', `export { call } from '../../src/run/call.ts';\n`],
  ['a folder without a floor', 'src/attic/upward.ts', `export { call } from '../run/call.ts';\n`],
];

test.for(upward)('floors catches an import upward: %s', async ([, file, code]) => {
  await expectCaught('floors', { [file]: `// Planted.\n\n${code}` }, `${file}:`, /may not import|imports point downward only|has no floor/);
});

const misplaced: readonly (readonly [title: string, files: Files, file: string, words: RegExp])[] = [
  ['a file called utils', { 'src/run/utils.ts': '// Planted.\n' }, 'src/run/utils.ts:1', /attic/],
  ['a file called after types', { 'test/run/types.ts': '// Planted.\n' }, 'test/run/types.ts:1', /attic/],
  ['a file called after helpers', { 'src/run/callHelpers.ts': '// Planted.\n' }, 'src/run/callHelpers.ts:1', /attic/],
  ['a name in another case', { 'src/run/call-tree.ts': '// Planted.\n' }, 'src/run/call-tree.ts:1', /lowerCamelCase/],
  ['a file beside the folders', { 'src/extra.ts': '// Planted.\n' }, 'src/extra.ts:1', /beside the folders/],
  ['a file without an opening sentence', { 'src/run/bare.ts': 'export const x: number = 1;\n' }, 'src/run/bare.ts:1', /without a sentence/],
  ['a file that is no TypeScript', { 'src/run/broken.ts': '// Planted.\nconst = ;\n' }, 'src/run/broken.ts:1', /cannot be parsed/],
  [
    'import() of something computed',
    { 'src/compose/load.ts': '// Planted.\nawait import(String(1));\n' },
    'src/compose/load.ts:2',
    /computed/,
  ],
  ['a package that is not a dependency', { 'src/run/x.ts': `// Planted.\nimport 'left-pad';\n` }, 'src/run/x.ts:2', /'left-pad'/],
];

test.for(misplaced)('floors catches %s', async ([, files, file, words]) => {
  await expectCaught('floors', files, file, words);
});

test('floors catches a package that two folders import', async () => {
  const planted = `// Planted.\n\nimport 'picocolors';\n`;
  await expectCaught('floors', { 'src/run/one.ts': planted, 'src/cli/two.ts': planted }, 'src/cli/two.ts:3', /imported by cli and run/);
});

test('floors lets two folders import the types of a shared package, and not its values', async () => {
  const manifest = JSON.stringify({ dependencies: { '@ai-sdk/provider': '1' } });
  const types = `// Planted.\n\nimport type { X } from '@ai-sdk/provider';\n\nexport type Y = X;\n`;
  const values = `// Planted.\n\nimport { X } from '@ai-sdk/provider';\n\nexport const y = X;\n`;
  const both = (one: string, two: string): Files => ({ 'package.json': manifest, 'src/model/one.ts': one, 'src/run/two.ts': two });
  expect((await runPlanted('floors', both(types, types))).output).toBe('');
  await expectCaught('floors', both(values, values), 'src/model/one.ts:3', /one folder owns a package/);
});

const lines = (count: number, line: string): string => `${line}\n`.repeat(count);
const LONG_FUNCTION = `export function long(): void {\n${lines(60, '  call();')}}\n\nfunction call(): void {}\n`;
const linted: readonly (readonly [title: string, files: Files, file: string, words: RegExp])[] = [
  [
    'a circle',
    { 'src/run/a.ts': `export { b as a } from './b.ts';\n`, 'src/run/b.ts': `export { a as b } from './a.ts';\n` },
    'src/run/a.ts',
    /no-cycle/,
  ],
  ['a file that is too long', { 'src/run/long.ts': lines(401, '// Line.') }, 'src/run/long.ts', /max-lines/],
  ['a test file that is too long', { 'test/run/long.ts': lines(401, '// Line.') }, 'test/run/long.ts', /max-lines/],
  ['a function that is too long', { 'src/run/long.ts': LONG_FUNCTION }, 'src/run/long.ts', /max-lines-per-function/],
  ['a floating promise', { 'src/run/f.ts': `async function f(): Promise<void> {}\nf();\n` }, 'src/run/f.ts', /no-floating-promises/],
  [
    'a switch that forgets a case',
    { 'src/run/s.ts': `export function s(x: 'a' | 'b'): void {\n  switch (x) {\n    case 'a':\n      break;\n  }\n}\n` },
    'src/run/s.ts',
    /switch-exhaustiveness/,
  ],
  ['any', { 'src/run/any.ts': `export const x: any = 1;\n` }, 'src/run/any.ts', /no-explicit-any/],
  ['any that nobody wrote', { 'src/run/any.ts': `export const x: string = JSON.parse('1');\n` }, 'src/run/any.ts', /no-unsafe-assignment/],
  ['Math.random', { 'src/run/m.ts': `export const x: number = Math.random();\n` }, 'src/run/m.ts', /no-restricted-properties/],
  [
    'randomUUID',
    { 'src/run/m.ts': `import { randomUUID } from 'node:crypto';\nexport const x: string = randomUUID();\n` },
    'src/run/m.ts',
    /no-restricted-imports/,
  ],
  ['Date', { 'src/model/d.ts': `export const x: number = Date.now();\n` }, 'src/model/d.ts', /no-restricted-globals/],
  [
    'setTimeout',
    { 'src/compose/t.ts': `export const x: unknown = setTimeout(() => {}, 1);\n` },
    'src/compose/t.ts',
    /no-restricted-globals/,
  ],
  [
    'a timer by import',
    { 'src/run/t.ts': `import { setTimeout } from 'node:timers/promises';\nexport const x: unknown = setTimeout;\n` },
    'src/run/t.ts',
    /no-restricted-imports/,
  ],
  ['process', { 'src/agent/p.ts': `export const x: number = process.pid;\n` }, 'src/agent/p.ts', /no-restricted-globals/],
  ['globalThis', { 'src/agent/p.ts': `export const x: unknown = globalThis.Date;\n` }, 'src/agent/p.ts', /no-restricted-globals/],
  [
    'files',
    { 'src/agent/p.ts': `import { readFileSync } from 'node:fs';\nexport const x: unknown = readFileSync;\n` },
    'src/agent/p.ts',
    /no-restricted-imports/,
  ],
  ['console', { 'src/run/c.ts': `console.log('x');\n` }, 'src/run/c.ts', /no-console/],
  [
    'a directive that suppresses nothing',
    { 'src/run/c.ts': `// oxlint-disable-next-line no-console\nexport const x: number = 1;\n` },
    'src/run/c.ts',
    /[Uu]nused/,
  ],
];

test.for(linted)('lint catches %s', async ([, files, file, words]) => {
  await expectCaught('lint', files, file, words);
});

test('format catches a file that is formatted otherwise', async () => {
  await expectCaught('format', { 'src/run/f.ts': 'const   x = "y"' }, 'src/run/f.ts', /Format issues/);
});

test('types catches a value that does not fit', async () => {
  await expectCaught('types', { 'src/run/t.ts': `export const x: string = 1;\n` }, 'src/run/t.ts', /TS2322/);
});

test('tests counts what passed and what failed, and begins with the failures', async () => {
  const file = `import { expect, test } from 'vitest';\ntest('holds', () => expect(1).toBe(1));\ntest('does not hold', () => expect(1).toBe(2));\n`;
  const { ok, passed, failed, output } = await runPlanted('tests', { 'test/run/x.test.ts': file });
  expect({ ok, passed, failed }, output).toEqual({ ok: false, passed: 1, failed: 1 });
  expect(output).toMatch(/^FAILED test\/run\/x\.test\.ts > does not hold\n.*expected 1 to be 2/);
});

test('tests counts a file that cannot be loaded as one failure', async () => {
  const { ok, passed, failed, output } = await runPlanted('tests', {
    'test/run/x.test.ts': `import { test } from 'vitest';\ntest('holds', () => {});\n`,
    'test/run/y.test.ts': `throw new Error('not loadable');\n`,
  });
  expect({ ok, passed, failed }, output).toEqual({ ok: false, passed: 1, failed: 1 });
  expect(output).toMatch(/^FAILED test\/run\/y\.test\.ts\n.*not loadable/);
});

test('examples catches an example that no test runs', async () => {
  const files = {
    'examples/one/one.ts': '// One.\n',
    'examples/two/two.ts': '// Two.\n',
    'test/examples/one.test.ts': `// runs examples/one/one.ts\n`,
  };
  await expectCaught('examples', files, 'examples/two', /no test runs it/);
  expect((await runPlanted('examples', { ...files, 'examples/two/two.ts': '' })).ok).toBe(true);
});

test.for(['unused', 'build', 'build package'])('%s passes a package that follows the rules', async (steps) => {
  const { ok, output, note } = await runPlanted(steps, packable());
  expect(ok, output).toBe(true);
  expect(Number.parseInt(note, 10)).toBeGreaterThanOrEqual(6);
});

test('unused catches a file, an export and a dependency that nobody uses', async () => {
  const lonely = { 'src/run/lonely.ts': '// Planted.\n\nexport const x: number = 1;\n' };
  const extra = { 'src/run/call.ts': `// Planted.\n\nexport const call: string = 'agent';\nexport const extra: number = 1;\n` };
  await expectCaught('unused', { ...packable(), ...lonely }, 'src/run/lonely.ts', /Unused files/);
  await expectCaught('unused', { ...packable(), ...extra }, 'src/run/call.ts', /Unused exports/);
  await expectCaught('unused', packable({ dependencies: { zod: '4.0.0' } }), 'zod', /Unused dependencies/);
});

test('build catches an exported module that was not built', async () => {
  await expectCaught('build', packable({ exports: { '.': './dist/other.js' } }), './dist/other.js', /not built/);
});

test('build catches a module that cannot be imported', async () => {
  const broken = { 'src/testing.ts': `// Planted.\n\nexport { event } from './journal/event.ts';\nthrow new Error('not importable');\n` };
  await expectCaught('build', { ...packable(), ...broken }, 'testing', /not importable/);
});

test('package catches types that a user cannot resolve', async () => {
  const untyped = { exports: { '.': { types: './dist/nowhere.d.ts', default: './dist/index.js' } } };
  await expectCaught('build package', { ...packable(untyped), 'src/testing.ts': '' }, 'nowhere', /not built|does not exist/);
});

test('package catches public types that only Node’s own declarations explain', async () => {
  const leaking = {
    'src/run/call.ts': `// Planted.\n\nimport type { DatabaseSync } from 'node:sqlite';\n\nexport function call(db: DatabaseSync): void {\n  db.close();\n}\n`,
  };
  const program = { 'src/cli/main.ts': `#!/usr/bin/env node\n// On top.\n\nimport { call } from '../run/call.ts';\n\nvoid call;\n` };
  await expectCaught('build package', { ...packable(), ...program, ...leaking }, 'dist/run/call.d.ts', /node:sqlite/);
});

const nothing: readonly (readonly [step: string, words: RegExp])[] = [
  ['format', /src\/ has 0/],
  ['lint', /src\/ has 0/],
  ['floors', /checked no file/],
  ['types', /left out everything/],
  ['tests', /No test files found/],
  ['unused', /checked no file/],
  ['build', /No inputs were found/],
  ['package', /has no modules/],
  ['examples', /no example/],
];

test.for(nothing)('%s fails where there is nothing to check', async ([step, words]) => {
  const { ok, failed, output } = await runPlanted(step, EMPTY);
  expect({ ok, failed }, output).toEqual({ ok: false, failed: 1 });
  expect(output).toMatch(words);
});
