// The connection that writes a journal file, one transaction per list of changes. Lives in the main thread or in
// sqliteThread.ts; nothing here knows which.
//
// W1 a list of changes is written whole or not at all, in its order, and its outcome is told only after the commit
//    returned: the disk has it.
// W2 a change that is refused has written nothing, and the others are written all the same.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { EVENT_VERSION } from './event.ts';
import type { RowState } from './rows.ts';
import { type Change, type Committer, EVENT_CELLS, type Outcome, type Stored, type StoredAskEvent } from './sqliteChange.ts';
import { isBusy, journalBusy, journalError } from './sqliteErrors.ts';
import { type FileOptions, openFile, reserveLog } from './sqliteFile.ts';

export interface WriterOptions extends FileOptions {
  /** For tests and benches: as long as this, every sync of the disk blocks the writing thread longer than it does anyway. */
  readonly syncDelayMs?: number;
}

type Append = Extract<Change, { do: 'append' }>;
type Take = Extract<Change, { do: 'take' }>;

/** Runs and hashes remembered as stored, so that a setup is not sent to SQLite with every turn. */
const KNOWN_BLOBS_MAX = 10_000;

const OWN = 'cancel = NULL, epoch = epoch + 1, owner_id = ?, owner_pid = ?, owner_host = ?, owner_start = ?, seen_at = ?';
const DISOWN = 'owner_id = NULL, owner_pid = NULL, owner_host = NULL, owner_start = NULL';

/** What was said to a question stays until the run says what came of it, also where it is asked again. */
const OPEN = `
  INSERT INTO asks (ask, sealed, run, of, seq, opened_at, expires_at, state, since) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open', ?6)
  ON CONFLICT (ask) DO UPDATE SET sealed = ?2, run = ?3, of = ?4, seq = ?5, opened_at = ?6, expires_at = ?7,
    since = iif(state = 'responded', since, ?6), state = iif(state = 'responded', state, 'open')`;
const CLOSE = 'UPDATE asks SET state = ?, since = ?, response = NULL WHERE ask = ? AND run = ?';
const RESPOND = `
  UPDATE asks SET state = 'responded', response = ?1, since = ?2
  WHERE ask = ?3 AND state = 'open' AND (expires_at IS NULL OR expires_at > ?2)`;

export class SqliteWriter {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #options: WriterOptions;
  readonly #statements = new Map<string, StatementSync>();
  #full: boolean | undefined;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #insertEvent: StatementSync;
  readonly #advance: StatementSync;
  readonly #knownBlobs = new Set<string>();

  constructor(db: DatabaseSync, file: string, options: WriterOptions) {
    this.#db = db;
    this.#file = file;
    this.#options = options;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#insertEvent = db.prepare('INSERT INTO events (run, seq, version, kind, place, json) VALUES (?, ?, ?, ?, ?, ?)');
    this.#advance = db.prepare('UPDATE runs SET events = ?, updated_at = ?, seen_at = ? WHERE no = ? AND epoch = ?');
  }

  /** Only what somebody waits for is flushed: marks of ownership need to be seen, not to outlive the power. */
  #flush(changes: readonly Change[]): void {
    const full = this.#options.synchronous === 'full' && changes.some(isAwaited);
    if (full === this.#full) return;
    this.#full = full;
    this.#db.exec(full ? 'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL');
  }

  commit(changes: readonly Change[]): Outcome {
    try {
      this.#flush(changes);
      this.#begin.run();
    } catch (thrown) {
      if (isBusy(thrown)) return { ended: 'busy', error: journalBusy(this.#file, this.#options.busyMs, thrown) };
      return this.#failed(thrown);
    }
    try {
      const results = changes.map((change) => this.#apply(change));
      if (this.#options.syncDelayMs !== undefined) sleep(this.#options.syncDelayMs);
      this.#commit.run();
      return { ended: 'committed', results };
    } catch (thrown) {
      return this.#failed(thrown);
    }
  }

  /** Makes later commits faster, at the price of a pause now. */
  reserve(): void {
    reserveLog(this.#db, this.#file);
  }

  close(): void {
    this.#db.close();
  }

  #apply(change: Change): number {
    switch (change.do) {
      case 'append':
        return this.#append(change);
      case 'take':
        return this.#take(change);
      case 'beat':
        return this.#write('UPDATE runs SET seen_at = ? WHERE no = ? AND epoch = ?', [change.seenAt, change.no, change.epoch]);
      case 'cancel': {
        const sql =
          "UPDATE runs SET cancel = coalesce(cancel, ?) WHERE no = ? AND epoch = ? AND status IN ('running', 'parked') AND owner_id IS NOT NULL";
        return this.#write(sql, [change.reason, change.no, change.epoch]);
      }
      case 'respond':
        return this.#write(RESPOND, [change.response, change.at, change.ask]);
      case 'disown':
        return this.#write(`UPDATE runs SET ${DISOWN} WHERE no = ? AND epoch = ?`, [change.no, change.epoch]);
      case 'nothing':
        return 1;
    }
  }

  #append({ no, epoch, seq, cells, answers, asks, blobs, row, updatedAt, seenAt }: Append): number {
    const events = seq + cells.length / EVENT_CELLS;
    if (this.#advance.run(events, updatedAt, seenAt, no, epoch).changes === 0) return 0;
    for (const [hash, text] of blobs) this.#insertBlob(no, hash, text);
    for (let cell = 0, at = seq; at < events; cell += EVENT_CELLS, at += 1) {
      this.#insertEvent.run(no, at, EVENT_VERSION, cells[cell] ?? null, cells[cell + 1] ?? null, cells[cell + 2] ?? null);
    }
    for (const { nth, key, at } of answers ?? [])
      this.#write('INSERT INTO answers (key, at, run, seq) VALUES (?, ?, ?, ?)', [key, at, no, seq + nth]);
    for (const ask of asks ?? []) this.#setAsk(no, seq, ask);
    if (row !== undefined) this.#setRow(no, row);
    return 1;
  }

  #setAsk(no: number, seq: number, event: StoredAskEvent): void {
    if ('state' in event) this.#write(CLOSE, [event.state, event.at, event.ask, no]);
    else this.#write(OPEN, [event.ask, event.sealed, no, event.of, seq + event.nth, event.at, event.expiresAt]);
  }

  #take({ run, found, owner, seenAt }: Take): number {
    const values = [owner.id, owner.pid, owner.host, owner.start, seenAt];
    if (found === undefined) {
      const columns = 'epoch, owner_id, owner_pid, owner_host, owner_start, seen_at, run, events, updated_at';
      const sql = `INSERT INTO runs (${columns}) VALUES (1, ?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (run) DO NOTHING`;
      const { changes, lastInsertRowid } = this.#prepared(sql).run(...values, run);
      return changes === 0 ? 0 : Number(lastInsertRowid);
    }
    const { no, epoch, events, seenAt: seen } = found;
    const sql = `UPDATE runs SET ${OWN} WHERE no = ? AND epoch = ? AND events = ? AND seen_at = ?`;
    return this.#write(sql, [...values, no, epoch, events, seen]) === 0 ? 0 : no;
  }

  #setRow(no: number, { agent, inputHash, status, program, scope, startedAt }: RowState): void {
    const stored = program === undefined ? null : JSON.stringify(program);
    const values = [agent, inputHash, status, stored, scope ?? null, startedAt, no];
    this.#write('UPDATE runs SET agent = ?, input_hash = ?, status = ?, program = ?, scope = ?, started_at = ? WHERE no = ?', values);
  }

  /** A blob goes with the last run that refers to it: a run is written by one claim at a time, so what it refers to stays. */
  #insertBlob(no: number, hash: string, text: Stored): void {
    const known = `${no} ${hash}`;
    if (this.#knownBlobs.has(known)) return;
    this.#write('INSERT OR IGNORE INTO blobs (hash, text) VALUES (?, ?)', [hash, text]);
    this.#write('INSERT OR IGNORE INTO blob_refs (run, blob) SELECT ?, rowid FROM blobs WHERE hash = ?', [no, hash]);
    if (this.#knownBlobs.size >= KNOWN_BLOBS_MAX) this.#knownBlobs.clear();
    this.#knownBlobs.add(known);
  }

  #write(sql: string, values: readonly SQLInputValue[]): number {
    return Number(this.#prepared(sql).run(...values).changes);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #failed(thrown: unknown): Outcome {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself already; the error that matters is the first one.
    }
    // What was written in a transaction that is rolled back is not known any more.
    this.#knownBlobs.clear();
    return { ended: 'failed', error: journalError(thrown, this.#file) };
  }
}

/** Commits in the thread that asks, on a connection that others read from and close. */
export function inThisThread(db: DatabaseSync, file: string, options: WriterOptions): Committer {
  const writer = new SqliteWriter(db, file, options);
  return { commit: (changes, tell) => tell(writer.commit(changes)), close: async () => undefined };
}

/** A writer with a connection of its own, on a file that is a journal already. */
export function openWriter(file: string, options: WriterOptions): SqliteWriter {
  return new SqliteWriter(openFile(file, options), file, options);
}

/** Somebody counts on its being on disk. */
function isAwaited(change: Change): boolean {
  return change.do === 'respond' || (change.do === 'append' && change.waiters > 0);
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
