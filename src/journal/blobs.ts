// What is kept beside the events, once per content: strings of 4 KiB and more, wherever they stand, conversations message by
// message, and every turn's setup. Called by codec.ts alone; stores only keep the pairs of hash and text.
//
// A stored event points to a blob with { "$blob": hash }. Bytes and URLs, which model messages may hold and
// JSON may not, become { "$bytes": base64 } and { "$url": href }. A key of the user's that looks like one of
// these gets one more $ in front and loses it on the way back, so any JSON comes back as it was.
//
// A conversation of MESSAGES_MIN messages and more becomes { "$chain": hash, "head": [its system messages] }. That blob has the
// last message and the hash of the blob for all before it: one that has grown shares all blobs but its last with what it was,
// so a history that is asked again and again is stored once.

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

const RESERVED = /^\$+(?:blob|bytes|url|chain)$/;
const RESERVED_IN_TEXT = /\$(?:blob|bytes|url|chain)":/;

/** Conversations of fewer messages stand in their events. */
const MESSAGES_MIN = 4;
/** A message whose JSON is longer has a blob of its own, which chains with other beginnings share. */
const MESSAGE_LENGTH_MIN = 256;

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
    if (typeof plain !== 'object' || plain === null || plain instanceof Chained) return plain;
    if (Array.isArray(plain)) return isConversation(plain) ? chained(plain, blobs) : plain;
    return Object.keys(plain).some((name) => RESERVED.test(name)) ? rename(plain, (name) => `$${name}`) : plain;
  };
  return JSON.stringify(value, hide);
}

/** Undoes `stringifyWithBlobs` on parsed JSON. `load` answers the text of a blob. O(size). */
export function restore(value: unknown, load: (hash: string) => string): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => restore(item, load));
  if ('$chain' in value) return unchained(value, load);
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

/** Whether a value is a conversation that is long enough for a chain. Pure; O(messages). */
export function isConversation(value: unknown): value is readonly object[] {
  return Array.isArray(value) && value.length >= MESSAGES_MIN && value.every(isMessage);
}

function isMessage(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'role' in value && typeof value.role === 'string' && 'content' in value;
}

/** What stands in an event in place of a conversation. A class, so that its key is told from one of the user's. */
class Chained {
  readonly $chain: string;
  readonly head: readonly unknown[];

  constructor(hashOfLast: string, head: readonly unknown[]) {
    this.$chain = hashOfLast;
    this.head = head;
  }
}

/** `before` is the hash of the link of the message before, `of` that of the message's own blob. */
interface Link {
  readonly before?: string;
  readonly of?: string;
  readonly item?: unknown;
}

/** Instructions stand before a conversation when it is sent: the chain is the same without them. */
function chained(messages: readonly object[], blobs: StoredBlob[]): unknown {
  const from = messages.findIndex((message) => Reflect.get(message, 'role') !== 'system');
  if (from < 0) return messages;
  let before: string | undefined;
  for (const message of messages.slice(from)) {
    const text = stringifyWithBlobs(message, blobs);
    const link: Link = {
      ...(before === undefined ? {} : { before }),
      ...(text.length < MESSAGE_LENGTH_MIN ? { item: JSON.parse(text) as unknown } : { of: kept(text, blobs) }),
    };
    before = kept(JSON.stringify(link), blobs);
  }
  return new Chained(before ?? '', messages.slice(0, from));
}

function kept(text: string, blobs: StoredBlob[]): string {
  const blob = { hash: hash('sha256', text, 'base64url'), text };
  blobs.push(blob);
  return blob.hash;
}

function unchained(value: object, load: (hash: string) => string): unknown[] {
  const { $chain, head } = value as Chained; // only chained() writes this key
  const items: unknown[] = [];
  for (let at: string | undefined = $chain; at !== undefined;) {
    const link = JSON.parse(load(at)) as Link; // as chained() writes it
    items.push(restore(link.of === undefined ? link.item : JSON.parse(load(link.of)), load));
    at = link.before;
  }
  return [...head.map((message) => restore(message, load)), ...items.reverse()];
}
