// Reading a run while it goes on: all that is stored of it, then what comes, until it has ended. Nothing is queued: who
// reads slowly reads the journal later. Called by handle.ts for everything that tells of a run.
//
// T1 entries come in the order of their seq, each once, and only once they are stored: what a crash takes nobody has seen.
// T2 the run never waits for its readers.

import { AmdahlError } from '../agent/errors.ts';
import type { Entry, RunId } from '../journal/event.ts';
import type { Journal, RunRow } from '../journal/journal.ts';
import { isUnfinished } from '../journal/rows.ts';
import type { Clock } from './ports.ts';

export interface TailOptions {
  readonly journal: Journal;
  readonly run: RunId;
  readonly clock: Clock;
  /** Only entries with a higher seq. */
  readonly after?: number | undefined;
  /** Ends it, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** How long it waits for a new owner where the last one is gone. Absent: as long as it takes. */
  readonly ownerlessMs?: number | undefined;
  /** Who reads would drive it on: a parked run that nobody has waits for an owner too. Else it waits for people alone. */
  readonly drives?: boolean;
  /** Set where this process drives the run: resolves when it is over with it. */
  readonly over?: Promise<unknown> | undefined;
  /** Resolves where somebody else has come to drive it: it is polled from then on. Without `over` it always is. */
  readonly elsewhere?: Promise<unknown>;
}

/** At most so many entries at once. */
const BATCH = 256;
/** How often another process's run is looked at: while it is lively, and when it has been silent. */
const LOOK_MS = { least: 20, most: 250 } as const;

/**
 * Batches of entries, oldest first; ends after the entry that ended the run.
 * @throws AmdahlError RUN_UNKNOWN, RUN_ABANDONED, JOURNAL_*
 */
export async function* tail(options: TailOptions): AsyncGenerator<readonly Entry[], void, undefined> {
  const { journal, run, signal } = options;
  const bell = new Bell(options);
  let after = options.after ?? -1;
  const owner = { isOver: false };
  void options.over?.then(() => {
    owner.isOver = true;
  });
  const isStopped = (): boolean => signal?.aborted === true;
  try {
    while (!isStopped()) {
      const lastLook = owner.isOver;
      bell.arm();
      for (let batch = await page(journal, run, after); batch.length > 0; batch = await page(journal, run, after)) {
        after = batch.at(-1)?.seq ?? after;
        bell.lively();
        yield batch;
        if (isStopped()) return;
      }
      const row = await journal.row(run);
      if (isEnded(row, after) || lastLook) return;
      if (row === undefined && options.over === undefined) throw unknown(run);
      bell.expectOwner(row);
      await bell.rung();
    }
  } finally {
    bell.stop();
  }
}

async function page(journal: Journal, run: RunId, after: number): Promise<readonly Entry[]> {
  const batch: Entry[] = [];
  for await (const entry of journal.read(run, { after })) {
    batch.push(entry);
    if (batch.length >= BATCH) break;
  }
  return batch;
}

/** Whether the run has ended and all of it was read. Its last events may be stored before its row is looked at. */
function isEnded(row: RunRow | undefined, after: number): boolean {
  return row !== undefined && !isUnfinished(row) && row.events <= after + 1;
}

function unknown(run: RunId): AmdahlError {
  return new AmdahlError('RUN_UNKNOWN', `There is no run '${run}' in this journal. amdahl runs lists those that exist.`, {
    data: { run },
  });
}

/** Says when to look again. */
class Bell {
  readonly #options: TailOptions;
  readonly #stopWatching: () => void;
  #ring: PromiseWithResolvers<void> = Promise.withResolvers();
  #polls: boolean;
  #waitMs: number = LOOK_MS.least;
  #ownerlessSince: number | undefined;
  readonly #onAbort = (): void => this.#ring.resolve();

  constructor(options: TailOptions) {
    this.#options = options;
    this.#stopWatching = options.journal.watch(options.run, () => this.#ring.resolve());
    void options.over?.then(() => this.#ring.resolve());
    this.#polls = options.over === undefined;
    void options.elsewhere?.then(() => {
      this.#polls = true;
      this.#ring.resolve();
    });
    options.signal?.addEventListener('abort', this.#onAbort);
  }

  /** Before looking, so that nothing that comes meanwhile is missed. */
  arm(): void {
    this.#ring = Promise.withResolvers();
  }

  lively(): void {
    this.#waitMs = LOOK_MS.least;
  }

  /** @throws AmdahlError RUN_ABANDONED when it has waited for an owner for too long. */
  expectOwner(row: RunRow | undefined): void {
    const { clock, ownerlessMs, run } = this.#options;
    const isLeft =
      row?.status === 'interrupted' || (this.#options.drives === true && row?.status === 'parked' && row.owner?.alive !== true);
    if (!isLeft) {
      this.#ownerlessSince = undefined;
      return;
    }
    this.#ownerlessSince ??= clock.now();
    if (ownerlessMs === undefined || clock.now() - this.#ownerlessSince < ownerlessMs) return;
    throw new AmdahlError(
      'RUN_ABANDONED',
      `Nobody has worked on the run '${run}' for ${ownerlessMs} ms. recover() takes it up, and so does running it again with its id.`,
      { retryable: 'yes', data: { run } },
    );
  }

  async rung(): Promise<void> {
    const { clock, signal } = this.#options;
    if (signal?.aborted === true) return;
    if (!this.#polls) return await this.#ring.promise;
    const disarm = clock.after(this.#waitMs, () => this.#ring.resolve());
    this.#waitMs = Math.min(LOOK_MS.most, this.#waitMs * 1.5);
    await this.#ring.promise;
    disarm();
  }

  stop(): void {
    this.#stopWatching();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }
}
