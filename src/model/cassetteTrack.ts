// The equal requests of one take: each is given a number when it is asked, and its answer stands under that number. Called
// by the deck; pure but for its own state.
//
// T1 numbers are given in the order of asking, the lowest free one first, so that they do not depend on who is answered
//    first.
// T2 the number of a request that came to nothing is given back: whoever is sent again, or comes next, takes its place.

import type { Line } from './cassetteLines.ts';
import { keyOf } from './cassetteLines.ts';
import type { RecordedAnswer } from './cassetteReply.ts';

/** 'any': the next number. 'recorded': the next that has an answer. 'new': the next that has none. */
export type Wanted = 'any' | 'recorded' | 'new';

export class Track {
  readonly take: number;
  readonly answers: ReadonlyMap<number, RecordedAnswer>;
  readonly #taken = new Set<number>();
  /** Below it nothing is free. */
  #free = 0;
  readonly #end: number;

  constructor(take: number, answers: ReadonlyMap<number, RecordedAnswer> = new Map()) {
    this.take = take;
    this.answers = answers;
    this.#end = [...answers.keys()].reduce((most, nth) => Math.max(most, nth + 1), 0);
  }

  /** A number for a request; undefined where a recorded one is wanted and none is left. Amortized O(1). */
  next(wanted: Wanted): number | undefined {
    for (let nth = this.#free; wanted !== 'recorded' || nth < this.#end; nth += 1) {
      if (this.#taken.has(nth) || (wanted !== 'any' && this.answers.has(nth) !== (wanted === 'recorded'))) continue;
      this.#taken.add(nth);
      this.#free = nth + 1;
      return nth;
    }
    return undefined;
  }

  giveBack(nth: number): void {
    if (this.#taken.delete(nth)) this.#free = Math.min(this.#free, nth);
  }
}

/** The tracks of a recording, by the key of their requests: of equal requests those of the last take. O(lines log lines). */
export function tracksOf(lines: readonly Line[]): Map<string, Track> {
  const byKey = new Map<string, Line[]>();
  for (const line of lines) {
    const key = keyOf(line.request);
    const others = byKey.get(key) ?? [];
    if ((others[0]?.take ?? line.take) > line.take) continue;
    byKey.set(key, others[0]?.take === line.take ? others : []);
    byKey.get(key)?.push(line);
  }
  return new Map([...byKey].map(([key, equal]) => [key, new Track(equal[0]?.take ?? 0, numbered(equal))]));
}

/** Processes that recorded one take at the same time counted each for itself: equal numbers move up. */
function numbered(lines: readonly Line[]): ReadonlyMap<number, RecordedAnswer> {
  const answers = new Map<number, RecordedAnswer>();
  let next = 0;
  for (const { nth, answer } of lines.toSorted((one, other) => one.nth - other.nth)) {
    const at = Math.max(nth, next);
    answers.set(at, answer);
    next = at + 1;
  }
  return answers;
}
