// Whether a quote occurs in a text, under what quoting does to it: white space, typography, ellipses, the marks that
// stand at the lines of diffs, listings and comments, and the marks of Markdown and HTML. grounded.ts asks, and placeholder.ts
// uses the plain form. Case, words, digits and their order must be the same.

import type { Passage } from './evidence.ts';

/** Parts shorter than this must stand between word boundaries: a few letters occur inside words everywhere. */
const SHORT = 8;

/** White space as single spaces, quotes and dashes of any kind as ' " -, "…" as "...". Pure; O(n). */
export function plain(text: string): string {
  const ascii = isAscii(text) ? text : toAscii(text);
  // Lone spaces, which are most of them, are left where they are.
  return ascii.replaceAll(/\s{2,}|[^\S ]/g, ' ').trim();
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}

function toAscii(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/[\u200b-\u200d\u2060\ufeff\u00ad]/g, '')
    .replaceAll(/[‘’‚‛′´]/g, "'")
    .replaceAll(/[“”„‟″«»‹›]/g, '"')
    .replaceAll(/[‐‑‒–—―−]/g, '-');
}

/** Marks that documents put around words, and not between them: quote marks, emphasis, escapes, entities, hyphenation. */
function inlineLoose(text: string): string {
  const words = text
    .replaceAll(/(\p{L})[-\u00ad]\r?\n[ \t]*(\p{Ll})/gu, '$1$2')
    .replaceAll(/(?<=^|[\s("'*`>|[-])(_{1,2})(?=[^\s_])([^_\n]{0,300}[^\s_])\1(?![\p{L}\p{N}_])/gmu, '$2')
    .replaceAll(/&(?:amp|lt|gt|quot|apos|nbsp|#39);/g, (entity) => entities[entity] ?? entity);
  return plain(
    plain(words)
      .replaceAll(/["'*`\\]+|~~/g, '')
      .replaceAll(/(?<=\s|^)(?:\/\/+|\/(?=\s|$))(?=\s|$)/g, ' ')
      .replaceAll(/ ?-+ ?/g, '-'),
  );
}

const entities: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&apos;': "'",
  '&#39;': "'",
  '&nbsp;': ' ',
};

type Form = (text: string) => string;

/** Line numbers of a listing. */
const numberMarks = /^[ \t]*\d+(?:\t| *[:|→][ \t]?)/gm;
/** What stands before the words of a line: bullets, quotes, headings, comments, the bars of trees, the signs of a diff. */
const lineMarks = /^[ \t]*(?:[+-](?=[^\s+-])|(?:(?:[+\->|│#]+|\/\/+!?|\/?\*+\/?)(?=\s|$)|\/\*+|\/\/+)[ \t]*)+|(?<!\*)\*+\/[ \t]*$/gm;

const withoutNumbers: Form = (text) => text.replaceAll(numberMarks, '');
const withoutLineMarks: Form = (text) => withoutNumbers(text).replaceAll(lineMarks, '');
const diffAfter: Form = (text) => text.replaceAll(/^-.*\n?/gm, '').replaceAll(/^\+/gm, '');
const diffBefore: Form = (text) => text.replaceAll(/^\+.*\n?/gm, '').replaceAll(/^-/gm, '');
/** Links without their targets, and nothing else. */
const withoutTargets: Form = (text) =>
  text.replaceAll(/!?\[((?:[^[\]]|\[[^[\]]{0,100}\]){0,300})\](?:\([^()\s]{0,500}(?:\s"[^"]{0,200}")?\)|\[[^[\]]{0,100}\])/g, '$1');
/** Tags without what stands in their brackets. */
const withoutTags: Form = (text) =>
  text.replaceAll(/<((?:https?|mailto):[^<>\s]{1,300})>/g, '$1').replaceAll(/<\/?[a-zA-Z][^<>]{0,300}>/g, '');

const same: Form = (text) => text;

interface Reading {
  readonly given: Form;
  readonly quoted: Form;
  readonly when: readonly RegExp[];
}

/** A text is read in each of these ways, and the quote in the same one: with and without what stands before its lines. */
const readings: readonly Reading[] = readingsOf();

function readingsOf(): readonly Reading[] {
  const texts: readonly (readonly [Form, RegExp?])[] = [
    [same],
    [withoutNumbers, /^[ \t]*\d+(?:\t| *[:|→])/m],
    [diffAfter, /^[+-]/m],
    [diffBefore, /^[+-]/m],
  ];
  const hasTargets = /\]\(|\]\[/;
  const hasTags = /<[a-zA-Z/]/;
  const marks: readonly (readonly [Form, ...RegExp[]])[] = [
    [same],
    [withoutTargets, hasTargets],
    [withoutTags, hasTags],
    [(text) => withoutTags(withoutTargets(text)), hasTargets, hasTags],
  ];
  return [withoutLineMarks, same].flatMap((lines) =>
    texts.flatMap(([text, whenText]) =>
      marks.map(([mark, ...whenMark]): Reading => {
        return {
          given: (given) => inlineLoose(lines(mark(text(given)))),
          quoted: (quote) => inlineLoose(lines(quote)),
          when: [whenText, ...whenMark].filter((one) => one !== undefined),
        };
      }),
    ),
  );
}

/** JSON is laid out in many ways: without white space all of them are the same. */
function dense(text: string): string {
  return plain(text).replaceAll(' ', '');
}

/** Whether a quote occurs in one of the passages. Pure but for what the passages remember; O(evidence). */
export function quoteOccurs(quote: string, passages: readonly Passage[]): boolean {
  const exact = plain(quote);
  const asWritten = partsOf(exact);
  if (passages.some((passage) => occurs(passage.as(plain), [exact]) || occurs(passage.as(plain), asWritten))) return true;
  if (occursLoosely(quote, passages)) return true;
  if (!/[{}[\]":]/.test(quote)) return false;
  const densely = partsOf(dense(quote));
  return passages.some((passage) => passage.raw && occurs(passage.as(dense), densely));
}

function occursLoosely(quote: string, passages: readonly Passage[]): boolean {
  const bare = quote.replaceAll(/^(?:\s|["'`“”‘’«»„…]|\.{3})+(?=\S)|(?:["'`“”‘’«»…]|\.{3})+\s*$/g, '');
  const texts = passages.filter((passage) => !passage.raw);
  return readings.some(({ given, quoted, when }) => {
    const applies = texts.filter(({ text }) => when.every((sign) => sign.test(text)));
    if (applies.length === 0) return false;
    const parts = partsOf(quoted(bare));
    return applies.some((passage) => occurs(passage.as(given), parts));
  });
}

const ellipsis = / ?(?:\[ ?\.{3} ?\]|\( ?\.{3} ?\)|\.{3,}|(?:\. ){2,}\.) ?/;
const outerMarks = /^["'`([]+\s*(?=\S)|\s*["'`)\].,;:!?]+$/g;

/** What must occur in order: the quote without the marks around it, cut where it leaves something out. */
function partsOf(quote: string): readonly string[] {
  const parts = quote
    .split(ellipsis)
    .map((part) => withoutOuterMarks(part.trim()))
    .filter((part) => part !== '');
  return parts;
}

function withoutOuterMarks(part: string): string {
  const bare = part.replaceAll(outerMarks, '').trim();
  return /[\p{L}\p{N}]/u.test(bare) ? bare : part;
}

function occurs(text: string, parts: readonly string[]): boolean {
  let from = 0;
  for (const part of parts) {
    const at = find(text, part, from);
    if (at === -1) return false;
    from = at + part.length;
  }
  return parts.some((part) => part !== '');
}

function find(text: string, part: string, from: number): number {
  let at = text.indexOf(part, from);
  if (part.length >= SHORT) return at;
  while (at !== -1 && !standsAlone(text, at, at + part.length)) at = text.indexOf(part, at + 1);
  return at;
}

/** Whether no letter or digit goes on beyond either end. Scripts that write without spaces are not judged by it. Pure. */
export function standsAlone(text: string, start: number, end: number): boolean {
  return !(joins(text[start - 1]) && joins(text[start])) && !(joins(text[end - 1]) && joins(text[end]));
}

function joins(char: string | undefined): boolean {
  return char !== undefined && /[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{N}_]/u.test(char);
}
