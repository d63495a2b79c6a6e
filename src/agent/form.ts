// Forms: the JSON Schema of what a person is to answer, as it stands in the journal. Whoever puts an answer holds it against the
// form before anybody else sees it (run/people.ts); the contract of who asked judges it again. Pure.
//
// Of JSON Schema (draft-07 and 2020-12) it knows what schema libraries write of types, choices, bounds, lists and objects, and
// local references. Keywords it does not know, `format` among them, let everything pass: the contract has the last word.

import { canonical, type Json } from './canonical.ts';
import { atMost, kindOf } from './contract.ts';
import type { Problem } from './errors.ts';
import { childPath } from './path.ts';

type Schema = Readonly<Record<string, Json>>;

/** How deep references and values are followed; what is deeper fits. */
const DEPTH_MAX = 100;

/** What keeps a value from fitting a form; none where it fits. Any text fits where there is no form. O(value × choices). */
export function misfits(value: Json, form: Json | undefined): readonly Problem[] {
  const found = new Form(form ?? TEXT).look(value, form ?? TEXT, '', 0);
  return atMost(found);
}
const TEXT: Json = { type: 'string' };

class Form {
  readonly #root: Json;

  constructor(root: Json) {
    this.#root = root;
  }

  look(value: Json, schema: Json | undefined, path: string, depth: number): readonly Problem[] {
    if (schema === false) return [{ path, message: 'must not be there' }];
    if (!isObject(schema) || depth > DEPTH_MAX) return NONE;
    const typed = typeProblem(value, schema, path);
    if (typed !== undefined) return [typed];
    const below = (sub: Json | undefined, of: Json = value, at: string = path): readonly Problem[] => this.look(of, sub, at, depth + 1);
    return [
      ...valueProblems(value, schema, path),
      ...(typeof schema['$ref'] === 'string' ? below(pointedAt(schema['$ref'], this.#root)) : NONE),
      ...listed(schema['allOf']).flatMap((one) => below(one)),
      ...choice(schema['anyOf'], below, path, (fits) => fits > 0),
      ...choice(schema['oneOf'], below, path, (fits) => fits === 1),
      ...(schema['not'] !== undefined && below(schema['not']).length === 0 ? [{ path, message: 'is what it must not be' }] : NONE),
      ...(Array.isArray(value) ? listProblems(value, schema, path, below) : NONE),
      ...(isObject(value) ? objectProblems(value, schema, path, below) : NONE),
    ];
  }
}

type Below = (sub: Json | undefined, of?: Json, at?: string) => readonly Problem[];

const NONE: readonly Problem[] = [];

function isObject(value: Json | undefined): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listed(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []; // a list of JSON
}

/** What a local reference (`#/definitions/x`) points at; undefined, which anything fits, where there is nothing. */
export function pointedAt(reference: string, root: Json): Json | undefined {
  if (!reference.startsWith('#')) return undefined;
  let at: Json | undefined = root;
  for (const part of reference.slice(1).split('/').slice(1)) {
    const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  }
  return at;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function typeProblem(value: Json, { type }: Schema, path: string): Problem | undefined {
  const types = typeof type === 'string' ? [type] : listed(type).map(String);
  if (types.length === 0 || types.some((one) => isOfType(value, one))) return undefined;
  return { path, message: `expected ${types.map((one) => NAMES[one] ?? one).join(' or ')}, got ${kindOf(value)}` };
}

const NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  null: 'null',
};

function isOfType(value: Json, type: string): boolean {
  switch (type) {
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value);
    case 'object':
      return isObject(value);
    case 'null':
      return value === null;
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type;
    default:
      return true;
  }
}

function valueProblems(value: Json, schema: Schema, path: string): readonly Problem[] {
  const problems: string[] = [];
  const { enum: choices, const: only } = schema;
  const same = (one: Json): boolean => canonical(one) === canonical(value);
  if (Array.isArray(choices) && !listed(choices).some(same)) problems.push(`expected one of ${listed(choices).map(said).join(', ')}`);
  if (only !== undefined && !same(only)) problems.push(`expected ${said(only)}`);
  if (typeof value === 'number') problems.push(...numberProblems(value, schema));
  if (typeof value === 'string') problems.push(...textProblems(value, schema));
  return problems.map((message) => ({ path, message }));
}

function said(value: Json): string {
  return JSON.stringify(value);
}

function numberProblems(value: number, schema: Schema): readonly string[] {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const problems: string[] = [];
  if (typeof minimum === 'number' && value < minimum) problems.push(`expected ${minimum} or more, got ${value}`);
  if (typeof maximum === 'number' && value > maximum) problems.push(`expected ${maximum} or less, got ${value}`);
  if (typeof exclusiveMinimum === 'number' && value <= exclusiveMinimum)
    problems.push(`expected more than ${exclusiveMinimum}, got ${value}`);
  if (typeof exclusiveMaximum === 'number' && value >= exclusiveMaximum)
    problems.push(`expected less than ${exclusiveMaximum}, got ${value}`);
  if (typeof multipleOf === 'number' && multipleOf > 0 && Math.abs(value / multipleOf - Math.round(value / multipleOf)) > 1e-9)
    problems.push(`expected a multiple of ${multipleOf}, got ${value}`);
  return problems;
}

function textProblems(value: string, { minLength, maxLength, pattern }: Schema): readonly string[] {
  const problems: string[] = [];
  // The standard counts code points, libraries count code units: what fits one of them is left to the contract.
  if (typeof minLength === 'number' && value.length < minLength)
    problems.push(value === '' ? 'expected text, got none' : `expected ${minLength} characters or more, got ${value.length}`);
  if (typeof maxLength === 'number' && [...value].length > maxLength)
    problems.push(`expected ${maxLength} characters or less, got ${value.length}`);
  if (typeof pattern === 'string' && !matches(value, pattern)) problems.push(`expected text that matches /${pattern}/`);
  return problems;
}

/** A pattern that JavaScript cannot read is none. */
function matches(value: string, pattern: string): boolean {
  for (const flags of ['u', '']) {
    try {
      return new RegExp(pattern, flags).test(value);
    } catch {
      // Patterns of other languages may be read without the strictness of `u`.
    }
  }
  return true;
}

/** One problem for all alternatives, unless one alone is meant: then its own. */
function choice(options: Json | undefined, below: Below, path: string, enough: (fits: number) => boolean): readonly Problem[] {
  const all = listed(options).map((one) => below(one));
  if (all.length === 0 || enough(all.filter(({ length }) => length === 0).length)) return NONE;
  // What is of another type altogether was not meant.
  const meant = all.filter((problems) => problems.every((one) => one.path !== path));
  const [only] = all.length === 1 ? all : meant;
  if (only !== undefined && (all.length === 1 || meant.length === 1) && only.length > 0) return only;
  const why = all.map((problems) => problems.map((one) => (one.path === path ? '' : `${one.path}: `) + one.message).join('; '));
  return [{ path, message: `fits none of ${all.length} alternatives: ${why.filter((text) => text !== '').join(' | ')}` }];
}

function listProblems(list: readonly Json[], schema: Schema, path: string, below: Below): readonly Problem[] {
  const { minItems, maxItems, uniqueItems, prefixItems, items, additionalItems } = schema;
  const problems: Problem[] = [];
  const length = list.length;
  if (typeof minItems === 'number' && length < minItems)
    problems.push({ path, message: `expected ${minItems} items or more, got ${length}` });
  if (typeof maxItems === 'number' && length > maxItems)
    problems.push({ path, message: `expected ${maxItems} items or less, got ${length}` });
  if (uniqueItems === true && new Set(list.map((one) => canonical(one))).size < length)
    problems.push({ path, message: 'expected no item twice' });
  const first = listed(Array.isArray(prefixItems) ? prefixItems : items);
  const rest = Array.isArray(prefixItems) ? items : Array.isArray(items) ? additionalItems : items;
  list.forEach((item, at) => problems.push(...below(at < first.length ? first[at] : rest, item, childPath(path, at))));
  return problems;
}

function objectProblems(value: Schema, schema: Schema, path: string, below: Below): readonly Problem[] {
  const { properties, patternProperties, additionalProperties, required, minProperties, maxProperties } = schema;
  const problems: Problem[] = [];
  const names = Object.keys(value);
  for (const name of listed(required))
    if (typeof name === 'string' && !Object.hasOwn(value, name)) problems.push({ path: childPath(path, name), message: 'is missing' });
  if (typeof minProperties === 'number' && names.length < minProperties)
    problems.push({ path, message: `expected ${minProperties} of its properties or more` });
  if (typeof maxProperties === 'number' && names.length > maxProperties)
    problems.push({ path, message: `expected ${maxProperties} of its properties or less` });
  const patterns = isObject(patternProperties) ? Object.entries(patternProperties) : [];
  for (const name of names) {
    const at = childPath(path, name);
    const own = isObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [];
    const found = [...own, ...patterns.filter(([pattern]) => matches(name, pattern)).map(([, one]) => one)];
    if (found.length > 0) problems.push(...found.flatMap((one) => below(one, value[name], at)));
    else if (additionalProperties === false) problems.push({ path: at, message: unknownName(properties) });
    else problems.push(...below(additionalProperties, value[name], at));
  }
  return problems;
}

function unknownName(properties: Json | undefined): string {
  const known = isObject(properties) ? Object.keys(properties) : [];
  return known.length === 0 ? 'is not asked for' : `is not asked for; there are ${known.join(', ')}`;
}
