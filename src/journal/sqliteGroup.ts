// Many small writes, one transaction: what arrives in the same tick is committed together, so that a
// hundred appenders pay for one flush of the disk. Called by the SQLite store's claims.
//
// G1 jobs run in the order in which they were added, each at most once per time it was added.
// G2 `done` is called only after the commit returned: the disk has it.
// G3 a job that refuses (throws an AmdahlError) must not have written and fails alone; any other error fails all.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { AmdahlError } from '../agent/errors.ts';
import { isBusy, journalBusy, journalError } from './sqliteErrors.ts';

/** One participant of a transaction. `run` is inside it; `done` or `fail` follows. None of the last two may throw. */
export interface Job {
  run(): void;
  done(): void;
  fail(error: AmdahlError): void;
}

export interface GroupOptions {
  readonly file: string;
  /** How long a job added as 'later' may wait, ms. */
  readonly flushMs: number;
  /** How long to wait for another process's lock, ms. */
  readonly busyMs: number;
  /** Told when what `run` wrote is undone. */
  readonly onRollback: () => void;
}

const BUSY_RETRY_MS = 10;

export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #options: GroupOptions;
  readonly #begin: StatementSync;
  readonly #commit: StatementSync;
  readonly #jobs = new Set<Job>();
  #urgent = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(db: DatabaseSync, options: GroupOptions) {
    this.#db = db;
    this.#options = options;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
  }

  /** Puts a job into the next transaction: at the end of this tick, or within `flushMs` without keeping the process alive. */
  add(job: Job, when: 'soon' | 'later'): void {
    this.#jobs.add(job);
    if (this.#urgent) return;
    if (when === 'soon') {
      this.#urgent = true;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      setImmediate(() => this.#attempt(performance.now() + this.#options.busyMs));
    } else {
      this.#timer ??= setTimeout(() => this.#flushLater(), this.#options.flushMs).unref();
    }
  }

  /** Runs one function in the next transaction and answers what it returned, once that is durable. */
  async perform<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let answer: () => void = () => undefined;
      const run = (): void => {
        const value = work();
        answer = () => resolve(value);
      };
      this.add({ run, done: () => answer(), fail: reject }, 'soon');
    });
  }

  /** Resolves when everything added so far is done or has failed. Never rejects. */
  async idle(): Promise<void> {
    if (this.#jobs.size > 0) await this.perform(() => undefined).catch(() => undefined);
  }

  #flushLater(): void {
    this.#timer = undefined;
    if (this.#urgent) return;
    this.#urgent = true;
    this.#attempt(performance.now() + this.#options.busyMs);
  }

  /** Waits for the lock on timers, so that a slow neighbour does not stop this process; jobs still join meanwhile. */
  #attempt(busyBy: number): void {
    try {
      this.#begin.run();
    } catch (thrown) {
      const busy = isBusy(thrown);
      if (busy && performance.now() < busyBy) {
        setTimeout(() => this.#attempt(busyBy), BUSY_RETRY_MS);
        return;
      }
      this.#failAll(this.#take(), busy ? journalBusy(this.#options.file, this.#options.busyMs, thrown) : thrown);
      return;
    }
    this.#transact(this.#take());
  }

  #transact(jobs: readonly Job[]): void {
    const refused = new Map<Job, AmdahlError>();
    try {
      for (const job of jobs) {
        try {
          job.run();
        } catch (thrown) {
          if (!(thrown instanceof AmdahlError)) throw thrown;
          refused.set(job, thrown);
        }
      }
      this.#commit.run();
    } catch (thrown) {
      this.#failAll(jobs, thrown);
      return;
    }
    for (const job of jobs) {
      const error = refused.get(job);
      if (error === undefined) job.done();
      else job.fail(error);
    }
  }

  #take(): readonly Job[] {
    const jobs = [...this.#jobs];
    this.#jobs.clear();
    this.#urgent = false;
    return jobs;
  }

  #failAll(jobs: readonly Job[], thrown: unknown): void {
    try {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself already; the error that matters is the first one.
    }
    this.#options.onRollback();
    const error = journalError(thrown, this.#options.file);
    for (const job of jobs) job.fail(error);
  }
}
