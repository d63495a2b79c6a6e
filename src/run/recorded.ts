// What the journal knows of one place, folded from its few entries. Pure folds; called by the funnel of a
// re-entered run, one place at a time.

import type { ErrorRecord, Problem } from '../agent/errors.ts';
import type { Entry, Gap, Json, Origin, Place, RetractReason } from '../journal/event.ts';
import type { RecordedTurn } from '../model/loop.ts';

export type Outcome =
  | {
      readonly kind: 'succeeded';
      readonly output: Json | undefined;
      readonly outputHash: string | undefined;
      readonly fingerprint: string | undefined;
      readonly gaps: readonly Gap[];
      /** Where it was bought, if not here. */
      readonly from: Origin | undefined;
      /** Keys of its effects that a holder above commits, in order. */
      readonly staged: readonly string[] | undefined;
    }
  | { readonly kind: 'failed'; readonly error: ErrorRecord; readonly causes: readonly Place[]; readonly fingerprint: string | undefined };

export interface RecordedAttempt {
  readonly number: number;
  readonly fingerprint: string | undefined;
  readonly seq: number;
  rejected: Rejection | undefined;
}

/** Why an attempt was refused, and when. */
export interface Rejection {
  readonly seq: number;
  readonly why: 'contract' | 'check' | 'code' | 'approval' | 'undone';
  readonly problems: readonly Problem[];
}

/** The commit point of a call: from there it only rolls forward. */
export interface Confirmed {
  readonly output: Json;
  readonly gaps: readonly Gap[];
  readonly fingerprint: string | undefined;
  /** Keys, in the order in which they are committed. */
  readonly effects: readonly string[];
  /** Which of the call's confirmations it is. */
  readonly nth: number;
}

/** A call as the journal has it. */
export interface RecordedCall {
  readonly startedAt: number | undefined;
  /** The live outcome: what stands unless it was retracted. */
  readonly outcome: Outcome | undefined;
  /** The last outcome, retracted or not. */
  readonly last: Outcome | undefined;
  readonly attempts: readonly RecordedAttempt[];
  /** Set from its commit point on, until it fails or its answer is forgotten. */
  readonly confirmed: Confirmed | undefined;
  /** How often it was confirmed. */
  readonly confirmations: number;
  /** The last retraction. Bounds count anew from here. */
  readonly retracted: { readonly why: RetractReason; readonly seq: number; readonly at: number } | undefined;
}

export const NOTHING_RECORDED: RecordedCall = {
  startedAt: undefined,
  outcome: undefined,
  last: undefined,
  attempts: [],
  confirmed: undefined,
  confirmations: 0,
  retracted: undefined,
};

/** The state of a call from the entries at its place. Pure. */
export function foldCall(entries: readonly Entry[]): RecordedCall {
  let startedAt: number | undefined;
  let outcome: Outcome | undefined;
  let last: Outcome | undefined;
  let retracted: RecordedCall['retracted'];
  let confirmed: Confirmed | undefined;
  let confirmations = 0;
  const attempts: RecordedAttempt[] = [];
  for (const { seq, event } of entries) {
    switch (event.kind) {
      case 'call.started':
        startedAt ??= event.at;
        break;
      case 'attempt.started':
        attempts.push({ number: event.attempt, fingerprint: event.fingerprint, seq, rejected: undefined });
        break;
      case 'attempt.rejected': {
        const attempt = attempts.find((one) => one.number === event.attempt);
        if (attempt !== undefined) attempt.rejected = { seq, why: event.why, problems: event.problems };
        break;
      }
      case 'call.confirmed': {
        const { output, gaps = [], fingerprint, effects } = event;
        confirmed = { output, gaps, fingerprint, effects, nth: confirmations };
        confirmations += 1;
        break;
      }
      case 'call.succeeded':
        outcome = {
          kind: 'succeeded',
          output: event.output,
          outputHash: event.outputHash,
          fingerprint: event.fingerprint,
          gaps: event.gaps ?? [],
          from: event.from,
          staged: event.staged,
        };
        last = outcome;
        break;
      case 'call.failed':
        outcome = { kind: 'failed', error: event.error, causes: event.causes, fingerprint: event.fingerprint };
        last = outcome;
        confirmed = undefined;
        break;
      case 'call.retracted':
        retracted = { why: event.why, seq, at: event.at };
        // Before its end it goes on rolling forward, whoever retries it.
        if (outcome !== undefined) confirmed = undefined;
        outcome = undefined;
        break;
      default:
        break; // Guards and waits say nothing of the outcome.
    }
  }
  return { startedAt, outcome, last, attempts, confirmed, confirmations, retracted };
}

/** A conversation from the entries at its attempt's place, turn by turn. */
export function foldTurns(entries: readonly Entry[]): readonly RecordedTurn[] {
  const turns: { -readonly [K in keyof RecordedTurn]: RecordedTurn[K] }[] = [];
  for (const { seq, event } of entries) {
    if (event.kind === 'model.requested') {
      // A turn sent twice (a crash in between, another model) says the same both times: it was never rendered again.
      turns[event.turn] ??= { adds: event.turn === 0 ? event.adds : addedBy(event.adds), why: event.why, seq, repaired: false };
    } else if (event.kind === 'attempt.repaired') {
      const turn = turns[event.turn];
      if (turn !== undefined) turn.repaired = true;
    } else if (event.kind === 'model.responded') {
      const turn = turns[event.turn];
      if (turn === undefined) continue;
      turn.replySeq = seq;
      turn.reply = {
        content: event.content,
        finish: event.finish,
        capped: event.capped === true,
        ...(event.formless === true ? { formless: true } : {}),
        ...(event.hidden === undefined ? {} : { hidden: event.hidden }),
        ...(event.finishRaw === undefined ? {} : { finishRaw: event.finishRaw }),
        ...(event.text === undefined ? {} : { text: event.text }),
      };
    }
  }
  return turns;
}

/** Without the beginning that a model asked later was given of its own: it stands in place of the first, and is made again. */
function addedBy(adds: RecordedTurn['adds']): RecordedTurn['adds'] {
  return adds[0]?.role === 'system' ? adds.slice(1) : adds;
}

/** What became of a tool call or an act. What came back stays, whatever was retracted: only an open act is begun anew. */
export type RecordedAct =
  | { readonly kind: 'none' }
  | { readonly kind: 'returned'; readonly result: Json }
  | { readonly kind: 'threw'; readonly error: ErrorRecord };

export function foldAct(entries: readonly Entry[]): RecordedAct {
  let act: RecordedAct = { kind: 'none' };
  for (const { event } of entries) {
    if (event.kind !== 'tool.returned') continue;
    act = 'error' in event ? { kind: 'threw', error: event.error } : { kind: 'returned', result: event.result };
  }
  return act;
}

/** Values drawn and choices made by an asker, from the entries at its place. */
export interface RecordedAsker {
  readonly values: ReadonlyMap<number, number>;
  readonly choices: ReadonlyMap<string, Json>;
}

export function foldAsker(entries: readonly Entry[]): RecordedAsker {
  const values = new Map<number, number>();
  const choices = new Map<string, Json>();
  for (const { event } of entries) {
    if (event.kind === 'value.drawn') values.set(event.index, event.value);
    if (event.kind === 'decision') choices.set(event.question, event.choice);
  }
  return { values, choices };
}
