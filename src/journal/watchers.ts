// Who in this process waits for more of a run. The stores tell it what they have stored; it knows nothing of other
// processes. Called by memory.ts and sqliteStore.ts.

import type { RunId } from './event.ts';

export class Watchers {
  readonly #listeners = new Map<RunId, Set<() => void>>();

  /** Returns what stops it. */
  add(run: RunId, listener: () => void): () => void {
    const there = this.#listeners.get(run) ?? new Set();
    this.#listeners.set(run, there);
    const own = (): void => listener(); // the same function given twice is told twice
    there.add(own);
    return () => {
      there.delete(own);
      if (there.size === 0 && this.#listeners.get(run) === there) this.#listeners.delete(run);
    };
  }

  tell(run: RunId): void {
    for (const listener of this.#listeners.get(run) ?? []) listener();
  }
}
