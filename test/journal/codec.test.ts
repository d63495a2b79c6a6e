// What the stored form of an event looks like, where blobs begin, and how other versions are met.

import { describe, expect, test } from 'vitest';
import { BLOB_BYTES_MIN } from '../../src/journal/blobs.ts';
import { type BlobSource, decodeEvent, encodeEvent, type EncodedEvent, type StoredEvent } from '../../src/journal/codec.ts';
import { EVENT_VERSION, type Event, type Json } from '../../src/journal/event.ts';
import { noted, placeOf, requested, runOf, setupOf, started } from './entries.ts';

const RUN = runOf('run');

function sourceOf(...encoded: EncodedEvent[]): BlobSource {
  const blobs = new Map(encoded.flatMap((each) => each.blobs.map((blob) => [blob.hash, blob.text])));
  return { name: 'a test journal', blob: (hash) => blobs.get(hash) };
}

const stored = (json: string, version = EVENT_VERSION): StoredEvent => ({ seq: 7, version, json });
const roundTrip = (event: Event): Event => decodeEvent(RUN, stored(encodeEvent(event).json), sourceOf(encodeEvent(event)));

describe('blobs', () => {
  test.each([
    ['ASCII', 'x'.repeat(BLOB_BYTES_MIN - 1), 'x'],
    ['two bytes a letter', 'é'.repeat(BLOB_BYTES_MIN / 2 - 1), 'é'],
    ['three bytes a letter', '€'.repeat(Math.floor(BLOB_BYTES_MIN / 3)), '€'],
  ])('a string becomes one at 4096 bytes, not before: %s', (_, below, letter) => {
    const short = encodeEvent(started(1, { input: { text: below } }));
    const long = encodeEvent(started(1, { input: { text: below + letter } }));
    expect([short.blobs.length, long.blobs.length]).toEqual([0, 1]);
    expect(short.json).toContain(below);
    expect(long.json.length).toBeLessThan(300);
    expect(roundTrip(started(1, { input: { text: below + letter } }))).toEqual(started(1, { input: { text: below + letter } }));
  });

  test('many strings that are short each stay inside, however long the event', () => {
    const event = started(1, { input: Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(1_000)}`) });
    expect(encodeEvent(event).blobs).toEqual([]);
    expect(roundTrip(event)).toEqual(event);
  });

  test('equal strings have one hash, in whatever event and place they stand', () => {
    const text = 'x'.repeat(5_000);
    const one = encodeEvent(started(1, { input: [text, { again: text }] }));
    const other = encodeEvent(requested(text));
    expect(new Set([...one.blobs, ...other.blobs].map(({ hash }) => hash)).size).toBe(1);
  });

  test('a setup is always one blob, once per content', () => {
    const setup = setupOf();
    const frozen = Object.freeze({ ...setup });
    const hashes = [setup, { ...setup }, frozen, frozen].map((each) => encodeEvent(requested('hi', each)).blobs.map(({ hash }) => hash));
    expect(new Set(hashes.flat()).size).toBe(1);
    expect(hashes.every((each) => each.length === 1)).toBe(true);
    expect(roundTrip(requested('hi', setup))).toEqual(requested('hi', setup));
  });

  test('a setup that is changed between two turns is not taken for the old one', () => {
    const tools: Json[] = [];
    const setup = setupOf({ tools });
    const before = encodeEvent(requested('hi', setup)).blobs[0]?.hash;
    tools.push({ name: 'read' });
    expect(encodeEvent(requested('hi', setup)).blobs[0]?.hash).not.toBe(before);
  });
});

describe('values that JSON has no word for', () => {
  test('bytes and URLs in messages come back as bytes and URLs', () => {
    const bytes = Uint8Array.from({ length: 6_000 }, (_, index) => index % 256);
    const event: Event = {
      ...requested('look'),
      adds: [
        {
          role: 'user',
          content: [
            { type: 'file', mediaType: 'image/png', data: { type: 'data', data: bytes.subarray(10) } },
            { type: 'file', mediaType: 'image/png', data: { type: 'data', data: Uint8Array.of(1, 2) } },
            { type: 'file', mediaType: 'image/png', data: { type: 'url', url: new URL('https://example.org/a.png') } },
          ],
        },
      ],
    };
    expect(encodeEvent(event).json.length).toBeLessThan(1_000);
    expect(roundTrip(event)).toEqual(event);
  });

  test('bytes that a model answered with come back too', () => {
    const event: Event = {
      kind: 'model.responded',
      place: placeOf('attempt'),
      turn: 0,
      content: [{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: Uint8Array.of(3, 4) } }],
      finish: 'stop',
      usage: { tokensIn: 1, tokensOut: 1, tokensCached: 0, tokensReasoning: 0 },
      ms: 1,
      at: 1,
    };
    expect(roundTrip(event)).toEqual(event);
  });

  test('a cycle is NOT_JSON, with the kind of the event named', () => {
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    // What a caller without types may pass.
    expect(() => encodeEvent({ ...noted('x'), choice: ring as Json })).toThrow(
      expect.objectContaining({ code: 'NOT_JSON', message: expect.stringContaining('decision') }),
    );
  });
});

describe('versions', () => {
  test('an event of a newer version is refused with what to do', () => {
    const { json } = encodeEvent(noted('x'));
    expect(() => decodeEvent(RUN, stored(json, EVENT_VERSION + 1), sourceOf())).toThrow(
      expect.objectContaining({ code: 'JOURNAL_NEWER', message: expect.stringContaining('Update amdahl') }),
    );
  });

  test('an earlier version is lifted through every version between', () => {
    const lifts = [1, 2].map((from) => (event: Record<string, unknown>) => ({
      ...event,
      reason: `${String(event['reason'])} ${from}>${from + 1}`,
    }));
    const { json } = encodeEvent({ ...noted('x'), reason: 'as of' });
    const reasons = [1, 2, 3].map((version) => decodeEvent(RUN, stored(json, version), sourceOf(), lifts));
    expect(reasons).toMatchObject([{ reason: 'as of 1>2 2>3' }, { reason: 'as of 2>3' }, { reason: 'as of' }]);
  });
});

describe('damage', () => {
  test.each([
    ['text that is not JSON', '{"kind":"decis'],
    ['JSON that is no event', '[1]'],
    ['an object without a kind', '{"at":1}'],
    ['a blob that is gone', '{"kind":"decision","choice":{"$blob":"gone"}}'],
    ['a setup that is gone', '{"kind":"model.requested","setup":"gone"}'],
  ])('%s is JOURNAL_DAMAGED, with journal, run and seq', (_, json) => {
    expect(() => decodeEvent(RUN, stored(json), sourceOf())).toThrow(
      expect.objectContaining({ code: 'JOURNAL_DAMAGED', message: expect.stringMatching(/Event 7 of run run in a test journal/) }),
    );
  });
});
