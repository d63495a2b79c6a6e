// Every statement that reads a SQLite journal, prepared once, and the reading of its rows. Called by sqliteStore.ts and
// sqliteOpen.ts; a row that is not as sqliteWriter.ts writes it is damage.

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import type { BlobSource, StoredEvent } from './codec.ts';
import { type Answer, ANSWERS_MAX } from './journal.ts';
import type { EventKind, Place, ProgramRef, RunId } from './event.ts';
import type { StoredOwner } from './sqliteOwner.ts';
import type { RowState } from './rows.ts';
import type { Seal } from './sqliteSeal.ts';
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

/** Bound to the last segment, a run's number and a place. The join order is fixed. */
const EVENTS_AT = `
  WITH RECURSIVE segment (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM segment WHERE n < ?)
  SELECT seq, version, kind, place, json
  FROM segment CROSS JOIN events INDEXED BY events_by_place
    ON events.run = ? AND (events.seq >> 13) = segment.n AND events.place = ?`;

/** What was pruned is found no more. */
const ANSWERS = `
  SELECT runs.run, events.place, events.version, events.kind, events.json, answers.seq, answers.at
  FROM answers CROSS JOIN runs ON runs.no = answers.run CROSS JOIN events ON events.run = answers.run AND events.seq = answers.seq
  WHERE answers.key = ? ORDER BY answers.at DESC, answers.run DESC, answers.seq DESC LIMIT ?`;

export class SqliteTables implements BlobSource {
  readonly name: string;
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #statements = new Map<string, StatementSync>();

  readonly #seal: Seal | undefined;

  /** `seal`: of an encrypted file. */
  constructor(db: DatabaseSync, file: string, seal?: Seal) {
    this.#db = db;
    this.#seal = seal;
    this.#file = file;
    this.name = `the journal ${file}`;
  }

  run(run: RunId): StoredRun | undefined {
    const found = this.#prepared('SELECT * FROM runs WHERE run = ?').get(run);
    return found === undefined ? undefined : this.#readRun(found);
  }

  /** Those that have not ended, oldest first. */
  unfinished(): StoredRun[] {
    return this.#prepared("SELECT * FROM runs WHERE status IN ('running', 'parked') ORDER BY started_at, no")
      .all()
      .map((found) => this.#readRun(found));
  }

  /** Runs with a run.started, newest first. */
  runs(limit: number): StoredRun[] {
    const sql = 'SELECT * FROM runs WHERE started_at IS NOT NULL ORDER BY started_at DESC, no DESC LIMIT ?';
    return this.#prepared(sql)
      .all(limit)
      .map((found) => this.#readRun(found));
  }

  /** Whatever has a name, oldest first, in pages. */
  runsAfter(no: number): StoredRun[] {
    return this.#prepared(`SELECT * FROM runs WHERE started_at IS NOT NULL AND no > ? ORDER BY no LIMIT ${PAGE_ENTRIES}`)
      .all(no)
      .map((found) => this.#readRun(found));
  }

  /** Runs of an owner that somebody wants to stop, with why. */
  wishes(owner: string): { readonly run: RunId; readonly reason: string }[] {
    const found = this.#prepared('SELECT run, cancel FROM runs WHERE cancel IS NOT NULL AND owner_id = ?').all(owner);
    return found.map((row) => {
      const run = this.#text(row, 'run') as RunId; // as below
      return { run, reason: this.#field(row, 'cancel', `cancel ${run}`) };
    });
  }

  /** One probe of the index per segment of 8192 events. */
  eventsAt(run: RunId, place: Place): StoredEvent[] {
    const found = this.#prepared('SELECT no, events FROM runs WHERE run = ?').get(run);
    if (found === undefined) return [];
    const lastSegment = this.#number(found, 'events') >> 13;
    const events = this.#prepared(EVENTS_AT).all(lastSegment, this.#number(found, 'no'), this.#seal?.name('place', place) ?? place);
    return events.map((event) => this.#readEvent(run, event)).sort((a, b) => a.seq - b.seq);
  }

  /** Newest first. One probe of the index, and one each for what it finds. */
  answers(key: string): Answer[] {
    return this.#prepared(ANSWERS)
      .all(this.#seal?.name('answer', key) ?? key, ANSWERS_MAX)
      .map((found) => ({
        run: this.#text(found, 'run') as RunId, // as in #readRun
        place: this.#placeOf(found),
        seq: this.#number(found, 'seq'),
        at: this.#number(found, 'at'),
      }));
  }

  /** The next page of events after a seq, at most 256 or `limit`. */
  eventsAfter(run: RunId, after: number, kinds: readonly EventKind[] | undefined, limit: number = PAGE_ENTRIES): StoredEvent[] {
    const only = kinds === undefined ? '' : 'AND kind IN (SELECT value FROM json_each(?))';
    const sql = `SELECT seq, version, kind, place, json FROM events WHERE run = (SELECT no FROM runs WHERE run = ?) AND seq > ? ${only} ORDER BY seq LIMIT ?`;
    const most = Math.min(limit, PAGE_ENTRIES);
    const values = kinds === undefined ? [run, after, most] : [run, after, JSON.stringify(kinds), most];
    return this.#prepared(sql)
      .all(...values)
      .map((found) => this.#readEvent(run, found));
  }

  blob(hash: string): string | undefined {
    const name = this.#seal?.name('blob', hash) ?? hash;
    const found = this.#prepared('SELECT text FROM blobs WHERE hash = ?').get(name);
    if (found === undefined) return undefined;
    return this.#seal === undefined ? this.#text(found, 'text') : this.#opened(this.#seal.open(this.#bytes(found, 'text'), name), 'text');
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #readEvent(run: RunId, found: SqlRow): StoredEvent {
    return { seq: this.#number(found, 'seq'), version: this.#number(found, 'version'), json: this.#json(run, found) };
  }

  #json(run: RunId, found: SqlRow): string {
    if (this.#seal === undefined) return this.#text(found, 'json');
    const [seq, version] = [this.#number(found, 'seq'), this.#number(found, 'version')];
    const place = found['place'] === null ? null : this.#text(found, 'place');
    const position = { run, seq, version, kind: this.#text(found, 'kind'), place };
    const json = this.#seal.openEvent(this.#bytes(found, 'json'), position);
    if (json !== undefined) return json;
    throw journalDamaged(this.#file, `event ${seq} of run ${run} was changed, or does not belong there: its seal does not fit`);
  }

  /** An event's own word for its place: in an encrypted file the column only finds it. */
  #placeOf(found: SqlRow): Place {
    if (this.#seal === undefined) return this.#text(found, 'place') as Place; // only events of calls have answers
    const event: unknown = JSON.parse(this.#json(this.#text(found, 'run') as RunId, found)); // as in #readRun
    if (typeof event === 'object' && event !== null && 'place' in event) return String(event.place) as Place; // as encodeEvent wrote it
    throw this.#damaged('place');
  }

  #field(found: SqlRow, column: string, bound: string): string {
    const text = this.#text(found, column);
    return this.#seal === undefined ? text : this.#opened(this.#seal.openField(text, bound), column);
  }

  #opened(text: string | undefined, column: string): string {
    if (text === undefined) throw journalDamaged(this.#file, `a ${column} was changed, or does not belong there: its seal does not fit`);
    return text;
  }

  #bytes(found: SqlRow, column: string): Uint8Array {
    const value = found[column];
    if (!(value instanceof Uint8Array)) throw this.#damaged(column);
    return value;
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
    const scope = found['scope'] === null ? undefined : this.#field(found, 'scope', `scope ${this.#text(found, 'run')}`);
    const program = found['program'] === null ? undefined : this.#readProgram(this.#text(found, 'program'));
    return {
      agent: this.#text(found, 'agent'),
      inputHash: this.#field(found, 'input_hash', `input ${this.#text(found, 'run')}`),
      status,
      startedAt: this.#number(found, 'started_at'),
      ...(program === undefined ? {} : { program }),
      ...(scope === undefined ? {} : { scope }),
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

const STATUSES: readonly RowState['status'][] = ['running', 'parked', 'succeeded', 'partial', 'failed', 'cancelled'];
