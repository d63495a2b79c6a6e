// The ports through which time and chance enter a run, and the system's own behind them. Tests and simulations
// give others; nothing else in the runtime reads a clock or rolls a die.

/** Milliseconds since the epoch, and a way to be called later. */
export interface Clock {
  now(): number;
  /**
   * Calls `then` after `ms`, unless the returned function is called first. `idle`: somebody does nothing but wait for it (to
   * send again, for a rate limit), so that a clock of tests may jump there; without, it bounds something that goes on.
   */
  after(ms: number, then: () => void, idle?: true): () => void;
}

/** A number in [0, 1). */
export type Random = () => number;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, then) => {
    // Node fires timers beyond 2^31 - 1 ms at once.
    let left = ms;
    let timer: NodeJS.Timeout | undefined;
    const wait = (): void => {
      const part = Math.min(left, 2 ** 31 - 1);
      left -= part;
      timer = setTimeout(left > 0 ? wait : then, part);
    };
    wait();
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = () => Math.random();
