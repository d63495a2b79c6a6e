// How herds are told of: the outcomes of many seeds as their middle and their worst, rows of a table, and figures with
// their aims. Called by herd.ts and herdVirtual.ts. Pure.

import { type Finding, median, quantity } from './finding.ts';
import type { Aims } from './herdScenes.ts';

/** What is compared of a herd, over sockets and in virtual time alike. */
export interface HerdResult {
  readonly asked: number;
  readonly answered: number;
  readonly requests: number;
  readonly refusals: number;
  readonly ms: number;
  readonly idealMs: number;
  /** It was ended before it was over. */
  readonly cut?: boolean;
}

/** One contender in one scene, round by round. */
export interface HerdRow {
  readonly name: string;
  readonly results: readonly HerdResult[];
}

interface Column {
  readonly title: string;
  readonly of: (result: HerdResult) => number;
  /** The worst of many: the least or the most. */
  readonly worst: (...values: number[]) => number;
  readonly text: (value: number) => string;
}

const least = (...values: number[]): number => Math.min(...values);
const most = (...values: number[]): number => Math.max(...values);
const times = (value: number): string => `${value.toFixed(2)} x`;

const ANSWERED: Column = {
  title: 'answered',
  of: ({ answered, asked }) => answered / asked,
  worst: least,
  text: (share) => `${Math.floor(100 * share)} %`,
};
const REQUESTS: Column = { title: 'requests', of: ({ requests, asked }) => requests / asked, worst: most, text: times };
const TIME: Column = { title: 'time', of: ({ ms, idealMs }) => ms / idealMs, worst: most, text: times };
const REFUSALS: Column = { title: 'refusals', of: ({ refusals }) => refusals, worst: most, text: (count) => quantity(Math.round(count)) };
const COLUMNS: readonly Column[] = [ANSWERED, REQUESTS, TIME, REFUSALS];

/** Each row with its middle and its worst; one round has only the one. Shares are of the least possible. Pure. */
export function herdTable(title: string, rows: readonly HerdRow[]): readonly (readonly string[])[] {
  const many = rows.some(({ results }) => results.length > 1);
  const head = COLUMNS.flatMap((column) => [column.title, ...(many ? ['worst'] : [])]);
  return [[title, ...head], ...rows.map((row) => [row.name, ...COLUMNS.flatMap((column) => cells(column, row, many))])];
}

function cells(column: Column, { results }: HerdRow, many: boolean): readonly string[] {
  const values = results.map(column.of);
  // What was cut off took at least so long, and would have needed more.
  const mark = column !== ANSWERED && results.some(({ cut }) => cut === true) ? '> ' : '';
  return [`${mark}${column.text(median(values))}`, ...(many ? [`${mark}${column.text(column.worst(...values))}`] : [])];
}

/** The worst of a row against its aims: everything answered, requests and time, and refusals where they have one. Pure. */
export function herdFindings({ name, results }: HerdRow, aims: Aims): readonly Finding[] {
  const worst = (of: (result: HerdResult) => number): number => Math.max(...results.map(of));
  return [
    { what: `${name}: not answered`, measured: worst(({ asked, answered }) => asked - answered), unit: '', aimMax: 0 },
    { what: `${name}: requests to the least possible`, measured: worst(REQUESTS.of), unit: 'x', aimMax: aims.requests },
    { what: `${name}: time to the least possible`, measured: worst(TIME.of), unit: 'x', aimMax: aims.time },
    ...(aims.refusals === undefined ? [] : [{ what: `${name}: refusals`, measured: worst(REFUSALS.of), unit: '', aimMax: aims.refusals }]),
  ];
}
