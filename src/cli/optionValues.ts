// How values of options are read by whatever command takes them. Pure; called by the files that declare commands.

import { InvalidArgumentError } from 'commander';

/** An option that may be given several times. */
export function also(one: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), one];
}

export function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a whole number above 0.');
}

export function seconds(text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0 && text.trim() !== '') return value;
  throw new InvalidArgumentError('It must be a number of seconds.');
}
