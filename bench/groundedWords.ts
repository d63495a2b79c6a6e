// Numbers as models write them in prose and in fields: in words, with separators, rounded, in other units. Called by the
// answers of the grounding evaluation. Everything here says the same amount in another way.

import type { Dice } from '../src/modelServer/dice.ts';
import { between, oneOf } from '../src/modelServer/dice.ts';

const ONES =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

/** A whole number below a hundred in words, others in digits. */
export function inWords(n: number): string {
  if (n < 20) return ONES[n] ?? String(n);
  if (n >= 100) return String(n);
  const ten = TENS[Math.floor(n / 10) - 2] ?? '';
  return n % 10 === 0 ? ten : `${ten}-${ONES[n % 10] ?? ''}`;
}

/** A count, in words or in digits. */
export function count(random: Dice, n: number): string {
  return random() < 0.4 ? inWords(n) : grouped(random, n);
}

/** A whole number with or without separators. */
export function grouped(random: Dice, n: number): string {
  return oneOf(random, [String(n), n.toLocaleString('en-US'), n.toLocaleString('en-US'), n.toLocaleString('fr-FR')]);
}

/** A number rounded to some digits after the point; fewer where the number is large. */
export function rounded(random: Dice, value: number, digitsMax = 2): number {
  const least = Math.abs(value) >= 10 ? 0 : Math.abs(value) >= 1 ? 1 : Math.abs(value) >= 0.1 ? 2 : 4;
  return Number(value.toFixed(between(random, least, Math.max(least, digitsMax))));
}

/** An amount of bytes in the unit that fits, after the habit of disks or of memory. */
export function bytesAs(random: Dice, bytes: number): string {
  const large = bytes >= 1e6;
  switch (between(random, 0, 3)) {
    case 0:
      return `${grouped(random, Math.round(bytes))} bytes`;
    case 1:
      return large ? `${rounded(random, bytes / 1e6)} MB` : `${rounded(random, bytes / 1e3)} kB`;
    case 2:
      return large ? `${rounded(random, bytes / 1024 ** 2)} MiB` : `${rounded(random, bytes / 1024)} KiB`;
    default:
      return large ? `about ${rounded(random, bytes / 1024 ** 2, 1)} MB` : `${rounded(random, bytes / 1024, 1)} KB`;
  }
}

/** A time in the unit that fits. */
export function msAs(random: Dice, ms: number): string {
  if (ms < 100) return oneOf(random, [`${rounded(random, ms)} ms`, `${rounded(random, ms)}ms`]);
  return oneOf(random, [
    `${rounded(random, ms / 1000)} s`,
    `${rounded(random, ms / 1000)} seconds`,
    `${grouped(random, Math.round(ms))} ms`,
    `${(ms / 1000).toFixed(2)}s`,
  ]);
}

/** A share of one in percent. */
export function percent(random: Dice, share: number): string {
  return oneOf(random, [
    `${rounded(random, share * 100, 1)} %`,
    `${rounded(random, share * 100, 1)}%`,
    `${rounded(random, share * 100)} percent`,
  ]);
}

/** A count of tokens. */
export function tokensAs(random: Dice, tokens: number): string {
  if (tokens >= 1e6) return oneOf(random, [`${rounded(random, tokens / 1e6)}M tokens`, `${rounded(random, tokens / 1e6)} million tokens`]);
  return oneOf(random, [
    `${rounded(random, tokens / 1e3, 1)}k tokens`,
    `${rounded(random, tokens / 1e3, 1)}K`,
    `${grouped(random, tokens)} tokens`,
  ]);
}
