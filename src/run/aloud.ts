// What those who listen to a run hear of one attempt: its answer while it is written, and what is taken back of it.
// Called by conversation.ts and by its requests. Where the agent speaks for the run, the journal hears it too, in pieces:
// whoever follows the run reads it there.
//
// A1 a piece is noted and never awaited. What was not noted when the turn is recorded is left out: the record has all of it.
// A2 what is taken back needs no piece of its own: the event that says why is enough.

import type { Delta } from '../model/turnStream.ts';
import type { Frame } from './asker.ts';
import type { Place } from '../journal/event.ts';

/**
 * How long a piece is gathered. The first is noted at once; then 20 a second are smooth to read. Measured for 1,000 tokens at
 * 100 a second: 190 events, 26 KB of JSON and 44 KB of file, beside 5 KB of text; at 500 a second 38 events and 10 KB.
 */
const GATHER_MS = 50;
/** A piece is noted before its time when it is this long, so that little is held in memory. */
const GATHER_CHARS = 2_000;

/** What is being gathered. */
interface Piece {
  readonly turn: number;
  readonly of: 'text' | 'reasoning';
  delta: string;
}

export class Aloud {
  readonly #frame: Frame;
  readonly #attempt: number;
  /** The attempt. */
  readonly #place: Place;
  readonly #speaks: boolean;
  /** The turn of which somebody heard something that was not taken back. */
  #heard: number | undefined;
  #piece: Piece | undefined;
  #notedAt = -Infinity;
  #disarm: (() => void) | undefined;

  constructor(frame: Frame, attempt: number, place: Place) {
    this.#frame = frame;
    this.#attempt = attempt;
    this.#place = place;
    this.#speaks = frame.session.speaks(frame.agent.name);
  }

  /** Whether anybody listens. */
  get isHeard(): boolean {
    return this.#speaks || this.#frame.session.onDelta !== undefined;
  }

  say(turn: number, delta: Delta): void {
    this.#heard = turn;
    this.#tell(turn, delta);
    if (this.#speaks && delta.type !== 'tool') this.#gather(turn, delta.type, delta.delta);
  }

  /** The turn is recorded, with all that it said. */
  recorded(): void {
    this.#drop();
  }

  /** What was said last does not count. */
  withdraw(): void {
    this.#drop();
    if (this.#heard === undefined) return;
    this.#tell(this.#heard, { type: 'withdrawn' });
    this.#heard = undefined;
  }

  #gather(turn: number, of: Piece['of'], delta: string): void {
    if (delta === '') return;
    if (this.#piece?.turn !== turn || this.#piece.of !== of) this.#note();
    this.#piece ??= { turn, of, delta: '' };
    this.#piece.delta += delta;
    const { clock } = this.#frame.session;
    const dueMs = this.#notedAt + GATHER_MS - clock.now();
    if (dueMs <= 0 || this.#piece.delta.length >= GATHER_CHARS) this.#note();
    else this.#disarm ??= clock.after(dueMs, () => this.#note());
  }

  #note(): void {
    const piece = this.#piece;
    this.#drop();
    if (piece === undefined) return;
    const { session } = this.#frame;
    this.#notedAt = session.clock.now();
    session.note({ kind: 'model.said', place: this.#place, ...piece });
  }

  #drop(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    this.#piece = undefined;
  }

  #tell(turn: number, delta: Delta | { readonly type: 'withdrawn' }): void {
    const { session, path, place } = this.#frame;
    session.tellDelta({ call: path, place, attempt: this.#attempt, turn, ...delta });
  }
}
