// Many small writes, one transaction: what arrives in the same tick, and while the last transaction is made, is
// committed together, so that a hundred appenders pay for one flush of the disk. Called by the SQLite store and its
// claims; where the transaction is made, here or in another thread, is the committer's business.
//
// G1 jobs are written in the order in which they were added, each at most once per time it was added.
// G2 there is one transaction at a time, and `done` is called only after its commit returned: the disk has it.
// G3 a job that refuses (`change` throws) is in no transaction and fails alone; an error of the transaction fails all in it.

import type { AmdahlError } from '../agent/errors.ts';
import type { Change, Committer, Outcome } from './sqliteChange.ts';
import { isBusy, journalBusy, journalError } from './sqliteErrors.ts';

/** One participant of a transaction. `done` or `fail` follows each `change` but those that met a lock. Neither may throw. */
export interface Job {
  /** What to write, as things stand when the transaction begins; asked again after a lock. */
  change(): Change;
  /** What the change came to. */
  done(result: number): void;
  fail(error: AmdahlError): void;
}

export interface GroupOptions {
  readonly file: string;
  /** How long a job added as 'later' may wait, ms. */
  readonly flushMs: number;
  /** How long to wait for another process's lock, ms. */
  readonly busyMs: number;
}

const BUSY_RETRY_MS = 10;

export class GroupCommit {
  readonly #committer: Committer;
  readonly #options: GroupOptions;
  #jobs = new Set<Job>();
  /** A transaction is due: it stands in the event loop, or follows the one that is being made. */
  #due = false;
  #committing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(committer: Committer, options: GroupOptions) {
    this.#committer = committer;
    this.#options = options;
  }

  /** Puts a job into the next transaction: at the end of this tick, or within `flushMs` without keeping the process alive. */
  add(job: Job, when: 'soon' | 'later'): void {
    this.#jobs.add(job);
    if (this.#due) return;
    if (when === 'soon') this.#schedule();
    else this.#timer ??= setTimeout(() => this.#schedule(), this.#options.flushMs).unref();
  }

  /** Makes one change in the next transaction and answers what it came to, once that is durable. */
  async perform(change: Change): Promise<number> {
    return new Promise((done, fail) => this.add({ change: () => change, done, fail }, 'soon'));
  }

  /** Resolves when everything added so far is done or has failed. Never rejects. */
  async idle(): Promise<void> {
    if (this.#jobs.size > 0 || this.#committing) await this.perform({ do: 'nothing' }).catch(() => undefined);
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#due = true;
    if (!this.#committing) setImmediate(() => this.#commit(performance.now() + this.#options.busyMs));
  }

  #commit(busyBy: number): void {
    const jobs = [...this.#jobs];
    this.#jobs.clear();
    this.#due = false;
    const joined: Job[] = [];
    const changes: Change[] = [];
    const refused = new Map<Job, AmdahlError>();
    for (const job of jobs) {
      try {
        changes.push(job.change());
        joined.push(job);
      } catch (thrown) {
        if (isBusy(thrown) && performance.now() < busyBy) return this.#again(jobs, busyBy);
        refused.set(job, this.#refusal(thrown));
      }
    }
    for (const [job, error] of refused) job.fail(error);
    if (changes.length === 0) return;
    this.#committing = true;
    this.#committer.commit(changes, (outcome) => this.#ended(joined, outcome, busyBy));
  }

  #ended(jobs: readonly Job[], outcome: Outcome, busyBy: number): void {
    if (outcome.ended === 'busy' && performance.now() < busyBy) {
      this.#committing = false;
      return this.#again(jobs, busyBy);
    }
    jobs.forEach((job, index) => {
      if (outcome.ended === 'committed') job.done(outcome.results[index] ?? 0);
      else job.fail(outcome.error);
    });
    this.#committing = false;
    // Whoever waited for these jobs goes on before the event loop comes to the next transaction, and may join it.
    if (this.#due) this.#schedule();
  }

  #refusal(thrown: unknown): AmdahlError {
    const { file, busyMs } = this.#options;
    return isBusy(thrown) ? journalBusy(file, busyMs, thrown) : journalError(thrown, file);
  }

  /** Waits for the lock on a timer, so that a slow neighbour does not stop this process; jobs still join meanwhile. */
  #again(jobs: readonly Job[], busyBy: number): void {
    this.#jobs = new Set([...jobs, ...this.#jobs]);
    this.#due = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    setTimeout(() => this.#commit(busyBy), BUSY_RETRY_MS);
  }
}
