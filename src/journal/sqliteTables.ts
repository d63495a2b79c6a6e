// Every statement of the SQLite store, prepared once, and the reading of its rows. Called by sqliteStore.ts
// and sqliteClaim.ts; a row that is not as this amdahl writes it is damage.

import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { StoredBlob } from './blobs.ts';
import type { BlobSource, EncodedEvent, StoredEvent } from './codec.ts';
import { EVENT_VERSION } from './event.ts';
import type { EventKind, Place, ProgramRef, RunId } from './event.ts';
import type { StoredOwner } from './sqliteOwner.ts';
import type { RowState } from './rows.ts';
import { journalDamaged } from './sqliteErrors.ts';

/** A line of the table of runs. `row` is absent before run.started, `owner` after a release. */
export interface StoredRun {
  readonly no: number;
  readonly run: RunId;
  readonly epoch: number;
  readonly events: number;
  readonly updatedAt: number;
  readonly seenAt: number;
  readonly row: RowState | undefined;
  readonly owner: StoredOwner | undefined;
}

type SqlRow = Record<string, SQLOutputValue>;

/** Entries per page of a read. */
const PAGE_ENTRIES = 256;
/** Hashes remembered as stored, so that a setup is not sent to SQLite with every turn. */
const KNOWN_BLOBS_MAX = 10_000;

/** Bound to the last segment, a run's number and a place. The join order is fixed. */
const EVENTS_AT = `
  WITH RECURSIVE segment (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM segment WHERE n < ?)
  SELECT seq, version, json
  FROM segment CROSS JOIN events INDEXED BY events_by_place
    ON events.run = ? AND (events.seq >> 13) = segment.n AND events.place = ?`;

export class SqliteTables implements BlobSource {
  readonly name: string;
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #statements = new Map<string, StatementSync>();
  readonly #insertEvent: StatementSync;
  readonly #advance: StatementSync;
  readonly #knownBlobs = new Set<string>();

  constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.#file = file;
    this.name = `the journal ${file}`;
    this.#insertEvent = db.prepare('INSERT INTO events (run, seq, version, kind, place, json) VALUES (?, ?, ?, ?, ?, ?)');
    this.#advance = db.prepare('UPDATE runs SET events = ?, updated_at = ?, seen_at = ? WHERE no = ? AND epoch = ?');
  }

  insertEvent(no: number, seq: number, event: EncodedEvent): void {
    for (const blob of event.blobs) this.#insertBlob(blob);
    this.#insertEvent.run(no, seq, EVENT_VERSION, event.kind, event.place ?? null, event.json);
  }

  /** Counts events and a heartbeat. False when the epoch is not the run's any more. */
  advance(no: number, epoch: number, events: number, updatedAt: number, seenAt: number): boolean {
    return this.#advance.run(events, updatedAt, seenAt, no, epoch).changes !== 0;
  }

  setRow(no: number, row: RowState): void {
    const { agent, inputHash, status, program, startedAt } = row;
    this.#write('UPDATE runs SET agent = ?, input_hash = ?, status = ?, program = ?, started_at = ? WHERE no = ?', [
      agent,
      inputHash,
      status,
      program === undefined ? null : JSON.stringify(program),
      startedAt,
      no,
    ]);
  }

  beat(no: number, epoch: number, seenAt: number): boolean {
    return this.#write('UPDATE runs SET seen_at = ? WHERE no = ? AND epoch = ?', [seenAt, no, epoch]);
  }

  insertRun(run: RunId, seenAt: number): void {
    this.#write('INSERT INTO runs (run, epoch, events, updated_at, seen_at) VALUES (?, 0, 0, 0, ?)', [run, seenAt]);
  }

  own(no: number, epoch: number, owner: StoredOwner, seenAt: number): void {
    this.#write('UPDATE runs SET epoch = ?, owner_id = ?, owner_pid = ?, owner_host = ?, owner_start = ?, seen_at = ? WHERE no = ?', [
      epoch,
      owner.id,
      owner.pid,
      owner.host,
      owner.start,
      seenAt,
      no,
    ]);
  }

  disown(no: number, epoch: number): void {
    this.#write('UPDATE runs SET owner_id = NULL, owner_pid = NULL, owner_host = NULL, owner_start = NULL WHERE no = ? AND epoch = ?', [
      no,
      epoch,
    ]);
  }

  run(run: RunId): StoredRun | undefined {
    const found = this.#prepared('SELECT * FROM runs WHERE run = ?').get(run);
    return found === undefined ? undefined : this.#readRun(found);
  }

  /** Runs with a run.started, newest first. */
  runs(limit: number): StoredRun[] {
    const sql = 'SELECT * FROM runs WHERE started_at IS NOT NULL ORDER BY started_at DESC, no DESC LIMIT ?';
    return this.#prepared(sql)
      .all(limit)
      .map((found) => this.#readRun(found));
  }

  /** One probe of the index per segment of 8192 events. */
  eventsAt(run: RunId, place: Place): StoredEvent[] {
    const found = this.#prepared('SELECT no, events FROM runs WHERE run = ?').get(run);
    if (found === undefined) return [];
    const lastSegment = this.#number(found, 'events') >> 13;
    const events = this.#prepared(EVENTS_AT).all(lastSegment, this.#number(found, 'no'), place);
    return events.map((event) => this.#readEvent(event)).sort((a, b) => a.seq - b.seq);
  }

  /** The next page of events after a seq, at most 256. */
  eventsAfter(run: RunId, after: number, kinds: readonly EventKind[] | undefined): StoredEvent[] {
    const only = kinds === undefined ? '' : 'AND kind IN (SELECT value FROM json_each(?))';
    const sql = `SELECT seq, version, json FROM events WHERE run = (SELECT no FROM runs WHERE run = ?) AND seq > ? ${only} ORDER BY seq LIMIT ${PAGE_ENTRIES}`;
    const values = kinds === undefined ? [run, after] : [run, after, JSON.stringify(kinds)];
    return this.#prepared(sql)
      .all(...values)
      .map((found) => this.#readEvent(found));
  }

  blob(hash: string): string | undefined {
    const found = this.#prepared('SELECT text FROM blobs WHERE hash = ?').get(hash);
    return found === undefined ? undefined : this.#text(found, 'text');
  }

  /** What was written in a transaction that is rolled back is not known any more. */
  forgetBlobs(): void {
    this.#knownBlobs.clear();
  }

  #insertBlob({ hash, text }: StoredBlob): void {
    if (this.#knownBlobs.has(hash)) return;
    this.#write('INSERT OR IGNORE INTO blobs (hash, text) VALUES (?, ?)', [hash, text]);
    if (this.#knownBlobs.size >= KNOWN_BLOBS_MAX) this.#knownBlobs.clear();
    this.#knownBlobs.add(hash);
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #write(sql: string, values: readonly SQLInputValue[]): boolean {
    return this.#prepared(sql).run(...values).changes !== 0;
  }

  #readEvent(found: SqlRow): StoredEvent {
    return { seq: this.#number(found, 'seq'), version: this.#number(found, 'version'), json: this.#text(found, 'json') };
  }

  #readRun(found: SqlRow): StoredRun {
    const owner =
      found['owner_id'] === null
        ? undefined
        : {
            id: this.#text(found, 'owner_id'),
            pid: this.#number(found, 'owner_pid'),
            host: this.#text(found, 'owner_host'),
            start: this.#text(found, 'owner_start'),
          };
    return {
      no: this.#number(found, 'no'),
      run: this.#text(found, 'run') as RunId, // only claims of a RunId write this column
      epoch: this.#number(found, 'epoch'),
      events: this.#number(found, 'events'),
      updatedAt: this.#number(found, 'updated_at'),
      seenAt: this.#number(found, 'seen_at'),
      row: found['started_at'] === null ? undefined : this.#readRow(found),
      owner,
    };
  }

  #readRow(found: SqlRow): RowState {
    const status = STATUSES.find((known) => known === found['status']);
    if (status === undefined) throw this.#damaged('status');
    const program = found['program'] === null ? undefined : this.#readProgram(this.#text(found, 'program'));
    return {
      agent: this.#text(found, 'agent'),
      inputHash: this.#text(found, 'input_hash'),
      status,
      startedAt: this.#number(found, 'started_at'),
      ...(program === undefined ? {} : { program }),
    };
  }

  #readProgram(text: string): ProgramRef {
    try {
      const parsed: unknown = JSON.parse(text);
      if (typeof parsed === 'object' && parsed !== null && 'file' in parsed && 'export' in parsed) {
        return { file: String(parsed.file), export: String(parsed.export) };
      }
    } catch {
      // Not JSON: damage like any other wrong text here.
    }
    throw this.#damaged('program');
  }

  #text(found: SqlRow, column: string): string {
    const value = found[column];
    if (typeof value !== 'string') throw this.#damaged(column);
    return value;
  }

  #number(found: SqlRow, column: string): number {
    const value = found[column];
    if (typeof value !== 'number') throw this.#damaged(column);
    return value;
  }

  #damaged(column: string): Error {
    return journalDamaged(this.#file, `a row has an impossible ${column}`);
  }
}

const STATUSES: readonly RowState['status'][] = ['running', 'succeeded', 'partial', 'failed', 'cancelled'];
