// One made-up value in a true answer: the slips and inventions that models are known for. Called by groundedRounds.ts.
// A planted value is false for certain: by a plain search of the text behind the evidence, which knows nothing of how the
// checks read, it is not there. A value that happens to be true is thrown away and another one made.

import type { Dice } from '../src/modelServer/dice.ts';
import { between, oneOf } from '../src/modelServer/dice.ts';
import { type Sample, type Slot, valueAt, withValue } from './groundedSample.ts';

export interface Planted {
  readonly kind: string;
  readonly at: Slot['at'];
  readonly value: unknown;
  readonly output: unknown;
}

type Plant = (random: Dice, value: string | number, slot: Slot, truth: string) => string | number | undefined;

interface Kind {
  readonly what: readonly Slot['what'][];
  readonly plant: Plant;
}

const KINDS: Readonly<Record<string, Kind>> = {
  'changed word': { what: ['quote'], plant: changedWord },
  'invented quote': { what: ['quote'], plant: inventedQuote },
  'joined quote': { what: ['quote'], plant: joinedQuote },
  'near id': { what: ['id'], plant: nearId },
  'near path': { what: ['path'], plant: nearPath },
  'plausible path': { what: ['path'], plant: plausiblePath },
  'number some percent off': { what: ['number'], plant: percentOff },
  'number with swapped digits': { what: ['number'], plant: swappedDigits },
  'wrong unit': { what: ['number'], plant: slipped('wrong unit') },
  'wrong base': { what: ['number'], plant: slipped('wrong base') },
  placeholder: { what: ['text', 'quote'], plant: placeholder },
};

export const PLANT_KINDS: readonly string[] = Object.keys(KINDS);

/** The sample's output with one made-up value, of the first of these kinds that the answer has a field for. */
export function planted(random: Dice, sample: Sample, kinds: readonly string[]): Planted | undefined {
  for (const kind of kinds) {
    const { what, plant } = KINDS[kind] ?? { what: [], plant: placeholder };
    const slots = sample.slots.filter((slot) => what.includes(slot.what));
    for (let tries = 0; slots.length > 0 && tries < 12; tries += 1) {
      const slot = oneOf(random, slots);
      const before = valueAt(sample.output, slot.at);
      if (typeof before !== 'string' && typeof before !== 'number') continue;
      const value = plant(random, before, slot, sample.truth);
      if (value !== undefined && value !== before) return { kind, at: slot.at, value, output: withValue(sample.output, slot.at, value) };
    }
  }
  return undefined;
}

/** Letters and digits in order, without case: two texts that agree in it may be the same words. */
function squashed(text: string): string {
  return (
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu)
      ?.join(' ') ?? ''
  );
}

const squashes = new Map<string, string>();

function isSaid(quote: string, truth: string): boolean {
  const known = squashes.get(truth) ?? squashed(truth);
  if (squashes.size > 20) squashes.clear();
  squashes.set(truth, known);
  return known.includes(squashed(quote));
}

const WORDS = `always never sometimes cached remote optional required faster slower deprecated internal buffer session token worker
payload schema retry timeout queue region cluster replica billing account invoice customer`.split(/\s+/);

function changedWord(random: Dice, value: string | number, _: Slot, truth: string): string | undefined {
  const text = String(value);
  const words = [...text.matchAll(/[a-zA-Z]{3,}/g)];
  if (words.length === 0) return undefined;
  const word = oneOf(random, words);
  const other = random() < 0.2 ? `not ${word[0]}` : oneOf(random, WORDS);
  const made = `${text.slice(0, word.index)}${other}${text.slice(word.index + word[0].length)}`;
  const parts = made.split(/\s*(?:\[?\(?(?:\.{3}|…)\)?\]?)\s*/);
  return parts.every((part) => isSaid(part, truth)) ? undefined : made;
}

const INVENTIONS: readonly ((word: string) => string)[] = [
  (word) => `The ${word} is validated before every request and rejected if it is empty.`,
  (word) => `Note that ${word} has been deprecated since version 3 and will be removed.`,
  (word) => `if (${word} === undefined) throw new TypeError('${word} is required');`,
  (word) => `By default, ${word} is limited to 64 entries per process.`,
  (word) => `return ${word}.filter(Boolean).map((item) => item.id);`,
];

function inventedQuote(random: Dice, value: string | number, _: Slot, truth: string): string | undefined {
  const word = oneOf(random, String(value).match(/[a-zA-Z]{4,}/g) ?? ['value']);
  const made = oneOf(random, INVENTIONS)(word);
  return isSaid(made, truth) ? undefined : made;
}

/** Two stretches of the evidence put together as if one followed the other. */
function joinedQuote(random: Dice, value: string | number, _: Slot, truth: string): string | undefined {
  const head = String(value)
    .split(/\s+/)
    .slice(0, between(random, 4, 8))
    .join(' ');
  const lines = truth.split('\n').filter((line) => (line.match(/[a-zA-Z]{3,}/g)?.length ?? 0) > 4);
  if (lines.length === 0 || /\.{3}|…/.test(head)) return undefined;
  const made = `${head} ${oneOf(random, lines).trim().split(/\s+/).slice(-5).join(' ')}`;
  return isSaid(made, truth) || /\.{3}|…/.test(made) ? undefined : made;
}

function nearId(random: Dice, value: string | number, _: Slot, truth: string): string | undefined {
  const text = String(value);
  const at = between(random, Math.floor(text.length / 2), text.length - 1);
  const made = oneOf(random, [
    `${text.slice(0, at)}${otherChar(random, text.charAt(at))}${text.slice(at + 1)}`,
    text.replace(/\d+(?=\D*$)/, (digits) => String(Number(digits) + between(random, 1, 3))),
    /[a-z]$/i.test(text) ? `${text}-${oneOf(random, ['core', 'next', 'lite'])}` : `${text}${between(random, 0, 9)}`,
  ]);
  return truth.toLowerCase().includes(made.toLowerCase()) ? undefined : made;
}

function otherChar(random: Dice, char: string): string {
  const pool = /\d/.test(char) ? '0123456789' : /[a-f]/.test(char) ? 'abcdef' : /[a-z]/.test(char) ? 'aeiostrn' : char;
  return oneOf(
    random,
    [...pool].filter((one) => one !== char || pool.length === 1),
  );
}

const SEGMENTS = 'core internal shared parser server client index config options request stream errors'.split(' ');

function nearPath(random: Dice, value: string | number, _: Slot, truth: string): string | undefined {
  const bare = String(value).replace(/^\.\//, '').replace(/:\d+$/, '');
  const segments = bare.split('/');
  const at = between(random, 0, segments.length - 1);
  const segment = segments[at] ?? '';
  const other = at === segments.length - 1 ? segment.replace(/^[^.]+/, oneOf(random, SEGMENTS)) : oneOf(random, SEGMENTS);
  const otherEnding = bare.replace(/\.(?:ts|js|md|txt|json)$/, oneOf(random, ['.mjs', '.tsx', '.cjs', '.rst', '.yaml']));
  const made = random() < 0.25 ? otherEnding : segments.with(at, other).join('/');
  return truth.includes(made) ? undefined : made;
}

const PATHS =
  `src/index.ts src/main.ts lib/index.js docs/guide.md src/server/router.ts test/setup.ts src/parser/lexer.ts config/default.json
README.rst src/core/session.ts packages/core/src/index.ts`.split(/\s+/);

function plausiblePath(random: Dice, _value: string | number, _: Slot, truth: string): string | undefined {
  const made = oneOf(random, PATHS);
  return truth.includes(made) ? undefined : made;
}

/** The numbers of a text, each in every way its marks can be read. */
function numbersOf(truth: string): readonly number[] {
  const known = numbers.get(truth);
  if (known !== undefined) return known;
  const found = (truth.match(/\d+(?:[.,]\d+)*/g) ?? []).flatMap((digits) => [
    Number(digits.replaceAll(',', '')),
    Number(digits.replaceAll('.', '').replaceAll(',', '.')),
    ...digits.split(/[.,]/).map(Number),
  ]);
  if (numbers.size > 20) numbers.clear();
  numbers.set(truth, found);
  return found;
}

const numbers = new Map<string, readonly number[]>();

/** A number in the field changed, unless the evidence has it, rounded or not. */
function changedNumber(
  value: string | number,
  random: Dice,
  truth: string,
  change: (amount: number, decimals: number) => number,
): string | number | undefined {
  const text = String(value);
  const found = [...text.matchAll(/(?<![\p{L}\d./-])\d+(?:[., \u202f]\d{3})*(?:\.\d+)?(?![\p{L}\d/-]*[/-])/gu)];
  if (found.length === 0) return undefined;
  const one = oneOf(random, found);
  const digits = one[0].replaceAll(/[, \u202f]/g, '');
  const decimals = digits.split('.')[1]?.length ?? 0;
  const made = change(Number(digits), decimals);
  const half = 0.5 * 10 ** -decimals;
  if (!Number.isFinite(made) || Number(made.toFixed(decimals)) === Number(digits)) return undefined;
  if (numbersOf(truth).some((known) => Math.abs(known - made) <= half * 1.001)) return undefined;
  const written = /\d[, \u202f]\d{3}/.test(one[0])
    ? made.toLocaleString('en-US', { minimumFractionDigits: decimals })
    : made.toFixed(decimals);
  return typeof value === 'number'
    ? Number(made.toFixed(decimals))
    : `${text.slice(0, one.index)}${written}${text.slice(one.index + one[0].length)}`;
}

function percentOff(random: Dice, value: string | number, _: Slot, truth: string): string | number | undefined {
  const factor = 1 + (random() < 0.5 ? -1 : 1) * (0.03 + random() * 0.3);
  return changedNumber(value, random, truth, (amount, decimals) => Number((amount * factor).toFixed(decimals)));
}

function swappedDigits(random: Dice, value: string | number, _: Slot, truth: string): string | number | undefined {
  return changedNumber(value, random, truth, (amount, decimals) => {
    const digits = [...amount.toFixed(decimals)];
    const pairs = digits.flatMap((digit, at) =>
      /\d/.test(digit) && /\d/.test(digits[at + 1] ?? '') && digits[at + 1] !== digit ? [at] : [],
    );
    if (pairs.length === 0) return Number.NaN;
    const at = oneOf(random, pairs);
    [digits[at], digits[at + 1]] = [digits[at + 1] ?? '', digits[at] ?? ''];
    return Number(digits.join(''));
  });
}

function slipped(slip: 'wrong base' | 'wrong unit'): Plant {
  return (random, _value, { slips = [] }, truth) => {
    const fitting = slips.filter((one) => one.slip === slip);
    if (fitting.length === 0) return undefined;
    const { value } = oneOf(random, fitting);
    if (typeof value === 'number') return numbersOf(truth).some((known) => Math.abs(known - value) < 0.06) ? undefined : value;
    // The same amount in the unit of another figure would be true of something else.
    const amounts = numbersOf(value).flatMap((amount) => [amount * 1000, amount / 1000, amount / 100, amount * 1024]);
    const others = amounts.some((amount) => numbersOf(truth).some((known) => known > 0 && Math.abs(known / amount - 1) < 1e-6));
    return others || truth.includes(value) ? undefined : value;
  };
}

const PLACEHOLDERS = [
  'TODO',
  'TODO: fill in',
  'TBD',
  'N/A',
  'n/a',
  'Lorem ipsum dolor sit amet',
  '<your answer>',
  '<your answer here>',
  '[Insert quote here]',
  '[insert summary]',
  '{{summary}}',
  'Your text here',
  'Your answer here.',
  'placeholder',
  'This is a placeholder.',
  'Placeholder text',
  'string',
  'To be determined',
  'to be added',
  'xxx',
  'example text',
  'No description provided',
  '[TODO]',
  '...',
  '[To be completed]',
  '<insert text>',
  'Description goes here',
  'lorem ipsum',
  'FIXME',
  '[Your summary here]',
  'Answer goes here',
  '[placeholder]',
  'Not applicable',
  'TBA',
  '<answer>',
  'insert text here',
];

function placeholder(random: Dice, _value: string | number, { what }: Slot, truth: string): string | undefined {
  const made = oneOf(random, what === 'quote' ? [...PLACEHOLDERS, 'https://example.com/page', 'John Doe'] : PLACEHOLDERS);
  return truth.toLowerCase().includes(made.toLowerCase()) ? undefined : made;
}
