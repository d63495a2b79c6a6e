// The lines of a cassette: one interaction each, as they are written and read. Called by the cassette and its deck. Pure.
// What a killed process left unfinished is skipped and counted.

import { canonical, hash } from '../agent/canonical.ts';
import { AmdahlError } from '../agent/errors.ts';
import { type Redact, redacted } from './cassetteRedact.ts';
import { isAnswer, type RecordedAnswer } from './cassetteReply.ts';
import { comparable, type RecordedRequest } from './cassetteRequest.ts';

export interface Line {
  /** Of the file, from 1. */
  readonly row: number;
  readonly take: number;
  /** What the recording called the take, where it said so. */
  readonly name: string | undefined;
  /** Which of the equal requests of its take this is, from 0, in the order in which they were asked. */
  readonly nth: number;
  readonly request: RecordedRequest;
  readonly answer: RecordedAnswer;
}

/** What a file held when it was read. `take` is its last one, 0 for none; `torn` counts lines that were not finished. */
export interface Recording {
  readonly lines: readonly Line[];
  readonly take: number;
  readonly name: string | undefined;
  readonly torn: number;
}

const VERSION = 1;
/** Written below a line that a killed process left unfinished, so that later readers know it. */
const TORN_ABOVE = JSON.stringify({ v: VERSION, torn: 'the line above was not finished' });

/** A line as it is written; `afterTorn` below one that was not finished. */
export function lineText({ take, name, nth, request, answer }: Omit<Line, 'row'>, afterTorn: boolean): string {
  const text = `${JSON.stringify({ v: VERSION, take, name, nth, request, ...answer })}\n`;
  return afterTorn ? `\n${TORN_ABOVE}\n${text}` : text;
}

/** What a file holds. @throws AmdahlError MISCONFIGURED for one that is damaged, or of a later version. O(size). */
export function parseLines(content: string, path: string, redact: Redact): Recording {
  // Version control may end lines as Windows does.
  const texts = content.split(/\r?\n/);
  const lines: Line[] = [];
  let torn = 0;
  for (const [index, text] of texts.entries()) {
    if (text.trim() === '' || text === TORN_ABOVE) continue;
    const line = lineOf(text, index + 1, path, redact);
    if (line !== undefined) lines.push(line);
    else if (index === texts.length - 1 || texts[index + 1] === TORN_ABOVE) torn += 1;
    else throw damaged(path, index + 1);
  }
  const take = lines.reduce((most, line) => Math.max(most, line.take), 0);
  const name = lines.findLast((line) => line.take === take && line.name !== undefined)?.name;
  return { lines, take, name, torn };
}

/** Undefined where a line is no JSON. Redacted again: the keys of this machine may be others than those of the recording. */
function lineOf(text: string, row: number, path: string, redact: Redact): Line | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof line !== 'object' || line === null || !('v' in line)) throw damaged(path, row);
  if (line.v !== VERSION) {
    const what = `has version ${JSON.stringify(line.v)} in line ${row}; version ${VERSION} is understood`;
    throw misconfigured(path, what, 'Update amdahl, or record anew.');
  }
  const { take, name, nth, request } = { take: -1, name: undefined, nth: -1, request: undefined, ...line };
  if (!isCount(take) || !isCount(nth) || typeof request !== 'object' || request === null || !isAnswer(line)) throw damaged(path, row);
  return {
    row,
    take,
    name: typeof name === 'string' ? name : undefined,
    nth,
    request: comparable(redacted(request, redact) as RecordedRequest), // an object stays one
    answer: 'reply' in line ? { reply: line.reply } : { parts: line.parts },
  };
}

/** How a cassette is called in messages. */
export function nameOf(path: string): string {
  return `The cassette '${path}'`;
}

export function misconfigured(path: string, what: string, advice: string, cause?: unknown): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `${nameOf(path)} ${what}. ${advice}`, {
    data: { file: path },
    ...(cause === undefined ? {} : { cause }),
  });
}

function damaged(path: string, row: number): AmdahlError {
  return misconfigured(
    path,
    `is damaged: line ${row} is no interaction`,
    'Restore it, remove the line, or delete the file and record anew.',
  );
}

/** The same for equal requests, and for no others. */
export function keyOf(request: RecordedRequest): string {
  return hash(canonical(request));
}

export function tornText({ torn }: Recording): string {
  return torn === 1
    ? 'a line that was not finished (its writer was killed) is left out'
    : `${torn} lines that were not finished (their writers were killed) are left out`;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
