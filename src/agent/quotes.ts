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

/** The plain form without what documents wrap around words: line marks, emphasis, quote marks, tags, hyphenation. */
function loose(text: string): string {
  return loosen(withoutTags(text));
}

function loosen(text: string): string {
  const words = text
    .replaceAll(/^[ \t]*(?:\d+[ \t]*[:|→\t][ \t]?|[+\->|│#]+[ \t]|\/\/+|\*+[ \t]|[+-](?=\S))/gm, '')
    .replaceAll(/(\p{L})[-\u00ad]\r?\n[ \t]*(\p{Ll})/gu, '$1$2')
    .replaceAll(/&(?:amp|lt|gt|quot|apos|nbsp|#39);/g, (entity) => entities[entity] ?? entity);
  return plain(
    plain(words)
      .replaceAll(/["'*`\\]+/g, '')
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

/** Tags without their brackets' content, Markdown links without their targets. */
function withoutTags(text: string): string {
  return text.replaceAll(/<\/?[a-zA-Z][^<>]{0,300}>/g, '').replaceAll(/!?\[([^[\]]{0,300})\]\([^()\s]{0,500}\)/g, '$1');
}

function diffAfter(text: string): string {
  return loosen(text.replaceAll(/^-.*\n?/gm, ''));
}

function diffBefore(text: string): string {
  return loosen(text.replaceAll(/^\+.*\n?/gm, ''));
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
  const loosely = partsOf(loosen(quote));
  if (passages.some((passage) => !passage.raw && looseForms(passage).some((form) => occurs(passage.as(form), loosely)))) return true;
  if (!/[{}[\]":]/.test(quote)) return false;
  const densely = partsOf(dense(quote));
  return passages.some((passage) => passage.raw && occurs(passage.as(dense), densely));
}

function looseForms(passage: Passage): readonly ((text: string) => string)[] {
  const isDiff = /^[+-]/m.test(passage.text);
  return isDiff ? [loose, loosen, diffAfter, diffBefore] : [loose, loosen];
}

const ellipsis = / ?(?:\[ ?\.{3} ?\]|\( ?\.{3} ?\)|\.{3,}|(?:\. ){2,}\.) ?/;
const outerMarks = /^["'([]+(?=\S)|["')\].,;:!?]+$/g;

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
