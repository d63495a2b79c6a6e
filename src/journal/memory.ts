// The journal in this process's memory: for tests, simulations and runs that need not survive. Called by
// users and tests; it obeys the laws of test/suites/journal.ts like every store, and its owners die only
// by `abandon`.
//
// Events are kept as JSON text: a caller that changes an object after handing it in changes nothing here,
// a reader gets objects of its own, and a typical event takes 200 to 400 bytes. Notes are stored at once.
// Places are indexed at the first look-up, which a fresh run never makes.

import { decodeEvent } from './codec.ts';
import type { BlobSource, EncodedEvent, StoredEvent } from './codec.ts';
import { EVENT_VERSION } from './event.ts';
import type { AskRow, AsksOptions, Reply, Responded } from './ask.ts';
import { isAskEvent } from './ask.ts';
import type { AskId, Entry, Event, EventOf, Place, RunId } from './event.ts';
import {
  type Answer,
  ANSWERS_MAX,
  type Cancelling,
  type CancelOptions,
  type Claim,
  type Journal,
  type ReadOptions,
  type RunRow,
  type UnfinishedRow,
} from './journal.ts';
import { MemoryAsks } from './memoryAsks.ts';
import { MemoryClaim, type MemoryHome } from './memoryClaim.ts';
import { cancelledText, endCancelled, journalClosed, NO_REASON, refuseNamed, runOwnedHere, runUnknown } from './ownership.ts';
import { Watchers } from './watchers.ts';
import { checkMaxAge, checkPrune, isPruned, type Pruned, type PruneOptions } from './prune.ts';
import { advanceRow, changesRow, isUnfinished, ROWS_DEFAULT, showRow, showUnfinished } from './rows.ts';
import type { RowState } from './rows.ts';

export interface MemoryJournalOptions {
  /** Epoch ms, for `seenAt` of owners. Default: the time of the run's last event. */
  readonly clock?: { now(): number };
  /** How long runs are kept that ended, in ms; older ones go when a run is claimed. Default: until the process ends. */
  readonly maxAgeMs?: number;
}

/** A journal whose owners can be declared dead, as a killed process would be. */
export interface MemoryJournal extends Journal {
  /** The owner of this run, or of all runs, is gone: the next claim succeeds, and the old one is fenced off by it. */
  abandon(run?: RunId): void;
}

interface MemoryRun {
  readonly run: RunId;
  readonly texts: string[];
  epoch: number;
  updatedAt: number;
  row: RowState | undefined;
  claim: MemoryClaim | undefined;
  seqsByPlace: Map<string, number[]> | undefined;
}

/** A journal in memory. Appends are acknowledged on a microtask. */
export function memoryJournal(options: MemoryJournalOptions = {}): MemoryJournal {
  if (options.maxAgeMs !== undefined) checkMaxAge(options.maxAgeMs, 'memoryJournal()');
  return new MemoryStore(options);
}

class MemoryStore implements MemoryJournal, BlobSource {
  readonly name = 'the journal in memory';
  readonly #owner = { id: 'memory', pid: 0, host: 'memory' };
  readonly #clock: { now(): number } | undefined;
  readonly #maxAgeMs: number | undefined;
  readonly #runs = new Map<RunId, MemoryRun>();
  readonly #blobs = new Map<string, string>();
  readonly #answers = new Map<string, Answer[]>();
  readonly #asks = new MemoryAsks((run) => this.#runs.get(run)?.row?.scope);
  readonly #watchers = new Watchers();
  #closed = false;

  constructor({ clock, maxAgeMs }: MemoryJournalOptions) {
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
  }

  async claim(run: RunId): Promise<Claim> {
    this.#assertOpen();
    if (this.#maxAgeMs !== undefined) await this.prune({ olderThanMs: this.#maxAgeMs });
    const kept = this.#runs.get(run) ?? newRun(run);
    if (kept.claim?.alive === true) throw runOwnedHere(run, this.#owner);
    this.#runs.set(run, kept);
    kept.epoch += 1;
    const before = kept.claim;
    kept.claim = new MemoryClaim(this.#homeOf(kept), run, kept.epoch, kept.texts.length);
    before?.lose();
    return kept.claim;
  }

  async at(run: RunId, place: Place): Promise<readonly Entry[]> {
    this.#assertOpen();
    const kept = this.#runs.get(run);
    if (kept === undefined) return [];
    kept.seqsByPlace ??= this.#indexPlaces(kept);
    return (kept.seqsByPlace.get(place) ?? []).map((seq) => this.#entry(kept, seq));
  }

  async *read(run: RunId, options: ReadOptions = {}): AsyncGenerator<Entry> {
    this.#assertOpen();
    const kept = this.#runs.get(run);
    const kinds = options.kinds === undefined ? undefined : new Set(options.kinds);
    let left = options.limit ?? Infinity;
    for (let seq = (options.after ?? -1) + 1; kept !== undefined && left > 0 && seq < kept.texts.length; seq += 1) {
      const entry = this.#entry(kept, seq);
      if (kinds !== undefined && !kinds.has(entry.event.kind)) continue;
      left -= 1;
      yield entry;
    }
  }

  async answers(key: string): Promise<readonly Answer[]> {
    this.#assertOpen();
    const found = (this.#answers.get(key) ?? []).filter(({ run }) => this.#runs.has(run));
    return found
      .reverse()
      .sort((a, b) => b.at - a.at)
      .slice(0, ANSWERS_MAX);
  }

  async row(run: RunId): Promise<RunRow | undefined> {
    this.#assertOpen();
    return this.#row(this.#runs.get(run));
  }

  async rows(limit: number = ROWS_DEFAULT): Promise<readonly RunRow[]> {
    this.#assertOpen();
    const rows = [...this.#runs.values()].reverse().map((kept) => this.#row(kept));
    return rows
      .filter((row) => row !== undefined)
      .sort((a, b) => b.startedAt - a.startedAt)
      .slice(0, limit);
  }

  async unfinished(now: number = this.#now()): Promise<readonly UnfinishedRow[]> {
    this.#assertOpen();
    const rows = [...this.#runs.values()].map((kept) => this.#row(kept));
    return rows
      .filter((row) => row !== undefined)
      .filter(isUnfinished)
      .sort((a, b) => a.startedAt - b.startedAt)
      .map((row) => showUnfinished(row, () => this.#asks.canGoOn(row.run, now)));
  }

  async asks(options: AsksOptions = {}): Promise<readonly AskRow[]> {
    this.#assertOpen();
    return this.#asks.list(options);
  }

  async ask(idOrPrefix: string): Promise<AskRow | undefined> {
    this.#assertOpen();
    return this.#asks.find(idOrPrefix);
  }

  async respond(ask: AskId, reply: Reply, now: number): Promise<Responded> {
    this.#assertOpen();
    const responded = this.#asks.respond(ask, reply, now);
    if (responded.kind === 'accepted') this.#runs.get(responded.row.run)?.claim?.hear(responded.row);
    return responded;
  }

  async cancel(run: RunId, { reason = NO_REASON }: CancelOptions = {}): Promise<Cancelling> {
    const row = await this.row(run);
    if (row === undefined) throw runUnknown(run);
    const claim = this.#runs.get(run)?.claim;
    if (!isUnfinished(row)) return { kind: 'ended', status: row.status };
    if (claim?.alive === true) {
      claim.cancel(reason);
      return { kind: 'asked', owner: this.#owner };
    }
    await endCancelled(await this.claim(run), this.#open(run), cancelledText(run, reason), this.#clock?.now() ?? row.updatedAt);
    return { kind: 'cancelled' };
  }

  async prune(options: PruneOptions): Promise<Pruned> {
    this.#assertOpen();
    checkPrune(options);
    for (const run of options.runs ?? []) refuseNamed(run, await this.row(run as RunId)); // looked up as it is given
    const now = this.#now();
    const all = [...this.#runs.values()].map((kept) => this.#row(kept)).filter((row) => row !== undefined);
    const runs = all.filter((row) => isPruned(row, options, now));
    const gone = new Set(runs.map(({ run }) => run));
    const texts = [...this.#runs].flatMap(([run, kept]) => (gone.has(run) ? kept.texts : []));
    const kept = [...this.#runs].flatMap(([run, one]) => (gone.has(run) ? [] : one.texts));
    const needed = this.#referred(kept);
    const orphans = [...this.#referred(texts)]
      .filter((hash) => !needed.has(hash))
      .map((hash) => [hash, this.#blobs.get(hash) ?? ''] as const);
    const bytes = [...texts, ...orphans.map(([, text]) => text)].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    if (options.dryRun !== true) {
      for (const run of gone) {
        this.#runs.get(run)?.claim?.lose();
        this.#runs.delete(run);
        this.#asks.drop(run);
      }
      for (const [hash] of orphans) this.#blobs.delete(hash);
      for (const [key, answers] of this.#answers)
        this.#answers.set(
          key,
          answers.filter(({ run }) => !gone.has(run)),
        );
    }
    return { runs, events: texts.length, bytes, overwritten: true };
  }

  /** The blobs that texts refer to, and those that these refer to. */
  #referred(texts: readonly string[]): ReadonlySet<string> {
    const found = new Set<string>();
    const open = [...texts];
    for (let text = open.pop(); text !== undefined; text = open.pop()) {
      for (const [hash] of text.matchAll(/(?<=")[\w-]{43}(?=")/g)) {
        const blob = found.has(hash) ? undefined : this.#blobs.get(hash);
        if (blob === undefined) continue;
        found.add(hash);
        open.push(blob);
      }
    }
    return found;
  }

  watch(run: RunId, listener: () => void): () => void {
    return this.#watchers.add(run, listener);
  }

  abandon(run?: RunId): void {
    for (const kept of this.#runs.values()) {
      if (kept.claim !== undefined && (run === undefined || kept.run === run)) kept.claim.alive = false;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  blob(hash: string): string | undefined {
    return this.#blobs.get(hash);
  }

  #assertOpen(): void {
    if (this.#closed) throw journalClosed(this.name);
  }

  #homeOf(kept: MemoryRun): MemoryHome {
    const { run } = kept;
    return {
      assertOpen: () => this.#assertOpen(),
      write: (event, encoded) => this.#write(kept, event, encoded),
      tell: () => this.#watchers.tell(run),
      responded: () => this.#asks.responded(run),
      leave: (claim) => {
        if (kept.claim === claim) kept.claim = undefined;
        this.#watchers.tell(run);
      },
    };
  }

  #write(kept: MemoryRun, event: Event, encoded: EncodedEvent): void {
    const { place, json, blobs } = encoded;
    for (const { hash, text } of blobs) if (!this.#blobs.has(hash)) this.#blobs.set(hash, text);
    if (place !== undefined && kept.seqsByPlace !== undefined) addSeq(kept.seqsByPlace, place, kept.texts.length);
    if (encoded.answer !== undefined && place !== undefined) {
      const known = this.#answers.get(encoded.answer) ?? [];
      known.push({ run: kept.run, place, seq: kept.texts.length, at: event.at });
      this.#answers.set(encoded.answer, known);
    }
    if (isAskEvent(event)) this.#asks.take(kept.run, kept.texts.length, event);
    kept.texts.push(json);
    kept.updatedAt = event.at;
    if (changesRow(kept.row, event)) kept.row = advanceRow(kept.row, event);
  }

  #open(run: RunId): readonly EventOf<'ask.opened'>[] {
    const kept = this.#runs.get(run);
    const events = this.#asks.list({ run }).map(({ seq }) => (kept === undefined ? undefined : this.#entry(kept, seq).event));
    return events.filter((event) => event?.kind === 'ask.opened');
  }

  #now(): number {
    return this.#clock?.now() ?? Math.max(0, ...[...this.#runs.values()].map(({ updatedAt }) => updatedAt));
  }

  #indexPlaces(kept: MemoryRun): Map<string, number[]> {
    const seqsByPlace = new Map<string, number[]>();
    kept.texts.forEach((_, seq) => {
      const { event } = this.#entry(kept, seq);
      if ('place' in event) addSeq(seqsByPlace, event.place, seq);
    });
    return seqsByPlace;
  }

  #entry(kept: MemoryRun, seq: number): Entry {
    const stored: StoredEvent = { seq, version: EVENT_VERSION, json: kept.texts[seq] ?? '' };
    return { seq, event: decodeEvent(kept.run, stored, this) };
  }

  #row(kept: MemoryRun | undefined): RunRow | undefined {
    if (kept?.row === undefined) return undefined;
    const { run, updatedAt, epoch, claim, texts } = kept;
    const owner =
      claim === undefined
        ? {}
        : { owner: { ...this.#owner, alive: claim.alive, seenAt: (claim.alive ? this.#clock?.now() : undefined) ?? updatedAt } };
    return showRow(kept.row, { run, updatedAt, epoch, events: texts.length, ...owner });
  }
}

function newRun(run: RunId): MemoryRun {
  return { run, texts: [], epoch: 0, updatedAt: 0, row: undefined, claim: undefined, seqsByPlace: undefined };
}

function addSeq(seqsByPlace: Map<string, number[]>, place: string, seq: number): void {
  const seqs = seqsByPlace.get(place);
  if (seqs === undefined) seqsByPlace.set(place, [seq]);
  else seqs.push(seq);
}
