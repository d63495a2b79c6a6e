// Deleting runs from a SQLite journal, so that nothing of them is left in the file: on a connection of its own, in small
// transactions between which others write, in the thread that asks. Called by sqliteStore.ts.
//
// R1 a run is gone with the first transaction about it, which only takes its name away: it is known by no id any more, and
//    whoever still held a claim has lost it. What follows deletes what nobody can see, and the next prune goes on where one
//    was killed.
// R2 a blob goes in the transaction that deletes the last reference to it.
// R3 a number that a run had is not given to another while a process may remember what that run referred to: the last
//    number stays, without anything behind it, until there is a higher one.

import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { isBusy, journalBusy, journalError } from './sqliteErrors.ts';
import { type FileOptions, openFile } from './sqliteFile.ts';
import type { StoredRun } from './sqliteTables.ts';

/** Rows deleted by one transaction. */
const ROWS_MAX = 500;
/** Pages given back by one transaction. */
const PAGES_MAX = 256;
const BUSY_RETRY_MS = 10;
/** How long to wait until nobody reads what the log still has. */
const LOG_WAIT_MS = 2_000;

/** No run can be called this: ids have no spaces. */
const GONE = "'pruned ' || no";

export class SqlitePruner {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #busyMs: number;

  constructor(file: string, options: FileOptions) {
    this.#file = file;
    this.#busyMs = options.busyMs;
    this.#db = openFile(file, options);
    // What is freed is overwritten with zeros, in the file and in the log.
    this.#db.exec('PRAGMA secure_delete = ON');
  }

  /** What the events of a run take, and the blobs that it alone refers to. */
  bytesOf(no: number): number {
    const events = this.#number('SELECT total(length(CAST(json AS BLOB))) AS n FROM events WHERE run = ?', no);
    const sql = `
      SELECT total(length(CAST(text AS BLOB))) AS n FROM blob_refs AS own JOIN blobs ON blobs.rowid = own.blob
      WHERE own.run = ? AND NOT EXISTS (SELECT 1 FROM blob_refs AS other WHERE other.blob = own.blob AND other.run <> own.run)`;
    return events + this.#number(sql, no);
  }

  /** Takes a run's name away, if nobody has worked on it since its row was read. */
  async drop({ no, epoch, events, seenAt }: StoredRun): Promise<boolean> {
    const gone = `UPDATE runs SET run = ${GONE}, epoch = epoch + 1, agent = NULL, input_hash = NULL, status = NULL, program = NULL,
      started_at = NULL, cancel = NULL, scope = NULL, owner_id = NULL, owner_pid = NULL, owner_host = NULL, owner_start = NULL
      WHERE no = ? AND epoch = ? AND events = ? AND seen_at = ?`;
    const dropped = await this.#write(() => {
      const count = this.#run(gone, no, epoch, events, seenAt);
      if (count > 0) this.#run('DELETE FROM answers WHERE run = ?', no);
      if (count > 0) this.#run('DELETE FROM asks WHERE run = ?', no);
      return count;
    });
    return dropped > 0;
  }

  /** Deletes what runs without a name have left, of this prune and of any that was killed. */
  async clear(): Promise<void> {
    const left = this.#db.prepare("SELECT no FROM runs WHERE run LIKE 'pruned %' ORDER BY no").all();
    for (const { no } of left) await this.#clear(Number(no));
    await this.#write(() => this.#run("DELETE FROM runs WHERE run LIKE 'pruned %' AND no < (SELECT max(no) FROM runs)"));
  }

  /** Gives back what is free, and empties the log. Whether nothing is left in it. */
  async shrink(): Promise<boolean> {
    while (this.#free() > 0) {
      const before = this.#free();
      await this.#write(() => this.#db.prepare(`PRAGMA incremental_vacuum(${PAGES_MAX})`).all().length);
      // A file of an earlier layout keeps its pages, and uses them again.
      if (this.#free() >= before) break;
    }
    const by = performance.now() + LOG_WAIT_MS;
    for (;;) {
      const [told] = this.#db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
      if (Number(told?.['busy']) === 0) return true;
      if (performance.now() >= by) return false;
      await pause();
    }
  }

  close(): void {
    this.#db.close();
  }

  async #clear(no: number): Promise<void> {
    const events = `DELETE FROM events WHERE rowid IN (SELECT rowid FROM events WHERE run = ? LIMIT ${ROWS_MAX})`;
    while ((await this.#write(() => this.#run(events, no))) > 0) await pause();
    const some = this.#db.prepare(`SELECT blob FROM blob_refs WHERE run = ? LIMIT ${ROWS_MAX}`);
    for (let blobs = some.all(no); blobs.length > 0; blobs = some.all(no)) {
      await this.#write(() => {
        for (const { blob } of blobs) {
          this.#run('DELETE FROM blob_refs WHERE run = ? AND blob = ?', no, blob ?? null);
          this.#run('DELETE FROM blobs WHERE rowid = ?1 AND NOT EXISTS (SELECT 1 FROM blob_refs WHERE blob = ?1)', blob ?? null);
        }
        return blobs.length;
      });
      await pause();
    }
  }

  #free(): number {
    return Number(this.#db.prepare('PRAGMA freelist_count').get()?.['freelist_count'] ?? 0);
  }

  #run(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#db.prepare(sql).run(...values).changes);
  }

  #number(sql: string, ...values: readonly SQLInputValue[]): number {
    return Number(this.#db.prepare(sql).get(...values)?.['n'] ?? 0);
  }

  /** One transaction, once the lock is free. */
  async #write(work: () => number): Promise<number> {
    const busyBy = performance.now() + this.#busyMs;
    for (;;) {
      try {
        this.#db.exec('BEGIN IMMEDIATE');
        const count = work();
        this.#db.exec('COMMIT');
        return count;
      } catch (thrown) {
        if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
        if (!isBusy(thrown)) throw journalError(thrown, this.#file);
        if (performance.now() >= busyBy) throw journalBusy(this.#file, this.#busyMs, thrown);
        await pause();
      }
    }
  }
}

/** Lets the others in: the event loop here, and who waits for the lock. */
async function pause(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
}
