// Virtual time for a herd: it moves only from timer to timer, when everything else has come to rest. The provider of
// the same world keeps the time that really passes; what programs read may jump. Called by the worlds of herdWorld.ts.

import type { Clock } from '../src/run/ports.ts';

interface Timer {
  readonly dueMs: number;
  /** Of timers due at once, the first made goes first. */
  readonly nth: number;
  then: (() => void) | undefined;
}

/** When every world begins, in epoch ms: a whole second, so that moments in headers are told apart from round numbers. */
const BEGIN_MS = 1_800_000_000_000;
/** Turns of the event loop in which nothing may happen before it is said that nothing will. */
const STUCK_TURNS = 1_000;

/** A clock that waits for nobody. Timers are a heap: O(log n) each. */
export class HerdClock implements Clock {
  #elapsedMs = 0;
  #skewMs = 0;
  #made = 0;
  readonly #heap: Timer[] = [];

  /** What programs read: epoch ms, with every jump so far. */
  now(): number {
    return BEGIN_MS + this.#elapsedMs + this.#skewMs;
  }

  /** The time that really passed since the world began, in ms. No jump changes it. */
  get elapsedMs(): number {
    return this.#elapsedMs;
  }

  /** Moves what programs read, as a clock does that somebody sets. Timers go on as before. */
  jump(ms: number): void {
    this.#skewMs += ms;
  }

  after(ms: number, then: () => void): () => void {
    const timer: Timer = { dueMs: this.#elapsedMs + Math.max(0, ms), nth: this.#made, then };
    this.#made += 1;
    push(this.#heap, timer);
    return () => {
      timer.then = undefined;
    };
  }

  /** Resolves after `ms` of virtual time. */
  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve);
    });
  }

  /**
   * What `work` comes to, moving time on while it waits for timers.
   * @throws when it waits for something that no timer will bring, or for longer than `untilMs` after the world began.
   */
  async drive<T>(work: Promise<T>, untilMs: number): Promise<T> {
    let over = false;
    const settle = (): void => {
      over = true;
    };
    work.then(settle, settle);
    for (let stuck = 0; !over;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (over) break;
      if (this.#fire()) stuck = 0;
      else if ((stuck += 1) > STUCK_TURNS) throw new Error(`after ${this.#elapsedMs} ms the work waits for what no timer brings`);
      if (this.#elapsedMs > untilMs) throw new Error(`the work is not over after ${untilMs} ms of virtual time`);
    }
    return await work;
  }

  /** Moves to the next timer and lets it go. False when there is none. */
  #fire(): boolean {
    for (let timer = pop(this.#heap); timer !== undefined; timer = pop(this.#heap)) {
      if (timer.then === undefined) continue;
      this.#elapsedMs = Math.max(this.#elapsedMs, timer.dueMs);
      timer.then();
      return true;
    }
    return false;
  }
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.nth < b.nth);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(timer, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): Timer | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (heap.length === 0 || last === undefined) return first;
  let at = 0;
  for (;;) {
    const left = 2 * at + 1;
    const [one, other] = [heap[left], heap[left + 1]];
    if (one === undefined) break;
    const lesser = other !== undefined && isBefore(other, one) ? other : one;
    if (!isBefore(lesser, last)) break;
    heap[at] = lesser;
    at = lesser === one ? left : left + 1;
  }
  heap[at] = last;
  return first;
}
