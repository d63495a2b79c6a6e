// `amdahl prune`: says which runs it would delete and how much that frees, asks, and deletes them.

import { AmdahlError } from '../agent/errors.ts';
import type { RunStatus } from '../journal/journal.ts';
import type { Pruned, PruneOptions, PrunableStatus } from '../journal/prune.ts';
import { parseAge } from './ageOption.ts';
import { agoText, many } from './quantities.ts';
import { amdahlCommand } from './invocation.ts';
import { EXIT } from './report.ts';
import { findRun, journalDirectory, requireJournal, shortPath } from './runReference.ts';
import type { Terminal } from './terminal.ts';

export interface PruneFlags {
  readonly olderThan?: string;
  readonly run?: readonly string[];
  readonly status?: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

const RUNS_SHOWN = 20;
const STATUSES: readonly PrunableStatus[] = ['succeeded', 'partial', 'failed', 'cancelled', 'interrupted', 'parked'];

export async function pruneCommand(flags: PruneFlags, terminal: Terminal): Promise<number> {
  const { out, err } = terminal;
  const journal = requireJournal();
  try {
    const chosen = await optionsOf(flags, async (text) => (await findRun(journal, text)).run);
    const would = await journal.prune({ ...chosen, dryRun: true });
    if (flags.json !== true) for (const line of listed(would, terminal)) err.line(line);
    if (flags.dryRun === true || would.runs.length === 0) {
      if (flags.json === true) out.line(JSON.stringify({ dryRun: true, ...summary(would) }));
      return EXIT.succeeded;
    }
    if (flags.yes !== true && !(await agreed(would, terminal))) return EXIT.failed;
    // What has ended meanwhile was not shown: only what was is deleted.
    const pruned = await journal.prune({ ...chosen, runs: would.runs.map(({ run }) => run) });
    if (flags.json === true) out.line(JSON.stringify(summary(pruned)));
    else err.line(told(pruned));
    return EXIT.succeeded;
  } finally {
    await journal.close();
  }
}

async function optionsOf(flags: PruneFlags, find: (text: string) => Promise<string>): Promise<PruneOptions> {
  const { olderThan, run, status } = flags;
  if (olderThan === undefined && run === undefined && status === undefined)
    throw new AmdahlError('MISCONFIGURED', `Say which runs: ${amdahlCommand()} prune --older-than 30d, --run RUN or --status failed.`);
  const statuses = status?.map((one) => {
    const known = STATUSES.find((name) => name === one);
    if (known === undefined)
      throw new AmdahlError('MISCONFIGURED', `There is no status '${one}' to prune by; there are ${STATUSES.join(', ')}.`);
    return known;
  });
  const runs: string[] = [];
  for (const text of run ?? []) runs.push(await find(text));
  return {
    ...(olderThan === undefined ? {} : { olderThanMs: parseAge(olderThan) }),
    ...(run === undefined ? {} : { runs }),
    ...(statuses === undefined ? {} : { statuses }),
  };
}

function listed({ runs, events, bytes }: Pruned, { err }: Terminal): readonly string[] {
  const { colors } = err;
  if (runs.length === 0) return ['There is nothing to delete.'];
  const shown = runs
    .slice(0, RUNS_SHOWN)
    .map(({ run, agent, status, updatedAt }) => `  ${run}  ${status}  ${colors.dim(`${agent}, ${agoText(updatedAt, Date.now())}`)}`);
  return [
    `${many(runs.length, 'run')} with ${many(events, 'event')}, ${sizeText(bytes)}, in ${shortPath(journalDirectory())}:`,
    ...shown,
    ...(runs.length > RUNS_SHOWN ? [`  and ${runs.length - RUNS_SHOWN} more`] : []),
  ];
}

async function agreed({ runs }: Pruned, terminal: Terminal): Promise<boolean> {
  if (!terminal.interactive) {
    terminal.err.line('Nothing was deleted: say --yes to delete them, or --dry-run to see them alone.');
    return false;
  }
  return await terminal.confirm(`Delete ${runs.length === 1 ? 'it' : 'them'} for good?`);
}

function told({ runs, bytes, overwritten }: Pruned): string {
  const left = overwritten
    ? 'nothing of them is left in the file'
    : 'the file’s log still holds some of it, because another process reads: it is emptied when that process closes the journal';
  return `Deleted ${many(runs.length, 'run')}, ${sizeText(bytes)}; ${left}.`;
}

function summary({ runs, events, bytes, overwritten }: Pruned): object {
  return {
    runs: runs.map(({ run, status }: { readonly run: string; readonly status: RunStatus }) => ({ run, status })),
    events,
    bytes,
    overwritten,
  };
}

function sizeText(bytes: number): string {
  if (bytes < 1_024) return `${bytes} bytes`;
  return bytes < 1_024 ** 2 ? `${(bytes / 1_024).toFixed(1)} KiB` : `${(bytes / 1_024 ** 2).toFixed(1)} MiB`;
}
