// Errors as people read them, and the exit codes. Called by main for whatever a command throws, and by drive for
// runs that fail.

import type { AmdahlError, ErrorCode, Problem } from '../agent/errors.ts';
import { describe, ERROR_CODES } from '../agent/errors.ts';
import { type Hit, hitOf, hitsOf } from '../compose/incidents.ts';
import type { IncidentNode } from '../journal/incident.ts';
import { incidentLines } from './incidentText.ts';
import { pasteable } from './invocation.ts';
import { ProgramThrew } from './programThrew.ts';
import { clipLine, visible } from './quantities.ts';
import type { Output } from './terminal.ts';

/** Documented in --help. */
export const EXIT = { succeeded: 0, failed: 1, usage: 2, parked: 3, journal: 4, interrupted: 130 } as const;

const PROBLEMS_SHOWN = 10;
const CAUSES_SHOWN = 4;

const JOURNAL_CODES: ReadonlySet<ErrorCode> = new Set([
  'RUN_OWNED',
  'RUN_LOST',
  'RUN_CONFLICT',
  'ASK_CLOSED',
  'JOURNAL_UNWRITABLE',
  'JOURNAL_DAMAGED',
  'JOURNAL_NEWER',
  'JOURNAL_LOCKED',
  'JOURNAL_UNLOCKED',
  'JOURNAL_FULL',
  'JOURNAL_BUSY',
]);
/** What is wrong before anything ran: the command line, the program, its options. */
const USAGE_CODES: ReadonlySet<ErrorCode> = new Set([
  'MISCONFIGURED',
  'PROGRAM_NOT_FOUND',
  'PROGRAM_BROKEN',
  'RUN_UNKNOWN',
  'ASK_UNKNOWN',
  'CONTRACT_VIOLATION',
  'NO_JSON_SCHEMA',
  'NOT_JSON',
  'MODEL_MISSING',
  'PACKAGE_MISSING',
  'KEY_MISSING',
  'PRICE_UNKNOWN',
  'EFFECT_REFUSED',
  'EFFECT_UNCERTAIN',
]);

/** Stacks are for those who ask for them. */
export function debugging(): boolean {
  return (process.env['AMDAHL_DEBUG'] ?? '') !== '' && process.env['AMDAHL_DEBUG'] !== '0';
}

/** `ran`: whether the run had begun, so that the same code is the run's failure and not a wrong command. Pure. */
export function exitCodeOf(error: unknown, ran: boolean): number {
  if (!isAmdahlError(error)) return error instanceof ProgramThrew ? EXIT.usage : EXIT.failed;
  if (JOURNAL_CODES.has(error.code)) return EXIT.journal;
  return !ran && USAGE_CODES.has(error.code) ? EXIT.usage : EXIT.failed;
}

/** An AmdahlError of this copy of the package or of another. */
export function isAmdahlError(error: unknown): error is AmdahlError {
  return (
    error instanceof Error && error.name === 'AmdahlError' && 'code' in error && typeof error.code === 'string' && error.code in ERROR_CODES
  );
}

/** What is known of incidents, of those in which `hits` were lost above all. */
type KnownIncidents = (hits: readonly Hit[]) => readonly IncidentNode[];

/** Prints what went wrong, where, and what to do. Stacks only of the user's own program, or with `debug`. */
export function reportError(error: unknown, output: Output, debug: boolean, incidents: KnownIncidents = () => []): void {
  const { colors } = output;
  if (error instanceof ProgramThrew) {
    output.line(`${colors.red(colors.bold('error'))} ${error.message}:\n`);
    output.line(ownStack(error.thrown));
    if (error.hint !== undefined) output.line(`\n${error.hint}`);
    return;
  }
  if (isAmdahlError(error)) {
    output.line(`${colors.red(colors.bold(error.code))} ${visible(pasteable(error.message))}`);
    const at = placeText(error);
    if (at !== '') output.line(colors.dim(`  at ${at}`));
    for (const line of problemsText(error)) output.line(line);
    for (const line of incidentsText(error, incidents)) output.line(colors.yellow(line));
    for (const cause of causesOf(error)) output.line(colors.dim(`  because ${clipLine(pasteable(cause), 200)}`));
  } else output.line(`${colors.red(colors.bold('error'))} ${visible(describe(error))}`);
  if (debug) for (const stack of stacksOf(error)) output.line(colors.dim(visible(stack)));
}

/** Stacks along the causes, the user's own error among them. */
function stacksOf(error: unknown, depth = 0): string[] {
  if (!(error instanceof Error) || depth > CAUSES_SHOWN) return [];
  const below: readonly unknown[] = error instanceof AggregateError ? error.errors.slice(0, CAUSES_SHOWN) : [error.cause];
  return [`${depth === 0 ? '' : 'because '}${error.stack ?? describe(error)}`, ...below.flatMap((one) => stacksOf(one, depth + 1))];
}

function placeText({ where, message }: AmdahlError): string {
  // A message that names the call already has said it.
  if (where.call === undefined || message.includes(where.call)) return '';
  return `${where.call}${where.attempt === undefined ? '' : ` (attempt ${where.attempt + 1})`}`;
}

/** Problems, unless the message lists them. */
function problemsText({ problems, message }: AmdahlError): string[] {
  const untold = problems.filter((problem) => !message.includes(problem.message));
  const lines = untold.slice(0, PROBLEMS_SHOWN).map((problem) => `  ${problemText(problem)}`);
  return untold.length > PROBLEMS_SHOWN ? [...lines, `  … ${untold.length - PROBLEMS_SHOWN} more problems`] : lines;
}

function problemText({ path, message }: Problem): string {
  return visible(pasteable(path === '' ? message : `${path}: ${message}`));
}

/** One incident instead of all the failures that it caused. */
function incidentsText(error: AmdahlError, incidents: KnownIncidents): string[] {
  const hits = hitsOf(error.data);
  const { count } = error.data;
  return incidentLines(incidents(hits), { hits, of: typeof count === 'number' ? count : undefined });
}

function causesOf(error: AmdahlError): string[] {
  const causes: string[] = [];
  for (let cause = error.cause; cause instanceof Error && causes.length < CAUSES_SHOWN; cause = cause.cause) {
    // Several failures at once: each says more than the sentence that holds them together.
    const all: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
    const told = all.filter((one) => !(isAmdahlError(one) && all.length > 1 && hitOf(one) !== undefined));
    for (const one of told.slice(0, CAUSES_SHOWN)) {
      const text = describe(one);
      if (!error.message.includes(text)) causes.push(isAmdahlError(one) ? `${one.code}: ${text}` : text);
    }
  }
  return causes;
}

const OWN = new URL('../', import.meta.url).href;

/** The user's own frames: those of Node, of this package and of what parses its command line tell its author nothing. Paths are as short as they can be. */
function ownStack(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `  ${visible(describe(thrown))}`;
  const lines = visible(thrown.stack ?? describe(thrown)).split('\n');
  const kept = lines.filter((line) => !/^\s+at .*(?:\(?node:|node_modules\/commander\/)/.test(line) && !line.includes(OWN));
  const code = isAmdahlError(thrown) && !kept[0]?.includes(thrown.code) ? `${thrown.code}: ` : '';
  const root = `${process.cwd()}/`;
  return `${code}${kept.join('\n')}`.replaceAll(`file://${root}`, '').replaceAll(root, '');
}
