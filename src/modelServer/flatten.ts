// A schema without references and conjunctions, so that a value can be made from it. What it makes is read here, by
// generate.ts and by conforms.ts alone: several patterns stand as a list in `pattern`. Pure.

import { isSchema, patternsIn, pointedAt, schemasIn } from './conforms.ts';
import type { Schema } from './wire.ts';

/** References in a row: a longer chain is a circle. */
const REFERENCES_MAX = 64;

/** `$ref` and `allOf` resolved into one schema; undefined where nothing can fit, or a reference leads nowhere. O(size). */
export function flattened(schema: unknown, root: unknown, depth = 0): Schema | undefined {
  if (schema === false || depth > REFERENCES_MAX) return undefined;
  if (!isSchema(schema)) return {};
  const { $ref, allOf, $defs: _defs, definitions: _definitions, ...bare } = schema;
  const parts: unknown[] = [...schemasIn(allOf)];
  if (typeof $ref === 'string') {
    const target = pointedAt($ref, root);
    if (target === undefined) return undefined;
    parts.push(target);
  }
  let flat: Schema | undefined = bare;
  for (const part of parts) {
    const other = flattened(part, root, depth + 1);
    flat = flat === undefined || other === undefined ? undefined : both(flat, other);
  }
  return flat;
}

type Join = (a: unknown, b: unknown) => unknown;

const all: Join = (a, b) => ({ allOf: [a, b] });
const larger: Join = (a, b) => Math.max(Number(a), Number(b));
const smaller: Join = (a, b) => Math.min(Number(a), Number(b));

/** How keywords that both have become one; of others the second counts, and the whole is judged afterwards. */
const JOINS: Readonly<Record<string, Join>> = {
  type: (a, b) => common(typesIn(a), typesIn(b)),
  enum: (a, b) => common(schemasIn(a), schemasIn(b)),
  required: (a, b) => [...new Set([...schemasIn(a), ...schemasIn(b)])],
  properties: joinedProperties,
  items: all,
  additionalProperties: all,
  propertyNames: all,
  contains: all,
  minimum: larger,
  exclusiveMinimum: larger,
  minLength: larger,
  minItems: larger,
  minProperties: larger,
  maximum: smaller,
  exclusiveMaximum: smaller,
  maxLength: smaller,
  maxItems: smaller,
  maxProperties: smaller,
  minContains: larger,
  maxContains: smaller,
  uniqueItems: (a, b) => a === true || b === true,
  pattern: (a, b) => [...new Set([...patternsIn(a), ...patternsIn(b)])],
  dependentRequired: joinedLists,
  patternProperties: joinedProperties,
};

function both(a: Schema, b: Schema): Schema {
  const joined: Record<string, unknown> = { ...a };
  for (const [keyword, value] of Object.entries(b)) {
    const join = JOINS[keyword];
    joined[keyword] = Object.hasOwn(a, keyword) && join !== undefined ? join(a[keyword], value) : value;
  }
  // One kind of choice can stand beside another, but not twice: the second one moves into the variants of the first.
  if (Array.isArray(a['anyOf']) && Array.isArray(b['anyOf'])) {
    joined['anyOf'] = schemasIn(a['anyOf']).map((variant) => ({ allOf: [variant, { anyOf: b['anyOf'] }] }));
  }
  return joined;
}

function typesIn(type: unknown): readonly unknown[] {
  const types = Array.isArray(type) ? schemasIn(type) : [type];
  return types.includes('number') ? [...types, 'integer'] : types;
}

function common(a: readonly unknown[], b: readonly unknown[]): readonly unknown[] {
  const texts = new Set(b.map((one) => JSON.stringify(one)));
  return a.filter((one) => texts.has(JSON.stringify(one)));
}

function joinedProperties(a: unknown, b: unknown): unknown {
  const joined: Record<string, unknown> = isSchema(a) ? { ...a } : {};
  for (const [name, schema] of Object.entries(isSchema(b) ? b : {})) {
    joined[name] = Object.hasOwn(joined, name) ? all(joined[name], schema) : schema;
  }
  return joined;
}

function joinedLists(a: unknown, b: unknown): unknown {
  const joined: Record<string, unknown> = isSchema(a) ? { ...a } : {};
  for (const [name, names] of Object.entries(isSchema(b) ? b : {})) joined[name] = [...schemasIn(joined[name]), ...schemasIn(names)];
  return joined;
}
