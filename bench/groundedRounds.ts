// Two hundred true answers of a seed put before their checks, and the same with one made-up value each. Called by
// grounded.ts and by the test that holds the checks to their aims. A seed means the same answers on every machine.

import { type Check, type Evidence, judge } from '../src/agent/checks.ts';
import type { Problem } from '../src/agent/errors.ts';
import { dice } from '../src/modelServer/dice.ts';
import { fileSizes, measured, testRun } from './groundedFigures.ts';
import { packages, prices } from './groundedPackages.ts';
import { PLANT_KINDS, planted } from './groundedPlants.ts';
import { pathOf, type Sample } from './groundedSample.ts';
import { changelog, documentation, licence, review, unfinished } from './groundedText.ts';

export const ANSWERS = 200;

const TASKS = [review, documentation, changelog, fileSizes, testRun, packages, unfinished, prices, measured, licence];

/** A true answer that was refused. */
export interface Refused {
  readonly seed: number;
  readonly index: number;
  readonly task: string;
  readonly problems: readonly string[];
}

/** A made-up value, and whether it was refused where it stands. */
export interface Tried {
  readonly seed: number;
  readonly index: number;
  readonly task: string;
  readonly kind: string;
  readonly path: string;
  readonly value: unknown;
  readonly refused: boolean;
}

export interface Round {
  readonly answers: number;
  readonly refused: readonly Refused[];
  readonly tried: readonly Tried[];
}

/** The answers of a seed, judged true and judged changed, by the checks that their author set or by others. */
export function roundOf(seed: number, checksOf: (sample: Sample) => readonly Check[] = ({ checks }) => checks): Round {
  const refused: Refused[] = [];
  const tried: Tried[] = [];
  for (let index = 0; index < ANSWERS; index += 1) {
    const sample = sampleOf(seed, index);
    const about = { seed, index, task: sample.task };
    const problems = problemsWith(sample.evidence, checksOf(sample), sample.output);
    if (problems.length > 0) refused.push({ ...about, problems: problems.map(({ path, message }) => `${path}: ${message}`) });
    // The kind that was tried least so far, so that all kinds are about as frequent as the answers allow.
    const timesTried = (kind: string): number => tried.filter((one) => one.kind === kind).length;
    const kinds = PLANT_KINDS.toSorted((a, b) => timesTried(a) - timesTried(b));
    const plant = planted(dice(seed, index, 'plant'), sample, kinds);
    if (plant === undefined) continue;
    const path = pathOf(plant.at);
    const found = problemsWith(sample.evidence, checksOf(sample), plant.output).some((problem) => problem.path === path);
    tried.push({ ...about, kind: plant.kind, path, value: plant.value, refused: found });
  }
  return { answers: ANSWERS, refused, tried };
}

export function sampleOf(seed: number, index: number): Sample {
  const task = TASKS[index % TASKS.length] ?? review;
  return task(dice(seed, index, 'answer'));
}

function problemsWith(evidence: Evidence, checks: readonly Check[], output: unknown): readonly Problem[] {
  const problems = judge(checks, output, evidence, 'answers');
  if (problems instanceof Promise) throw new Error('These checks answer at once.');
  return problems;
}
