// `amdahl runs`: one line per run, newest first.

import type { Journal, RunRow, RunStatus } from '../journal/journal.ts';
import { pasteable } from './invocation.ts';
import { programText } from './program.ts';
import { agoText, countText, timeText, visible } from './quantities.ts';
import { existingJournal, journalDirectory, shortPath } from './runReference.ts';
import type { Cell } from './table.ts';
import { tableLines } from './table.ts';
import type { Output, Terminal } from './terminal.ts';

const COLUMNS = [
  { gives: true },
  {},
  {},
  { drop: 1 },
  { align: 'right', drop: 2 },
  { align: 'right', drop: 4 },
  { drop: 3 },
  { drop: 5 },
] as const;

export async function runsCommand(options: { readonly limit: number; readonly json?: boolean }, { out, err }: Terminal): Promise<number> {
  const journal = existingJournal();
  const rows = (await journal?.rows(options.limit)) ?? [];
  const took = new Map<RunRow, number>();
  if (journal !== undefined && options.json !== true) for (const row of rows) took.set(row, await activeMs(journal, row));
  await journal?.close();
  if (options.json === true) for (const row of rows) out.line(JSON.stringify(row));
  else if (rows.length === 0)
    err.line(`There are no runs in ${shortPath(journalDirectory())} yet. ${pasteable('amdahl run FILE starts one.')}`);
  else
    for (const line of tableLines(
      COLUMNS,
      [headOf(rows, out), ...rows.map((row) => cellsOf(row, took.get(row) ?? 0, Date.now(), out))],
      out.width(),
    ))
      out.line(line);
  return 0;
}

/** The column of scopes is there where a run has one. */
function headOf(rows: readonly RunRow[], { colors }: Output): Cell[] {
  return [
    'RUN',
    'STATUS',
    'AGENT',
    'STARTED',
    'TOOK',
    'EVENTS',
    'PROGRAM',
    ...(rows.some(({ scope }) => scope !== undefined) ? ['SCOPE'] : []),
  ].map((text) => ({ text, paint: colors.dim }));
}

/** The time in which somebody worked on a run; only of one that was entered again events are read. */
export async function activeMs(journal: Journal, { run, epoch, startedAt, updatedAt }: RunRow): Promise<number> {
  let [before, since] = [0, startedAt];
  if (epoch > 1)
    for await (const { event } of journal.read(run, { kinds: ['run.resumed'] }))
      if (event.kind === 'run.resumed') [before, since] = [event.activeMs, event.at];
  return before + Math.max(0, updatedAt - since);
}

function cellsOf(row: RunRow, tookMs: number, now: number, { colors }: Output): (string | Cell)[] {
  return [
    row.run,
    { text: row.status, paint: paintOf(row.status, colors) },
    visible(row.agent),
    agoText(row.startedAt, now),
    timeText(tookMs),
    countText(row.events),
    { text: row.program === undefined ? '' : programText(row.program), paint: colors.dim },
    visible(row.scope ?? ''),
  ];
}

export function paintOf(status: RunStatus, colors: Output['colors']): (text: string) => string {
  return {
    running: colors.cyan,
    parked: colors.yellow,
    succeeded: colors.green,
    partial: colors.yellow,
    failed: colors.red,
    cancelled: colors.yellow,
    interrupted: colors.yellow,
  }[status];
}
