// Which runs may be forgotten: what was asked for, checked, and the choice among the rows of a journal. The stores delete
// them. Runs that somebody works on are never chosen, and interrupted and parked ones only where that is asked for.

import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import type { RunRow, RunStatus } from './journal.ts';
import { isWorkedOn } from './rows.ts';

/** What may be chosen: everything but what is being worked on. */
export type PrunableStatus = Exclude<RunStatus, 'running'>;

export interface PruneOptions {
  /** Runs about which nothing was written since then, in epoch ms. */
  readonly before?: number;
  /** The same, counted back from now. */
  readonly olderThanMs?: number;
  /** Only these. Default: succeeded, partial, failed, cancelled; 'interrupted' and 'parked' have to be named, since such runs can go on. */
  readonly statuses?: readonly PrunableStatus[];
  /** Only these. One that is interrupted or parked is meant by its name. */
  readonly runs?: readonly string[];
  /** Says what would be deleted, and deletes nothing. */
  readonly dryRun?: boolean;
}

/** What was deleted, or would be. `bytes`: of events and of texts that no other run refers to, as they are stored. */
export interface Pruned {
  readonly runs: readonly RunRow[];
  readonly events: number;
  readonly bytes: number;
  /**
   * Of what was freed, nothing is left in the file or in its log. False where another process was reading all the time: then
   * the log is emptied when that process closes the journal, or by the next prune.
   */
  readonly overwritten: boolean;
}

const OPTIONS: OptionNames<PruneOptions> = { before: true, olderThanMs: true, statuses: true, runs: true, dryRun: true };
const ENDED: readonly PrunableStatus[] = ['succeeded', 'partial', 'failed', 'cancelled'];
const PRUNABLE: ReadonlySet<string> = new Set([...ENDED, 'interrupted', 'parked']);

/** @throws AmdahlError MISCONFIGURED also where nothing says which runs. */
export function checkPrune(options: PruneOptions): void {
  checkOptions(options, OPTIONS, 'prune()');
  const { before, olderThanMs, statuses, runs } = options;
  for (const [name, ms] of [
    ['before', before],
    ['olderThanMs', olderThanMs],
  ] as const)
    if (ms !== undefined && !(Number.isFinite(ms) && ms >= 0))
      throw new AmdahlError('MISCONFIGURED', `${name} of prune() is ${String(ms)}; it must be milliseconds from 0 up.`);
  const odd = statuses?.find((status) => !PRUNABLE.has(status));
  if (odd !== undefined)
    throw new AmdahlError('MISCONFIGURED', `prune() does not delete runs that are '${odd}'. The statuses are ${[...PRUNABLE].join(', ')}.`);
  if (before === undefined && olderThanMs === undefined && statuses === undefined && runs === undefined)
    throw new AmdahlError('MISCONFIGURED', 'prune() was not told which runs: give before, olderThanMs, statuses or runs.');
}

/** Whether a run is chosen. Pure. */
export function isPruned(row: RunRow, { before, olderThanMs, statuses, runs }: PruneOptions, now: number): boolean {
  const { status, updatedAt, run } = row;
  if (status === 'running' || isWorkedOn(row) || (runs !== undefined && !runs.includes(run))) return false;
  const meant = statuses ?? (runs === undefined ? ENDED : undefined);
  if (meant !== undefined && !meant.includes(status)) return false;
  return updatedAt < Math.min(before ?? Infinity, olderThanMs === undefined ? Infinity : now - olderThanMs);
}

/**
 * How often a store with a retention looks for what is too old: often enough that nothing gets a tenth older than it may.
 */
export function retentionMs(maxAgeMs: number): number {
  return Math.max(1_000, Math.min(3_600_000, maxAgeMs / 10));
}

/** @throws AmdahlError MISCONFIGURED */
export function checkMaxAge(maxAgeMs: number, of: string): void {
  if (!Number.isFinite(maxAgeMs) || maxAgeMs <= 0)
    throw new AmdahlError('MISCONFIGURED', `${of}'s maxAgeMs is ${String(maxAgeMs)}; it must be a number of milliseconds above 0.`);
}
