// The tree of a run as lines for people. Pure; called by show.
//
// Every call that did not succeed at its first answer says why below its line; wide fan-outs keep whatever did not
// succeed and a few of the rest, unless everything is asked for.

import type { Colors } from 'picocolors/types.js';
import type { Problem } from '../agent/errors.ts';
import type { Json } from '../journal/event.ts';
import type { AskId } from '../journal/ids.ts';
import type { AttemptNode, CallNode, CallStatus, Cost, TurnNode, WaitNode } from '../journal/tree.ts';
import { WAIT_TOLD_FROM_MS } from './billText.ts';
import { hitOf } from '../compose/incidents.ts';
import { heldBackText } from './incidentText.ts';
import { pasteable } from './invocation.ts';
import { clipLine, costText, countText, many, timeText, visible, wrapText } from './quantities.ts';
import type { Cell } from './table.ts';
import { tableLines } from './table.ts';
import { heldBackIn } from './turnedAway.ts';
import { askLines, confirmedText, countedStates, effectLines, isPlain } from './worldText.ts';

export interface TreeTextOptions {
  readonly width: number;
  readonly colors: Colors;
  /** Every call, every turn, every tool call. */
  readonly all: boolean;
  /** Questions that somebody has answered and whose run has not heard of it. */
  readonly said?: ReadonlySet<AskId>;
}

/** How many siblings that succeeded are shown before the rest is one line. */
const SIBLINGS_SHOWN = 5;
const SIBLINGS_COLLAPSED_FROM = 8;
const SAID_COLUMNS_MAX = 160;
const ROOM_LEAST = 40;
const MESSAGE_LINES_MAX = 4;

const MARKS: Readonly<Record<CallStatus, string>> = { running: '▸', succeeded: '✓', failed: '✗', retracted: '↺', interrupted: '◌' };
const COLUMNS = [{ gives: true }, { drop: 2 }, { align: 'right', drop: 1 }, { align: 'right' }, { align: 'right' }] as const;

/** What stands below a call's line has this many columns. */
interface NoteOptions extends TreeTextOptions {
  readonly room: number;
}

interface Line {
  readonly cells?: readonly (string | Cell)[];
  /** A line below a call, not part of the table. */
  readonly note?: string;
}

/** Lines of the tree below `root`. O(calls). */
export function renderTree(root: CallNode, options: TreeTextOptions): string[] {
  const lines = [...linesOf(root, '', '', '', options)];
  const table = tableLines(
    COLUMNS,
    lines.flatMap(({ cells }) => (cells === undefined ? [] : [cells])),
    options.width,
  );
  let row = 0;
  return lines.map(({ cells, note }) => (cells === undefined ? (note ?? '') : (table[row++] ?? '')));
}

function* linesOf(node: CallNode, lead: string, below: string, parentPath: string, options: TreeTextOptions): Generator<Line> {
  const { colors } = options;
  const asking = node.status === 'running' && node.asks.some(({ ask, state }) => state === 'open' && options.said?.has(ask) !== true);
  const paint = asking ? colors.yellow : paintOf(node.status, colors);
  const name = node.path.startsWith(parentPath) ? node.path.slice(parentPath.length).replace(/^\//, '') : node.path;
  yield {
    cells: [
      {
        text: `${lead}${asking ? '?' : MARKS[node.status]} ${visible(name)}`,
        paint: (text) => paintMark(text, lead.length, paint, colors),
      },
      { text: workOf(node), paint: colors.dim },
      timeText(node.ms),
      ...costCells(node.total),
    ],
  };
  const { shown, hidden, fallen } = select(node.children, options.all);
  const notesLead = `${below}${node.children.length === 0 ? ' ' : '│'}  `;
  const room = Math.max(ROOM_LEAST, Math.min(SAID_COLUMNS_MAX, options.width - notesLead.length));
  for (const note of notesOf(node, parentPath === '', { ...options, room })) yield { note: colors.dim(notesLead) + note };
  for (const [index, child] of shown.entries()) {
    const last = index === shown.length - 1 && hidden.length + fallen === 0;
    yield* linesOf(child, `${below}${last ? '└ ' : '├ '}`, `${below}${last ? '  ' : '│ '}`, node.path, options);
  }
  if (fallen > 0)
    yield { cells: [{ text: `${below}${hidden.length > 0 ? '├' : '└'} … ${fallen} more fell to an incident (--all)`, paint: colors.dim }] };
  if (hidden.length > 0)
    yield {
      cells: [{ text: `${below}└ … ${hiddenText(hidden)} (--all)`, paint: colors.dim }, '', '', ...costCells(sumOf(hidden))],
    };
}

function hiddenText(hidden: readonly CallNode[]): string {
  const effects = hidden.flatMap((node) => node.effects);
  return `${hidden.length} more succeeded${effects.length === 0 ? '' : `, ${many(effects.length, 'effect')} (${countedStates(effects)})`}`;
}

interface Selection {
  readonly shown: readonly CallNode[];
  /** These succeeded. */
  readonly hidden: readonly CallNode[];
  /** So many fell to an incident, which is told once. */
  readonly fallen: number;
}

/** All that did not succeed by itself, but of those that fell to an incident the first; of the rest as many as are worth reading. Order is kept. */
function select(children: readonly CallNode[], all: boolean): Selection {
  if (all) return { shown: children, hidden: [], fallen: 0 };
  const plain = children.filter(
    ({ status, children: below, effects }) =>
      status === 'succeeded' && below.every((child) => child.status === 'succeeded') && effects.every(isPlain),
  );
  const hidden = plain.length < SIBLINGS_COLLAPSED_FROM ? [] : plain.slice(SIBLINGS_SHOWN);
  const fallen = [...Map.groupBy(children, incidentOf)].flatMap(([id, those]) => (id === undefined ? [] : those.slice(1)));
  const out = new Set([...hidden, ...fallen]);
  return { shown: children.filter((child) => !out.has(child)), hidden, fallen: fallen.length };
}

/** The incident that a call fell to by itself. */
function incidentOf({ failure, children }: CallNode): string | undefined {
  return failure === undefined || children.length > 0 ? undefined : hitOf(failure)?.id;
}

function workOf(node: CallNode): string {
  const turns = node.attempts.reduce((sum, { turns: of }) => sum + of.length, 0);
  const tools = node.attempts.reduce((sum, { turns: of }) => sum + of.reduce((count, turn) => count + turn.tools.length, 0), 0);
  const parts = [
    node.kind === 'model' ? '' : node.width === undefined ? node.kind : `${node.kind} of ${node.width}`,
    node.attempts.length > 1 ? many(node.attempts.length, 'attempt') : '',
    turns > 0 ? many(turns, 'turn') : '',
    node.from === undefined
      ? ''
      : `bought ${node.from.run === undefined ? `as ${visible(node.from.path ?? 'another call')}` : `by run ${node.from.run}`}`,
    tools > 0 ? many(tools, 'tool call') : '',
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function costCells({ calls, tokensIn, tokensOut, usdMicros, unpriced }: Cost): readonly [string, string] {
  if (calls === 0) return ['', ''];
  return [`${countText(tokensIn + tokensOut)} tokens`, costText(usdMicros, unpriced)];
}

function sumOf(nodes: readonly CallNode[]): Cost {
  const sum = { calls: 0, tokensIn: 0, tokensOut: 0, usdMicros: 0, unpriced: 0 };
  for (const { total } of nodes)
    for (const key of ['calls', 'tokensIn', 'tokensOut', 'usdMicros', 'unpriced'] as const) sum[key] += total[key];
  return sum;
}

/** What a reader wants to know beyond the line itself, one string per line. */
function* notesOf(node: CallNode, isRoot: boolean, options: NoteOptions): Generator<string> {
  const { colors } = options;
  for (const { entry, why, note } of node.retractions) {
    yield colors.yellow(`forgotten at entry ${entry}: ${RETRACTIONS[why]}${note === undefined ? '' : ` (${visible(note)})`}`);
  }
  if (node.failure !== undefined) {
    const { code, message, problems = [] } = node.failure;
    const said = `${code}: ${pasteable(message)}`;
    // What an incident says to all that fell to it is not worth four lines each.
    const lines = hitOf(node.failure) !== undefined && !isRoot ? [clipLine(said, options.room)] : messageLines(said, options);
    for (const line of lines) yield colors.red(line);
    yield* problemLines(
      problems.filter((problem) => !message.includes(problem.message)),
      options,
    );
    if (node.causes.length > 0)
      yield colors.dim(
        `passed on from ${node.causes.slice(0, 3).map(visible).join(', ')}${node.causes.length > 3 ? ` and ${node.causes.length - 3} more` : ''}`,
      );
  }
  // The root's gaps are the run's, which have a section of their own.
  for (const { call, error } of isRoot ? [] : node.gaps)
    yield colors.yellow(clipLine(`missing ${call}: ${error.code}: ${pasteable(error.message)}`, options.room));
  for (const { guard, evidence } of node.guards) yield colors.yellow(clipLine(guardText(guard, evidence), options.room));
  if (node.confirmed !== undefined && node.status !== 'succeeded' && node.status !== 'failed') yield confirmedText(node.confirmed);
  yield* effectLines(node.effects, options);
  yield* askLines(node.asks, options);
  for (const wait of node.waits) if (wait.ms >= WAIT_TOLD_FROM_MS) yield colors.dim(waitText(wait));
  if (options.all || worthTelling(node)) for (const attempt of node.attempts) yield* attemptLines(attempt, node.attempts.length, options);
}

export const RETRACTIONS: Readonly<Record<CallNode['retractions'][number]['why'], string>> = {
  resumed: 'it had failed, and the run was resumed',
  retried: 'asked for with --retry',
  program: 'the program changed',
  contract: 'its answer no longer fits the contract',
  check: 'a check refuses its answer now',
  undone: 'what it did was undone',
  differs: 'it was asked something else than before',
};

function guardText(guard: string, evidence: Json): string {
  const tool = guard === 'toolBreaker' ? heldBackIn(evidence) : undefined;
  if (tool !== undefined) return heldBackText(tool);
  return `limit '${guard}' reached: ${JSON.stringify(evidence)}`;
}

function waitText({ limit, gate, ms }: WaitNode): string {
  if (limit === 'budget') return `waited ${timeText(ms)} for room in a budget`;
  if (limit === 'cache') return `waited ${timeText(ms)} for another to fill the provider's cache`;
  return `waited ${timeText(ms)} at the gate${gate === undefined ? '' : ` of ${visible(gate)}`}`;
}

/** Refused answers, failed requests and lost ones; a plain conversation is not told again. */
function worthTelling({ attempts }: CallNode): boolean {
  return (
    attempts.length > 1 ||
    attempts.some(
      ({ rejected, turns }) =>
        rejected !== undefined ||
        turns.some(
          ({ problems, error, sent, hedges, moves, tools }) =>
            problems !== undefined ||
            error !== undefined ||
            sent > 1 ||
            (hedges ?? moves) !== undefined ||
            tools.some((tool) => tool.error !== undefined),
        ),
    )
  );
}

function* attemptLines({ attempt, turns, rejected }: AttemptNode, of: number, options: NoteOptions): Generator<string> {
  const { colors } = options;
  const indent = of > 1 ? '  ' : '';
  if (of > 1) yield `attempt ${attempt + 1}`;
  for (const [index, turn] of turns.entries()) yield* turnLines(turn, index + 1, indent, options);
  if (rejected !== undefined) {
    const by = {
      contract: 'rejected by its contract',
      check: 'rejected by a check',
      code: 'rejected by code that threw',
      approval: 'rejected by a person',
      undone: 'undone for what is above it',
    };
    yield `${indent}${colors.red(by[rejected.why])}`;
    for (const line of problemLines(rejected.problems, options)) yield indent + line;
  }
}

function* turnLines(turn: TurnNode, number: number, indent: string, options: NoteOptions): Generator<string> {
  const { colors } = options;
  const facts = [
    { ask: '', tools: '', repair: 'repair' }[turn.why],
    turn.sent > 1 ? `sent ${turn.sent} times` : '',
    turn.failures === undefined
      ? ''
      : `after ${countedText(turn.failures)}${turn.waitedMs === undefined ? '' : ` and ${timeText(turn.waitedMs)} of waiting`}`,
    turn.hedges === undefined ? '' : `hedged${turn.hedgeWon === true ? ', and the hedge was answered first' : ''}`,
    turn.ms === undefined ? 'no answer' : timeText(turn.ms),
    `${countText(turn.tokensIn)} in, ${countText(turn.tokensOut)} out`,
    turn.finish === undefined || turn.finish === 'stop' || turn.finish === 'tool-calls' ? '' : turn.finish,
  ].filter((fact) => fact !== '');
  for (const { to, why } of turn.moves ?? [])
    yield `${indent}${colors.yellow(clipLine(`moved to ${to} because ${clause(why)}`, options.room - indent.length))}`;
  yield `${indent}${colors.dim(`turn ${number}: ${facts.join(', ')}`)}`;
  if (turn.said !== undefined && turn.tools.length === 0)
    yield `${indent}  ${colors.dim('said')} ${clipLine(turn.said, options.room - indent.length - 7)}`;
  for (const tool of turn.tools) {
    const end =
      tool.error === undefined
        ? tool.ms === undefined
          ? tool.effect === 'agent'
            ? ''
            : colors.yellow('no answer')
          : colors.dim(timeText(tool.ms))
        : colors.red(clipLine(`${tool.error.code}: ${tool.error.message}`, 80));
    yield `${indent}  ${visible(tool.tool)} ${clipLine(JSON.stringify(tool.args), options.room - 40)} ${end}`;
  }
  if (turn.error !== undefined) {
    const paint = turn.status === 'cancelled' ? colors.yellow : colors.red;
    yield `${indent}  ${paint(clipLine(`${turn.error.code}: ${turn.error.message}`, options.room - indent.length - 2))}`;
  }
  if (turn.problems !== undefined) for (const line of problemLines(turn.problems, options)) yield `${indent}  ${line}`;
}

/** 'MODEL_TIMEOUT, 2 × MODEL_OVERLOADED', in the order in which they came first. */
function countedText(codes: readonly string[]): string {
  return [...Map.groupBy(codes, (code) => code)].map(([code, all]) => (all.length === 1 ? code : `${all.length} × ${code}`)).join(', ');
}

/** A sentence as the second half of one. */
function clause(text: string): string {
  return text.replace(/\.$/, '');
}

function problemLines(problems: readonly Problem[], options: NoteOptions): string[] {
  const lines = problems
    .slice(0, 5)
    .map(({ path, message }) => `  ${path === '' ? '' : `${visible(path)}: `}${clipLine(message, options.room - path.length - 8)}`);
  return problems.length > 5 ? [...lines, `  … ${problems.length - 5} more problems`] : lines;
}

/** A message may be long and says at its end what to do: a few lines of it. */
function messageLines(message: string, { room }: NoteOptions): string[] {
  const lines = wrapText(visible(message).replace(/\s+/g, ' '), room, '');
  return lines.length <= MESSAGE_LINES_MAX
    ? lines
    : [...lines.slice(0, MESSAGE_LINES_MAX - 1), `${clipLine(lines[MESSAGE_LINES_MAX - 1] ?? '', room - 1)}…`];
}

function paintOf(status: CallStatus, colors: Colors): (text: string) => string {
  return { running: colors.cyan, succeeded: colors.green, failed: colors.red, retracted: colors.yellow, interrupted: colors.yellow }[
    status
  ];
}

/** Only the mark is coloured: the tree's lines are dim and the name is plain. */
function paintMark(text: string, lead: number, paint: (text: string) => string, colors: Colors): string {
  return colors.dim(text.slice(0, lead)) + paint(text.slice(lead, lead + 1)) + text.slice(lead + 1);
}
