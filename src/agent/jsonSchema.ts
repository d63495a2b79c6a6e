// The JSON Schema of a Standard Schema, and the form in which a model is shown it. contract.ts converts, the tool
// loop wraps. What comes out is closed (no properties beyond the declared ones), and stable: the same schema gives
// the same text in every process, whatever else the program defines.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { toJson, type Json } from './canonical.ts';
import { AmdahlError, describe, sentence } from './errors.ts';

/** A JSON Schema (draft-07) that is an object, as providers take it. */
export type JsonSchema = { readonly [key: string]: Json };

/** What to do about a vendor's schemas that have no JSON Schema form at all. */
const adviceByVendor: Readonly<Record<string, string>> = {
  valibot: 'wrap it: toStandardJsonSchema(schema) from @valibot/to-json-schema',
  zod: 'use zod 4.2 or newer',
  arktype: 'use arktype 2.1.28 or newer',
  effect: 'wrap it with the Standard JSON Schema form of your version of effect',
};

/** What to write in place of values that JSON cannot carry, when a library refuses to convert them. */
const replacement =
  'a model can only write JSON: take a string, number, list or object here and transform it (a date as an ISO string), or describe the rest in a refinement';

/**
 * The draft-07 JSON Schema of a schema's input side, closed and without `$schema`. O(size of the schema).
 * @throws AmdahlError NO_JSON_SCHEMA when the schema has no such form; the message says what to do for its vendor.
 */
export function convert(schema: StandardSchemaV1, who: string): JsonSchema {
  const { vendor } = schema['~standard'];
  const converter = converterOf(schema, 'input');
  if (converter === undefined) {
    const advice =
      adviceByVendor[vendor] ?? `use a form of ${vendor} that implements Standard JSON Schema (standardschema.dev/json-schema)`;
    throw new AmdahlError('NO_JSON_SCHEMA', sentence(`${who} has no JSON Schema, which a model must be shown: ${advice}`));
  }
  let raw: unknown;
  try {
    raw = converter({ target: 'draft-07', ...(vendor === 'arktype' ? { libraryOptions: strictArktype } : {}) });
  } catch (cause) {
    const why = describe(cause).replaceAll(/\s+/g, ' ');
    throw new AmdahlError('NO_JSON_SCHEMA', sentence(`${who} has no JSON Schema (${vendor}: ${why}); ${replacement}`), { cause });
  }
  const { $schema: _, ...json } = asSchema(toJson(raw, `the JSON Schema of ${who}`));
  return close(merge(prune(renameDefinitions(json))));
}

type Convert = (options: { target: string; libraryOptions?: Record<string, unknown> }) => unknown;

function converterOf(schema: StandardSchemaV1, side: 'input' | 'output'): Convert | undefined {
  const standard = schema['~standard'];
  if (!('jsonSchema' in standard)) return undefined;
  const { jsonSchema } = standard;
  if (typeof jsonSchema !== 'object' || jsonSchema === null) return undefined;
  const converter: unknown = Reflect.get(jsonSchema, side);
  if (typeof converter !== 'function') return undefined;
  return (options) => converter.call(jsonSchema, options) as unknown; // a foreign function: its result is unknown
}

/** The JSON Schema of a schema's output side (what checks see), as its library gives it; undefined where it cannot. */
export function outputForm(schema: StandardSchemaV1): unknown {
  const lenient = schema['~standard'].vendor === 'zod' ? { libraryOptions: { unrepresentable: 'any' } } : {};
  try {
    return converterOf(schema, 'output')?.({ target: 'draft-07', ...lenient });
  } catch {
    return undefined; // a transform, whose result no schema describes
  }
}

const never: JsonSchema = { not: {} };

/** arktype's standard converter turns a Date into "anything": refuse it as the others do. `undefined` stays possible. */
const strictArktype = {
  fallback: {
    date: refuse,
    proto: refuse,
    domain: refuse,
    symbolKey: refuse,
    unit: (at: { readonly unit: unknown }) => (at.unit === undefined ? never : refuse(at)),
  },
};

function refuse(at: unknown): never {
  const code = typeof at === 'object' && at !== null && 'code' in at ? String(at.code) : 'a value';
  throw new Error(`${code} cannot be represented in JSON Schema`);
}

/** The form for providers, which want an object at the root: `unwrap` names the property that then holds the value. */
export interface Wrapped {
  readonly schema: JsonSchema;
  readonly unwrap: 'value' | undefined;
}

/**
 * A schema with an object at its root: itself, the definition its root refers to, or `{ value: … }` around it. All
 * `$ref`s still find what they named. Pure; O(size).
 */
export function wrapForModel(jsonSchema: JsonSchema): Wrapped {
  if (isObjectRoot(jsonSchema)) return { schema: jsonSchema, unwrap: undefined };
  const target = rootDefinition(jsonSchema);
  if (target !== undefined && isObjectRoot(target)) {
    const { $ref: _, ...rest } = jsonSchema;
    return { schema: { ...target, ...rest }, unwrap: undefined };
  }
  const { definitions, $defs, ...root } = movedRefs(jsonSchema);
  return {
    schema: {
      type: 'object',
      properties: { value: root },
      required: ['value'],
      additionalProperties: false,
      ...(definitions === undefined ? {} : { definitions }),
      ...($defs === undefined ? {} : { $defs }),
    },
    unwrap: 'value',
  };
}

function isObjectRoot(schema: JsonSchema): boolean {
  return schema['type'] === 'object' && !('anyOf' in schema) && !('oneOf' in schema) && !('allOf' in schema);
}

function rootDefinition(schema: JsonSchema): JsonSchema | undefined {
  const name = typeof schema['$ref'] === 'string' ? definitionName(schema['$ref']) : undefined;
  return name === undefined ? undefined : definitionsOf(schema)[name];
}

/** The schema with every `$ref` into its body (not its definitions) pointing below /properties/value. */
function movedRefs(schema: JsonSchema): JsonSchema {
  const moved = mapSubschemas(schema, movedRefs);
  const { $ref } = moved;
  if (typeof $ref !== 'string' || !$ref.startsWith('#') || definitionName($ref) !== undefined) return moved;
  return { ...moved, $ref: `#/properties/value${$ref.slice(1)}` };
}

// Walking. Only places where a schema stands are visited: `default`, `const`, `enum` and `examples` hold values.

const maps = ['properties', 'patternProperties', 'definitions', '$defs', 'dependentSchemas'];
const lists = ['anyOf', 'oneOf', 'allOf', 'items', 'prefixItems'];
const singles = ['items', 'additionalItems', 'additionalProperties', 'contains', 'propertyNames', 'not', 'if', 'then', 'else'];

type Change = (schema: JsonSchema, keyword: string) => JsonSchema;

function mapSubschemas(schema: JsonSchema, change: Change): JsonSchema {
  const out: Record<string, Json> = { ...schema };
  for (const keyword of maps) {
    const held = schema[keyword];
    if (!isSchema(held)) continue;
    out[keyword] = Object.fromEntries(Object.entries(held).map(([name, sub]) => [name, apply(sub, keyword, change)]));
  }
  for (const keyword of lists) {
    const held = schema[keyword];
    if (Array.isArray(held)) out[keyword] = held.map((sub: Json) => apply(sub, keyword, change));
  }
  for (const keyword of singles) {
    const held = schema[keyword];
    if (isSchema(held)) out[keyword] = change(held, keyword);
  }
  return out;
}

function apply(sub: Json, keyword: string, change: Change): Json {
  return isSchema(sub) ? change(sub, keyword) : sub;
}

function isSchema(value: Json | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asSchema(value: Json): JsonSchema {
  return isSchema(value) ? value : {};
}

function definitionName(ref: string): string | undefined {
  const name = /^#\/(?:definitions|\$defs)\/([^/]+)$/.exec(ref)?.[1];
  return name === undefined ? undefined : decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~');
}

function definitionsOf(schema: JsonSchema): Readonly<Record<string, JsonSchema>> {
  return { ...asSchema(schema['definitions'] ?? null), ...asSchema(schema['$defs'] ?? null) } as Record<string, JsonSchema>; // values of these keywords are schemas
}

/** Libraries number their definitions as a program goes (`intersection258`): they are numbered anew, as they are met. */
const numbered = /^(?:__schema|intersection|union|morph|alias|domain|unit|proto|sequence|structure|def)?\d+$/;

function renameDefinitions(schema: JsonSchema): JsonSchema {
  const names = new Map<string, string>();
  const nameFor = (name: string): string => {
    if (!numbered.test(name)) return name;
    const known = names.get(name) ?? `def${names.size + 1}`;
    names.set(name, known);
    return known;
  };
  const { definitions, $defs, ...body } = schema;
  const rename = (at: JsonSchema): JsonSchema => {
    const name = typeof at['$ref'] === 'string' ? definitionName(at['$ref']) : undefined;
    const renamed = mapSubschemas(at, rename);
    return name === undefined || !numbered.test(name) ? renamed : { ...renamed, $ref: `#/definitions/${nameFor(name)}` };
  };
  const root = rename(body);
  const pending: Record<string, Json> = { ...asSchema(definitions ?? null), ...asSchema($defs ?? null) };
  const defined: Record<string, Json> = {};
  // In the order in which the body and then the definitions themselves mention them; unmentioned ones last.
  for (let next = nextDefinition(pending, names); next !== undefined; next = nextDefinition(pending, names)) {
    const sub = asSchema(pending[next] ?? null);
    delete pending[next];
    const name = nameFor(next);
    defined[name] = rename(sub);
  }
  const moved = Object.keys(defined).length === 0 ? {} : { definitions: defined };
  return { ...refsToDefinitions(root), ...mapSubschemas(moved, refsToDefinitions) };
}

function nextDefinition(pending: Readonly<Record<string, Json>>, met: ReadonlyMap<string, string>): string | undefined {
  for (const name of met.keys()) if (name in pending) return name;
  return Object.keys(pending)[0];
}

function refsToDefinitions(schema: JsonSchema): JsonSchema {
  const moved = mapSubschemas(schema, refsToDefinitions);
  const { $ref } = moved;
  return typeof $ref === 'string' ? { ...moved, $ref: $ref.replace(/^#\/\$defs\//, '#/definitions/') } : moved;
}

/** Alternatives that nothing fits (an `undefined` beside others) are left out. */
function prune(schema: JsonSchema): JsonSchema {
  const out = mapSubschemas(schema, prune);
  const { anyOf, ...rest } = out;
  if (!Array.isArray(anyOf)) return out;
  const possible = anyOf.filter((option: Json) => JSON.stringify(option) !== JSON.stringify(never));
  if (possible.length === anyOf.length) return out;
  const only: Json | undefined = possible[0] as Json | undefined; // an item of a list of JSON
  return possible.length === 1 && isSchema(only) ? { ...rest, ...only } : { ...rest, anyOf: possible };
}

/** `allOf` of plain objects with different properties is one object, which can be closed; `allOf` of one is that one. */
function merge(schema: JsonSchema): JsonSchema {
  const out = mapSubschemas(schema, merge);
  const { allOf, ...rest } = out;
  if (!Array.isArray(allOf) || Object.keys(rest).some((keyword) => !harmless.has(keyword))) return out;
  const parts = allOf.map((part: Json) => asSchema(part));
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return { ...rest, ...only };
  if (!parts.every(isPlainObject)) return out;
  const names = parts.flatMap((part) => Object.keys(asSchema(part['properties'] ?? null)));
  if (new Set(names).size !== names.length) return out;
  return {
    ...rest,
    type: 'object',
    properties: Object.assign({}, ...parts.map((part) => part['properties'])) as JsonSchema, // each is an object of schemas
    required: parts.flatMap((part) => (part['required'] ?? []) as readonly Json[]), // JSON Schema: a list of names
  };
}

const harmless = new Set(['title', 'description', 'definitions', '$defs']);

function isPlainObject(part: JsonSchema): boolean {
  return part['type'] === 'object' && Object.keys(part).every((keyword) => ['type', 'properties', 'required'].includes(keyword));
}

/**
 * `additionalProperties: false` on every object that lists properties and does not say. Not on one that must hold
 * together with others (members of `allOf`, or beside `anyOf`): closing each of them would refuse everything.
 */
function close(schema: JsonSchema): JsonSchema {
  const definitions = definitionsOf(schema);
  const { definitions: defined, ...body } = schema;
  const open = new Set<string>();
  markOpen(schema, false, { ...definitions, '#': body }, open);
  const root = closeAt(body, open.has('#'));
  if (!isSchema(defined ?? null)) return root;
  const closed = Object.entries(definitions).map(([name, sub]) => [name, closeAt(sub, open.has(name))]);
  return { ...root, definitions: Object.fromEntries(closed) as JsonSchema }; // entries of [name, schema]
}

const together = new Set(['anyOf', 'oneOf', 'allOf', 'then', 'else']);

function isComposed(schema: JsonSchema): boolean {
  const { allOf } = schema;
  const several = Array.isArray(allOf) && allOf.length > 1;
  const beside = ['properties', 'if'].some((keyword) => keyword in schema);
  return several || (beside && ['anyOf', 'oneOf', 'allOf', '$ref', 'if'].some((keyword) => keyword in schema));
}

/** Collects the definitions ('#' is the root) that stand where they must hold together with something else. */
function markOpen(schema: JsonSchema, open: boolean, definitions: Readonly<Record<string, JsonSchema>>, marked: Set<string>): void {
  const inside = open || isComposed(schema);
  const { $ref } = schema;
  if (inside && typeof $ref === 'string') {
    const name = $ref === '#' ? '#' : definitionName($ref);
    if (name !== undefined && !marked.has(name)) {
      marked.add(name);
      const target = definitions[name];
      if (target !== undefined) markOpen(target, true, definitions, marked);
    }
  }
  mapSubschemas(schema, (sub, keyword) => {
    markOpen(sub, inside && together.has(keyword), definitions, marked);
    return sub;
  });
}

function closeAt(schema: JsonSchema, open: boolean): JsonSchema {
  const inside = open || isComposed(schema);
  const out = mapSubschemas(schema, (sub, keyword) =>
    keyword === 'not' || keyword === 'if' ? sub : closeAt(sub, inside && together.has(keyword)),
  );
  const isObject = 'properties' in out && !('additionalProperties' in out) && !('patternProperties' in out);
  return isObject && !inside ? { ...out, additionalProperties: false } : out;
}
