// What can be read of JSON that is still being written: the value so far, without what may yet become something else.
// Called by run/handle.ts for `partial`. It is for showing only: what counts is read whole (mend.ts).

import type { Json } from '../agent/canonical.ts';

/** The value so far of a text that holds one JSON value, if anything can be told of it. Pure; O(n). */
export function partialJson(text: string): Json | undefined {
  const start = text.search(/[[{"]/);
  if (start < 0) return undefined;
  return read(complete(text.slice(start)));
}

function read(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json; // JSON.parse gives JSON
  } catch {
    return undefined;
  }
}

/** Closes what is open, and leaves out a key without a value, a number or word that may go on, half an escape. */
function complete(text: string): string {
  const closers: string[] = [];
  /** Up to here everything is whole, and what would have to be closed after it. */
  let whole = { at: 0, closers: '' };
  const mark = (at: number): void => {
    whole = { at, closers: closers.toReversed().join('') };
  };
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '"') {
      const end = endOfString(text, at);
      const isKey = closers.at(-1) === '}' && /[{,]\s*$/.test(text.slice(Math.max(0, at - 200), at));
      if (end === undefined) return isKey ? text.slice(0, whole.at) + whole.closers : openString(text, at) + closers.toReversed().join('');
      at = end;
      if (!isKey) mark(end + 1);
    } else if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']');
      mark(at + 1);
    } else if (char === '}' || char === ']') {
      closers.pop();
      mark(at + 1);
      if (closers.length === 0) break;
    } else if (/[\s,]/.test(char) && /[\w.]$/.test(text.slice(whole.at, at))) {
      mark(at);
    }
  }
  return text.slice(0, whole.at) + whole.closers;
}

/** Where the string that opens at `start` closes. */
function endOfString(text: string, start: number): number | undefined {
  for (let at = start + 1; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === '"') return at;
  }
  return undefined;
}

/** Up to the end of the text, with the string that is open closed, without half an escape or half a character at its end. */
function openString(text: string, start: number): string {
  const inside = text.slice(start).replace(/(?<!\\)((?:\\\\)*)\\(?:u[\dA-Fa-f]{0,3})?$/, '$1');
  return `${text.slice(0, start)}${inside.replace(/(?:\\u[dD][89abAB][\dA-Fa-f]{2}|[\uD800-\uDBFF])$/, '')}"`;
}
