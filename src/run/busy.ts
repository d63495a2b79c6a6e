// What can go on in a run, counted: it is idle when everything that is open waits for people. The funnel counts calls and tool
// calls as they open and close, whoever waits for a person says so, and park.ts and the like hear of idleness.
//
// W1 an open call counts 1 unless another is open below it, every tool call counts 1, and each of them that waits for a person
//    counts 0. What the code of a flow does by itself while a call of it is open is not seen: not even in a branch, because a
//    branch may ask through its flow.
// W2 idleness is told of once everything that was under way has come to rest: never between two steps of one that goes on.
// W3 a plain call pays with a few additions: what is counted stands in its Life.

import { type Life, NOT_COUNTED } from './life.ts';
import type { Clock } from './ports.ts';

/** Told when nothing can go on while somebody waits. Whether it made something go on, so that nobody else is told. */
export type IdleListener = () => boolean;

export class Busy {
  readonly #clock: Clock;
  #going = 0;
  #waiting = 0;
  #disarm: (() => void) | undefined;
  readonly #listeners: IdleListener[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A call begins, below another or as the root. */
  open(life: Life, above: Life | undefined): void {
    life.below = 0;
    this.#going += 1;
    if (above !== undefined) this.#add(above, 1);
  }

  close(life: Life, above: Life | undefined): void {
    this.#going -= shareOf(life);
    life.below = NOT_COUNTED;
    if (above !== undefined) this.#add(above, -1);
    this.look();
  }

  /** A tool call of this call begins: its code, or what comes before an agent is asked. */
  beginTool(life: Life): void {
    this.#going -= shareOf(life);
    life.tools += 1;
    this.#going += shareOf(life);
  }

  endTool(life: Life): void {
    this.#going -= shareOf(life);
    life.tools -= 1;
    this.#going += shareOf(life);
    this.look();
  }

  /** A call, or one of its tool calls, can do nothing but wait, until what is returned is called. */
  wait(life: Life): () => void {
    let waiting = life;
    while (waiting.below < 0 && waiting.above !== undefined) waiting = waiting.above;
    this.#hold(waiting, 1);
    this.#waiting += 1;
    this.look();
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#waiting -= 1;
      this.#hold(waiting, -1);
    };
  }

  /** Something goes on that is no call's, until what is returned is called. */
  work(): () => void {
    this.#going += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#going -= 1;
      this.look();
    };
  }

  /** Whether nothing can go on, and somebody waits. */
  get isIdle(): boolean {
    return this.#going <= 0 && this.#waiting > 0;
  }

  /** Listeners are told in order until one makes something go on: who comes later must only be told when the others had nothing. */
  onIdle(listener: IdleListener): () => void {
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.indexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    };
  }

  /** Something goes on until this is over, which is no call's. */
  during<T>(work: Promise<T>): Promise<T> {
    const done = this.work();
    work.then(done, done);
    return work;
  }

  #add(life: Life, by: 1 | -1): void {
    this.#going -= shareOf(life);
    life.below += by;
    this.#going += shareOf(life);
  }

  #hold(life: Life, by: 1 | -1): void {
    this.#going -= shareOf(life);
    life.held += by;
    this.#going += shareOf(life);
  }

  /** Tells of idleness where there is any. W2: what is about to go on has its turn first. */
  look(): void {
    if (!this.isIdle || this.#disarm !== undefined) return;
    this.#disarm = this.#clock.after(
      0,
      () => {
        this.#disarm = undefined;
        if (this.isIdle) this.#listeners.slice().some((listener) => listener());
      },
      true,
    );
  }
}

/** How much of what can go on is this life's own. */
function shareOf({ below, tools, held }: Life): number {
  if (below < 0) return 0;
  if (tools > 0) return Math.max(0, tools - held);
  return below > 0 || held > 0 ? 0 : 1;
}
