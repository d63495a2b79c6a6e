// One journal copied into another: to encrypt one that is clear, to change a key, to move runs. Called by users.

import { canonical } from '../agent/canonical.ts';
import type { Event, RunId } from './event.ts';
import type { Journal, RunRow } from './journal.ts';
import { isWorkedOn } from './rows.ts';

/** Events of one append. */
const EVENTS_MAX = 256;
/** Rows of one look: more than anybody has. */
const ROWS_MAX = 1_000_000;

export interface Copied {
  readonly copied: readonly string[];
  /** Runs that somebody works on, and runs that the other journal has already: whole, or other ones by the same id. */
  readonly left: readonly string[];
}

/**
 * Copies every run that nobody works on, event by event, as it was told. Stopped in the middle, it goes on where it was when it
 * is called again. O(journal).
 * @throws AmdahlError JOURNAL_* of either
 */
export async function copyJournal(from: Journal, to: Journal): Promise<Copied> {
  const [copied, left]: [string[], string[]] = [[], []];
  for (const row of (await from.rows(ROWS_MAX)).toReversed()) {
    const isCopied = !isWorkedOn(row) && (await begins(from, to, row)) && (await copyRun(from, to, row));
    (isCopied ? copied : left).push(row.run);
  }
  return { copied, left };
}

/** Whether the other journal has nothing of the run, or its beginning alone. */
async function begins(from: Journal, to: Journal, { run, events }: RunRow): Promise<boolean> {
  const there = await to.row(run);
  if (there === undefined) return true;
  if (isWorkedOn(there) || there.events >= events) return false;
  const own = from.read(run)[Symbol.asyncIterator]();
  for await (const { event } of to.read(run)) {
    const next = await own.next();
    if (next.done === true || canonical(next.value.event) !== canonical(event)) return false;
  }
  return true;
}

/** What people said and no event has yet. */
async function copyResponses(from: Journal, to: Journal, run: RunId): Promise<void> {
  for (const { ask, response } of await from.asks({ run, all: true })) {
    if (response === undefined) continue;
    const { at, ...reply } = response;
    await to.respond(ask, reply, at);
  }
}

async function copyRun(from: Journal, to: Journal, { run }: RunRow): Promise<boolean> {
  const claim = await to.claim(run);
  try {
    let batch: Event[] = [];
    for await (const { event } of from.read(run, { after: claim.events - 1 })) {
      batch.push(event);
      if (batch.length < EVENTS_MAX) continue;
      await claim.append(batch);
      batch = [];
    }
    await claim.append(batch);
    await copyResponses(from, to, run);
    return true;
  } finally {
    await claim.release();
  }
}
