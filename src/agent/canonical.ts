// JSON as amdahl means it: what may cross a handoff, its one canonical text, and the hash that names it. Everybody
// who makes a place, a fingerprint or a journal entry comes through here.

import { hash as digest } from 'node:crypto';
import { isDate } from 'node:util/types';
import canonicalize from 'canonicalize';
import { AmdahlError, describe, sentence } from './errors.ts';
import { childPath } from './path.ts';

/** JSON as it is journaled. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** How deep a value may nest. Far below what overflows the stack of anything that walks one. */
export const JSON_DEPTH_MAX = 500;

/**
 * The canonical text (RFC 8785) of a value that `toJson` lets through: equal values have equal texts, so comparing
 * texts is comparing values. Pure; O(n log n) in the widest object.
 * @throws AmdahlError NOT_JSON when the value has no JSON text.
 */
export function canonical(value: unknown): string {
  if (typeof value === 'string' && value.isWellFormed()) return JSON.stringify(value);
  try {
    const text = canonicalize(value);
    if (text !== undefined) return text;
  } catch (cause) {
    toJson(value, 'the value');
    throw new AmdahlError('NOT_JSON', sentence(`the value has no canonical JSON: ${describe(cause)}`), { cause });
  }
  return canonical(toJson(value, 'the value'));
}

/** The first 22 characters (132 bits) of a text's SHA-256 in base64url. Pure; O(n). */
export function hash(text: string): string {
  return digest('sha256', text, 'base64url').slice(0, 22);
}

/**
 * The strict door for what crosses a handoff: a copy, so that nobody changes afterwards what was asked or answered.
 * Object properties that are undefined are left out and -0 becomes 0; nothing else is converted: no toJSON is called.
 * Objects may have no prototype. `what` names the value in the message ('the input of review'). O(n).
 * @throws AmdahlError NOT_JSON naming the path, what stood there and what to send instead.
 */
export function toJson(value: unknown, what: string): Json {
  const out = clean(value, 0);
  if (out !== REFUSED) return out;
  throw refusal(value, what);
}

const REFUSED: unique symbol = Symbol('refused');

function clean(value: unknown, depth: number): Json | typeof REFUSED {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : REFUSED;
    case 'boolean':
      return value;
    case 'number':
      if (value === 0) return 0;
      return Number.isFinite(value) ? value : REFUSED;
    case 'object':
      if (value === null) return null;
      if (depth >= JSON_DEPTH_MAX) return REFUSED;
      if (Array.isArray(value)) return cleanList(value, depth + 1);
      return isPlain(value) ? cleanObject(value, depth + 1) : REFUSED;
    default:
      return REFUSED;
  }
}

function cleanList(list: readonly unknown[], depth: number): readonly Json[] | typeof REFUSED {
  const copy: Json[] = [];
  for (let i = 0; i < list.length; i++) {
    const kept = clean(list[i], depth);
    if (kept === REFUSED) return REFUSED;
    copy.push(kept);
  }
  return copy;
}

function cleanObject(object: object, depth: number): Json | typeof REFUSED {
  const source = object as Readonly<Record<string, unknown>>; // isPlain: reading own keys is all that is done
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(source)) {
    const item = source[key];
    if (item === undefined) continue;
    const kept = clean(item, depth);
    if (kept === REFUSED || !key.isWellFormed()) return REFUSED;
    if (key === '__proto__') Object.defineProperty(copy, key, { value: kept, enumerable: true, writable: true, configurable: true });
    else copy[key] = kept;
  }
  return copy;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  // The last is the Object.prototype of another realm.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refusal(value: unknown, what: string): AmdahlError {
  const flaw = findFlaw(value, '', []);
  const where = flaw.path === '' ? '' : ` at ${flaw.path}`;
  return new AmdahlError('NOT_JSON', sentence(`${what} is not JSON${where}: found ${flaw.found}; ${flaw.advice}`), {
    problems: [{ path: flaw.path, message: `${flaw.found} is not JSON: ${flaw.advice}` }],
  });
}

interface Flaw {
  readonly path: string;
  readonly found: string;
  readonly advice: string;
}

const nothing: Flaw = { path: '', found: 'nothing wrong', advice: 'the value changed while it was read' };

function findFlaw(value: unknown, path: string, above: readonly object[]): Flaw {
  const own = flawOf(value, above);
  if (own !== undefined) return { path, ...own };
  if (typeof value !== 'object' || value === null) return nothing;
  const inside = [...above, value];
  for (const [key, item] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
    if (item === undefined && !Array.isArray(value)) continue;
    const at = childPath(path, key);
    if (typeof key === 'string' && !key.isWellFormed()) return { path: at, ...halfCharacter };
    const flaw = findFlaw(item, at, inside);
    if (flaw !== nothing) return flaw;
  }
  return nothing;
}

const halfCharacter = {
  found: 'half a character (a lone surrogate)',
  advice: 'cut texts between characters, or call toWellFormed()',
};

function flawOf(value: unknown, above: readonly object[]): Omit<Flaw, 'path'> | undefined {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? undefined : halfCharacter;
    case 'number':
      return Number.isFinite(value) ? undefined : { found: String(value), advice: 'send null or a string' };
    case 'undefined':
      return { found: 'undefined', advice: 'send null, or leave it out' };
    case 'function':
      return { found: `the function ${value.name || '(no name)'}`, advice: 'send data only' };
    case 'symbol':
      return { found: String(value), advice: 'send a string' };
    case 'bigint':
      return { found: `the bigint ${value}n`, advice: 'send a string, or a number where it is safe' };
    case 'object':
      return value === null ? undefined : flawOfObject(value, above);
    default:
      return undefined;
  }
}

function flawOfObject(value: object, above: readonly object[]): Omit<Flaw, 'path'> | undefined {
  if (above.includes(value)) return { found: 'a cycle (the value contains itself)', advice: 'send an id in place of the inner one' };
  if (above.length >= JSON_DEPTH_MAX) {
    return { found: `more than ${JSON_DEPTH_MAX} levels`, advice: 'send a flatter value, such as a list with parent ids' };
  }
  if (Array.isArray(value) || isPlain(value)) return undefined;
  if (isDate(value)) return { found: 'a Date', advice: 'send an ISO string: date.toISOString()' };
  if (value instanceof Map) return { found: 'a Map', advice: 'send Object.fromEntries(map) or [...map]' };
  if (value instanceof Set) return { found: 'a Set', advice: 'send a list: [...set]' };
  if (value instanceof Promise) return { found: 'a Promise', advice: 'await it first' };
  if (value instanceof Error) return { found: `an error (${value.name})`, advice: 'send its message' };
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return { found: 'bytes', advice: 'send a base64 string' };
  if (value instanceof RegExp || value instanceof URL) return { found: `a ${className(value)}`, advice: 'send String(value)' };
  return { found: `an instance of ${className(value)}`, advice: 'send a plain object: { ...value } with the fields that matter' };
}

function className(value: object): string {
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'a class';
}
