// What contenders cost, beside each other: medians, spreads and ratios. Called by the benches that compare. Pure.

import type { ContenderName, Cost } from './besideContender.ts';
import { median, quantity, type Table } from './finding.ts';

/** What a contender's rounds cost, in their order: the n-th rounds of all were made next to each other. */
export interface Trial {
  readonly name: ContenderName;
  readonly costs: readonly Cost[];
}

/** Something of a cost that is shown. `per` divides it: by calls, or by the bytes of an MB. */
export interface Figure {
  readonly title: string;
  readonly unit: string;
  readonly of: keyof Cost;
  readonly per: number;
}

const TITLES: Readonly<Record<ContenderName, string>> = {
  fetch: 'fetch, parsed and validated',
  generateText: 'generateText, no journal',
  amdahl: 'amdahl, SQLite journal',
  flush: 'a write and a flush of this disk',
  amdahlInMemory: 'amdahl, journal in memory',
  amdahlOneRun: 'amdahl, all calls in one run',
  amdahlManyRuns: 'amdahl, each call a run',
};

/** One row for each trial: every figure with its spread, then how it stands to each of `others`. Pure. */
export function besideTable(trials: readonly Trial[], figures: readonly Figure[], others: readonly ContenderName[]): Table {
  const present = others.filter((other) => trials.some(({ name }) => name === other));
  return [
    [
      '',
      ...figures.flatMap(({ title }) => [title, 'quartiles']),
      ...present.flatMap((other) => figures.map(({ title }) => `${title} to ${other}`)),
    ],
    ...trials.map(({ name, costs }) => [
      TITLES[name],
      ...figures.flatMap((figure) => [quantity(median(valuesOf(costs, figure)), figure.unit), spread(valuesOf(costs, figure))]),
      ...present.flatMap((other) => figures.map((figure) => (other === name ? '' : `${quantity(ratio(trials, figure, name, other))} x`))),
    ]),
  ];
}

/** The median of one figure of one contender. NaN where it did not take part. Pure. */
export function medianOf(trials: readonly Trial[], figure: Figure, name: ContenderName): number {
  return median(valuesOf(costsOf(trials, name), figure));
}

/** How often as much as another one of the same round: the median over the rounds. Pure. */
export function ratio(trials: readonly Trial[], { of }: Pick<Figure, 'of'>, name: ContenderName, other: ContenderName): number {
  const others = costsOf(trials, other);
  return median(costsOf(trials, name).map((cost, round) => cost[of] / (others[round]?.[of] ?? NaN)));
}

/** By how much more it is than another one of the same round, in the figure's unit: the median over the rounds. Pure. */
export function difference(trials: readonly Trial[], { of, per }: Figure, name: ContenderName, other: ContenderName): number {
  const others = costsOf(trials, other);
  return median(costsOf(trials, name).map((cost, round) => (cost[of] - (others[round]?.[of] ?? NaN)) / per));
}

/** The same table under a heading of its own. Pure. */
export function titled([head = [], ...rows]: Table, title: string): Table {
  return [[title, ...head.slice(1)], ...rows];
}

function costsOf(trials: readonly Trial[], name: ContenderName): readonly Cost[] {
  return trials.find((trial) => trial.name === name)?.costs ?? [];
}

function valuesOf(costs: readonly Cost[], { of, per }: Figure): readonly number[] {
  return costs.map((cost) => cost[of] / per);
}

/** The middle half of the values. */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.round((sorted.length - 1) * part)] ?? NaN;
  return `${quantity(at(0.25))}-${quantity(at(0.75))}`;
}
