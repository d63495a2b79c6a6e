// The invariants of design §5 as named checkers over a run's journal and the requests that a server counted.
// Called by whoever crashes runs: in one process (test/crash), with SIGKILL, or in a simulation. Each throws an
// InvariantBroken that names the law and the evidence; the caller adds seed, position and how to run it again.
//
// A turn's id is what the request header carries: the place of the turn, made from its attempt's place.

import { canonical, hash } from '../../src/agent/canonical.ts';
import { type Bill, billOf } from '../../src/journal/bill.ts';
import { type Budget, type More, raised } from '../../src/agent/budget.ts';
import type { AskId, Entry, Event, EventOf, Place } from '../../src/journal/event.ts';
import { askerPlace, callPlace } from '../../src/run/place.ts';

export class InvariantBroken extends Error {
  override readonly name = 'InvariantBroken';
}

/** A request as the server saw it: from which of the processes that worked on the run, under which turn id. */
export interface SentRequest {
  readonly process: number;
  readonly turn: string;
  /** The server failed it in a way that asks for being sent again. */
  failed?: true;
}

/** A process that worked on the run: how many events were durable when it came and when it was gone. */
export interface Shift {
  readonly begin: number;
  readonly end: number;
  readonly died: boolean;
}

function broken(law: string, evidence: string): InvariantBroken {
  return new InvariantBroken(`${law}: ${evidence}`);
}

/** The id that a turn's request carried. */
export function turnId(event: { readonly place: Place; readonly turn: number }): string {
  return askerPlace(event.place, 'turn', event.turn);
}

/** I1: seq counts from 0 without gaps. */
export function logIsDense(entries: readonly Entry[]): void {
  entries.forEach(({ seq }, index) => {
    if (seq !== index) throw broken('I1 log', `entry ${index} has seq ${seq}`);
  });
}

/** I1: what was durable before a crash is still there, the same. */
export function prefixSurvives(before: readonly Entry[], after: readonly Entry[]): void {
  before.forEach((entry, index) => {
    if (JSON.stringify(entry) !== JSON.stringify(after[index]))
      throw broken('I1 log', `event ${index} (${entry.event.kind}) was durable and changed or is gone`);
  });
}

/** I2: a place has at most one live outcome between two retractions, and a call with a live success asks no model. */
export function oneLiveOutcome(entries: readonly Entry[]): void {
  const live = new Map<Place, EventOf<'call.succeeded'> | EventOf<'call.failed'>>();
  for (const { seq, event } of entries) {
    if (event.kind === 'call.retracted') live.delete(event.place);
    if (event.kind === 'model.requested' && live.has(event.call))
      throw broken('I3 nothing bought twice', `event ${seq}: ${event.path} sends turn ${event.turn} though it has a live outcome`);
    if (event.kind !== 'call.succeeded' && event.kind !== 'call.failed') continue;
    const before = live.get(event.place);
    if (before !== undefined)
      throw broken('I2 answer after record', `event ${seq}: ${event.kind} at a place that has a live ${before.kind}`);
    live.set(event.place, event);
  }
}

/** I2: interruptions (crash, cancel of the run, loss of the journal) are never outcomes. */
export function interruptionIsNoOutcome(entries: readonly Entry[]): void {
  for (const { seq, event } of entries) {
    if (event.kind === 'call.failed' && /^(?:RUN_LOST|RUN_OWNED|JOURNAL_)/.test(event.error.code)) {
      throw broken('I2 answer after record', `event ${seq}: ${event.error.code} was recorded as the outcome of a call`);
    }
  }
}

/** I3: a turn is answered once, and values are drawn once. */
export function recordedOnce(entries: readonly Entry[]): void {
  const once = new Map<string, number>();
  for (const { seq, event } of entries) {
    const key = keyOfOnce(event);
    if (key === undefined) continue;
    const before = once.get(key);
    if (before !== undefined) throw broken('I3 nothing bought twice', `events ${before} and ${seq} both record ${key}`);
    once.set(key, seq);
  }
}

function keyOfOnce(event: Event): string | undefined {
  switch (event.kind) {
    case 'model.responded':
      return `the answer of turn ${event.turn} of ${event.place}`;
    case 'value.drawn':
      return `value ${event.index} of ${event.place}`;
    case 'decision':
      // Which model is asked is decided as often as one fails.
      return event.question === 'model' ? undefined : `the decision ${event.question} of ${event.place}`;
    case 'call.started':
      return `the start of ${event.path} (${event.place})`;
    case 'attempt.started':
      return `the start of attempt ${event.attempt} of ${event.place}`;
    case 'attempt.repaired':
      return `the repair after turn ${event.turn} of ${event.place}`;
    default:
      return undefined;
  }
}

/** I3: no turn whose answer was durable when a process began is sent by it, and no process sends a turn again that did not fail. */
export function nothingSentTwice(entries: readonly Entry[], requests: readonly SentRequest[], shifts: readonly Shift[]): void {
  const answeredAt = new Map<string, number>();
  for (const { seq, event } of entries) if (event.kind === 'model.responded') answeredAt.set(turnId(event), seq);
  const sent = new Set<string>();
  for (const { process, turn, failed } of requests) {
    const answered = answeredAt.get(turn);
    const begin = shifts[process]?.begin ?? entries.length;
    if (answered !== undefined && answered < begin)
      throw broken(
        'I3 nothing bought twice',
        `turn ${turn} was answered at event ${answered} and sent again by process ${process}, which began at event ${begin}`,
      );
    if (sent.has(`${process} ${turn}`)) throw broken('I3 nothing bought twice', `turn ${turn} was sent twice by process ${process}`);
    if (failed === undefined) sent.add(`${process} ${turn}`);
  }
}

/** I3: requests after any kills ≤ requests undisturbed + those in flight at the kills. */
export function requestsBounded(requests: readonly SentRequest[], undisturbed: number, lost: number): void {
  if (requests.length > undisturbed + lost)
    throw broken(
      'I3 nothing bought twice',
      `${requests.length} requests were sent; undisturbed there are ${undisturbed}, and ${lost} were in flight at the crashes`,
    );
}

/** How many requests were in flight at the deaths: sent, and without a durable answer when their process died. */
export function inFlightAtDeaths(entries: readonly Entry[], requests: readonly SentRequest[], shifts: readonly Shift[]): number {
  const answeredAt = new Map<string, number>();
  for (const { seq, event } of entries) if (event.kind === 'model.responded') answeredAt.set(turnId(event), seq);
  return requests.filter(({ process, turn }) => {
    const shift = shifts[process];
    return shift?.died === true && (answeredAt.get(turn) ?? Infinity) >= shift.end;
  }).length;
}

/** I4: same place ⇒ same asker, agent and raw input, over all entries and all runs given; and the place is made of them. */
export class Identities {
  readonly #known = new Map<Place, string>();

  add(entries: readonly Entry[]): void {
    for (const { seq, event } of entries) {
      if (event.kind !== 'call.started') continue;
      const { place, asker, agent, input, path, of, under } = event;
      const identity = canonical({ asker, agent, input, path, of, under });
      const known = this.#known.get(place);
      if (known !== undefined && known !== identity)
        throw broken('I4 identity', `event ${seq}: the place ${place} was ${known} and is ${identity}`);
      this.#known.set(place, identity);
      const suffix = /#([^#/]*)$/.exec(path)?.[1];
      const counts = suffix === undefined ? [0] : [suffix, ...(/^\d+$/.test(suffix) ? [Number(suffix)] : [])];
      if (!counts.some((nth) => callPlace(asker, agent, hash(canonical(input)), nth) === place))
        throw broken('I4 identity', `event ${seq}: the place of ${path} is not made of its asker, agent, input and count`);
    }
  }
}

/** I8: the run's bill is the journal's, its rows add up to it, and each request is in flight, answered or failed. */
export async function billAddsUp(entries: readonly Entry[], bill: Bill): Promise<void> {
  const again = await billOf(entries);
  if (canonical(again) !== canonical(bill))
    throw broken('I8 money and order', `the run's bill ${canonical(bill)} is not the journal's ${canonical(again)}`);
  for (const rows of [bill.agents, bill.models]) {
    for (const field of [
      'calls',
      'failed',
      'tokensIn',
      'tokensOut',
      'tokensCached',
      'tokensCacheWritten',
      'tokensReasoning',
      'usdMicros',
      'callsUnpriced',
      'modelMs',
    ] as const) {
      const sum = Object.values(rows).reduce((total, row) => total + row[field], 0);
      if (sum !== bill[field]) throw broken('I8 money and order', `the rows have ${sum} ${field}, the bill ${bill[field]}`);
    }
  }
  const count = (kind: Event['kind']): number => entries.filter(({ event }) => event.kind === kind).length;
  const [sent, responded, failed] = [count('model.requested'), count('model.responded'), count('model.failed')];
  const unsent = entries.filter(({ event }) => event.kind === 'model.failed' && event.unsent === true).length;
  if (bill.calls !== sent - unsent)
    throw broken('I8 money and order', `the bill has ${bill.calls} calls, the journal ${sent} requests, of which ${unsent} never left`);
  if (responded + failed + bill.open.requests !== sent)
    throw broken('I8 money and order', `${sent} requests, but ${responded} answered, ${failed} failed and ${bill.open.requests} open`);
}

/**
 * I8: what the server counted is what was billed. By a process that ended the run, exactly; one that died may have sent
 * requests whose notes were lost, and may not have sent the last ones that were noted before its death.
 */
export function serverCountsTheSame(entries: readonly Entry[], requests: readonly SentRequest[], shifts: readonly Shift[]): void {
  for (const [process, { begin, end, died }] of shifts.entries()) {
    const own = entries.slice(begin, end);
    const noted = own.flatMap(({ event }) => (event.kind === 'model.requested' ? [turnId(event)] : []));
    const counted = new Set(requests.filter((request) => request.process === process).map(({ turn }) => turn));
    const unsent = noted.filter((turn) => !counted.has(turn));
    const unnoted = [...counted].filter((turn) => !noted.includes(turn));
    if (!died && unsent.length + unnoted.length > 0) {
      throw broken(
        'I8 money and order',
        `process ${process} ended the run; ${unsent.length} requests were billed and not sent, ${unnoted.length} sent and not billed`,
      );
    }
    const answered = new Set(own.flatMap(({ event }) => (event.kind === 'model.responded' ? [turnId(event)] : [])));
    const impossible = unsent.filter((turn) => answered.has(turn));
    if (impossible.length > 0)
      throw broken('I8 money and order', `process ${process} has answers to requests that the server never saw: ${impossible.join(', ')}`);
  }
}

/**
 * I8: in every account settled + reserved ≤ cap at every position of the journal: calls exactly, tokens up to what estimates
 * fell short. Cap is what it was with all that people gave. What never left, or was refused for its rate and served nothing, gives its call back.
 */
export function budgetsHold(entries: readonly Entry[]): void {
  const caps = new Map<Place, Budget>();
  const sums = new Map<Place, { calls: number; tokens: number; short: number }>();
  const open = new Map<Place, EventOf<'model.requested'>>();
  const asked = new Map<AskId, Place>();
  const book = (accounts: readonly Place[], calls: number, tokens: number, short: number): void => {
    for (const place of accounts) {
      const sum = sums.get(place) ?? { calls: 0, tokens: 0, short: 0 };
      sums.set(place, { calls: sum.calls + calls, tokens: sum.tokens + tokens, short: sum.short + short });
    }
  };
  for (const { seq, event } of entries) {
    if (event.kind === 'call.started' && event.budget !== undefined) caps.set(event.place, event.budget);
    if (event.kind === 'call.retracted') sums.delete(event.place);
    // What a person gave is added once, when it is on record.
    if (event.kind === 'ask.opened' && event.of === 'budget') asked.set(event.ask, event.place);
    if (event.kind === 'ask.answered') {
      const place = asked.get(event.ask);
      const cap = place === undefined ? undefined : caps.get(place);
      if (place !== undefined && cap !== undefined) caps.set(place, raised(cap, event.value as More)); // as the form has it
    }
    if (event.kind === 'model.requested') {
      // One left by a crash stays spent: its reservation is never given back.
      open.set(event.place, event);
      book(event.accounts, 1, event.reservedTokensIn + event.reservedTokensOut, 0);
    }
    if (event.kind === 'model.responded' || event.kind === 'model.failed') {
      const request = open.get(event.place);
      open.delete(event.place);
      if (request !== undefined) {
        const reserved = request.reservedTokensIn + request.reservedTokensOut;
        const used = event.usage.tokensIn + event.usage.tokensOut;
        const isNone =
          event.kind === 'model.failed' && (event.unsent === true || (event.error.code === 'MODEL_RATE_LIMITED' && used === 0));
        book(request.accounts, isNone ? -1 : 0, used - reserved, Math.max(0, used - reserved));
      }
    }
    for (const [place, cap] of caps) {
      const sum = sums.get(place);
      if (sum === undefined) continue;
      if (cap.calls !== undefined && sum.calls > cap.calls)
        throw broken('I8 money and order', `event ${seq}: ${sum.calls} calls in an account capped at ${cap.calls}`);
      if (cap.tokens !== undefined && sum.tokens > cap.tokens + sum.short)
        throw broken('I8 money and order', `event ${seq}: ${sum.tokens} tokens in an account capped at ${cap.tokens}`);
    }
  }
}

/**
 * Asks: what is open is not opened again, what is over is not ended again, an answer stands unless its call is retried, and a
 * run is parked for asks that are open.
 */
export function asksHold(entries: readonly Entry[]): void {
  const open = new Set<AskId>();
  const answered = new Map<AskId, readonly Place[]>();
  for (const { seq, event } of entries) {
    const wrong = (what: string): InvariantBroken => broken('asks', `event ${seq}: ${event.kind} of an ask that ${what}`);
    switch (event.kind) {
      case 'ask.opened':
        if (open.has(event.ask)) throw wrong('is open');
        if (answered.has(event.ask)) throw wrong('was answered');
        open.add(event.ask);
        break;
      case 'ask.answered':
      case 'ask.refused':
      case 'ask.expired':
      case 'ask.withdrawn':
        if (!open.delete(event.ask)) throw wrong('is not open');
        if (event.kind === 'ask.answered') answered.set(event.ask, callsOf(entries, event.ask));
        break;
      case 'call.retracted':
        if (event.why !== 'retried') break;
        for (const [ask, calls] of answered) if (calls.includes(event.place)) answered.delete(ask);
        break;
      case 'run.parked':
        if (event.asks.length === 0 || event.asks.some((ask) => !open.has(ask)))
          throw broken('asks', `event ${seq}: parked for none that is open`);
        break;
      case 'run.succeeded':
      case 'run.failed':
        if (open.size > 0) throw broken('asks', `event ${seq}: ${event.kind} leaves ${open.size} asks open`);
        break;
      default:
        break;
    }
  }
}

function callsOf(entries: readonly Entry[], ask: AskId): readonly Place[] {
  return entries.flatMap(({ event }) => (event.kind === 'ask.opened' && event.ask === ask ? event.calls : []));
}
