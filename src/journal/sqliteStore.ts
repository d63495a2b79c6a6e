// One SQLite file as one process sees it: its connection, its claims and their heartbeat. Called by
// sqlite.ts, whose handles share one store per process and file.
//
// S1 a run has at most one living claim: one per process by the table of claims here, one per file by
//    the owner in the run's row, which is looked at and replaced in one transaction.
// S2 a claim that lost its run hears it at its next append or at the next heartbeat, whichever is first.

import type { DatabaseSync } from 'node:sqlite';
import type { RunId } from './event.ts';
import { GroupCommit } from './sqliteGroup.ts';
import { mayLive } from './sqliteOwner.ts';
import type { StartOf, StoredOwner } from './sqliteOwner.ts';
import type { RunRow } from './journal.ts';
import { runOwned, runOwnedHere } from './ownership.ts';
import { showRow } from './rows.ts';
import { SqliteClaim } from './sqliteClaim.ts';
import { isBusy, journalBusy, journalError } from './sqliteErrors.ts';
import { openFile } from './sqliteFile.ts';
import { SqliteTables } from './sqliteTables.ts';
import type { StoredRun } from './sqliteTables.ts';

export interface StoreOptions {
  readonly synchronous: 'full' | 'normal';
  readonly flushMs: number;
  readonly ttlMs: number;
  readonly busyMs: number;
  readonly maxPages?: number;
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
  readonly #db: DatabaseSync;
  readonly #options: StoreOptions;
  readonly #claims = new Map<RunId, SqliteClaim>();
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(file: string, options: StoreOptions) {
    this.file = file;
    this.#options = options;
    this.clock = options.clock;
    this.#db = openFile(file, options);
    this.tables = new SqliteTables(this.#db, file);
    const { flushMs, busyMs } = options;
    this.group = new GroupCommit(this.#db, { file, flushMs, busyMs, onRollback: () => this.tables.forgetBlobs() });
  }

  /** `holder` hears of the claim inside the transaction and when it ends. */
  async claim(run: RunId, holder: Set<SqliteClaim>): Promise<SqliteClaim> {
    let taken: SqliteClaim | undefined;
    try {
      return await this.group.perform(() => {
        taken = this.#take(run, holder);
        holder.add(taken);
        this.#enter(taken);
        return taken;
      });
    } catch (thrown) {
      taken?.fail(journalError(thrown, this.file));
      throw thrown;
    }
  }

  /** Reads without a transaction; waits on timers where another process recovers or closes the file. */
  async look<T>(work: () => T): Promise<T> {
    const busyBy = performance.now() + this.#options.busyMs;
    for (;;) {
      try {
        return work();
      } catch (thrown) {
        if (!isBusy(thrown)) throw journalError(thrown, this.file);
        if (performance.now() >= busyBy) throw journalBusy(this.file, this.#options.busyMs, thrown);
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

  #enter(claim: SqliteClaim): void {
    this.#claims.set(claim.run, claim);
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.ttlMs / 3).unref();
  }

  #leave(claim: SqliteClaim): void {
    if (this.#claims.get(claim.run) === claim) this.#claims.delete(claim.run);
    if (this.#claims.size > 0) return;
    clearInterval(this.#heartbeat);
    this.#heartbeat = undefined;
  }

  close(): void {
    clearInterval(this.#heartbeat);
    this.#db.close();
  }

  /** Inside a transaction: refuses before it writes anything. */
  #take(run: RunId, holder: Set<SqliteClaim>): SqliteClaim {
    const { owner: self, ttlMs } = this.#options;
    const now = this.clock.now();
    const stored = this.tables.run(run);
    if (stored?.owner !== undefined && this.#lives(stored, stored.owner)) {
      const seenMsAgo = now - stored.seenAt;
      throw stored.owner.id === self.id ? runOwnedHere(run, self, seenMsAgo) : runOwned(run, stored.owner, seenMsAgo, ttlMs);
    }
    if (stored === undefined) this.tables.insertRun(run, now);
    const kept = stored ?? this.tables.run(run);
    if (kept === undefined) throw new Error(`the row of run ${run} is gone in the transaction that made it`);
    const epoch = kept.epoch + 1;
    this.tables.own(kept.no, epoch, self, now);
    const leave = (claim: SqliteClaim): void => {
      holder.delete(claim);
      this.#leave(claim);
    };
    return new SqliteClaim({ tables: this.tables, group: this.group, clock: this.clock, leave }, kept, epoch);
  }

  #lives(stored: StoredRun, owner: StoredOwner): boolean {
    const { owner: self, ttlMs, startOf } = this.#options;
    if (owner.id === self.id) return this.#claims.has(stored.run);
    return mayLive(owner, this.clock.now() - stored.seenAt, ttlMs, { host: self.host, startOf });
  }

  #beat(): void {
    const lost: SqliteClaim[] = [];
    const run = (): void => {
      const now = this.clock.now();
      for (const claim of this.#claims.values()) if (!this.tables.beat(claim.no, claim.epoch, now)) lost.push(claim);
    };
    const done = (): void => lost.forEach((claim) => claim.lose());
    // A heartbeat that cannot be written is tried again a third of the ttl later; appends say what is wrong.
    this.group.add({ run, done, fail: () => undefined }, 'soon');
  }
}
