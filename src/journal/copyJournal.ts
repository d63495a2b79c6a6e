// One journal copied into another: to encrypt one that is clear, to change a key, to move runs. Called by users.

import type { Event } from './event.ts';
import type { Journal, RunRow } from './journal.ts';

/** Events of one append. */
const EVENTS_MAX = 256;
/** Rows of one look: more than anybody has. */
const ROWS_MAX = 1_000_000;

export interface Copied {
  readonly copied: readonly string[];
  /** Runs that somebody works on, and runs that the other journal has already. */
  readonly left: readonly string[];
}

/**
 * Copies every run that nobody works on, event by event, as it was told; each is there whole or, where this was stopped in
 * the middle, as a run that was interrupted there: delete that one (prune) and copy again. O(journal).
 * @throws AmdahlError JOURNAL_* of either
 */
export async function copyJournal(from: Journal, to: Journal): Promise<Copied> {
  const [copied, left]: [string[], string[]] = [[], []];
  for (const row of (await from.rows(ROWS_MAX)).toReversed()) {
    const isThere = (await to.row(row.run)) !== undefined;
    if (row.status === 'running' || isThere) left.push(row.run);
    else {
      await copyRun(from, to, row);
      copied.push(row.run);
    }
  }
  return { copied, left };
}

async function copyRun(from: Journal, to: Journal, { run }: RunRow): Promise<void> {
  const claim = await to.claim(run);
  try {
    let batch: Event[] = [];
    for await (const { event } of from.read(run)) {
      batch.push(event);
      if (batch.length < EVENTS_MAX) continue;
      await claim.append(batch);
      batch = [];
    }
    await claim.append(batch);
  } finally {
    await claim.release();
  }
}
