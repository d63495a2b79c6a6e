// The rate at which a provider really lets requests in, found out from its refusals alone. Pure; limiter.ts keeps one
// from the first refusal on, where nothing else is known.
//
// A refusal says one thing for certain: at that moment the provider's bucket was empty. So between two refusals it went
// from empty to empty, and what it let in meanwhile, divided by the time, is its rate, however large it is, unless it
// was full in between: what came in then was lost, and the quotient is too low. That is told by the burst it has been
// seen to take. Few let in are a coarse measure, and still one: the rate is no more than one above them in that time.
// Between refusals the rate is raised, slowly at first and then faster (as CUBIC does, RFC 9438), so that a limit that
// was raised is found; a refusal that measures nothing lowers it (AIMD, Chiu and Jain 1989).
//
// L1 refusals of requests that were sent before the last refusal was heard belong to it: they are one push-back.
// L2 only use raises it: a rate that held nobody back was not tried out by not being refused (RFC 7661 for windows).

import { type Bucket, filled, msUntil, spent } from './bucket.ts';

export interface LearnedRate {
  /** What we think is in the provider's bucket. */
  readonly bucket: Bucket;
  /** When the bucket was last known to be empty: when the request was sent whose refusal was the last push-back. */
  readonly emptyAt: number;
  /** Requests after this one count as sent since then. */
  readonly emptySeq: number;
  /** When that refusal was heard: what was sent before belongs to it. */
  readonly heardAt: number;
  /** Requests sent since the bucket was empty, and how many of them were refused. */
  readonly sent: number;
  readonly refused: number;
  /** When the first, second, fourth, eighth … of them was sent. */
  readonly sentAt: readonly number[];
  /** Nobody was sent for so long that the bucket must have been full. */
  readonly idled: boolean;
  /** Whether the rate is only guessed: until the second push-back. */
  readonly guessed: boolean;
  /** What the rate was worked out from: how many were let in, in how many ms. Absent where it was lowered instead. */
  readonly measure: Measure | undefined;
  /** How long a refusal takes to come back, in ms, smoothed. */
  readonly refusalMs: number;
  /** The rate that growth starts from, and for how many ms it has held somebody back since. */
  readonly basePerMs: number;
  readonly usedMs: number;
  /** When the last was sent, or when a pause after that is over. */
  readonly lastAt: number;
  /** When the next may be sent at the earliest: a burst that may be too large is sent so that its refusal is heard in time. */
  readonly nextAt: number;
}

/** How many were let in, in how many ms. */
interface Measure {
  readonly accepted: number;
  readonly ms: number;
}

/** A request that was sent: the how-manieth, and when; and the first of those sent at about the same time. */
export interface Sending {
  readonly seq: number;
  readonly sentAt: number;
  readonly cluster: number;
}

/** How many were sent so far, and the cluster of the last. */
export interface Sendings {
  readonly sent: number;
  readonly cluster: number;
}

/** Fewer than these measure nothing. */
const MEASURE_LEAST = 8;
const LOWER = 0.8;
/** It is e times as high after this long in use, and after no fewer requests than this. */
const GROWTH_MS = 8_000;
const GROWTH_REQUESTS = 5;
/** So far apart requests are, at the least, that do not come one after another. */
const APART_MS = 10;
const RATE_MIN = 1 / 60_000;
const RATE_MAX = 100;

/** From the first refusal: of those sent `lately` all but this one were let in, until their refusals say otherwise. */
export function firstRefusal(
  one: Sending,
  all: Sendings,
  lately: { readonly count: number; readonly ms: number },
  now: number,
): LearnedRate {
  const measure = { accepted: Math.max(0, lately.count - 1), ms: lately.ms };
  return {
    ...emptied(one, all, mostBy(measure), Math.max(1, measure.accepted), now),
    guessed: true,
    measure,
    refusalMs: Math.max(1, now - one.sentAt),
  };
}

/** The provider's bucket was empty when `one` was sent, and we have just heard it. */
function emptied(
  one: Sending,
  all: Sendings,
  perMs: number,
  size: number,
  now: number,
): Omit<LearnedRate, 'guessed' | 'measure' | 'refusalMs'> {
  const emptySeq = lastBefore(one, all);
  const sent = all.sent - 1 - emptySeq;
  return {
    bucket: { size, perMs, level: -sent, at: one.sentAt },
    emptyAt: one.sentAt,
    emptySeq,
    heardAt: now,
    sent,
    refused: 0,
    sentAt: [],
    idled: false,
    basePerMs: perMs,
    usedMs: 0,
    lastAt: now,
    nextAt: now,
  };
}

/** The last that was sent before the bucket was empty: those of the same moment may all have arrived before. */
function lastBefore(one: Sending, all: Sendings): number {
  return one.cluster === all.cluster ? all.sent - 1 : one.seq;
}

/** A further refusal, and whether it is a push-back of its own. */
export function furtherRefusal(
  rate: LearnedRate,
  one: Sending,
  all: Sendings,
  now: number,
): { readonly rate: LearnedRate; readonly fresh: boolean } {
  const refusalMs = rate.refusalMs + (Math.max(1, now - one.sentAt) - rate.refusalMs) / 4;
  if (one.sentAt <= rate.heardAt) return { rate: { ...alsoRefused(rate, one), refusalMs }, fresh: false };
  const accepted = rate.sent - (all.sent - lastBefore(one, all)) - rate.refused;
  const { bucket } = grown(rate, now);
  const measure = { accepted, ms: Math.max(1, one.sentAt - rate.emptyAt) };
  const full = wasFull(rate, rate.guessed ? rateBy(measure) : Math.max(rateBy(measure), rate.basePerMs));
  const sure = accepted >= MEASURE_LEAST && !full;
  const perMs = sure ? rateBy(measure) : Math.max(rateBy(measure), lowered(bucket.perMs, measure, full));
  return {
    rate: { ...emptied(one, all, perMs, bucket.size, now), guessed: false, measure: sure ? measure : undefined, refusalMs },
    fresh: true,
  };
}

/** Where none was let in, a rate that expected none is as good as before: the pause sees to it. */
function lowered(perMs: number, { accepted, ms }: Measure, full: boolean): number {
  const less = within(perMs * LOWER);
  if (full) return less;
  return Math.min(accepted > 0 ? less : perMs, within((accepted + 1) / ms));
}

/** One more of those that were on their way when the last push-back was heard. */
function alsoRefused(rate: LearnedRate, { seq }: Sending): LearnedRate {
  const { bucket, measure } = rate;
  if (seq > rate.emptySeq) return { ...rate, refused: rate.refused + 1, bucket: spent(bucket, -1, bucket.at) };
  if (measure === undefined) return rate;
  const fewer = { ...measure, accepted: Math.max(0, measure.accepted - 1) };
  const size = rate.guessed ? Math.max(1, fewer.accepted) : bucket.size;
  return { ...rate, measure: fewer, basePerMs: mostBy(fewer), bucket: { ...bucket, size } };
}

function rateBy({ accepted, ms }: Measure): number {
  return within(accepted / ms);
}

/** Where none was let in, one would not have been too many for much longer. */
function mostBy({ accepted, ms }: Measure): number {
  return within(Math.max(1, accepted) / ms);
}

/** Whether a bucket that fills at this rate, and of the size that it has been seen to have, was full at some time since it was empty. */
function wasFull({ sentAt, emptyAt, bucket, idled }: LearnedRate, perMs: number): boolean {
  return idled || sentAt.some((at, index) => perMs * (at - emptyAt) - (2 ** index - 1) > bucket.size + 1);
}

/** Nothing may be sent before `until`: that is no use of it. */
export function resting(rate: LearnedRate, until: number): LearnedRate {
  return { ...rate, lastAt: Math.max(rate.lastAt, until), nextAt: Math.max(rate.nextAt, until) };
}

/** The rate as it is at `now`, raised for the time that it was used without a refusal. */
export function grown(rate: LearnedRate, now: number): LearnedRate {
  const { basePerMs, usedMs, guessed, bucket } = rate;
  const factor = guessed ? 2 ** (usedMs / 1_000) : Math.exp((usedMs / Math.max(GROWTH_MS, GROWTH_REQUESTS / basePerMs)) ** 2);
  return { ...rate, bucket: { ...filled(bucket, now), perMs: within(basePerMs * factor) } };
}

/** Ms until one more may be sent. */
export function restMs(rate: LearnedRate, now: number): number {
  return Math.max(msUntil(rate.bucket, 1, now), Math.ceil(rate.nextAt - now), 0);
}

/** One more was sent. */
export function took(rate: LearnedRate, now: number): LearnedRate {
  const bucket = filled(rate.bucket, now);
  const eachMs = 1 / bucket.perMs;
  const spacingMs = rate.guessed ? Math.min(rate.refusalMs / 2, eachMs / 4) : 0;
  const sent = rate.sent + 1;
  const sentAt = Number.isInteger(Math.log2(sent)) ? [...rate.sentAt, now] : rate.sentAt;
  const sinceMs = Math.max(0, now - rate.lastAt);
  const used = bucket.level < 2 && sinceMs <= Math.max(2 * eachMs, APART_MS);
  return {
    ...rate,
    sent,
    sentAt,
    idled: rate.idled || sinceMs > (bucket.size + 2) * eachMs,
    bucket: spent(bucket, 1, now),
    usedMs: used ? rate.usedMs + sinceMs : rate.usedMs,
    lastAt: Math.max(rate.lastAt, now),
    nextAt: Math.max(rate.nextAt, now - 1) + spacingMs,
  };
}

function within(perMs: number): number {
  return Math.min(RATE_MAX, Math.max(RATE_MIN, perMs));
}
