// What a claim hears and how it ends, the same in every store: the errors that say who has a run, the break that a claim goes
// through at most once, the wish to stop, and what people said. Called by the stores.

import { AmdahlError, sentence } from '../agent/errors.ts';
import type { AskResponse, Response } from './ask.ts';
import type { AskId, EventOf, RunId } from './event.ts';
import type { Claim, Owner, RunRow } from './journal.ts';
import { isWorkedOn } from './rows.ts';

/** What a cancelled run says of itself; `reason` without a period at its end. */
export function cancelledText(run: RunId, reason: string): string {
  return `The run '${run}' was cancelled: ${reason.replace(/\.+$/, '')}. Run it again with this id to go on.`;
}

/** Why a run is cancelled where nobody said so. */
export const NO_REASON = 'somebody stopped it';

/** Ends a run that nobody works on any more, through a claim that was taken for it. Nobody is asked any more; what was answered stays. */
export async function endCancelled(claim: Claim, open: readonly EventOf<'ask.opened'>[], reason: string, at: number): Promise<void> {
  try {
    const withdrawn = open.map(({ place, ask }) => ({ kind: 'ask.withdrawn', place, ask, why: 'the run was cancelled', at }) as const);
    await claim.append([...withdrawn, { kind: 'run.cancelled', reason, at }]);
  } finally {
    await claim.release();
  }
}

/** A run that was named to be deleted must be there, and nobody may work on it. @throws AmdahlError RUN_UNKNOWN, RUN_OWNED */
export function refuseNamed(run: string, row: RunRow | undefined): void {
  if (row === undefined) throw runUnknown(run);
  if (!isWorkedOn(row)) return;
  const { pid, host } = row.owner ?? { pid: 0, host: 'an unknown host' };
  throw new AmdahlError(
    'RUN_OWNED',
    `Run ${run} is being worked on by process ${pid} on ${host}, so it is not deleted. Wait for it to end, or stop it: amdahl cancel ${run}.`,
    { where: { run } },
  );
}

/** There is no such run. */
export function runUnknown(run: string): AmdahlError {
  return new AmdahlError('RUN_UNKNOWN', `There is no run '${run}' in this journal. amdahl runs lists those there are.`, { where: { run } });
}

/** What people said to the asks of a run, each opening's told once, also what came before anybody listens. */
export class Heard {
  readonly #seqs = new Map<AskId, number>();
  readonly #early: AskResponse[] = [];
  readonly #listeners: ((ask: AskId, response: Response) => void)[] = [];

  /** `seq` of the ask.opened that it is to. */
  tell(ask: AskId, seq: number, response: Response): void {
    if (this.#seqs.get(ask) === seq) return;
    this.#seqs.set(ask, seq);
    if (this.#listeners.length === 0) this.#early.push({ ask, response });
    for (const listener of this.#listeners) queueMicrotask(() => listener(ask, response));
  }

  onTold(listener: (ask: AskId, response: Response) => void): void {
    this.#listeners.push(listener);
    for (const { ask, response } of this.#early.splice(0)) queueMicrotask(() => listener(ask, response));
  }
}

/** A wish to stop that comes at most once, also before anybody listens. */
export class Wish {
  #reason: string | undefined;
  #listeners: ((reason: string) => void)[] = [];

  make(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    for (const listener of this.#listeners) queueMicrotask(() => listener(reason));
    this.#listeners = [];
  }

  onMade(listener: (reason: string) => void): void {
    const reason = this.#reason;
    if (reason === undefined) this.#listeners.push(listener);
    else queueMicrotask(() => listener(reason));
  }
}

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
