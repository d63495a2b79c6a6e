// What the evidence says in numbers, sorted for look-up, and what follows from it. grounded.ts asks whether an amount of
// an output is in it; beside.ts makes a small one of what follows from numbers of the output that are.

import { type Amount, amountOf, amountsIn, compounds, type Reading } from './amounts.ts';
import { amountsOfList, countsOfText, type Derived, isWay, sharesOfList, type Way } from './derived.ts';
import type { Material, NumberLeaf, Passage } from './evidence.ts';
import { numberWords } from './numerals.ts';
import type { List } from './series.ts';
import { tablesIn } from './tables.ts';
import { type Meaning, meaningsOf, meaningsOfName, type Unit, unitsOf } from './units.ts';

/** Every amount of the evidence: what is said and may stand anywhere, and what was worked out in ways that words must tell. */
export interface Ledger {
  readonly said: Shelf;
  readonly worked: ReadonlyMap<Way, Shelf>;
}

/** Amounts sorted for look-up. */
interface Shelf {
  /** Numbers that stand alone, and scaled ones: "1.2M" is here as 1.2 million. Any unit may be meant. */
  readonly bare: Float64Array;
  /** Counts, and digits inside names, as in v12 or Q3: only a number without a unit may be one of them. */
  readonly unitless: Float64Array;
  /** The digits of numbers that have a scale, a share or a unit: 12 of "12 %". */
  readonly marked: Float64Array;
  /** Shares as fractions of one: "12 %" is here as 0.12. */
  readonly fractions: Float64Array;
  /** Amounts with a unit, in the base of its dimension. */
  readonly bases: ReadonlyMap<string, Float64Array>;
  /** Scales that the evidence mentions, such as a table "in millions". */
  readonly scales: ReadonlySet<number>;
  /** Words of units that the evidence writes. */
  readonly units: ReadonlySet<string>;
}

interface Entries {
  readonly bare: number[];
  readonly unitless: number[];
  readonly marked: number[];
  readonly fractions: number[];
  readonly bases: Map<string, number[]>;
  readonly scales: Set<number>;
  /** Words of units that the evidence writes. */
  readonly units: Set<string>;
  readonly derived: Derived[];
}

const ledgers = new WeakMap<Material, Ledger>();

/** The ledger of what the evidence says. Remembered by identity; O(n log n), once. */
export function ledgerOf(material: Material): Ledger {
  const known = ledgers.get(material);
  if (known !== undefined) return known;
  const entries = noEntries();
  for (const passage of material.passages) if (!passage.raw) enterText(passage, entries);
  for (const leaf of material.numbers) enterLeaf(leaf, entries);
  for (const name of material.names) enterAmounts(name, entries);
  for (const list of material.lists) enterList(list, entries);
  const ledger = ledgerWith(entries);
  ledgers.set(material, ledger);
  return ledger;
}

/** A ledger of amounts that were worked out, and of shares of one. Pure. */
export function ledgerFrom(amounts: readonly Derived[], shares: readonly number[]): Ledger {
  const entries = noEntries();
  entries.derived.push(...amounts);
  entries.fractions.push(...shares);
  return ledgerWith(entries);
}

function noEntries(): Entries {
  return { bare: [], unitless: [], marked: [], fractions: [], bases: new Map(), scales: new Set(), units: new Set(), derived: [] };
}

function ledgerWith(entries: Entries): Ledger {
  const worked = new Map<Way, Entries>();
  for (const derived of entries.derived) {
    if (derived.way === 'count') {
      entries.unitless.push(derived.value);
      continue;
    }
    if (derived.way === 'total') {
      enterDerived(derived, entries);
      continue;
    }
    const shelf = worked.get(derived.way) ?? { ...noEntries(), scales: entries.scales, units: entries.units };
    enterDerived(derived, shelf);
    worked.set(derived.way, shelf);
  }
  return { said: sorted(entries), worked: new Map([...worked].map(([way, of]) => [way, sorted(of)])) };
}

function sorted(entries: Entries): Shelf {
  return {
    bare: Float64Array.from(entries.bare).toSorted(),
    unitless: Float64Array.from(entries.unitless).toSorted(),
    marked: Float64Array.from(entries.marked).toSorted(),
    fractions: Float64Array.from(entries.fractions).toSorted(),
    bases: new Map([...entries.bases].map(([dimension, values]) => [dimension, Float64Array.from(values).toSorted()])),
    scales: entries.scales,
    units: entries.units,
  };
}

function enterText({ text, json }: Passage, entries: Entries): void {
  for (const word of text.match(/\b(?:thousands?|millions?|billions?|mio|bn|mn|mrd|000s)\b|[$€£][kmb]\b/gi) ?? []) {
    for (const { scale } of meaningsOf(word.replace(/^[$€£]|^000s$/, '').toLowerCase() || 'k'))
      if (scale !== undefined) entries.scales.add(scale);
  }
  for (const [, word = ''] of text.matchAll(
    /(?<![\p{L}\d])((?:[kKMGT]i?)[bB]|(?:kilo|mega|giga|tera)bytes?|mins?|minutes?|hours?|hrs?|days?|weeks?|[µμn]s)(?!\p{L})/gu,
  )) {
    for (const { unit } of meaningsOf(word)) if (unit !== undefined) entries.units.add(unitKey(unit));
  }
  // What JSON says stands in its values, which were gathered: its digits say less, without the names they stand under.
  if (json) return;
  const { lists, named, rest } = tablesIn(text, tellsUnit);
  for (const list of lists) enterList(list, entries);
  for (const leaf of named) enterLeaf(leaf, entries);
  enterAmounts(rest, entries);
  for (const value of numberWords(rest)) entries.bare.push(value);
  for (const count of countsOfText(text)) entries.unitless.push(count);
}

function enterAmounts(text: string, entries: Entries): void {
  const amounts = amountsIn(text, true);
  for (const amount of amounts) enter(amount, entries);
  for (const amount of compounds(amounts)) enter(amount, entries);
}

function tellsUnit(name: string): boolean {
  return meaningsOfName(name).some((meaning) => meaning.unit !== undefined);
}

function enterList(list: List, entries: Entries): void {
  entries.derived.push(...amountsOfList(list));
  for (const share of sharesOfList(list)) entries.fractions.push(share);
}

function enterDerived({ value, of }: Derived, entries: Entries): void {
  const amount = Math.abs(value);
  if (of?.unit === undefined) enterLeaf({ value: amount, key: of?.key ?? '' }, entries);
  else enterBase(of.unit.dimension, amount, entries);
}

function enterLeaf({ value, key }: NumberLeaf, entries: Entries): void {
  if (!Number.isFinite(value)) return;
  const meanings = meaningsOfName(key);
  // A name is a hint: only a unit in it says that the number is of nothing else.
  const amount = { ...amountOf(value), meanings };
  enter(amount, entries);
  if (!meanings.some((meaning) => meaning.unit !== undefined)) enter({ ...amount, meanings: [] }, entries);
}

function enter({ readings, meanings, inName }: Amount, entries: Entries): void {
  const hasUnit = meanings.some((meaning) => meaning.unit !== undefined);
  for (const { value } of readings) {
    (meanings.length > 0 ? entries.marked : inName === true ? entries.unitless : entries.bare).push(value);
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

/**
 * Whether the evidence says an amount of a field with this name, or what follows from it in a way that the name or the
 * words around the amount tell. O(log n) for each way to read it.
 */
export function amountOccurs(amount: Amount, name: string, words: string, ledger: Ledger): boolean {
  if (isOn(ledger.said, amount, name)) return true;
  return [...ledger.worked].some(([way, shelf]) => isWay(way, words) && isOn(shelf, ...asQuotient(way, amount, name)));
}

/** A quotient is no share: 300 % is not what is left of three times as much. */
function asQuotient(way: Way, amount: Amount, name: string): [Amount, string] {
  if (way !== 'quotient') return [amount, name];
  const isShare = amount.meanings.some(({ share }) => share !== undefined);
  return [isShare ? { ...amount, readings: [] } : amount, ''];
}

function isOn(shelf: Shelf, amount: Amount, name: string): boolean {
  const asked = { written: amount.meanings, named: meaningsOfName(name), ledger: shelf };
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
  readonly ledger: Shelf;
}

function isSaid(reading: Reading, asked: Asked): boolean {
  return isSaidAsItIs(reading, asked) || [...asked.written, ...asked.named].some((meaning) => isSaidAs(reading, meaning, asked));
}

/** The digits alone: for a number without words any, for one with words only digits that say nothing else. */
function isSaidAsItIs({ value, lastDigit }: Reading, { written, named, ledger }: Asked): boolean {
  if (written.length > 0) {
    const scaled = written.every(({ scale }) => scale !== undefined && !ledger.scales.has(scale));
    if (written.some(isPeriod) && has(ledger.unitless, value, lastDigit)) return true;
    return !scaled && !isForeign(written, ledger) && has(ledger.bare, value, lastDigit);
  }
  if (has(ledger.bare, value, lastDigit)) return true;
  if (has(ledger.fractions, value, lastDigit < 1 ? lastDigit : 0)) return true;
  if (named.some((meaning) => meaning.unit !== undefined)) return false;
  if (has(ledger.marked, value, lastDigit) || has(ledger.unitless, value, lastDigit)) return true;
  return named.length === 0 && isExactlyConverted(value, ledger);
}

function isSaidAs({ value, lastDigit }: Reading, { scale, share, unit }: Meaning, { written, ledger }: Asked): boolean {
  if (unit !== undefined) {
    if (has(ledger.bases.get(unit.dimension), baseOf(value, unit), lastDigit * unit.factor)) return true;
    // A bare number is in what programs count in: bytes, seconds or milliseconds, dollars or cents.
    const counted = bareUnits[unit.dimension] ?? [];
    return counted.some((factor) => has(ledger.bare, baseOf(value, unit) / factor, (lastDigit * unit.factor) / factor));
  }
  if (share !== undefined) {
    if (has(ledger.fractions, value * share, lastDigit * share)) return true;
    // A bare 0.3 may be 30 %, but a bare 3 is hardly 300 %.
    if (value * share < 1 && has(ledger.bare, value * share, lastDigit * share)) return true;
    return value <= 1 && has(ledger.bare, value / share, lastDigit / share); // a field called ratio, a source in percent
  }
  if (scale === undefined) return false;
  if (has(ledger.bare, value * scale, lastDigit * scale)) return true;
  const ofUnits = written.flatMap((meaning) => meaning.unit ?? []);
  if (ofUnits.length === 0) return has(ledger.marked, value * scale, lastDigit * scale);
  return ofUnits.some((of) => has(ledger.bases.get(of.dimension), baseOf(value * scale, of), lastDigit * scale * of.factor));
}

/** Lists often have an item for each minute, day or month: their number counts those. */
function isPeriod({ unit }: Meaning): boolean {
  return unit !== undefined && (unit.dimension === 'calendar' || (unit.dimension === 'time' && unit.factor >= 60));
}

/** Whether the words are a unit of data or time that the evidence never writes, and that programs do not count in. */
function isForeign(written: readonly Meaning[], ledger: Shelf): boolean {
  const of = written.flatMap(({ unit }) => (unit === undefined ? [] : [unit]));
  const isCounted = ({ dimension, factor }: Unit): boolean => bareUnits[dimension]?.includes(factor) ?? true;
  const inCounted = of.length > 0 && of.every(({ dimension }) => dimension === 'data' || dimension === 'time');
  return inCounted && !of.some((unit) => isCounted(unit) || ledger.units.has(unitKey(unit)));
}

function unitKey({ dimension, factor }: Unit): string {
  return `${dimension} ${factor}`;
}

const bareUnits: Readonly<Record<string, readonly number[]>> = { data: [1], time: [1, 1e-3], money: [1, 0.01] };

/** A bare number for an amount with a unit (1500 for "1.5 s"), or in thousands or millions: only where it is exact. */
function isExactlyConverted(value: number, ledger: Shelf): boolean {
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
