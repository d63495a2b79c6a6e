// What a SQLite journal can be told. Apart from the rest because users see it: nothing here names SQLite's own types.

import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { checkMaxAge } from './prune.ts';
import { checkKey, type JournalKey } from './sqliteSeal.ts';

export interface SqliteJournalOptions {
  /** Directory of `journal.sqlite`; made if there is none, then with a .gitignore that hides it. Default: AMDAHL_DIR, or .amdahl. */
  readonly dir?: string;
  /** The file itself, instead of `dir`. Its directory is made if there is none. */
  readonly file?: string;
  /**
   * 'full' (default): an acknowledged append survives power loss. 'normal': it survives a crash of the
   * process, but the last ones may be lost with power; several times faster on slow disks.
   */
  readonly synchronous?: 'full' | 'normal';
  /**
   * Where the file is written: in the main thread ('main'), or in a thread that all journals of the process share, so
   * that the event loop goes on while the disk is flushed ('worker'). 'auto', the default, takes the main thread while one
   * call at a time is in flight and the disk is quick, and the other one else. Reads are made in the main thread.
   */
  readonly thread?: 'auto' | 'main' | 'worker';
  /** How long a note may wait for an append to take it along, ms. Default 10. */
  readonly flushMs?: number;
  /** An owner elsewhere whose last heartbeat is older counts as dead, ms. Heartbeats come three times as often. Default 15000. */
  readonly ttlMs?: number;
  /** How long to wait for another process's lock before JOURNAL_BUSY, ms. Default 5000. */
  readonly busyMs?: number;
  /**
   * How long runs are kept that ended, in ms: older ones are pruned in the background, while this process works on runs.
   * Interrupted ones stay. Default: for ever.
   */
  readonly maxAgeMs?: number;
  /**
   * Encrypts events and texts with AES-256-GCM. The key: 32 bytes, also as 64 hexadecimal digits or as base64, or a
   * passphrase. A new file becomes encrypted and stays so; docs/data.md says what stays readable.
   */
  readonly encrypt?: { readonly key: JournalKey };
  /** Epoch ms, for heartbeats. Default: the system's. */
  readonly clock?: { now(): number };
}

export const SQLITE_OPTIONS: OptionNames<SqliteJournalOptions> = {
  dir: true,
  file: true,
  synchronous: true,
  thread: true,
  flushMs: true,
  ttlMs: true,
  busyMs: true,
  maxAgeMs: true,
  encrypt: true,
  clock: true,
};

const FLUSH_MS_DEFAULT = 10;
const TTL_MS_DEFAULT = 15_000;
const BUSY_MS_DEFAULT = 5_000;

/** The options that a connection is opened with: handles that share one must agree on them. */
export interface SqliteSettings extends Required<Pick<SqliteJournalOptions, 'synchronous' | 'thread' | 'flushMs' | 'ttlMs' | 'busyMs'>> {
  readonly maxAgeMs: number | undefined;
}

/** @throws AmdahlError MISCONFIGURED for values that cannot be. Pure. */
export function settingsOf(options: SqliteJournalOptions): SqliteSettings {
  const {
    maxAgeMs,
    encrypt,
    synchronous = 'full',
    thread = 'auto',
    flushMs = FLUSH_MS_DEFAULT,
    ttlMs = TTL_MS_DEFAULT,
    busyMs = BUSY_MS_DEFAULT,
  } = options;
  if (synchronous !== 'full' && synchronous !== 'normal') {
    throw new AmdahlError('MISCONFIGURED', `sqliteJournal's synchronous is ${String(synchronous)}; it must be 'full' or 'normal'.`);
  }
  if (thread !== 'auto' && thread !== 'main' && thread !== 'worker') {
    throw new AmdahlError('MISCONFIGURED', `sqliteJournal's thread is ${String(thread)}; it must be 'auto', 'main' or 'worker'.`);
  }
  for (const [name, ms, min] of [
    ['flushMs', flushMs, 0],
    ['ttlMs', ttlMs, 1],
    ['busyMs', busyMs, 0],
  ] as const) {
    if (!Number.isFinite(ms) || ms < min)
      throw new AmdahlError('MISCONFIGURED', `sqliteJournal's ${name} is ${ms}; it must be a number of milliseconds from ${min} up.`);
  }
  if (maxAgeMs !== undefined) checkMaxAge(maxAgeMs, 'sqliteJournal()');
  if (encrypt !== undefined) {
    checkOptions(encrypt, { key: true }, 'encrypt of sqliteJournal()');
    checkKey(encrypt.key);
  }
  return { synchronous, thread, flushMs, ttlMs, busyMs, maxAgeMs };
}
