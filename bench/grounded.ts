// How well the built-in checks tell true answers from made-up ones: answers from real files, as they are and with one
// planted value each. The same seeds are held to the aims by test/agent/groundedEvaluation.test.ts.

import type { Finding, Report } from './finding.ts';
import { type Refused, type Round, roundOf, type Tried } from './groundedRounds.ts';
import { PLANT_KINDS } from './groundedPlants.ts';

/**
 * Seeds that were not looked at while the checks were written: what these answer is what other seeds answer. Whoever
 * changes the checks to please them takes new ones. These are the third round, after 1000 to 1009 (none of 2,000 true
 * answers refused, 54 of 2,000 made-up values passed) and 2000 to 2009 (1 refused, 46 passed); seeds below were written on.
 */
export const SEEDS: readonly number[] = [3000, 3001, 3002, 3003, 3004, 3005, 3006, 3007, 3008, 3009];
/** The share of made-up values that may pass. */
export const PASSED_MAX = 0.05;

export interface Evaluation {
  readonly answers: number;
  readonly refused: readonly Refused[];
  readonly tried: readonly Tried[];
}

/** All rounds as one. */
export function evaluation(seeds: readonly number[]): Evaluation {
  const rounds: readonly Round[] = seeds.map((seed) => roundOf(seed));
  return {
    answers: rounds.reduce((total, { answers }) => total + answers, 0),
    refused: rounds.flatMap(({ refused }) => refused),
    tried: rounds.flatMap(({ tried }) => tried),
  };
}

/** The share of made-up values that no check refused. */
export function passedShare(tried: readonly Tried[]): number {
  return tried.filter(({ refused }) => !refused).length / tried.length;
}

export function grounded(): Promise<Report> {
  const { answers, refused, tried } = evaluation(SEEDS);
  const of = (kind: string): readonly Tried[] => tried.filter((one) => one.kind === kind);
  const findings: readonly Finding[] = [
    { what: `true answers refused, of ${answers}`, measured: refused.length, unit: '', aimMax: 0 },
    { what: `made-up values passed, of ${tried.length}`, measured: passedShare(tried) * 100, unit: '%', aimMax: PASSED_MAX * 100 },
  ];
  const rows = PLANT_KINDS.map((kind) => {
    const passed = of(kind).filter((one) => !one.refused).length;
    return [kind, String(of(kind).length), String(passed), `${(100 - passedShare(of(kind)) * 100).toFixed(1)} %`];
  });
  return Promise.resolve({
    findings,
    tables: [[['made-up value', 'tried', 'passed', 'refused'], ...rows]],
    notes: [
      `Seeds ${SEEDS[0]} to ${SEEDS.at(-1)}, ${answers / SEEDS.length} answers each; every answer once as it is and once with one made-up value.`,
    ],
  });
}
