// Opening a SQLite journal, and one handle on it. Called by sqlite.ts and, with the seams, by tests; the work is done
// by sqliteStore.ts, which all handles on one file in this process share.
//
// An awaited append is on disk (synchronous: 'full'). What is lost when a process dies are notes that no
// append and no flush had taken along yet.

import { realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AmdahlError } from '../agent/errors.ts';
import { decodeEvent } from './codec.ts';
import type { BlobSource, StoredEvent } from './codec.ts';
import type { AskRow, AsksOptions, Reply, Responded } from './ask.ts';
import type { AskId, Entry, Place, RunId } from './event.ts';
import type { Answer, Cancelling, CancelOptions, Claim, Journal, ReadOptions, RunRow, UnfinishedRow } from './journal.ts';
import { newOwner, startOfProcess } from './sqliteOwner.ts';
import type { StartOf } from './sqliteOwner.ts';
import { journalClosed, NO_REASON } from './ownership.ts';
import { checkPrune, type Pruned, type PruneOptions } from './prune.ts';
import { ROWS_DEFAULT } from './rows.ts';
import type { SqliteClaim } from './sqliteClaim.ts';
import { ensureDirectory, fileIn } from './sqliteFile.ts';
import { settingsOf, type SqliteJournalOptions } from './sqliteOptions.ts';
import { SqliteStore, type StoreOptions } from './sqliteStore.ts';

/** What tests need to bring about and users never do. */
export interface SqliteSeams {
  /** Bound of the file in pages of 4096 bytes, so that it can be full. */
  readonly maxPages?: number;
  /** Makes the disk slower: every transaction blocks the thread that writes it for as long. */
  readonly syncDelayMs?: number;
  /** A process that is only played: a connection of its own that nobody shares. */
  readonly process?: { readonly pid: number; readonly startOf: StartOf };
}

interface SharedStore {
  readonly store: SqliteStore;
  readonly settings: string;
  readonly secret: string | undefined;
  handles: number;
}

const sharedStores = new Map<string, SharedStore>();

let ownJournal: SqliteJournal | undefined;

/** The journal of this process; opened again where it was closed or AMDAHL_DIR has changed. */
export function openDefault(): SqliteJournal {
  if (ownJournal === undefined || ownJournal.closed || ownJournal.file !== canonical(fileIn(defaultDirectory())))
    ownJournal = openSqlite(ownOptions());
  return ownJournal;
}

/** `sqliteJournal` with the seams. For tests. */
export function openSqlite(options: SqliteJournalOptions & SqliteSeams): SqliteJournal {
  if (options.file !== undefined && options.dir !== undefined) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `sqliteJournal() was given both a dir (${options.dir}) and a file (${options.file}); give one of them.`,
    );
  }
  const dir = resolve(options.file === undefined ? (options.dir ?? defaultDirectory()) : dirname(options.file));
  ensureDirectory(dir, options.file === undefined);
  const file = canonical(options.file === undefined ? fileIn(dir) : resolve(options.file));
  return options.process === undefined ? openShared(file, options) : openAlone(file, options, options.process);
}

function openAlone(file: string, options: SqliteJournalOptions & SqliteSeams, process: NonNullable<SqliteSeams['process']>): SqliteJournal {
  const store = new SqliteStore(file, {
    ...settled(options),
    clock: clockOf(options),
    owner: newOwner(process),
    startOf: process.startOf,
  });
  return new SqliteJournal(store, () => store.close());
}

function openShared(file: string, options: SqliteJournalOptions & SqliteSeams): SqliteJournal {
  const settings = settled(options);
  const key = JSON.stringify({ ...settingsOf(options), maxPages: options.maxPages, syncDelayMs: options.syncDelayMs });
  let shared = sharedStores.get(file);
  // Never shown, and never compared but here.
  const secret = settings.key === undefined ? undefined : Buffer.from(settings.key).toString('base64');
  if (shared !== undefined && shared.secret !== secret)
    throw new AmdahlError('JOURNAL_LOCKED', `The journal ${file} is already open in this process with another key, or without one.`, {
      data: { file, key: 'wrong' },
    });
  if (shared !== undefined && shared.settings !== key) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `The journal ${file} is already open in this process with other settings (${shared.settings}, now ${key}). Open it once, or with the same ones.`,
    );
  }
  if (shared === undefined) {
    const store = new SqliteStore(file, { ...settings, clock: clockOf(options), owner: newOwner(), startOf: startOfProcess });
    shared = { store, secret, settings: key, handles: 0 };
    sharedStores.set(file, shared);
  }
  shared.handles += 1;
  return new SqliteJournal(shared.store, () => giveBack(file));
}

async function giveBack(file: string): Promise<void> {
  const shared = sharedStores.get(file);
  if (shared === undefined) return;
  shared.handles -= 1;
  if (shared.handles > 0) return;
  sharedStores.delete(file);
  await shared.store.close();
}

/** One handle on a file. */
export class SqliteJournal implements Journal {
  readonly file: string;
  readonly #store: SqliteStore;
  readonly #giveBack: () => Promise<void>;
  readonly #claims = new Set<SqliteClaim>();
  readonly #claiming = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(store: SqliteStore, onClose: () => Promise<void>) {
    this.file = store.file;
    this.#store = store;
    this.#giveBack = onClose;
  }

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  async claim(run: RunId): Promise<Claim> {
    this.#assertOpen();
    const claiming = this.#store.claim(run, this.#claims);
    this.#claiming.add(claiming);
    try {
      return await claiming;
    } finally {
      this.#claiming.delete(claiming);
    }
  }

  async at(run: RunId, place: Place): Promise<readonly Entry[]> {
    this.#assertOpen();
    return this.#store.look(() => this.#decode(run, this.#store.tables.eventsAt(run, place)));
  }

  async *read(run: RunId, options: ReadOptions = {}): AsyncGenerator<Entry> {
    let after = options.after ?? -1;
    for (let left = options.limit ?? Infinity; left > 0;) {
      this.#assertOpen();
      const page = await this.#store.look(() => this.#decode(run, this.#store.tables.eventsAfter(run, after, options.kinds, left)));
      const last = page.at(-1);
      if (last === undefined) return;
      yield* page;
      after = last.seq;
      left -= page.length;
    }
  }

  async answers(key: string): Promise<readonly Answer[]> {
    this.#assertOpen();
    return this.#store.look(() => this.#store.tables.answers(key));
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

  async unfinished(now: number = this.#store.clock.now()): Promise<readonly UnfinishedRow[]> {
    this.#assertOpen();
    return this.#store.look(() => this.#store.unfinished(now));
  }

  async asks(options: AsksOptions = {}): Promise<readonly AskRow[]> {
    this.#assertOpen();
    return this.#store.look(() => this.#store.asks.list(options));
  }

  async ask(idOrPrefix: string): Promise<AskRow | undefined> {
    this.#assertOpen();
    return this.#store.look(() => this.#store.asks.find(idOrPrefix));
  }

  async respond(ask: AskId, reply: Reply, now: number): Promise<Responded> {
    this.#assertOpen();
    return this.#store.respond(ask, reply, now);
  }

  async cancel(run: RunId, { reason = NO_REASON }: CancelOptions = {}): Promise<Cancelling> {
    this.#assertOpen();
    return this.#store.cancel(run, reason);
  }

  async prune(options: PruneOptions): Promise<Pruned> {
    this.#assertOpen();
    checkPrune(options);
    return this.#store.prune(options);
  }

  watch(run: RunId, listener: () => void): () => void {
    return this.#store.watchers.add(run, listener);
  }

  /** Makes all notes durable, gives up the runs claimed through this handle, and closes the file with the last handle. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#claiming);
    await this.#store.group.idle();
    await Promise.all([...this.#claims].map((claim) => claim.release()));
    await this.#giveBack();
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

/** All that handles on one connection must agree on. */
function settled(
  options: SqliteJournalOptions & SqliteSeams,
): Pick<StoreOptions, 'thread' | 'flushMs' | 'ttlMs' | 'maxAgeMs' | 'key' | 'writer'> {
  const { thread, flushMs, ttlMs, maxAgeMs, synchronous, busyMs } = settingsOf(options);
  const { maxPages, syncDelayMs } = options;
  const seams = { ...(maxPages === undefined ? {} : { maxPages }), ...(syncDelayMs === undefined ? {} : { syncDelayMs }) };
  return { thread, flushMs, ttlMs, maxAgeMs, key: options.encrypt?.key, writer: { synchronous, busyMs, ...seams } };
}

function clockOf(options: SqliteJournalOptions): { now(): number } {
  return options.clock ?? { now: () => Date.now() };
}

/** The journal of commands is the one of programs that name none: both have the key from the environment. */
function ownOptions(): SqliteJournalOptions {
  const key = process.env['AMDAHL_JOURNAL_KEY'];
  return key === undefined || key === '' ? {} : { encrypt: { key } };
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
