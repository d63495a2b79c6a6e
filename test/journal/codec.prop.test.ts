// Whatever JSON an event holds, it comes back as it was: also keys that look like the codec's own, keys
// that mean something to JavaScript, strings around the length of a blob, and broken surrogates.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BLOB_BYTES_MIN } from '../../src/journal/blobs.ts';
import { decodeEvent, encodeEvent } from '../../src/journal/codec.ts';
import { EVENT_VERSION, type Json } from '../../src/journal/event.ts';
import { requested, runOf, setupOf, started } from './entries.ts';

const key = fc.oneof(
  { weight: 2, arbitrary: fc.string({ maxLength: 5 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('$blob', '$$blob', '$bytes', '$$$url', '$url', 'blob', '__proto__', 'constructor', 'toJSON', '0'),
  },
);
const long = fc
  .tuple(fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }), fc.integer({ min: -3, max: 3 }))
  .map(([unit, more]) => unit.repeat(Math.ceil((BLOB_BYTES_MIN + more) / new TextEncoder().encode(unit).length)));
const text = fc.oneof(
  { weight: 6, arbitrary: fc.string() },
  { weight: 2, arbitrary: long },
  { weight: 1, arbitrary: fc.constant('\ud800'.repeat(2_000)) },
);

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    text,
    fc.array(tie('json'), { maxLength: 4 }),
    fc.array(fc.tuple(key, tie('json')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

test('any JSON round-trips through its stored form, text for text', () => {
  fc.assert(
    fc.property(json, (input) => {
      const event = started(1, { input });
      const { json: kept, blobs } = encodeEvent(event);
      const source = { name: 'a test journal', blob: (hash: string) => blobs.find((blob) => blob.hash === hash)?.text };
      const back = decodeEvent(runOf('run'), { seq: 0, version: EVENT_VERSION, json: kept }, source);
      expect(JSON.stringify(back)).toBe(JSON.stringify(event));
    }),
    { numRuns: 2_000 },
  );
});

test('any setup round-trips, whatever its messages hold', () => {
  fc.assert(
    fc.property(json, text, (format, said) => {
      const event = requested(said, setupOf({ tools: [format], format }));
      const { json: kept, blobs } = encodeEvent(event);
      const source = { name: 'a test journal', blob: (hash: string) => blobs.find((blob) => blob.hash === hash)?.text };
      const back = decodeEvent(runOf('run'), { seq: 0, version: EVENT_VERSION, json: kept }, source);
      expect(back).toEqual(event);
      expect(Object.keys(back).sort()).toEqual(Object.keys(event).sort());
    }),
    { numRuns: 500 },
  );
});

test('conversations round-trip, and one that has grown adds only what is new', () => {
  const message = fc.record({
    role: fc.constantFrom('user', 'assistant', 'system'),
    content: fc.array(fc.record({ type: fc.constant('text'), text: fc.oneof(text, fc.constant('x'.repeat(400))) }), { maxLength: 2 }),
  });
  const odd = fc.oneof(json, fc.constant({ $chain: 'x' }), fc.constant({ $chain: 'x', head: [] }));
  fc.assert(
    fc.property(fc.array(message, { maxLength: 12 }), odd, (said, other) => {
      const long = [...said, { role: 'user', content: [{ type: 'text', text: 'y'.repeat(2_000) }, other] }] as Json[];
      const event = started(1, { input: long });
      const before = encodeEvent(event);
      const source = { name: 'a test journal', blob: (hash: string) => before.blobs.find((blob) => blob.hash === hash)?.text };
      const back = decodeEvent(runOf('run'), { seq: 0, version: EVENT_VERSION, json: before.json }, source);
      expect(JSON.stringify(back)).toBe(JSON.stringify(event));

      const known = new Set(before.blobs.map(({ hash }) => hash));
      const after = encodeEvent(started(1, { input: [...long, { role: 'user', content: 'and?' }] }));
      const isChained = long.length > 3 && long.some((one) => (one as { role: string }).role !== 'system');
      if (isChained) expect(after.blobs.filter(({ hash }) => !known.has(hash)).length).toBe(1);
    }),
    { numRuns: 300 },
  );
});
