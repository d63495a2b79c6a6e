// The model's part of the fold behind tree.ts: requests and their answers, as turns of an attempt. Called by growth.ts.
//
// G2 A hedged turn is one turn: it is answered when either sending is, and what both cost is its call's.
// G3 A turn that failed has an error for as long as nobody is asked again: that it is to be is only meant when it fails.

import type { Event, EventOf, ModelEvent } from './event.ts';
import { attemptIn, type Call, type Grove, reopen, type Sending, touch, type Turn } from './grove.ts';
import type { ErrorCode } from '../agent/errors.ts';
import { assumedUsdMicros } from './openRequests.ts';

/** How much of what a model said a tree keeps per turn. */
const SAID_CHARS_MAX = 600;

/** Adds one event of a model request, in journal order. O(1). */
export function growTurn(grove: Grove, event: Extract<Event, { kind: ModelEvent['kind'] }>): void {
  if (event.kind === 'model.requested') return ask(grove, event);
  const sending = grove.sendings.take(event);
  if (sending === undefined) return;
  const { call, of: turn } = sending;
  touch(grove, call, event.at);
  settle(sending, event);
  // What lost says nothing of its turn, which another sending decided.
  if (event.kind === 'model.failed' && event.lost === true) return;
  turn.ms = event.ms;
  tokensOf(turn, event);
  if (event.kind === 'model.failed') return fail(grove, turn, event);
  turn.status = 'answered';
  if (event.hedge === true) turn.hedgeWon = true;
  turn.finish = event.finish;
  const said = event.text ?? saidIn(event);
  if (said !== '') turn.said = said.slice(0, SAID_CHARS_MAX);
}

function fail(grove: Grove, turn: Turn, event: EventOf<'model.failed'>): void {
  if (grove.sendings.has(event.place, event.turn)) return noteFailure(turn, event.error.code);
  turn.status = event.error.code === 'CANCELLED' ? 'cancelled' : 'failed';
  turn.error = event.error;
}

function noteFailure(turn: Turn, code: ErrorCode): void {
  turn.failures = [...(turn.failures ?? []), code];
}

function ask(grove: Grove, event: EventOf<'model.requested'>): void {
  const call = grove.calls.get(event.call);
  if (call === undefined) return;
  reopen(grove, call, event.at);
  grove.askers.set(event.place, call);
  const again = knownTurn(grove, call, event);
  const turn: Turn = again ?? {
    turn: event.turn,
    model: event.model,
    why: event.why,
    sent: 0,
    status: 'running',
    tokensIn: 0,
    tokensOut: 0,
    tools: [],
  };
  // What a tool asks is no turn of the conversation that it serves: it is in the call's cost alone.
  if (again === undefined && (event.gated !== true || call.kind !== 'model')) attemptIn(call, event.attempt).turns.push(turn);
  const hedge = event.hedge === true;
  // It goes on, with the same model or another: what it failed of is not its end.
  if (turn.error !== undefined) noteFailure(turn, turn.error.code);
  delete turn.error;
  if (hedge) turn.hedges = (turn.hedges ?? 0) + 1;
  else turn.sent += 1;
  turn.status = 'running';
  turn.model = event.model;
  turn.tokensIn = event.reservedTokensIn;
  const moves = grove.moves.get(event.place);
  if (moves !== undefined) turn.moves = [...(turn.moves ?? []), ...moves];
  grove.moves.delete(event.place);
  grove.turns.set(event.place, turn);
  const assumedUsd = assumedUsdMicros(event);
  grove.sendings.add(event.place, { turn: event.turn, hedge, of: turn, call, assumedTokensIn: turn.tokensIn, assumedUsd });
  const { own } = call;
  own.calls += 1;
  own.tokensIn += turn.tokensIn;
  own.usdMicros += assumedUsd ?? 0;
  own.unpriced += Number(assumedUsd === undefined);
}

/** The turn that is sent again, if it is one. Code may hold several conversations at once, each at its own place. */
function knownTurn(grove: Grove, call: Call, { place, attempt, turn, gated }: EventOf<'model.requested'>): Turn | undefined {
  if (gated !== true) return attemptIn(call, attempt).turns.findLast((one) => one.turn === turn);
  const last = grove.turns.get(place);
  return last?.turn === turn ? last : undefined;
}

/** Replaces what was assumed of this request by what it cost. One whose answer never came stays assumed spent (bill.ts, B2). */
function settle(
  { call: { own }, assumedTokensIn, assumedUsd }: Sending,
  event: EventOf<'model.responded'> | EventOf<'model.failed'>,
): void {
  const { usage, usdMicros } = event;
  const free = event.kind === 'model.failed' && usage.tokensIn + usage.tokensOut === 0;
  if (event.kind === 'model.failed' && event.unsent === true) own.calls -= 1;
  own.tokensIn += usage.tokensIn - assumedTokensIn;
  own.tokensOut += usage.tokensOut;
  own.usdMicros += (usdMicros ?? 0) - (assumedUsd ?? 0);
  own.unpriced += Number(usdMicros === undefined && !free) - Number(assumedUsd === undefined);
}

/** A turn is shown with what its last sending cost. */
function tokensOf(turn: Turn, { usage, usdMicros }: EventOf<'model.responded'> | EventOf<'model.failed'>): void {
  turn.tokensIn = usage.tokensIn;
  turn.tokensOut = usage.tokensOut;
  if (usdMicros !== undefined) turn.usdMicros = usdMicros;
}

function saidIn(event: EventOf<'model.responded'>): string {
  return event.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
