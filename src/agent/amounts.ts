// Numbers as people write them: 1,234.5 and 1.234,5 and 1 234.5, $1.2M, 12 %, (90), 1h 30min, "three". grounded.ts
// asks whether an amount of an output is said in the evidence. What is ambiguous is read in every way it can be.

import type { Material, NumberLeaf, Passage } from './evidence.ts';
import { plain } from './quotes.ts';
import { type Meaning, meaningsOf, meaningsOfName, type Unit, unitsOf } from './units.ts';

/** One way to read a number: its size, and the size of its last written digit. Signs are not read: "fell by 5" is -5. */
interface Reading {
  readonly value: number;
  readonly lastDigit: number;
}

/** A number in a text with what the words next to it may mean. */
export interface Amount {
  readonly text: string;
  readonly readings: readonly Reading[];
  readonly meanings: readonly Meaning[];
  /** Where it stands in its text, with its words. */
  readonly from: number;
  readonly to: number;
}

const number = /\d+(?:[.,'_]\d+)*(?:[eE][+-]?\d+)?|(?<![\d\p{L}])\.\d+/gu;
const currencyBefore = /(?:US|CA|AU|NZ|HK|USD|EUR|GBP|CHF|JPY|CAD|AUD|INR|CNY|Rs\.?|kr|[A-Z]?[$€£¥₹])$/;

/**
 * The amounts in a text. Digits inside a name (Q3, v2) are none, unless `everything` is asked for. Pure; O(n).
 */
export function amountsIn(written: string, everything = false): readonly Amount[] {
  const text = plain(written);
  const amounts: Amount[] = [];
  let spacedTo = 0;
  for (const match of text.matchAll(number)) {
    const at = match.index;
    if (at < spacedTo) continue;
    const before = text.slice(Math.max(0, at - 4), at);
    if (!everything && /[\p{L}_]$/u.test(before) && !currencyBefore.test(before)) continue;
    const spaced = /^\d{1,3}(?: \d{3})+(?:[.,]\d+)?(?![\d.,])/.exec(text.slice(at, at + 40))?.[0];
    const digits = spaced === undefined || /\d[.,]$|\d$/.test(before) ? match[0] : spaced;
    if (digits === spaced && !everything) spacedTo = at + digits.length;
    if (digits === spaced && everything) amounts.push(amountAt(text, at, match[0], before));
    amounts.push(amountAt(text, at, digits, before));
  }
  return amounts;
}

function amountAt(text: string, at: number, digits: string, before: string): Amount {
  const meanings: Meaning[] = [];
  let rest = text.slice(at + digits.length, at + digits.length + 60).padEnd(60);
  const sign = /([$€£¥₹])$/.exec(before.trimEnd());
  if (sign !== null) meanings.push(...meaningsOf('usd'));
  for (let words = 0; words < 2; words++) {
    const word = /^[ -]?(%|‰|°[CF]|µs|μs|¢|[A-Za-z]{1,14}(?:\/[a-z]{1,2})?)(?![\p{L}\d])/u.exec(rest);
    const meant = word === null ? [] : meaningsOf(word[1] ?? '');
    if (word === null || meant.length === 0) break;
    meanings.push(...meant);
    rest = rest.slice(word[0].length);
  }
  return { text: digits, readings: readingsOf(digits), meanings, from: at, to: at + digits.length + 60 - rest.length };
}

/** Every number the digits can stand for. Pure. */
function readingsOf(written: string): readonly Reading[] {
  const [, digits = '', power = '0'] = /^([^eE]*)(?:[eE](.*))?$/.exec(written.replaceAll(/['_ ]/g, '')) ?? [];
  const scale = 10 ** Number(power);
  const marks = digits.replaceAll(/\d/g, '');
  const decimal = (mark: string): Reading => read(digits, mark, scale);
  if (marks === '') return [decimal('.')];
  if (marks.length === 1) {
    const grouped = /^[1-9]\d{0,2}[.,]\d{3}$/.test(digits);
    return grouped ? [decimal(marks === ',' ? '.' : ','), decimal(marks)] : [decimal(marks)];
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
  return { text, readings: readingsOf(text), meanings: [], from: 0, to: text.length };
}

/** Every amount of the evidence, sorted for look-up. */
interface Ledger {
  /** Numbers that stand alone, and scaled ones: "1.2M" is here as 1.2 million. Any unit may be meant. */
  readonly bare: Float64Array;
  /** The digits of numbers that have a scale, a share or a unit: 12 of "12 %". */
  readonly marked: Float64Array;
  /** Shares as fractions of one: "12 %" is here as 0.12. */
  readonly fractions: Float64Array;
  /** Amounts with a unit, in the base of its dimension. */
  readonly bases: ReadonlyMap<string, Float64Array>;
  /** Scales that the evidence mentions, such as a table "in millions". */
  readonly scales: ReadonlySet<number>;
}

interface Entries {
  readonly bare: number[];
  readonly marked: number[];
  readonly fractions: number[];
  readonly bases: Map<string, number[]>;
  readonly scales: Set<number>;
}

const ledgers = new WeakMap<Material, Ledger>();

/** The ledger of what the evidence says. Remembered by identity; O(n log n), once. */
export function ledgerOf(material: Material): Ledger {
  const known = ledgers.get(material);
  if (known !== undefined) return known;
  const entries: Entries = { bare: [], marked: [], fractions: [], bases: new Map(), scales: new Set() };
  for (const passage of material.passages) if (!passage.raw) enterText(passage, entries);
  for (const leaf of material.numbers) enterLeaf(leaf, entries);
  for (const { length, columns } of material.lists) {
    entries.bare.push(length);
    for (const column of columns) {
      const sum = column.reduce((total, value) => total + value, 0);
      entries.bare.push(Math.abs(sum), Math.abs(sum / column.length));
    }
  }
  const ledger: Ledger = {
    bare: Float64Array.from(entries.bare).toSorted(),
    marked: Float64Array.from(entries.marked).toSorted(),
    fractions: Float64Array.from(entries.fractions).toSorted(),
    bases: new Map([...entries.bases].map(([dimension, values]) => [dimension, Float64Array.from(values).toSorted()])),
    scales: entries.scales,
  };
  ledgers.set(material, ledger);
  return ledger;
}

function enterText({ text }: Passage, entries: Entries): void {
  const amounts = amountsIn(text, true);
  for (const amount of amounts) enter(amount, entries);
  for (const amount of compounds(amounts)) enter(amount, entries);
  for (const word of text.match(/\b(?:thousands?|millions?|billions?|mio|bn|mn|mrd|000s)\b|[$€£][kmb]\b/gi) ?? []) {
    for (const { scale } of meaningsOf(word.replace(/^[$€£]|^000s$/, '').toLowerCase() || 'k'))
      if (scale !== undefined) entries.scales.add(scale);
  }
  for (const value of numberWords(text)) entries.bare.push(value);
}

function enterLeaf({ value, key }: NumberLeaf, entries: Entries): void {
  if (!Number.isFinite(value)) return;
  const meanings = meaningsOfName(key);
  // A name is a hint: only a unit in it says that the number is of nothing else.
  const amount = { ...amountOf(value), meanings };
  enter(amount, entries);
  if (!meanings.some((meaning) => meaning.unit !== undefined)) enter({ ...amount, meanings: [] }, entries);
}

function enter({ readings, meanings }: Amount, entries: Entries): void {
  const hasUnit = meanings.some((meaning) => meaning.unit !== undefined);
  for (const { value } of readings) {
    (meanings.length === 0 ? entries.bare : entries.marked).push(value);
    for (const { scale = 1, share, unit } of meanings) {
      if (scale !== 1) (hasUnit ? entries.marked : entries.bare).push(value * scale);
      if (share !== undefined) entries.fractions.push(value * share);
      if (unit !== undefined) enterBase(unit.dimension, baseOf(value, unit), entries);
    }
    for (const { scale } of meanings) {
      if (scale === undefined) continue;
      for (const { unit } of meanings) if (unit !== undefined) enterBase(unit.dimension, baseOf(value * scale, unit), entries);
    }
  }
}

function enterBase(dimension: string, base: number, entries: Entries): void {
  const values = entries.bases.get(dimension);
  if (values === undefined) entries.bases.set(dimension, [base]);
  else values.push(base);
}

function baseOf(value: number, unit: Unit): number {
  return (value + unit.offset) * unit.factor;
}

/** Whether the evidence says an amount of a field with this name. O(log n) for each way to read it. */
export function amountOccurs(amount: Amount, name: string, ledger: Ledger): boolean {
  const asked = { written: amount.meanings, named: meaningsOfName(name), ledger };
  // The parts of a date or a version are several numbers: each must be said.
  const parts = amount.text.split(/[.,]/).length > 2 && amount.readings.length > 2;
  const said = (reading: Reading): boolean => isSaid(reading, asked);
  return parts ? amount.readings.every(said) : amount.readings.some(said);
}

interface Asked {
  /** What the words next to the number mean. */
  readonly written: readonly Meaning[];
  /** What the name of its field may mean. */
  readonly named: readonly Meaning[];
  readonly ledger: Ledger;
}

function isSaid(reading: Reading, asked: Asked): boolean {
  return isSaidAsItIs(reading, asked) || [...asked.written, ...asked.named].some((meaning) => isSaidAs(reading, meaning, asked));
}

/** The digits alone: for a number without words any, for one with words only digits that say nothing else. */
function isSaidAsItIs({ value, lastDigit }: Reading, { written, named, ledger }: Asked): boolean {
  if (written.length > 0) {
    const scaled = written.every(({ scale }) => scale !== undefined && !ledger.scales.has(scale));
    return !scaled && has(ledger.bare, value, lastDigit);
  }
  if (has(ledger.bare, value, lastDigit)) return true;
  if (has(ledger.fractions, value, lastDigit < 1 ? lastDigit : 0)) return true;
  if (named.some((meaning) => meaning.unit !== undefined)) return false;
  return has(ledger.marked, value, lastDigit) || isExactlyConverted(value, ledger);
}

function isSaidAs({ value, lastDigit }: Reading, { scale, share, unit }: Meaning, { written, ledger }: Asked): boolean {
  if (unit !== undefined) return has(ledger.bases.get(unit.dimension), baseOf(value, unit), lastDigit * unit.factor);
  if (share !== undefined) {
    if (has(ledger.bare, value * share, lastDigit * share) || has(ledger.fractions, value * share, lastDigit * share)) return true;
    return value <= 1 && has(ledger.bare, value / share, lastDigit / share); // a field called ratio, a source in percent
  }
  if (scale === undefined) return false;
  if (has(ledger.bare, value * scale, lastDigit * scale)) return true;
  const ofUnits = written.flatMap((meaning) => meaning.unit ?? []);
  if (ofUnits.length === 0) return has(ledger.marked, value * scale, lastDigit * scale);
  return ofUnits.some((of) => has(ledger.bases.get(of.dimension), baseOf(value * scale, of), lastDigit * scale * of.factor));
}

/** A bare number for an amount with a unit (1500 for "1.5 s"), or in thousands or millions: only where it is exact. */
function isExactlyConverted(value: number, ledger: Ledger): boolean {
  for (const [dimension, bases] of ledger.bases) {
    if (unitsOf(dimension).some((unit) => has(bases, baseOf(value, unit), 0))) return true;
  }
  return [...ledger.scales].some((scale) => has(ledger.bare, value / scale, 0));
}

/** Whether a sorted list has a value that rounds to this one at its last digit. */
function has(sorted: Float64Array | undefined, value: number, lastDigit: number): boolean {
  if (sorted === undefined) return false;
  const tolerance = Math.max(lastDigit / 2, Math.abs(value) * 1e-9);
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 0) < value - tolerance * (1 + 1e-9)) low = middle + 1;
    else high = middle;
  }
  const found = sorted[low];
  return found !== undefined && found <= value + tolerance * (1 + 1e-9);
}

const ones =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const tens = ['twenty', 'thirty', 'forty', 'fifty', 'sixty', 'seventy', 'eighty', 'ninety'];
const odd: Readonly<Record<string, number>> = {
  half: 0.5,
  third: 1 / 3,
  quarter: 0.25,
  double: 2,
  twice: 2,
  triple: 3,
  both: 2,
  pair: 2,
  couple: 2,
  dozen: 12,
  first: 1,
  second: 2,
  fourth: 4,
  fifth: 5,
  sixth: 6,
  seventh: 7,
  eighth: 8,
  ninth: 9,
  tenth: 10,
  once: 1,
};
const multipliers: Readonly<Record<string, number>> = { hundred: 100, thousand: 1e3, million: 1e6, billion: 1e9 };

const numeral = [...ones, ...tens, ...Object.keys(odd), ...Object.keys(multipliers)].toSorted((a, b) => b.length - a.length).join('|');
const phrase = new RegExp(`\\b(?:${numeral})(?:[ -]+(?:and |a |of a )?(?:${numeral}))*\\b`, 'gi');

/** Numbers written in English words: "twenty-one", "three hundred and five", "half a million". Pure; O(n). */
function numberWords(text: string): readonly number[] {
  return (text.match(phrase) ?? []).flatMap((words) => spokenNumbers(words.toLowerCase().split(/[ -]+/)));
}

function spokenNumbers(words: readonly string[]): readonly number[] {
  const values: number[] = [];
  let sum = 0;
  let group: number | undefined;
  const flush = (): void => {
    if (group !== undefined || sum > 0) values.push(sum + (group ?? 0));
    sum = 0;
    group = undefined;
  };
  for (const word of words) {
    const value = valueOf(word);
    const multiplier = multipliers[word];
    if (multiplier === 100) group = (group ?? 1) * 100;
    else if (multiplier !== undefined) {
      sum += (group ?? 1) * multiplier;
      group = undefined;
    } else if (value !== undefined) {
      if (group !== undefined && !continues(group, value)) flush();
      group = (group ?? 0) + value;
    }
  }
  flush();
  return values;
}

function valueOf(word: string): number | undefined {
  if (ones.includes(word)) return ones.indexOf(word);
  if (tens.includes(word)) return (tens.indexOf(word) + 2) * 10;
  return odd[word];
}

/** "twenty" goes on with "one", "three hundred" with "five"; "three" does not go on with "four". */
function continues(group: number, value: number): boolean {
  if (!Number.isInteger(group) || group === 0) return false;
  return group % 100 === 0 ? value < 100 : group % 10 === 0 && group % 100 >= 20 && value < 10;
}
