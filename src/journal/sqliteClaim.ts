// One claim on one run of a SQLite journal: encodes at once, waits for the group, tells who waits.
// Made by sqliteStore.ts. Its one job in the group commit writes all it has by then; what comes while a transaction is
// made waits for the next.
//
// C1 the epoch is checked in the transaction that writes, before anything is written.
// C2 notes and appends go down in the order in which they were made; an append never in part.
// C3 after the first error every append rejects with it, and only the giving up of the run is still tried.

import { encodeEvent } from './codec.ts';
import type { EncodedEvent } from './codec.ts';
import { EVENT_VERSION } from './event.ts';
import { type AskResponse, type AskRow, isAskEvent, type Response, stateAfter } from './ask.ts';
import type { AskId, Event, RunId } from './event.ts';
import type { GroupCommit, Job } from './sqliteGroup.ts';
import type { Claim } from './journal.ts';
import { Break, Heard, runLost, runReleased, Wish } from './ownership.ts';
import type { Seal } from './sqliteSeal.ts';
import type { AskEvent } from './worldEvent.ts';
import { advanceRow, changesRow } from './rows.ts';
import type { RowState } from './rows.ts';
import { type Cell, type Change, EVENT_CELLS, type Stored, type StoredAnswer, type StoredAskEvent } from './sqliteChange.ts';
import type { StoredRun } from './sqliteTables.ts';

/** What a claim needs of its store. */
export interface ClaimHome {
  readonly group: GroupCommit;
  readonly clock: { now(): number };
  /** The claim does not work on its run any more. */
  readonly leave: (claim: SqliteClaim) => void;
  /** More of its run is stored, or it was given up. */
  readonly tell: (run: RunId) => void;
  /** Responses to a run that it has not journaled, oldest first. */
  readonly responded: (run: RunId) => Promise<readonly AskRow[]>;
  /** Of an encrypted file. */
  readonly seal: Seal | undefined;
}

/** A run as it is taken: what its claim begins with. */
export type Taken = Pick<StoredRun, 'run' | 'no' | 'events' | 'updatedAt' | 'row'>;

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What goes down together. `row` is the run's row after these events; absent where none of them changes it. */
interface Batch {
  readonly cells: Cell[];
  readonly answers: StoredAnswer[];
  readonly asks: StoredAskEvent[];
  readonly blobs: Map<string, Stored>;
  readonly waiters: Waiter[];
  row: RowState | undefined;
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
  readonly #wish = new Wish();
  readonly #heard = new Heard();
  readonly #job: Job = { change: () => this.#change(), done: (result) => this.#written(result), fail: (error) => this.fail(error) };
  readonly #beat: Job = { change: () => this.#seen(), done: (result) => this.#beaten(result), fail: () => undefined };
  #seq: number;
  /** Of the next event that is kept: those before it have theirs, written or not. */
  #next: number;
  /** Texts that this claim has sealed already: of one content the first record stays. */
  readonly #sealed = new Set<string>();
  #updatedAt: number;
  #row: RowState | undefined;
  #waiting: Batch = emptyBatch();
  /** Handed to a transaction that has not ended. */
  #flying: Batch | undefined;
  #released: Promise<void> | undefined;

  constructor(home: ClaimHome, taken: Taken, epoch: number) {
    this.#home = home;
    this.run = taken.run;
    this.no = taken.no;
    this.epoch = epoch;
    this.events = taken.events;
    this.#seq = taken.events;
    this.#next = taken.events;
    this.#updatedAt = taken.updatedAt;
    this.#row = taken.row;
  }

  note(event: Event): void {
    if (this.#break.error !== undefined || this.#released !== undefined) return;
    try {
      this.#keep([event]);
    } catch (thrown) {
      this.fail(asError(thrown));
      return;
    }
    this.#home.group.add(this.#job, this.#waiting.cells.length < PENDING_NOTES_MAX * EVENT_CELLS ? 'later' : 'soon');
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
      this.#waiting.waiters.push({ resolve, reject });
      this.#home.group.add(this.#job, 'soon');
    });
  }

  onCancel(listener: (reason: string) => void): void {
    this.#wish.onMade(listener);
  }

  /** Somebody wants the run to stop. */
  cancel(reason: string): void {
    this.#wish.make(reason);
  }

  /** Those accepted before come with the next look for wishes, or are asked for at once by `responses`. */
  onResponse(listener: (ask: AskId, response: Response) => void): void {
    this.#heard.onTold(listener);
  }

  hear({ ask, seq, response }: AskRow): void {
    if (response !== undefined && this.#released === undefined) this.#heard.tell(ask, seq, response);
  }

  async responses(): Promise<readonly AskResponse[]> {
    const rows = await this.#home.responded(this.run);
    return rows.flatMap(({ ask, response }) => (response === undefined ? [] : [{ ask, response }]));
  }

  onLost(listener: (error: Error) => void): void {
    this.#break.onBreak(listener);
  }

  /** A claim that is being given up stands in no later claim's way: what it still has to write goes down before. */
  get released(): boolean {
    return this.#released !== undefined;
  }

  release(): Promise<void> {
    this.#released ??= this.#giveUp();
    return this.#released;
  }

  /** Tells other processes that the owner lives, and this one where it does not own the run any more. */
  beat(): void {
    this.#home.group.add(this.#beat, 'soon');
  }

  /** The first error ends the claim; whoever waits for an append hears it. */
  fail(error: Error): void {
    this.#break.break(error);
    const waiters = [...(this.#flying?.waiters ?? []), ...this.#waiting.waiters];
    this.#flying = undefined;
    this.#waiting = emptyBatch();
    this.#home.leave(this);
    for (const waiter of waiters) waiter.reject(this.#break.error ?? error);
  }

  /** All or nothing: an event that cannot be encoded leaves none of its append behind. */
  #keep(events: readonly Event[]): void {
    const encoded = events.map(encodeEvent);
    const { cells, answers, asks, blobs } = this.#waiting;
    for (const [nth, { kind, place, json, blobs: more, answer }] of encoded.entries()) {
      const { seal } = this.#home;
      const event = events[nth];
      if (event !== undefined && isAskEvent(event)) asks.push(storedAsk(event, cells.length / EVENT_CELLS, seal));
      if (answer !== undefined)
        answers.push({ nth: cells.length / EVENT_CELLS, key: seal?.name('answer', answer) ?? answer, at: event?.at ?? 0 });
      if (seal === undefined) {
        cells.push(kind, place ?? null, json);
        for (const { hash, text } of more) blobs.set(hash, text);
      } else this.#seal(seal, { kind, place, json, blobs: more });
      this.#next += 1;
    }
    for (const event of events) {
      this.#updatedAt = event.at;
      if (!changesRow(this.#row, event)) continue;
      this.#row = advanceRow(this.#row, event);
      this.#waiting.row = this.#row;
    }
  }

  #seal(seal: Seal, { kind, place: of, json, blobs }: EncodedEvent): void {
    const place = of === undefined ? null : seal.name('place', of);
    this.#waiting.cells.push(kind, place, seal.sealEvent(json, { run: this.run, seq: this.#next, version: EVENT_VERSION, kind, place }));
    for (const { hash, text } of blobs) {
      if (this.#sealed.has(hash)) continue;
      this.#sealed.add(hash);
      const name = seal.name('blob', hash);
      this.#waiting.blobs.set(name, seal.close(text, name));
    }
  }

  #change(): Change {
    if (this.#break.error !== undefined) return { do: 'nothing' };
    const batch = this.#flying === undefined ? this.#waiting : joined(this.#flying, this.#waiting);
    this.#flying = batch;
    this.#waiting = emptyBatch();
    return {
      do: 'append',
      no: this.no,
      epoch: this.epoch,
      seq: this.#seq,
      cells: batch.cells,
      answers: batch.answers.length === 0 ? undefined : batch.answers,
      asks: batch.asks.length === 0 ? undefined : batch.asks,
      blobs: batch.blobs,
      row: batch.row === undefined ? undefined : sealedRow(batch.row, this.run, this.#home.seal),
      updatedAt: this.#updatedAt,
      seenAt: this.#home.clock.now(),
      waiters: batch.waiters.length === 0 && this.#released !== undefined ? 1 : batch.waiters.length,
    };
  }

  #written(result: number): void {
    if (result === 0) return this.#lose();
    const written = this.#flying;
    if (written === undefined) return;
    this.#flying = undefined;
    this.#seq += written.cells.length / EVENT_CELLS;
    for (const waiter of written.waiters) waiter.resolve();
    this.#home.tell(this.run);
  }

  #seen(): Change {
    return { do: 'beat', no: this.no, epoch: this.epoch, seenAt: this.#home.clock.now() };
  }

  /** A heartbeat that could not be written is tried again a third of the ttl later; appends say what is wrong. */
  #beaten(result: number): void {
    if (result === 0) this.#lose();
  }

  #lose(): void {
    this.fail(runLost(this.run, this.epoch));
  }

  async #giveUp(): Promise<void> {
    const { group } = this.#home;
    if (this.#waiting.cells.length > 0) group.add(this.#job, 'soon');
    try {
      await group.perform({ do: 'disown', no: this.no, epoch: this.epoch });
    } catch {
      // Nobody can be told here: the owner's heartbeat ends and the run is free when it is too old.
    }
    this.#home.leave(this);
    this.#home.tell(this.run);
  }
}

/** What of a row could be guessed, or says whose it is. */
function sealedRow(row: RowState, run: RunId, seal: Seal | undefined): RowState {
  if (seal === undefined) return row;
  const { scope } = row;
  const inputHash = seal.sealField(row.inputHash, `input ${run}`);
  return { ...row, inputHash, ...(scope === undefined ? {} : { scope: seal.sealField(scope, `scope ${run}`) }) };
}

function storedAsk(event: AskEvent & { readonly at: number }, nth: number, seal: Seal | undefined): StoredAskEvent {
  const { at } = event;
  const ask = seal?.name('ask', event.ask) ?? event.ask;
  if (event.kind !== 'ask.opened') return { ask, at, state: stateAfter(event.kind) };
  const { of, expiresAt = null } = event;
  return { ask, at, nth, sealed: seal?.sealField(event.ask, `ask ${ask}`) ?? null, of, expiresAt };
}

function emptyBatch(): Batch {
  return { cells: [], answers: [], asks: [], blobs: new Map(), waiters: [], row: undefined };
}

/** A transaction that met a lock and what has come since. */
function joined(before: Batch, after: Batch): Batch {
  return {
    cells: [...before.cells, ...after.cells],
    answers: [...before.answers, ...after.answers.map((one) => ({ ...one, nth: one.nth + before.cells.length / EVENT_CELLS }))],
    asks: [...before.asks, ...after.asks.map((one) => ('nth' in one ? { ...one, nth: one.nth + before.cells.length / EVENT_CELLS } : one))],
    blobs: new Map([...before.blobs, ...after.blobs]),
    waiters: [...before.waiters, ...after.waiters],
    row: after.row ?? before.row,
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
