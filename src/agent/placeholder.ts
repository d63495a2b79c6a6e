// The built-in check against answers that only look like answers: a field that holds TODO, "n/a", "lorem ipsum" or
// "<your name>" fits a loose contract and says nothing. Whole fields are judged, never parts of a sentence, and never
// text that the call was given: a quoted TODO is an answer.

import type { Check } from './checks.ts';
import type { Problem } from './errors.ts';
import { type Material, materialOf } from './evidence.ts';
import { childPath, type Found, findAt, parsePath } from './path.ts';
import { plain, standsAlone } from './quotes.ts';

/** Longer fields say something, whatever they begin with. */
const PLACEHOLDER_CHARS_MAX = 200;
const DEPTH_MAX = 100;

/**
 * A check that refuses placeholders in string fields: everywhere in the output, or only at the given paths (and what is
 * below them). Text that occurs in the input or in a tool result is never refused. Words that may be a value of their
 * own (`todo`, `string`) are not refused in fields named after a state or a type, unless the path was given.
 * @throws AmdahlError MISCONFIGURED when a path cannot be read.
 */
export function noPlaceholder(paths?: string | readonly string[]): Check {
  const patterns = paths === undefined ? undefined : typeof paths === 'string' ? [paths] : paths;
  const parsed = patterns?.map((pattern) => ({ pattern, segments: parsePath(pattern) }));
  return {
    name: patterns === undefined ? 'noPlaceholder' : `noPlaceholder(${patterns.map((pattern) => pattern || 'the output').join(', ')})`,
    ...(patterns === undefined ? {} : { paths: patterns }),
    judge(output, evidence) {
      const roots = parsed?.flatMap(({ pattern, segments }) => findAt(output, pattern, segments)) ?? [{ path: '', value: output }];
      const suspects = roots.flatMap((root) => strings(root, 0)).filter((field) => isSuspect(field, parsed !== undefined));
      if (suspects.length === 0) return [];
      const material = materialOf(evidence);
      return suspects.filter(({ value }) => !wasGiven(value, material)).map(problemWith);
    },
  };
}

interface Field {
  readonly path: string;
  readonly value: string;
}

function strings({ path, value }: Found, depth: number): readonly Field[] {
  if (typeof value === 'string') return [{ path, value }];
  if (typeof value !== 'object' || value === null || depth >= DEPTH_MAX) return [];
  if (Array.isArray(value)) return value.flatMap((item: unknown, i) => strings({ path: childPath(path, i), value: item }, depth + 1));
  return Object.entries(value).flatMap(([key, item]: [string, unknown]) => strings({ path: childPath(path, key), value: item }, depth + 1));
}

function problemWith({ path, value }: Field): Problem {
  return { path, message: `${JSON.stringify(value)} is a placeholder: write what belongs here; if it is not known, say so in words` };
}

function isSuspect({ path, value }: Field, named: boolean): boolean {
  const kind = placeholderKind(value);
  return kind === 'filler' || (kind === 'word' && (named || !isLabel(path)));
}

/** Fields that hold one of a few words. */
const labels = new Set(
  'type types kind format status state stage phase category label tag tags column priority severity level role mode returns language unit class'.split(
    ' ',
  ),
);

function isLabel(path: string): boolean {
  const name =
    path
      .replaceAll(/\[\d+\]/g, '')
      .split('.')
      .at(-1) ?? '';
  const words = name
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u);
  return words.some((word) => labels.has(word));
}

/** Words that could be a value of their own. */
const word = /^(?:todos?|tb[dac]|t\.b\.[dac]|fixme|string|x{3,}|\(?(?:n\/a|n\.a\.|#n\/a)\)?)$/;

const noun =
  '(?:name|names|date|title|text|description|details?|summary|content|value|values|string|number|amount|answer|response|output|result|reason|explanation|quote|email|address|company|url|link|id|path|file|message|comment|note|info|information|data|field)';

const fillers: readonly RegExp[] = [
  // TODO with nothing but a wish to fill it in.
  /^(?:todo|tbd|tba|fixme)\b[\s:.,()-]*(?:fill(?: this| me)?(?: in)?|later|complete(?: this)?|describe(?: this)?|replace(?: this| me)?|to be \w+|placeholder|insert .{0,40}|add (?:text|content|details|description|summary)(?: here)?)?[\s.!)]*$/,
  /^(?:to be |tb)(?:determined|decided|announced|added|completed|confirmed|defined|filled|filled in|written|provided|done)$/,
  /^(?:none|not|nothing|nil|no information|no info|no details?|no description|no summary|no content|no data|no text|no value|no answer) (?:provided|supplied)$/,
  // "None given" says that the source gives none.
  /^(?:not|nil|no information|no info|no details?|no description|no summary|no content|no text|no value|no answer) given$/,
  /^(?:none|not) (?:available|applicable)$/,
  /^coming soon$/,
  new RegExp(`^(?:this is |just )?(?:a |an |the )?(?:placeholder|dummy|filler)(?:[ _-]?${noun}){0,2}(?: for .{1,40})?$`),
  /^(?:an? |the )?(?:example|sample|dummy|mock|fake)[ _-](?:text|string|value|content|answer|name|title|description|summary|quote)(?: (?:goes )?here)?$/,
  /^(?:some|your) (?:text|content|string)(?: (?:goes )?here)?$/,
  new RegExp(`^(?:(?:insert|enter|add|put|write|type|provide) )?(?:(?:your|the|a|an|some|any) )?(?:${noun} ){1,2}(?:goes )?here$`),
  /^lorem ipsum(?: dolor(?: sit\b.*)?)?$/,
  /^\{\{[^{}]{0,80}\}\}$/,
  /^(?:foo ?bar|asdf(?:gh)?|qwerty|blah(?: blah)+|test test(?: test)*)$/,
];

/** In brackets: a wish to fill something in, or the name of what belongs there. Braces around a name are path templates. */
const wish = /^(?:insert|enter|add|put|your|fill|provide|specify|replace|todo|tbd|placeholder|example|sample)\b/;
const generic = new RegExp(`^(?:\\w+[ _-]){0,3}${noun}$`);

/** Names that are elements of HTML, too. */
const elements = new Set('title summary address data text link details output path'.split(' '));

/** What a text is as a whole: a filler for certain, a word that is one unless it is a value, or neither. Pure. */
function placeholderKind(value: string): 'filler' | 'word' | undefined {
  if (value.length > PLACEHOLDER_CHARS_MAX) return undefined;
  const text = plain(value).toLowerCase();
  if (/^[.\s]{3,}$|^\?{3,}$|^_{3,}$/.test(text) && text !== '') return 'filler';
  const bare = text.replaceAll(/^["'*_`]+|["'*_`.!]+$/g, '').trim();
  if (word.test(bare) || word.test(text)) return 'word';
  if (fillers.some((filler) => filler.test(bare))) return 'filler';
  const inside = /^[<[({](?! )([^<>[\]{}]{1,100})[>\])}]$/.exec(bare)?.[1];
  if (inside === undefined || !sameBrackets(bare)) return undefined;
  if (inside === 'todo' || inside === 'tbd' || inside === 'n/a' || fillers.some((filler) => filler.test(inside))) return 'filler';
  if (bare.startsWith('(') || (bare.startsWith('<') && (elements.has(inside) || /[="/]/.test(inside)))) return undefined;
  return wish.test(inside) || (generic.test(inside) && !bare.startsWith('{')) ? 'filler' : undefined;
}

const pairs: Readonly<Record<string, string>> = { '<': '>', '[': ']', '(': ')', '{': '}' };

function sameBrackets(text: string): boolean {
  return pairs[text[0] ?? ''] === text.at(-1);
}

function lower(text: string): string {
  return plain(text).toLowerCase();
}

/** Whether the whole text stands in the input or in a tool result, alone between words; marks alone must be all there is. */
function wasGiven(value: string, material: Material): boolean {
  const text = lower(value);
  const hasWords = /[\p{L}\p{N}]/u.test(text);
  return material.passages.some((passage) => {
    if (passage.raw) return false;
    const given = passage.as(lower);
    if (!hasWords) return given === text;
    for (let at = given.indexOf(text); at !== -1; at = given.indexOf(text, at + 1)) {
      if (standsAlone(given, at, at + text.length)) return true;
    }
    return false;
  });
}
