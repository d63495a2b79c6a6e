// The journal in this process's memory: for tests, simulations and runs that need not survive. Called by
// users and tests; it obeys the laws of test/suites/journal.ts like every store, and its owners die only
// by `abandon`.
//
// Events are kept as JSON text: a caller that changes an object after handing it in changes nothing here,
// a reader gets objects of its own, and a typical event takes 200 to 400 bytes. Notes are stored at once.
// Places are indexed at the first look-up, which a fresh run never makes.

import { decodeEvent, encodeEvent } from './codec.ts';
import type { BlobSource, EncodedEvent, StoredEvent } from './codec.ts';
import { EVENT_VERSION } from './event.ts';
import type { Entry, Event, Place, RunId } from './event.ts';
import {
  type Answer,
  ANSWERS_MAX,
  type Cancelling,
  type CancelOptions,
  type Claim,
  type Journal,
  type ReadOptions,
  type RunRow,
} from './journal.ts';
import {
  Break,
  cancelledText,
  endCancelled,
  journalClosed,
  NO_REASON,
  refuseNamed,
  runLost,
  runOwnedHere,
  runReleased,
  runUnknown,
  Wish,
} from './ownership.ts';
import { Watchers } from './watchers.ts';
import { checkMaxAge, checkPrune, isPruned, type Pruned, type PruneOptions } from './prune.ts';
import { advanceRow, isRunEvent, ROWS_DEFAULT, showRow } from './rows.ts';
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
  readonly watchers = new Watchers();
  #closed = false;

  constructor({ clock, maxAgeMs }: MemoryJournalOptions) {
    this.#clock = clock;
    this.#maxAgeMs = maxAgeMs;
  }

  async claim(run: RunId): Promise<Claim> {
    this.assertOpen();
    if (this.#maxAgeMs !== undefined) await this.prune({ olderThanMs: this.#maxAgeMs });
    const kept = this.#runs.get(run) ?? newRun(run);
    if (kept.claim?.alive === true) throw runOwnedHere(run, this.#owner);
    this.#runs.set(run, kept);
    kept.epoch += 1;
    const before = kept.claim;
    kept.claim = new MemoryClaim(this, kept);
    before?.lose();
    return kept.claim;
  }

  async at(run: RunId, place: Place): Promise<readonly Entry[]> {
    this.assertOpen();
    const kept = this.#runs.get(run);
    if (kept === undefined) return [];
    kept.seqsByPlace ??= this.#indexPlaces(kept);
    return (kept.seqsByPlace.get(place) ?? []).map((seq) => this.#entry(kept, seq));
  }

  async *read(run: RunId, options: ReadOptions = {}): AsyncGenerator<Entry> {
    this.assertOpen();
    const kept = this.#runs.get(run);
    const kinds = options.kinds === undefined ? undefined : new Set(options.kinds);
    for (let seq = (options.after ?? -1) + 1; kept !== undefined && seq < kept.texts.length; seq += 1) {
      const entry = this.#entry(kept, seq);
      if (kinds === undefined || kinds.has(entry.event.kind)) yield entry;
    }
  }

  async answers(key: string): Promise<readonly Answer[]> {
    this.assertOpen();
    const found = (this.#answers.get(key) ?? []).filter(({ run }) => this.#runs.has(run));
    return found
      .reverse()
      .sort((a, b) => b.at - a.at)
      .slice(0, ANSWERS_MAX);
  }

  async row(run: RunId): Promise<RunRow | undefined> {
    this.assertOpen();
    return this.#row(this.#runs.get(run));
  }

  async rows(limit: number = ROWS_DEFAULT): Promise<readonly RunRow[]> {
    this.assertOpen();
    const rows = [...this.#runs.values()].reverse().map((kept) => this.#row(kept));
    return rows
      .filter((row) => row !== undefined)
      .sort((a, b) => b.startedAt - a.startedAt)
      .slice(0, limit);
  }

  async unfinished(): Promise<readonly RunRow[]> {
    this.assertOpen();
    const rows = [...this.#runs.values()].map((kept) => this.#row(kept));
    return rows
      .filter((row) => row !== undefined)
      .filter(({ status }) => status === 'running' || status === 'interrupted')
      .sort((a, b) => a.startedAt - b.startedAt);
  }

  async cancel(run: RunId, { reason = NO_REASON }: CancelOptions = {}): Promise<Cancelling> {
    const row = await this.row(run);
    if (row === undefined) throw runUnknown(run);
    const claim = this.#runs.get(run)?.claim;
    if (row.status !== 'running' && row.status !== 'interrupted') return { kind: 'ended', status: row.status };
    if (claim?.alive === true) {
      claim.cancel(reason);
      return { kind: 'asked', owner: this.#owner };
    }
    await endCancelled(await this.claim(run), cancelledText(run, reason), this.#clock?.now() ?? row.updatedAt);
    return { kind: 'cancelled' };
  }

  async prune(options: PruneOptions): Promise<Pruned> {
    this.assertOpen();
    checkPrune(options);
    for (const run of options.runs ?? []) refuseNamed(run, await this.row(run as RunId)); // looked up as it is given
    const now = this.#clock?.now() ?? Math.max(0, ...[...this.#runs.values()].map(({ updatedAt }) => updatedAt));
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
    return this.watchers.add(run, listener);
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

  assertOpen(): void {
    if (this.#closed) throw journalClosed(this.name);
  }

  write(kept: MemoryRun, event: Event, encoded: EncodedEvent): void {
    const { place, json, blobs } = encoded;
    for (const { hash, text } of blobs) if (!this.#blobs.has(hash)) this.#blobs.set(hash, text);
    if (place !== undefined && kept.seqsByPlace !== undefined) addSeq(kept.seqsByPlace, place, kept.texts.length);
    if (encoded.answer !== undefined && place !== undefined) {
      const known = this.#answers.get(encoded.answer) ?? [];
      known.push({ run: kept.run, place, seq: kept.texts.length, at: event.at });
      this.#answers.set(encoded.answer, known);
    }
    kept.texts.push(json);
    kept.updatedAt = event.at;
    if (isRunEvent(event)) kept.row = advanceRow(kept.row, event);
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

class MemoryClaim implements Claim {
  readonly run: RunId;
  readonly epoch: number;
  readonly events: number;
  alive = true;
  readonly #store: MemoryStore;
  readonly #kept: MemoryRun;
  readonly #break = new Break();
  readonly #wish = new Wish();
  #released = false;

  constructor(store: MemoryStore, kept: MemoryRun) {
    this.run = kept.run;
    this.epoch = kept.epoch;
    this.events = kept.texts.length;
    this.#store = store;
    this.#kept = kept;
  }

  note(event: Event): void {
    if (this.#break.error !== undefined || this.#released) return;
    try {
      this.#write([event]);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  async append(events: readonly Event[]): Promise<void> {
    if (this.#break.error !== undefined) throw this.#break.error;
    if (this.#released) throw runReleased(this.run);
    try {
      this.#write(events);
    } catch (thrown) {
      this.#fail(thrown);
      throw thrown;
    }
  }

  onCancel(listener: (reason: string) => void): void {
    this.#wish.onMade(listener);
  }

  cancel(reason: string): void {
    this.#wish.make(reason);
  }

  onLost(listener: (error: Error) => void): void {
    this.#break.onBreak(listener);
  }

  async release(): Promise<void> {
    this.#released = true;
    if (this.#kept.claim === this) this.#kept.claim = undefined;
    this.#store.watchers.tell(this.run);
  }

  lose(): void {
    this.#break.break(runLost(this.run, this.epoch));
  }

  /** All or nothing: an event that cannot be encoded leaves none of its append behind. */
  #write(events: readonly Event[]): void {
    this.#store.assertOpen();
    const encoded = events.map(encodeEvent);
    events.forEach((event, index) => {
      const form = encoded[index];
      if (form !== undefined) this.#store.write(this.#kept, event, form);
    });
    this.#store.watchers.tell(this.run);
  }

  #fail(thrown: unknown): void {
    this.#break.break(thrown instanceof Error ? thrown : new Error(String(thrown)));
    this.alive = false;
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
