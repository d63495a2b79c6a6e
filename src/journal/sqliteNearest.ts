// Commits where the event loop waits least: in the main thread while there is one appender on a quick disk, for then
// nobody else is kept waiting and the way to another thread and back costs more than the disk; in the journal's thread as
// soon as several append at once or the disk is slow. Called by sqliteStore.ts; sqliteGroup.ts makes one transaction at a
// time, so that the two never meet.

import type { Change, Committer, Outcome } from './sqliteChange.ts';
import { EVENT_CELLS } from './sqliteChange.ts';

/** Transactions in a row that one appender had for itself, before the main thread is given them. */
const ALONE_MIN = 32;
/** A transaction that blocked the main thread for longer was slow. */
const BLOCK_MS_MAX = 1;
/** So many of the last transactions of the main thread are looked at, and the most of them decide: one checkpoint is no slow disk. */
const LOOKED_AT = 5;
/** After a slow disk was met, so many transactions go to the thread before the main thread tries again: twice as many each time in a row. */
const REST_MIN = 32;
const REST_MAX = 1_024;
/** Events of one transaction that may be written in the main thread. */
const EVENTS_MAX = 64;

export class NearestCommitter implements Committer {
  readonly #here: Committer;
  readonly #thread: () => Committer;
  #there: Committer | undefined;
  /** A process begins alone: a script of one run never starts a thread. */
  #alone = ALONE_MIN;
  #rest = 0;
  #restNext = REST_MIN;
  readonly #slow: boolean[] = [];
  readonly #now: () => number;

  /** `thread` is called when the first transaction goes there; `now` counts milliseconds. */
  constructor(here: Committer, thread: () => Committer, now: () => number = () => performance.now()) {
    this.#here = here;
    this.#thread = thread;
    this.#now = now;
  }

  commit(changes: readonly Change[], tell: (outcome: Outcome) => void): void {
    this.#alone = appenders(changes) <= 1 ? this.#alone + 1 : 0;
    if (this.#rest > 0) this.#rest -= 1;
    if (this.#rest > 0 || this.#alone < ALONE_MIN || events(changes) > EVENTS_MAX) {
      this.#there ??= this.#thread();
      return this.#there.commit(changes, tell);
    }
    const from = this.#now();
    this.#here.commit(changes, (outcome) => {
      this.#judge(this.#now() - from);
      tell(outcome);
    });
  }

  async close(): Promise<void> {
    await this.#there?.close();
    await this.#here.close();
  }

  #judge(blockedMs: number): void {
    this.#slow.push(blockedMs > BLOCK_MS_MAX);
    if (this.#slow.length > LOOKED_AT) this.#slow.shift();
    const slow = this.#slow.filter(Boolean).length;
    if (slow === 0) this.#restNext = REST_MIN;
    if (slow <= LOOKED_AT / 2) return;
    this.#rest = this.#restNext;
    this.#restNext = Math.min(REST_MAX, this.#restNext * 2);
  }
}

/** How many wait for a transaction, or for the run that it takes. */
function appenders(changes: readonly Change[]): number {
  let count = 0;
  for (const change of changes) count += change.do === 'append' ? change.waiters : change.do === 'take' || change.do === 'respond' ? 1 : 0;
  return count;
}

function events(changes: readonly Change[]): number {
  let count = 0;
  for (const change of changes) count += change.do === 'append' ? change.cells.length / EVENT_CELLS : 0;
  return count;
}
