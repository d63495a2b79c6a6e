// The journal in a SQLite file: the embedded default. Called by users, the CLI and run(); the work is done
// by sqliteStore.ts, which all handles on one file in this process share.
//
// An awaited append is on disk (synchronous: 'full'). What is lost when a process dies are notes that no
// append and no flush had taken along yet.

import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AmdahlError } from '../agent/errors.ts';
import { decodeEvent } from './codec.ts';
import type { BlobSource, StoredEvent } from './codec.ts';
import type { Entry, Place, RunId } from './event.ts';
import type { Claim, Journal, ReadOptions, RunRow } from './journal.ts';
import { newOwner, startOfProcess } from './sqliteOwner.ts';
import type { StartOf } from './sqliteOwner.ts';
import { journalClosed } from './ownership.ts';
import { ROWS_DEFAULT } from './rows.ts';
import type { SqliteClaim } from './sqliteClaim.ts';
import { ensureDirectory, fileIn } from './sqliteFile.ts';
import { SqliteStore } from './sqliteStore.ts';

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
  /** How long a note may wait for an append to take it along, ms. Default 10. */
  readonly flushMs?: number;
  /** An owner elsewhere whose last heartbeat is older counts as dead, ms. Heartbeats come three times as often. Default 15000. */
  readonly ttlMs?: number;
  /** How long to wait for another process's lock before JOURNAL_BUSY, ms. Default 5000. */
  readonly busyMs?: number;
  /** Epoch ms, for heartbeats. Default: the system's. */
  readonly clock?: { now(): number };
}

/** What tests need to bring about and users never do. */
export interface SqliteSeams {
  /** Bound of the file in pages of 4096 bytes, so that it can be full. */
  readonly maxPages?: number;
  /** A process that is only played: a connection of its own that nobody shares. */
  readonly process?: { readonly pid: number; readonly startOf: StartOf };
}

const FLUSH_MS_DEFAULT = 10;
const TTL_MS_DEFAULT = 15_000;
const BUSY_MS_DEFAULT = 5_000;

interface SharedStore {
  readonly store: SqliteStore;
  readonly settings: string;
  handles: number;
}

const sharedStores = new Map<string, SharedStore>();

/**
 * Opens a journal in a SQLite file, and makes it if there is none. Handles on one file share a connection.
 * @throws AmdahlError MISCONFIGURED, JOURNAL_UNWRITABLE, JOURNAL_DAMAGED, JOURNAL_NEWER, JOURNAL_BUSY, JOURNAL_FULL.
 */
export function sqliteJournal(options: SqliteJournalOptions = {}): Journal {
  return openSqlite(options);
}

let ownJournal: SqliteJournal | undefined;

/** The journal of this process: in the directory AMDAHL_DIR, or in .amdahl of the working directory. Opened once. */
export function defaultJournal(): Journal {
  if (ownJournal === undefined || ownJournal.closed || ownJournal.file !== canonical(fileIn(defaultDirectory())))
    ownJournal = openSqlite({});
  return ownJournal;
}

/** `sqliteJournal` with the seams. For tests. */
export function openSqlite(options: SqliteJournalOptions & SqliteSeams): SqliteJournal {
  if (options.file !== undefined && options.dir !== undefined) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `sqliteJournal was given both a dir (${options.dir}) and a file (${options.file}); give one of them.`,
    );
  }
  const dir = resolve(options.file === undefined ? (options.dir ?? defaultDirectory()) : dirname(options.file));
  ensureDirectory(dir, options.file === undefined);
  const file = canonical(options.file === undefined ? fileIn(dir) : resolve(options.file));
  return options.process === undefined ? openShared(file, options) : openAlone(file, options, options.process);
}

function openAlone(file: string, options: SqliteJournalOptions & SqliteSeams, process: NonNullable<SqliteSeams['process']>): SqliteJournal {
  const store = new SqliteStore(file, {
    ...settingsOf(options),
    clock: clockOf(options),
    owner: newOwner(process),
    startOf: process.startOf,
  });
  return new SqliteJournal(store, () => store.close());
}

function openShared(file: string, options: SqliteJournalOptions & SqliteSeams): SqliteJournal {
  const settings = settingsOf(options);
  const key = JSON.stringify(settings);
  let shared = sharedStores.get(file);
  if (shared !== undefined && shared.settings !== key) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `the journal ${file} is already open in this process with other settings (${shared.settings}, now ${key}). Open it once, or with the same ones.`,
    );
  }
  if (shared === undefined) {
    const store = new SqliteStore(file, { ...settings, clock: clockOf(options), owner: newOwner(), startOf: startOfProcess });
    shared = { store, settings: key, handles: 0 };
    sharedStores.set(file, shared);
  }
  shared.handles += 1;
  return new SqliteJournal(shared.store, () => giveBack(file));
}

function giveBack(file: string): void {
  const shared = sharedStores.get(file);
  if (shared === undefined) return;
  shared.handles -= 1;
  if (shared.handles > 0) return;
  sharedStores.delete(file);
  shared.store.close();
}

/** One handle on a file. */
export class SqliteJournal implements Journal {
  readonly file: string;
  readonly #store: SqliteStore;
  readonly #giveBack: () => void;
  readonly #claims = new Set<SqliteClaim>();
  #closing: Promise<void> | undefined;

  constructor(store: SqliteStore, onClose: () => void) {
    this.file = store.file;
    this.#store = store;
    this.#giveBack = onClose;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  async claim(run: RunId): Promise<Claim> {
    this.#assertOpen();
    return this.#store.claim(run, this.#claims);
  }

  async at(run: RunId, place: Place): Promise<readonly Entry[]> {
    this.#assertOpen();
    return this.#store.look(() => this.#decode(run, this.#store.tables.eventsAt(run, place)));
  }

  async *read(run: RunId, options: ReadOptions = {}): AsyncGenerator<Entry> {
    let after = options.after ?? -1;
    for (;;) {
      this.#assertOpen();
      const page = await this.#store.look(() => this.#decode(run, this.#store.tables.eventsAfter(run, after, options.kinds)));
      const last = page.at(-1);
      if (last === undefined) return;
      yield* page;
      after = last.seq;
    }
  }

  async row(run: RunId): Promise<RunRow | undefined> {
    this.#assertOpen();
    return this.#store.look(() => this.#store.show(this.#store.tables.run(run)));
  }

  async rows(limit: number = ROWS_DEFAULT): Promise<readonly RunRow[]> {
    this.#assertOpen();
    const rows = await this.#store.look(() => this.#store.tables.runs(limit).map((stored) => this.#store.show(stored)));
    return rows.filter((row) => row !== undefined);
  }

  /** Makes all notes durable, gives up the runs claimed through this handle, and closes the file with the last handle. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#store.group.idle();
    await Promise.all([...this.#claims].map((claim) => claim.release()));
    this.#giveBack();
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw journalClosed(this.#store.tables.name);
  }

  /** Blobs are looked up once per page: turns of one agent share their setup. */
  #decode(run: RunId, stored: readonly StoredEvent[]): Entry[] {
    const { tables } = this.#store;
    const blobs = new Map<string, string | undefined>();
    const source: BlobSource = {
      name: tables.name,
      blob: (hash) => {
        if (!blobs.has(hash)) blobs.set(hash, tables.blob(hash));
        return blobs.get(hash);
      },
    };
    return stored.map((event) => ({ seq: event.seq, event: decodeEvent(run, event, source) }));
  }
}

type Settings = Required<Pick<SqliteJournalOptions, 'synchronous' | 'flushMs' | 'ttlMs' | 'busyMs'>> & Pick<SqliteSeams, 'maxPages'>;

function settingsOf(options: SqliteJournalOptions & SqliteSeams): Settings {
  const { synchronous = 'full', flushMs = FLUSH_MS_DEFAULT, ttlMs = TTL_MS_DEFAULT, busyMs = BUSY_MS_DEFAULT, maxPages } = options;
  if (synchronous !== 'full' && synchronous !== 'normal') {
    throw new AmdahlError('MISCONFIGURED', `sqliteJournal's synchronous is ${String(synchronous)}; it must be 'full' or 'normal'.`);
  }
  for (const [name, ms, min] of [
    ['flushMs', flushMs, 0],
    ['ttlMs', ttlMs, 1],
    ['busyMs', busyMs, 0],
  ] as const) {
    if (!Number.isFinite(ms) || ms < min)
      throw new AmdahlError('MISCONFIGURED', `sqliteJournal's ${name} is ${ms}; it must be a number of milliseconds from ${min} up.`);
  }
  return { synchronous, flushMs, ttlMs, busyMs, ...(maxPages === undefined ? {} : { maxPages }) };
}

function clockOf(options: SqliteJournalOptions): { now(): number } {
  return options.clock ?? { now: () => Date.now() };
}

function defaultDirectory(): string {
  return resolve(process.env['AMDAHL_DIR'] || '.amdahl');
}

/** One file reached by two paths is one file. The directory exists by now. */
function canonical(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return join(existingDirectory(dirname(file)), file.slice(dirname(file).length + 1));
  }
}

function existingDirectory(dir: string): string {
  try {
    return realpathSync(dir);
  } catch {
    return dir;
  }
}
