// Lists of figures: a JSON list, an object of numbers, the rows of a table. evidence.ts gathers them from what a call was
// given, beside.ts from its answer, and derived.ts works out what follows from them.

import { amountsIn } from './amounts.ts';
import type { Unit } from './units.ts';

/** The numbers of one column, with the name or the unit they stand under. */
export interface Series {
  readonly key: string;
  readonly values: readonly number[];
  /** The unit that every cell was written in, if one was. */
  readonly unit?: Unit;
}

/** A list: how long it is, its columns, and how many of its items say the same, for each thing said. */
export interface List {
  readonly length: number;
  readonly columns: readonly Series[];
  readonly groups: readonly Group[];
}

export interface Group {
  readonly count: number;
  readonly columns: readonly Series[];
}

/** Cells longer than this say something else than a figure or a kind; more kinds than this are no kinds. */
const CELL_CHARS_MAX = 60;
const GROUPS_MAX = 50;
const ROWS_MAX = 20_000;

/** One item of a list by its names. */
export type Row = ReadonlyMap<string, unknown>;

/** A JSON list as a list of figures. Items that are no objects are a column of their own. Pure; O(cells). */
export function listOf(items: readonly unknown[]): List {
  const rows = items.slice(0, ROWS_MAX).map((item): Row => {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return new Map([['', item]]);
    return new Map(Object.entries(item));
  });
  return { ...listOfRows(rows), length: items.length };
}

/** An object whose values are all numbers, as a list of them: its sum and its shares mean something. Pure. */
export function listOfValues(value: object): List {
  const values = Object.values(value);
  const numbers = values.filter((item): item is number => typeof item === 'number');
  const isTally = numbers.length === values.length && values.length > 1;
  return { length: values.length, columns: isTally ? [{ key: '', values: numbers }] : [], groups: [] };
}

/** Rows as a list of figures. Pure; O(cells). */
export function listOfRows(rows: readonly Row[]): List {
  const groups = groupsOf(rows).map((group) => ({ count: group.length, columns: columnsOf(group) }));
  return { length: rows.length, columns: columnsOf(rows), groups };
}

function columnsOf(rows: readonly Row[]): readonly Series[] {
  const columns = new Map<string, { values: number[]; units: Set<Unit | undefined> }>();
  for (const row of rows) {
    for (const [key, value] of row) {
      const figure = figureOf(value);
      if (figure === undefined) continue;
      const column = columns.get(key) ?? { values: [], units: new Set<Unit | undefined>() };
      column.values.push(figure.value);
      column.units.add(figure.unit);
      columns.set(key, column);
    }
  }
  return [...columns].flatMap(([key, { values, units }]): Series[] => {
    const [unit] = units;
    const dimensions = new Set([...units].map((one) => one?.dimension));
    if (values.length < 2 || dimensions.size > 1) return [];
    return [{ key, values, ...(unit === undefined ? {} : { unit: { ...unit, factor: 1, offset: 0 } }) }];
  });
}

/** A cell that is one number, alone or with its unit; with a unit, in the base of its dimension. */
export function figureOf(value: unknown): { readonly value: number; readonly unit?: Unit } | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? { value } : undefined;
  if (typeof value !== 'string' || value.length > CELL_CHARS_MAX || !/^[\s*_`~$€£+-]*[.\d]/.test(value)) return undefined;
  const [amount, second] = amountsIn(value);
  const [reading] = amount?.readings ?? [];
  if (amount === undefined || reading === undefined || amount.readings.length > 2) return undefined;
  const bare = value.replaceAll(/[\s*_`~$€£+-]/g, '');
  const unit = amount.meanings.find((meaning) => meaning.unit !== undefined)?.unit;
  if (unit === undefined) return second === undefined && bare === amount.text ? { value: reading.value } : undefined;
  return { value: (reading.value + unit.offset) * unit.factor, unit };
}

function groupsOf(rows: readonly Row[]): readonly (readonly Row[])[] {
  if (rows.length < 2) return [];
  const names = new Set(rows.flatMap((row) => [...row.keys()]));
  return [...names].flatMap((name) => {
    const groups = new Map<unknown, Row[]>();
    for (const row of rows) {
      const value = row.get(name);
      if (typeof value !== 'boolean' && (typeof value !== 'string' || value.length > CELL_CHARS_MAX)) continue;
      const group = groups.get(value);
      if (group === undefined) groups.set(value, [row]);
      else group.push(row);
    }
    return groups.size > GROUPS_MAX || groups.size === rows.length ? [] : [...groups.values()];
  });
}
