// One SQLite file as one process sees it: the connection that reads, the committer that writes, its claims and their
// heartbeat. Called by sqliteOpen.ts, whose handles share one store per process and file.
//
// S1 a run has at most one living claim: one per process by the table of claims here, one per file by
//    the owner in the run's row, which is looked at here and replaced only while it is as it was seen.
// S2 a claim that lost its run hears it at its next append or at the next heartbeat, whichever is first.

import type { DatabaseSync } from 'node:sqlite';
import { AmdahlError } from '../agent/errors.ts';
import { type AskRow, notAccepted, type Reply, type Responded, textOf } from './ask.ts';
import { decodeEvent } from './codec.ts';
import type { AskId, EventOf, RunId } from './event.ts';
import { GroupCommit } from './sqliteGroup.ts';
import { mayLive } from './sqliteOwner.ts';
import type { StartOf, StoredOwner } from './sqliteOwner.ts';
import type { Cancelling, RunRow, UnfinishedRow } from './journal.ts';
import { cancelledText, endCancelled, refuseNamed, runOwned, runOwnedHere, runUnknown } from './ownership.ts';
import { isPruned, type Pruned, type PruneOptions, retentionMs } from './prune.ts';
import { isUnfinished, isWorkedOn, showRow, showUnfinished } from './rows.ts';
import { SqliteAsks } from './sqliteAsks.ts';
import { SqliteClaim, type Taken } from './sqliteClaim.ts';
import { isBusy, journalBusy, journalError } from './sqliteErrors.ts';
import type { Change, Committer } from './sqliteChange.ts';
import { openFile } from './sqliteFile.ts';
import type { JournalKey, Seal } from './sqliteSeal.ts';
import { sealOf } from './sqliteLock.ts';
import { SqlitePruner } from './sqlitePrune.ts';
import type { SqliteSettings } from './sqliteOptions.ts';
import { SqliteTables } from './sqliteTables.ts';
import type { StoredRun } from './sqliteTables.ts';
import { NearestCommitter } from './sqliteNearest.ts';
import { inItsThread } from './sqliteThread.ts';
import { Watchers } from './watchers.ts';
import { inThisThread, type WriterOptions } from './sqliteWriter.ts';

export interface StoreOptions {
  readonly writer: WriterOptions;
  readonly thread: SqliteSettings['thread'];
  readonly flushMs: number;
  readonly ttlMs: number;
  readonly maxAgeMs: number | undefined;
  /** Of an encrypted file. */
  readonly key: JournalKey | undefined;
  readonly clock: { now(): number };
  readonly owner: StoredOwner;
  readonly startOf: StartOf;
}

const BUSY_RETRY_MS = 10;
/** How often an owner looks whether somebody wants it to stop, or has said something to it. */
const LISTEN_MS = 500;

export class SqliteStore {
  readonly file: string;
  readonly tables: SqliteTables;
  readonly asks: SqliteAsks;
  readonly group: GroupCommit;
  readonly clock: { now(): number };
  readonly watchers: Watchers = new Watchers();
  readonly #db: DatabaseSync;
  readonly #seal: Seal | undefined;
  readonly #committer: Committer;
  readonly #options: StoreOptions;
  readonly #claims = new Map<RunId, SqliteClaim>();
  #heartbeat: NodeJS.Timeout | undefined;
  #retainedAt = -Infinity;
  #retention: Promise<unknown> = Promise.resolve();
  #listener: NodeJS.Timeout | undefined;

  constructor(file: string, options: StoreOptions) {
    this.file = file;
    this.#options = options;
    this.clock = options.clock;
    this.#db = openFile(file, options.writer);
    this.#seal = sealFor(this.#db, file, options.key);
    this.tables = new SqliteTables(this.#db, file, this.#seal);
    this.asks = new SqliteAsks(this.#db, file, this.#seal);
    const { thread, flushMs } = options;
    const here = (): Committer => inThisThread(this.#db, file, options.writer);
    const there = (): Committer => inItsThread(file, options.writer);
    this.#committer = thread === 'main' ? here() : thread === 'worker' ? there() : new NearestCommitter(here(), there);
    this.group = new GroupCommit(this.#committer, { file, flushMs, busyMs: options.writer.busyMs });
  }

  /** `holder` hears of the claim before anybody else does, and when it ends. */
  async claim(run: RunId, holder: Set<SqliteClaim>): Promise<SqliteClaim> {
    const busyBy = performance.now() + this.#options.writer.busyMs;
    for (;;) {
      const claim = await this.#take(run, holder);
      if (claim !== undefined) {
        this.#retain();
        return claim;
      }
      if (performance.now() >= busyBy)
        throw journalBusy(this.file, this.#options.writer.busyMs, new Error(`run ${run} changes hands all the time`));
    }
  }

  /**
   * Tells whoever works on a run to stop, or ends it where nobody does.
   * @throws AmdahlError RUN_UNKNOWN
   */
  async cancel(run: RunId, reason: string): Promise<Cancelling> {
    for (const busyBy = performance.now() + this.#options.writer.busyMs; ;) {
      const found = await this.look(() => this.tables.run(run));
      const row = this.show(found);
      if (found === undefined || row === undefined) throw runUnknown(run);
      if (!isUnfinished(row)) return { kind: 'ended', status: row.status };
      const cancelled = isWorkedOn(row) ? await this.#ask(found, reason) : await this.#end(run, reason);
      if (cancelled !== undefined) return cancelled;
      if (performance.now() >= busyBy)
        throw journalBusy(this.file, this.#options.writer.busyMs, new Error(`run ${run} changes hands all the time`));
    }
  }

  /** Undefined when the run has changed hands, or ended. */
  async #ask({ run, no, epoch, owner }: StoredRun, reason: string): Promise<Cancelling | undefined> {
    if (
      owner === undefined ||
      (await this.group.perform({ do: 'cancel', no, epoch, reason: this.#seal?.sealField(reason, `cancel ${run}`) ?? reason })) === 0
    )
      return undefined;
    if (owner.id === this.#options.owner.id) this.#claims.get(run)?.cancel(reason);
    return { kind: 'asked', owner: { id: owner.id, pid: owner.pid, host: owner.host } };
  }

  /** Undefined when somebody else was faster. */
  async #end(run: RunId, reason: string): Promise<Cancelling | undefined> {
    try {
      const claim = await this.claim(run, new Set());
      await endCancelled(claim, await this.look(() => this.#open(run)), cancelledText(run, reason), this.clock.now());
      return { kind: 'cancelled' };
    } catch (thrown) {
      if (thrown instanceof AmdahlError && (thrown.code === 'RUN_OWNED' || thrown.code === 'RUN_LOST')) return undefined;
      throw thrown;
    }
  }

  #open(run: RunId): EventOf<'ask.opened'>[] {
    const entries = this.asks.list({ run }).flatMap(({ seq }) => this.tables.eventsAfter(run, seq - 1, ['ask.opened'], 1));
    return entries.map((entry) => decodeEvent(run, entry, this.tables)).filter((event) => event.kind === 'ask.opened');
  }

  unfinished(now: number): UnfinishedRow[] {
    return this.tables.unfinished().flatMap((stored) => {
      const row = this.show(stored);
      return row === undefined ? [] : [showUnfinished(row, () => this.asks.canGoOn(stored.no, now))];
    });
  }

  async respond(ask: AskId, reply: Reply, now: number): Promise<Responded> {
    const [name, text] = [this.#seal?.name('ask', ask) ?? ask, textOf(reply, now)];
    const response = this.#seal?.sealField(text, `response ${name}`) ?? text;
    const accepted = await this.group.perform({ do: 'respond', ask: name, response, at: now });
    const row = await this.look(() => this.asks.get(ask));
    if (accepted === 0) return notAccepted(row, now);
    // It may have been journaled already, by the run's owner in another process.
    if (row === undefined) return { kind: 'unknown' };
    this.#claims.get(row.run)?.hear(row);
    return { kind: 'accepted', row };
  }

  /** @throws AmdahlError RUN_UNKNOWN, RUN_OWNED */
  async prune(options: PruneOptions): Promise<Pruned> {
    for (const run of options.runs ?? []) refuseNamed(run, await this.look(() => this.show(this.tables.run(run as RunId)))); // looked up as it is given
    const pruner = new SqlitePruner(this.file, this.#options.writer);
    try {
      const pruned = { runs: [] as RunRow[], events: 0, bytes: 0 };
      for (let page = await this.#after(0); page.length > 0; page = await this.#after(page.at(-1)?.no ?? Infinity)) {
        for (const found of page) {
          const row = this.show(found);
          if (row === undefined || !isPruned(row, options, this.clock.now())) continue;
          const bytes = pruner.bytesOf(found.no);
          if (options.dryRun !== true && !(await pruner.drop(found))) continue;
          pruned.runs.push(row);
          pruned.events += row.events;
          pruned.bytes += bytes;
        }
      }
      if (options.dryRun === true) return { ...pruned, overwritten: true };
      await pruner.clear();
      return { ...pruned, overwritten: await pruner.shrink() };
    } finally {
      pruner.close();
    }
  }

  #after(no: number): Promise<StoredRun[]> {
    return this.look(() => this.tables.runsAfter(no));
  }

  /** Reads without a transaction; waits on timers where another process recovers or closes the file. */
  async look<T>(work: () => T): Promise<T> {
    const busyBy = performance.now() + this.#options.writer.busyMs;
    for (;;) {
      try {
        return work();
      } catch (thrown) {
        if (!isBusy(thrown)) throw journalError(thrown, this.file);
        if (performance.now() >= busyBy) throw journalBusy(this.file, this.#options.writer.busyMs, thrown);
        await new Promise((resolve) => setTimeout(resolve, BUSY_RETRY_MS));
      }
    }
  }

  /** A run's line as readers see it. */
  show(stored: StoredRun | undefined): RunRow | undefined {
    if (stored?.row === undefined) return undefined;
    const { run, updatedAt, events, epoch, seenAt, owner } = stored;
    if (owner === undefined) return showRow(stored.row, { run, updatedAt, events, epoch });
    const { id, pid, host } = owner;
    const alive = this.#lives(stored, owner);
    return showRow(stored.row, { run, updatedAt, events, epoch, owner: { id, pid, host, alive, seenAt } });
  }

  /** Lets go of what is too old, now and then, beside the work. What does not succeed is tried again the next time. */
  #retain(): void {
    const { maxAgeMs } = this.#options;
    const now = this.clock.now();
    if (maxAgeMs === undefined || now < this.#retainedAt + retentionMs(maxAgeMs)) return;
    this.#retainedAt = now;
    this.#retention = this.#retention.then(() => this.prune({ olderThanMs: maxAgeMs })).catch(() => undefined);
  }

  async close(): Promise<void> {
    await this.#retention;
    clearInterval(this.#heartbeat);
    clearInterval(this.#listener);
    this.#db.close();
    await this.#committer.close();
  }

  /** Looks at the run's row and takes the run if nobody alive has it; undefined when the row has changed since it was looked at. */
  #take(run: RunId, holder: Set<SqliteClaim>): Promise<SqliteClaim | undefined> {
    const { owner } = this.#options;
    let found: StoredRun | undefined;
    const change = (): Change => {
      const now = this.clock.now();
      found = this.tables.run(run);
      this.#refuseLiving(found, now);
      return { do: 'take', run, found, owner, seenAt: now };
    };
    return new Promise((resolve, fail) => {
      const done = (no: number): void => {
        if (no === 0) return resolve(undefined);
        const taken = found ?? { run, no, events: 0, updatedAt: 0, row: undefined };
        resolve(this.#enter(taken, (found?.epoch ?? 0) + 1, holder));
      };
      this.group.add({ change, done, fail }, 'soon');
    });
  }

  #refuseLiving(found: StoredRun | undefined, now: number): void {
    if (found?.owner === undefined || !this.#lives(found, found.owner)) return;
    const { owner: self, ttlMs } = this.#options;
    const seenMsAgo = now - found.seenAt;
    throw found.owner.id === self.id ? runOwnedHere(found.run, self, seenMsAgo) : runOwned(found.run, found.owner, seenMsAgo, ttlMs);
  }

  #enter(taken: Taken, epoch: number, holder: Set<SqliteClaim>): SqliteClaim {
    const leave = (claim: SqliteClaim): void => {
      holder.delete(claim);
      this.#leave(claim);
    };
    const responded = (run: RunId): Promise<readonly AskRow[]> => this.look(() => this.asks.responded(run));
    const claim = new SqliteClaim(
      { seal: this.#seal, group: this.group, clock: this.clock, leave, tell: (run) => this.watchers.tell(run), responded },
      taken,
      epoch,
    );
    holder.add(claim);
    this.#claims.set(claim.run, claim);
    this.#heartbeat ??= setInterval(() => this.#beat(), this.#options.ttlMs / 3).unref();
    this.#listener ??= setInterval(() => this.#listen(), LISTEN_MS).unref();
    return claim;
  }

  #leave(claim: SqliteClaim): void {
    if (this.#claims.get(claim.run) === claim) this.#claims.delete(claim.run);
    if (this.#claims.size > 0) return;
    clearInterval(this.#heartbeat);
    clearInterval(this.#listener);
    this.#heartbeat = this.#listener = undefined;
  }

  #lives(stored: StoredRun, owner: StoredOwner): boolean {
    const { owner: self, ttlMs, startOf } = this.#options;
    if (owner.id === self.id) return this.#claims.get(stored.run)?.released === false;
    return mayLive(owner, this.clock.now() - stored.seenAt, ttlMs, { host: self.host, startOf });
  }

  #beat(): void {
    for (const claim of this.#claims.values()) claim.beat();
  }

  /** Wishes and responses from other processes: a look each into an index that is empty but for them (measured: 6 us). */
  #listen(): void {
    try {
      for (const { run, reason } of this.tables.wishes(this.#options.owner.id)) this.#claims.get(run)?.cancel(reason);
      for (const row of this.asks.respondedTo(this.#options.owner.id)) this.#claims.get(row.run)?.hear(row);
    } catch {
      // A file that is locked or damaged says so where it is written; this looks again in a moment.
    }
  }
}

/** A file that cannot be opened is closed again. */
function sealFor(db: DatabaseSync, file: string, key: JournalKey | undefined): Seal | undefined {
  try {
    return sealOf(db, file, key);
  } catch (thrown) {
    db.close();
    throw journalError(thrown, file);
  }
}
