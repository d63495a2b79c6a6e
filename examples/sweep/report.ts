// From reviews to a report: grouping and counting is done here, in code, over findings whose quotes were checked;
// only the names of the patterns and the summary are the summarizer's. Pure but for the width of the terminal.

import process from 'node:process';
import { ERROR_CODES, type ErrorRecord } from '../../src/index.ts';
import { type Finding, type Group, GROUPS_MAX, type Review, type Summary } from './findings.ts';

/** A whole sweep as data. */
export interface Sweep {
  readonly question: string;
  /** What the codebases were named by, and how many there were before the limit. */
  readonly patterns: readonly string[];
  readonly of: number;
  readonly asked: number;
  readonly reviews: readonly Review[];
  readonly failed: readonly { readonly codebase: string; readonly error: ErrorRecord }[];
  readonly groups: readonly Group[];
  /** Absent when there was nothing to summarize. */
  readonly summary?: Summary;
}

const WIDTH_UNKNOWN = 80;
const WIDTHS = { least: 60, most: 100 };
const EXAMPLES_MAX = 4;
const NOTES_MAX = 12;
const PROBLEMS_MAX = 3;
const UNNAMED = 'other';

/** The findings of each codebase by label. The largest are kept where there are more than a summarizer is asked about. */
export function groupsOf(reviews: readonly Review[]): readonly Group[] {
  const all = reviews.flatMap((review) => {
    const byLabel = Map.groupBy(review.findings, (finding) => finding.pattern ?? UNNAMED);
    return [...byLabel].map(([pattern, findings]) => ({
      codebase: review.codebase,
      pattern,
      count: findings.length,
      example: exampleOf(findings),
    }));
  });
  const kept = all.length <= GROUPS_MAX ? all : all.toSorted((a, b) => b.count - a.count).slice(0, GROUPS_MAX);
  return kept.map((group, index) => ({ id: `g${index + 1}`, ...group }));
}

function exampleOf(findings: readonly Finding[]): Group['example'] {
  const [first] = findings;
  return { file: first?.file ?? '', line: first?.line ?? 0, quote: clip(first?.quote ?? '', 120) };
}

/** The report as plain text, lines of at most `width` characters where names allow it. */
export function render(sweep: Sweep, width: number = terminalWidth()): string {
  const parts = [
    head(sweep, width),
    verdict(sweep, width),
    ...patterns(sweep, width),
    failures(sweep, width),
    notes(sweep, width),
    next(sweep),
  ];
  return `${printable(parts.filter((part) => part !== '').join('\n\n'))}\n`;
}

function terminalWidth(): number {
  const columns: number | undefined = process.stdout.columns; // there is none without a terminal
  return columns === undefined ? WIDTH_UNKNOWN : Math.max(WIDTHS.least, Math.min(WIDTHS.most, columns));
}

/** Who answered, from the answers themselves: a stand-in says so in each of them. */
function answeredBy(sweep: Sweep): string {
  const said = [
    ...new Set([...sweep.reviews.map((review) => review.standIn), ...(sweep.summary === undefined ? [] : [sweep.summary.standIn])]),
  ];
  if (said.length === 0) return 'nobody';
  return said.map((one) => one ?? 'the model this run was given').join('; and ');
}

function head(sweep: Sweep, width: number): string {
  const asked =
    sweep.asked < sweep.of
      ? `${sweep.asked} of ${count(sweep.of, 'codebase')} (those with the most source code)`
      : count(sweep.asked, 'codebase');
  const withFindings = sweep.reviews.filter((review) => review.findings.length > 0).length;
  const failed = sweep.failed.length === 0 ? 'none failed' : `${sweep.failed.length} failed (listed below)`;
  return [
    ...hang('Question     ', sweep.question, width),
    ...hang('Answered by  ', answeredBy(sweep), width),
    ...hang('Asked        ', `${asked}, named by ${sweep.patterns.join(' ')}`, width),
    ...hang(
      'Answered     ',
      `${sweep.reviews.length}; ${withFindings} with findings, ${sweep.reviews.length - withFindings} without; ${failed}`,
      width,
    ),
    ...hang('Checked      ', `each of the ${count(total(sweep), 'quote')} stands at its line of its file`, width),
  ].join('\n');
}

function verdict(sweep: Sweep, width: number): string {
  if (sweep.summary !== undefined) return wrap(sweep.summary.summary, width).join('\n');
  return sweep.reviews.length === 0 ? '' : 'No codebase has a place that answers the question.';
}

interface Pattern {
  readonly name: string;
  readonly what: string;
  readonly places: readonly { readonly codebase: string; readonly finding: Finding }[];
}

/** The summarizer's patterns with every finding that belongs to them, most places first. */
function patternsOf(sweep: Sweep): readonly Pattern[] {
  const byKey = new Map(sweep.groups.map((group) => [JSON.stringify([group.codebase, group.pattern]), group.id]));
  const byGroup = new Map<string, { codebase: string; finding: Finding }[]>();
  for (const { codebase, findings } of sweep.reviews) {
    for (const finding of findings) {
      const id = byKey.get(JSON.stringify([codebase, finding.pattern ?? UNNAMED])) ?? UNNAMED;
      byGroup.set(id, [...(byGroup.get(id) ?? []), { codebase, finding }]);
    }
  }
  const named = (sweep.summary?.patterns ?? []).map(({ name, what, groups }) => ({
    name,
    what,
    places: groups.flatMap((id) => byGroup.get(id) ?? []),
  }));
  const rest = byGroup.get(UNNAMED) ?? [];
  const all =
    rest.length === 0
      ? named
      : [...named, { name: 'not grouped', what: `What was beyond the ${GROUPS_MAX} groups a summarizer is asked about.`, places: rest }];
  return all.toSorted((a, b) => b.places.length - a.places.length);
}

function patterns(sweep: Sweep, width: number): readonly string[] {
  const all = patternsOf(sweep);
  if (all.length === 0) return [];
  const widest = Math.max(...all.map((pattern) => pattern.name.length), 'Pattern'.length);
  const row = (name: string, places: string, codebases: string): string =>
    `  ${name.padEnd(widest)}  ${places.padStart(7)}  ${codebases.padStart(9)}`;
  const table = [
    row('Pattern', 'places', 'codebases'),
    ...all.map((pattern) => row(pattern.name, String(pattern.places.length), String(holders(pattern.places)))),
  ];
  return [table.join('\n'), ...all.map((pattern) => section(pattern, answeredByModel(sweep), width))];
}

function answeredByModel(sweep: Sweep): boolean {
  return sweep.reviews.some((review) => review.standIn === undefined);
}

/** One pattern with its best places: the first of each codebase, those with the most places of it first. */
function section(pattern: Pattern, withWhy: boolean, width: number): string {
  const byCodebase = [...Map.groupBy(pattern.places, (place) => place.codebase).values()].toSorted((a, b) => b.length - a.length);
  const shown = byCodebase.flatMap(([first]) => (first === undefined ? [] : [first])).slice(0, EXAMPLES_MAX);
  const lines = shown.flatMap(({ codebase, finding }) => [
    `  ${codebase}  ${finding.file}:${finding.line}`,
    `      ${clip(finding.quote.trim(), width - 6)}`,
    ...(withWhy ? wrap(finding.why, width - 6).map((line) => `      ${line}`) : []),
  ]);
  const more = pattern.places.length - shown.length;
  return [
    ...wrap(`${pattern.name}: ${pattern.what}`, width),
    ...lines,
    ...(more > 0 ? [`  and ${count(more, 'more place', 'more places')}`] : []),
  ].join('\n');
}

function failures(sweep: Sweep, width: number): string {
  if (sweep.failed.length === 0) return '';
  return ['Failed', ...sweep.failed.flatMap(({ codebase, error }) => failure(codebase, error, width))].join('\n');
}

/** An error that has problems repeats them in its message, so they are told instead of it. */
function failure(codebase: string, error: ErrorRecord, width: number): readonly string[] {
  const problems = (error.problems ?? []).map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
  const more = problems.length - PROBLEMS_MAX;
  return [
    ...hang(`  ${codebase}  `, `${error.code}: ${problems.length > 0 ? ERROR_CODES[error.code] : error.message}`, width, 4),
    ...problems.slice(0, PROBLEMS_MAX).flatMap((problem) => hang('    - ', problem, width)),
    ...(more > 0 ? [`    - and ${more} more`] : []),
  ];
}

function notes(sweep: Sweep, width: number): string {
  const said = sweep.reviews.flatMap((review) => (review.notes ?? []).map((note) => ({ codebase: review.codebase, note })));
  if (said.length === 0) return '';
  const byNote = [...Map.groupBy(said, (one) => one.note)].map(([note, ones]) => ({
    note,
    who: few(ones.map((one) => one.codebase)) + (ones.length > 1 ? ', each' : ''),
  }));
  const shown = byNote.slice(0, NOTES_MAX).flatMap(({ note, who }) => hang(`  ${who}: `, note, width, 4));
  return ['Limits of this sweep', ...shown, ...(byNote.length > NOTES_MAX ? [`  and ${byNote.length - NOTES_MAX} more notes`] : [])].join(
    '\n',
  );
}

const NAMES_MAX = 6;

function few(names: readonly string[]): string {
  const more = names.length - NAMES_MAX;
  return more > 1 ? `${names.slice(0, NAMES_MAX).join(', ')} and ${more} more` : names.join(', ');
}

const QUESTIONS = ['Where are child processes started?', 'Where are errors silently ignored?'];

function next(sweep: Sweep): string {
  const question = QUESTIONS.find((one) => one !== sweep.question);
  return [
    'Try next',
    ...(sweep.failed.length === 0 ? [] : ['  resume this run: only what failed is asked again']),
    `  npm run demo -- --input '{"question": "${question}"}'`,
    `  npm run demo -- --input '{"codebases": ["src/*", "examples/sweep"]}'`,
    "  npx node src/cli/main.ts run 'examples/sweep/sweep.ts#findings' --quiet",
    '      every finding, as JSON',
  ].join('\n');
}

function total(sweep: Sweep): number {
  return sweep.reviews.reduce((sum, review) => sum + review.findings.length, 0);
}

function holders(places: Pattern['places']): number {
  return new Set(places.map((place) => place.codebase)).size;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function clip(text: string, room: number): string {
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

/** Files and models write what they like; a terminal must not obey it. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (found) =>
    found === '\n' ? '\n' : found === '\t' ? ' ' : '·',
  );
}

/** A label, then text beside it, further lines under the text or at `indent`. */
function hang(label: string, text: string, width: number, indent = label.length): readonly string[] {
  const [first = '', ...rest] = wrap(text, width - indent, width - label.length);
  return [label + first, ...rest.map((line) => ' '.repeat(indent) + line)];
}

/** Breaks at spaces; a word longer than the room stands alone. Line breaks in the text become spaces. */
function wrap(text: string, room: number, firstRoom = room): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/)) {
    if (line !== '' && line.length + 1 + word.length > (lines.length === 0 ? firstRoom : room)) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
