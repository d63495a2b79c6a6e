// What those who listen to a run hear of one attempt: its answer while it is written, and what is taken back of it.
// Called by conversation.ts and by its requests.

import type { Delta } from '../model/turnStream.ts';
import type { Frame } from './asker.ts';

export class Aloud {
  readonly #frame: Frame;
  readonly #attempt: number;
  /** The turn of which somebody heard something that was not taken back. */
  #heard: number | undefined;

  constructor(frame: Frame, attempt: number) {
    this.#frame = frame;
    this.#attempt = attempt;
  }

  /** Whether anybody listens. */
  get isHeard(): boolean {
    return this.#frame.session.onDelta !== undefined;
  }

  say(turn: number, delta: Delta): void {
    this.#heard = turn;
    this.#tell(turn, delta);
  }

  /** What was said last does not count. */
  withdraw(): void {
    if (this.#heard === undefined) return;
    this.#tell(this.#heard, { type: 'withdrawn' });
    this.#heard = undefined;
  }

  #tell(turn: number, delta: Delta | { readonly type: 'withdrawn' }): void {
    const { session, path, place } = this.#frame;
    session.tellDelta({ call: path, place, attempt: this.#attempt, turn, ...delta });
  }
}
