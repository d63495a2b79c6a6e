// What a claim's end looks like, the same in every store: the errors that say who has a run, and the
// break that a claim goes through at most once. Called by the stores.

import { AmdahlError, sentence } from '../agent/errors.ts';
import type { RunId } from './event.ts';
import type { Owner } from './journal.ts';

/** One way from whole to broken: the first error stays, and every listener hears it once. */
export class Break {
  #error: Error | undefined;
  #listeners: ((error: Error) => void)[] = [];

  get error(): Error | undefined {
    return this.#error;
  }

  /** Listeners run in a microtask of their own, so that one that throws cannot stop a store. */
  break(error: Error): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    for (const listener of this.#listeners) queueMicrotask(() => listener(error));
    this.#listeners = [];
  }

  onBreak(listener: (error: Error) => void): void {
    const error = this.#error;
    if (error === undefined) this.#listeners.push(listener);
    else queueMicrotask(() => listener(error));
  }
}

/** A living owner has the run. `seenMsAgo` is the age of its last heartbeat, `ttlMs` when it counts as dead. */
export function runOwned(run: RunId, owner: Owner, seenMsAgo: number, ttlMs: number): AmdahlError {
  return new AmdahlError(
    'RUN_OWNED',
    `Run ${run} is being worked on by process ${owner.pid} on ${owner.host} (last heartbeat ${secondsOf(seenMsAgo)} s ago). ` +
      `Wait for it to end, or stop it and try again: a stopped process on this machine frees its runs at once, ` +
      `one elsewhere ${Math.ceil(ttlMs / 1000)} s after its last heartbeat.`,
    { retryable: { afterMs: Math.max(0, ttlMs - seenMsAgo) }, where: { run }, data: { owner: { ...owner }, seenMsAgo } },
  );
}

/** The run has a living claim in this very process. `seenMsAgo` is absent where there is no heartbeat. */
export function runOwnedHere(run: RunId, owner: Owner, seenMsAgo?: number): AmdahlError {
  const detail = seenMsAgo === undefined ? '' : ` (${owner.pid} on ${owner.host}, last heartbeat ${secondsOf(seenMsAgo)} s ago)`;
  return new AmdahlError(
    'RUN_OWNED',
    `Run ${run} is already being worked on by this process${detail}. Await that run, or cancel it, before starting it again.`,
    { where: { run }, data: { owner: { ...owner }, ...(seenMsAgo === undefined ? {} : { seenMsAgo }) } },
  );
}

/** A newer claim exists: this one may not write any more. */
export function runLost(run: RunId, epoch: number): AmdahlError {
  return new AmdahlError(
    'RUN_LOST',
    `Run ${run} was taken over by another claim than epoch ${epoch}; nothing more of this one is recorded. ` +
      'Follow the run where it is now, or resume it once that owner is gone.',
    { where: { run }, data: { epoch } },
  );
}

/** The claim was given up by its own holder. */
export function runReleased(run: RunId): AmdahlError {
  return new AmdahlError('RUN_LOST', `Run ${run} was released by this claim; claim it again before appending to it.`, { where: { run } });
}

/** The journal, or the handle on it, was closed by this process. */
export function journalClosed(name: string): AmdahlError {
  return new AmdahlError('JOURNAL_UNWRITABLE', sentence(`${name} was closed by this process; open it again before using it.`));
}

function secondsOf(ms: number): number {
  return Math.max(0, Math.round(ms / 1000));
}
