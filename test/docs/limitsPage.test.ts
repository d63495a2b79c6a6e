// The page of budgets names every limit with its default.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/index.ts';

const BYTES: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 * 1024 };

it('docs/budgets.md names every limit and its default', () => {
  const page = readFileSync('docs/budgets.md', 'utf8');
  const rows = [...page.matchAll(/^\| `(\w+)` \| ([\d,]+)( \w+)? \|/gm)].map(([, name = '', number = '', unit = '']) => [
    name,
    Number(number.replaceAll(',', '')) * (BYTES[unit.trim()] ?? 1),
  ]);
  expect(Object.fromEntries(rows)).toEqual(DEFAULT_LIMITS);
});
