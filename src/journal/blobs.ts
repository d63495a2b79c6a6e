// What is kept beside the events, once per content: strings of 4 KiB and more, wherever they stand, and
// every turn's setup. Called by codec.ts alone; stores only keep the pairs of hash and text.
//
// A stored event points to a blob with { "$blob": hash }. Bytes and URLs, which model messages may hold and
// JSON may not, become { "$bytes": base64 } and { "$url": href }. A key of the user's that looks like one of
// these gets one more $ in front and loses it on the way back, so any JSON comes back as it was.

import { Buffer } from 'node:buffer';
import { hash } from 'node:crypto';

/** Strings of this many UTF-8 bytes and more become blobs. */
export const BLOB_BYTES_MIN = 4096;
/** No shorter string can be a blob: UTF-8 takes at most three bytes for one UTF-16 unit. */
export const BLOB_LENGTH_MIN: number = Math.ceil(BLOB_BYTES_MIN / 3);

/** `text` is the JSON of what the blob stands for; `hash` its SHA-256 in base64url, 43 characters. */
export interface StoredBlob {
  readonly hash: string;
  readonly text: string;
}

const RESERVED = /^\$+(?:blob|bytes|url)$/;
const RESERVED_IN_TEXT = /\$(?:blob|bytes|url)":/;

/** Whether JSON text holds a key that this file gives a meaning to. Pure, O(length). */
export function holdsReserved(json: string): boolean {
  return RESERVED_IN_TEXT.test(json);
}

/** Whether a string inside is long enough for a blob of its own. Pure, O(size) without copying. */
export function holdsLong(value: unknown): boolean {
  if (typeof value === 'string') return isLong(value);
  if (typeof value !== 'object' || value === null) return false;
  for (const inner of Object.values(value)) if (holdsLong(inner)) return true;
  return false;
}

/** The blob of any JSON value. Pure, O(size). */
export function blobOf(value: unknown): StoredBlob {
  const text = JSON.stringify(value);
  return { hash: hash('sha256', text, 'base64url'), text };
}

/** JSON text of a value in which what belongs into blobs is replaced; the blobs are added to `blobs`. O(size). */
export function stringifyWithBlobs(value: unknown, blobs: StoredBlob[]): string {
  const hide = function (this: Record<string, unknown>, key: string, plain: unknown): unknown {
    const own = this[key];
    if (own instanceof Uint8Array) return { $bytes: Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('base64') };
    if (own instanceof URL) return { $url: own.href };
    if (typeof plain === 'string') return isLong(plain) ? refer(plain, blobs) : plain;
    if (typeof plain !== 'object' || plain === null || Array.isArray(plain)) return plain;
    return Object.keys(plain).some((name) => RESERVED.test(name)) ? rename(plain, (name) => `$${name}`) : plain;
  };
  return JSON.stringify(value, hide);
}

/** Undoes `stringifyWithBlobs` on parsed JSON. `load` answers the text of a blob. O(size). */
export function restore(value: unknown, load: (hash: string) => string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => restore(item, load));
  const entries: [string, unknown][] = Object.entries(value);
  const only = entries.length === 1 ? entries[0] : undefined;
  if (only !== undefined) {
    const [key, inner] = only;
    if (key === '$blob') return JSON.parse(load(String(inner)));
    if (key === '$bytes') return new Uint8Array(Buffer.from(String(restore(inner, load)), 'base64'));
    if (key === '$url') return new URL(String(restore(inner, load)));
  }
  return Object.fromEntries(entries.map(([key, inner]) => [RESERVED.test(key) ? key.slice(1) : key, restore(inner, load)]));
}

function isLong(text: string): boolean {
  if (text.length < BLOB_LENGTH_MIN) return false;
  return text.length >= BLOB_BYTES_MIN || Buffer.byteLength(text) >= BLOB_BYTES_MIN;
}

function refer(text: string, blobs: StoredBlob[]): { readonly $blob: string } {
  const blob = blobOf(text);
  blobs.push(blob);
  return { $blob: blob.hash };
}

function rename(value: object, to: (name: string) => string): object {
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [RESERVED.test(key) ? to(key) : key, inner]));
}
