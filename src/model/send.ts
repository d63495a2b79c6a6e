// Sends one request until it is answered or must not be sent again: reserve → the gate lets it in → send → classify → send
// again → account. Callers see one request and one answer or one typed error.
//
// G1 every sending is reserved, told, told of again with what came of it, and settled, in this order: what settling lets
//    through is told after it, so that no budget is passed at any position of the journal.
// G2 only here is a request sent again, at most `retries` times, and never one that was refused for what it is.
// G3 an answer that broke off is never an answer.
// G4 the gate is told once of every sending that it let in, whatever became of it.
// G5 a turn has at most two sendings on their way, its first and its hedge. The one that is answered first decides; it is
//    told before the other, which is cut off. Where both fail, what the first failed of decides.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import type { Usage } from '../journal/event.ts';
import { cameOf, NOTHING_CAME } from './came.ts';
import type { GateBounds, Permit } from './gate.ts';
import type { Incident } from './gateView.ts';
import type { Due, Lane } from './hedging.ts';
import type { Price } from './prices.ts';
import { resend, type ResendBounds, type Sendings } from './resend.ts';
import { sending, spentBy, type Way, wayOf } from './sending.ts';
import type { Delta } from './turnStream.ts';
import type { Patience, WatchPorts } from './watch.ts';

/** A place in every budget above a request, until it is settled. */
export interface Reserved {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly capped: boolean;
  settle(spent: { readonly tokens: number; readonly usdMicros: number } | undefined): void;
}

/** A sending that failed. `usage` is what must be assumed spent. */
export interface Failed {
  readonly ok: false;
  readonly error: AmdahlError;
  readonly usage: Usage;
  readonly usdMicros: number | undefined;
  readonly ms: number;
  /** It never left: the call was over before it could. */
  readonly unsent: boolean;
  /** The provider fails for everybody, and this is one of its failures. */
  readonly incident: Incident | undefined;
  readonly hedge: boolean;
  /** The other sending of its turn was answered first. */
  readonly lost: boolean;
}

/** A sending that was answered. */
export interface Answered {
  readonly ok: true;
  readonly result: LanguageModelV4GenerateResult;
  readonly usage: Usage;
  readonly estimated: boolean;
  readonly usdMicros: number | undefined;
  /** What the provider's cache saved of it, where that is known exactly. */
  readonly savedUsdMicros: number | undefined;
  readonly ms: number;
  readonly capped: boolean;
  /** It answers the second sending of its turn. */
  readonly hedge: boolean;
}

/** What came of a request. */
export type Sent = Answered | Failed;

/** What a request wants of the budgets above it. */
interface Wanted {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly price: Price | undefined;
  readonly model: string;
}

/** What a request asks of the gate in front of its model. */
interface Entering {
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly hasNext: boolean;
}

/** What a second sending of a turn needs from the run. */
export interface HedgePorts {
  /** Those that are sent like it: they say when it is late. */
  readonly lane: Pick<Lane, 'watch'>;
  /** Room in every budget above, where it is there at once. */
  reserveNow(wanted: Wanted): Reserved | undefined;
  /** Leave to send, where it is given at once. */
  enterNow(wanted: Entering): Permit | undefined;
}

/** What a turn needs whose prompt may be in the provider's cache, or come there. */
export interface CachingPorts {
  /** Waits while another request is about to put there what this one would read; before anything is reserved. */
  follow(): Promise<void> | undefined;
  /** Others wait for the beginning of its answer: then it is streamed, whoever listens. */
  readonly leads: boolean;
  /** The request as it is sent: with marks, in the provider's words. */
  marked(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions;
  sent(streams: boolean): void;
  /** Its answer begins. */
  begun(): void;
  /** Whatever came of it; `ms` is how long its answer took. */
  over(ms: number | undefined): void;
}

/** What sending needs from the run. */
export interface SendPorts extends WatchPorts {
  readonly price: Price | undefined;
  readonly sendings: Sendings;
  readonly random: () => number;
  reserve(wanted: Wanted): Reserved | Promise<Reserved>;
  /** Leave to send from the gate in front of the model; absent where there is none. Rejects where waiting is in vain. */
  enter(wanted: Entering): Permit | Promise<Permit> | undefined;
  /** How many requests are on their way through that gate. */
  inFlight(): number;
  /** Given where a turn may be sent a second time while the first sending is on its way. */
  readonly hedging?: HedgePorts | undefined;
  /** Given where its provider may have a cache for it. */
  readonly caching?: CachingPorts | undefined;
  /** Runs foreign code under the call's life: aborts it and stops waiting when that ends, or when it is cut off. */
  lend<T>(work: (signal: AbortSignal, cut: (error: Error) => void) => PromiseLike<T>): Promise<T>;
  /** Resolves after `ms`; rejects when the call's life ends before. */
  wait(ms: number): Promise<void>;
  /** Told after reserving, before sending; throws when it must not be sent any more. `again` counts the sendings that failed before. */
  requested(reserved: Reserved, again: number, hedge: boolean): void;
  /** Told of the sending that was answered. */
  answered(answered: Answered): void;
  /** Told of every sending that failed; `retryMs` is the wait before the next, absent when this was the last. */
  failed(failed: Failed, retryMs: number | undefined): void;
  /** Given where somebody listens: the turn is then streamed. */
  readonly delta?: ((delta: Delta) => void) | undefined;
}

export interface Outgoing {
  readonly model: LanguageModelV4;
  /** All but signal and cap. */
  readonly options: LanguageModelV4CallOptions;
  readonly tokensIn: number;
  /** What is reserved where the settings say nothing. */
  readonly tokensOutAssumed: number;
  /** Whether any budget above counts tokens or USD: only then is the output capped. */
  readonly metered: boolean;
  /** It takes what comes: the output is only capped where a budget has less left than is assumed. */
  readonly open?: boolean;
  /** How much the model reads at most, where that is known. For messages. */
  readonly contextTokens?: number;
  readonly bounds: Patience & ResendBounds & GateBounds;
  /** Another model is asked where this one is down. */
  readonly hasNext: boolean;
  /** Whether somebody has heard some of the answer already: then it is not sent again. */
  readonly begun?: () => boolean;
}

/**
 * Sends one request until it is answered or must not be sent again. Rejects only when a sending was refused by a budget or
 * by the gate, or the life ended in between.
 */
export async function send(outgoing: Outgoing, ports: SendPorts): Promise<Sent> {
  const { caching } = ports;
  if (caching === undefined) return await sendUntil(outgoing, ports);
  const following = caching.follow();
  if (following !== undefined) await following;
  let sent: Sent | undefined;
  try {
    sent = await sendUntil(outgoing, ports);
    return sent;
  } finally {
    caching.over(sent?.ok === true ? sent.ms : undefined);
  }
}

async function sendUntil(outgoing: Outgoing, ports: SendPorts): Promise<Sent> {
  const counts: Counts = { again: 0, turnedAway: 0 };
  for (;;) {
    const { sent, waitMs } = await sendOnce(outgoing, ports, counts);
    if (waitMs === undefined) return sent;
    if (typeof waitMs === 'number') await ports.wait(waitMs);
  }
}

/** How long until the next sending, in ms; or it goes back in line at the gate, which knows. */
type Wait = number | 'in line';

/** How often a turn was sent again because it failed, and because it was turned away. */
interface Counts {
  again: number;
  turnedAway: number;
}

/** What a sending of a turn came to, and the wait before the next where there is one. */
interface Told {
  readonly sent: Sent;
  readonly waitMs?: Wait | undefined;
}

/** A sending, what it holds, and what came of it. */
interface Leg {
  readonly way: Way;
  sent: Sent | undefined;
  /** It holds nothing any more. */
  isSettled: boolean;
}

async function sendOnce(outgoing: Outgoing, ports: SendPorts, counts: Counts): Promise<Told> {
  const reserving = ports.reserve(wantedBy(outgoing, ports));
  const first = legOf(reserving instanceof Promise ? await reserving : reserving, undefined, false);
  try {
    const { tokensIn, tokensOut } = first.way.reserved;
    const entering = ports.enter({ tokensIn, tokensOut, hasNext: outgoing.hasNext });
    first.way.permit = entering instanceof Promise ? await entering : entering;
    depart(first, ports, counts);
    const { hedging } = ports;
    if (hedging !== undefined) return await hedged(first, hedging, outgoing, ports, counts);
    return tell(first, await sending(outgoing, ports, first.way), first, outgoing, ports, counts);
  } finally {
    settle(first);
  }
}

function legOf(reserved: Reserved, permit: Permit | undefined, hedge: boolean): Leg {
  return { way: wayOf(reserved, hedge, permit), sent: undefined, isSettled: false };
}

/** Tells that it is sent now. Throws when it must not be any more. */
function depart({ way: { reserved, hedge } }: Leg, ports: SendPorts, { again, turnedAway }: Counts): void {
  ports.requested(reserved, again + turnedAway, hedge);
  ports.sendings.sent += 1;
}

/** Gives back what it holds. Whoever let it in was told before, unless it never left. */
function settle(leg: Leg): void {
  if (leg.isSettled) return;
  leg.isSettled = true;
  leg.way.permit?.done(NOTHING_CAME);
  leg.way.reserved.settle(spentBy(leg.sent, leg.way));
}

/** Tells of the sending that decides its turn. Of two that failed that is the last; then what the first failed of is judged. */
function tell(last: Leg, sent: Sent, first: Leg, outgoing: Outgoing, ports: SendPorts, counts: Counts): Told {
  const incident = last.way.permit?.done(cameOf(sent, ports.now()));
  last.sent = sent;
  if (sent.ok) {
    ports.answered(sent);
    return { sent };
  }
  const judged = first.sent?.ok === false ? first.sent : sent;
  const gated = first.way.permit !== undefined;
  const [failed, waitMs] = whatNext({ ...judged, incident: incident ?? judged.incident }, gated, counts, outgoing, ports);
  last.sent = last === first ? failed : hitBy({ ...sent, incident });
  ports.failed(last.sent, waitMs === 'in line' ? 0 : waitMs);
  return { sent: failed, waitMs };
}

/** A sending, and a second one beside it once it is late. */
async function hedged(first: Leg, hedging: HedgePorts, outgoing: Outgoing, ports: SendPorts, counts: Counts): Promise<Told> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly [Leg, Sent]>();
  const out = new Map<Leg, Promise<Sent>>();
  let isDecided = false;
  const came = (leg: Leg, sent: Sent): void => {
    if (isDecided) return;
    out.delete(leg);
    if (!sent.ok && out.size > 0) return fall(leg, sent, ports);
    isDecided = true;
    resolve([leg, sent]);
  };
  const go = (leg: Leg): void => {
    const over = sending(outgoing, ports, leg.way);
    out.set(leg, over);
    over.then((sent) => came(leg, sent)).catch(reject);
  };
  go(first);
  const over = hedging.lane.watch(() => {
    if (isDecided) return 'never';
    const second = secondOf(first, hedging, outgoing, ports, counts);
    if (typeof second === 'string') return second;
    go(second);
    return 'sent';
  });
  try {
    const [last, sent] = await promise;
    try {
      for (const { way } of out.keys()) way.cut?.(answeredFirst());
      return tell(last, sent, first, outgoing, ports, counts);
    } finally {
      for (const [leg, cut] of out) lose(leg, await cut, ports);
      settle(last);
    }
  } finally {
    settle(first);
    over(first.sent?.ok === true);
  }
}

/** The hedge of a turn, where its budgets have room for it and its gate lets it in at once. */
function secondOf(first: Leg, hedging: HedgePorts, outgoing: Outgoing, ports: SendPorts, counts: Counts): Leg | Exclude<Due, 'sent'> {
  const reserved = hedging.reserveNow(wantedBy(outgoing, ports));
  if (reserved === undefined) return 'never';
  const { tokensIn, tokensOut } = reserved;
  // It must be able to say as much as the first.
  const isEnough = tokensOut >= first.way.reserved.tokensOut;
  const permit = isEnough ? hedging.enterNow({ tokensIn, tokensOut, hasNext: outgoing.hasNext }) : undefined;
  if (permit === undefined) {
    reserved.settle(undefined);
    return isEnough ? 'later' : 'never';
  }
  const second = legOf(reserved, permit, true);
  try {
    depart(second, ports, counts);
    return second;
  } catch {
    // The call is over, and whoever waits for the first sending is told so.
    settle(second);
    return 'never';
  }
}

/** Tells of a sending that failed while the other is on its way, which decides. */
function fall(leg: Leg, sent: Failed, ports: SendPorts): void {
  const failed = hitBy({ ...sent, incident: leg.way.permit?.done(cameOf(sent, ports.now())) });
  leg.sent = failed;
  ports.failed(failed, undefined);
  settle(leg);
}

/** Tells of a sending that was cut off because the other was answered, or that came to something at the same moment. */
function lose(leg: Leg, sent: Sent, ports: SendPorts): void {
  leg.way.permit?.done(cameOf(sent, ports.now()));
  const { usage, usdMicros, ms } = sent;
  const { hedge } = leg.way;
  const error = answeredFirst();
  const failed: Failed = { ok: false, error, usage, usdMicros, ms, unsent: false, incident: undefined, hedge, lost: true };
  leg.sent = failed;
  ports.failed(failed, undefined);
  settle(leg);
}

function answeredFirst(): AmdahlError {
  return new AmdahlError('CANCELLED', 'The other sending of this turn was answered first.');
}

/** The failure as it is told, and the wait before the next sending where there is one. */
function whatNext(
  failed: Failed,
  gated: boolean,
  counts: Counts,
  { bounds, hasNext, begun = () => false }: Outgoing,
  { sendings, random }: SendPorts,
): [Failed, Wait | undefined] {
  const { incident } = failed;
  const { error } = hitBy(failed);
  const next = resend(error, counts, { down: incident !== undefined, hasNext, gated, begun: begun() }, sendings, bounds, random());
  if (!next.again) return [{ ...failed, error: said(error, counts, next.why) }, undefined];
  if (next.turnedAway) {
    counts.turnedAway += 1;
  } else {
    counts.again += 1;
    // Counted when decided: those that fail at the same moment must not all pass the budget.
    sendings.again += 1;
  }
  return [{ ...failed, error }, next.turnedAway ? 'in line' : next.waitMs];
}

/** With the incident that it belongs to in its error, where there is one. */
function hitBy(failed: Failed): Failed {
  const { incident, error } = failed;
  if (incident === undefined) return failed;
  const { code, message, retryable, problems, data, cause } = error;
  return { ...failed, error: new AmdahlError(code, message, { retryable, problems, data: { ...data, incident: incident.id }, cause }) };
}

function wantedBy({ model, options, tokensIn, tokensOutAssumed }: Outgoing, { price }: SendPorts): Wanted {
  return { tokensIn, tokensOut: options.maxOutputTokens ?? tokensOutAssumed, price, model: modelName(model) };
}

/** The failure that stands, with how often it was tried. */
function said(error: AmdahlError, { again, turnedAway }: Counts, why: string | undefined): AmdahlError {
  if (why === undefined) return error;
  const { code, message, retryable, problems, data, cause } = error;
  return new AmdahlError(code, `${message} It is not sent again: ${why}.`, {
    retryable,
    problems,
    data: { ...data, sendings: again + turnedAway + 1 },
    cause,
  });
}
