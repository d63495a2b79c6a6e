// Whether a path can lead anywhere in the values of a JSON Schema. agent() asks for the paths of its checks: one that
// leads nowhere would never find a thing, and the check would pass whatever it should refuse.

import { nearest } from './nearest.ts';
import { childPath, EVERY, type Segment } from './path.ts';

type Schema = Readonly<Record<string, unknown>>;
/** What may stand somewhere, or undefined where the schema leaves that open. */
type Level = readonly Schema[] | undefined;

/**
 * Why a path finds nothing in any value of the schema, as the end of a sentence; undefined where it exists in some
 * branch, or where that is open. Objects are closed unless they say otherwise, as a model is shown them. Pure;
 * O(size of the schema) per segment.
 */
export function deadEnd(root: unknown, segments: readonly Segment[]): string | undefined {
  let level = branchesOf(root, root, []);
  let at = '';
  for (const segment of segments) {
    if (level === undefined || level.length === 0) return undefined;
    const below = joined(level.map((schema) => descend(schema, segment)));
    if (below?.length === 0) return whyNothing(at === '' ? 'the output' : at, segment, level);
    level = below && joined(below.map((schema) => branchesOf(schema, root, [])));
    at = segment === EVERY ? `${at}[*]` : childPath(at, segment);
  }
  return undefined;
}

function whyNothing(place: string, segment: Segment, level: readonly Schema[]): string {
  const names = [...new Set(level.flatMap((schema) => Object.keys(schemaOf(schema['properties']))))];
  if (names.length > 0) {
    const like = nearest(String(segment), names);
    const meant = like === undefined ? '.' : `; did you mean '${like}'?`;
    return `${place} has no '${String(segment)}'${meant} It has ${names.join(', ')}.`;
  }
  return level.some(isList) ? `${place} is a list: write [*] to reach its items.` : `there is nothing below ${place}.`;
}

function joined(levels: readonly Level[]): Level {
  const known = levels.filter((level) => level !== undefined);
  return known.length === levels.length ? known.flat() : undefined;
}

/** All that a value of the schema may be, without references and alternatives. */
function branchesOf(schema: unknown, root: unknown, above: readonly unknown[]): Level {
  if (schema === false || above.includes(schema)) return [];
  if (!isSchema(schema)) return undefined;
  const parts = [
    ...(typeof schema['$ref'] === 'string' ? [resolved(schema['$ref'], root)] : []),
    ...['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => listOf(schema[keyword])),
  ];
  if (isShaped(schema)) return joined([[schema], ...parts.map((part) => branchesOf(part, root, [...above, schema]))]);
  return parts.length === 0 ? undefined : joined(parts.map((part) => branchesOf(part, root, [...above, schema])));
}

/** Whether a schema says by itself what its values look like. */
function isShaped(schema: Schema): boolean {
  const values = [...('const' in schema ? [schema['const']] : []), ...listOf(schema['enum'])];
  return (
    'type' in schema ||
    'properties' in schema ||
    (values.length > 0 && values.every((value) => typeof value !== 'object' || value === null))
  );
}

function descend(schema: Schema, segment: Segment): Level {
  const found = [
    ...(isList(schema) && typeof segment !== 'string' ? itemsOf(schema, segment) : []),
    ...(isObject(schema) ? propertiesOf(schema, segment) : []),
  ].filter((below) => below !== false);
  return found.every(isSchema) ? found : undefined;
}

function propertiesOf(schema: Schema, segment: Segment): readonly unknown[] {
  const declared = schemaOf(schema['properties']);
  const others = schema['additionalProperties'] ?? !('properties' in schema);
  const rest = 'patternProperties' in schema ? true : others;
  if (segment === EVERY) return [...Object.values(declared), rest];
  return [Object.hasOwn(declared, segment) ? declared[segment] : rest];
}

function itemsOf(schema: Schema, segment: number | typeof EVERY): readonly unknown[] {
  const { items, additionalItems } = schema;
  const first = [...listOf(schema['prefixItems']), ...listOf(items)];
  const rest = (Array.isArray(items) ? additionalItems : items) ?? true;
  if (segment === EVERY) return [...first, rest];
  return [segment < first.length ? first[segment] : rest];
}

function isObject(schema: Schema): boolean {
  return 'properties' in schema || [schema['type']].flat().includes('object');
}

function isList(schema: Schema): boolean {
  return [schema['type']].flat().includes('array');
}

/** What a pointer (RFC 6901) into the same document names; elsewhere nothing is known. */
function resolved(ref: string, root: unknown): unknown {
  if (!ref.startsWith('#')) return true;
  let at: unknown = root;
  for (const part of ref.split('/').slice(1)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : true;
  }
  return at;
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function schemaOf(value: unknown): Schema {
  return isSchema(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
