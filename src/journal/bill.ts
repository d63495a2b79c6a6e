// What a run cost: a fold over its events. Called by the runtime for every event (so: O(1), no allocation
// on the common path) and by whoever reads a journal afterwards; both get the same bill.
//
// B1 Every model request is in exactly one row per agent and one per model, and rows add up to the bill.
// B2 A request is counted when it is sent, with its estimated input assumed spent; its answer replaces the
//    assumption. One whose answer never came (a crash) stays as it is: `open` says how much that is.

import type { Entry, Event, EventOf, Place, Usage } from './event.ts';

/** What a set of model requests cost. `tokensIn` includes cached, `tokensOut` includes reasoning. */
export interface Spend {
  /** Model requests sent: failed, cancelled and unanswered ones included. */
  readonly calls: number;
  /** How many of them failed. */
  readonly failed: number;
  /** How many were cut off because their call or the run was cancelled. */
  readonly cancelled: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  readonly tokensReasoning: number;
  /** Micro-dollars of the requests whose model has a price. */
  readonly usdMicros: number;
  /** Requests whose price is unknown: with any of these `usdMicros` is a lower bound. */
  readonly callsUnpriced: number;
  /** Time spent waiting for models, in ms, summed over requests also where they ran side by side. */
  readonly modelMs: number;
}

/** One cause of tax: what was spent on it. */
export interface Levy {
  readonly requests: number;
  /** In and out. */
  readonly tokens: number;
  readonly usdMicros: number;
}

/** What was paid and did not become part of an output. What is in several rows (a repair inside a rejected attempt) is once in `all`. */
export interface Tax {
  /** Requests that asked a model to mend its answer. */
  readonly repairs: Levy;
  /** Requests that the provider did not answer and that were sent again. */
  readonly retries: Levy;
  /** Requests of attempts that were rejected or begun anew. */
  readonly rejected: Levy & { readonly attempts: number };
  readonly all: Levy;
}

export interface Bill extends Spend {
  /** Models without a price, sorted. What they cost is unknown, never zero. */
  readonly unpriced: readonly string[];
  readonly agents: Readonly<Record<string, Spend>>;
  readonly models: Readonly<Record<string, Spend>>;
  /** Requests without an answer: in flight now, or cut off by a crash. Contained in the totals. */
  readonly open: Levy;
  readonly tax: Tax;
  /** Input tokens reserved and used by the requests that reported them. `short`: by how much reservations fell short, summed. */
  readonly estimateError: { readonly requests: number; readonly reserved: number; readonly actual: number; readonly short: number };
  /** From the first event to the last. */
  readonly wallMs: number;
  /** The part of it in which somebody worked on the run. */
  readonly activeMs: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Row = Mutable<Spend>;
type Sum = Mutable<Levy>;

interface Sent {
  readonly call: Place;
  readonly model: string;
  readonly rows: readonly Row[];
  readonly reserved: number;
  readonly assumedUsd: number | undefined;
  readonly repair: boolean;
}

interface Tally {
  attempt: number;
  readonly all: Sum;
  /** Repairs, and requests that were sent again. */
  readonly extra: Sum;
}

/** A bill being added to. Opaque: read it with `billNow`. */
export interface OpenBill {
  readonly total: Row;
  readonly agents: Map<string, Row>;
  readonly models: Map<string, Row>;
  readonly unpriced: Set<string>;
  readonly open: Sum;
  /** By attempt: turns follow each other, so an attempt has at most one request in flight. */
  readonly sent: Map<Place, Sent>;
  /** By call, of calls that have not succeeded: what the present attempt spent so far. */
  readonly tallies: Map<Place, Tally>;
  readonly repairs: Sum;
  readonly retries: Sum;
  /** Repairs and retries, what is both once; and how much of that was in rejected attempts. */
  readonly extra: Sum;
  readonly rejected: Sum;
  readonly rejectedExtra: Sum;
  readonly estimate: { requests: number; reserved: number; actual: number; short: number };
  rejectedAttempts: number;
  firstAt: number | undefined;
  entryAt: number;
  lastAt: number;
  activeMsBefore: number;
}

/** A bill of nothing, to be added to with `addToBill`. */
export function emptyBill(): OpenBill {
  return {
    total: emptyRow(),
    agents: new Map(),
    models: new Map(),
    unpriced: new Set(),
    open: emptySum(),
    sent: new Map(),
    tallies: new Map(),
    repairs: emptySum(),
    retries: emptySum(),
    extra: emptySum(),
    rejected: emptySum(),
    rejectedExtra: emptySum(),
    estimate: { requests: 0, reserved: 0, actual: 0, short: 0 },
    rejectedAttempts: 0,
    firstAt: undefined,
    entryAt: 0,
    lastAt: 0,
    activeMsBefore: 0,
  };
}

/** Adds one event of the run, in journal order. Changes `bill`. O(1); memory is O(calls that have not succeeded). */
export function addToBill(bill: OpenBill, event: Event): void {
  if (bill.firstAt === undefined) bill.firstAt = bill.entryAt = bill.lastAt = event.at;
  else if (event.at > bill.lastAt) bill.lastAt = event.at;
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
      return;
    case 'run.resumed':
      bill.activeMsBefore = event.activeMs;
      bill.entryAt = event.at;
      return;
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
      rejected: { attempts: bill.rejectedAttempts, ...bill.rejected },
      all: unionOf(bill),
    },
    estimateError: { ...bill.estimate },
    wallMs: bill.lastAt - (bill.firstAt ?? bill.lastAt),
    activeMs: bill.firstAt === undefined ? 0 : bill.activeMsBefore + bill.lastAt - bill.entryAt,
  };
}

/** The bill of a whole journal. O(entries). */
export async function billOf(entries: AsyncIterable<Entry> | Iterable<Entry>): Promise<Bill> {
  const bill = emptyBill();
  for await (const { event } of entries) addToBill(bill, event);
  return billNow(bill);
}

function addRequest(bill: OpenBill, event: EventOf<'model.requested'>): void {
  const left = bill.sent.get(event.place);
  // Asked again after a crash: the lost one stays counted as it is, and nobody will answer it any more.
  if (left !== undefined && left.assumedUsd === undefined) bill.unpriced.add(left.model);
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
  bill.sent.set(event.place, { call: event.call, model: event.model, rows, reserved, assumedUsd, repair });
  tax(bill, event.call, event.attempt, repair, 1, reserved, assumedUsd ?? 0);
}

function addAnswer(bill: OpenBill, event: EventOf<'model.responded'> | EventOf<'model.failed'>): void {
  const sent = bill.sent.get(event.place);
  if (sent === undefined) return;
  bill.sent.delete(event.place);
  const failed = event.kind === 'model.failed';
  const { usage, usdMicros } = event;
  const assumedUsd = sent.assumedUsd ?? 0;
  const unpricedBy = Number(usdMicros === undefined && (!failed || spent(usage))) - Number(sent.assumedUsd === undefined);
  if (unpricedBy + Number(sent.assumedUsd === undefined) > 0) bill.unpriced.add(sent.model);
  const unsent = event.kind === 'model.failed' && event.unsent === true;
  for (const row of sent.rows) {
    if (unsent) row.calls -= 1;
    else if (failed) row[event.error.code === 'CANCELLED' ? 'cancelled' : 'failed'] += 1;
    row.tokensIn += usage.tokensIn - sent.reserved;
    row.tokensOut += usage.tokensOut;
    row.tokensCached += usage.tokensCached;
    row.tokensReasoning += usage.tokensReasoning;
    row.usdMicros += (usdMicros ?? 0) - assumedUsd;
    row.callsUnpriced += unpricedBy;
    row.modelMs += event.ms;
  }
  addTo(bill.open, -1, -sent.reserved, -assumedUsd);
  tax(
    bill,
    sent.call,
    undefined,
    sent.repair,
    unsent ? -1 : 0,
    usage.tokensIn + usage.tokensOut - sent.reserved,
    (usdMicros ?? 0) - assumedUsd,
  );
  if (event.kind === 'model.failed' && event.retryMs !== undefined) {
    const tokens = usage.tokensIn + usage.tokensOut;
    addTo(bill.retries, 1, tokens, usdMicros ?? 0);
    if (!sent.repair) addExtra(bill, bill.tallies.get(sent.call), 1, tokens, usdMicros ?? 0);
  }
  if (event.kind === 'model.responded' && event.estimated === undefined) {
    const { estimate } = bill;
    estimate.requests += 1;
    estimate.reserved += sent.reserved;
    estimate.actual += usage.tokensIn;
    estimate.short += Math.max(0, usage.tokensIn - sent.reserved);
  }
}

/** What a request without an answer is assumed to have cost: the input's share of its reservation, by tokens. Not less than its input costs while output tokens are not cheaper. Undefined without a price. Pure. */
export function assumedUsdMicros(event: EventOf<'model.requested'>): number | undefined {
  const { reservedUsdMicros, reservedTokensIn, reservedTokensOut } = event;
  if (reservedUsdMicros === undefined) return undefined;
  const tokens = reservedTokensIn + reservedTokensOut;
  return tokens === 0 ? 0 : Math.ceil((reservedUsdMicros * reservedTokensIn) / tokens);
}

function tax(
  bill: OpenBill,
  call: Place,
  attempt: number | undefined,
  repair: boolean,
  requests: number,
  tokens: number,
  usd: number,
): void {
  if (repair) {
    addTo(bill.repairs, requests, tokens, usd);
    addTo(bill.extra, requests, tokens, usd);
  }
  let tally = bill.tallies.get(call);
  if (tally === undefined) {
    // An answer whose call already ended: its attempt can no longer be rejected.
    if (attempt === undefined) return;
    tally = { attempt, all: emptySum(), extra: emptySum() };
    bill.tallies.set(call, tally);
  }
  addTo(tally.all, requests, tokens, usd);
  if (repair) addTo(tally.extra, requests, tokens, usd);
}

function addExtra(bill: OpenBill, tally: Tally | undefined, requests: number, tokens: number, usd: number): void {
  addTo(bill.extra, requests, tokens, usd);
  if (tally !== undefined) addTo(tally.extra, requests, tokens, usd);
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

function addTo(sum: Sum, requests: number, tokens: number, usdMicros: number): void {
  sum.requests += requests;
  sum.tokens += tokens;
  sum.usdMicros += usdMicros;
}

function rowOf(rows: Map<string, Row>, name: string): Row {
  let row = rows.get(name);
  if (row === undefined) {
    row = emptyRow();
    rows.set(name, row);
  }
  return row;
}

function emptyRow(): Row {
  return {
    calls: 0,
    failed: 0,
    cancelled: 0,
    tokensIn: 0,
    tokensOut: 0,
    tokensCached: 0,
    tokensReasoning: 0,
    usdMicros: 0,
    callsUnpriced: 0,
    modelMs: 0,
  };
}

function emptySum(): Sum {
  return { requests: 0, tokens: 0, usdMicros: 0 };
}

function frozenRows(rows: ReadonlyMap<string, Row>): Readonly<Record<string, Spend>> {
  return Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, row]) => [name, { ...row }]));
}
