// Virtual time for tests: it moves only from timer to timer, when everything else has come to rest.

import type { Clock } from '../../src/run/ports.ts';

interface Timer {
  readonly due: number;
  readonly then: () => void;
}

/** A clock that waits for nobody. `drive` runs work and jumps to the next timer whenever the work can only wait. */
export class VirtualClock implements Clock {
  #now: number;
  #made = 0;
  #outside = 0;
  readonly #timers = new Map<number, Timer>();

  constructor(startMs = 0) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  after(ms: number, then: () => void): () => void {
    const id = this.#made;
    this.#made += 1;
    this.#timers.set(id, { due: this.#now + Math.max(0, ms), then });
    return () => this.#timers.delete(id);
  }

  /** Resolves after `ms` of virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /** Waits for what no timer brings, such as a socket: time stands still meanwhile. */
  async outside<T>(work: Promise<T>): Promise<T> {
    this.#outside += 1;
    try {
      return await work;
    } finally {
      this.#outside -= 1;
    }
  }

  /**
   * What `work` comes to, moving time on while it waits for timers.
   * Rejects when it waits for something that no timer will bring.
   */
  async drive<T>(work: Promise<T>): Promise<T> {
    let over = false;
    const settle = (): void => {
      over = true;
    };
    work.then(settle, settle);
    for (let stuck = 0; !over;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (over) break;
      if (this.#outside > 0) continue;
      if (this.#fire()) stuck = 0;
      else if ((stuck += 1) > 1_000) throw new Error('the work waits for something that no timer of this clock brings');
    }
    return await work;
  }

  /** Moves to the next timer and lets it go. False when there is none. */
  #fire(): boolean {
    let next: number | undefined;
    let due = Infinity;
    for (const [id, timer] of this.#timers) {
      if (timer.due < due) {
        next = id;
        due = timer.due;
      }
    }
    const timer = next === undefined ? undefined : this.#timers.get(next);
    if (next === undefined || timer === undefined) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, timer.due);
    timer.then();
    return true;
  }
}
