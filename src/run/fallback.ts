// Which of its models a call asks (agent({ model: [first, second] })), and how that is told. Pure; conversation.ts asks.
//
// F1 a turn asks each model once, with its sendings again, and once more one that was left for an incident; the next only
//    for a failure that is the provider's.
// F2 a conversation stays with the model that answered it last, whose cache holds it and whose reasoning is in it, until
//    that one fails. A fresh attempt, and every other call, begins with the first again.
// F3 every change of the model is a decision at the attempt's place, noted before the model is asked. Whoever reads the
//    journal in order knows from them who is asked, and a resume goes on with the model that was decided on.

import { AmdahlError, type ErrorCode } from '../agent/errors.ts';
import type { Entry } from '../journal/event.ts';
import type { Candidate, Candidates } from './models.ts';

/** The question of the decisions. */
export const QUESTION = 'model';

/**
 * Failures that another provider need not have. A refused key is one: a key that is revoked or an account that is blocked
 * must not take down what has a second provider for such days. That it hides a wrong key is the price; the bill's row of
 * that model, the decisions and the failed requests in the journal show it, and a refused request costs nothing. A key that is not
 * set at all is told before a run begins.
 */
const MOVES_ON: ReadonlySet<ErrorCode> = new Set([
  'MODEL_RATE_LIMITED',
  'MODEL_OVERLOADED',
  'MODEL_UNAVAILABLE',
  'MODEL_TIMEOUT',
  'MODEL_GARBAGE',
  'MODEL_UNAUTHORIZED',
]);

/**
 * Whether a failure for good is a reason to ask the next model. What the request itself is refused for is none; that its
 * gate says that it would wait in vain (no turn before the call is over, too many in line) is one.
 */
export function movesOn({ code, data }: AmdahlError): boolean {
  return MOVES_ON.has(code) || ((code === 'TIMEOUT' || code === 'LIMIT_EXCEEDED') && data['gate'] !== undefined);
}

/** Those that a turn asks, in order: the present one, then the others as they are listed. */
export function inLine(candidates: Candidates, present: Candidate): [Candidate, ...Candidate[]] {
  return [present, ...candidates.filter((one) => one !== present)];
}

/** A model that was asked in vain. */
export interface Tried {
  readonly name: string;
  readonly error: AmdahlError;
}

/** Why the model before is left, for the decision; where none failed, a resume has forgotten that it did. */
export function reasonOf(tried: Tried | undefined): string {
  if (tried === undefined) return 'the failure for which it was left is forgotten';
  const { name, error } = tried;
  const incident = error.data['incident'];
  return `${name} failed: ${error.code}${typeof incident === 'string' ? ` (incident ${incident})` : ''}`;
}

/** The failure of a turn for which all of `tried` were asked in vain: the last one's, naming the others. Its own where it is alone. */
export function inVain(path: string, tried: readonly Tried[], last: AmdahlError): AmdahlError {
  if (tried.length === 1) return last;
  const { code, message, retryable, where, problems, data, cause } = last;
  const list = tried.map(({ name, error }) => `${name} (${error.code})`).join(', then ');
  return new AmdahlError(code, `None of its models answered '${path}': ${list}. The last: ${message}`, {
    retryable,
    where,
    problems,
    data: { ...data, models: tried.map(({ name, error }) => ({ model: name, code: error.code, message: error.message })) },
    cause,
  });
}

/** Who was asked in an attempt, by name, as whoever reads its journal knows it. */
export interface Asked {
  /** Who is to be asked: what was decided last, else the first. */
  told: string;
  /** With whom a resume goes on; undefined where nobody has answered. */
  readonly present: string | undefined;
  /** Who was asked last, and with which system message. */
  last: string | undefined;
  system: string | undefined;
  /** By turn, of those that were answered. */
  readonly authors: string[];
}

/** Before the first request. */
export function nobodyAsked(first: string): Asked {
  return { told: first, present: undefined, last: undefined, system: undefined, authors: [] };
}

/**
 * Who was asked, from the entries at the attempt's place. What was decided before `renewedSeq` led to a failure that is
 * forgotten: then who answered last goes on. Pure.
 */
export function askedSoFar(entries: readonly Entry[], first: string, renewedSeq: number): Asked {
  let [told, present, last, system]: (string | undefined)[] = [];
  const authors: string[] = [];
  for (const { seq, event } of entries) {
    if (event.kind === 'decision' && event.question === QUESTION && typeof event.choice === 'string') {
      told = event.choice;
      if (seq > renewedSeq) present = told;
    } else if (event.kind === 'model.requested') {
      last = told ?? event.model;
      const [begin] = event.adds;
      if (begin?.role === 'system') system = begin.content;
    } else if (event.kind === 'model.responded' && last !== undefined) {
      authors[event.turn] = last;
      present = last;
    }
  }
  return { told: told ?? first, present, last, system, authors };
}
