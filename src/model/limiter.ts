// How many requests a provider takes: requests and tokens per minute, and how many at once. What is known replaces what
// is guessed: what the user configured, then what the provider's headers announce, else what its refusals teach. Pure;
// gate.ts holds one per account and model and tells it of every request that is sent and what came of it.
//
// R1 where limits are known, never more is let in than their buckets hold, in any window.
// R2 a push-back pauses everybody, and those that waited come back one after another, never at once.
// R3 tokens are taken by estimate when a request is sent, and what it did not use comes back.

import type { KnownLimits } from '../journal/event.ts';
import type { Announced } from './announced.ts';
import { filled } from './bucket.ts';
import type { Closed } from './gateView.ts';
import { cut, elapsed, type InFlight, knownInFlight, openInFlight, settled, widened, WINDOW_MS } from './inFlight.ts';
import { given, goingOn, type Known, lackMs, SHIFT_MS, synced, taken } from './knownLimit.ts';
import { firstRefusal, furtherRefusal, grown, type LearnedRate, resting, restMs, type Sending, took } from './learnedRate.ts';

/** What a user knows of an account's limits for a model. */
export interface RateLimit {
  readonly requestsPerMinute?: number;
  /** Input and output together. */
  readonly tokensPerMinute?: number;
  /** Requests in flight. */
  readonly concurrency?: number;
  /** Requests that may go at once after a pause. Default: a second's worth, at least one. */
  readonly burstRequests?: number;
  /** Tokens that may go at once after a pause. Default: a minute's worth. */
  readonly burstTokens?: number;
}

export interface Limiter {
  readonly config: RateLimit;
  readonly requests: Known | undefined;
  readonly tokens: Known | undefined;
  /** Where nothing is known of requests: from the first refusal on. */
  readonly learned: LearnedRate | undefined;
  readonly window: InFlight;
  readonly inFlight: number;
  /** Output tokens of requests in flight, as expected. */
  readonly expectedOut: number;
  /** Nobody is sent before. */
  readonly pausedUntil: number;
  /** Push-backs since the last answer, and in all. */
  readonly inRow: number;
  readonly pushBacks: number;
  /** Requests sent, and their input tokens. */
  readonly sent: number;
  readonly sentTokens: number;
  /** Requests sent since `from`, which is at most a second ago, and in the second before. */
  readonly lately: { readonly from: number; readonly count: number; readonly before: number };
  /** Those that were sent at about the same time as the last: the first of them, when, and the tokens sent before. */
  readonly cluster: number;
  readonly clusterAt: number;
  readonly clusterTokens: number;
  /** Requests of the cluster just before, and their input tokens: they may arrive later. */
  readonly stragglers: Stragglers;
  /** The quickest answer so far, in ms. */
  readonly answerMs: number | undefined;
  /** Output tokens of an answer, smoothed. */
  readonly tokensOut: number | undefined;
  /** When the next may go while limits are being found out. */
  readonly nextAt: number;
}

interface Stragglers {
  readonly requests: number;
  readonly tokens: number;
}

/** A request as the limiter remembers it. */
export interface Ticket extends Sending {
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Input tokens of all that were sent before its cluster. */
  readonly tokensBefore: number;
  readonly stragglers: Stragglers;
}

/** What came of a request. `ignored`: it says nothing of limits. `refused`: too often; `dropped`: too much at once. */
export type Outcome = (
  | { readonly kind: 'success'; readonly tokensIn: number; readonly tokensOut: number }
  | { readonly kind: 'ignored'; readonly unused?: true }
  | { readonly kind: 'refused' | 'dropped'; readonly afterMs: number | undefined }
) & { readonly announced: { readonly requests?: Announced; readonly tokens?: Announced } };

export type Verdict = { readonly kind: 'go' } | { readonly kind: 'wait'; readonly why: Closed; readonly ms: number };

const PAUSE_MS = 500;
const PAUSE_MS_MAX = 20_000;
/** Whatever a provider asks for, one request asks again after this: plans are raised, and headers can be wrong. */
const PAUSE_ASKED_MS_MAX = 300_000;
/** Push-backs this far apart have nothing to do with each other. */
const ROW_MS = 120_000;
/** So often in a row a provider is believed when it says how long to wait. */
const ASKED_ROW = 2;
/** Short, however often: where everything is dropped the breaker sees to it. */
const DROPPED_PAUSE_MS = 500;
const TOKENS_OUT_UNKNOWN = 500;
/** By how much a provider may count more tokens than were estimated. */
const ESTIMATE_SLACK = 1.1;
const NO_STRAGGLERS: Stragglers = { requests: 0, tokens: 0 };

/** A limiter of which nothing was asked yet. */
export function limiter(config: RateLimit, now: number): Limiter {
  return {
    ...knownBy(config, now),
    learned: undefined,
    inFlight: 0,
    expectedOut: 0,
    pausedUntil: -Infinity,
    inRow: 0,
    pushBacks: 0,
    sent: 0,
    sentTokens: 0,
    lately: { from: now, count: 0, before: 0 },
    cluster: 0,
    clusterAt: -Infinity,
    clusterTokens: 0,
    stragglers: NO_STRAGGLERS,
    answerMs: undefined,
    tokensOut: undefined,
    nextAt: -Infinity,
  };
}

/**
 * The same limiter under other limits: what is on its way stays so, what is left of a bucket is left, and what was found out
 * otherwise is kept to where nothing else is said.
 */
export function configured(state: Limiter, config: RateLimit, now: number): Limiter {
  if (isSame(state.config, config)) return state;
  const known = knownBy(config, now);
  return {
    ...state,
    ...known,
    window: config.concurrency === state.config.concurrency && !state.window.opening ? state.window : known.window,
    requests: goingOn(known.requests, state.requests, now) ?? state.requests,
    tokens: goingOn(known.tokens, state.tokens, now) ?? state.tokens,
  };
}

function isSame(one: RateLimit, other: RateLimit): boolean {
  const names = ['requestsPerMinute', 'tokensPerMinute', 'concurrency', 'burstRequests', 'burstTokens'] as const;
  return names.every((name) => one[name] === other[name]);
}

function knownBy(config: RateLimit, now: number): Pick<Limiter, 'config' | 'requests' | 'tokens' | 'window'> {
  const { requestsPerMinute, tokensPerMinute, concurrency, burstRequests, burstTokens } = config;
  const guessed = requestsPerMinute === undefined && tokensPerMinute === undefined && concurrency === undefined;
  return {
    config,
    requests: given(requestsPerMinute, burstRequests ?? Math.max(1, (requestsPerMinute ?? 0) / 60), now),
    tokens: given(tokensPerMinute, burstTokens ?? tokensPerMinute ?? 0, now),
    window: guessed ? openInFlight(now) : knownInFlight(concurrency ?? Infinity),
  };
}

/** The tokens that a request is reserved at: its input and some more, and the output that answers usually have. */
export function costOf(state: Limiter, tokensIn: number, tokensOutMax: number): { readonly tokensIn: number; readonly tokensOut: number } {
  return {
    tokensIn: Math.ceil(ESTIMATE_SLACK * tokensIn),
    tokensOut: Math.min(tokensOutMax, Math.ceil(state.tokensOut ?? TOKENS_OUT_UNKNOWN)),
  };
}

/** Whether one more may go, and if not, why and for how long. Infinity: until something happens. */
export function verdict(before: Limiter, tokens: number, now: number): Verdict {
  const state = atTime(before, now);
  if (state.pausedUntil > now) return { kind: 'wait', why: 'paused', ms: Math.ceil(state.pausedUntil - now) };
  const bound = Math.min(state.window.limit, state.config.concurrency ?? Infinity);
  if (state.inFlight >= bound) {
    const grows = state.window.limit === bound && bound !== state.config.concurrency;
    const ms = grows ? Math.max(1, state.window.windowAt + WINDOW_MS - now) : Infinity;
    return { kind: 'wait', why: 'inFlight', ms };
  }
  const [requestsMs, tokensMs] = [lackMs(state.requests, 1, now), lackMs(state.tokens, tokens, now)];
  const paceMs = state.learned === undefined ? Math.ceil(state.nextAt - now) : restMs(state.learned, now);
  const ms = Math.max(requestsMs, tokensMs, paceMs);
  return ms <= 0 ? { kind: 'go' } : { kind: 'wait', why: tokensMs === ms ? 'tokens' : 'requests', ms };
}

/** Lets one go. */
export function admitted(
  before: Limiter,
  tokensIn: number,
  tokensOut: number,
  now: number,
): { readonly state: Limiter; readonly ticket: Ticket } {
  const state = atTime(before, now);
  const apart = now - state.clusterAt > SHIFT_MS;
  const cluster = apart ? state.sent : state.cluster;
  const clusterTokens = apart ? state.sentTokens : state.clusterTokens;
  const stragglers = apart ? lastCluster(state, now) : state.stragglers;
  const ticket = { seq: state.sent, sentAt: now, tokensIn, tokensOut, tokensBefore: clusterTokens, cluster, stragglers };
  return {
    ticket,
    state: {
      ...state,
      inFlight: state.inFlight + 1,
      expectedOut: state.expectedOut + tokensOut,
      sent: state.sent + 1,
      sentTokens: state.sentTokens + tokensIn,
      lately: oneMore(state.lately, now),
      cluster,
      clusterTokens,
      stragglers,
      clusterAt: apart ? now : state.clusterAt,
      requests: taken(state.requests, 1, now),
      tokens: taken(state.tokens, tokensIn + tokensOut, now),
      learned: state.learned === undefined ? undefined : took(state.learned, now),
      nextAt: Math.max(state.nextAt, now - 1) + openingSpacing(state),
    },
  };
}

/** Those that may arrive after one that is sent now, though they were sent before. */
function lastCluster({ sent, sentTokens, cluster, clusterAt, clusterTokens }: Limiter, now: number): Stragglers {
  return now - clusterAt > 2 * SHIFT_MS ? NO_STRAGGLERS : { requests: sent - cluster, tokens: sentTokens - clusterTokens };
}

/** Below this a provider may well be at its limit already; beyond it, so many refusals more are a small share. */
const WIDE = 80;

const SECOND_MS = 1_000;

function oneMore({ from, count, before }: Limiter['lately'], now: number): Limiter['lately'] {
  if (now - from < SECOND_MS) return { from, count: count + 1, before };
  return { from: now, count: 1, before: now - from < 2 * SECOND_MS ? count : 0 };
}

/** What was sent in the last second or two, and in how many ms, at least a second. */
function sentLately({ lately: { from, count, before }, clusterAt }: Limiter): { readonly count: number; readonly ms: number } {
  const ms = Math.max(0, clusterAt - from);
  return { count: count + before, ms: before > 0 ? ms + SECOND_MS : Math.max(ms, SECOND_MS) };
}

/** While it opens, a window is spread over a part of the time that an answer takes, so that a refusal is heard in time. */
function openingSpacing({ window, answerMs }: Limiter): number {
  return window.opening && answerMs !== undefined ? Math.min(answerMs, WINDOW_MS) / ((window.limit < WIDE ? 1.5 : 4) * window.limit) : 0;
}

/** Tells what came of a request. */
export function ended(before: Limiter, ticket: Ticket, outcome: Outcome, now: number, random: number): Limiter {
  let state = atTime(before, now);
  const count = state.inFlight;
  state = { ...state, inFlight: Math.max(0, count - 1), expectedOut: Math.max(0, state.expectedOut - ticket.tokensOut) };
  state = heardLimits(corrected(state, ticket, outcome, now), ticket, outcome.announced, now);
  switch (outcome.kind) {
    case 'ignored':
      return state;
    case 'success': {
      const ms = Math.max(1, now - ticket.sentAt);
      const tokensOut = state.tokensOut === undefined ? outcome.tokensOut : state.tokensOut + (outcome.tokensOut - state.tokensOut) / 8;
      return { ...state, inRow: 0, answerMs: Math.min(state.answerMs ?? ms, ms), tokensOut, window: widened(state.window, count, now) };
    }
    case 'dropped':
      return closed(
        { ...state, pushBacks: state.pushBacks + 1, window: cut(state.window, count, ticket.sentAt, now) },
        outcome.afterMs,
        DROPPED_PAUSE_MS,
        now,
        random,
      );
    case 'refused':
      return pushedBack(state, ticket, outcome, count, now, random);
  }
}

/**
 * What was reserved and not used comes back; a request that was refused used nothing. What was read of one that was sent before
 * the provider last told its level is in that level as it was.
 */
function corrected(state: Limiter, ticket: Ticket, outcome: Outcome, now: number): Limiter {
  const isUnused = outcome.kind === 'refused' || (outcome.kind === 'ignored' && outcome.unused === true);
  if (state.tokens === undefined || (outcome.kind !== 'success' && !isUnused)) return state;
  const [usedIn, usedOut] = outcome.kind === 'success' ? [outcome.tokensIn, outcome.tokensOut] : [0, 0];
  const moreIn = ticket.seq < state.tokens.cluster ? 0 : usedIn - ticket.tokensIn;
  return { ...state, tokens: taken(state.tokens, moreIn + usedOut - ticket.tokensOut, now) };
}

type Refusal = Extract<Outcome, { kind: 'refused' | 'dropped' }>;

function pushedBack(state: Limiter, ticket: Ticket, refusal: Refusal, count: number, now: number, random: number): Limiter {
  const { afterMs } = refusal;
  if (state.requests?.from === 'announced' || lackedTokens(state.tokens, ticket, refusal)) {
    const restMs = state.requests === undefined ? PAUSE_MS : Math.ceil(1 / state.requests.bucket.perMs);
    const fresh = ticket.sentAt > state.pausedUntil;
    // Until it is full is longer than until there is room for one, unless that proves to be wrong.
    const askedMs = state.inRow + Number(fresh) <= 1 && isReset(refusal) ? undefined : afterMs;
    return paused(state, askedMs, Math.min(restMs, PAUSE_MS_MAX), now, random, fresh);
  }
  const { learned } = state;
  if (learned === undefined) {
    const first = firstRefusal(ticket, state, sentLately(state), now);
    return paused({ ...state, learned: first, window: settled(state.window, count) }, afterMs, PAUSE_MS, now, random, true);
  }
  const { rate, fresh } = furtherRefusal(learned, ticket, state, now);
  const pauseMs = rate.guessed ? PAUSE_MS : Math.min(PAUSE_MS, 2 / rate.bucket.perMs);
  return paused({ ...state, learned: rate }, afterMs, pauseMs, now, random, fresh);
}

/** Whether announced tokens explain a refusal; if they do not, there is a limit of which nothing is said. */
function lackedTokens(tokens: Known | undefined, ticket: Ticket, { announced }: Refusal): boolean {
  if (tokens?.from !== 'announced') return false;
  return (announced.tokens?.remaining ?? tokens.bucket.level) < ticket.tokensIn + ticket.tokensOut;
}

/** Whether the wait that is asked for is that until a limit is full again: no more was said of when to come. */
function isReset({ afterMs, announced: { requests, tokens } }: Refusal): boolean {
  return [requests, tokens].some((told) => Math.abs((told?.fullInMs ?? Infinity) - (afterMs ?? 0)) <= SECOND_MS);
}

/** Everybody waits: as long as the provider says, else longer with every push-back in a row. */
function paused(state: Limiter, afterMs: number | undefined, ownMs: number, now: number, random: number, fresh: boolean): Limiter {
  const before = now - state.pausedUntil > ROW_MS ? 0 : state.inRow;
  const inRow = before + Number(fresh);
  const counted = { ...state, inRow, pushBacks: state.pushBacks + Number(fresh) };
  if (!fresh && afterMs === undefined) return counted;
  const longerMs = Math.min(PAUSE_MS_MAX, ownMs * 2 ** Math.max(0, inRow - 1));
  // Who came back when told to, and again, and was refused, goes by its own measure where that is longer.
  const askedMs = afterMs !== undefined && inRow > ASKED_ROW ? Math.max(afterMs, longerMs / 2) : afterMs;
  return closed(counted, askedMs, longerMs, now, random);
}

/** Closes it for a while, with jitter of at most a second: other processes were told the same. */
function closed(state: Limiter, afterMs: number | undefined, ownMs: number, now: number, random: number): Limiter {
  const ms = afterMs === undefined ? ownMs * (0.5 + random / 2) : afterMs + random * Math.min(50 + afterMs / 20, 1_000);
  const until = Math.max(state.pausedUntil, now + Math.min(ms, PAUSE_ASKED_MS_MAX));
  return { ...state, pausedUntil: until, learned: state.learned === undefined ? undefined : resting(state.learned, until) };
}

/** What the provider says of its limits, for one request, replaces what was guessed and corrects what was counted. Once for each. */
export function heardLimits(state: Limiter, ticket: Ticket, told: Outcome['announced'], now: number): Limiter {
  if (told.requests === undefined && told.tokens === undefined) return state;
  const window = state.window.opening ? knownInFlight(Infinity) : state.window;
  const { stragglers } = ticket;
  const requests = { own: 1, since: state.sent - ticket.cluster, stragglers: stragglers.requests };
  const tokensSince = state.sentTokens - ticket.tokensBefore + state.expectedOut;
  const tokens = { own: ticket.tokensIn, since: tokensSince, stragglers: stragglers.tokens };
  return {
    ...state,
    window,
    // What a user configured is kept to, and where it is too much only refusals tell.
    learned: told.requests === undefined || state.requests?.from === 'config' ? state.learned : undefined,
    requests: synced(state.requests, told.requests, ticket, requests, now),
    tokens: synced(state.tokens, told.tokens, ticket, tokens, now),
  };
}

/** The limiter as it is at `now`; to be kept, where nothing else tells it. Time never goes back here: gate.ts sees to it. */
export function atTime(state: Limiter, now: number): Limiter {
  const { window, learned, requests, tokens } = state;
  return {
    ...state,
    window: elapsed(window, state.inFlight, now),
    learned: learned === undefined ? undefined : grown(learned, now),
    requests: requests === undefined ? undefined : { ...requests, bucket: filled(requests.bucket, now) },
    tokens: tokens === undefined ? undefined : { ...tokens, bucket: filled(tokens.bucket, now) },
  };
}

/** What it keeps to, for people. */
export function knownLimits(state: Limiter): KnownLimits {
  const { requests, tokens, learned, window, pushBacks } = state;
  const rate = requests?.perMinute ?? (learned === undefined ? undefined : learned.bucket.perMs * 60_000);
  const source =
    requests?.from ?? tokens?.from ?? (state.config.concurrency !== undefined ? 'config' : learned === undefined ? 'opening' : 'learned');
  const concurrency = Math.min(window.limit, state.config.concurrency ?? Infinity);
  return {
    source: source === 'opening' && !window.opening ? 'learned' : source,
    ...(rate === undefined ? {} : { requestsPerMinute: Math.round(rate) }),
    ...(tokens === undefined ? {} : { tokensPerMinute: Math.round(tokens.perMinute) }),
    ...(Number.isFinite(concurrency) ? { concurrency } : {}),
    pushBacks,
  };
}
