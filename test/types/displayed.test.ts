// Wrong programs and what the real compiler shows for each. A new one is a file in fixtures/, see displayed.ts for its comments.

import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../../house/command.ts';
import { compareDisplayed, type Displayed, parseDisplayed, parseExpected } from './displayed.ts';

const ROOT = join(import.meta.dirname, '../..');
const FIXTURES = 'test/types/fixtures';

test('every wrong program is displayed as its comments say, and nothing else is', async () => {
  const files = globSync(`${FIXTURES}/**/*.ts`, { cwd: ROOT }).map((file) => file.replaceAll('\\', '/'));
  const expected = files.flatMap((file) => parseExpected(file, readFileSync(join(ROOT, file), 'utf8')));
  expect(expected.length).toBeGreaterThan(0);

  const { ok, output } = await command(ROOT, ['tsc', '-p', FIXTURES, '--pretty', 'false']);
  expect(ok, 'wrong programs must not compile').toBe(false);
  expect(compareDisplayed(parseDisplayed(output), expected).join('\n')).toBe('');
});

const error = (line: number, message: string): Displayed => ({ file: 'a.ts', line, message });

test('an expected message that is not displayed is reported with what was displayed instead', () => {
  const expected = parseExpected('a.ts', '// @displays "does not fit"\npipe(a, b);\n');
  expect(compareDisplayed([], expected)).toEqual(['a.ts:2: not displayed: does not fit']);
  expect(compareDisplayed([error(2, 'other')], expected)[0]).toContain('but: other');
});

test('an error that nothing expects is reported, also on the line of one that is expected', () => {
  const expected = parseExpected('a.ts', '// @displays "does not fit"\npipe(a, b);\n');
  const found = compareDisplayed([error(2, 'x does not fit'), error(2, 'more'), error(9, 'elsewhere')], expected);
  expect(found).toEqual(['a.ts:2: not expected: more', 'a.ts:9: not expected: elsewhere']);
});

test('several expectations stand above one line, with other comments between them', () => {
  const text = '// @displays "one"\n// why\n// @displays "two"\n\npipe(a, b);\n';
  expect(parseExpected('a.ts', text).map(({ line }) => line)).toEqual([5, 5]);
  expect(compareDisplayed([error(5, 'one\n  two')], parseExpected('a.ts', text))).toEqual([]);
});

test('a displayed type must be the whole one', () => {
  const expected = parseExpected('a.ts', '// @type Agent<string>\nshown(a);\n');
  const said = (type: string): Displayed => error(2, `Argument of type '${type}' is not assignable to parameter of type 'never'.`);
  expect(compareDisplayed([said('Agent<string>')], expected)).toEqual([]);
  expect(compareDisplayed([said('Agent<string> | undefined')], expected)).toHaveLength(2);
});

test('a mistyped expectation is reported instead of being ignored', () => {
  const expected = parseExpected('a.ts', '// @display "x"\nfine();\n// @displays x\nfine();\n');
  expect(compareDisplayed([], expected)).toHaveLength(2);
});

test('continuation lines belong to their error', () => {
  const output = "a.ts(3,7): error TS2322: Type 'A' is wrong.\n  Because of this.\nb.ts(1,1): error TS1: Next.\n";
  expect(parseDisplayed(output)).toEqual([
    { file: 'a.ts', line: 3, message: "Type 'A' is wrong.\n  Because of this." },
    { file: 'b.ts', line: 1, message: 'Next.' },
  ]);
});
