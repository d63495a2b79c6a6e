// How herds are told of: the middle and the worst of all seeds, and aims that hold for the worst.

import { describe, expect, it } from 'vitest';
import { herdFindings, type HerdResult, herdTable } from '../../bench/herdTable.ts';

const result = (answered: number, requests: number, refusals: number, ms: number): HerdResult => ({
  asked: 200,
  answered,
  requests,
  refusals,
  ms,
  idealMs: 1_000,
});

describe('the table of herds', () => {
  it('shows the middle and the worst, which of the answered is the least', () => {
    const rows = [{ name: 'one', results: [result(200, 200, 0, 1_000), result(199, 300, 100, 2_000), result(200, 210, 10, 1_100)] }];
    expect(herdTable('three seeds', rows)).toEqual([
      ['three seeds', 'answered', 'worst', 'requests', 'worst', 'time', 'worst', 'refusals', 'worst'],
      ['one', '100 %', '99 %', '1.05 x', '1.50 x', '1.10 x', '2.00 x', '10', '100'],
    ]);
  });

  it('says of one round only what it was, and of one that was cut off that it needs more', () => {
    const rows = [{ name: 'cut', results: [{ ...result(150, 400, 250, 2_000), cut: true }] }];
    expect(herdTable('', rows)[1]).toEqual(['cut', '75 %', '> 2.00 x', '> 2.00 x', '> 250']);
  });
});

it('aims hold for the worst of all seeds', () => {
  const row = { name: 'one', results: [result(200, 200, 0, 1_000), result(198, 230, 32, 1_300)] };
  expect(herdFindings(row, { requests: 1.1, time: 1.2, refusals: 0 }).map(({ measured, aimMax }) => [measured, aimMax])).toEqual([
    [2, 0],
    [1.15, 1.1],
    [1.3, 1.2],
    [32, 0],
  ]);
  expect(herdFindings(row, { requests: 1.1, time: 1.2 })).toHaveLength(3);
});
