// A text that a regular expression matches, for the patterns that schemas have: characters, classes, groups, choices
// and repetitions. What only looks around (assertions, \b) makes nothing; whoever asks checks the text afterwards.

import { between, type Dice, oneOf } from './dice.ts';

const LOWER = span('a', 'z');
const DIGITS = span('0', '9');
const WORD = [...LOWER, ...span('A', 'Z'), ...DIGITS, '_'];
/** What a dot or a negated class stands for. */
const PLAIN = [...WORD, ...' -.,:;/+@#()'.split('')];

interface Reader {
  readonly pattern: string;
  readonly random: Dice;
  /** How often more than needed something unbounded comes. */
  readonly reach: number;
  at: number;
}

/**
 * A text of a pattern; undefined where the pattern has something that is not understood (back-references).
 * Pure but for the dice; O(length of the pattern × reach).
 */
export function ofPattern(pattern: string, random: Dice, reach: number): string | undefined {
  const reader: Reader = { pattern, random, reach, at: 0 };
  try {
    const text = choice(reader)();
    return reader.at === pattern.length ? text : undefined;
  } catch (error) {
    if (error instanceof Unread) return undefined;
    throw error;
  }
}

class Unread extends Error {}

/** Makes its part of the text, anew each time it is called. */
type Make = () => string;

function choice(reader: Reader): Make {
  const branches = [sequence(reader)];
  while (reader.pattern[reader.at] === '|') {
    reader.at += 1;
    branches.push(sequence(reader));
  }
  return () => oneOf(reader.random, branches)();
}

function sequence(reader: Reader): Make {
  const parts: Make[] = [];
  for (let char = reader.pattern[reader.at]; char !== undefined && char !== '|' && char !== ')'; char = reader.pattern[reader.at]) {
    parts.push(repeated(reader, atom(reader)));
  }
  return () => parts.map((part) => part()).join('');
}

function atom(reader: Reader): Make {
  const { pattern, random } = reader;
  const char = pattern[reader.at];
  reader.at += 1;
  switch (char) {
    case '^':
    case '$':
      return () => '';
    case '.':
      return () => oneOf(random, PLAIN);
    case '(':
      return group(reader);
    case '[': {
      const chars = charClass(reader);
      return () => oneOf(random, chars);
    }
    case '\\': {
      const chars = escaped(reader);
      return chars.length === 0 ? () => '' : () => oneOf(random, chars);
    }
    case undefined:
    case '*':
    case '+':
    case '?':
      throw new Unread();
    default:
      return () => char;
  }
}

function group(reader: Reader): Make {
  const opening = /^\?(?:([:])|([=!]|<[=!])|<[A-Za-z_]\w*>)/.exec(reader.pattern.slice(reader.at));
  if (reader.pattern[reader.at] === '?' && opening === null) throw new Unread();
  reader.at += opening?.[0].length ?? 0;
  const inside = choice(reader);
  if (reader.pattern[reader.at] !== ')') throw new Unread();
  reader.at += 1;
  return opening?.[2] === undefined ? inside : () => '';
}

function repeated(reader: Reader, make: Make): Make {
  const found = /^(?:([*+?])|\{(\d+)(,(\d*))?\})\??/.exec(reader.pattern.slice(reader.at));
  if (found === null) return make;
  reader.at += found[0].length;
  const [, sign, least, comma, most] = found;
  const min = sign === undefined ? Number(least) : sign === '+' ? 1 : 0;
  const max = sign === '?' ? 1 : sign !== undefined || most === '' ? min + reader.reach : comma === undefined ? min : Number(most);
  if (max < min || min > 10_000) throw new Unread();
  return () => Array.from({ length: between(reader.random, min, Math.min(max, min + Math.max(reader.reach, 1))) }, () => make()).join('');
}

/** The characters of an escape; none for an assertion. */
function escaped(reader: Reader): readonly string[] {
  const { pattern } = reader;
  const code = /^(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))/.exec(pattern.slice(reader.at));
  if (code !== null) {
    reader.at += code[0].length;
    return [String.fromCodePoint(Number.parseInt(code[1] ?? code[2] ?? code[3] ?? '', 16))];
  }
  const property = /^[pP]\{[^}]*\}/.exec(pattern.slice(reader.at));
  if (property !== null) {
    reader.at += property[0].length;
    return ofProperty(property[0]);
  }
  const char = pattern[reader.at];
  reader.at += 1;
  if (char === undefined || /[1-9kpPc]/.test(char)) throw new Unread();
  return ESCAPES[char] ?? [char];
}

/** Some characters of every kind, for the properties that Unicode gives them. */
const KINDS = [...PLAIN, ...Array.from('!?$%&*=<>"\'_~^{}[]|àÉßñΩλЖя中日ひカ한عא٣½€™°😀🚀🌲\u0301\u200d')];

function ofProperty(property: string): readonly string[] {
  let regex: RegExp;
  try {
    regex = new RegExp(`\\${property}`, 'u');
  } catch {
    throw new Unread();
  }
  const found = KINDS.filter((char) => regex.test(char));
  if (found.length === 0) throw new Unread();
  return found;
}

const ESCAPES: Readonly<Record<string, readonly string[]>> = {
  d: DIGITS,
  D: [...LOWER, '-'],
  w: WORD,
  W: ['-', ' ', '.'],
  s: [' '],
  S: WORD,
  b: [],
  B: [],
  n: ['\n'],
  r: ['\r'],
  t: ['\t'],
  f: ['\f'],
  v: ['\v'],
  0: ['\0'],
};

function charClass(reader: Reader): readonly string[] {
  const { pattern } = reader;
  const negated = pattern[reader.at] === '^';
  if (negated) reader.at += 1;
  const chars = new Set<string>();
  while (pattern[reader.at] !== ']') {
    const from = classChars(reader);
    const [only] = from;
    const ranged = from.length === 1 && pattern[reader.at] === '-' && pattern[reader.at + 1] !== ']';
    if (!ranged || only === undefined) {
      for (const char of from) chars.add(char);
      continue;
    }
    reader.at += 1;
    const [to = only] = classChars(reader);
    for (const char of span(only, to)) chars.add(char);
  }
  reader.at += 1;
  const allowed = negated ? PLAIN.filter((char) => !chars.has(char)) : [...chars];
  if (allowed.length === 0) throw new Unread();
  return allowed;
}

function classChars(reader: Reader): readonly string[] {
  const char = reader.pattern.slice(reader.at).match(/^[^]/u)?.[0];
  if (char === undefined) throw new Unread();
  reader.at += char.length;
  return char === '\\' ? escaped(reader) : [char];
}

/** Characters between two, the first hundred of them. */
function span(from: string, to: string): readonly string[] {
  const first = from.codePointAt(0) ?? 0;
  const last = Math.min(to.codePointAt(0) ?? 0, first + 99);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => String.fromCodePoint(first + at));
}
