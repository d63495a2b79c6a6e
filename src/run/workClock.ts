// When a run is worked on: its clock stands still while the run is parked, and so does all that bounds work by time: budgets,
// time-outs, deadlines. One per entry, made by session.ts and stopped by park.ts.
//
// V1 parked is the time from `run.parked` to the run's next event; no bound counts it, in this entry or in a later one.

import type { Life } from './life.ts';
import type { Clock } from './ports.ts';

interface Timer {
  readonly then: () => void;
  leftMs: number;
  since: number;
  disarm: () => void;
}

export class WorkClock {
  readonly #clock: Clock;
  /** Of the run: all deadlines are in it or below. */
  readonly #life: Life;
  /** [from, to] in epoch ms, in order; the last may still go on. */
  readonly #spans: [number, number][];
  /** Undefined while there is no bound, as in most runs. */
  #timers: Set<Timer> | undefined;
  #parkedAt: number | undefined;

  constructor(clock: Clock, life: Life, earlier: readonly (readonly [number, number])[]) {
    this.#clock = clock;
    this.#life = life;
    this.#spans = [...earlier.map(([from, to]): [number, number] => [from, to]), [clock.now(), Infinity]];
  }

  get isParked(): boolean {
    return this.#parkedAt !== undefined;
  }

  /** Calls `then` after `ms` of work, unless the returned function is called first. */
  after(ms: number, then: () => void): () => void {
    const timers = (this.#timers ??= new Set());
    const timer: Timer = { then, leftMs: ms, since: 0, disarm: () => {} };
    timers.add(timer);
    if (!this.isParked) this.#arm(timer);
    return () => {
      timers.delete(timer);
      timer.disarm();
    };
  }

  /** Time at work since `from`, over all entries, up to now. In ms. */
  msSince(from: number): number {
    const now = this.#clock.now();
    let sum = 0;
    for (const [start, end] of this.#spans) sum += Math.max(0, Math.min(end, now) - Math.max(start, from));
    return sum;
  }

  park(at: number): void {
    this.#parkedAt = at;
    const span = this.#spans.at(-1);
    if (span !== undefined) span[1] = at;
    for (const timer of this.#timers ?? []) {
      timer.disarm();
      timer.leftMs -= at - timer.since;
    }
  }

  goOn(at: number): void {
    const parkedMs = at - (this.#parkedAt ?? at);
    this.#parkedAt = undefined;
    this.#spans.push([at, Infinity]);
    this.#life.postpone(parkedMs);
    for (const timer of this.#timers ?? []) this.#arm(timer);
  }

  #arm(timer: Timer): void {
    timer.since = this.#clock.now();
    timer.disarm = this.#clock.after(timer.leftMs, () => {
      this.#timers?.delete(timer);
      timer.then();
    });
  }
}
