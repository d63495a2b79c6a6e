// The built-in check that what an output cites is really there. It looks only at the fields it is given, and only at
// the call's input and its tools' results: never at what the model itself wrote as arguments.

import { type Amount, amountOf, amountsIn, compounds, spokenAmounts } from './amounts.ts';
import { followsOf } from './beside.ts';
import type { Check } from './checks.ts';
import { kindOf } from './contract.ts';
import { AmdahlError, type Problem } from './errors.ts';
import { type Material, materialOf } from './evidence.ts';
import { amountOccurs, ledgerOf } from './ledger.ts';
import { idOccurs, pathOccurs } from './names.ts';
import { checkOptions } from './options.ts';
import { childPath, type Found, findAt, parsePath } from './path.ts';
import { quoteOccurs } from './quotes.ts';

/** What the named fields hold. */
export type Cited = 'quote' | 'path' | 'id' | 'number';

const advice: Readonly<Record<Cited, string>> = {
  quote: 'quote exactly, word for word, from what you were given, or leave it out',
  path: 'write a path exactly as you were shown it, or leave it out',
  id: 'write an id exactly as you were given it, or leave it out',
  number: 'write a number that is stated there or follows from it (rounded or in other units is fine), or leave it out',
};

/** How much of a refused value a problem repeats, in characters. */
const SHOWN_MAX = 120;

/**
 * A check that refuses quotes, paths, ids or numbers that occur neither in the input nor in any tool result. Only the
 * named fields are judged; one that is missing, null or empty is fine, and every item of a list is judged.
 *
 * - `quote` (the default): the same words; white space, kinds of quote marks and dashes, line marks of diffs, listings and
 *   comments, Markdown and HTML marks do not count, and an ellipsis leaves out what is between two parts.
 * - `path`: a whole path, its last segments, a folder it starts with, or listed names joined. A line number is not judged.
 * - `id`: a whole token.
 * - `number`: the same amount, rounded to the digits written, under separators, signs, percent, scales (k, million) and
 *   units. A bare number may be bytes, seconds or milliseconds, dollars or cents. A text may hold several numbers, and
 *   words from "four" on. What follows from the evidence counts as stated: how long lists, objects and tables are and how
 *   many of their items say the same, sums, shares of a sum, how many lines, headings and list items a text has; means and
 *   differences where the field's name or the words around the number say so ("mean", "ahead"). So does what follows
 *   from stated numbers beside it, in the same text or object (lists there count too): sums; differences, products,
 *   quotients where the words say so; a share of the larger one; a change in percent of the larger one for "less", of the
 *   smaller one for "more", else of the first ("change", "from … to"). Other arithmetic is not followed: do not name such a field.
 *
 * @throws AmdahlError MISCONFIGURED when a path cannot be read, or for an option that does not exist.
 */
export function grounded(paths: string | readonly string[], options: { readonly what?: Cited } = {}): Check {
  checkOptions(options, { what: true }, 'grounded()');
  const { what = 'quote' } = options;
  if (!Object.hasOwn(advice, what)) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `grounded() cannot look for ${JSON.stringify(what)}. It looks for ${Object.keys(advice).join(', ')}.`,
    );
  }
  const patterns = typeof paths === 'string' ? [paths] : paths;
  const parsed = patterns.map((pattern) => ({ pattern, segments: parsePath(pattern) }));
  const fields = patterns.map((pattern) => pattern || 'the output').join(', ');
  return {
    name: what === 'quote' ? `grounded(${fields})` : `grounded(${fields} as ${what})`,
    paths: patterns,
    judge(output, evidence) {
      const material = materialOf(evidence);
      const cited = parsed.flatMap(({ pattern, segments }) => findAt(output, pattern, segments).flatMap(items));
      return cited.flatMap((at) => problemWith(at, what, material, output));
    },
  };
}

function items({ path, value }: Found): readonly Found[] {
  if (!Array.isArray(value)) return [{ path, value }];
  return value.flatMap((item: unknown, i) => (item === null || item === undefined ? [] : items({ path: childPath(path, i), value: item })));
}

function problemWith({ path, value }: Found, what: Cited, material: Material, output: unknown): readonly Problem[] {
  const text = typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'bigint' ? String(value) : undefined;
  if (text === undefined) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `${path || 'the output'} is ${kindOf(value)}, which cites nothing: name the field in it that does.`,
    );
  }
  if (text.trim() === '') return [];
  const missing =
    what === 'number' ? missingNumber({ path, value }, text, material, output) : occurs(text, what, material) ? undefined : text;
  if (missing === undefined) return [];
  const shown = missing.length > SHOWN_MAX ? `${missing.slice(0, SHOWN_MAX)}…` : missing;
  return [{ path, message: `${JSON.stringify(shown)} was not found in the input or in any tool result: ${advice[what]}` }];
}

function occurs(text: string, what: 'quote' | 'path' | 'id', material: Material): boolean {
  switch (what) {
    case 'quote':
      return quoteOccurs(text, material.passages);
    case 'path':
      return pathOccurs(text, material.passages);
    case 'id':
      return idOccurs(text, material.passages);
  }
}

/** The first number of a field that is neither said in the evidence nor follows from numbers beside it that are. */
function missingNumber({ path, value }: Found, text: string, material: Material, output: unknown): string | undefined {
  const ledger = ledgerOf(material);
  const name = lastName(path);
  const amounts = typeof value === 'string' ? [...amountsIn(text), ...spokenAmounts(text)] : [amountOf(Number(value))];
  const wordsOf = (amount: Amount): string => `${wordsOfName(name)} ${wordsAround(text, amount, amounts)}`;
  const isSaid = (amount: Amount): boolean => amountOccurs(amount, name, wordsOf(amount), ledger);
  const unsaid = compounds(amounts).every(isSaid) ? [] : amounts.filter((amount) => !isSaid(amount));
  if (unsaid.length === 0) return undefined;
  const follows = followsOf({ path, output, amounts, name, wordsOf }, ledger);
  return unsaid.find((amount) => !follows(amount))?.text;
}

function wordsOfName(name: string): string {
  return name.replaceAll(/([a-z])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
}

/** How many characters to each side of a number can say how it was worked out. */
const AROUND_CHARS = 32;

/** The words next to a number, up to the next number on either side. */
function wordsAround(text: string, amount: Amount, amounts: readonly Amount[]): string {
  const from = Math.max(amount.from - AROUND_CHARS, ...amounts.map(({ to }) => (to <= amount.from ? to : 0)), 0);
  const to = Math.min(amount.to + AROUND_CHARS, ...amounts.map((other) => (other.from >= amount.to ? other.from : Infinity)));
  return text.slice(from, to);
}

function lastName(path: string): string {
  return (
    path
      .replaceAll(/\[\d+\]/g, '')
      .split('.')
      .at(-1) ?? ''
  );
}
