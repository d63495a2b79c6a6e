// Numbers that an output works out from others that stand beside it: in the same text, in the fields of the same object,
// in the lists there. grounded.ts asks for what the evidence itself does not say. What they are worked out from must be
// said there, or be a count or a sum of a list in the answer.

import { type Amount, amountOf, amountsIn, spokenAmounts } from './amounts.ts';
import { amountsOfList, type Derived, sharesOfList } from './derived.ts';
import { amountOccurs, type Ledger, ledgerFrom } from './ledger.ts';
import { EVERY, findAt, parsePath } from './path.ts';
import { listOf, type Series } from './series.ts';
import { meaningsOfName, type Unit } from './units.ts';

/** More numbers than this beside each other prove anything. */
const OPERANDS_MAX = 16;
const TEXT_CHARS_MAX = 400;

/** A number in a field, with all that the field holds. */
interface Field {
  readonly path: string;
  readonly output: unknown;
  readonly name: string;
  readonly amounts: readonly Amount[];
  /** The field's name and the words around one of its amounts. */
  readonly wordsOf: (amount: Amount) => string;
}

/** A number that others may be worked out from. */
interface Operand {
  readonly name: string;
  readonly value: number;
  readonly unit?: Unit;
  /** A share of one: parts are worked out with it, and nothing else. */
  readonly isShare?: true;
  readonly amount: Amount;
}

/** Whether an amount of a field follows from what stands beside it. O(operands²), when first asked. */
export function followsOf(field: Field, ledger: Ledger): (amount: Amount) => boolean {
  const around = containerOf(field);
  const lists = Object.entries(around).flatMap(([name, value]) => listsOf(name, value, ledger));
  const fields = Object.entries(around).filter(([name]) => name !== field.name);
  const beside = fields.flatMap(([name, value]) => amountsOf(value).map((amount) => operandOf(amount, name)));
  const own = field.amounts.map((amount) => operandOf(amount, ''));
  const ofLists = ledgerFrom(
    lists.flatMap(({ amounts }) => amounts),
    lists.flatMap(({ shares }) => shares),
  );
  const isKnown = ({ amount, name }: Operand): boolean =>
    amountOccurs(amount, name, name, ledger) || amountOccurs(amount, name, name, ofLists);
  const known = [...own, ...beside].filter(isKnown).slice(0, OPERANDS_MAX);
  return (amount) => {
    const words = field.wordsOf(amount);
    if (amountOccurs(amount, field.name, words, ofLists)) return true;
    const from = known.filter((operand) => operand.amount !== amount);
    const { amounts, shares } = workedOut(from, words);
    return amountOccurs(amount, field.name, words, ledgerFrom(amounts, shares));
  };
}

function containerOf({ path, output }: Field): object {
  const segments = parsePath(path);
  const [found] = segments.length === 0 || segments.includes(EVERY) ? [] : findAt(output, path, segments.slice(0, -1));
  const around = found?.value;
  return typeof around === 'object' && around !== null && !Array.isArray(around) ? around : {};
}

/** What follows from a list of the answer: its counts always, its sums where every number in it is said in the evidence. */
function listsOf(name: string, value: unknown, ledger: Ledger): readonly { amounts: readonly Derived[]; shares: readonly number[] }[] {
  if (!Array.isArray(value)) return [];
  const list = listOf(value);
  const isSaid = ({ key, values }: Series): boolean =>
    values.every((one) => amountOccurs(amountOf(one), key === '' ? name : key, key, ledger));
  const columns = list.columns.filter((column) => column.unit === undefined && isSaid(column));
  const said = { ...list, columns, groups: list.groups.map(({ count }) => ({ count, columns: [] })) };
  return [{ amounts: amountsOfList(said), shares: sharesOfList(said) }];
}

function amountsOf(value: unknown): readonly Amount[] {
  if (typeof value === 'number') return [amountOf(value)];
  if (typeof value !== 'string' || value.length > TEXT_CHARS_MAX) return [];
  // The parts of a version or a date are no quantities.
  return [...amountsIn(value).filter(({ readings }) => readings.length < 3), ...spokenAmounts(value)];
}

function operandOf(amount: Amount, name: string): Operand {
  const [reading] = amount.readings;
  const meanings = amount.meanings.length > 0 ? amount.meanings : meaningsOfName(name);
  const scale = amount.meanings.find((meaning) => meaning.scale !== undefined)?.scale ?? 1;
  const unit = meanings.find((meaning) => meaning.unit !== undefined)?.unit;
  const share = meanings.find((meaning) => meaning.share !== undefined)?.share;
  const value = reading?.value ?? Number.NaN;
  if (share !== undefined) return { name, value: value * share, isShare: true, amount };
  if (unit === undefined) return { name, value: value * scale, amount };
  return { name, value: (value + unit.offset) * unit.factor, unit, amount };
}

type Base = 'larger' | 'smaller' | 'first';

const lessWords = /\b(?:less|lower|fewer|small|cheap|fast|short|reduc|decreas|drop|fell|fall|down|sav|behind|discount)/i;
const moreWords = /\b(?:more|higher|larger|great|increas|grow|grew|rose|ris|up\b|slow|longer|dear|ahead|extra|premium)/i;
const changeWords = /\b(?:chang|delta|diff|from|versus|vs\b|compar)|→|->/i;

/** Which number a change in percent is of: "less" is of the larger one, "more" of the smaller, else of the one said first. */
function baseOf(words: string): Base | undefined {
  if (lessWords.test(words)) return 'larger';
  return moreWords.test(words) ? 'smaller' : changeWords.test(words) ? 'first' : undefined;
}

interface WorkedOut {
  readonly amounts: Derived[];
  readonly shares: number[];
}

function workedOut(operands: readonly Operand[], words: string): WorkedOut {
  const into: WorkedOut = { amounts: [], shares: [] };
  const base = baseOf(words);
  const per = /\bper ([a-z]{2,})/i.exec(words)?.[1]?.toLowerCase();
  const named = operands.filter(({ name }) => per !== undefined && name.toLowerCase().includes(per));
  operands.forEach((a, index) => {
    for (const b of operands.slice(index + 1)) {
      if (!(a.value > 0 && b.value > 0)) continue;
      const shares = a.isShare === true || b.isShare === true;
      if (!shares && a.unit?.dimension === b.unit?.dimension) comparedTo(a, b, base, operands, into);
      const unit = a.unit ?? b.unit;
      into.amounts.push({ value: a.value * b.value, way: 'product', ...columnIn(unit) });
      for (const [part, whole] of shares
        ? []
        : ([
            [a, b],
            [b, a],
          ] as const)) {
        if (named.length > 0 && !named.includes(whole)) continue;
        into.amounts.push({
          value: part.value / whole.value,
          way: 'quotient',
          ...columnIn(whole.unit === undefined ? part.unit : undefined),
        });
      }
    }
  });
  return into;
}

function comparedTo(a: Operand, b: Operand, base: Base | undefined, operands: readonly Operand[], into: WorkedOut): void {
  const [less, more] = a.value < b.value ? [a.value, b.value] : [b.value, a.value];
  into.amounts.push(
    { value: more + less, way: 'total', ...columnIn(a.unit) },
    { value: more - less, way: 'difference', ...columnIn(a.unit) },
  );
  if (base !== undefined) into.shares.push((more - less) / (base === 'first' ? a.value : base === 'larger' ? more : less));
  if (!isRestOf(more, less, a.unit, operands)) into.shares.push(less / more);
}

function columnIn(unit: Unit | undefined): { readonly of?: Series } {
  return unit === undefined ? {} : { of: { key: '', values: [], unit } };
}

/** Small counts add up to each other by chance. */
const WHOLE_MIN = 20;

/** Whether two numbers are the parts of a whole that stands there: then the one is no base of the other. */
function isRestOf(one: number, other: number, unit: Unit | undefined, operands: readonly Operand[]): boolean {
  const whole = one + other;
  if (unit === undefined && whole < WHOLE_MIN) return false;
  return operands.some((operand) => operand.unit?.dimension === unit?.dimension && Math.abs(operand.value - whole) <= whole * 1e-9);
}
