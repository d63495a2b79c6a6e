// One SQLite file as one process sees it: the connection that reads, the committer that writes, its claims and their
// heartbeat. Called by sqliteOpen.ts, whose handles share one store per process and file.
//
// S1 a run has at most one living claim: one per process by the table of claims here, one per file by
//    the owner in the run's row, which is looked at here and replaced only while it is as it was seen.
// S2 a claim that lost its run hears it at its next append or at the next heartbeat, whichever is first.

import type { DatabaseSync } from 'node:sqlite';
import type { RunId } from './event.ts';
import { GroupCommit } from './sqliteGroup.ts';
import { mayLive } from './sqliteOwner.ts';
import type { StartOf, StoredOwner } from './sqliteOwner.ts';
import type { RunRow } from './journal.ts';
import { runOwned, runOwnedHere } from './ownership.ts';
import { showRow } from './rows.ts';
import { SqliteClaim, type Taken } from './sqliteClaim.ts';
import { isBusy, journalBusy, journalError } from './sqliteErrors.ts';
import type { Change, Committer } from './sqliteChange.ts';
import { openFile } from './sqliteFile.ts';
import type { SqliteSettings } from './sqliteOptions.ts';
import { SqliteTables } from './sqliteTables.ts';
import type { StoredRun } from './sqliteTables.ts';
import { NearestCommitter } from './sqliteNearest.ts';
import { inItsThread } from './sqliteThread.ts';
import { Watchers } from './watchers.ts';
import { inThisThread, type WriterOptions } from './sqliteWriter.ts';

export interface StoreOptions {
  readonly writer: WriterOptions;
  readonly thread: SqliteSettings['thread'];
  readonly flushMs: number;
  readonly ttlMs: number;
  readonly clock: { now(): number };
  readonly owner: StoredOwner;
  readonly startOf: StartOf;
}

const BUSY_RETRY_MS = 10;

export class SqliteStore {
  readonly file: string;
  readonly tables: SqliteTables;
  readonly group: GroupCommit;
  readonly clock: { now(): number };
  readonly watchers: Watchers = new Watchers();
  readonly #db: DatabaseSync;
  readonly #committer: Committer;
  readonly #options: StoreOptions;
  readonly #claims = new Map<RunId, SqliteClaim>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(file: string, options: StoreOptions) {
    this.file = file;
    this.#options = options;
    this.clock = options.clock;
    this.#db = openFile(file, options.writer);
    this.tables = new SqliteTables(this.#db, file);
    const { thread, flushMs } = options;
    const here = (): Committer => inThisThread(this.#db, file, options.writer);
    const there = (): Committer => inItsThread(file, options.writer);
    this.#committer = thread === 'main' ? here() : thread === 'worker' ? there() : new NearestCommitter(here(), there);
    this.group = new GroupCommit(this.#committer, { file, flushMs, busyMs: options.writer.busyMs });
  }

  /** `holder` hears of the claim before anybody else does, and when it ends. */
  async claim(run: RunId, holder: Set<SqliteClaim>): Promise<SqliteClaim> {
    const busyBy = performance.now() + this.#options.writer.busyMs;
    for (;;) {
      const claim = await this.#take(run, holder);
      if (claim !== undefined) return claim;
      if (performance.now() >= busyBy)
        throw journalBusy(this.file, this.#options.writer.busyMs, new Error(`run ${run} changes hands all the time`));
    }
  }

  /** Reads without a transaction; waits on timers where another process recovers or closes the file. */
  async look<T>(work: () => T): Promise<T> {
    const busyBy = performance.now() + this.#options.writer.busyMs;
    for (;;) {
      try {
        return work();
      } catch (thrown) {
        if (!isBusy(thrown)) throw journalError(thrown, this.file);
        if (performance.now() >= busyBy) throw journalBusy(this.file, this.#options.writer.busyMs, thrown);
        await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
      }
    }
  }

  /** A run's line as readers see it. */
  show(stored: StoredRun | undefined): RunRow | undefined {
    if (stored?.row === undefined) return undefined;
    const { run, updatedAt, events, epoch, seenAt, owner } = stored;
    if (owner === undefined) return showRow(stored.row, { run, updatedAt, events, epoch });
    const { id, pid, host } = owner;
    const alive = this.#lives(stored, owner);
    return showRow(stored.row, { run, updatedAt, events, epoch, owner: { id, pid, host, alive, seenAt } });
  }

  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#db.close();
    await this.#committer.close();
  }

  /** Looks at the run's row and takes the run if nobody alive has it; undefined when the row has changed since it was looked at. */
  #take(run: RunId, holder: Set<SqliteClaim>): Promise<SqliteClaim | undefined> {
    const { owner } = this.#options;
    let found: StoredRun | undefined;
    const change = (): Change => {
      const now = this.clock.now();
      found = this.tables.run(run);
      this.#refuseLiving(found, now);
      return { do: 'take', run, found, owner, seenAt: now };
    };
    return new Promise((resolve, fail) => {
      const done = (no: number): void => {
        if (no === 0) return resolve(undefined);
        const taken = found ?? { run, no, events: 0, updatedAt: 0, row: undefined };
        resolve(this.#enter(taken, (found?.epoch ?? 0) + 1, holder));
      };
      this.group.add({ change, done, fail }, 'soon');
    });
  }

  #refuseLiving(found: StoredRun | undefined, now: number): void {
    if (found?.owner === undefined || !this.#lives(found, found.owner)) return;
    const { owner: self, ttlMs } = this.#options;
    const seenMsAgo = now - found.seenAt;
    throw found.owner.id === self.id ? runOwnedHere(found.run, self, seenMsAgo) : runOwned(found.run, found.owner, seenMsAgo, ttlMs);
  }

  #enter(taken: Taken, epoch: number, holder: Set<SqliteClaim>): SqliteClaim {
    const leave = (claim: SqliteClaim): void => {
      holder.delete(claim);
      this.#leave(claim);
    };
    const claim = new SqliteClaim({ group: this.group, clock: this.clock, leave, tell: (run) => this.watchers.tell(run) }, taken, epoch);
    holder.add(claim);
    this.#claims.set(claim.run, claim);
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.ttlMs / 3).unref();
    return claim;
  }

  #leave(claim: SqliteClaim): void {
    if (this.#claims.get(claim.run) === claim) this.#claims.delete(claim.run);
    if (this.#claims.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  #lives(stored: StoredRun, owner: StoredOwner): boolean {
    const { owner: self, ttlMs, startOf } = this.#options;
    if (owner.id === self.id) return this.#claims.get(stored.run)?.released === false;
    return mayLive(owner, this.clock.now() - stored.seenAt, ttlMs, { host: self.host, startOf });
  }

  #beat(): void {
    for (const claim of this.#claims.values()) claim.beat();
  }
}
