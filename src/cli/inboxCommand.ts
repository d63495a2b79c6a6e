// `amdahl inbox`: the questions that wait for a person, oldest first, and how each is answered.

import type { Journal } from '../journal/journal.ts';
import { asks, type OpenAsk } from '../run/people.ts';
import { cardLines } from './askCard.ts';
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
    else tell(open, options.limit, terminal);
  } finally {
    await journal?.close();
  }
  return 0;
}

async function openIn(journal: Journal, run: string | undefined, scope: string | undefined): Promise<readonly OpenAsk[]> {
  const row = run === undefined ? undefined : await findRun(journal, run);
  return asks({ journal, ...(row === undefined ? {} : { run: row.run }), ...(scope === undefined ? {} : { scope }) });
}

function tell(open: readonly OpenAsk[], limit: number, { out, err }: Terminal): void {
  if (open.length === 0) return err.line('Nobody waits for an answer.');
  const now = Date.now();
  const options = { width: out.width(), colors: out.colors, now, linesMax: LINES_MAX };
  for (const [index, one] of open.slice(0, limit).entries()) {
    if (index > 0) out.line();
    for (const line of cardLines(one, options)) out.line(line);
  }
  if (open.length > limit) err.line(`\n${many(open.length - limit, 'more question')}: ${amdahlCommand()} inbox --limit ${open.length}`);
}
