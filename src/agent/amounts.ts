// Numbers as people write them: 1,234.5 and 1.234,5 and 1 234.5, $1.2M, 12 %, (90), 1h 30min, "three". ledger.ts reads
// the evidence with it, grounded.ts what an output says. What is ambiguous is read in every way it can be.

import { spokenIn } from './numerals.ts';
import { plain } from './quotes.ts';
import { type Meaning, meaningsOf } from './units.ts';

/** One way to read a number: its size, and the size of its last written digit. Signs are not read: "fell by 5" is -5. */
export interface Reading {
  readonly value: number;
  readonly lastDigit: number;
}

/** A number in a text with what the words next to it may mean. */
export interface Amount {
  readonly text: string;
  readonly readings: readonly Reading[];
  readonly meanings: readonly Meaning[];
  /** Whether a letter stands right before it, as in v2 or a hash. */
  readonly inName?: true;
  /** Where it stands in its text, with its words. */
  readonly from: number;
  readonly to: number;
}

const number = /\d+(?:[.,'_]\d+)*(?:[eE][+-]?\d+)?|(?<![\d\p{L}])\.\d+/gu;
/** Signs that a text writes decimals with a comma. */
const decimalCommas = /(?<![\d.,])\d+,\d{1,2}(?![\d,])|\d\.\d{3},\d|(?<![\d.,])0,\d/;
const currencyBefore = /(?:US|CA|AU|NZ|HK|USD|EUR|GBP|CHF|JPY|CAD|AUD|INR|CNY|Rs\.?|kr|[A-Z]?[$€£¥₹])$/;

/**
 * The amounts in a text. Digits inside a name (Q3, v2) are none, unless `everything` is asked for. Pure; O(n).
 */
export function amountsIn(written: string, everything = false): readonly Amount[] {
  const text = plain(written);
  const amounts: Amount[] = [];
  const commas = decimalCommas.test(text);
  let spacedTo = 0;
  for (const match of text.matchAll(number)) {
    const at = match.index;
    if (at < spacedTo) continue;
    const before = text.slice(Math.max(0, at - 4), at);
    const inName = /[\p{L}_]$/u.test(before) && !currencyBefore.test(before);
    if (inName && !everything) continue;
    const spaced = /^\d{1,3}(?: \d{3})+(?:[.,]\d+)?(?![\d.,])/.exec(text.slice(at, at + 40))?.[0];
    const digits = spaced === undefined || /\d[.,]$|\d$/.test(before) ? match[0] : spaced;
    if (digits === spaced && !everything) spacedTo = at + digits.length;
    if (digits === spaced && everything) amounts.push(amountAt(text, at, match[0], before, commas));
    const amount = amountAt(text, at, digits, before, commas);
    amounts.push(inName ? { ...amount, inName } : amount);
  }
  return amounts;
}

function amountAt(text: string, at: number, digits: string, before: string, commas: boolean): Amount {
  const sign = /[$€£¥₹]$/.test(before.trimEnd());
  const after = wordsAfter(text, at + digits.length);
  const meanings = sign ? [...meaningsOf('usd'), ...after.meanings] : after.meanings;
  return { text: digits, readings: readingsOf(digits, commas), meanings, from: at, to: after.to };
}

/** What the words right after a number mean, and where they end. */
function wordsAfter(text: string, end: number): { readonly meanings: readonly Meaning[]; readonly to: number } {
  const meanings: Meaning[] = [];
  let rest = text.slice(end, end + 60).padEnd(60);
  for (let words = 0; words < 2; words++) {
    const word = /^[ -]?(%|‰|°[CF]|µs|μs|¢|[A-Za-z]{1,14}(?:\/[a-z]{1,2})?)(?![\p{L}\d])/u.exec(rest);
    const meant = word === null ? [] : meaningsOf(word[1] ?? '');
    if (word === null || meant.length === 0) break;
    meanings.push(...meant);
    rest = rest.slice(word[0].length);
  }
  return { meanings, to: end + 60 - rest.length };
}

/** The amounts that a text says in words: "twenty-one files", "half a million". Pure; O(n). */
export function spokenAmounts(written: string): readonly Amount[] {
  const text = plain(written);
  return spokenIn(text).map(({ words, value, lastDigit, from, to }) => {
    const after = wordsAfter(text, to);
    return { text: words, readings: [{ value, lastDigit }], meanings: after.meanings, from, to: after.to };
  });
}

/** Every number the digits can stand for; 1,234 is no decimal number in a text that does not write others so. Pure. */
function readingsOf(written: string, commas: boolean): readonly Reading[] {
  const [, digits = '', power = '0'] = /^([^eE]*)(?:[eE](.*))?$/.exec(written.replaceAll(/['_ ]/g, '')) ?? [];
  const scale = 10 ** Number(power);
  const marks = digits.replaceAll(/\d/g, '');
  const decimal = (mark: string): Reading => read(digits, mark, scale);
  if (marks === '') return [decimal('.')];
  if (marks.length === 1) {
    const grouped = /^[1-9]\d{0,2}[.,]\d{3}$/.test(digits);
    if (!grouped) return [decimal(marks)];
    const whole = decimal(marks === ',' ? '.' : ',');
    return marks === ',' && !commas ? [whole] : [whole, decimal(marks)];
  }
  const last = marks.at(-1) ?? '';
  if (new Set(marks).size === 2) return [decimal(last)];
  // The same mark several times: thousands, or the parts of a date or a version.
  if (/^\d{1,3}(?:[.,]\d{2,3})+$/.test(digits) && /\d{3}$/.test(digits)) return [decimal(last === ',' ? '.' : ',')];
  return digits.split(/[.,]/).map((part) => read(part, '.', 1));
}

function read(digits: string, mark: string, scale: number): Reading {
  const [whole = '', fraction = ''] = digits.replaceAll(mark === '.' ? ',' : '.', '').split(mark);
  return { value: Number(`${whole || '0'}.${fraction || '0'}`) * scale, lastDigit: 10 ** -fraction.length * scale };
}

/** Amounts of one dimension in falling units, one right after the other, put together: 1 h 30 min is 90 min. Others as they are. Pure. */
export function compounds(amounts: readonly Amount[]): readonly Amount[] {
  const out: Amount[] = [];
  for (const amount of amounts) {
    const before = out.at(-1);
    const joined = before === undefined ? undefined : joinedTo(before, amount);
    if (joined === undefined) out.push(amount);
    else out[out.length - 1] = joined;
  }
  return out;
}

function joinedTo(large: Amount, small: Amount): Amount | undefined {
  const [whole, part] = [large.readings[0], small.readings[0]];
  if (whole === undefined || part === undefined || small.from - large.to > 5) return undefined;
  for (const { unit } of small.meanings) {
    const larger = large.meanings.find(
      (meaning) => unit !== undefined && meaning.unit?.dimension === unit.dimension && meaning.unit.factor > unit.factor,
    );
    if (unit === undefined || larger?.unit === undefined) continue;
    const value = part.value + (whole.value * larger.unit.factor) / unit.factor;
    const text = `${large.text} and ${small.text}`;
    return { text, readings: [{ value, lastDigit: part.lastDigit }], meanings: [{ unit }], from: large.from, to: small.to };
  }
  return undefined;
}

/** A number of a JSON value as an amount: the digits JavaScript writes are the digits it says. Pure. */
export function amountOf(value: number): Amount {
  const text = String(Math.abs(value));
  const [digits = '', power = '0'] = text.split('e');
  const decimals = digits.split('.')[1]?.length ?? 0;
  const reading = { value: Math.abs(value), lastDigit: 10 ** (Number(power) - decimals) };
  return { text, readings: [reading], meanings: [], from: 0, to: text.length };
}
