// How contenders are set beside each other: ratios and differences of rounds that were made next to each other.

import { describe, expect, it } from 'vitest';
import type { Cost } from '../../bench/besideContender.ts';
import { besideTable, difference, type Figure, medianOf, ratio, titled, type Trial } from '../../bench/besideTable.ts';

const WALL: Figure = { title: 'wall', unit: 'ms', of: 'wallMs', per: 10 };
const CPU: Figure = { title: 'CPU', unit: 'ms', of: 'cpuMs', per: 1 };
const cost = (wallMs: number, cpuMs = 1): Cost => ({ wallMs, cpuMs, rssBytes: 0, heapBytes: 0 });

// The machine was ten times slower in the third round: that falls on both.
const TRIALS: readonly Trial[] = [
  { name: 'amdahl', costs: [cost(20, 3), cost(30, 3), cost(200, 3)] },
  { name: 'fetch', costs: [cost(10), cost(10), cost(100)] },
];

describe('two contenders', () => {
  it('are compared round by round, so that a slow round weighs no more than another', () => {
    expect(ratio(TRIALS, WALL, 'amdahl', 'fetch')).toBe(2);
    expect(ratio(TRIALS, WALL, 'fetch', 'amdahl')).toBe(0.5);
  });

  it('differ by so much of a unit', () => {
    expect(difference(TRIALS, WALL, 'amdahl', 'fetch')).toBe(2);
  });

  it('are not compared where one did not take part', () => {
    expect(ratio(TRIALS, WALL, 'amdahl', 'generateText')).toBeNaN();
    expect(difference(TRIALS, WALL, 'amdahl', 'generateText')).toBeNaN();
    expect(ratio(TRIALS, WALL, 'generateText', 'amdahl')).toBeNaN();
  });
});

it('a figure of a contender is its median, per unit', () => {
  expect(medianOf(TRIALS, WALL, 'amdahl')).toBe(3);
});

it('a table has a row for each contender, and its ratios to those others that took part', () => {
  expect(titled(besideTable(TRIALS, [WALL, CPU], ['generateText', 'fetch']), 'twenty at once')).toEqual([
    ['twenty at once', 'wall', 'quartiles', 'CPU', 'quartiles', 'wall to fetch', 'CPU to fetch'],
    ['amdahl, SQLite journal', '3 ms', '3-20', '3 ms', '3-3', '2 x', '3 x'],
    ['fetch, parsed and validated', '1 ms', '1-10', '1 ms', '1-1', '', ''],
  ]);
});
