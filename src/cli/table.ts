// Rows of text in aligned columns. Pure; called by runs, show and the bill.

import { clipPath, widthOf } from './quantities.ts';

export interface Column {
  readonly align?: 'left' | 'right';
  /** May be clipped in the middle when the table is too wide; at most one column of a table. */
  readonly gives?: boolean;
  /** Left out where the giving column would have to give too much; the highest first. */
  readonly drop?: number;
}

/** A cell and how to colour it: colours are put on after widths are known. */
export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

const GAP = '  ';
/** What a clipped column keeps at least, while others can be left out. */
const GIVING_COLUMNS_MIN = 24;

/** Lines of a table, at most `width` wide where the giving column allows it. Empty columns vanish. */
export function tableLines(columns: readonly Column[], rows: readonly (readonly (string | Cell)[])[], width: number): string[] {
  const cells = rows.map((row) => row.map((cell) => (typeof cell === 'string' ? { text: cell } : cell)));
  const widths = columns.map((_, index) => cells.reduce((most, row) => Math.max(most, widthOf(row[index]?.text ?? '')), 0));
  let shown = columns.map((column, index) => ({ column, index })).filter(({ index }) => (widths[index] ?? 0) > 0);
  const total = (): number => shown.reduce((sum, { index }) => sum + (widths[index] ?? 0) + GAP.length, -GAP.length);
  const giving = shown.find(({ column }) => column.gives === true)?.index;
  const wanted = giving === undefined ? 0 : (widths[giving] ?? 0);
  const given = (): number => wanted - Math.max(0, total() - width);
  while (giving !== undefined && given() < Math.min(wanted, GIVING_COLUMNS_MIN)) {
    const least = shown.reduce<number>((most, { column }) => Math.max(most, column.drop ?? 0), 0);
    if (least === 0) break;
    shown = shown.filter(({ column }) => column.drop !== least);
  }
  if (giving !== undefined) widths[giving] = Math.max(1, given());
  return cells.map((row) => {
    const line = shown.map(({ column, index }) => {
      const { text, paint = same } = row[index] ?? { text: '' };
      const room = widths[index] ?? 0;
      const clipped = index === giving ? clipPath(text, room) : text;
      const painted = paint(clipped);
      const pad = ' '.repeat(Math.max(0, room - widthOf(clipped)));
      return column.align === 'right' ? pad + painted : painted + pad;
    });
    return line.join(GAP).trimEnd();
  });
}

function same(text: string): string {
  return text;
}
