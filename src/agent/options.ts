// Options as they are given: a name that does not exist is refused, because it would do nothing in silence. Called
// first by everything that takes options.

import { kindOf } from './contract.ts';
import { AmdahlError } from './errors.ts';
import { nearest } from './nearest.ts';

/** Every option of `T`; the compiler keeps it complete. */
export type OptionNames<T> = Readonly<Record<keyof T, true>>;

/** How a definition is called in messages: "The step 'count'". Pure. */
export function titled(kind: string, given: unknown): string {
  const name = typeof given === 'object' && given !== null && 'name' in given ? given.name : undefined;
  return typeof name === 'string' ? `The ${kind} '${name}'` : `The ${kind}`;
}

/**
 * Options that are undefined count as not given. `meant` has names that others use for what is known here.
 * @throws AmdahlError MISCONFIGURED unless it is an object with known names. Pure.
 */
export function checkOptions(
  given: unknown,
  known: Readonly<Record<string, true>>,
  who: string,
  noun = 'an option',
  meant: Readonly<Record<string, string>> = {},
): void {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new AmdahlError('MISCONFIGURED', `${who} takes an object and was given ${kindOf(given)}. Write { ${Object.keys(known)[0]}: … }.`);
  }
  const odd = Object.entries(given).find(([name, value]) => value !== undefined && !Object.hasOwn(known, name))?.[0];
  if (odd === undefined) return;
  const names = Object.keys(known);
  const like = Object.hasOwn(meant, odd) ? meant[odd] : nearest(odd, names);
  throw new AmdahlError(
    'MISCONFIGURED',
    `${who} has ${noun} '${odd}' that does not exist${like === undefined ? '.' : `; did you mean '${like}'?`} The ${noun.replace(/^an? /, '')}s are ${names.join(', ')}.`,
  );
}

/** @throws AmdahlError MISCONFIGURED unless a required option is of its kind. Pure. */
export function checkRequired(value: unknown, option: string, kind: 'string' | 'function', who: string): void {
  if (typeof value === kind) return;
  const wrong = value === undefined ? `has no ${option}` : `has ${kindOf(value)} as ${option}`;
  throw new AmdahlError('MISCONFIGURED', `${who} ${wrong}. Give it ${kind === 'string' ? 'text' : 'a function'}.`);
}
