// A JSON value as people read it: a line per property, texts of several lines as they are, and receipts marked, because something
// else will stand there. Pure; called where somebody is asked whether exactly this may be.

import type { Colors } from 'picocolors/types.js';
import type { Json } from '../agent/canonical.ts';
import { countText, many, visible, widthOf, wrapText } from './quantities.ts';

export interface ValueTextOptions {
  /** Columns for a line. */
  readonly room: number;
  readonly colors: Colors;
  /** More lines than this are counted. */
  readonly linesMax: number;
}

const INDENT = '  ';
/** Deeper values are one line of JSON. */
const DEPTH_MAX = 6;

/** Lines of at most `room` columns, but for words that are longer. */
export function valueLines(value: Json, options: ValueTextOptions): string[] {
  const lines = [...linesOf(value, options.room, 0)].map((line) => marked(line, options.colors));
  const more = lines.length - options.linesMax;
  return more <= 0
    ? lines
    : [...lines.slice(0, options.linesMax), options.colors.dim(`… ${many(more, 'more line')} (--json has them all)`)];
}

function* linesOf(value: Json, room: number, depth: number): Generator<string> {
  if (Array.isArray(value) && value.length > 0 && !isShort(value, room) && depth < DEPTH_MAX)
    for (const item of value as readonly Json[]) {
      const [first = '', ...more] = [...linesOf(item, room - 2, depth + 1)];
      yield `- ${first}`;
      for (const line of more) yield INDENT + line;
    }
  else if (isObject(value) && Object.keys(value).length > 0 && (depth === 0 || !isShort(value, room)) && depth < DEPTH_MAX)
    for (const [name, part] of Object.entries(value)) yield* propertyLines(name, part, room, depth);
  else yield* leafLines(value, room);
}

function* propertyLines(name: string, value: Json, room: number, depth: number): Generator<string> {
  const lead = `${nameText(name)}: `;
  if (isShort(value, room - widthOf(lead))) {
    yield lead + shortText(value);
    return;
  }
  yield lead.trimEnd();
  for (const line of linesOf(value, room - INDENT.length, depth + 1)) yield INDENT + line;
}

/** What could be taken for more than a name stands in quotes, in one line. */
function nameText(name: string): string {
  return /^[\p{L}\p{N}_$][\p{L}\p{N}_$.\- ]*$/u.test(name) ? name : visible(JSON.stringify(name));
}

/** A text as it is, wrapped; behind a bar, so that it is seen where it ends. */
function* leafLines(value: Json, room: number): Generator<string> {
  if (typeof value !== 'string' || isShort(value, room)) yield* wrapText(shortText(value), room, '');
  else for (const line of visible(value).split('\n')) yield* wrapText(line, room, '│ ');
}

function isShort(value: Json, room: number): boolean {
  // A text of several lines is read as such, wherever it stands.
  const text = shortText(value);
  return !text.includes('\\n') && widthOf(text) <= room;
}

/** A text that is nothing but a receipt stands for a value, not for text. */
function shortText(value: Json): string {
  return typeof value === 'string' && /^\[receipt:[^\]]+\]$/.test(value) ? visible(value) : visible(JSON.stringify(value));
}

function isObject(value: Json): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function marked(line: string, colors: Colors): string {
  return line.replace(/\[receipt:[^\]]+\]/g, (receipt) => colors.cyan(receipt));
}

/** How large a value is, where it is not shown. */
export function sizeText(value: Json): string {
  return `${countText(JSON.stringify(value).length)} characters`;
}
