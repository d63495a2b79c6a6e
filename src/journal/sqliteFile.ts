// One open SQLite file: the layout of its tables and the connection. Called by sqliteStore.ts, which opens one per process
// and file, and by sqliteWriter.ts, which opens another where a thread of its own writes.
//
// A run has a small integer `no`, so that its events have short keys. Events are a rowid table with an index
// over (run, seq): without rowids, SQLite gives a row beyond 1 KB pages of its own, and turns with tools are
// longer (measured: 10 KB of file per turn with a result of 1 KB, against 4). A second index finds them by
// place. Places are hashes, so that an index of a whole run would be written to at random: it is kept in
// segments of 8192 events, only the last of which is written to, and a look-up asks each segment. Measured:
// half the writing of one index over all, for one B-tree probe (about 1 us) per 8192 events of a run. Long
// strings and setups stand in `blobs`, once per content. Answers that other calls may use are found by key in `answers`,
// which is written to for those alone; questions to people in `asks` (sqliteAsks.ts).

import { closeSync, existsSync, mkdirSync, openSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { AmdahlError, describe } from '../agent/errors.ts';
import { ASKS_LAYOUT } from './sqliteAsks.ts';
import { isBusy, journalBusy, journalDamaged, journalError, journalNewer } from './sqliteErrors.ts';

/** The version of the layout below, kept in the file's user_version. */
const LAYOUT_VERSION = 2;
/** 'amdl' in ASCII: tells a journal from any other SQLite file. */
const APPLICATION_ID = 0x616d646c;
/** How long SQLite itself waits for a lock, blocking its thread. Longer waits are made on timers. */
const LOCK_WAIT_MS = 20;

/** Pages kept in memory, at most: the index segments in use and what was read last. */
const CACHE_KIB_MAX = 16 * 1024;
const LAYOUT = `
  CREATE TABLE runs (
    no INTEGER PRIMARY KEY, run TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, events INTEGER NOT NULL, updated_at INTEGER NOT NULL,
    agent TEXT, input_hash TEXT, status TEXT, program TEXT, started_at INTEGER,
    owner_id TEXT, owner_pid INTEGER, owner_host TEXT, owner_start TEXT, seen_at INTEGER NOT NULL, cancel TEXT
  );
  CREATE INDEX runs_by_start ON runs (started_at DESC, no DESC) WHERE started_at IS NOT NULL;
  CREATE TABLE events (
    run INTEGER NOT NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL, place TEXT, json TEXT NOT NULL,
    PRIMARY KEY (run, seq)
  );
  CREATE INDEX events_by_place ON events (run, seq >> 13, place) WHERE place IS NOT NULL;
  CREATE TABLE blobs (hash TEXT NOT NULL UNIQUE, text TEXT NOT NULL);
  PRAGMA application_id = ${APPLICATION_ID};
`;
/** What layout 2 has besides: wishes to stop, and which run refers to which blob. */
const SECOND = `
  CREATE INDEX runs_by_wish ON runs (owner_id) WHERE cancel IS NOT NULL;
  CREATE TABLE blob_refs (run INTEGER NOT NULL, blob INTEGER NOT NULL, PRIMARY KEY (run, blob)) WITHOUT ROWID;
  CREATE INDEX blob_refs_by_blob ON blob_refs (blob);
  PRAGMA user_version = ${LAYOUT_VERSION};
`;
/** Who refers to a blob was not written down in layout 1: the events say it. Blobs are named by 43 characters. */
const REFERENCES = `
  INSERT OR IGNORE INTO blob_refs (run, blob)
  SELECT DISTINCT events.run, blobs.rowid FROM events, json_tree(events.json) AS field, blobs
  WHERE (events.json LIKE '%"$blob":%' OR events.kind = 'model.requested')
    AND field.key IN ('$blob', 'setup') AND field.type = 'text' AND blobs.hash = field.atom;
`;

/** What came to the layout without a version of its own: files of before get it when they are opened. */
const ADDED = `
  CREATE TABLE answers (
    key TEXT NOT NULL, at INTEGER NOT NULL, run INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, at, run, seq)
  ) WITHOUT ROWID;
  CREATE TRIGGER answers_gone AFTER DELETE ON runs BEGIN DELETE FROM answers WHERE run = OLD.no; END;
  ALTER TABLE runs ADD COLUMN scope TEXT;
`;

/** What SQLite lets the write-ahead log grow to before it begins anew at its start: 1000 pages, and a head for each. */
const LOG_BYTES = 1_000 * (4_096 + 24);

export interface FileOptions {
  readonly synchronous: 'full' | 'normal';
  readonly busyMs: number;
  /** The file may not grow beyond this many pages of 4096 bytes. */
  readonly maxPages?: number;
}

/**
 * Opens a journal file, and makes it if there is none.
 * @throws AmdahlError MISCONFIGURED without node:sqlite, JOURNAL_UNWRITABLE, JOURNAL_DAMAGED, JOURNAL_NEWER, JOURNAL_BUSY, JOURNAL_FULL.
 */
export function openFile(file: string, options: FileOptions): DatabaseSync {
  const Database = loadSqlite();
  let db: DatabaseSync | undefined;
  try {
    makePrivate(file);
    db = new Database(file, { timeout: LOCK_WAIT_MS });
    prepareFile(db, file, options);
    return db;
  } catch (thrown) {
    db?.close();
    throw journalError(thrown, file);
  }
}

/** What people say to models is for nobody else on the machine. What SQLite keeps beside a file is as readable as the file. */
function makePrivate(file: string): void {
  if (!existsSync(file)) closeSync(openSync(file, 'a', 0o600));
}

/**
 * Makes the write-ahead log as long as it will be, by a transaction that is taken back: to flush a file that does not grow
 * takes half as long (measured on ext4: 0.13 ms a commit against 0.25). Costs some 10 ms and 4 MB, until the file is closed.
 */
export function reserveLog(db: DatabaseSync, file: string): void {
  try {
    if (statSync(`${file}-wal`).size >= LOG_BYTES) return;
    // What does not fit into memory goes into the log before it is committed.
    db.exec('PRAGMA cache_size = 10; BEGIN IMMEDIATE');
    db.prepare("INSERT INTO blobs (hash, text) VALUES ('', zeroblob(?))").run(LOG_BYTES);
  } catch {
    // A lock, or no room: then each commit takes as long as it takes, and says what is wrong.
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
    db.exec(`PRAGMA cache_size = -${CACHE_KIB_MAX}`);
  }
}

/** Makes the directory if need be; one that it made is kept out of version control. */
export function ensureDirectory(dir: string, own: boolean): void {
  const file = join(dir, '.gitignore');
  try {
    if (makeDirectory(dir) && own) writeFileSync(file, '*\n');
  } catch (thrown) {
    throw journalError(thrown, dir);
  }
}

/** Whether it had to be made. Level by level: mkdir's own recursion never ends where a file system refuses with ENOENT, as /proc does. */
function makeDirectory(dir: string): boolean {
  if (existsSync(dir)) return false;
  const parent = dirname(dir);
  if (parent !== dir) makeDirectory(parent);
  try {
    mkdirSync(dir);
    return true;
  } catch (thrown) {
    if (existsSync(dir)) return false; // another process was faster
    throw thrown;
  }
}

/** The path of the journal in a directory. */
export function fileIn(dir: string): string {
  return join(dir, 'journal.sqlite');
}

function prepareFile(db: DatabaseSync, file: string, options: FileOptions): void {
  const busyBy = performance.now() + options.busyMs;
  const wait = <T>(work: () => T): T => waitForLock(work, file, options.busyMs, busyBy);
  wait(() => refuseForeign(db, file));
  const version = wait(() => pragma(db, 'user_version'));
  if (version > LAYOUT_VERSION) throw journalNewer(file, version, LAYOUT_VERSION);
  // Before anything is in it: then what is freed can be given back in pieces.
  if (version === 0) wait(() => db.exec('PRAGMA auto_vacuum = INCREMENTAL'));
  wait(() => db.exec('PRAGMA journal_mode = WAL'));
  // fullfsync makes macOS write through the disk's own cache; elsewhere it changes nothing.
  db.exec(options.synchronous === 'full' ? 'PRAGMA synchronous = FULL; PRAGMA fullfsync = ON' : 'PRAGMA synchronous = NORMAL');
  // What a changed row was before is overwritten where its page is written anyway; prunes overwrite all that they free.
  db.exec('PRAGMA secure_delete = FAST');
  db.exec(`PRAGMA cache_size = -${CACHE_KIB_MAX}`);
  db.exec(`PRAGMA journal_size_limit = ${64 * 1024 * 1024}`);
  if (options.maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${options.maxPages}`);
  wait(() => layOut(db, file));
}

/** Two processes may open a new file at once: the layout is looked at under the write lock. */
function layOut(db: DatabaseSync, file: string): void {
  if (
    pragma(db, 'user_version') === LAYOUT_VERSION &&
    pragma(db, 'application_id') === APPLICATION_ID &&
    has(db, 'answers') &&
    has(db, 'asks')
  )
    return;
  db.exec('BEGIN IMMEDIATE');
  try {
    refuseForeign(db, file);
    if (pragma(db, 'application_id') !== APPLICATION_ID) db.exec(LAYOUT + SECOND);
    else if (pragma(db, 'user_version') === 1) db.exec(`ALTER TABLE runs ADD COLUMN cancel TEXT; ${SECOND} ${REFERENCES}`);
    if (!has(db, 'answers')) db.exec(ADDED);
    if (!has(db, 'asks')) db.exec(ASKS_LAYOUT);
    db.exec('COMMIT');
  } catch (thrown) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}

function has(db: DatabaseSync, table: 'answers' | 'asks'): boolean {
  return db.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?").get(table) !== undefined;
}

/** Before anything is set: even the journal mode is written into the file. */
function refuseForeign(db: DatabaseSync, file: string): void {
  if (pragma(db, 'application_id') === APPLICATION_ID) return;
  const tables = db.prepare('SELECT count(*) AS n FROM sqlite_master').get()?.['n'];
  if (tables !== 0) throw journalDamaged(file, 'it is a SQLite file of another program');
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name]);
}

/** Only while a file is opened: SQLite does not wait by itself when the journal mode changes. Blocks up to `busyMs`. */
function waitForLock<T>(work: () => T, file: string, busyMs: number, busyBy: number): T {
  const sleeper = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    try {
      return work();
    } catch (thrown) {
      if (!isBusy(thrown)) throw thrown;
      if (performance.now() >= busyBy) throw journalBusy(file, busyMs, thrown);
      Atomics.wait(sleeper, 0, 0, 5);
    }
  }
}

/** Loads node:sqlite, without the one warning that Node 22 and 24 print about it at that moment. */
function loadSqlite(): typeof DatabaseSync {
  const own = Object.getOwnPropertyDescriptor(process, 'emitWarning');
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (!String(warning).includes('SQLite')) Reflect.apply(emit, process, [warning, ...rest]);
  };
  try {
    const sqlite = process.getBuiltinModule('node:sqlite');
    if (sqlite === undefined) throw new Error('node:sqlite is missing');
    return sqlite.DatabaseSync;
  } catch (thrown) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `The SQLite journal needs Node 22.18 or later, and this is Node ${process.versions.node} (${describe(thrown)}). ` +
        'Update Node, or pass journal: memoryJournal() if the run need not survive this process.',
      { cause: thrown },
    );
  } finally {
    if (own !== undefined) Object.defineProperty(process, 'emitWarning', own);
  }
}
