// How far it is to the end of a schema that refers to itself, so that whoever makes a value of it can take a short way
// out. Called by generate.ts. Heights are found for all parts at once and kept as long as the schema is.

import { isSchema, itemsOf, pointedAt, schemasIn } from './conforms.ts';
import type { Schema } from './wire.ts';

const known = new WeakMap<object, WeakMap<object, number>>();

/**
 * How many levels the flattest value has: 0 for text, Infinity where it never ends. References and conjunctions count
 * as the highest of their parts. Pure; the first call for a root is O(parts of the schema × the largest height), later
 * ones O(parts that are new).
 */
export function heightOf(schema: unknown, root: Schema): number {
  if (!isSchema(schema)) return schema === false ? Infinity : 0;
  const heights = known.get(root) ?? new WeakMap<object, number>();
  known.set(root, heights);
  const before = heights.get(schema);
  if (before !== undefined) return before;
  const parts = reachable(schema, root, heights);
  for (const part of parts) heights.set(part, Infinity);
  // What a part needs comes before it but where a circle closes: few rounds reach the least fixed point.
  for (let changed = true; changed;) {
    changed = false;
    for (const part of parts) {
      const height = heightIn(part, root, heights);
      if (height === heights.get(part)) continue;
      heights.set(part, height);
      changed = true;
    }
  }
  return heights.get(schema) ?? Infinity;
}

/** The parts whose height is not known, each behind those that it needs. No recursion, for schemas may be deep. */
function reachable(from: Schema, root: Schema, heights: WeakMap<object, number>): readonly Schema[] {
  const found: Schema[] = [];
  const seen = new Set<unknown>();
  const open: { readonly part: Schema; readonly left: unknown[] }[] = [];
  const enter = (part: unknown): void => {
    if (!isSchema(part) || seen.has(part) || heights.has(part)) return;
    seen.add(part);
    open.push({ part, left: needsOf(part, root).flat() });
  };
  enter(from);
  for (let at = open.at(-1); at !== undefined; at = open.at(-1)) {
    if (at.left.length > 0) {
      enter(at.left.pop());
      continue;
    }
    found.push(at.part);
    open.pop();
  }
  return found;
}

function heightIn(part: Schema, root: Schema, heights: WeakMap<object, number>): number {
  const height = (one: unknown): number => (isSchema(one) ? (heights.get(one) ?? Infinity) : one === false ? Infinity : 0);
  if (Array.isArray(part['enum']) || Object.hasOwn(part, 'const')) return 0;
  const [together, inside, ...choices] = needsOf(part, root);
  return Math.max(
    0,
    ...together.map(height),
    ...(inside.length === 0 ? [] : [1 + Math.max(...inside.map(height))]),
    ...choices.map((variants) => Math.min(...variants.map(height))),
  );
}

/** What a value of a part has to fit as a whole, what has to be within it, and each choice that it leaves. */
function needsOf(part: Schema, root: Schema): readonly [readonly unknown[], readonly unknown[], ...(readonly unknown[])[]] {
  const { $ref, allOf, anyOf, oneOf } = part;
  const target = typeof $ref === 'string' ? [pointedAt($ref, root) ?? false] : [];
  const choices = [anyOf, oneOf].filter((variants) => Array.isArray(variants)).map((variants) => schemasIn(variants));
  return [[...target, ...schemasIn(allOf)], insideOf(part), ...choices];
}

function insideOf(part: Schema): readonly unknown[] {
  const { type, minItems, properties, required } = part;
  // Another type than that of an object or a list is a way out.
  if (Array.isArray(type) && schemasIn(type).some((one) => one !== 'object' && one !== 'array')) return [];
  const { first, rest } = itemsOf(part);
  const least = typeof minItems === 'number' ? Math.min(minItems, first.length + 1) : 0;
  const items = Array.from({ length: Math.max(0, least) }, (_, at) => (at < first.length ? first[at] : rest));
  const needed = isSchema(properties) ? schemasIn(required).filter((name) => typeof name === 'string') : [];
  return [...items, ...needed.map((name) => (isSchema(properties) && Object.hasOwn(properties, name) ? properties[name] : true))];
}
