// Programs that need more than leaving types out: the project's tsx runs them, and is named where it is missing.

import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { idIn, place, type Place } from './cli.ts';

const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));

const PROGRAMS = [
  ['an enum', 'own.ts', "enum Kind { a = 'A' } const answer = Kind.a;"],
  ['a parameter property', 'own.ts', 'class Kind { constructor(readonly a: string) {} } const answer = new Kind("A").a;'],
  ['an import without extension', 'own.ts', "import { a as answer } from './lib/kind';"],
  ['an import of a folder', 'own.ts', "import { a as answer } from './lib';"],
  ['a path alias', 'own.ts', "import { a as answer } from '@/lib/kind';"],
  ['the import of a type', 'own.ts', "import { a, Kind } from './lib/kind.ts'; const answer: Kind = a;"],
  ['JSX', 'own.tsx', 'const React = { createElement: (_: string, __: null, text: string) => text }; const answer = <b>A</b>;'],
] as const;

function project(withTsx: boolean, type: string | undefined = 'module'): Place {
  const here = place();
  here.write('package.json', JSON.stringify({ name: 'mine', ...(type === undefined ? {} : { type }) }));
  here.write('tsconfig.json', '{ "compilerOptions": { "jsx": "react", /* ours */ "paths": { "@/*": ["./*"] } } }');
  mkdirSync(join(here.dir, 'lib'));
  here.write('lib/kind.ts', "export type Kind = string; export const a = 'A';");
  here.write('lib/index.ts', "export { a } from './kind.ts';");
  if (withTsx) {
    mkdirSync(join(here.dir, 'node_modules'));
    for (const name of ['tsx', 'esbuild']) symlinkSync(join(MODULES, name), join(here.dir, 'node_modules', name));
  }
  return here;
}

const stepOf = (code: string): string =>
  `import { step } from 'amdahl'; ${code}\nexport default step({ name: 'own', execute: (input: string) => input + ' ' + answer });`;

describe('a program with', () => {
  it.each(PROGRAMS)('%s runs where the project has tsx', async (_, file, code) => {
    const { write, amdahl } = project(true);
    write(file, stepOf(code));
    expect(await amdahl(['run', file, '--input', 'x', '-q'])).toEqual({ code: 0, out: 'x A\n', err: '' });
  });

  it.each(PROGRAMS)('%s is told which package runs it where it has none', async (_, file, code) => {
    const { write, amdahl } = project(false);
    write(file, stepOf(code));
    const { code: exit, err } = await amdahl(['run', file, '--input', 'x']);
    expect(err).toContain('nstall tsx, and amdahl uses it: npm install -D tsx');
    expect(exit).toBe(2);
  });
});

it('in a package that is CommonJS, or does not say, tsx runs it too', async () => {
  for (const type of ['commonjs', undefined]) {
    const { write, amdahl } = project(true, type);
    write('own.ts', stepOf("enum Kind { a = 'A' } const answer = Kind.a;"));
    expect((await amdahl(['run', 'own.ts', '--input', 'x', '-q'])).out).toBe('x A\n');
  }
});

it('input from a pipe and a resume pass through', async () => {
  const { write, amdahl } = project(true);
  write('own.ts', stepOf("enum Kind { a = 'A' } const answer = Kind.a; if (process.env.FAIL) throw new Error('not now');"));
  const first = await amdahl(['run', 'own.ts', '--input', '-'], { stdin: 'piped' });
  expect(first.out).toBe('piped A\n');
  expect(await amdahl(['resume', idIn(first.err), '-q'])).toMatchObject({ code: 0, out: 'piped A\n' });
});

it('what ran is not run twice', async () => {
  const { dir, write, amdahl } = project(true);
  write('own.ts', "import { appendFileSync } from 'node:fs'; appendFileSync('ran.txt', 'x'); await import('./lib/nothing');");
  expect((await amdahl(['run', 'own.ts'])).code).toBe(2);
  write('own.ts', "import { appendFileSync } from 'node:fs'; appendFileSync('ran.txt', 'x'); await import('./lib/kind');");
  expect((await amdahl(['run', 'own.ts'])).code).toBe(2);
  expect(readFileSync(join(dir, 'ran.txt'), 'utf8')).toBe('xx');
});
