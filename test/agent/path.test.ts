import { expect, test } from 'vitest';
import { findAt, parsePath, pathText } from '../../src/agent/path.ts';

const output = { findings: [{ quote: 'a', line: 1 }, { quote: null }, { other: 1 }], 'odd key': { x: ['y'] } };

function found(value: unknown, pattern: string): unknown[] {
  return findAt(value, pattern, parsePath(pattern)).map((at) => [at.path, at.value]);
}

test('a path is written as a reader would', () => {
  expect(pathText(['findings', 2, 'line'])).toBe('findings[2].line');
  expect(pathText([])).toBe('');
  expect(pathText([0, 'odd key', 'x'])).toBe('[0]["odd key"].x');
});

test.each([
  ['findings[*].quote', [['findings[0].quote', 'a']]],
  ['findings[0].line', [['findings[0].line', 1]]],
  ['["odd key"].x[*]', [['["odd key"].x[0]', 'y']]],
  ['missing.deep[*].x', []],
  ['findings[9].quote', []],
])('%s names what stands there and nothing where it is missing or null', (pattern, expected) => {
  expect(found(output, pattern)).toEqual(expected);
});

test('the empty path is the whole value, and [*] reaches the items of a list and the values of an object', () => {
  expect(found('text', '')).toEqual([['', 'text']]);
  expect(found(['a', 'b'], '[*]')).toEqual([
    ['[0]', 'a'],
    ['[1]', 'b'],
  ]);
  expect(found({ k: { q: 1 }, l: { q: 2 } }, '[*].q')).toEqual([
    ['k.q', 1],
    ['l.q', 2],
  ]);
});

test.each(['findings[].quote', '.a', 'a..b', 'a.', 'a b', '[x]', 'a[*', '*', 'a[-1]'])(
  '%s is refused when it is written, with how to write it',
  (pattern) => {
    expect(() => parsePath(pattern)).toThrow(
      expect.objectContaining({ code: 'MISCONFIGURED', message: expect.stringContaining('write it like') as string }) as Error,
    );
  },
);

test('a pattern that could never find a thing says so', () => {
  expect(() => found([{ quote: 'a' }], 'quote')).toThrow(/the output is a list: write \[\*\]/);
  expect(() => found(output, 'findings.quote')).toThrow(/findings is a list/);
  expect(() => found('text', 'quote')).toThrow(/the output is a string/);
});

test('only own properties are found', () => {
  expect(found({}, 'constructor')).toEqual([]);
  expect(found({}, 'toString')).toEqual([]);
});
