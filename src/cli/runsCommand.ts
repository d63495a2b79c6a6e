// `amdahl runs`: one line per run, newest first.

import type { AskState } from '../journal/ask.ts';
import type { Journal, RunRow, RunStatus } from '../journal/journal.ts';
import { pasteable } from './invocation.ts';
import { programText } from './program.ts';
import { agoText, countText, many, timeText, visible } from './quantities.ts';
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
  const known = new Map<RunRow, Known>();
  if (journal !== undefined) for (const row of rows) known.set(row, await knownOf(journal, row, options.json !== true));
  await journal?.close();
  if (options.json === true)
    for (const row of rows) {
      const asks = known.get(row)?.open ?? 0;
      out.line(JSON.stringify({ ...row, ...(asks === 0 ? {} : { asks }) }));
    }
  else if (rows.length === 0)
    err.line(`There are no runs in ${shortPath(journalDirectory())} yet. ${pasteable('amdahl run FILE starts one.')}`);
  else
    for (const line of tableLines(
      COLUMNS,
      [headOf(rows, out), ...rows.map((row) => cellsOf(row, known.get(row) ?? NOTHING, Date.now(), out))],
      out.width(),
    ))
      out.line(line);
  return 0;
}

/** What a row does not say of its run. */
interface Known {
  readonly tookMs: number;
  /** Questions that wait for an answer, and those that were answered without the run having heard of it. */
  readonly open: number;
  readonly responded: number;
}

const NOTHING: Known = { tookMs: 0, open: 0, responded: 0 };

async function knownOf(journal: Journal, row: RunRow, timed: boolean): Promise<Known> {
  const asks = await journal.asks({ run: row.run, all: true });
  const count = (state: AskState): number => asks.filter((one) => one.state === state).length;
  const tookMs = timed ? await activeMs(journal, row, asks.length > 0) : 0;
  return { tookMs, open: count('open'), responded: count('responded') };
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

/** What may come after a run was parked: nobody else works then. */
const TIMES = ['run.resumed', 'run.parked', 'ask.answered', 'ask.refused', 'ask.expired', 'ask.withdrawn'] as const;

/** The time in which somebody worked on a run; only of one that was entered again, or has asked people, events are read. */
export async function activeMs(journal: Journal, { run, epoch, startedAt, updatedAt }: RunRow, asked = false): Promise<number> {
  let [before, since] = [0, startedAt];
  let parkedAt: number | undefined;
  if (epoch > 1 || asked)
    for await (const { event } of journal.read(run, { kinds: TIMES })) {
      if (event.kind === 'run.resumed') [before, since] = [event.activeMs, event.at];
      else if (parkedAt !== undefined) since += event.at - parkedAt;
      parkedAt = event.kind === 'run.parked' ? event.at : undefined;
    }
  return before + Math.max(0, updatedAt - since);
}

/** 'parked, 2 asks'. */
function statusText({ status }: RunRow, { open, responded }: Known): string {
  const asks = open === 0 ? '' : `, ${many(open, 'ask')}`;
  return `${status}${asks}${responded === 0 ? '' : `, ${responded} answered`}`;
}

function cellsOf(row: RunRow, known: Known, now: number, { colors }: Output): (string | Cell)[] {
  return [
    row.run,
    { text: statusText(row, known), paint: paintOf(row.status, colors) },
    visible(row.agent),
    agoText(row.startedAt, now),
    timeText(known.tookMs),
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
