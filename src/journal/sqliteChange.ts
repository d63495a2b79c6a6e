// What may be done to the tables of a journal, as data, so that it can be done in another thread as well as in this
// one. Made by sqliteClaim.ts and sqliteStore.ts, gathered by sqliteGroup.ts, done by sqliteWriter.ts.

import type { AmdahlError } from '../agent/errors.ts';
import type { AskState } from './ask.ts';
import type { RunId } from './event.ts';
import type { RowState } from './rows.ts';
import type { StoredOwner } from './sqliteOwner.ts';

/**
 * One change and, as a number, what it comes to. 0 always means that it was refused and that nothing was written for it:
 * by an epoch that is not the run's any more, or by a row that is not as it was found.
 */
export type Change =
  | {
      /** Adds events to a run and counts as its heartbeat. */
      readonly do: 'append';
      readonly no: number;
      readonly epoch: number;
      readonly seq: number;
      /**
       * Kind, place (null where there is none) and JSON of one event after the other. Flat, because an object for each
       * takes four times as long on its way to another thread (measured: 20 us for 200 events against 82).
       */
      readonly cells: readonly Cell[];
      /** Which of them are answers that other calls may use. Absent where none is. */
      readonly answers: readonly StoredAnswer[] | undefined;
      /** What they say of questions to people. Absent where they say nothing. */
      readonly asks: readonly StoredAskEvent[] | undefined;
      /** Texts by hash. */
      readonly blobs: ReadonlyMap<string, Stored>;
      /** Absent where no event changes the run's row. */
      readonly row: RowState | undefined;
      readonly updatedAt: number;
      readonly seenAt: number;
      /** How many wait until the disk has it. */
      readonly waiters: number;
    }
  | {
      /** Makes a run or raises its epoch, if its row is still as it was found. Comes to the run's number. */
      readonly do: 'take';
      readonly run: RunId;
      readonly found: Found | undefined;
      readonly owner: StoredOwner;
      readonly seenAt: number;
    }
  | { readonly do: 'beat'; readonly no: number; readonly epoch: number; readonly seenAt: number }
  /** Leaves a wish to stop with the owner of a run. */
  | { readonly do: 'cancel'; readonly no: number; readonly epoch: number; readonly reason: string }
  /** Keeps what somebody said to a question, if that is open and in time. */
  | { readonly do: 'respond'; readonly ask: string; readonly response: string; readonly at: number }
  | { readonly do: 'disown'; readonly no: number; readonly epoch: number }
  | { readonly do: 'nothing' };

/** The `nth` event of an append, by the key under which others find it. */
export interface StoredAnswer {
  readonly nth: number;
  readonly key: string;
  readonly at: number;
}

/** One ask.* event. `ask`: as it is found, `sealed`: its id in an encrypted file. The `nth` of an append opens it. */
export type StoredAskEvent = { readonly ask: string; readonly at: number } & (
  | { readonly nth: number; readonly sealed: string | null; readonly of: string; readonly expiresAt: number | null }
  | { readonly state: AskState }
);

/** A text, or what it was sealed to. */
export type Stored = string | Uint8Array;
export type Cell = Stored | null;

/** How many cells an event has. */
export const EVENT_CELLS = 3;

/** What tells whether anybody has worked on a run since its row was read. */
export interface Found {
  readonly no: number;
  readonly epoch: number;
  readonly events: number;
  readonly seenAt: number;
}

/** How a transaction ended. Only a committed one has left anything behind; a busy one met another connection's lock and may be tried again. */
export type Outcome =
  | { readonly ended: 'committed'; readonly results: readonly number[] }
  | { readonly ended: 'busy' | 'failed'; readonly error: AmdahlError };

/** Where transactions are made. */
export interface Committer {
  /** Makes one transaction of the changes. `tell` is called once, now or later; until then there is no other commit. */
  commit(changes: readonly Change[], tell: (outcome: Outcome) => void): void;
  close(): Promise<void>;
}
