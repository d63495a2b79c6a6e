// One question with its true answer: what the call was given, what it answered, which checks its author set, and which
// fields a made-up value can be planted in. Made by groundedText.ts and groundedFigures.ts, changed by groundedPlants.ts.

import type { Check, Evidence, ToolResult } from '../src/agent/checks.ts';
import { grounded } from '../src/agent/grounded.ts';
import { noPlaceholder } from '../src/agent/placeholder.ts';

/** A field of the answer by its keys, and what its check holds it to. */
export interface Slot {
  readonly at: readonly (string | number)[];
  readonly what: 'quote' | 'path' | 'id' | 'number' | 'text';
  /** For a number: the value in the same field that comes of the usual slips (another base, another unit). */
  readonly slips?: readonly Slip[];
}

export interface Slip {
  readonly slip: 'wrong base' | 'wrong unit';
  readonly value: string | number;
}

export interface Sample {
  readonly task: string;
  readonly evidence: Evidence;
  readonly checks: readonly Check[];
  readonly output: unknown;
  readonly slots: readonly Slot[];
  /** All that the evidence is made from, as plain text, to see that a planted value is not in it. */
  readonly truth: string;
}

/** What a user sets: the fields of each kind, and no placeholder anywhere. */
export interface Fields {
  readonly quote?: readonly string[];
  readonly path?: readonly string[];
  readonly id?: readonly string[];
  readonly number?: readonly string[];
}

export function checksOf({ quote, path, id, number }: Fields): readonly Check[] {
  return [
    ...(quote === undefined ? [] : [grounded(quote)]),
    ...(path === undefined ? [] : [grounded(path, { what: 'path' })]),
    ...(id === undefined ? [] : [grounded(id, { what: 'id' })]),
    ...(number === undefined ? [] : [grounded(number, { what: 'number' })]),
    noPlaceholder(),
  ];
}

export function given(input: unknown, ...results: readonly ToolResult[]): Evidence {
  return { input, results };
}

export function slot(what: Slot['what'], ...at: Slot['at']): Slot {
  return { at, what };
}

/** The output with another value in a field. */
export function withValue(output: unknown, at: Slot['at'], value: unknown): unknown {
  const [key, ...rest] = at;
  if (key === undefined) return value;
  if (Array.isArray(output)) return output.map((item: unknown, index) => (index === key ? withValue(item, rest, value) : item));
  if (typeof output !== 'object' || output === null) throw new Error(`There is no ${key} in ${String(output)}.`);
  return Object.fromEntries(
    Object.entries(output).map(([name, item]: [string, unknown]) => [name, name === key ? withValue(item, rest, value) : item]),
  );
}

export function valueAt(output: unknown, at: Slot['at']): unknown {
  let value = output;
  for (const key of at) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.entries(value).find(([name]) => name === String(key))?.[1];
  }
  return value;
}

/** Keys as a check writes them: findings[0].quote. */
export function pathOf(at: Slot['at']): string {
  return at.map((key, index) => (typeof key === 'number' ? `[${key}]` : index === 0 ? key : `.${key}`)).join('');
}
