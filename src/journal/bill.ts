// What a run cost: a fold over its events. Called by the runtime for every event (so: O(1), no allocation
// on the common path) and by whoever reads a journal afterwards; both get the same bill.
//
// B1 Every model request is in exactly one row per agent and one per model name, whatever account it was sent with, and
//    rows add up to the bill.
// B2 A request is counted when it is sent, with its estimated input assumed spent; its answer replaces the
//    assumption. One whose answer never came (a crash) stays as it is: `open` says how much that is. A failure is tax
//    when its turn is asked again, not when that is meant to be.
// B3 A turn that was hedged is two requests, each with an answer of its own; the one that lost is tax, and no failure.

import type { Entry, Event, EventOf, Origin, Place, Usage } from './event.ts';
import { FailedTurns } from './failedTurns.ts';
import { assumedUsdMicros, type OpenRequest, OpenRequests } from './openRequests.ts';
import { addTo, emptyRow, emptySum, frozenRows, type Levy, type Row, rowOf, type Spend, type Sum } from './spend.ts';

/** What was paid and did not become part of an output. What is in several rows (a repair inside a rejected attempt) is once in `all`. */
export interface Tax {
  /** Requests that asked a model to mend its answer. */
  readonly repairs: Levy;
  /** Requests that the provider did not answer and whose turn was then asked again: of the same model, or of the next one. */
  readonly retries: Levy;
  /** Sendings of a hedged turn that did not decide it. */
  readonly hedges: Levy;
  /** Requests of attempts that were rejected or begun anew. */
  readonly rejected: Levy & { readonly attempts: number };
  readonly all: Levy;
  /** Time, not money. */
  readonly waitedMs: Waited;
}

/** How long calls waited, in ms. Waits side by side add up, so that a sum may be longer than the run. */
export interface Waited {
  /** For room in a budget. */
  readonly budget: number;
  /** To send again what was not answered. */
  readonly retry: number;
  /** For the gate in front of a model. */
  readonly gate: number;
  /** For another request to put a prefix that both have into the provider's cache. */
  readonly cache: number;
}

export interface Bill extends Spend {
  /** Models without a price, sorted. What they cost is unknown, never zero. */
  readonly unpriced: readonly string[];
  readonly agents: Readonly<Record<string, Spend>>;
  /** By 'provider/modelId': two accounts of one model share a row. */
  readonly models: Readonly<Record<string, Spend>>;
  /** Requests without an answer: in flight now, or cut off by a crash. Contained in the totals. */
  readonly open: Levy;
  readonly tax: Tax;
  /**
   * What prompt caches saved; below 0 where they wrote more than was read. Absent where nothing was cached, or what that cost is
   * not known to the micro-dollar.
   */
  readonly cacheSavedUsdMicros?: number;
  /** What others had bought already: answers taken from other runs, and what their turns cost there. Absent where there were none. */
  readonly reused?: Levy & { readonly answers: number };
  /** Input tokens reserved and used by the requests that reported them. `short`: by how much reservations fell short, summed. */
  readonly estimateError: { readonly requests: number; readonly reserved: number; readonly actual: number; readonly short: number };
  /** From the first event to the last. */
  readonly wallMs: number;
  /** The part of it in which somebody worked on the run. */
  readonly activeMs: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Sent extends OpenRequest {
  readonly tally: Tally;
  readonly model: string;
  readonly rows: readonly Row[];
  readonly reserved: number;
  readonly assumedUsd: number | undefined;
  readonly repair: boolean;
}

/** A failure that is tax once its turn is asked again. */
interface Failure {
  readonly turn: number;
  readonly sent: Sent;
  readonly requests: number;
  readonly tokens: number;
  readonly usd: number;
}

interface Tally {
  readonly attempt: number;
  /** What is told of its requests from now on was thrown away with it. */
  rejected: boolean;
  readonly all: Sum;
  /** Repairs, requests that were sent again, and hedges. */
  readonly extra: Sum;
}

/** A bill being added to. Opaque: read it with `billNow`. */
export interface OpenBill {
  readonly total: Row;
  readonly agents: Map<string, Row>;
  readonly models: Map<string, Row>;
  readonly unpriced: Set<string>;
  readonly open: Sum;
  /** By attempt. */
  readonly sent: OpenRequests<Sent>;
  readonly failed: FailedTurns<Failure>;
  /** By call, of calls that have not succeeded: what the present attempt spent so far. */
  readonly tallies: Map<Place, Tally>;
  readonly repairs: Sum;
  readonly retries: Sum;
  readonly hedges: Sum;
  readonly reused: Sum & { answers: number };
  /** Repairs, retries and hedges, what is several of them once; and how much of that was in rejected attempts. */
  readonly extra: Sum;
  readonly rejected: Sum;
  readonly rejectedExtra: Sum;
  readonly estimate: { requests: number; reserved: number; actual: number; short: number };
  readonly waited: Mutable<Waited>;
  rejectedAttempts: number;
  /** What caches saved; undefined once a request was cached at a price that is not known. */
  cacheSaved: number | undefined;
  firstAt: number | undefined;
  entryAt: number;
  lastAt: number;
  activeMsBefore: number;
  /** Since when the run is parked; undefined while it is not. */
  parkedAt: number | undefined;
}

/** A bill of nothing, to be added to with `addToBill`. */
export function emptyBill(): OpenBill {
  return {
    total: emptyRow(),
    agents: new Map(),
    models: new Map(),
    unpriced: new Set(),
    open: emptySum(),
    sent: new OpenRequests(),
    failed: new FailedTurns(),
    tallies: new Map(),
    repairs: emptySum(),
    retries: emptySum(),
    hedges: emptySum(),
    reused: { answers: 0, ...emptySum() },
    extra: emptySum(),
    rejected: emptySum(),
    rejectedExtra: emptySum(),
    estimate: { requests: 0, reserved: 0, actual: 0, short: 0 },
    waited: { budget: 0, retry: 0, gate: 0, cache: 0 },
    rejectedAttempts: 0,
    cacheSaved: 0,
    firstAt: undefined,
    entryAt: 0,
    lastAt: 0,
    activeMsBefore: 0,
    parkedAt: undefined,
  };
}

/** Adds one event of the run, in journal order. Changes `bill`. O(1); memory is O(calls that have not succeeded). */
export function addToBill(bill: OpenBill, event: Event): void {
  if (bill.firstAt === undefined) bill.firstAt = bill.entryAt = bill.lastAt = event.at;
  else if (event.at > bill.lastAt) bill.lastAt = event.at;
  if (bill.parkedAt !== undefined) {
    // Nobody worked meanwhile: the entry counts as begun that much later.
    bill.entryAt += bill.lastAt - bill.parkedAt;
    bill.parkedAt = undefined;
  }
  switch (event.kind) {
    case 'model.requested':
      return addRequest(bill, event);
    case 'model.responded':
    case 'model.failed':
      return addAnswer(bill, event);
    case 'attempt.started':
      return beginAttempt(bill, event.place, event.attempt);
    case 'attempt.rejected':
      return rejectAttempt(bill, event.place, event.attempt);
    case 'call.succeeded':
      bill.tallies.delete(event.place);
      if (event.from?.run !== undefined) addReused(bill.reused, event.from);
      return;
    case 'limit.waited':
      if (isWait(event.limit)) bill.waited[event.limit] += event.ms;
      return;
    case 'run.parked':
      bill.parkedAt = bill.lastAt;
      return;
    case 'run.resumed':
      return enterAgain(bill, event);
    default:
  }
}

/** The bill as it stands: plain data that later events leave alone. O(agents + models). */
export function billNow(bill: OpenBill): Bill {
  const unpriced = new Set(bill.unpriced);
  for (const sent of bill.sent.values()) if (sent.assumedUsd === undefined) unpriced.add(sent.model);
  return {
    ...bill.total,
    unpriced: [...unpriced].sort(),
    agents: frozenRows(bill.agents),
    models: frozenRows(bill.models),
    open: { ...bill.open },
    tax: {
      repairs: { ...bill.repairs },
      retries: { ...bill.retries },
      hedges: { ...bill.hedges },
      rejected: { attempts: bill.rejectedAttempts, ...bill.rejected },
      all: unionOf(bill),
      waitedMs: { ...bill.waited },
    },
    ...(bill.cacheSaved === undefined || cachedBy(bill) === 0 ? {} : { cacheSavedUsdMicros: bill.cacheSaved }),
    ...(bill.reused.answers === 0 ? {} : { reused: { ...bill.reused } }),
    estimateError: { ...bill.estimate },
    wallMs: bill.lastAt - (bill.firstAt ?? bill.lastAt),
    activeMs: bill.firstAt === undefined ? 0 : bill.activeMsBefore + bill.lastAt - bill.entryAt,
  };
}

function addReused(reused: OpenBill['reused'], { requests, tokens, usdMicros }: Origin): void {
  reused.answers += 1;
  reused.requests += requests;
  reused.tokens += tokens;
  reused.usdMicros += usdMicros;
}

function cachedBy({ total }: OpenBill): number {
  return total.tokensCached + total.tokensCacheWritten;
}

/** The bill of a whole journal. O(entries). */
export async function billOf(entries: AsyncIterable<Entry> | Iterable<Entry>): Promise<Bill> {
  const bill = emptyBill();
  for await (const { event } of entries) addToBill(bill, event);
  return billNow(bill);
}

function isWait(limit: string): limit is keyof Waited {
  return limit === 'budget' || limit === 'retry' || limit === 'gate' || limit === 'cache';
}

function enterAgain(bill: OpenBill, event: EventOf<'run.resumed'>): void {
  bill.activeMsBefore = event.activeMs;
  bill.entryAt = event.at;
  // What a crash left unanswered stays counted as it is, and nobody will answer it any more.
  for (const { assumedUsd, model } of bill.sent.values()) if (assumedUsd === undefined) bill.unpriced.add(model);
  bill.sent.clear();
  bill.failed.clear();
}

function addRequest(bill: OpenBill, event: EventOf<'model.requested'>): void {
  const failure = event.hedge === true ? undefined : bill.failed.take(event.place, event.turn);
  if (failure !== undefined) addCause(bill, bill.retries, failure);
  const repair = event.why === 'repair';
  const reserved = event.reservedTokensIn;
  const assumedUsd = assumedUsdMicros(event);
  const rows = [bill.total, rowOf(bill.agents, event.agent), rowOf(bill.models, event.model)];
  for (const row of rows) {
    row.calls += 1;
    row.tokensIn += reserved;
    row.usdMicros += assumedUsd ?? 0;
    if (assumedUsd === undefined) row.callsUnpriced += 1;
  }
  addTo(bill.open, 1, reserved, assumedUsd ?? 0);
  const { turn, model } = event;
  const tally = tallyOf(bill, event.call, event.attempt);
  bill.sent.add(event.place, { turn, hedge: event.hedge === true, tally, model, rows, reserved, assumedUsd, repair });
  addWork(bill, tally, repair, 1, reserved, assumedUsd ?? 0);
}

function addAnswer(bill: OpenBill, event: EventOf<'model.responded'> | EventOf<'model.failed'>): void {
  const sent = bill.sent.take(event);
  if (sent === undefined) return;
  const failed = event.kind === 'model.failed';
  const { usage, usdMicros } = event;
  const assumedUsd = sent.assumedUsd ?? 0;
  const unpricedBy = Number(usdMicros === undefined && (!failed || spent(usage))) - Number(sent.assumedUsd === undefined);
  if (unpricedBy + Number(sent.assumedUsd === undefined) > 0) bill.unpriced.add(sent.model);
  const unsent = event.kind === 'model.failed' && event.unsent === true;
  for (const row of sent.rows) {
    if (unsent) row.calls -= 1;
    else if (failed) row[event.lost === true || event.error.code === 'CANCELLED' ? 'cancelled' : 'failed'] += 1;
    row.tokensIn += usage.tokensIn - sent.reserved;
    row.tokensOut += usage.tokensOut;
    row.tokensCached += usage.tokensCached;
    row.tokensCacheWritten += usage.tokensCacheWritten ?? 0;
    row.tokensReasoning += usage.tokensReasoning;
    row.usdMicros += (usdMicros ?? 0) - assumedUsd;
    row.callsUnpriced += unpricedBy;
    row.modelMs += event.ms;
  }
  addTo(bill.open, -1, -sent.reserved, -assumedUsd);
  const tokens = usage.tokensIn + usage.tokensOut;
  addWork(bill, sent.tally, sent.repair, unsent ? -1 : 0, tokens - sent.reserved, (usdMicros ?? 0) - assumedUsd);
  if (event.kind === 'model.failed') {
    const { place, turn, lost } = event;
    const failure: Failure = { turn, sent, requests: unsent ? 0 : 1, tokens, usd: usdMicros ?? 0 };
    // Another sending of its turn decided, or may yet decide, what came of it.
    if (lost === true || bill.sent.has(place, turn)) addCause(bill, bill.hedges, failure);
    else bill.failed.add(place, failure);
  }
  if (event.kind === 'model.responded' && usage.tokensCached + (usage.tokensCacheWritten ?? 0) > 0) {
    const saved = event.savedUsdMicros;
    bill.cacheSaved = saved === undefined || bill.cacheSaved === undefined ? undefined : bill.cacheSaved + saved;
  }
  if (event.kind === 'model.responded' && event.estimated === undefined) {
    const { estimate } = bill;
    estimate.requests += 1;
    estimate.reserved += sent.reserved;
    estimate.actual += usage.tokensIn;
    estimate.short += Math.max(0, usage.tokensIn - sent.reserved);
  }
}

/** A sending that failed is tax by itself. */
function addCause(bill: OpenBill, cause: Sum, { sent: { repair, tally }, requests, tokens, usd }: Failure): void {
  addTo(cause, requests, tokens, usd);
  if (!repair) addExtra(bill, tally, requests, tokens, usd);
}

function tallyOf({ tallies }: OpenBill, call: Place, attempt: number): Tally {
  let tally = tallies.get(call);
  if (tally === undefined) {
    tally = { attempt, rejected: false, all: emptySum(), extra: emptySum() };
    tallies.set(call, tally);
  }
  return tally;
}

/** What a request costs, to its attempt. One that lost may be told of when its attempt is over. */
function addWork(bill: OpenBill, tally: Tally, repair: boolean, requests: number, tokens: number, usd: number): void {
  addTo(tally.all, requests, tokens, usd);
  if (tally.rejected) addTo(bill.rejected, requests, tokens, usd);
  if (!repair) return;
  addTo(bill.repairs, requests, tokens, usd);
  addExtra(bill, tally, requests, tokens, usd);
}

function addExtra(bill: OpenBill, tally: Tally, requests: number, tokens: number, usd: number): void {
  addTo(bill.extra, requests, tokens, usd);
  addTo(tally.extra, requests, tokens, usd);
  if (tally.rejected) addTo(bill.rejectedExtra, requests, tokens, usd);
}

function beginAttempt(bill: OpenBill, call: Place, attempt: number): void {
  const tally = bill.tallies.get(call);
  if (tally !== undefined && tally.attempt < attempt) rejectAttempt(bill, call, tally.attempt);
}

function rejectAttempt(bill: OpenBill, call: Place, attempt: number): void {
  const tally = bill.tallies.get(call);
  // A step's attempt asked no model, so there is nothing to tax.
  if (tally === undefined || tally.attempt > attempt) return;
  bill.tallies.delete(call);
  tally.rejected = true;
  bill.rejectedAttempts += 1;
  addTo(bill.rejected, tally.all.requests, tally.all.tokens, tally.all.usdMicros);
  addTo(bill.rejectedExtra, tally.extra.requests, tally.extra.tokens, tally.extra.usdMicros);
}

function unionOf({ extra, rejected, rejectedExtra }: OpenBill): Levy {
  return {
    requests: rejected.requests + extra.requests - rejectedExtra.requests,
    tokens: rejected.tokens + extra.tokens - rejectedExtra.tokens,
    usdMicros: rejected.usdMicros + extra.usdMicros - rejectedExtra.usdMicros,
  };
}

function spent(usage: Usage): boolean {
  return usage.tokensIn + usage.tokensOut > 0;
}
