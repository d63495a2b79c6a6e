// Encryption of what a journal holds: AES-256-GCM over every event and every text, each bound to its place, and keyed names
// in place of hashes that could be guessed. Called by the SQLite store; docs/data.md says what stays readable.
//
// L1 no nonce is used twice but by chance: 96 random bits each (NIST SP 800-38D, 8.2.2: up to 2^32 records under one key).
// L2 a record opens only where it was sealed: its run, its number, its kind and its place are part of the seal.
// L3 nothing that is stored tells whether two journals, or two texts and a guess, are the same: names are keyed by the file.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, scryptSync } from 'node:crypto';
import { Buffer } from 'node:buffer';
import { AmdahlError } from '../agent/errors.ts';

/** 32 bytes, those as 64 hexadecimal digits or as base64, or a passphrase. */
export type JournalKey = Uint8Array | string;

const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PASSPHRASE_CHARS_MIN = 12;
/** 32 MiB and about 100 ms, once per opened file (OWASP Password Storage Cheat Sheet, 2025: N = 2^15 with r = 8 and p = 3). */
const SCRYPT = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 2 ** 20 };
const SALT_BYTES = 16;
const PROBE = 'amdahl journal';

/** What a file says of its key: nothing but whether it is the right one. */
export interface Lock {
  readonly salt: Uint8Array;
  readonly probe: Uint8Array;
}

/** Where an event stands: part of its seal. `place` as it is stored. */
export interface EventPosition {
  readonly run: string;
  readonly seq: number;
  readonly version: number;
  readonly kind: string;
  readonly place: string | null;
}

/** @throws AmdahlError MISCONFIGURED */
export function checkKey(key: JournalKey): void {
  if (key instanceof Uint8Array) {
    if (key.byteLength === KEY_BYTES) return;
    throw new AmdahlError('MISCONFIGURED', `The key of a journal has ${key.byteLength} bytes; give 32, or a passphrase as text.`);
  }
  if (typeof key !== 'string' || key.length < PASSPHRASE_CHARS_MIN)
    throw new AmdahlError(
      'MISCONFIGURED',
      `The key of a journal is too short, or no text: give 32 bytes (openssl rand -hex 32), or a passphrase of ${PASSPHRASE_CHARS_MIN} characters or more.`,
    );
}

/** A lock for a new file, and the seal that opens it. */
export function newLock(key: JournalKey): { readonly lock: Lock; readonly seal: Seal } {
  const salt = randomBytes(SALT_BYTES);
  const seal = new Seal(key, salt);
  return { lock: { salt, probe: seal.close(PROBE, 'probe') }, seal };
}

/** The seal of a file; undefined where the key is not its. */
export function unlock(key: JournalKey, { salt, probe }: Lock): Seal | undefined {
  const seal = new Seal(key, salt);
  return seal.open(probe, 'probe') === PROBE ? seal : undefined;
}

export class Seal {
  readonly #records: Uint8Array;
  readonly #names: Uint8Array;

  constructor(key: JournalKey, salt: Uint8Array) {
    const root = bytesOf(key) ?? scryptSync(String(key), salt, KEY_BYTES, SCRYPT);
    this.#records = new Uint8Array(hkdfSync('sha256', root, salt, 'amdahl journal records', KEY_BYTES));
    this.#names = new Uint8Array(hkdfSync('sha256', root, salt, 'amdahl journal names', KEY_BYTES));
  }

  /** What stands for a hash that could be guessed: 22 characters, the same for the same. */
  name(of: 'place' | 'blob' | 'answer' | 'ask', hash: string): string {
    return createHmac('sha256', this.#names).update(`${of} ${hash}`).digest('base64url').slice(0, 22);
  }

  sealEvent(json: string, { run, seq, version, kind, place }: EventPosition): Uint8Array {
    return this.close(json, JSON.stringify(['event', run, seq, version, kind, place]));
  }

  /** Undefined for what was changed, moved or cut. */
  openEvent(sealed: Uint8Array, { run, seq, version, kind, place }: EventPosition): string | undefined {
    return this.open(sealed, JSON.stringify(['event', run, seq, version, kind, place]));
  }

  /** Short texts of a run's row, as text. */
  sealField(text: string, of: string): string {
    return Buffer.from(this.close(text, of)).toString('base64');
  }

  openField(sealed: string, of: string): string | undefined {
    return this.open(Buffer.from(sealed, 'base64'), of);
  }

  /** Nonce, tag and what was encrypted. `bound` must be the same to open it. */
  close(text: string, bound: string): Uint8Array {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#records, nonce);
    cipher.setAAD(Buffer.from(bound));
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]);
  }

  open(sealed: Uint8Array, bound: string): string | undefined {
    if (sealed.byteLength < NONCE_BYTES + TAG_BYTES) return undefined;
    const decipher = createDecipheriv('aes-256-gcm', this.#records, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(bound));
    decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
    try {
      return decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch {
      return undefined;
    }
  }
}

function bytesOf(key: JournalKey): Uint8Array | undefined {
  if (key instanceof Uint8Array) return key;
  if (/^[0-9a-f]{64}$/i.test(key)) return Buffer.from(key, 'hex');
  return /^[A-Za-z0-9+/_-]{43}=?$/.test(key) ? Buffer.from(key, 'base64') : undefined;
}
