// The clock of a model server: the system's own, or one that a test moves. Delays, buckets and hangs read it and
// nothing else does.

/** Milliseconds since the epoch, and a way to be called later. */
export interface ServerClock {
  now(): number;
  /** Calls `then` after `ms`, unless the returned function is called first. */
  after(ms: number, then: () => void): () => void;
}

/** Node fires timers beyond this at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: ServerClock = {
  now: () => Date.now(),
  after: (ms, then) => {
    const timer = setTimeout(then, Math.min(ms, TIMER_MS_MAX));
    return () => clearTimeout(timer);
  },
};
