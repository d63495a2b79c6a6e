// Quotes as a careful model writes them: the words of a file, with the variation that models make and that is still
// correct. Called by the answers of the grounding evaluation. What a variation may do is written here alone.

import type { Dice } from '../src/modelServer/dice.ts';
import { between, oneOf } from '../src/modelServer/dice.ts';

/** A stretch of a text, and how an answer writes it. */
export interface Quoted {
  readonly exact: string;
  readonly written: string;
}

type Variation = (random: Dice, text: string) => string;

/** One to four lines of code, with a variation. */
export function codeQuote(random: Dice, text: string): Quoted {
  const lines = text.split('\n');
  for (let tries = 0; tries < 200; tries += 1) {
    const start = between(random, 0, lines.length - 1);
    const exact = trimmedLines(lines.slice(start, start + between(random, 1, 4)));
    if (exact.length < 400 && letters(exact) >= 12) return { exact, written: varied(random, exact, CODE_VARIATIONS) };
  }
  throw new Error('No lines of code to quote were found.');
}

/** Five to thirty words in a row of one paragraph, with a variation. */
export function proseQuote(random: Dice, text: string): Quoted {
  const paragraphs = paragraphsOf(text);
  const paragraph = oneOf(random, paragraphs);
  const words = [...paragraph.matchAll(/\S+/g)];
  const says = (index: number): boolean => /[\p{L}\p{N}]/u.test(words[index]?.[0] ?? '');
  const starts = words.flatMap((_, index) => (index === 0 || /[.:;]$/.test(words[index - 1]?.[0] ?? '') ? [index] : []));
  const start = oneOf(
    random,
    starts.filter((index) => index <= words.length - 5),
  );
  let end = Math.min(words.length, start + between(random, 5, 30)) - 1;
  while (!says(end) && end > start) end -= 1;
  const [first, last] = [words[start], words[end]];
  if (first === undefined || last === undefined) throw new Error('A paragraph of five words has a first and a last.');
  const exact = paragraph.slice(first.index, last.index + last[0].length);
  if (/^[^[]*\]\(|\[[^\]]*$/.test(exact)) return { exact: paragraph, written: paragraph }; // nobody begins or ends inside a link
  return { exact, written: varied(random, exact, PROSE_VARIATIONS) };
}

/** Paragraphs of running text: neither code, tables, badges nor lists of links. */
export function paragraphsOf(text: string): readonly string[] {
  const blocks = text.replaceAll(/^ *(```|~~~)[^]*?^ *\1.*$/gm, '\n').split(/\n\s*\n/);
  const running = blocks.filter(
    (block) =>
      !/^\s*[|<]|^ {4}|!\[|<img|\[\]\(/m.test(block) && (block.match(/\]\(/g)?.length ?? 0) < 4 && (block.match(/\S+/g)?.length ?? 0) >= 8,
  );
  if (running.length === 0) throw new Error('No paragraph of running text was found.');
  return running.map((block) => block.trim());
}

function letters(text: string): number {
  return text.match(/[a-zA-Z]/g)?.length ?? 0;
}

function trimmedLines(lines: readonly string[]): string {
  return lines.join('\n').replaceAll(/^(?:\s*\n)+|\s+$/g, '');
}

function varied(random: Dice, text: string, variations: readonly Variation[]): string {
  let written = text;
  const count = oneOf(random, [0, 1, 1, 1, 2]);
  for (let done = 0; done < count; done += 1) written = oneOf(random, variations)(random, written);
  return written;
}

const oneLine: Variation = (_, text) => text.replaceAll(/\s+/g, ' ').trim();
const dedented: Variation = (_, text) => text.replaceAll(/^[ \t]+/gm, '');
const wrapped: Variation = (random, text) => {
  const [open, close] = oneOf(random, ['""', '“”', "''", '``', '«»', '‘’']).split('');
  return `${open}${text}${close}`;
};
const curly: Variation = (_, text) =>
  text
    .replaceAll(/(^|[\s(])"/g, '$1“')
    .replaceAll('"', '”')
    .replaceAll("'", '’');
const unmarked: Variation = (_, text) =>
  text
    .replaceAll(/!?\[([^[\]]*)\]\([^()\s]*\)/g, '$1')
    .replaceAll(/\[([^[\]]+)\]\[[^[\]]*\]/g, '$1')
    .replaceAll(/\\[*_]|\*\*|~~|`/g, '')
    .replaceAll(/(?<![\w/])__([^_\n]+)__(?!\w)/g, '$1')
    .replaceAll(/(^|[\s(])[*_](\S[^*_\n]*)[*_](?=[\s).,;:]|$)/g, '$1$2')
    .replaceAll(/^(?:#+|>|[-*+])\s+/gm, '');
const dashed: Variation = (_, text) => text.replaceAll(/ - | – | -- /g, ' — ');
const endless: Variation = (_, text) => text.replace(/[.,;:]$/, '');
const ended: Variation = (_, text) => (/[\p{L}\p{N}]$/u.test(text) ? `${text}.` : text);
const uncommented: Variation = (_, text) => text.replaceAll(/^[ \t]*(?:\/\/|\*(?!\/)|\/\*\*?)[ \t]?/gm, '').replaceAll(/[ \t]*\*\/$/gm, '');
const typographic: Variation = (_, text) => text.replaceAll('...', '…');

const LEFT_OUT = [' ... ', ' … ', ' [...] ', ' […] ', '... ', '… '];
const shortened: Variation = (random, text) => {
  const words = [...text.matchAll(/\S+/g)];
  if (/\[[^\]]*$/.test(text)) return text; // nobody ends inside a link
  if (words.length < 9) return `${text}${oneOf(random, ['...', '…', ' ...'])}`;
  const from = between(random, 3, words.length - 5);
  const to = between(random, from + 1, words.length - 3);
  const head = words[from - 1];
  const tail = words[to];
  if (head === undefined || tail === undefined) return text;
  const left = text.slice(head.index + head[0].length, tail.index);
  if (/\]\(|[[\]]/.test(left) || !/[\p{L}\p{N}]/u.test(head[0])) return text; // nobody leaves out half a link
  return `${text.slice(0, head.index + head[0].length)}${oneOf(random, LEFT_OUT)}${text.slice(tail.index)}`;
};
const begun: Variation = (_, text) => `…${text}`;

const CODE_VARIATIONS: readonly Variation[] = [oneLine, dedented, wrapped, shortened, uncommented, endless, begun];
const PROSE_VARIATIONS: readonly Variation[] = [
  oneLine,
  oneLine,
  wrapped,
  curly,
  unmarked,
  unmarked,
  dashed,
  endless,
  ended,
  shortened,
  shortened,
  typographic,
  begun,
];
