// Questions to people as a journal keeps them beside its events: which there are, what became of each, and what somebody said to
// one that its run does not know of yet. A fold over the ask.* events, plus the responses. Called by the stores; asked by run/.
//
// K1 of one ask at most one response is accepted between two openings, by whichever process: the first.
// K2 an accepted response is durable and stays until the run journals what came of the ask.
// K3 what an ask is about, and what was answered, stands in the run's events alone: here only while the run has not taken it.

import type { Json } from '../agent/canonical.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import type { AskId, RunId } from './ids.ts';
import type { AskEvent, AskKind } from './worldEvent.ts';

/** 'responded': somebody said something and the run has not journaled it yet. What follows is over. */
export type AskState = 'open' | 'responded' | 'answered' | 'refused' | 'expired' | 'withdrawn';

/** What somebody says to an ask. Whether a value fits is the run's to judge. */
export type Reply =
  | { readonly kind: 'answer'; readonly value: Json; readonly by?: string }
  | { readonly kind: 'refuse'; readonly reason: string; readonly by?: string };

/** A reply that was accepted. `at`: when, in epoch ms. */
export type Response = Reply & { readonly at: number };

/** One line per ask. Times in epoch ms. */
export interface AskRow {
  readonly ask: AskId;
  readonly run: RunId;
  readonly scope?: string;
  readonly of: AskKind;
  /** Of its last ask.opened, which says what it is about. */
  readonly seq: number;
  readonly openedAt: number;
  /** Later than this no response is accepted. It is open until its run says that it has expired. */
  readonly expiresAt?: number;
  readonly state: AskState;
  /** Since when it is in this state. */
  readonly since: number;
  /** Only while it is 'responded'. */
  readonly response?: Response;
}

/** An accepted response and what it is to. */
export interface AskResponse {
  readonly ask: AskId;
  readonly response: Response;
}

export interface AsksOptions {
  /** Only those of runs of this scope. */
  readonly scope?: string;
  readonly run?: RunId;
  /** Those that nobody can respond to any more too. Default: the open ones. */
  readonly all?: boolean;
}

/** What came of responding. */
export type Responded =
  | { readonly kind: 'accepted'; readonly row: AskRow }
  /** Somebody was faster, or nobody needs it any more: which, and since when. */
  | { readonly kind: 'closed'; readonly row: AskRow }
  /** Its time was over, whether or not its run has said so. */
  | { readonly kind: 'expired'; readonly row: AskRow }
  | { readonly kind: 'unknown' };

/** How much of an id is enough to find it by. */
const ASK_PREFIX_MIN = 6;

/** Whether an event changes what becomes of an ask. Pure. */
export function isAskEvent(event: { readonly kind: string }): event is AskEvent {
  return event.kind.startsWith('ask.') && event.kind !== 'ask.told';
}

/** What an event makes of its ask. Pure. */
export function stateAfter(kind: AskEvent['kind']): AskState {
  switch (kind) {
    case 'ask.opened':
      return 'open';
    case 'ask.answered':
      return 'answered';
    case 'ask.refused':
      return 'refused';
    case 'ask.expired':
      return 'expired';
    case 'ask.withdrawn':
      return 'withdrawn';
  }
}

/** Whether a response to it may be accepted, as far as its time says. Pure. */
export function isInTime(expiresAt: number | undefined, now: number): boolean {
  return expiresAt === undefined || now < expiresAt;
}

/** Why a response was not accepted. Pure. */
export function notAccepted(row: AskRow | undefined, now: number): Responded {
  if (row === undefined) return { kind: 'unknown' };
  const isLate = row.state === 'expired' || (row.state === 'open' && !isInTime(row.expiresAt, now));
  return { kind: isLate ? 'expired' : 'closed', row };
}

/**
 * Whether a parked run has something to go on with: something was said to it, one of its asks is past its time, or none is left to wait
 * for. Pure.
 */
export function canGoOn(asks: Iterable<Pick<AskRow, 'state' | 'expiresAt'>>, now: number): boolean {
  let isOpen = false;
  for (const { state, expiresAt } of asks) {
    if (state === 'responded' || (state === 'open' && !isInTime(expiresAt, now))) return true;
    isOpen ||= state === 'open';
  }
  return !isOpen;
}

/**
 * The response as text, as stores keep it.
 * @throws AmdahlError NOT_JSON
 */
export function textOf(reply: Reply, at: number): string {
  try {
    return JSON.stringify({ ...reply, at });
  } catch (thrown) {
    throw new AmdahlError('NOT_JSON', `What was said to the question is not JSON: ${describe(thrown)}.`, { cause: thrown });
  }
}

/** @throws AmdahlError ASK_UNKNOWN where so few characters say nothing. */
export function checkPrefix(prefix: string): void {
  if (prefix.length < ASK_PREFIX_MIN)
    throw new AmdahlError(
      'ASK_UNKNOWN',
      `'${prefix}' is too short to find a question by: give at least ${ASK_PREFIX_MIN} characters of its id. amdahl inbox lists those that are open.`,
    );
}

/** The one of several that a prefix means. @throws AmdahlError ASK_UNKNOWN where it may be several. */
export function onlyOne<Row extends { readonly ask: AskId }>(prefix: string, found: readonly Row[]): Row | undefined {
  if (found.length < 2) return found[0];
  const exact = found.find(({ ask }) => ask === prefix);
  if (exact !== undefined) return exact;
  const ids = found.map(({ ask }) => ask).join(', ');
  throw new AmdahlError(
    'ASK_UNKNOWN',
    `More than one question begins with '${prefix}': ${ids}. Give more characters of the one that is meant.`,
  );
}
