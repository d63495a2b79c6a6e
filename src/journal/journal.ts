// The port every store implements: memory.ts, sqlite.ts, and whoever comes after. The laws are in
// test/suites/journal.ts and every store runs them.
//
// I1 seq is dense per run; an append is accepted iff its claim's epoch is the newest; what was acknowledged
//    survives any crash, and nobody ever sees two orders of it.
// I2 notes and appends of one claim are stored in the order in which they were made. When an append is
//    acknowledged, so is every note before it. The events of one append become durable together or not at all.

import type { AskResponse, AskRow, AsksOptions, Reply, Responded, Response } from './ask.ts';
import type { Pruned, PruneOptions } from './prune.ts';
import type { AskId, Entry, Event, EventKind, Place, ProgramRef, RunId } from './event.ts';

/** Who works on a run. `pid` and `host` are for people and for telling whether it is still alive. */
export interface Owner {
  readonly id: string;
  readonly pid: number;
  readonly host: string;
}

export type RunStatus = 'running' | 'parked' | 'succeeded' | 'partial' | 'failed' | 'cancelled' | 'interrupted';

/**
 * One line per run, kept beside the events. `parked`: its last event says that it waits for people; a living owner does so in a process.
 * `interrupted` is a running one whose owner is gone. Times in epoch ms.
 */
export interface RunRow {
  readonly run: RunId;
  readonly agent: string;
  readonly inputHash: string;
  readonly status: RunStatus;
  readonly program?: ProgramRef;
  readonly scope?: string;
  readonly startedAt: number;
  readonly updatedAt: number;
  readonly events: number;
  readonly epoch: number;
  readonly owner?: Owner & { readonly alive: boolean; readonly seenAt: number };
}

/** A run that has not ended. */
export interface UnfinishedRow extends RunRow {
  /** Nobody works on it and somebody could: it is interrupted, or parked with a response or an expiry that it does not know of. */
  readonly ready: boolean;
}

/** The right to append to one run, until it is released or somebody with a higher epoch takes it. */
export interface Claim {
  readonly run: RunId;
  readonly epoch: number;
  /** How many events the run had when it was claimed: 0 for a new one. */
  readonly events: number;
  /** Appends when the next append or the flush interval comes. Never throws: trouble shows at the next append and at `lost`. */
  note(event: Event): void;
  /**
   * Appends and resolves once these events and all before them are durable.
   * @throws AmdahlError RUN_LOST when the epoch is stale, JOURNAL_FULL, JOURNAL_BUSY, JOURNAL_UNWRITABLE, JOURNAL_DAMAGED;
   *   after any of these every later append of this claim rejects with the same error.
   */
  append(events: readonly Event[]): Promise<void>;
  /** Calls back once if the claim breaks (taken over, disk full), also between appends. */
  onLost(listener: (error: Error) => void): void;
  /** Calls back once when somebody, here or in another process, wants the run to stop. What is done about it is the holder's. */
  onCancel(listener: (reason: string) => void): void;
  /**
   * Calls back once per accepted response to an ask of the run, also for those accepted before: at once where it was accepted in this
   * process, else within about a second. The holder journals it.
   */
  onResponse(listener: (ask: AskId, response: Response) => void): void;
  /** Responses that were accepted and not journaled yet, oldest first. Looked at before an ask expires, none is passed over. */
  responses(): Promise<readonly AskResponse[]>;
  /** Makes all notes durable and gives the run up. Safe to call twice. Never throws. */
  release(): Promise<void>;
}

/** An answer that another call may use. `at` in epoch ms by the clock of the run that bought it. */
export interface Answer {
  readonly run: RunId;
  readonly place: Place;
  readonly seq: number;
  readonly at: number;
}

/** How many answers to one key `answers()` gives. */
export const ANSWERS_MAX = 8;

export interface CancelOptions {
  /** For people: it is journaled. Default: that nobody said why. */
  readonly reason?: string;
}

/** What came of wanting a run to stop. */
export type Cancelling =
  /** Its owner lives and is told, within about a second where it is another process. It then ends the run by itself. */
  | { readonly kind: 'asked'; readonly owner: Owner }
  /** Nobody worked on it: it is cancelled now. */
  | { readonly kind: 'cancelled' }
  /** It had ended before. */
  | { readonly kind: 'ended'; readonly status: RunStatus };

export interface ReadOptions {
  /** Only entries with a higher seq. Default: from the start. */
  readonly after?: number;
  readonly kinds?: readonly EventKind[];
  /** At most so many, and no more are looked at. Default: all. */
  readonly limit?: number;
}

export interface Journal {
  /**
   * Takes a run, new or known. The epoch is one more than the last.
   * @throws AmdahlError RUN_OWNED when a living owner has it, with the owner in `data`.
   */
  claim(run: RunId): Promise<Claim>;
  /** All entries that belong to one place, in order. O(log n + answer). */
  at(run: RunId, place: Place): Promise<readonly Entry[]>;
  /** Entries in order, read in pages and never held whole. Only what is durable. */
  read(run: RunId, options?: ReadOptions): AsyncIterable<Entry>;
  /**
   * The newest answers of all runs that were recorded under a key (`reuse` of call.succeeded), newest first, at most
   * ANSWERS_MAX. Whether they still stand is not looked at. O(log n).
   */
  answers(key: string): Promise<readonly Answer[]>;
  /** One run's line. */
  row(run: RunId): Promise<RunRow | undefined>;
  /** Newest first. */
  rows(limit?: number): Promise<readonly RunRow[]>;
  /**
   * Runs that have not ended, oldest first: those somebody works on, those that are parked, and those whose owner is gone.
   * `now`: by which asks are past their time. Default: the journal's clock. O(unfinished runs and their asks).
   */
  unfinished(now?: number): Promise<readonly UnfinishedRow[]>;
  /** Questions to people, oldest first. O(those that are open), with `all` or `run` O(those there are, or are of it). */
  asks(options?: AsksOptions): Promise<readonly AskRow[]>;
  /**
   * The one of this id, or whose id alone begins so.
   * @throws AmdahlError ASK_UNKNOWN where that may be several, or is shorter than 6 characters.
   */
  ask(idOrPrefix: string): Promise<AskRow | undefined>;
  /**
   * Says something to an ask. The first response that comes in time, from whatever process, is accepted and durable; whoever works on
   * the run hears of it, or its next entry does.
   * @throws AmdahlError NOT_JSON
   */
  respond(ask: AskId, reply: Reply, now: number): Promise<Responded>;
  /**
   * Calls back when this process has stored more events of a run, or given it up; returns what stops that. Not of what other
   * processes do: who wants to know reads again. The listener must only take note, not work.
   */
  watch(run: RunId, listener: () => void): () => void;
  /**
   * Stops a run, whoever works on it; where nobody does, its open asks are withdrawn. It can be gone on with afterwards, like any
   * other that was cancelled.
   * @throws AmdahlError RUN_UNKNOWN
   */
  cancel(run: RunId, options?: CancelOptions): Promise<Cancelling>;
  /**
   * Deletes runs that nobody works on: their events, what finds them, and the texts that no other run refers to. In small
   * steps, so that others go on meanwhile; killed in the middle, it leaves whole runs.
   * @throws AmdahlError MISCONFIGURED, RUN_UNKNOWN and RUN_OWNED for runs that were named
   */
  prune(options: PruneOptions): Promise<Pruned>;
  close(): Promise<void>;
}
