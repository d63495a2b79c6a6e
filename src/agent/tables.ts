// Tables in texts: Markdown's, tab- and comma-separated ones, aligned columns, and lines with as many words each, as tools
// print them. evidence.ts reads texts with it: a table in a text says no less than a list in JSON.

import { figureOf, type List, listOfRows, type Row } from './series.ts';

export interface Tables {
  readonly lists: readonly List[];
  /** The numbers that stand under a name that tells their unit. */
  readonly named: readonly { readonly value: number; readonly key: string }[];
  /** The text without those numbers. */
  readonly rest: string;
}

/** Fewer lines that look alike are chance; the head counts as one. */
const LINES_MIN = 3;
const CELL_CHARS_MAX = 120;

type Cut = (line: string) => readonly string[];

const byPipes: Cut = (line) => (/^\s*\|.*\|\s*$/.test(line) ? line.trim().slice(1, -1).split('|') : []);
const byTabs: Cut = (line) => (line.includes('\t') ? line.split('\t') : []);
const byCommas: Cut = (line) => (line.includes(',') ? line.split(',') : []);
const bySpaces: Cut = (line) => line.trim().split(/ {2,}/);
const byWords: Cut = (line) => line.trim().split(/\s+/);
const cuts: readonly Cut[] = [byPipes, byTabs, byCommas, bySpaces, byWords];

/** The tables of a text. `tellsUnit` says whether a name tells the unit of the numbers under it. Pure; O(n). */
export function tablesIn(text: string, tellsUnit: (key: string) => boolean): Tables {
  const lines = text.split('\n');
  const lists: List[] = [];
  const named: { value: number; key: string }[] = [];
  const rest: string[] = [];
  const passedTo = new Map<Cut, number>();
  let at = 0;
  while (at < lines.length) {
    const block = blockAt(lines, at, passedTo);
    if (block === undefined) {
      rest.push(lines[at] ?? '');
      at += 1;
      continue;
    }
    lists.push(listOfRows(block.rows));
    rest.push(block.names.join(' | '));
    for (const row of block.rows) {
      for (const [key, cell] of row) {
        const figure = block.names.length > 0 && tellsUnit(key) ? figureOf(cell) : undefined;
        if (figure === undefined || figure.unit !== undefined) rest.push(cell);
        else named.push({ value: figure.value, key });
      }
    }
    at = block.to;
  }
  return { lists, named, rest: rest.join('\n') };
}

interface Block {
  readonly names: readonly string[];
  readonly rows: readonly (Row & ReadonlyMap<string, string>)[];
  readonly to: number;
}

function blockAt(lines: readonly string[], from: number, passedTo: Map<Cut, number>): Block | undefined {
  if (!/\S/.test(lines[from] ?? '')) return undefined;
  for (const cut of cuts) {
    if ((passedTo.get(cut) ?? 0) > from) continue;
    const width = cut(lines[from] ?? '').length;
    if (width < 2) continue;
    let to = from + 1;
    while (to < lines.length && cut(lines[to] ?? '').length === width) to += 1;
    const block = to - from < LINES_MIN ? undefined : blockOf(lines.slice(from, to), cut, to);
    if (block !== undefined) return block;
    passedTo.set(cut, to);
  }
  return undefined;
}

function blockOf(lines: readonly string[], cut: Cut, to: number): Block | undefined {
  const cells = lines.map((line) => cut(line).map((cell) => cell.trim())).filter((row) => !row.every((cell) => /^:?-+:?$/.test(cell)));
  if (cells.some((row) => row.some((cell) => cell.length > CELL_CHARS_MAX))) return cut === byPipes ? rowsOf(cells, to) : undefined;
  return rowsOf(cells, to);
}

function rowsOf(cells: readonly (readonly string[])[], to: number): Block | undefined {
  const [head = [], ...body] = cells;
  const names = head.some((cell) => /^[\s*_`$-]*[.\d]/.test(cell)) ? [] : head;
  const rows = names.length === 0 ? cells : body;
  const hasFigures = head.some((_, column) => rows.filter((row) => figureOf(row[column]) !== undefined).length > 1);
  if (rows.length < 2 || !hasFigures) return undefined;
  return { names, rows: rows.map((row) => new Map(row.map((cell, column) => [names[column] ?? `column ${column}`, cell]))), to };
}
