// One claim on one run of a SQLite journal: encodes at once, waits for the group, tells who waits.
// Made by sqliteStore.ts. Its one job in the group commit writes all it has pending.
//
// C1 the epoch is checked in the transaction that writes, before anything is written.
// C2 notes and appends go down in the order in which they were made; an append never in part.
// C3 after the first error every append rejects with it, and only the giving up of the run is still tried.

import { encodeEvent } from './codec.ts';
import type { EncodedEvent } from './codec.ts';
import type { Event, RunId } from './event.ts';
import type { GroupCommit, Job } from './sqliteGroup.ts';
import type { Claim } from './journal.ts';
import { Break, runLost, runReleased } from './ownership.ts';
import { advanceRow, isRunEvent } from './rows.ts';
import type { RowState } from './rows.ts';
import type { SqliteTables, StoredRun } from './sqliteTables.ts';

/** What a claim needs of its store. */
export interface ClaimHome {
  readonly tables: SqliteTables;
  readonly group: GroupCommit;
  readonly clock: { now(): number };
  /** The claim does not work on its run any more. */
  readonly leave: (claim: SqliteClaim) => void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Notes that wait for a flush beyond this many are flushed at the end of the tick. */
const PENDING_NOTES_MAX = 1000;

export class SqliteClaim implements Claim {
  readonly run: RunId;
  readonly no: number;
  readonly epoch: number;
  readonly events: number;
  readonly #home: ClaimHome;
  readonly #break = new Break();
  readonly #job: Job = { run: () => this.#write(), done: () => this.#written(), fail: (error) => this.fail(error) };
  #seq: number;
  #updatedAt: number;
  #row: RowState | undefined;
  #rowChanged = false;
  #pending: EncodedEvent[] = [];
  #waiters: Waiter[] = [];
  #released: Promise<void> | undefined;

  constructor(home: ClaimHome, stored: StoredRun, epoch: number) {
    this.#home = home;
    this.run = stored.run;
    this.no = stored.no;
    this.epoch = epoch;
    this.events = stored.events;
    this.#seq = stored.events;
    this.#updatedAt = stored.updatedAt;
    this.#row = stored.row;
  }

  note(event: Event): void {
    if (this.#break.error !== undefined || this.#released !== undefined) return;
    try {
      this.#keep([event]);
    } catch (thrown) {
      this.fail(asError(thrown));
      return;
    }
    this.#home.group.add(this.#job, this.#pending.length < PENDING_NOTES_MAX ? 'later' : 'soon');
  }

  async append(events: readonly Event[]): Promise<void> {
    if (this.#break.error !== undefined) throw this.#break.error;
    if (this.#released !== undefined) throw runReleased(this.run);
    try {
      this.#keep(events);
    } catch (thrown) {
      this.fail(asError(thrown));
      throw thrown;
    }
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      this.#home.group.add(this.#job, 'soon');
    });
  }

  onLost(listener: (error: Error) => void): void {
    this.#break.onBreak(listener);
  }

  release(): Promise<void> {
    this.#released ??= this.#giveUp();
    return this.#released;
  }

  /** The first error ends the claim; whoever waits for an append hears it. */
  fail(error: Error): void {
    this.#break.break(error);
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#pending = [];
    this.#home.leave(this);
    for (const waiter of waiters) waiter.reject(this.#break.error ?? error);
  }

  /** The heartbeat found a newer epoch. */
  lose(): void {
    this.fail(runLost(this.run, this.epoch));
  }

  /** All or nothing: an event that cannot be encoded leaves none of its append behind. */
  #keep(events: readonly Event[]): void {
    const encoded = events.map(encodeEvent);
    for (const form of encoded) this.#pending.push(form);
    for (const event of events) {
      this.#updatedAt = event.at;
      if (!isRunEvent(event)) continue;
      this.#row = advanceRow(this.#row, event);
      this.#rowChanged = true;
    }
  }

  #write(): void {
    if (this.#break.error !== undefined) return;
    const { tables, clock } = this.#home;
    const events = this.#seq + this.#pending.length;
    const current = tables.advance(this.no, this.epoch, events, this.#updatedAt, clock.now());
    if (!current) throw runLost(this.run, this.epoch);
    this.#pending.forEach((event, index) => tables.insertEvent(this.no, this.#seq + index, event));
    if (this.#rowChanged && this.#row !== undefined) tables.setRow(this.no, this.#row);
  }

  #written(): void {
    const waiters = this.#waiters;
    this.#seq += this.#pending.length;
    this.#pending = [];
    this.#waiters = [];
    this.#rowChanged = false;
    for (const waiter of waiters) waiter.resolve();
  }

  async #giveUp(): Promise<void> {
    const { group, tables } = this.#home;
    if (this.#pending.length > 0) group.add(this.#job, 'soon');
    try {
      await group.perform(() => tables.disown(this.no, this.epoch));
    } catch {
      // Nobody can be told here: the owner's heartbeat ends and the run is free when it is too old.
    }
    this.#home.leave(this);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
