// Turns whose last sending failed, by place: what that cost becomes tax when the turn is asked again, of whomever. That it
// will be is only an intention when it fails: a gate or a budget may refuse it, and its call may end. Called by bill.ts.
//
// O1 At most TURNS_MAX are kept, the latest: a bill may go on for as long as its process, and most that fail here for
//    good are never heard of again.

import type { Place } from './event.ts';

const TURNS_MAX = 100_000;

export class FailedTurns<F extends { readonly turn: number }> {
  readonly #failed = new Map<Place, F>();

  add(place: Place, failed: F): void {
    this.#failed.delete(place);
    this.#failed.set(place, failed);
    if (this.#failed.size <= TURNS_MAX) return;
    for (const oldest of this.#failed.keys()) {
      this.#failed.delete(oldest);
      return;
    }
  }

  /** The failure that a request at this place makes good, if there is one: it is kept no longer. */
  take(place: Place, turn: number): F | undefined {
    const failed = this.#failed.get(place);
    this.#failed.delete(place);
    return failed?.turn === turn ? failed : undefined;
  }

  /** At a new entry. */
  clear(): void {
    this.#failed.clear();
  }
}
