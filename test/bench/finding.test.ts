// How a bench says what it found: verdicts against aims, numbers in three digits, columns under each other.

import { describe, expect, it } from 'vitest';
import { findingTable, median, quantity, tableText, verdict } from '../../bench/finding.ts';

describe('a verdict', () => {
  it('says that an aim is met, at the aim too', () => {
    expect(verdict({ what: 'a call', measured: 0.1, unit: 'ms', aimMax: 0.1 })).toBe('met');
  });

  it('says by how much an aim is missed', () => {
    expect(verdict({ what: 'a call', measured: 15, unit: 'ms', aimMax: 10 })).toBe('missed by 50 %');
    expect(verdict({ what: 'a call', measured: 10.02, unit: 'ms', aimMax: 10 })).toBe('missed by 0.2 %');
  });

  it('says nothing of a figure without an aim', () => {
    expect(verdict({ what: 'a resume', measured: 15, unit: 'us' })).toBe('');
  });

  it('never calls what could not be measured met', () => {
    expect(verdict({ what: 'a call', measured: NaN, unit: 'ms', aimMax: 10 })).not.toBe('met');
  });
});

it('a quantity has three digits that count, thousands apart and its unit', () => {
  expect([0.07625, 1.234, 12.34, 123.4, 12_345, 20].map((value) => quantity(value, 'ms'))).toEqual([
    '0.076 ms',
    '1.23 ms',
    '12.3 ms',
    '123 ms',
    '12,345 ms',
    '20 ms',
  ]);
});

it('a median is the middle value, or the mean of the two in the middle', () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
});

it('figures stand under each other with their aims', () => {
  const findings = [
    { what: 'CPU per call', measured: 0.05, unit: 'ms', aimMax: 0.1 },
    { what: 'resume', measured: 80, unit: 'us' },
  ];
  expect(tableText(findingTable(findings))).toBe(
    [
      '               measured           aim   verdict', //
      'CPU per call   0.050 ms   <= 0.100 ms       met',
      'resume            80 us             -',
    ].join('\n'),
  );
});
