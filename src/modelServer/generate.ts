// A value of a JSON Schema, by seed: what the server answers where nobody says what. It is made from the schema's parts
// and judged as a whole before it leaves, so that no wrong value passes for a right one.

import { canonical } from '../agent/canonical.ts';
import { AmdahlError } from '../agent/errors.ts';
import { conforms, dependentsOf, isSchema, itemsOf, schemasIn, schemasOf } from './conforms.ts';
import { between, type Dice, oneOf } from './dice.ts';
import { flattened } from './flatten.ts';
import { heightOf } from './height.ts';
import { attempted, Impossible, within } from './impossible.ts';
import { ofPattern } from './pattern.ts';
import { phrase } from './phrase.ts';
import { textOf } from './schemaText.ts';
import type { Schema } from './wire.ts';

/** Below this depth optional things are left out and the shortest way to an end is taken. */
const DEPTH_LEAN = 4;
/** Deeper values are given up: a schema that needs them has no end. */
const DEPTH_MAX = 100;
const ITEMS_MORE = 2;
const OPTIONAL_SHARE = 0.7;
const TRIES = 40;
/** Values made for one answer, and for all tries together; a schema that needs more has no reasonable value. */
const PARTS_MAX = 20_000;

interface Making {
  readonly root: Schema;
  readonly random: Dice;
  parts: number;
}

/**
 * A value that fits a JSON Schema (draft-07 or 2020-12, local references): the same for equal dice. O(size of the value),
 * times the tries of its patterns.
 * @throws AmdahlError MISCONFIGURED when none can be made.
 */
export function generate(schema: Schema, random: Dice): unknown {
  let failed = new Impossible('its parts have values, but together they do not fit');
  for (let tried = 0, parts = 0; tried < TRIES && parts <= PARTS_MAX; tried += 1) {
    const making: Making = { root: schema, random, parts: 0 };
    try {
      const value = make(schema, making, 0);
      if (conforms(value, schema)) return value;
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
      failed = error;
    }
    parts += making.parts;
  }
  throw new AmdahlError(
    'MISCONFIGURED',
    `The model server cannot make a value of the requested schema by itself: ${failed.part} has none (${failed.message}). Give startModelServer() answers that fit it.`,
  );
}

/** `drawn`: of the list whose items must differ, where it is one of its items. */
function make(given: unknown, making: Making, depth: number, drawn?: Drawn): unknown {
  making.parts += 1;
  if (making.parts > PARTS_MAX) throw new Impossible(`after ${PARTS_MAX} parts`);
  if (depth > DEPTH_MAX) throw new Impossible(`the schema has no end within ${DEPTH_MAX} levels`);
  if (given === false) throw new Impossible('the schema allows nothing there');
  if (!isSchema(given)) return phrase(making.random, 2);
  const schema = flattened(given, making.root);
  if (schema === undefined) throw new Impossible('a reference leads nowhere, or in a circle');
  if (Object.hasOwn(schema, 'const')) return schema['const'];
  if (Array.isArray(schema['enum'])) {
    if (drawn !== undefined) return oneLeft(schema, making, drawn);
    const listed = listedIn(schema, making);
    if (listed.length === 0) throw new Impossible('nothing of its enum fits the rest of it');
    return oneOf(making.random, listed);
  }
  for (const keyword of ['anyOf', 'oneOf']) {
    const { [keyword]: variants, ...bare } = schema;
    if (Array.isArray(variants)) return chosen(bare, schemasIn(variants), making, depth);
  }
  return ofType(schema, typeOf(schema, making, depth), making, depth);
}

/** The values of an enumeration that fit the rest of a flattened schema. */
function listedIn(schema: Schema, { root }: Making): readonly unknown[] {
  const { anyOf: _any, oneOf: _one, enum: _enum, ...bare } = schema;
  return schemasIn(schema['enum']).filter((one) => conforms(one, bare, root));
}

/** The first of the variants, in an order by dice or deep down by height, of which there is a value. */
function chosen(bare: Schema, variants: readonly unknown[], making: Making, depth: number): unknown {
  const ranked = variants
    .map((variant) => ({ variant, rank: making.random(), height: heightOf(variant, making.root) }))
    // What has no end comes last, for nothing is likely to come of it.
    .toSorted((a, b) => (depth < DEPTH_LEAN && a.height < Infinity && b.height < Infinity ? a.rank - b.rank : byHeight(a, b)));
  let failed = new Impossible('it has no variants');
  for (const { variant } of ranked) {
    try {
      return make(Object.keys(bare).length === 0 ? variant : { allOf: [bare, variant] }, making, depth);
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
      failed = error;
    }
  }
  throw failed;
}

function byHeight(a: { readonly height: number }, b: { readonly height: number }): number {
  return a.height === b.height ? 0 : a.height - b.height;
}

function typeOf(schema: Schema, { random }: Making, depth: number): unknown {
  const { type } = schema;
  if (Array.isArray(type)) {
    const types: readonly unknown[] = schemasIn(type);
    if (types.length === 0) throw new Impossible('no type is left');
    const flat = types.filter((one) => one !== 'object' && one !== 'array');
    return oneOf(random, depth < DEPTH_LEAN || flat.length === 0 ? types : flat);
  }
  if (type !== undefined) return type;
  const says = (...keywords: readonly string[]): boolean => keywords.some((keyword) => Object.hasOwn(schema, keyword));
  if (says('properties', 'required', 'additionalProperties', 'patternProperties', 'propertyNames', 'minProperties')) return 'object';
  if (says('items', 'prefixItems', 'minItems', 'maxItems', 'uniqueItems', 'contains')) return 'array';
  if (says('minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf')) return 'number';
  return 'string';
}

function ofType(schema: Schema, type: unknown, making: Making, depth: number): unknown {
  switch (type) {
    case 'null':
      return null;
    case 'boolean':
      return making.random() < 0.5;
    case 'integer':
    case 'number':
      return number(schema, type === 'integer', making);
    case 'array':
      return list(schema, making, depth);
    case 'object':
      return object(schema, making, depth);
    default:
      return textOf(schema, making.random);
  }
}

/** Small numbers where the bounds allow them. */
function number(schema: Schema, whole: boolean, { random }: Making): number {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = schema;
  const bound = (...bounds: readonly unknown[]): readonly number[] => bounds.filter((one) => typeof one === 'number');
  const floor = Math.max(...bound(minimum, exclusiveMinimum), -Infinity);
  const ceiling = Math.min(...bound(maximum, exclusiveMaximum), Infinity);
  if (floor > ceiling) throw new Impossible(`no number is at least ${floor} and at most ${ceiling}`);
  const least = floor === -Infinity ? Math.min(0, ceiling - 1_000) : floor < 0 && ceiling > 0 ? 0 : floor;
  const most = Math.min(ceiling, Math.max(least, 0) + 1_000);
  const step = typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : whole ? 1 : undefined;
  for (let tried = 0; tried < TRIES; tried += 1) {
    const drawn = least + (most - least) * random();
    const times =
      step === undefined ? 0 : between(random, Math.ceil(least / step), Math.max(Math.ceil(least / step), Math.floor(most / step)));
    const value = step === undefined ? (tried < TRIES / 2 ? Math.round(drawn * 100) / 100 : drawn) : Number((times * step).toPrecision(15));
    if ((!whole || Number.isInteger(value)) && conforms(value, schema)) return value === 0 ? 0 : value;
  }
  throw new Impossible(`no number was found from ${floor} to ${ceiling}${step === undefined ? '' : ` in steps of ${step}`}`);
}

function list(schema: Schema, making: Making, depth: number): readonly unknown[] {
  const { minItems, maxItems, uniqueItems, contains, minContains = 1, maxContains = Infinity } = schema;
  const { first, rest } = itemsOf(schema);
  const held = contains === undefined ? 0 : Number(minContains);
  const least = Math.max(typeof minItems === 'number' ? minItems : 0, held === 0 ? 0 : first.length + held);
  const most = Math.max(least, Math.min(typeof maxItems === 'number' ? maxItems : Infinity, rest === false ? first.length : Infinity));
  const wanted =
    depth >= DEPTH_LEAN ? least : Math.max(least, Math.min(most, Math.max(first.length, between(making.random, 1, 1 + ITEMS_MORE))));
  const itemAt = (at: number): unknown => (at < first.length ? first[at] : at < first.length + held ? { allOf: [rest, contains] } : rest);
  const made: unknown[] = [];
  const seen = new Set<string>();
  const containing: Drawn = { seen, pools: new Map() };
  const others: Drawn = { seen, pools: new Map() };
  let contained = 0;
  for (let tried = 0; made.length < wanted && tried < wanted + TRIES * 5; tried += 1) {
    try {
      const drawn = uniqueItems !== true ? undefined : made.length < first.length + held ? containing : others;
      const one = within(made.length, () => make(itemAt(made.length), making, depth + 1, drawn));
      if (drawn !== undefined && seen.has(canonical(one))) continue;
      if (contains !== undefined && conforms(one, contains, making.root)) {
        if (contained >= Number(maxContains)) continue;
        contained += 1;
      }
      if (drawn !== undefined) seen.add(canonical(one));
      made.push(one);
    } catch (error) {
      if (!(error instanceof Impossible) || made.length < least) throw error;
      break;
    }
  }
  if (made.length < least) throw new Impossible(`no ${least} items of their kind were found, but ${made.length}`);
  return made;
}

/** Of a list whose items differ: what it has, and of its enumerations what is left. */
interface Drawn {
  readonly seen: Set<string>;
  readonly pools: Map<unknown, unknown[]>;
}

/** One of an enumeration that the list does not have yet. */
function oneLeft(schema: Schema, making: Making, { pools, seen }: Drawn): unknown {
  const pool = pools.get(schema['enum']) ?? [...listedIn(schema, making)];
  pools.set(schema['enum'], pool);
  while (pool.length > 0) {
    const [one] = pool.splice(Math.floor(making.random() * pool.length), 1);
    if (!seen.has(canonical(one))) return one;
  }
  throw new Impossible('nothing of its enum is left that the list does not have');
}

function object(schema: Schema, making: Making, depth: number): Schema {
  const { properties, required, minProperties, maxProperties } = schema;
  const made: Record<string, unknown> = {};
  const needed = new Set(schemasIn(required).filter((name) => typeof name === 'string'));
  const declared = isSchema(properties) ? Object.keys(properties) : [];
  const put = (name: string): void => {
    if (Object.hasOwn(made, name)) return;
    // Own properties, whatever they are called: __proto__ is a name like any other.
    Object.defineProperty(made, name, {
      value: property(name, schema, making, depth),
      enumerable: true,
      configurable: true,
      writable: true,
    });
    for (const other of dependentsOf(name, schema)) put(other);
  };
  const most = typeof maxProperties === 'number' ? maxProperties : Infinity;
  let optional = Math.max(0, most - needed.size);
  for (const name of new Set([...declared, ...needed])) {
    if (needed.has(name)) put(name);
    else if (optional > 0 && depth < DEPTH_LEAN && making.random() < OPTIONAL_SHARE && attempted(() => put(name))) optional -= 1;
  }
  const least = typeof minProperties === 'number' ? minProperties : 0;
  for (const name of declared) if (Object.keys(made).length < least) attempted(() => put(name));
  return withMore(made, schema, least, making, depth);
}

function property(name: string, schema: Schema, making: Making, depth: number): unknown {
  const all = schemasOf(name, schema);
  return within(name, () => make(all.length === 1 ? all[0] : { allOf: all }, making, depth + 1));
}

/** Properties of any name, where the schema says what they hold or how many there must be. */
function withMore(made: Record<string, unknown>, schema: Schema, least: number, making: Making, depth: number): Schema {
  const { additionalProperties, propertyNames, maxProperties, properties, patternProperties } = schema;
  const described = isSchema(additionalProperties) && Object.keys(additionalProperties).length > 0;
  const patterns = isSchema(patternProperties) ? Object.keys(patternProperties) : [];
  const open = (described || patterns.length > 0) && !isSchema(properties);
  const most = typeof maxProperties === 'number' ? maxProperties : Infinity;
  const wanted = Math.min(most, Math.max(least, open && depth < DEPTH_LEAN ? between(making.random, 1, 1 + ITEMS_MORE) : 0));
  for (let tried = 0; Object.keys(made).length < wanted && tried < wanted + TRIES; tried += 1) {
    const name =
      propertyNames !== undefined
        ? make(isSchema(propertyNames) ? { type: 'string', ...propertyNames } : propertyNames, making, depth + 1)
        : patterns.length > 0 && (additionalProperties === false || making.random() < 0.5)
          ? ofPattern(oneOf(making.random, patterns), making.random, 4)
          : phrase(making.random, 1);
    if (typeof name !== 'string' || Object.hasOwn(made, name)) continue;
    made[name] = property(name, schema, making, depth);
  }
  return made;
}
