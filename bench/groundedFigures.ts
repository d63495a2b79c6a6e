// True answers about figures: sizes of files, a test run, tables of measurements. Called by groundedRounds.ts with dice;
// each works out its numbers from what it just read, and says them in the units and the precision that a reader likes.

import type { Dice } from '../src/modelServer/dice.ts';
import { between, oneOf } from '../src/modelServer/dice.ts';
import { checksOf, given, type Sample, type Slip, type Slot, slot } from './groundedSample.ts';
import { anyFile, type Sized, type SourceFile, sizes, testLog } from './groundedSources.ts';
import { bytesAs, count, grouped, msAs, percent, rounded } from './groundedWords.ts';

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Rows as a tool may say them: JSON, CSV, a Markdown table, or aligned columns. */
export function tableAs<T extends object>(random: Dice, rows: readonly T[]): unknown {
  const names = Object.keys(rows[0] ?? {});
  const cells = rows.map((row) => Object.values(row).map(String));
  switch (between(random, 0, 4)) {
    case 0:
      return rows;
    case 1:
      return JSON.stringify({ rows });
    case 2:
      return [names, ...cells].map((row) => row.join(',')).join('\n');
    case 3:
      return [names, names.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`).join('\n');
    default: {
      const widths = names.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column]?.length ?? 0)));
      return [names, ...cells]
        .map((row) =>
          row
            .map((cell, column) => cell.padEnd(widths[column] ?? 0))
            .join('  ')
            .trimEnd(),
        )
        .join('\n');
    }
  }
}

function listing(random: Dice, files: readonly Sized[]): unknown {
  if (random() < 0.25) return files.map(({ path, bytes }) => `-rw-r--r--  1 staff  ${String(bytes).padStart(8)}  ${path}`).join('\n');
  if (random() < 0.2) return files.map(({ path, bytes }) => `${String(bytes).padStart(8)} ${path}`).join('\n');
  return tableAs(random, files);
}

function slip(slot: Slot, ...slips: readonly Slip[]): Slot {
  return { ...slot, slips };
}

/** "12.3 kB" with the unit a thousand times as large, "1.2 s" with ms. */
export function otherUnit(text: string): Slip {
  const pairs: readonly [RegExp, string][] = [
    [/(?<=\d ?)bytes\b/, 'kB'],
    [/(?<=\d ?)(?:kB|KB)\b/, 'MB'],
    [/(?<=\d ?)KiB\b/, 'MiB'],
    [/(?<=\d ?)MB\b/, 'GB'],
    [/(?<=\d ?)MiB\b/, 'GiB'],
    [/(?<=\d ?)(?:ms|milliseconds)\b/, 's'],
    [/(?<=\d ?)(?:s|seconds)\b/, 'ms'],
    [/(?<=\d ?)[µμ]s\b/, 'ms'],
    [/(?<=\d ?)ns\b/, 'µs'],
    [/(?<=\d ?)[kK](?= tokens|$)/, 'M'],
    [/(?<=\d ?)M(?= tokens|$)/, 'k'],
    [/(?<=\d ?)million\b/, 'thousand'],
    [/(?<=\d ?)cents\b/, 'dollars'],
    [/\$([\d.,]+)/, '$1 cents'],
    [/(?<=\d )USD\b/, 'cents'],
  ];
  const pair = pairs.find(([unit]) => unit.test(text));
  return { slip: 'wrong unit', value: pair === undefined ? text : text.replace(pair[0], pair[1]) };
}

/** How large some files are, together and compared. */
export function fileSizes(random: Dice): Sample {
  const files = sizes(random, between(random, 4, 12));
  const ordered = files.toSorted((a, b) => b.bytes - a.bytes);
  const [largest, second] = [ordered[0], ordered[1]];
  if (largest === undefined || second === undefined) throw new Error('There are at least four files.');
  const total = sum(files.map(({ bytes }) => bytes));
  const share = largest.bytes / total;
  const output = {
    files: files.length,
    total: bytesAs(random, total),
    mean: bytesAs(random, total / files.length),
    largest: { path: largest.path, bytes: largest.bytes, sharePercent: rounded(random, share * 100, 1) },
    ahead: bytesAs(random, largest.bytes - second.bytes),
    summary: `The ${count(random, files.length)} files take ${bytesAs(random, total)}; ${largest.path} alone takes ${percent(random, share)} of it.`,
  };
  return {
    task: 'sizes',
    evidence: given({ question: 'How large are these files?' }, { tool: 'sizes', args: {}, result: listing(random, files) }),
    checks: checksOf({
      path: ['largest.path'],
      number: ['files', 'total', 'mean', 'largest.bytes', 'largest.sharePercent', 'ahead', 'summary'],
    }),
    output,
    slots: [
      slip(slot('number', 'total'), otherUnit(output.total)),
      slip(slot('number', 'mean'), otherUnit(output.mean)),
      slot('number', 'largest', 'bytes'),
      slip(slot('number', 'largest', 'sharePercent'), {
        slip: 'wrong base',
        value: rounded(random, (largest.bytes / (total - largest.bytes)) * 100, 1),
      }),
      slip(slot('number', 'ahead'), otherUnit(output.ahead)),
      slot('number', 'summary'),
      slot('path', 'largest', 'path'),
      slot('text', 'summary'),
    ],
    truth: files.map(({ path, bytes }) => `${path} ${bytes}`).join('\n'),
  };
}

interface Ran {
  readonly file: string;
  readonly tests: number;
  readonly ms: number;
}

/** How a test run went: a log with times in ms and s, or its rows. */
export function testRun(random: Dice): Sample {
  const log = testLog();
  const ran: readonly Ran[] = [...log.matchAll(/✓ (\S+) \((\d+) tests?\) (\d+)ms/g)].map(([, file = '', tests, ms]) => ({
    file,
    tests: Number(tests),
    ms: Number(ms),
  }));
  const inAll = { files: ran.length, tests: sum(ran.map(({ tests }) => tests)), seconds: Number(/Duration\s+([\d.]+)s/.exec(log)?.[1]) };
  const slowest = ran.toSorted((a, b) => b.ms - a.ms).slice(0, between(random, 2, 4));
  const [first, second] = [slowest[0], slowest[1]];
  if (first === undefined || second === undefined) throw new Error('The log names more than two files.');
  const topMs = sum(slowest.map(({ ms }) => ms));
  const output = {
    testFiles: count(random, inAll.files),
    tests: grouped(random, inAll.tests),
    testsPerFile: rounded(random, inAll.tests / inAll.files, 1),
    duration: oneOf(random, [
      `${inAll.seconds} s`,
      `${grouped(random, Math.round(inAll.seconds * 1000))} ms`,
      `${rounded(random, inAll.seconds, 1)} seconds`,
    ]),
    slowest: slowest.map(({ file, ms }) => ({ file: oneOf(random, [file, file.split('/').at(-1) ?? file]), ms })),
    slowestTotalMs: topMs,
    lead: `${msAs(random, first.ms - second.ms)} ahead of the next`,
    summary: `All ${grouped(random, inAll.tests)} tests passed; the slowest file took ${msAs(random, first.ms)}, and ${second.file} ${msAs(random, second.ms)}.`,
    failures: oneOf(random, ['none', 'None.', 'none found', 'No test failed.']),
  };
  return {
    task: 'testRun',
    evidence: given(
      { question: 'How did the run go?' },
      { tool: 'run', args: { command: 'vitest run' }, result: oneOf(random, [log, { exitCode: 0, stdout: log }]) },
    ),
    checks: checksOf({
      path: ['slowest[*].file'],
      number: ['testFiles', 'tests', 'testsPerFile', 'duration', 'slowest[*].ms', 'slowestTotalMs', 'lead', 'summary'],
    }),
    output,
    slots: [
      slot('number', 'tests'),
      slip(slot('number', 'testsPerFile'), { slip: 'wrong base', value: rounded(random, inAll.tests / inAll.seconds, 1) }),
      slip(slot('number', 'duration'), otherUnit(output.duration)),
      ...slowest.flatMap((_, index): Slot[] => [slot('path', 'slowest', index, 'file'), slot('number', 'slowest', index, 'ms')]),
      slot('number', 'slowestTotalMs'),
      slip(slot('number', 'lead'), otherUnit(output.lead)),
      slip(slot('number', 'summary'), otherUnit(output.summary)),
      slot('text', 'failures'),
    ],
    truth: log,
  };
}

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

const TIMES: Readonly<Record<string, number>> = { ns: 1e-9, µs: 1e-6, ms: 1e-3, s: 1 };

/** Markdown tables with a time in a column, as their rows. */
function measurements({ text }: SourceFile): readonly (readonly Measured[])[] {
  const tables = text.split(/\n\s*\n/).map((block) => block.split('\n').filter((line) => line.trimStart().startsWith('|')));
  return tables
    .map((rows) =>
      rows.flatMap((row): Measured[] => {
        const [, value, unit = ''] = /([\d.,]+) (ns|µs|ms|s)\/iter/.exec(row) ?? [];
        const name = row.split('|')[2]?.trim() ?? '';
        return value === undefined ? [] : [{ name, value: Number(value.replaceAll(',', '')), unit }];
      }),
    )
    .filter((rows) => rows.length > 2);
}

function timeAs(random: Dice, seconds: number): string {
  const [unit, factor] = oneOf(
    random,
    Object.entries(TIMES).filter(([, size]) => seconds / size >= 0.02 && seconds / size < 50_000),
  );
  const value = seconds / factor;
  return `${value >= 1000 ? value.toLocaleString('en-US', { maximumFractionDigits: 2 }) : Number(value.toPrecision(between(random, 4, 5)))} ${unit}`;
}

/** A table of measurements out of a README: who leads, by how much, in other units. */
export function measured(random: Dice): Sample {
  const file: SourceFile = readmeWithTables(random);
  const table = oneOf(random, measurements(file));
  const [first, other] = [table[0], oneOf(random, table.slice(1))];
  if (first === undefined || other === undefined) throw new Error('A table has more than two rows.');
  const seconds = ({ value, unit }: Measured): number => value * (TIMES[unit] ?? 1);
  const gap = seconds(other) - seconds(first);
  const output = {
    fastest: first.name,
    time: timeAs(random, seconds(first)),
    other: other.name,
    otherTime: `${other.value} ${other.unit}`,
    gap: gap > 0 ? timeAs(random, gap) : null,
    factor: rounded(random, seconds(other) / seconds(first)),
    entries: table.length,
  };
  return {
    task: 'measured',
    evidence: given(
      { question: 'Which parser leads, and by how much?' },
      { tool: 'readFile', args: { path: file.path }, result: file.text },
    ),
    checks: checksOf({ quote: ['fastest', 'other'], number: ['time', 'otherTime', 'gap', 'factor', 'entries'] }),
    output,
    slots: [
      slot('quote', 'fastest'),
      slip(slot('number', 'time'), otherUnit(output.time)),
      slip(slot('number', 'otherTime'), otherUnit(output.otherTime)),
      ...(output.gap === null ? [] : [slip(slot('number', 'gap'), otherUnit(output.gap))]),
      slot('number', 'factor'),
    ],
    truth: file.text,
  };
}

function readmeWithTables(random: Dice): SourceFile {
  for (let tries = 0; tries < 500; tries += 1) {
    const file = anyFile(random, 'prose');
    const tables = measurements(file);
    if (tables.length === 0) continue;
    const at = file.text.indexOf('/iter');
    const start = file.text.lastIndexOf('\n\n', Math.max(0, at - 1_500));
    return { path: file.path, text: file.text.slice(Math.max(0, start)) };
  }
  throw new Error('No README has a table of measurements.');
}
