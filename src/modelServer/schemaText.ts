// A text for a schema of texts: of its format, its patterns and its length, or plain words. What is made is judged here
// before it leaves. Pure but for the dice; called by generate.ts.

import { conforms, patternsIn } from './conforms.ts';
import { between, type Dice } from './dice.ts';
import { ofFormat } from './format.ts';
import { Impossible } from './impossible.ts';
import { ofPattern } from './pattern.ts';
import { phrase } from './phrase.ts';
import type { Schema } from './wire.ts';

const TRIES = 200;
/** Formats and patterns are told in errors up to here. */
const TOLD_CHARS = 80;

/** @throws Impossible where no text is found. */
export function textOf({ format, pattern, minLength, maxLength }: Schema, random: Dice): string {
  const least = typeof minLength === 'number' ? minLength : 0;
  const most = typeof maxLength === 'number' ? maxLength : Math.max(least, 1_000);
  const patterns = patternsIn(pattern).toSorted((a, b) => anchoring(a) - anchoring(b));
  if (typeof format === 'string' && patterns.length === 0 && ofFormat(format, random) === undefined)
    throw new Impossible(`the format '${told(format)}' is not known`);
  const bare = { format, pattern, minLength, maxLength };
  for (let tried = 0; tried < TRIES; tried += 1) {
    const fromFormat = typeof format === 'string' && (tried % 2 === 0 || patterns.length === 0) ? ofFormat(format, random) : undefined;
    const reach = Math.min(most, tried % 3 === 0 ? least + 8 : Math.ceil(least / 2) + 3);
    const made = fromFormat ?? ofPatterns(patterns, random, reach, tried) ?? words(random, least, most);
    if (conforms(made, bare)) return made;
  }
  const wants = [
    ...patterns.map((one) => `the pattern ${told(one)}`),
    ...(typeof format === 'string' ? [`the format ${told(format)}`] : []),
    ...(least === 0 && maxLength === undefined ? [] : [`${least} to ${most} characters`]),
  ];
  throw new Impossible(`no text was found for ${wants.join(' and ')}`);
}

/** What begins a text comes first, what ends it last. */
function anchoring(pattern: string): number {
  return (pattern.startsWith('^') ? -1 : 0) + (pattern.endsWith('$') ? 1 : 0);
}

/** One text after the other, which suits beginnings, middles and ends; or that of a single one, which may suit all. */
function ofPatterns(patterns: readonly string[], random: Dice, reach: number, tried: number): string | undefined {
  if (patterns.length === 0) return undefined;
  const single = patterns.length === 1 || tried % 4 === 3 ? patterns[tried % patterns.length] : undefined;
  if (single !== undefined) return ofPattern(single, random, reach);
  const made = patterns.map((one) => ofPattern(one, random, reach));
  return made.every((one) => one !== undefined) ? made.join('') : undefined;
}

function words(random: Dice, least: number, most: number): string {
  let made = phrase(random, between(random, 2, 6));
  while (made.length < least) made += ` ${phrase(random, 4)}`;
  return made.slice(0, most);
}

function told(text: string): string {
  return text.length > TOLD_CHARS ? `${text.slice(0, TOLD_CHARS)}…` : text;
}
