// The page of errors has an entry for every code: what it means, its cause, its remedy.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ERROR_CODES } from '../../src/index.ts';

const entries = new Map(
  readFileSync('docs/errors.md', 'utf8')
    .split(/^### /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text.slice(text.indexOf('\n')).split(/^## /m)[0] ?? '']),
);

it.each(Object.entries(ERROR_CODES))('docs/errors.md says what %s means, its cause and its remedy', (code, means) => {
  const entry = entries.get(code) ?? '';
  expect(entry, `docs/errors.md needs: ### ${code}`).toMatch(
    /^\n\n\S[^\n]*\.\n\n- \*\*Cause\*\*: \S[^\n]{10,}\.\n- \*\*Remedy\*\*: \S[^\n]{10,}\.\n/,
  );
  expect(entry.split('\n')[2]).toBe(`${means.charAt(0).toUpperCase()}${means.slice(1)}.`);
});

it('docs/errors.md has no code that is gone', () => {
  expect([...entries.keys()].filter((code) => !(code in ERROR_CODES))).toEqual([]);
});
