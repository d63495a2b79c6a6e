// What a bench hands back, and how it is printed: figures, each with its aim where there is one, and tables beside
// them. Called by every bench and by main.ts. Pure.

/** One measured figure. `aimMax` is the most it should be; without it the figure is printed for comparison. */
export interface Finding {
  readonly what: string;
  readonly measured: number;
  readonly unit: string;
  readonly aimMax?: number;
}

/** Cells as text; the first row is the head. */
export type Table = readonly (readonly string[])[];

export interface Report {
  readonly findings: readonly Finding[];
  readonly tables: readonly Table[];
  /** How it was measured, and what was left out and why. */
  readonly notes: readonly string[];
}

/** The findings as a table of measured, aim and verdict. Pure. */
export function findingTable(findings: readonly Finding[]): Table {
  return [
    ['', 'measured', 'aim', 'verdict'],
    ...findings.map((finding) => [
      finding.what,
      quantity(finding.measured, finding.unit),
      finding.aimMax === undefined ? '-' : `<= ${quantity(finding.aimMax, finding.unit)}`,
      verdict(finding),
    ]),
  ];
}

/** 'met', or by how much it was missed; nothing where there is no aim. Pure. */
export function verdict({ measured, aimMax }: Finding): string {
  if (aimMax === undefined) return '';
  if (measured <= aimMax) return 'met';
  const percent = (measured / aimMax - 1) * 100;
  return Number.isNaN(percent) ? 'not measured' : `missed by ${percent < 1 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/** A number with three significant digits, whole ones in full, and its unit. Pure. */
export function quantity(value: number, unit = ''): string {
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  const text = value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit === '' ? text : `${text} ${unit}`;
}

/** Columns under each other: the first to the left, the others to the right. Pure. */
export function tableText(table: Table): string {
  const widths: number[] = [];
  for (const row of table) row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  return table
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('   ')
        .trimEnd(),
    )
    .join('\n');
}

/** The middle value. Pure. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
