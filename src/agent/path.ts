// Readable paths into values: `findings[2].line`, '' for the whole value. Contracts, checks and the JSON door
// write them in problems; checks also read them, with `[*]` for every item of a list.

import { AmdahlError } from './errors.ts';

/** One step of a path pattern: a property, an index, or every item. */
export type Segment = string | number | typeof EVERY;
export const EVERY: unique symbol = Symbol('[*]');

const plainName = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;

/** Keys and indexes as people write them. Pure. */
export function pathText(keys: readonly PropertyKey[]): string {
  let path = '';
  for (const key of keys) path = childPath(path, key);
  return path;
}

/** The path of a property or an item of what stands at `path`. Pure. */
export function childPath(path: string, key: PropertyKey): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  if (typeof key === 'symbol') return `${path}[${String(key)}]`;
  if (!plainName.test(key)) return `${path}[${JSON.stringify(key)}]`;
  return path === '' ? key : `${path}.${key}`;
}

const step = /\.?([\p{L}_$][\p{L}\p{N}_$-]*)|\[(\d+)\]|(\[\*\])|\[("(?:[^"\\]|\\.)*")\]/uy;

/**
 * The steps of a pattern such as `findings[*].quote`, `[*]`, `a.b[0].c`, `a["odd key"]`; none for ''. Pure.
 * @throws AmdahlError MISCONFIGURED where the pattern cannot be read.
 */
export function parsePath(pattern: string): readonly Segment[] {
  const segments: Segment[] = [];
  step.lastIndex = 0;
  while (step.lastIndex < pattern.length) {
    const from = step.lastIndex;
    const found = step.exec(pattern);
    const dotted = pattern[from] === '.';
    if (found === null || (dotted === (from === 0) && found[1] !== undefined)) throw unreadable(pattern, from);
    const [, name, index, every, quoted] = found;
    if (name !== undefined) segments.push(name);
    else if (index !== undefined) segments.push(Number(index));
    else if (every !== undefined) segments.push(EVERY);
    else if (quoted !== undefined) segments.push(String(JSON.parse(quoted)));
  }
  return segments;
}

function unreadable(pattern: string, at: number): AmdahlError {
  const rest = JSON.stringify(pattern.slice(at));
  return new AmdahlError(
    'MISCONFIGURED',
    `The path ${JSON.stringify(pattern)} cannot be read from ${rest} on: write it like "findings[*].quote", "[*]" or "a.b[0].c".`,
  );
}

/** What stands at one place of a value. */
export interface Found {
  readonly path: string;
  readonly value: unknown;
}

/**
 * Everything the pattern names in a value; nothing where a property is missing or null. `[*]` goes over the items of
 * a list and the values of an object. Pure; O(what it visits).
 * @throws AmdahlError MISCONFIGURED when the pattern asks a list for a property, or a root that is no object for anything:
 *   such a pattern would never find a thing.
 */
export function findAt(value: unknown, pattern: string, segments: readonly Segment[]): readonly Found[] {
  let found: readonly Found[] = [{ path: '', value }];
  for (const segment of segments) found = found.flatMap((at) => descend(at, segment, pattern));
  return found.filter((at) => at.value !== undefined && at.value !== null);
}

function descend({ path, value }: Found, segment: Segment, pattern: string): readonly Found[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) {
    if (segment === EVERY) return value.map((item: unknown, i) => ({ path: childPath(path, i), value: item }));
    if (typeof segment === 'number') return [{ path: childPath(path, segment), value: value[segment] }];
    throw misses(pattern, `${path === '' ? 'the output' : path} is a list: write [*] to reach its items`);
  }
  if (typeof value !== 'object') {
    if (path !== '') return [];
    throw misses(pattern, `the output is a ${typeof value}: write '' for the whole of it`);
  }
  const entries = Object.entries(value);
  if (segment === EVERY) return entries.map(([key, item]: [string, unknown]) => ({ path: childPath(path, key), value: item }));
  const entry = entries.find(([key]) => key === String(segment));
  return entry === undefined ? [] : [{ path: childPath(path, entry[0]), value: entry[1] }];
}

function misses(pattern: string, why: string): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `The path ${JSON.stringify(pattern)} finds nothing: ${why}.`);
}
