// The crash matrix as text: a line for each kind of effect below each holder, with how many positions were tried of each cut,
// how often a person was asked, and what the service counted.

import { CUTS, type Row } from './sweep.ts';

export function matrixText(rows: readonly Row[]): string {
  const groups = Map.groupBy(rows, ({ cell }) => `${cell.kind} ${cell.manner}|${cell.as}|${cell.holder}`);
  const lines = [...groups].map(([name, cuts]) => [
    ...name.split('|'),
    ...CUTS.map((cut) => shown(cuts.filter((row) => row.cut === cut).map(({ positions }) => positions))),
    ...(['asked', 'applied', 'lost', 'twice'] as const).map((count) => shown(cuts.map((row) => row[count]))),
    shown(cuts.map(({ broken }) => broken.length)),
  ]);
  const total = [
    'all',
    '',
    '',
    ...lines
      .reduce(
        (sums, line) => sums.map((sum, at) => sum + Number(line[at + 3])),
        Array.from({ length: CUTS.length + 5 }, () => 0),
      )
      .map(String),
  ];
  return aligned([['effect', 'by', 'below', ...CUTS, 'asked', 'applied', 'lost', 'twice', 'laws broken'], ...lines, total]);
}

function shown(numbers: readonly number[]): string {
  return String(numbers.reduce((sum, one) => sum + one, 0));
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column < 3 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
