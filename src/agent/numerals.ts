// Numbers written in English words: "twenty-one", "three hundred and five", "half a million". amounts.ts reads what an
// output says with it, ledger.ts what the evidence does.

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

/** A number in words, where it stands, and the size of the smallest thing it counts. */
export interface Spoken {
  readonly words: string;
  readonly value: number;
  readonly lastDigit: number;
  readonly from: number;
  readonly to: number;
}

/**
 * The numbers that a text says in words and means as figures: whole ones from four on. Smaller ones, ordinals and parts
 * ("one of them", "the second", "half") are figures of speech as often as not. Pure; O(n).
 */
export function spokenIn(text: string): readonly Spoken[] {
  return [...text.matchAll(phrase)].flatMap((match) => {
    const words = match[0].toLowerCase().split(/[ -]+/);
    const [value, ...more] = spokenNumbers(words);
    const isFigure = words.every((word) => cardinals.has(word) || word === 'and') && !Object.hasOwn(multipliers, words[0] ?? '');
    if (value === undefined || more.length > 0 || value < SPOKEN_MIN || !isFigure) return [];
    const lastDigit = multipliers[words.at(-1) ?? ''] ?? 1;
    return [{ words: match[0], value, lastDigit, from: match.index, to: match.index + match[0].length }];
  });
}

const SPOKEN_MIN = 4;
const cardinals = new Set([...ones, ...tens, ...Object.keys(multipliers)]);

/** Every number that a text says in words, ordinals and parts too. Pure; O(n). */
export function numberWords(text: string): readonly number[] {
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
