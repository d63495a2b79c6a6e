// Numbers, money, time and text as people read them in a terminal. Pure; called by everything in cli that prints.

import { stripVTControlCharacters } from 'node:util';

/** 7, 999, 1.2k, 41k, 1.2M: at most five characters up to a trillion. */
export function countText(count: number): string {
  for (const [unit, sign] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    // 999,950 would round to "1000k".
    if (count >= unit * 0.9995 && count >= 1_000) {
      const scaled = count / unit;
      return `${scaled < 99.95 ? scaled.toFixed(1).replace(/\.0$/, '') : Math.round(scaled)}${sign}`;
    }
  }
  return String(Math.round(count));
}

/** A number that is read as such: in full below 10,000, then as countText has it. */
export function amountText(count: number): string {
  return count < 10_000 ? String(Math.round(count)) : countText(count);
}

/** Micro-dollars as dollars: cents where there are any, otherwise as many digits as it takes to see two. */
export function usdText(micros: number): string {
  const dollars = micros / 1e6;
  if (micros === 0) return '$0';
  if (dollars >= 0.995) return `$${dollars.toFixed(2)}`;
  const digits = Math.min(6, 1 - Math.floor(Math.log10(dollars)));
  return `$${dollars.toFixed(Math.max(2, digits))}`;
}

/** What requests cost, where some of them may have no known price. */
export function costText(usdMicros: number, unpriced: number): string {
  if (unpriced === 0) return usdText(usdMicros);
  return usdMicros === 0 ? 'price unknown' : `${usdText(usdMicros)} + unpriced`;
}

/** 40 ms, 3.2 s, 45 s, 2m 05s, 3h 20m, 2d 4h. */
export function timeText(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 9_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m ${String(seconds % 60).padStart(2, '0')}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}h ${String(minutes % 60).padStart(2, '0')}m` : `${Math.floor(hours / 24)}d ${hours % 24}h`;
}

/** "just now", "5 min ago", "3 h ago", or the day. */
export function agoText(at: number, now: number): string {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return momentText(at).slice(0, 10);
}

/** Local time to the second, sortable: 2026-03-01 14:05:09. */
export function momentText(at: number): string {
  const date = new Date(at - new Date(at).getTimezoneOffset() * 60_000);
  return date.toISOString().slice(0, 19).replace('T', ' ');
}

/** Local time of day to the second: 14:05:09. */
export function clockText(at: number): string {
  return momentText(at).slice(11);
}

/** "1 call", "3 calls". */
export function many(count: number, one: string, more: string = `${one}s`): string {
  return `${count < 10_000 ? count : countText(count)} ${count === 1 ? one : more}`;
}

/** At most `width` characters. The middle goes, for what tells paths apart stands at their ends. */
export function clipPath(text: string, width: number): string {
  const chars = [...text];
  if (chars.length <= width) return text;
  if (width <= 1) return '…'.slice(0, Math.max(0, width));
  const tail = Math.ceil((width - 1) / 2);
  return `${chars.slice(0, width - 1 - tail).join('')}…${chars.slice(chars.length - tail).join('')}`;
}

/** At most `width` characters of one line: control characters and line breaks become blanks, the end goes. */
export function clipLine(text: string, width: number): string {
  const line = visible(text).replace(/\s+/g, ' ').trim();
  const chars = [...line];
  return chars.length <= width ? line : `${chars.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/**
 * Text from models, tools, people and files without what could steer a terminal, or turn the order around in which it is read
 * (Unicode's bidirectional controls). Line breaks and tabs stay.
 */
export function visible(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what this is about
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (char) => (char === '\r' ? '' : '\uFFFD'));
}

/** The same as a part of a line: nobody's name begins a line of its own. */
export function visibleInLine(text: string): string {
  return visible(text).replace(/\s+/g, ' ');
}

/** Lines of at most `width` characters, each behind `indent`, broken between words where there are any. */
export function wrapText(text: string, width: number, indent: string): string[] {
  const room = Math.max(20, width - indent.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && widthOf(line) + 1 + widthOf(word) > room) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(indent + line);
  return lines;
}

/** Columns a text takes, colour codes not counted: right for everything but wide scripts and emoji. */
export function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
