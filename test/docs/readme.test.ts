// The README is held to what it says: its code is the code of examples that run here.

import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const readme = readFileSync('README.md', 'utf8');
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);
const examples = new Map(
  // Those of the pages are run by docs.test.ts.
  ['examples/quickstart/', 'examples/readme/', 'examples/docs/']
    .flatMap((folder) => globSync(`${folder}*.ts`))
    .map((file) => [file, asPublished(readFileSync(file, 'utf8'))]),
);
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'amdahl-readme-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the README', () => {
  it('shows code that stands in an example, whole and in one piece', () => {
    expect(blocks.length).toBeGreaterThanOrEqual(3);
    for (const block of blocks) {
      const body = block.replace(/^import .* from 'amdahl\/testing';\n+/gm, '').trim();
      const stands = [...examples.values()].some((code) => code.includes(block.trim()) || code.includes(body));
      expect(stands, block).toBe(true);
    }
  });

  it('imports what the package exports', () => {
    const imports = blocks.flatMap((block) => [...block.matchAll(/^import .* from '(amdahl[^']*)';$/gm)].map(([line]) => line));
    expect(imports.length).toBeGreaterThanOrEqual(2);
    for (const line of imports) {
      const names = (/\{ (.*) \}/.exec(line)?.[1] ?? '').split(', ');
      const entry = readFileSync(line.includes('/testing') ? 'src/testing.ts' : 'src/index.ts', 'utf8');
      for (const name of names) expect(entry).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });

  it('prints what its first example prints, also the second time, when nobody is asked', () => {
    const first = runExample('examples/quickstart/quickstart.ts');
    expect(first).toBe('{ findings: 1, missing: 0, requests: 6, usd: 0 }\n');
    expect(runExample('examples/quickstart/quickstart.ts')).toBe(first);
  });

  it('has a flow and a test that run', () => {
    expect(runExample('examples/readme/publish.ts')).toMatch(/^text picture at part \d\n$/);
    expect(runExample('examples/readme/testing.ts')).toBe('as the script says\n');
  });
});

function runExample(file: string): string {
  return execFileSync(process.execPath, [file], { encoding: 'utf8', env: { ...process.env, AMDAHL_DIR: home } });
}

/** An example as a reader would write it: importing the package by its name. */
function asPublished(code: string): string {
  return code.replaceAll("'../../src/index.ts'", "'amdahl'").replaceAll("'../../src/testing.ts'", "'amdahl/testing'");
}
