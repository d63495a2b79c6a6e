// The checks before two thousand true answers from real files, and before the same with one made-up value each. What is
// asked, answered and planted is in bench/grounded*.ts; `npm run bench -- grounded` prints the figures by kind.

import { describe, expect, it } from 'vitest';
import { evaluation, PASSED_MAX, passedShare, SEEDS } from '../../bench/grounded.ts';
import { PLANT_KINDS } from '../../bench/groundedPlants.ts';
import { ANSWERS, roundOf, sampleOf } from '../../bench/groundedRounds.ts';

describe('answers from real files', () => {
  const { answers, refused, tried } = evaluation(SEEDS);

  it('are none of them refused when they are true', () => {
    expect(answers).toBe(SEEDS.length * ANSWERS);
    expect(refused).toEqual([]);
  });

  it('are refused nineteen times of twenty when one value in them is made up', () => {
    expect(tried.length).toBe(answers);
    expect(passedShare(tried)).toBeLessThanOrEqual(PASSED_MAX);
  });

  it.each(PLANT_KINDS)('with %s are many, and refused at least six times of seven', (kind) => {
    const of = tried.filter((one) => one.kind === kind);
    expect(of.length).toBeGreaterThan(answers / PLANT_KINDS.length / 2);
    expect(passedShare(of)).toBeLessThanOrEqual(1 / 7);
  });
});

describe('the evaluation itself', () => {
  it('answers the same for a seed every time, and something else for another', () => {
    expect(roundOf(7)).toEqual(roundOf(7));
    expect(sampleOf(7, 3).output).not.toEqual(sampleOf(8, 3).output);
  });

  it('sees checks that refuse nothing, and checks that refuse everything', () => {
    const lenient = roundOf(7, () => []);
    expect(lenient.refused).toEqual([]);
    expect(passedShare(lenient.tried)).toBe(1);
    const strict = roundOf(7, () => [{ name: 'strict', judge: () => 'no' }]);
    expect(strict.refused).toHaveLength(ANSWERS);
    expect(passedShare(strict.tried)).toBe(1); // it says no, but not where the made-up value stands
  });
});
