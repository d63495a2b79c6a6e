// Whether a value fits a JSON Schema, as far as requests to models use it (draft-07 and 2020-12): what was generated
// is judged by it before it is sent, and what is to break a schema too. Pure; no remote references are followed.

import { canonical } from '../agent/canonical.ts';
import { fitsFormat } from './format.ts';
import type { Schema } from './wire.ts';

/** How deep references and values are followed; deeper ones count as fitting. */
const DEPTH_MAX = 200;

export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schemas in a keyword that lists them. Pure. */
export function schemasIn(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** What a local reference (`#/$defs/x`) points at; undefined where there is nothing. Pure. */
export function pointedAt(reference: string, root: unknown): unknown {
  if (!reference.startsWith('#')) return undefined;
  if (/^#[^/]/.test(reference)) return anchored(reference.slice(1), root);
  let at = root;
  for (const part of reference.slice(1).split('/').slice(1)) {
    const key = decoded(part)?.replaceAll('~1', '/').replaceAll('~0', '~');
    if (key === undefined) return undefined;
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** What has a name of its own among the definitions. */
function anchored(name: string, root: unknown): unknown {
  if (!isSchema(root)) return undefined;
  const all = [root['$defs'], root['definitions']].flatMap((defs): readonly unknown[] => (isSchema(defs) ? Object.values(defs) : []));
  return all.find((one) => isSchema(one) && one['$anchor'] === name);
}

/** The patterns that a text must match: flatten.ts puts several into one keyword. Pure. */
export function patternsIn(pattern: unknown): readonly string[] {
  return (Array.isArray(pattern) ? schemasIn(pattern) : [pattern]).filter((one) => typeof one === 'string');
}

/** O(size of value and schema), times the variants of its choices. */
export function conforms(value: unknown, schema: unknown, root: unknown = schema, depth = 0): boolean {
  if (typeof schema === 'boolean') return schema;
  if (!isSchema(schema) || depth > DEPTH_MAX) return true;
  const fits = (sub: unknown, of: unknown = value): boolean => conforms(of, sub, root, depth + 1);
  const { $ref } = schema;
  if (typeof $ref === 'string' && !fits(pointedAt($ref, root))) return false;
  return (
    fitsValue(value, schema) &&
    schemasIn(schema['allOf']).every((one) => fits(one)) &&
    (!Array.isArray(schema['anyOf']) || schemasIn(schema['anyOf']).some((one) => fits(one))) &&
    (!Array.isArray(schema['oneOf']) || schemasIn(schema['oneOf']).filter((one) => fits(one)).length === 1) &&
    (schema['not'] === undefined || !fits(schema['not'])) &&
    (schema['if'] === undefined || fits(schema[fits(schema['if']) ? 'then' : 'else'] ?? true)) &&
    (typeof value !== 'number' || fitsNumber(value, schema)) &&
    (typeof value !== 'string' || fitsText(value, schema)) &&
    (!Array.isArray(value) || fitsList(value, schema, fits)) &&
    (!isSchema(value) || fitsObject(value, schema, fits))
  );
}

type Fits = (sub: unknown, of?: unknown) => boolean;

function fitsValue(value: unknown, schema: Schema): boolean {
  const { type } = schema;
  const types: readonly unknown[] = Array.isArray(type) ? type : type === undefined ? [] : [type];
  if (types.length > 0 && !types.some((one) => isOfType(value, one))) return false;
  if (Object.hasOwn(schema, 'const') && !same(value, schema['const'])) return false;
  return !Array.isArray(schema['enum']) || schemasIn(schema['enum']).some((one) => same(value, one));
}

function isOfType(value: unknown, type: unknown): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'number':
    case 'string':
    case 'boolean':
      return typeof value === type;
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isSchema(value);
    default:
      return true;
  }
}

/** Only what has parts needs a text to be compared: an enumeration may be long. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  return typeof a === 'object' && typeof b === 'object' && a !== null && b !== null && canonical(a) === canonical(b);
}

function fitsNumber(value: number, { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: Schema): boolean {
  if (typeof minimum === 'number' && value < minimum) return false;
  if (typeof maximum === 'number' && value > maximum) return false;
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum) return false;
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum) return false;
  if (typeof multipleOf !== 'number' || multipleOf <= 0) return true;
  const times = value / multipleOf;
  return Math.abs(times - Math.round(times)) < 1e-9 * Math.max(1, Math.abs(times));
}

function fitsText(value: string, { minLength, maxLength, pattern, format }: Schema): boolean {
  // Libraries count code units, the standard code points: what fits must fit both.
  const [units, points] = [value.length, [...value].length];
  if (typeof minLength === 'number' && points < minLength) return false;
  if (typeof maxLength === 'number' && units > maxLength) return false;
  if (patternsIn(pattern).some((one) => regexOf(one)?.test(value) === false)) return false;
  return typeof format !== 'string' || fitsFormat(value, format);
}

/** A pattern that JavaScript cannot read is none. */
function regexOf(pattern: string): RegExp | undefined {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags);
    } catch {
      // Patterns of other languages may be read without the strictness of `u`.
    }
  }
  return undefined;
}

function fitsList(list: readonly unknown[], schema: Schema, fits: Fits): boolean {
  const { minItems, maxItems, uniqueItems, contains, minContains = 1, maxContains = Infinity } = schema;
  if (typeof minItems === 'number' && list.length < minItems) return false;
  if (typeof maxItems === 'number' && list.length > maxItems) return false;
  if (uniqueItems === true && new Set(list.map((one) => canonical(one))).size < list.length) return false;
  if (contains !== undefined) {
    const contained = list.filter((one) => fits(contains, one)).length;
    if (contained < Number(minContains) || contained > Number(maxContains)) return false;
  }
  const { first, rest } = itemsOf(schema);
  return list.every((one, at) => fits(at < first.length ? first[at] : rest, one));
}

/** The schemas of the first items, and of those after them: both drafts write them differently. Pure. */
export function itemsOf({ prefixItems, items, additionalItems }: Schema): { readonly first: readonly unknown[]; readonly rest: unknown } {
  if (Array.isArray(prefixItems)) return { first: schemasIn(prefixItems), rest: items ?? true };
  if (Array.isArray(items)) return { first: schemasIn(items), rest: additionalItems ?? true };
  return { first: [], rest: items ?? true };
}

function fitsObject(value: Schema, schema: Schema, fits: Fits): boolean {
  const { required, minProperties, maxProperties, propertyNames } = schema;
  const names = Object.keys(value);
  if (typeof minProperties === 'number' && names.length < minProperties) return false;
  if (typeof maxProperties === 'number' && names.length > maxProperties) return false;
  if (schemasIn(required).some((name) => typeof name === 'string' && !Object.hasOwn(value, name))) return false;
  if (propertyNames !== undefined && !names.every((name) => fits(propertyNames, name))) return false;
  if (names.some((name) => dependentsOf(name, schema).some((other) => !Object.hasOwn(value, other)))) return false;
  return names.every((name) => schemasOf(name, schema).every((one) => fits(one, value[name])));
}

/** The properties that come with one: both drafts write them differently. Pure. */
export function dependentsOf(name: string, { dependentRequired, dependencies }: Schema): readonly string[] {
  const all = [dependentRequired, dependencies].flatMap((one) => (isSchema(one) && Object.hasOwn(one, name) ? schemasIn(one[name]) : []));
  return all.filter((other) => typeof other === 'string');
}

/** The schemas that a property must fit. Pure. */
export function schemasOf(name: string, { properties, patternProperties, additionalProperties }: Schema): readonly unknown[] {
  const found: unknown[] = [];
  if (isSchema(properties) && Object.hasOwn(properties, name)) found.push(properties[name]);
  if (isSchema(patternProperties)) {
    for (const [pattern, schema] of Object.entries(patternProperties)) if (regexOf(pattern)?.test(name) === true) found.push(schema);
  }
  return found.length > 0 ? found : [additionalProperties ?? true];
}
