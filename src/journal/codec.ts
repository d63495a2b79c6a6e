// Between an event and its stored form. Every store calls these two functions and nothing else knows the
// form, so versions are handled here and nowhere where events are read.
//
// I1 what is read equals what was written, as JSON sees it: any string, any key, and bytes and URLs in messages.
// I2 an encoded event shares nothing with the caller's: it is text, and changing the object later changes nothing.

import { AmdahlError, describe, sentence } from '../agent/errors.ts';
import { BLOB_LENGTH_MIN, blobOf, holdsLong, isConversation, holdsReserved, restore, stringifyWithBlobs } from './blobs.ts';
import type { StoredBlob } from './blobs.ts';
import { EVENT_VERSION } from './event.ts';
import type { Event, EventKind, Place, RunId, Setup } from './event.ts';

/** An event ready to be stored under the present version. `place` is absent for events of the run itself. */
export interface EncodedEvent {
  readonly kind: EventKind;
  readonly place: Place | undefined;
  readonly json: string;
  readonly blobs: readonly StoredBlob[];
  /** By what other calls find the answer that it is. */
  readonly answer?: string;
}

/** An event as a store gives it back. */
export interface StoredEvent {
  readonly seq: number;
  readonly version: number;
  readonly json: string;
}

/** What decoding needs to know of a store: a name for messages, and its blobs. */
export interface BlobSource {
  readonly name: string;
  blob(hash: string): string | undefined;
}

/** Makes an event of one version that of the next. Its blobs are already back in their places. Pure. */
export type Lift = (event: Record<string, unknown>) => Record<string, unknown>;

/** The lift at index i makes version i + 1 version i + 2; there are EVENT_VERSION - 1 of them. */
const LIFTS: readonly Lift[] = [];

const NO_BLOBS: readonly StoredBlob[] = [];

/**
 * Event -> stored form. O(size); for a small event the cost of JSON.stringify.
 * @throws AmdahlError NOT_JSON for cycles, bigints and nesting beyond what JSON.stringify takes.
 */
export function encodeEvent(event: Event): EncodedEvent {
  const { kind } = event;
  const place = 'place' in event ? event.place : undefined;
  try {
    if (kind === 'call.succeeded' && event.reuse !== undefined) return { ...encodeBody(kind, place, event, false), answer: event.reuse };
    if (kind !== 'model.requested' || event.setup === undefined) return encodeBody(kind, place, event, mayHoldFiles(event));
    const setup = setupBlob(event.setup);
    const body = encodeBody(kind, place, { ...event, setup: setup.hash }, mayHoldFiles(event));
    return { kind, place, json: body.json, blobs: [setup, ...body.blobs] };
  } catch (thrown) {
    throw new AmdahlError(
      'NOT_JSON',
      sentence(`an event of kind ${kind} cannot be journaled because it is not JSON: ${describe(thrown)}`),
      {
        cause: thrown,
      },
    );
  }
}

/**
 * Stored form -> event, lifted to the present version. O(size).
 * @throws AmdahlError JOURNAL_NEWER when a newer amdahl wrote it, JOURNAL_DAMAGED when it is not an event.
 */
export function decodeEvent(run: RunId, stored: StoredEvent, source: BlobSource, lifts: readonly Lift[] = LIFTS): Event {
  if (stored.version > lifts.length + 1) throw newerEvent(run, stored, source.name);
  try {
    const parsed: unknown = JSON.parse(stored.json);
    const load = (hash: string): string => loadBlob(source, hash);
    let event = asRecord(holdsReserved(stored.json) ? restore(parsed, load) : parsed);
    if (event['kind'] === 'model.requested' && typeof event['setup'] === 'string') {
      event['setup'] = JSON.parse(load(event['setup']));
    }
    for (const lift of lifts.slice(stored.version - 1)) event = lift(event);
    // The one place where text becomes an event: only encodeEvent writes it, and every lift ends at this version.
    return event as unknown as Event;
  } catch (thrown) {
    throw new AmdahlError(
      'JOURNAL_DAMAGED',
      `Event ${stored.seq} of run ${run} in ${source.name} cannot be read: ${describe(thrown)}. ` +
        'Copy the journal aside before anything else; the events before this one can still be read.',
      { where: { run }, data: { seq: stored.seq }, cause: thrown },
    );
  }
}

/** The replacing walk is slow, so it is taken only when something has to be replaced. */
function encodeBody(kind: EventKind, place: Place | undefined, body: object, files: boolean): EncodedEvent {
  if (!files) {
    const json = JSON.stringify(body);
    const short = json.length < BLOB_LENGTH_MIN || !(holdsLong(body) || isConversation(conversationIn(body)));
    if (short && !holdsReserved(json)) return { kind, place, json, blobs: NO_BLOBS };
  }
  const blobs: StoredBlob[] = [];
  return { kind, place, json: stringifyWithBlobs(body, blobs), blobs };
}

const frozenSetups = new WeakMap<Setup, StoredBlob>();

/** A setup is long and the same for all turns of an agent: it is always one blob, and its hash stands in its place.
 * A frozen setup is hashed once; an unfrozen one every time, since it may have changed. */
function setupBlob(setup: Setup): StoredBlob {
  const known = frozenSetups.get(setup);
  if (known !== undefined) return known;
  const blob = blobOf(setup);
  if (Object.isFrozen(setup)) frozenSetups.set(setup, blob);
  return blob;
}

/** Where an event may have a conversation. */
function conversationIn(body: object): unknown {
  return 'adds' in body ? body.adds : 'input' in body ? body.input : undefined;
}

/** Files in messages may be bytes, which JSON.stringify would spell out number by number. */
function mayHoldFiles(event: Event): boolean {
  if (event.kind === 'model.responded') return event.content.some((part) => part.type === 'file' || part.type === 'reasoning-file');
  if (event.kind === 'file.kept') return true;
  if (event.kind !== 'model.requested') return false;
  return event.adds.some((message) => typeof message.content !== 'string' && message.content.some(isFilePart));
}

function isFilePart(part: { readonly type: string; readonly output?: unknown }): boolean {
  if (part.type === 'file' || part.type === 'reasoning-file') return true;
  if (part.type !== 'tool-result' || typeof part.output !== 'object' || part.output === null) return false;
  return 'type' in part.output && part.output.type === 'content';
}

function loadBlob(source: BlobSource, hash: string): string {
  const text = source.blob(hash);
  if (text === undefined) throw new Error(`its blob ${hash} is missing`);
  return text;
}

function asRecord(parsed: unknown): Record<string, unknown> {
  if (typeof parsed !== 'object' || parsed === null || !('kind' in parsed) || typeof parsed.kind !== 'string') {
    throw new Error('it has no kind');
  }
  return { ...parsed };
}

function newerEvent(run: RunId, stored: StoredEvent, name: string): AmdahlError {
  return new AmdahlError(
    'JOURNAL_NEWER',
    `Event ${stored.seq} of run ${run} in ${name} has version ${stored.version}; this amdahl reads versions up to ${EVENT_VERSION}. ` +
      'Update amdahl to read this run.',
    { where: { run }, data: { version: stored.version, known: EVENT_VERSION } },
  );
}
