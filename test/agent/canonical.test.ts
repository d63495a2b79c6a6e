import { expect, test } from 'vitest';
import { canonical, hash, JSON_DEPTH_MAX, toJson } from '../../src/agent/canonical.ts';
import { AmdahlError } from '../../src/agent/errors.ts';

function refusal(value: unknown): AmdahlError {
  try {
    toJson(value, 'the input of review');
  } catch (error) {
    if (error instanceof AmdahlError) return error;
    throw error;
  }
  throw new Error('it was let through');
}

function nested(levels: number): unknown {
  let value: unknown = 'core';
  for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

test('objects with the same properties in another order have the same canonical text', () => {
  expect(canonical({ b: 1, a: [1, { d: null, c: 'é' }] })).toBe('{"a":[1,{"c":"é","d":null}],"b":1}');
  expect(canonical({ a: [1, { c: 'é', d: null }], b: 1 })).toBe(canonical({ b: 1, a: [1, { d: null, c: 'é' }] }));
});

test('numbers and keys are written as RFC 8785 writes them', () => {
  expect(canonical(JSON.parse('[333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0]'))).toBe(
    '[333333333.3333333,1e+30,4.5,0.002,1e-27,0]',
  );
  // The sample of section 3.2.3: keys sort by UTF-16 code units.
  const keys = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
  const object = Object.fromEntries(keys.map((key) => [key, 0]));
  expect(Object.keys(JSON.parse(canonical(object)) as object)).toEqual(['1', '\r', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']);
});

test('a value without JSON text has no canonical text either', () => {
  expect(() => canonical(undefined)).toThrow(expect.objectContaining({ code: 'NOT_JSON' }) as Error);
  expect(() => canonical('\ud800')).toThrow(expect.objectContaining({ code: 'NOT_JSON' }) as Error);
  expect(() => canonical({ a: Number.NaN })).toThrow(expect.objectContaining({ code: 'NOT_JSON' }) as Error);
});

test('a hash is 22 characters of base64url and known for a known text', () => {
  expect(hash('')).toBe('47DEQpj8HBSa-_TImW-5JC');
  expect(hash('abc')).toMatch(/^[A-Za-z0-9_-]{22}$/);
  expect(hash('abc')).not.toBe(hash('abd'));
});

test('clean JSON passes as a copy, which nobody else can change', () => {
  const value = { a: [1, 'x', null, true, { b: {} }], c: Object.create(null) as object };
  expect(toJson(value, 'x')).toEqual(value);
  expect(toJson(value, 'x')).not.toBe(value);
  for (const plain of [null, true, 0, 1.5, '', 'text']) expect(toJson(plain, 'x')).toBe(plain);
});

test('undefined properties are left out and -0 becomes 0, and nothing else changes', () => {
  const clean = { deep: [1] };
  const value = { a: undefined, b: clean, c: [{ d: undefined, e: -0 }] };
  const out = toJson(value, 'x');
  expect(out).toStrictEqual({ b: clean, c: [{ e: 0 }] });
  expect(Reflect.get(out as object, 'b')).toEqual(clean);
  expect(value).toHaveProperty('a');
  expect(Object.is(toJson(-0, 'x'), 0)).toBe(true);
});

test('a property named __proto__ survives as a property', () => {
  const value: unknown = JSON.parse('{"__proto__":{"admin":true},"a":-0}');
  const out = toJson(value, 'x') as object;
  expect(Object.keys(out)).toEqual(['__proto__', 'a']);
  expect(Object.getPrototypeOf(out)).toBe(Object.prototype);
  expect(canonical(out)).toBe('{"__proto__":{"admin":true},"a":0}');
});

class Order {
  readonly id = 1;
}

const cycle: Record<string, unknown> = { a: {} };
cycle['a'] = { b: [cycle] };

test.each([
  ['undefined at the root', undefined, '', 'undefined', 'leave it out'],
  ['undefined in a list', { a: [1, undefined] }, 'a[1]', 'undefined', 'send null'],
  ['a hole in a list', { a: [1, , 2] }, 'a[1]', 'undefined', 'send null'], // oxlint-disable-line no-sparse-arrays
  ['a function', { run: function go() {} }, 'run', 'the function go', 'send data only'],
  ['a symbol', [Symbol('s')], '[0]', 'Symbol(s)', 'send a string'],
  ['a bigint', { total: 12n }, 'total', 'the bigint 12n', 'send a string'],
  ['NaN', { 'my key': Number.NaN }, '["my key"]', 'NaN', 'send null or a string'],
  ['Infinity', [-Infinity], '[0]', '-Infinity', 'send null or a string'],
  ['a Date', { at: new Date(0) }, 'at', 'a Date', 'toISOString()'],
  ['a Map', new Map(), '', 'a Map', 'Object.fromEntries(map)'],
  ['a Set', { s: new Set() }, 's', 'a Set', '[...set]'],
  ['a promise', { p: Promise.resolve(1) }, 'p', 'a Promise', 'await it'],
  ['an error', { e: new TypeError('no') }, 'e', 'an error (TypeError)', 'send its message'],
  ['bytes', { b: new Uint8Array(2) }, 'b', 'bytes', 'base64'],
  ['a URL', { u: new URL('http://x.y') }, 'u', 'a URL', 'String(value)'],
  ['a boxed string', { s: Object('x') as unknown }, 's', 'an instance of String', 'plain object'],
  ['a class instance', { order: new Order() }, 'order', 'an instance of Order', '{ ...value }'],
  ['a cycle', cycle, 'a.b[0]', 'a cycle', 'send an id'],
  ['a lone surrogate', { t: 'a\ud83d' }, 't', 'half a character', 'toWellFormed()'],
  ['a lone surrogate in a key', { 'a\udc00': 1 }, '["a\\udc00"]', 'half a character', 'toWellFormed()'],
])('%s is refused with its path and what to send instead', (_, value, path, found, advice) => {
  const error = refusal(value);
  expect(error.code).toBe('NOT_JSON');
  expect(error.message).toContain(`The input of review is not JSON${path === '' ? '' : ` at ${path}`}: found ${found}`);
  expect(error.message).toContain(advice);
  expect(error.problems).toEqual([{ path, message: expect.stringContaining(found) as string }]);
});

test('no toJSON is called', () => {
  const error = refusal({ a: { toJSON: () => 1 } });
  expect(error.message).toContain('at a.toJSON: found the function toJSON');
});

test('nesting is bounded, and too deep is told from a cycle', () => {
  expect(toJson(nested(JSON_DEPTH_MAX), 'x')).toBeDefined();
  expect(refusal(nested(JSON_DEPTH_MAX + 1)).message).toContain(`more than ${JSON_DEPTH_MAX} levels`);
});

test('an object of another realm counts as plain, and the same object twice is no cycle', async () => {
  const { runInNewContext } = await import('node:vm');
  const foreign: unknown = runInNewContext('({ a: [1] })');
  expect(toJson(foreign, 'x')).toEqual({ a: [1] });
  const shared = { a: 1 };
  expect(toJson([shared, { shared }], 'x')).toEqual([{ a: 1 }, { shared: { a: 1 } }]);
});
