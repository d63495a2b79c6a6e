// A limit that is known, of requests or of tokens: its bucket, how to keep off its edge, and how what a provider announces
// corrects it. Pure; limiter.ts keeps up to two.

import type { Announced } from './announced.ts';
import { type Bucket, filled, msUntil, spent } from './bucket.ts';

/** A limit that is known, and how to keep off its edge. */
export interface Known {
  readonly from: 'config' | 'announced';
  readonly perMinute: number;
  readonly bucket: Bucket;
  /** Kept back: what the network may shift. */
  readonly spare: number;
  /** The cluster of requests of which one was told of it last, how much of it was, and the least that was left. */
  readonly cluster: number;
  readonly told: number;
  readonly least: number;
}

/** How far the network may shift requests against each other. */
export const SHIFT_MS = 10;
/** How long a request may take to arrive, where a connection is still to be made. */
const CONNECT_MS = 250;

/** A limit that a user knows; none where nothing is bounded. */
export function given(perMinute: number | undefined, size: number, now: number): Known | undefined {
  if (perMinute === undefined || perMinute === Infinity) return undefined;
  const perMs = perMinute / 60_000;
  const spare = Math.min(size / 2, perMs * CONNECT_MS);
  const held = Math.max(1, size - spare);
  // Without room for a spare, the spare is in the rate.
  const bucket = { size: held, perMs: held > size - spare ? perMs * 0.98 : perMs, level: held, at: now };
  return { from: 'config', perMinute, bucket, spare: 0, cluster: -1, told: 0, least: 0 };
}

/** A limit that takes the place of another goes on with what was left of that. */
export function goingOn(known: Known | undefined, before: Known | undefined, now: number): Known | undefined {
  if (known === undefined || before === undefined) return known;
  const level = Math.min(known.bucket.size, filled(before.bucket, now).level);
  return { ...known, bucket: { ...known.bucket, level } };
}

/** Ms until so much may go. */
export function lackMs(known: Known | undefined, amount: number, now: number): number {
  if (known === undefined) return 0;
  const { bucket, spare } = known;
  return msUntil(bucket, Math.min(amount + spare, Math.max(bucket.size, 1)), now);
}

/** So much was sent; less than nothing where it comes back. */
export function taken(known: Known | undefined, amount: number, now: number): Known | undefined {
  return known === undefined ? undefined : { ...known, bucket: spent(known.bucket, amount, now) };
}

/** What a request took, what it and all after its cluster's beginning did, and what was sent just before and may have come later. */
interface Amounts {
  readonly own: number;
  readonly since: number;
  readonly stragglers: number;
}

/**
 * The level as it was told for one request, less what was sent since, and with what has come back. Of a cluster the last to
 * arrive was told the least, and whoever was not told yet may be that one.
 */
export function synced(
  known: Known | undefined,
  told: Announced | undefined,
  ticket: { readonly cluster: number; readonly sentAt: number },
  { own: ownAmount, since, stragglers }: Amounts,
  now: number,
): Known | undefined {
  if (told === undefined || known?.from === 'config') return known;
  if (known !== undefined && ticket.cluster < known.cluster) return known;
  const same = known?.cluster === ticket.cluster;
  const least = same ? Math.min(known.least, told.remaining) : told.remaining;
  const heard = (same ? known.told : 0) + ownAmount;
  const { perMs } = told;
  const size = Math.max(1, told.size ?? told.remaining, (known?.bucket.size ?? 0) - (known?.spare ?? 0));
  // When it arrived there nobody here knows, for a connection may have had to be made first; what is left is told in whole
  // numbers, rounded down; and what came in while it was full is lost. In what that leaves open our own count stands.
  const passedMs = Math.max(0, now - ticket.sentAt);
  const low = Math.min(size, least + perMs * Math.max(0, passedMs - CONNECT_MS)) - (since - heard) - stragglers;
  const high = Math.min(size, least - (since - heard) + perMs * passedMs) + 0.5;
  const own = known === undefined ? low : filled(known.bucket, now).level;
  const level = own < low ? own + (low - own) / 4 : Math.min(own, high);
  const spare = Math.min(size / 4, (size < 2 ? 0 : 0.5) + perMs * SHIFT_MS);
  // Where only one fits there is no room for a spare: what the network may shift is between any two.
  const bucket = { size: size + spare, perMs: size < 2 ? 1 / (1 / perMs + SHIFT_MS) : perMs, level, at: now };
  return { from: 'announced', perMinute: perMs * 60_000, bucket, spare, cluster: ticket.cluster, told: heard, least };
}
