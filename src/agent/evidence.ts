// What a call was given and what its tools said, taken apart once for all checks that look at it. grounded.ts and
// placeholder.ts read it. Values are walked once and remembered by identity, texts are normalised when first asked for.

import { isDate } from 'node:util/types';
import type { Evidence } from './checks.ts';
import { type List, listOf, listOfValues } from './series.ts';

/** How deep values are walked, and how much of a text that holds JSON is parsed again (characters). */
const DEPTH_MAX = 100;
const INNER_JSON_MAX = 2_000_000;

/** One text of the evidence: a string in it, or the raw JSON of a value. */
export class Passage {
  readonly text: string;
  /** Whether it is the raw JSON of a value: its names, numbers and structure as a model sees them. */
  readonly raw: boolean;
  /** Whether it is a text that holds JSON, whose values were gathered as well. */
  readonly json: boolean;
  readonly #views = new Map<(text: string) => string, string>();

  constructor(text: string, raw: boolean, json = false) {
    this.text = text;
    this.raw = raw;
    this.json = json;
  }

  /** The text in another form, computed once. `form` must be pure and the same function every time. */
  as(form: (text: string) => string): string {
    const known = this.#views.get(form);
    if (known !== undefined) return known;
    const view = form(this.text);
    this.#views.set(form, view);
    return view;
  }
}

/** A number that stands in the evidence as one, with the name it stands under. */
export interface NumberLeaf {
  readonly value: number;
  readonly key: string;
}

/** Evidence taken apart. */
export interface Material {
  readonly passages: readonly Passage[];
  readonly numbers: readonly NumberLeaf[];
  /** Lists and objects: counts, sums and what else follows from them count as said. */
  readonly lists: readonly List[];
  /** Names with digits in them: a year over its figures is said, too. */
  readonly names: readonly string[];
}

interface Gathered {
  passages: Passage[];
  numbers: NumberLeaf[];
  lists: List[];
  names: string[];
}

const materials = new WeakMap<Evidence, Material>();
const parts = new WeakMap<object, Material>();

/** The evidence of one judgement, taken apart. Remembered by identity, down to each result. O(size), once. */
export function materialOf(evidence: Evidence): Material {
  const known = materials.get(evidence);
  if (known !== undefined) return known;
  const all = [partOf(evidence.input, evidence.input), ...evidence.results.map((entry) => partOf(entry.result, entry))];
  const material: Material = {
    passages: all.flatMap((part) => part.passages),
    numbers: all.flatMap((part) => part.numbers),
    lists: all.flatMap((part) => part.lists),
    names: all.flatMap((part) => part.names),
  };
  materials.set(evidence, material);
  return material;
}

function partOf(value: unknown, identity: unknown): Material {
  // A text has no identity of its own: what holds it has.
  const key = [value, identity].find((candidate) => typeof candidate === 'object' && candidate !== null);
  const known = key === undefined ? undefined : parts.get(key);
  if (known !== undefined) return known;
  const gathered: Gathered = { passages: [], numbers: [], lists: [], names: [] };
  gather(value, '', [], gathered);
  if (typeof value === 'object' && value !== null) addRaw(value, gathered);
  if (key !== undefined) parts.set(key, gathered);
  return gathered;
}

/** A contracted input need not be JSON: dates, maps and sets are read too, cycles and the rest passed over. */
function gather(value: unknown, key: string, above: readonly object[], into: Gathered): void {
  switch (typeof value) {
    case 'string':
      gatherText(value, key, above, into);
      return;
    case 'number':
      into.numbers.push({ value, key });
      return;
    case 'bigint':
      into.numbers.push({ value: Number(value), key });
      into.passages.push(new Passage(String(value), false));
      return;
    case 'object':
      if (value === null || above.length >= DEPTH_MAX || above.includes(value)) return;
      gatherObject(value, key, [...above, value], into);
      return;
    default:
      return;
  }
}

function gatherObject(value: object, key: string, above: readonly object[], into: Gathered): void {
  if (isDate(value)) {
    if (!Number.isNaN(value.getTime())) into.passages.push(new Passage(value.toISOString(), false));
    return;
  }
  if (value instanceof Map) {
    for (const [name, item] of value) gather(item, String(name), above, into);
    gather([...value.keys()], key, above, into);
    return;
  }
  if (value instanceof Set) return gather([...value], key, above, into);
  if (!Array.isArray(value)) {
    into.lists.push(listOfValues(value));
    for (const [name, item] of Object.entries(value)) {
      if (/\d/.test(name)) into.names.push(name);
      gather(item, name, above, into);
    }
    return;
  }
  into.lists.push(listOf(value));
  for (const item of value) gather(item, key, above, into);
}

/** Tools often answer with JSON in a text: what it says is evidence too, without its escapes. */
function gatherText(text: string, key: string, above: readonly object[], into: Gathered): void {
  const inner = innerJson(text);
  into.passages.push(new Passage(text, false, inner !== undefined));
  if (inner !== undefined) gather(inner, key, above, into);
}

function innerJson(text: string): object | undefined {
  if (text.length > INNER_JSON_MAX || !/^\s*[[{]/.test(text)) return undefined;
  try {
    const inner: unknown = JSON.parse(text);
    return typeof inner === 'object' && inner !== null ? inner : undefined;
  } catch {
    return undefined;
  }
}

function addRaw(value: object, into: Gathered): void {
  try {
    const text = JSON.stringify(value);
    if (typeof text === 'string') into.passages.push(new Passage(text, true));
  } catch {
    // Not JSON (a bigint, a cycle): its strings and numbers were gathered above.
  }
}
