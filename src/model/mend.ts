// JSON out of what a model wrote. The tool loop reads typed outputs with it. It takes off what stands around a value
// (fences, prose) and repairs its syntax, and never adds content:
// M1 a text that is cut off inside a value is never read, so no strict prefix of an object's text is;
// M2 what is read has the letters and digits of what was written, in the same order, and of every string its punctuation.

import { jsonrepair } from 'jsonrepair';
import type { Json } from '../agent/canonical.ts';
import { describe } from '../agent/errors.ts';

/** `why` is 'cut off', or words that a model can act on. `mended` says that the text was more than plain JSON. */
export type ReadJson = { readonly ok: true; readonly value: Json; readonly mended: boolean } | { readonly ok: false; readonly why: string };

/**
 * The one value a text carries: all of it, what its last fence holds, or the last complete object in it (a list where
 * there is no object). Pure; O(n).
 */
export function readJson(text: string): ReadJson {
  const plain = parse(text);
  if (plain.ok) return plain;
  const only = /^\s*```[^\n`]*\n([\s\S]*)\n[ \t]*```\s*$/.exec(text)?.[1];
  const inside = only === undefined ? plain : parse(only);
  if (inside.ok) return { ...inside, mended: true };
  const found = findValues(text);
  if (found.trouble !== undefined) return { ok: false, why: found.trouble };
  if (found.values.length === 0) return { ok: false, why: 'there is no JSON object or list in the text' };
  return lastFence(text) ?? lastOf(found.values);
}

function parse(text: string): ReadJson {
  try {
    return { ok: true, value: JSON.parse(text.trim()) as Json, mended: false }; // what JSON.parse returns is JSON
  } catch (error) {
    return { ok: false, why: `it is not valid JSON: ${describe(error)}` };
  }
}

function lastFence(text: string): ReadJson | undefined {
  const fences = [...text.matchAll(/^[ \t]*```[^\n`]*\n([\s\S]*?)\n[ \t]*```[ \t]*$/gm)].toReversed();
  for (const [, content = ''] of fences) {
    const read = parse(content);
    if (read.ok && typeof read.value === 'object' && read.value !== null) return { ...read, mended: true };
  }
  return undefined;
}

/** Lists come after objects: prose has lists of its own ([1] for a source, [ ] for a box), and rarely objects. */
function lastOf(values: readonly string[]): ReadJson {
  const latest = values.toReversed();
  let why = '';
  for (const opener of ['{', '[']) {
    const candidates = latest.filter((value) => value.startsWith(opener));
    for (const read of [parse, repair]) {
      for (const candidate of candidates) {
        const answer = read(candidate);
        if (answer.ok) return { ...answer, mended: true };
        why = answer.why;
      }
    }
  }
  return { ok: false, why };
}

function repair(candidate: string): ReadJson {
  try {
    const written = withoutComments(candidate);
    const repaired = jsonrepair(written);
    if (contentOf(repaired) !== contentOf(written) || !keepsStrings(written, repaired)) {
      return { ok: false, why: 'it is not valid JSON, and something is missing or too much: write the whole value, with nothing left out' };
    }
    return { ok: true, value: JSON.parse(repaired) as Json, mended: true }; // what JSON.parse returns is JSON
  } catch (error) {
    return { ok: false, why: `it is not valid JSON: ${describe(error)}` };
  }
}

/** Letters, digits, minus signs and ellipses in order: what a repair of syntax leaves alone (M2). */
function contentOf(text: string): string {
  return text
    .replaceAll(/\\[nrtbf]/g, '') // a raw line break in a string becomes an escaped one
    .replaceAll(/\b(?:None|undefined)\b/g, 'null')
    .replaceAll('...', '…')
    .replaceAll(/[^\p{L}\p{N}…-]/gu, '')
    .toLowerCase(); // True and False
}

/** Whether every string of `written` still says what it said, one after the other: a repair may take its end for another's. */
function keepsStrings(written: string, repaired: string): boolean {
  const all = stringsOf(repaired).join('');
  let from = 0;
  return stringsOf(written).every((string) => {
    const at = all.indexOf(string, from);
    from = at + string.length;
    return at !== -1;
  });
}

/** The strings of a text, in order, without what a repair may add to them: quotes, escapes and space. */
function stringsOf(text: string): readonly string[] {
  const strings: string[] = [];
  let before = '';
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? '';
    const end = endOfToken(text, at, before);
    if (end !== at && char !== '/') strings.push(text.slice(at + 1, end).replaceAll(/\\[nrtbf]|["'`“”‘’\\\s]/g, ''));
    at = end;
    if (char.trim() !== '') before = char;
  }
  return strings;
}

interface FoundValues {
  readonly values: readonly string[];
  readonly trouble: string | undefined;
}

/** The outermost objects and lists of a text. A value that opens like JSON and never closes is trouble (M1). */
function findValues(text: string): FoundValues {
  const values: string[] = [];
  for (let at = 0; at < text.length; at++) {
    if (!opensLikeJson(text, at)) continue;
    const end = endOfValue(text, at);
    if (end === 'prose') continue;
    if (end === 'cut off') return { values, trouble: 'cut off' };
    if (end === 'mismatched') return { values, trouble: 'it is not valid JSON: its brackets do not match' };
    values.push(text.slice(at, end));
    at = end - 1;
  }
  return { values, trouble: undefined };
}

const objectOpening = /\{\s*(?:$|["'}“/]|[\p{L}_$][\p{L}\p{N}_$-]*\s*(?:$|:))/uy;
const listOpening = /\[\s*(?:$|["'{[\]“/]|-?\d|(?:true|false|null|True|False|None)\b)/uy;

function opensLikeJson(text: string, at: number): boolean {
  const char = text[at];
  if (char !== '{' && char !== '[') return false;
  const opening = char === '{' ? objectOpening : listOpening;
  opening.lastIndex = at;
  return opening.test(text);
}

const closerOf: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** Where the value that opens at `start` ends (exclusive). */
function endOfValue(text: string, start: number): number | 'cut off' | 'mismatched' | 'prose' {
  const closers: string[] = [];
  let before = '';
  for (let at = start; at < text.length; at++) {
    const char = text[at] ?? '';
    const end = endOfToken(text, at, before);
    if (end !== at) at = end;
    else if (closerOf[char] !== undefined) closers.push(closerOf[char]);
    else if (char === '}' || char === ']') {
      if (closers.pop() !== char) return 'mismatched';
      if (closers.length === 0) return at + 1;
    } else if (char === ')' && closers.length === 1 && text[start] === '[') return 'prose'; // an interval: [0, 1)
    if (char.trim() !== '') before = char;
  }
  return 'cut off';
}

function withoutComments(value: string): string {
  if (!value.includes('/')) return value;
  let kept = '';
  let before = '';
  for (let at = 0; at < value.length; at++) {
    const char = value[at] ?? '';
    const end = endOfToken(value, at, before);
    if (end === at || char !== '/') kept += value.slice(at, end + 1);
    else kept += ' ';
    at = end;
    if (char.trim() !== '') before = char;
  }
  return kept;
}

/** The last index of the string or comment that starts at `at`; `at` where none does. `before` is the last character that was not space. */
function endOfToken(text: string, at: number, before: string): number {
  const char = text[at] ?? '';
  if (char === '"' || ((char === "'" || char === '`') && '{[,:'.includes(before))) return endOfString(text, at, char);
  return char === '/' && before !== ':' ? endOfComment(text, at) : at;
}

function endOfString(text: string, start: number, quote: string): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === quote) return at;
  }
  return text.length;
}

function endOfComment(text: string, start: number): number {
  const close = text[start + 1] === '/' ? '\n' : text[start + 1] === '*' ? '*/' : undefined;
  if (close === undefined) return start;
  const end = text.indexOf(close, start + 2);
  return end === -1 ? text.length : end + close.length - 1;
}
