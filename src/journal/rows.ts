// The line a journal keeps per run beside its events: a fold over the run.* events. Called by the stores,
// which write it together with the events it comes from, so a list of runs costs no reading of events.

import type { Event, ProgramRef, RunEvent, RunId } from './event.ts';
import type { Owner, RunRow, RunStatus, UnfinishedRow } from './journal.ts';

/** How many rows `rows()` gives when no limit is given. */
export const ROWS_DEFAULT = 100;

/** What the run.* events say of a run. Whether a running one is interrupted depends on its owner and is not stored. */
export interface RowState {
  readonly agent: string;
  readonly inputHash: string;
  readonly status: Exclude<RunStatus, 'interrupted'>;
  readonly program?: ProgramRef;
  readonly scope?: string;
  /** Epoch ms. */
  readonly startedAt: number;
}

/** What a store knows of a run besides its events. `owner` is absent when the run was released. */
export interface RowFacts {
  readonly run: RunId;
  readonly updatedAt: number;
  readonly events: number;
  readonly epoch: number;
  readonly owner?: Owner & { readonly alive: boolean; readonly seenAt: number };
}

/** Whether an event changes a run's row, beyond counting: whatever comes after it was parked says that it goes on. Pure. */
export function changesRow(row: RowState | undefined, event: Event): boolean {
  return row?.status === 'parked' || isRunEvent(event);
}

function isRunEvent(event: Event): event is RunEvent & { readonly at: number } {
  return event.kind.startsWith('run.');
}

/** The row after one more event. A run without run.started has none. Pure. */
export function advanceRow(row: RowState | undefined, event: Event): RowState | undefined {
  if (!isRunEvent(event)) return row?.status === 'parked' ? { ...row, status: 'running' } : row;
  if (event.kind === 'run.started') {
    const { agent, inputHash, program, scope, at } = event;
    const about = { ...(program === undefined ? {} : { program }), ...(scope === undefined ? {} : { scope }) };
    return { agent, inputHash, status: 'running', startedAt: at, ...about };
  }
  if (row === undefined) return undefined;
  switch (event.kind) {
    case 'run.resumed':
      return { ...row, status: 'running', ...(event.program === undefined ? {} : { program: event.program }) };
    case 'run.parked':
      return { ...row, status: 'parked' };
    case 'run.succeeded':
      return { ...row, status: event.missing.length > 0 ? 'partial' : 'succeeded' };
    case 'run.failed':
      return { ...row, status: 'failed' };
    case 'run.cancelled':
      return { ...row, status: 'cancelled' };
  }
}

/** Whether a living owner has it: at work, or waiting for people. Pure. */
export function isWorkedOn({ status, owner }: RunRow): boolean {
  return status === 'running' || (status === 'parked' && owner?.alive === true);
}

/** Whether it has not come to an end. Pure. */
export function isUnfinished({ status }: RunRow): boolean {
  return status === 'running' || status === 'parked' || status === 'interrupted';
}

/** A run that has not ended, with whether somebody could go on with it. `canGoOn` is asked for parked ones. Pure. */
export function showUnfinished(row: RunRow, canGoOn: () => boolean): UnfinishedRow {
  return { ...row, ready: row.status === 'interrupted' || (!isWorkedOn(row) && canGoOn()) };
}

/** The row as readers see it: a running one without a living owner is interrupted. Pure. */
export function showRow(row: RowState, facts: RowFacts): RunRow {
  const abandoned = row.status === 'running' && facts.owner?.alive !== true;
  return { ...row, ...facts, status: abandoned ? 'interrupted' : row.status };
}
