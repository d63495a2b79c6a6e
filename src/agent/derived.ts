// What follows from the figures of the evidence without any choice: counts, sums, means, differences and shares of lists,
// counts of the lines of a text. ledger.ts enters all of it beside what the evidence says itself.

import type { List, Series } from './series.ts';

/** How a number was worked out. A sum and a count may stand anywhere; the others only where the words say so. */
export type Way = 'count' | 'total' | 'mean' | 'difference' | 'product' | 'quotient';

/** A number that was worked out. One of a column carries it, for its name and unit. */
export interface Derived {
  readonly value: number;
  readonly way: Way;
  readonly of?: Series;
}

/** Beginnings of words that say how a number was worked out. */
const wayWords: Readonly<Record<Exclude<Way, 'count' | 'total'>, RegExp>> = {
  mean: /\b(?:mean|average|avg|median|typical|middle|per\b|each)/i,
  difference: wordsOf(`diff delta gap lead ahead behind more less few extra sav cheap dear fast slow between than spread range margin
    chang grow grew increas decreas reduc drop ris(?:e|en|ing)\\b rose fall fell remain left rest\\b free unused headroom missing elapsed
    duration took over under excess short surplus net\\b gain loss lost up\\b down advantage larg small high low vs\\b versus compar added
    removed new\\b`),
  product: /\b(?:total|amount|cost|price|sum|product|area|value|revenue|spen[dt]|bill|charge|times)|[×*]/i,
  quotient: /\b(?:per\b|rat(?:e|io)|factor|times|speed|mean|average|avg|each|multiple|as (?:many|much|large|fast|long))|×|\dx\b/i,
};

function wordsOf(list: string): RegExp {
  return new RegExp(`\\b(?:${list.trim().split(/\s+/).join('|')})`, 'i');
}

/** Whether the words around a number, and its field's name, let it be worked out in a way. Pure. */
export function isWay(way: Way, words: string): boolean {
  return way === 'count' || way === 'total' || wayWords[way].test(words);
}

/** Longer columns have too many pairs for a difference to prove anything. */
const PAIRS_OF_MAX = 12;

/** Amounts that follow from a list: its length, counts of what is equal in it, and what its columns come to. Pure. */
export function amountsOfList({ length, columns, groups }: List): readonly Derived[] {
  return [
    { value: length, way: 'count' },
    ...groups.map(({ count }): Derived => ({ value: count, way: 'count' })),
    ...columns.flatMap((column) => [...totalsOf(column), ...differencesOf(column)]),
    ...groups.flatMap((group) => group.columns.flatMap(totalsOf)),
  ];
}

/** Shares of one that follow from a list: of a value in its column's sum, of equal items in all. Pure. */
export function sharesOfList({ length, columns, groups }: List): readonly number[] {
  return [
    ...(length === 0 ? [] : groups.map(({ count }) => count / length)),
    ...columns.flatMap(({ values }) => {
      const total = sum(values);
      return total > 0 && values.every((value) => value >= 0) ? values.map((value) => value / total) : [];
    }),
  ];
}

function totalsOf(column: Series): readonly Derived[] {
  const { values } = column;
  const total = sum(values);
  const sorted = values.toSorted((a, b) => a - b);
  const middle = ((sorted[(values.length - 1) >> 1] ?? 0) + (sorted[values.length >> 1] ?? 0)) / 2;
  return [
    { value: total, way: 'total', of: column },
    { value: total / values.length, way: 'mean', of: column },
    { value: middle, way: 'mean', of: column },
    { value: (sorted.at(-1) ?? 0) - (sorted[0] ?? 0), way: 'difference', of: column },
  ];
}

function differencesOf(column: Series): readonly Derived[] {
  const { values } = column;
  const near = values.length > PAIRS_OF_MAX;
  return values.flatMap((value, index) =>
    values
      .slice(index + 1, near ? index + 2 : undefined)
      .map((other): Derived => ({ value: Math.abs(other - value), way: 'difference', of: column })),
  );
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** How many lines, headings, list items and paragraphs a text has. Pure; O(n). */
export function countsOfText(numbered: string): readonly number[] {
  const text = numbered.replaceAll(/^[ \t]*\d+(?:\t| *[:|→])/gm, '');
  const lines = text.split('\n');
  if (lines.length < 3) return [];
  const fenced = text.replaceAll(/^ *(```|~~~)[^]*?^ *\1.*$/gm, '');
  const count = (pattern: RegExp, of = fenced): number => of.match(pattern)?.length ?? 0;
  return [
    lines.length,
    lines.filter((line) => line.trim() !== '').length,
    count(/^#{1,6} /gm),
    count(/^#{1,6} /gm, text),
    ...[1, 2, 3, 4].map((level) => count(new RegExp(`^#{${level}} `, 'gm'))),
    count(/^#{1,6} .*\d+\.\d/gm),
    count(/^[-*+] /gm),
    count(/^\s*[-*+] /gm),
    count(/^\s*\d+[.)] /gm),
    count(/^ *(?:```|~~~)/gm, text) / 2,
    text.split(/\n\s*\n/).filter((part) => part.trim() !== '').length,
    ...fenced.split(/^#{1,6} /m).map((part) => part.match(/^[-*+] /gm)?.length ?? 0),
  ];
}
