// A circuit breaker as pure data: whether requests may go to something that fails for everybody. The gate has one for each
// provider account and model, and each code tool has one (run/toolBreaker.ts).
//
// B1 while it is open nothing goes but one probe at a time, and only the probe's outcome closes or re-opens it, or that of
//    a request which its owner takes for one: outage.ts does so with what was sent since the trouble began and is answered.
// B2 it opens only on a failure, when enough of the window's outcomes failed or none succeeded for long enough; after
//    closing, the window is empty.
// B3 no clock wedges it: from any state, either a probe is out or one is due within twice its open time.
//
// The pattern is Nygard's (Release It!, 2nd ed. 2018, "Circuit Breaker"). A share of failures over a sliding window with a
// least number of outcomes is what resilience4j, Polly's and cockatiel's sampling breakers do; one probe at a time is what
// Hystrix, Polly and cockatiel do.

/** When a breaker opens and for how long. Times in ms. */
export interface BreakerPolicy {
  /** How far back outcomes count. Kept in five parts, so that the oldest leave it up to a fifth early. */
  readonly windowMs: number;
  /** With fewer outcomes in the window their share does not open it. */
  readonly least: number;
  /** The share of the window's outcomes, in (0, 1], that must have failed. */
  readonly share: number;
  /** So many failures with no success between them open it, whatever was before; a time-out counts half, for those in flight run into theirs together. */
  readonly row: number;
  /** Open for so long until the first probe, and twice as long after each one that failed, to at most `openMsMax`; all ±20 %. */
  readonly openMs: number;
  readonly openMsMax: number;
}

/** A provider that is dead for 10 s sees three probes: after about 1, 3 and 7 s. */
export const MODEL_BREAKER: BreakerPolicy = { windowMs: 10_000, least: 10, share: 0.5, row: 5, openMs: 1_000, openMsMax: 30_000 };

/** Something that fails for everybody, from its first failure until it answers again. */
interface Trouble {
  /** Epoch ms of the first failure. */
  readonly since: number;
  /** Failed requests, probes included. */
  readonly failures: number;
  /** What the first failure said. */
  readonly code: string;
  readonly message: string;
}

/** Outcomes of a fifth of the window, and behind it those of the fifths before, newest first: at most five. */
interface Bucket {
  readonly slot: number;
  readonly successes: number;
  readonly failures: number;
  readonly first: Omit<Trouble, 'failures'> | undefined;
  readonly older: Bucket | undefined;
}

/** Failures since the last success, and how much they weigh. */
interface Row extends Trouble {
  readonly weight: number;
}

interface Troubled extends Trouble {
  readonly probesFailed: number;
  readonly era: number;
}

/** `era` counts how often it has closed again: it tells requests sent before from those sent after. */
export type Breaker =
  | { readonly kind: 'closed'; readonly era: number; readonly window: Bucket | undefined; readonly row: Row | undefined }
  /** `openedAt` in epoch ms; a probe is due `openMs` later. */
  | (Troubled & { readonly kind: 'open'; readonly openedAt: number; readonly openMs: number })
  /** `probedAt` in epoch ms: the probe is out since then. */
  | (Troubled & { readonly kind: 'halfOpen'; readonly probedAt: number });

export type Heard =
  | { readonly kind: 'success' }
  /** Cancelled, or refused for a reason that says nothing of the provider. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'failure'; readonly code: string; readonly message: string };

type Failure = Extract<Heard, { kind: 'failure' }>;

const BUCKETS = 5;
const JITTER = 0.2;
const NEW: Breaker = { kind: 'closed', era: 0, window: undefined, row: undefined };

/** A breaker that has heard nothing. */
export function closedBreaker(): Breaker {
  return NEW;
}

/**
 * Whether a request may go now. A probe is the single request that an open breaker lets through when it is due; while it is
 * out nobody else goes. `untilMs` is epoch ms, Infinity while a probe is out. Pure.
 */
export function allows(
  breaker: Breaker,
  now: number,
): { readonly kind: 'yes' } | { readonly kind: 'probe' } | { readonly kind: 'no'; readonly untilMs: number } {
  switch (breaker.kind) {
    case 'closed':
      return { kind: 'yes' };
    case 'halfOpen':
      return { kind: 'no', untilMs: Infinity };
    case 'open': {
      const { openedAt, openMs } = breaker;
      // A clock that went back further than the open time would keep it open for as far as it went.
      return Math.abs(now - openedAt) >= openMs ? { kind: 'probe' } : { kind: 'no', untilMs: openedAt + openMs };
    }
  }
}

/** Told when a request was let through as a probe, which must be heard of in any case. Pure. */
export function probing(breaker: Breaker, now: number): Breaker {
  if (breaker.kind !== 'open') return breaker;
  const { openedAt: _openedAt, openMs: _openMs, ...trouble } = breaker;
  return { ...trouble, kind: 'halfOpen', probedAt: now };
}

/**
 * Told of what came of a request. `probe` says whether it was the probe, `era` which era the breaker was in when it was
 * let through; `random` in [0, 1) jitters the open time. Pure; O(1).
 *
 * While it is open, requests sent before still come back. Failures count in the trouble and do not keep it open longer
 * (as in Polly). A success changes nothing, as in Polly and resilience4j: it was taken on before the trouble, long answers
 * end well for minutes while new requests are refused, and where only half of them fail there is always one. The probe
 * asks about now, and is due soon. After closing, those of an earlier era are not heard at all: two hundred requests that
 * run into their time-out after the provider is back would open it again.
 */
export function heard(
  breaker: Breaker,
  outcome: Heard,
  probe: boolean,
  now: number,
  random: number,
  policy: BreakerPolicy,
  era: number = breaker.era,
): Breaker {
  if (era !== breaker.era) return breaker;
  if (breaker.kind === 'closed') return heardClosed(breaker, outcome, now, random, policy);
  switch (outcome.kind) {
    case 'success':
      return probe ? { kind: 'closed', era: breaker.era + 1, window: undefined, row: undefined } : breaker;
    case 'ignored':
      // The prober was cancelled: nothing was learned, and the next one may ask at once.
      return probe ? open(breaker, breaker.probesFailed, now, 0) : breaker;
    case 'failure': {
      const failed = { ...breaker, failures: breaker.failures + 1 };
      if (!probe) return failed;
      const probesFailed = breaker.probesFailed + 1;
      return open(failed, probesFailed, now, openTimeMs(probesFailed, random, policy));
    }
  }
}

/** A breaker that opens now, for who counts failures otherwise. Pure. */
export function opened(breaker: Breaker, trouble: Trouble, now: number, random: number, policy: BreakerPolicy): Breaker {
  const { since, failures, code, message } = trouble;
  return open({ since, failures, code, message, era: breaker.era }, 0, now, openTimeMs(0, random, policy));
}

function heardClosed(
  breaker: Extract<Breaker, { kind: 'closed' }>,
  outcome: Heard,
  now: number,
  random: number,
  policy: BreakerPolicy,
): Breaker {
  if (outcome.kind === 'ignored') return breaker;
  const window = counted(breaker.window, outcome, now, policy);
  let [successes, failures] = [0, 0];
  for (let bucket: Bucket | undefined = window; bucket !== undefined; bucket = bucket.older) {
    successes += bucket.successes;
    failures += bucket.failures;
  }
  const outcomes = successes + failures;
  if (outcome.kind === 'success') return { ...breaker, window, row: undefined };
  const row = inRow(breaker.row, outcome, now, policy);
  if (row.weight >= policy.row) return opened(breaker, row, now, random, policy);
  if (outcomes < policy.least || failures < policy.share * outcomes) return { ...breaker, window, row };
  return opened(breaker, troubleOf(window, outcome, now, policy), now, random, policy);
}

/** One failure more; what lies further back than the window has nothing to do with it. */
function inRow(row: Row | undefined, { code, message }: Failure, now: number, { windowMs }: BreakerPolicy): Row {
  const weight = code === 'MODEL_TIMEOUT' ? 0.5 : 1;
  if (row === undefined || Math.abs(now - row.since) > windowMs) return { since: now, failures: 1, code, message, weight };
  return { ...row, failures: row.failures + 1, weight: row.weight + weight };
}

/** The window with one outcome more, and without what has left it. */
function counted(window: Bucket | undefined, outcome: Exclude<Heard, { kind: 'ignored' }>, now: number, policy: BreakerPolicy): Bucket {
  const slot = Math.floor(now / (policy.windowMs / BUCKETS));
  // A clock that went back a little counts on where it was; one that went back further than the window begins anew.
  const known = window !== undefined && Math.abs(slot - window.slot) < BUCKETS ? window : undefined;
  const bucket =
    known !== undefined && slot <= known.slot
      ? known
      : { slot, successes: 0, failures: 0, first: undefined, older: from(known, slot - BUCKETS + 1) };
  if (outcome.kind === 'success') return { ...bucket, successes: bucket.successes + 1 };
  const first = bucket.first ?? { since: now, code: outcome.code, message: outcome.message };
  return { ...bucket, failures: bucket.failures + 1, first };
}

/** The buckets from `slot` on. Copies at most four, once per bucket. */
function from(bucket: Bucket | undefined, slot: number): Bucket | undefined {
  return bucket === undefined || bucket.slot < slot ? undefined : { ...bucket, older: from(bucket.older, slot) };
}

/** Where the trouble began: a stray failure in a part of the window that was well does not belong to it. */
function troubleOf(newest: Bucket, last: Failure, now: number, { share }: BreakerPolicy): Trouble {
  let first = newest.first ?? { since: now, code: last.code, message: last.message };
  let { failures } = newest;
  for (let bucket = newest.older; bucket !== undefined; bucket = bucket.older) {
    if (bucket.first === undefined || bucket.failures < share * (bucket.successes + bucket.failures)) break;
    first = bucket.first;
    failures += bucket.failures;
  }
  return { ...first, failures };
}

function open(
  { since, failures, code, message, era }: Omit<Troubled, 'probesFailed'>,
  probesFailed: number,
  now: number,
  openMs: number,
): Breaker {
  return { kind: 'open', since, failures, code, message, era, probesFailed, openedAt: now, openMs };
}

/** Exponential, and jittered so that the probes of several processes part. */
function openTimeMs(probesFailed: number, random: number, { openMs, openMsMax }: BreakerPolicy): number {
  return Math.round(Math.min(openMsMax, openMs * 2 ** probesFailed) * (1 - JITTER + 2 * JITTER * random));
}
