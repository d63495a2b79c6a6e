// Whether a path or an id occurs in a text as a whole, not as a part of a longer one. grounded.ts asks.

import type { Passage } from './evidence.ts';
import { plain } from './quotes.ts';

/** Lines longer than this are no entries of a listing. */
const ENTRY_CHARS_MAX = 300;

/** Forward slashes only, single ones but after a scheme. */
function slashed(text: string): string {
  const forward = text.includes('\\') ? text.replaceAll(/\\+/g, '/') : text;
  return forward.includes('//') ? forward.replaceAll(/(?<!:)\/{2,}/g, '/') : forward;
}

/**
 * Whether a path occurs as a whole path, as its last segments, as a folder it starts with, or as several listed
 * names put together (a folder and an entry of it). A line number after it is not judged. O(evidence).
 */
export function pathOccurs(written: string, passages: readonly Passage[]): boolean {
  const path = barePath(written);
  if (path === '' || path === '.' || path === '/') return true;
  if (passages.some((passage) => findPath(passage.as(slashed), path))) return true;
  const entries = new Set<string>();
  for (const passage of passages) if (!passage.raw) for (const line of passage.as(listing).split('\n')) entries.add(line);
  return isJoined(path, entries);
}

function barePath(written: string): string {
  const path = slashed(written.trim().replaceAll(/^["'`<(]+|["'`>)]+$/g, ''))
    .replace(/^file:\/+(?=\/|[A-Za-z]:)/, '')
    .replace(/(?::\d+(?:[:-]\d+)*|#L\d+(?:-L?\d+)?|\(\d+(?:,\d+)?\))$/, '')
    .replace(/^(?:\.\/)+/, '');
  return path.length > 1 ? path.replace(/\/+$/, '') : path;
}

const nameChar = /[\p{L}\p{N}_\-~@+%]/u;

function isName(char: string | undefined): boolean {
  return char !== undefined && nameChar.test(char);
}

function findPath(text: string, path: string): boolean {
  const isFile = /\.[\p{L}\p{N}]+$/u.test(path);
  for (let at = text.indexOf(path); at !== -1; at = text.indexOf(path, at + 1)) {
    const before = text[at - 1];
    const starts = before !== '.' && !isName(before) && before !== '/';
    const isSuffix = before === '/' && !path.startsWith('/');
    if (!starts && !isSuffix) continue;
    const end = at + path.length;
    const after = text[end];
    if (after === '/') {
      const endsThere = !isName(text[end + 1]) && text[end + 1] !== '.';
      if (endsThere || (starts && !isFile)) return true;
    } else if (after === '.' ? !isName(text[end + 1]) : !isName(after)) return true;
  }
  return false;
}

/** The lines of a text as entries of a listing: without tree lines, bullets and closing slashes. */
function listing(text: string): string {
  return slashed(text)
    .split('\n')
    .filter((line) => line.length <= ENTRY_CHARS_MAX)
    .map((line) =>
      line
        .replace(/^[\s│├└─|+`*-]*(?=\S)/u, '')
        .replace(/^(?:\.\/)+/, '')
        .trimEnd()
        .replace(/\/+$/, ''),
    )
    .join('\n');
}

function isJoined(path: string, entries: ReadonlySet<string>): boolean {
  const reached = [true];
  for (let end = 1; end <= path.length; end++) {
    if (end < path.length && path[end] !== '/') continue;
    reached[end] = false;
    for (let start = 0; start < end; start++) {
      if (reached[start] !== true) continue;
      const piece = start === 0 ? path.slice(0, end) : path.slice(start + 1, end);
      if (piece !== '' && entries.has(piece)) {
        reached[end] = true;
        break;
      }
    }
  }
  return reached[path.length] === true;
}

/** Whether an id occurs as a token of its own: `ORD-12` is not in `ORD-123`, nor in `ORD-12-B`. O(evidence). */
export function idOccurs(written: string, passages: readonly Passage[]): boolean {
  const whole = plain(written);
  const bare = whole.replaceAll(/^["'`<([#]+|["'`>)\].,;:]+$/g, '');
  const forms = [...new Set([whole, bare])].filter((form) => form !== '');
  return passages.some((passage) => forms.some((id) => findId(passage.as(plain), id)));
}

function findId(text: string, id: string): boolean {
  for (let at = text.indexOf(id); at !== -1; at = text.indexOf(id, at + 1)) {
    const end = at + id.length;
    if (!goesOn(text[at], text[at - 1], text[at - 2]) && !goesOn(id.at(-1), text[end], text[end + 1])) return true;
    if (isRange(text, at, end, id)) return true;
  }
  return false;
}

const idChar = /[\p{L}\p{N}_]/u;

/** Whether the token goes on beyond its edge: directly, or over one hyphen or dot. */
function goesOn(edge: string | undefined, next: string | undefined, beyond: string | undefined): boolean {
  if (edge === undefined || next === undefined || !idChar.test(edge)) return false;
  if (idChar.test(next)) return true;
  return (next === '-' || next === '.') && beyond !== undefined && idChar.test(beyond);
}

/** `T12-T19` names both: what stands beyond the hyphen has the same letters before its digits. */
function isRange(text: string, start: number, end: number, id: string): boolean {
  const letters = /^[\p{L}_-]+(?=\d)/u.exec(id)?.[0];
  if (letters === undefined) return false;
  const fromHere = text[end] === '-' && text.startsWith(letters, end + 1) && !goesOn(text[start], text[start - 1], text[start - 2]);
  const toHere =
    new RegExp(`${letters}\\d+-$`, 'u').test(text.slice(Math.max(0, start - 64), start)) && !goesOn(id.at(-1), text[end], text[end + 1]);
  return fromHere || toHere;
}
