// Time and chance of a test: the same in every run of it. Called by testRun.ts.

import { type Clock, type Random, systemClock } from '../run/ports.ts';

interface Wait {
  readonly dueAt: number;
  readonly then: () => void;
}

/** 2026-01-01T00:00:00Z. */
const BEGIN_MS = 1_767_225_600_000;

/**
 * A clock on which waiting costs no time: it stands still, and jumps to where somebody who does nothing but wait (to send
 * again, for a rate limit) has waited long enough. Bounds on what really goes on, such as the timeoutMs of a tool, run on the
 * system's clock.
 */
export function testClock(): Clock {
  let now = BEGIN_MS;
  let waits: Wait[] = [];
  const jump = (): void => {
    const [next, ...others] = waits.toSorted((a, b) => a.dueAt - b.dueAt);
    if (next === undefined) return;
    waits = others;
    now = Math.max(now, next.dueAt);
    next.then();
  };
  return {
    now: () => now,
    after: (ms, then, idle) => {
      if (idle !== true) return systemClock.after(ms, then);
      const wait = { dueAt: now + Math.max(0, ms), then };
      waits.push(wait);
      const disarm = systemClock.after(0, jump);
      return () => {
        // Whoever waits on has a timer left: this one may have let another go.
        if (waits.includes(wait)) disarm();
        waits = waits.filter((one) => one !== wait);
      };
    },
  };
}

/** Numbers in [0, 1), the same row each time (mulberry32). */
export function testRandom(): Random {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
