// `amdahl inbox`: the questions that wait for a person, oldest first, and how each is answered.

import { receiptsIn } from '../agent/receipt.ts';
import type { EventOf } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { asks, type OpenAsk } from '../run/people.ts';
import { cardLines, standsOf } from './askCard.ts';
import { amdahlCommand } from './invocation.ts';
import { many } from './quantities.ts';
import { existingJournal, findRun } from './runReference.ts';
import type { Terminal } from './terminal.ts';

export interface InboxOptions {
  readonly scope?: string;
  readonly json?: boolean;
  readonly limit: number;
}

/** What a question is about may be long: a screenful of it. */
const LINES_MAX = 40;

export async function inboxCommand(run: string | undefined, options: InboxOptions, terminal: Terminal): Promise<number> {
  const journal = existingJournal();
  try {
    const open = journal === undefined ? [] : await openIn(journal, run, options.scope);
    if (options.json === true) for (const one of open) terminal.out.line(JSON.stringify(one));
    else tell(open, options.limit, journal === undefined ? new Map() : await receiptsOf(journal, open), terminal);
  } finally {
    await journal?.close();
  }
  return 0;
}

async function openIn(journal: Journal, run: string | undefined, scope: string | undefined): Promise<readonly OpenAsk[]> {
  const row = run === undefined ? undefined : await findRun(journal, run);
  return asks({ journal, ...(row === undefined ? {} : { run: row.run }), ...(scope === undefined ? {} : { scope }) });
}

/** What the receipts in these questions stand for. O(effects of runs whose questions have some). */
export async function receiptsOf(journal: Journal, open: readonly OpenAsk[]): Promise<ReadonlyMap<string, string>> {
  const runs = new Set(open.filter(({ about }) => receiptsIn(about).length > 0).map(({ run }) => run));
  const staged: EventOf<'effect.staged'>[] = [];
  for (const run of runs)
    for await (const { event } of journal.read(run, { kinds: ['effect.staged'] })) if (event.kind === 'effect.staged') staged.push(event);
  return standsOf(staged);
}

function tell(open: readonly OpenAsk[], limit: number, stands: ReadonlyMap<string, string>, { out, err }: Terminal): void {
  if (open.length === 0) return err.line('Nobody waits for an answer.');
  const now = Date.now();
  const options = { width: out.width(), colors: out.colors, now, linesMax: LINES_MAX, stands };
  for (const [index, one] of open.slice(0, limit).entries()) {
    if (index > 0) out.line();
    for (const line of cardLines(one, options)) out.line(line);
  }
  if (open.length > limit) err.line(`\n${many(open.length - limit, 'more question')}: ${amdahlCommand()} inbox --limit ${open.length}`);
}
