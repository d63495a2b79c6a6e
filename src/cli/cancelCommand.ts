// `amdahl cancel`: tells whoever works on a run to stop, waits until it has, and says what became of each.

import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { RunId } from '../journal/event.ts';
import type { Journal, Owner, RunRow } from '../journal/journal.ts';
import { isUnfinished, isWorkedOn } from '../journal/rows.ts';
import { amdahlCommand } from './invocation.ts';
import { EXIT } from './report.ts';
import { findRun, requireJournal } from './runReference.ts';
import type { Terminal } from './terminal.ts';
import { AmdahlError } from '../agent/errors.ts';

export interface CancelFlags {
  readonly all?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
  /** Seconds to wait for owners that live. */
  readonly wait: number;
}

/** How often a row is looked at while its owner ends it. */
const LOOK_MS = 100;
/** An owner that has not heard after so long may be frozen. */
const FROZEN_AFTER_MS = 2_000;

/** What became of a run. 'waiting': its owner was told, and has not ended it yet. */
interface Became {
  readonly run: RunId;
  readonly became: 'cancelled' | 'ended before' | 'ended' | 'frozen' | 'waiting';
  readonly status: RunRow['status'];
  readonly owner?: Owner;
}

export async function cancelCommand(texts: readonly string[], flags: CancelFlags, terminal: Terminal): Promise<number> {
  const journal = requireJournal();
  try {
    const runs = flags.all === true ? (await journal.unfinished()).filter(isWorkedOn) : await named(journal, texts);
    if (runs.length === 0) terminal.err.line('Nobody works on a run here.');
    const all = await Promise.all(runs.map(({ run }) => cancel(journal, run, flags)));
    for (const one of all) tell(one, flags, terminal);
    if (all.some(({ became }) => became === 'frozen' || became === 'waiting')) return EXIT.journal;
    return all.some(({ became }) => became === 'ended before' || became === 'ended') ? EXIT.failed : EXIT.succeeded;
  } finally {
    await journal.close();
  }
}

async function named(journal: Journal, texts: readonly string[]): Promise<readonly RunRow[]> {
  if (texts.length === 0)
    throw new AmdahlError('MISCONFIGURED', `Say which run: ${amdahlCommand()} cancel RUN, or --all for every run that somebody works on.`);
  const rows: RunRow[] = [];
  for (const text of texts) rows.push(await findRun(journal, text));
  return rows;
}

async function cancel(journal: Journal, run: RunId, { reason = 'amdahl cancel', wait }: CancelFlags): Promise<Became> {
  const before = await journal.cancel(run, { reason });
  if (before.kind === 'ended') return { run, became: 'ended before', status: before.status };
  if (before.kind === 'cancelled') return { run, became: 'cancelled', status: 'cancelled' };
  const { owner } = before;
  const from = Date.now();
  for (;;) {
    const row = await journal.row(run);
    const status = row?.status ?? 'cancelled';
    if (status === 'cancelled') return { run, became: 'cancelled', status };
    // Its owner has died meanwhile: the run is ended here.
    if (row !== undefined && isUnfinished(row) && !isWorkedOn(row)) {
      const after = await journal.cancel(run, { reason });
      if (after.kind === 'cancelled') return { run, became: 'cancelled', status: 'cancelled' };
    } else if (row === undefined || !isUnfinished(row)) return { run, became: 'ended', status };
    const waited = Date.now() - from;
    if (waited > FROZEN_AFTER_MS && isFrozen(owner)) return { run, became: 'frozen', status, owner };
    if (waited > wait * 1_000) return { run, became: 'waiting', status, owner };
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

/** Whether a process of this machine is stopped (SIGSTOP, Ctrl-Z), where the system tells. */
function isFrozen({ pid, host }: Owner): boolean {
  if (host !== hostname()) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return /^[Tt]$/.test(stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3));
  } catch {
    return false;
  }
}

function tell(one: Became, { json, wait }: CancelFlags, { out, err }: Terminal): void {
  if (json === true) return out.line(JSON.stringify(one));
  const { run, became, status, owner } = one;
  const { colors } = err;
  const process = owner === undefined ? 'its owner' : `process ${owner.pid} on ${owner.host}`;
  switch (became) {
    case 'cancelled':
      return err.line(`${colors.bold(run)} is cancelled. What finished is kept: ${amdahlCommand()} resume ${run} goes on with it.`);
    case 'ended before':
      return err.line(`${colors.bold(run)} had ended already: ${status}.`);
    case 'ended':
      return err.line(`${colors.bold(run)} came to its end before it heard of this: ${status}.`);
    case 'frozen':
      return err.line(
        `${colors.bold(run)} is not cancelled yet: ${process} is stopped (SIGSTOP) and hears nothing. ` +
          `Let it go on (kill -CONT ${owner?.pid ?? ''}), and it ends the run at once; or end it (kill -9 ${owner?.pid ?? ''}) and say this again.`,
      );
    case 'waiting':
      return err.line(
        `${colors.bold(run)} is not cancelled yet: ${process} was told ${wait} s ago and has not ended it. It may be in an act that it finishes first, or busy without a pause.`,
      );
  }
}
