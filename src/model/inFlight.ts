// How many requests may be in flight at once at a provider that says nothing of its limits. Pure; limiter.ts asks.
//
// It opens at a few, doubles in each window until the provider first drops something, and is then the AIMD limit of
// Netflix's concurrency-limits (AIMDLimit.java): a drop multiplies it by a ratio, an answer adds one, but only while at
// least half of it is used: a limit that nobody needs tells nothing by not being passed.

export interface InFlight {
  readonly limit: number;
  /** Nothing was dropped yet. */
  readonly opening: boolean;
  /** When it last was widened, or cut. */
  readonly windowAt: number;
  /** What was sent until then met the last drop, or went with those that did. */
  readonly cutAt: number;
}

/** Enough to learn from, few enough for the smallest account. */
const OPEN_AT = 20;
/** An opening window ends when as many as were let in are answered, and at the latest after this: who refuses does it sooner. */
export const WINDOW_MS = 500;
const BACK_OFF = 0.9;
/** How much of it a full window without a drop gives back. */
const REGAIN = 1.1;
const LIMIT_MAX = 100_000;

/** Nothing is known: a few at first. */
export function openInFlight(now: number): InFlight {
  return { limit: OPEN_AT, opening: true, windowAt: now, cutAt: -Infinity };
}

/** Whatever limits the provider is known otherwise: as many as `limit`, until it is overloaded. */
export function knownInFlight(limit: number): InFlight {
  return { limit, opening: false, windowAt: 0, cutAt: -Infinity };
}

/** An answer came while `count` were in flight, itself included. */
export function widened(state: InFlight, count: number, now: number): InFlight {
  if (state.limit >= LIMIT_MAX || (!state.opening && 2 * count < state.limit)) return state;
  return { ...state, limit: state.limit + 1, windowAt: now };
}

/**
 * As it is at `now`, with `count` in flight: what nobody refused for a whole window was let in, answered or not. Answers may
 * take minutes; without this a limit that was cut would stay so for as long.
 */
export function elapsed(state: InFlight, count: number, now: number): InFlight {
  if (count < state.limit || now - state.windowAt < WINDOW_MS) return state;
  const limit = state.opening ? 2 * state.limit : Math.ceil(state.limit * REGAIN - 1e-9);
  return { ...state, limit: Math.min(LIMIT_MAX, limit), windowAt: now };
}

/** One sent at `sentAt` was dropped while `count` were in flight: it was too much at once. Those dropped together are one drop. */
export function cut(state: InFlight, count: number, sentAt: number, now: number): InFlight {
  if (sentAt <= state.cutAt) return state;
  const before = Number.isFinite(state.limit) ? state.limit : Math.max(OPEN_AT, count);
  return { limit: Math.max(1, Math.floor(before * BACK_OFF)), opening: false, windowAt: now, cutAt: now };
}

/** The provider refused for the first time, with so many in flight: half of them for now. How often is too often is learned elsewhere. */
export function settled(state: InFlight, count: number): InFlight {
  return state.opening ? { ...state, limit: Math.max(OPEN_AT, Math.ceil(Math.min(state.limit, count) / 2)) } : state;
}
