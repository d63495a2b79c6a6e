// A token bucket as a limiter keeps it: what may still be spent, and how fast it comes back. Pure; limiter.ts and
// learnedRate.ts hold one for each limit they know or guess.
//
// The bucket of Turner, "New Directions in Communications" (1986): at most `size` at once, and `perMs` in the long run.

export interface Bucket {
  readonly size: number;
  readonly perMs: number;
  /** As it was at the time `at`; below 0 where more was spent than was there. */
  readonly level: number;
  readonly at: number;
}

/** The bucket as it is at `now`. A clock that went back fills nothing, and filling goes on from there. */
export function filled(bucket: Bucket, now: number): Bucket {
  if (now === bucket.at) return bucket;
  const { size, perMs, level, at } = bucket;
  return { ...bucket, at: now, level: Math.min(size, level + Math.max(0, now - at) * perMs) };
}

/** Takes `amount`, whether it is there or not. */
export function spent(bucket: Bucket, amount: number, now: number): Bucket {
  const before = filled(bucket, now);
  return { ...before, level: Math.min(before.size, before.level - amount) };
}

/**
 * Ms from `now` until it holds `amount`, 0 if it does; an amount beyond its size is waited for until it is full. Whole
 * ms, rounded up: who comes then is not too early. Infinity for one that never fills.
 */
export function msUntil(bucket: Bucket, amount: number, now: number): number {
  const { size, perMs, level } = filled(bucket, now);
  const lacking = Math.min(amount, size) - level;
  if (lacking <= EPSILON) return 0;
  return perMs > 0 ? Math.ceil(lacking / perMs - EPSILON) : Infinity;
}

/** Sums of fractions are off by less than this. */
const EPSILON = 1e-6;
