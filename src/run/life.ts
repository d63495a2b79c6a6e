// Lives: the tree along which cancels and time-outs travel. One per call, below its asker's. AbortSignals are made
// from it only where foreign code needs one, because a fan-out of ten thousand cannot afford one each.

import type { AmdahlError } from '../agent/errors.ts';
import type { Clock } from './ports.ts';

/** What a life has below it that is no open call's. Far from 0, and a small integer, which is cheap. */
export const NOT_COUNTED: number = -(2 ** 29);

type Listener = (error: AmdahlError) => void;

/** A span of work that can be ended from above. Ending is final, reaches everything below, and happens once. */
export class Life {
  /** Why it ended; undefined while it goes on. */
  error: AmdahlError | undefined;
  /** The life whose own cancel or time-out this was. */
  origin: Life | undefined;
  /** When it will be ended at the latest, in epoch ms; Infinity where nothing says so. */
  deadlineAt: number = Infinity;
  /** Open calls right below, tool calls in progress, and how many of its own wait for people: counted by busy.ts. */
  below: number = NOT_COUNTED;
  tools: number = 0;
  held: number = 0;
  #above: Life | undefined;
  // Lives below, in the order in which they began: a list through themselves, because most have one and a set is big.
  #first: Life | undefined;
  #last: Life | undefined;
  #before: Life | undefined;
  #next: Life | undefined;
  #listeners: Listener[] | undefined;

  constructor(above?: Life) {
    if (above === undefined) return;
    this.error = above.error;
    this.origin = above.origin;
    this.deadlineAt = above.deadlineAt;
    if (above.error !== undefined) return;
    this.#above = above;
    this.#before = above.#last;
    if (this.#before === undefined) above.#first = this;
    else this.#before.#next = this;
    above.#last = this;
  }

  /** What it lives below; undefined once it is over. */
  get above(): Life | undefined {
    return this.#above;
  }

  /** It will be ended in `ms`: who can tell that it will not be over by then need not begin. What is below and began before knows nothing of it. */
  due(clock: Clock, ms: number): void {
    this.deadlineAt = Math.min(this.deadlineAt, clock.now() + ms);
  }

  /** What is due here and below is due so much later. */
  postpone(ms: number): void {
    this.deadlineAt += ms;
    for (let life = this.#first; life !== undefined; life = life.#next) life.postpone(ms);
  }

  /** Ends this and all below with `error`. */
  end(error: AmdahlError, origin: Life = this): void {
    if (this.error !== undefined) return;
    this.error = error;
    this.origin = origin;
    this.#leave();
    const listeners = this.#listeners;
    this.#listeners = undefined;
    for (const listener of listeners ?? []) listener(error);
    this.#endEach(error, origin);
  }

  /** Ends all below, not this. Without `origin` each counts as ended by itself: its asker decided, and that is an outcome. */
  endBelow(why: () => AmdahlError, origin?: Life): void {
    if (this.#first !== undefined) this.#endEach(why(), origin);
  }

  /** Each leaves the list when it ends. */
  #endEach(error: AmdahlError, origin: Life | undefined): void {
    for (let life = this.#first; life !== undefined; life = this.#first) life.end(error, origin ?? life);
  }

  /** The work is over in the ordinary way: nothing can end it any more. */
  close(): void {
    this.#leave();
    this.#listeners = undefined;
  }

  /** Takes this out of the list above, once: nothing from there reaches it any more. */
  #leave(): void {
    const above = this.#above;
    if (above === undefined) return;
    if (this.#before === undefined) above.#first = this.#next;
    else this.#before.#next = this.#next;
    if (this.#next === undefined) above.#last = this.#before;
    else this.#next.#before = this.#before;
    this.#above = this.#before = this.#next = undefined;
  }

  /** @throws the reason when it has ended. */
  check(): void {
    if (this.error !== undefined) throw this.error;
  }

  /** Calls back when it ends, at once if it has. Returns the undoing. */
  onEnd(listener: Listener): () => void {
    if (this.error !== undefined) {
      listener(this.error);
      return () => {};
    }
    const listeners = (this.#listeners ??= []);
    listeners.push(listener);
    return () => {
      const at = listeners.indexOf(listener);
      if (at >= 0 && this.#listeners === listeners) listeners.splice(at, 1);
    };
  }

  /** What `work` gives, or the reason of the end, whichever comes first. Foreign code may ignore its signal. */
  race<T>(work: PromiseLike<T>): Promise<T> {
    return this.#follow(work, undefined);
  }

  /** Runs foreign code with an AbortSignal that follows this life, and does not wait for it past the end. Synchronous where that code is. */
  lend<T>(work: (signal: AbortSignal) => T | PromiseLike<T>): T | Promise<T> {
    this.check();
    const abort = new AbortController();
    const result = work(abort.signal);
    return isPromise(result) ? this.#follow(result, abort) : result;
  }

  /** Like lend, for code that is asynchronous and that its lender may cut off. */
  lendOut<T>(work: (signal: AbortSignal, cut: (error: Error) => void) => PromiseLike<T>): Promise<T> {
    this.check();
    return new Promise<T>((resolve, reject) => {
      const abort = new AbortController();
      const cut = (error: Error): void => {
        off();
        abort.abort(error);
        reject(error);
      };
      const off = this.onEnd(cut);
      const failed = (error: Error): void => {
        off();
        reject(error);
      };
      try {
        work(abort.signal, cut).then((value) => {
          off();
          resolve(value);
        }, failed);
      } catch (thrown) {
        failed(thrown as Error); // whatever it is, it is passed on
      }
    });
  }

  /** Resolves after `ms`, or rejects with why this ended. */
  pause(clock: Clock, ms: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const disarm = clock.after(
        ms,
        () => {
          off();
          resolve();
        },
        true,
      );
      const off = this.onEnd((error) => {
        disarm();
        reject(error);
      });
    });
  }

  /** No async function: a frame for each of ten thousand calls in flight is half a kilobyte. */
  #follow<T>(work: PromiseLike<T>, abort: AbortController | undefined): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const off = this.onEnd((error) => {
        abort?.abort(error);
        reject(error);
      });
      work.then(
        (value) => {
          off();
          resolve(value);
        },
        (error: Error) => {
          off();
          reject(error);
        },
      );
    });
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}
