// `amdahl show`: everything about one run, from its journal alone.

import type { ErrorRecord } from '../agent/errors.ts';
import { hitsIn, hitsOf } from '../compose/incidents.ts';
import { billNow, addToBill, emptyBill } from '../journal/bill.ts';
import type { Bill } from '../journal/bill.ts';
import type { Entry, Gap } from '../journal/event.ts';
import type { AskId } from '../journal/ids.ts';
import type { Journal, RunRow } from '../journal/journal.ts';
import { isWorkedOn } from '../journal/rows.ts';
import type { CallNode, RunTree } from '../journal/tree.ts';
import { treeOf } from '../journal/tree.ts';
import { renderBill } from './billText.ts';
import { heldBackLines, incidentLines, othersIn } from './incidentText.ts';
import { amdahlCommand, pasteable, resumeLine } from './invocation.ts';
import { nextStep } from './nextStep.ts';
import { programText } from './program.ts';
import { showPrompts } from './promptCommand.ts';
import { clipLine, many, momentText, timeText, visible } from './quantities.ts';
import { findRun, requireJournal } from './runReference.ts';
import { paintOf } from './runsCommand.ts';
import type { Output, Terminal } from './terminal.ts';
import { RETRACTIONS, renderTree } from './treeText.ts';
import { askLines } from './worldText.ts';
import { addTurnedAway, heldBackSince, nobodyTurnedAway, type TurnedAway } from './turnedAway.ts';

export interface ShowOptions {
  readonly prompt?: string | true;
  readonly json?: boolean;
  readonly all?: boolean;
}

const LINES_SHOWN = 20;
const ASK_COLUMNS_MAX = 160;

export async function showCommand(text: string, options: ShowOptions, { out }: Terminal): Promise<number> {
  const journal = requireJournal();
  const row = await findRun(journal, text);
  if (options.prompt !== undefined) await showPrompts(journal, row, options.prompt, options, out);
  else await showRun(journal, row, options, out);
  await journal.close();
  return 0;
}

async function showRun(journal: Journal, row: RunRow, options: ShowOptions, out: Output): Promise<void> {
  const open = emptyBill();
  const turnedAway = nobodyTurnedAway();
  // What waits for people is not cut off.
  const abandoned = row.status !== 'parked' && !isWorkedOn(row);
  const tree = await treeOf(
    tee(journal.read(row.run), ({ event }) => {
      addToBill(open, event);
      addTurnedAway(turnedAway, event);
    }),
    { abandoned },
  );
  const bill = billNow(open);
  const asked = await journal.asks({ run: row.run, all: true });
  const openAsks = asked.filter(({ state }) => state === 'open').length;
  const said = new Set(asked.flatMap(({ ask, state }) => (state === 'responded' ? [ask] : [])));
  if (options.json === true) {
    out.line(JSON.stringify({ run: row, tree, bill }));
    return;
  }
  for (const line of lines(row, { tree, bill, turnedAway, openAsks, said }, options, out)) out.line(line);
}

async function* tee(entries: AsyncIterable<Entry>, see: (entry: Entry) => void): AsyncGenerator<Entry> {
  for await (const entry of entries) {
    see(entry);
    yield entry;
  }
}

/** What the events of a run come to. */
interface Known {
  readonly tree: RunTree;
  readonly bill: Bill;
  readonly turnedAway: TurnedAway;
  /** Questions that nobody has answered. */
  readonly openAsks: number;
  /** Those that somebody has, and that the run has not heard. */
  readonly said: ReadonlySet<AskId>;
}

function* lines(row: RunRow, { tree, bill, turnedAway, openAsks, said }: Known, options: ShowOptions, out: Output): Generator<string> {
  const { colors } = out;
  yield* headLines(row, tree, out);
  yield '';
  if (tree.root !== undefined) {
    yield* renderTree(tree.root, { width: out.width(), colors, all: options.all === true, said });
    yield '';
  }
  if (tree.asks.length > 0) {
    yield* askLines(tree.asks, { colors, room: Math.min(out.width(), ASK_COLUMNS_MAX), all: options.all === true, said });
    yield '';
  }
  yield* lossLines(tree, turnedAway, out);
  const again = tree.root === undefined ? [] : [...retractionsIn(tree.root)];
  if (tree.entries.length > 1 || tree.entries.some(({ parkedMs }) => parkedMs > 0)) {
    yield* entryLines(tree, again, out);
    yield '';
  }
  yield* renderBill(bill, turnedAway.requests, out.width(), colors);
  const next = nextText(row, tree, openAsks);
  if (next !== undefined) {
    yield '';
    yield colors.dim(next);
  }
}

/** Incidents, tools that were held back, and what is missing: because of them, and otherwise. */
function* lossLines({ incidents, missing, failure, root }: RunTree, turnedAway: TurnedAway, out: Output): Generator<string> {
  const { colors } = out;
  const hits = failure === undefined ? hitsIn(missing.map(({ error }) => error)) : hitsOf(failure.data ?? {});
  const told = incidentLines(incidents, { hits, of: failure === undefined ? root?.width : countIn(failure) });
  for (const line of told) yield colors.yellow(line);
  // Two incidents of one outage begin alike.
  const firsts = new Set(incidents.map(({ code, message, gate }) => `the first failure of ${gate}: ${code}: ${message}`));
  for (const first of firsts) yield colors.dim(`  ${clipLine(first, Math.max(40, out.width() - 2))}`);
  const tools = heldBackSince(turnedAway, -Infinity);
  for (const line of heldBackLines(tools)) yield colors.yellow(line);
  const says = new Set(tools.flatMap(({ tool, message }) => (message === undefined ? [] : [`tool '${tool}' said: ${message}`])));
  for (const said of says) yield colors.dim(`  ${clipLine(said, Math.max(40, out.width() - 2))}`);
  if (told.length + tools.length > 0) yield '';
  if (missing.length === 0) return;
  const others = othersIn(missing);
  yield colors.yellow(`${colors.bold('missing')}  ${missing.length}`);
  yield* bounded(others.map((gap) => gapLine(gap, out)));
  if (others.length < missing.length) yield `  ${missing.length - others.length} because of what is said above`;
  yield '';
}

function countIn({ data }: ErrorRecord): number | undefined {
  const count = data?.['count'];
  return typeof count === 'number' ? count : undefined;
}

function nextText(row: RunRow, { failure }: RunTree, openAsks: number): string | undefined {
  const { run, status } = row;
  const resume = resumeLine(row);
  switch (status) {
    case 'failed':
      return nextStep(failure, run, resume);
    case 'partial':
      return `ask again what is missing: ${resume}`;
    case 'cancelled':
    case 'interrupted':
      return `go on: ${resume}`;
    case 'parked':
      return openAsks > 0 ? `answer what it asks: ${amdahlCommand()} inbox ${run}` : `it was answered; go on: ${resume}`;
    case 'running':
    case 'succeeded':
      return undefined;
  }
}

function* headLines(row: RunRow, tree: RunTree, { colors, width }: Output): Generator<string> {
  const field = (name: string, value: string): string => `${colors.dim(name.padEnd(8))} ${value}`;
  yield `${colors.bold(row.run)}  ${paintOf(row.status, colors)(row.status)}`;
  yield field('agent', `${visible(row.agent)}${row.program === undefined ? '' : colors.dim(`  ${programText(row.program)}`)}`);
  if (row.scope !== undefined) yield field('scope', visible(row.scope));
  if (tree.rerun !== undefined) yield field('rerun of', tree.rerun);
  yield field('started', `${momentText(row.startedAt)}, ${many(row.events, 'event')} until ${momentText(row.updatedAt)}`);
  if (tree.budget !== undefined) yield field('budget', budgetText(tree.budget));
  if (tree.input !== undefined)
    yield field('input', clipLine(typeof tree.input === 'string' ? tree.input : JSON.stringify(tree.input), Math.min(width() - 9, 160)));
  if (row.owner !== undefined && isWorkedOn(row))
    yield field('owner', `process ${row.owner.pid} on ${row.owner.host}${row.owner.alive ? '' : ', gone'}`);
  if (tree.failure !== undefined) yield field('failed', colors.red(`${tree.failure.code}: ${visible(pasteable(tree.failure.message))}`));
  if (tree.parkedAt !== undefined) yield field('parked', `since ${momentText(tree.parkedAt)}`);
  if (tree.reason !== undefined) yield field('because', clipLine(tree.reason, width() - 9));
}

function budgetText({ calls, tokens, usd, ms }: NonNullable<RunTree['budget']>): string {
  return [
    calls === undefined ? '' : many(calls, 'request'),
    tokens === undefined ? '' : many(tokens, 'token'),
    usd === undefined ? '' : `$${usd}`,
    ms === undefined ? '' : timeText(ms),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function gapLine({ call, error }: Gap, { width }: Output): string {
  return `  ${clipLine(`${call}  ${error.code}: ${pasteable(error.message)}`, Math.max(40, width() - 2))}`;
}

function* entryLines({ entries }: RunTree, again: readonly string[], { colors }: Output): Generator<string> {
  yield colors.bold('entries');
  for (const { entry, startedAt, lastAt, parkedMs } of entries) {
    const parked = parkedMs === 0 ? '' : `, parked ${timeText(parkedMs)} of it`;
    yield `  ${entry}  ${momentText(startedAt)}  ${timeText(lastAt - startedAt)}${parked}`;
  }
  if (again.length > 0) yield colors.bold('forgotten and asked again');
  yield* bounded(again);
}

function* retractionsIn(node: CallNode): Generator<string> {
  for (const { entry, why, note } of node.retractions)
    yield `  ${visible(node.path)}  entry ${entry}: ${RETRACTIONS[why]}${note === undefined ? '' : ` (${visible(note)})`}`;
  for (const child of node.children) yield* retractionsIn(child);
}

function* bounded(all: readonly string[]): Generator<string> {
  yield* all.slice(0, LINES_SHOWN);
  if (all.length > LINES_SHOWN) yield `  … ${all.length - LINES_SHOWN} more (--json has them all)`;
}
