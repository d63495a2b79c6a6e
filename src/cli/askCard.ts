// One question to a person, as it stands in the inbox: who asks, what exactly, until when, and how to answer. Pure but for the
// command it names; called by inbox, by answer before it asks, and by drive for a run that is parked.

import type { Colors } from 'picocolors/types.js';
import type { Json } from '../agent/canonical.ts';
import { receiptsIn, shortOf } from '../agent/receipt.ts';
import type { AskId, RunId } from '../journal/ids.ts';
import type { AskKind } from '../journal/worldEvent.ts';
import { amdahlCommand, pasteable } from './invocation.ts';
import { agoText, clipLine, momentText, timeText, visible, visibleInLine, widthOf, wrapText } from './quantities.ts';
import { shapeText } from './shapeText.ts';
import { valueLines } from './valueText.ts';
import { answerCommand, askText } from './worldText.ts';

/** What a person must know to answer. Times in epoch ms. */
export interface Asked {
  readonly ask: AskId;
  readonly run: RunId;
  readonly of: AskKind;
  readonly path: string;
  readonly question: string;
  readonly about: Json;
  /** JSON Schema of an answer; any text where there is none. */
  readonly form?: Json;
  readonly openedAt: number;
  readonly expiresAt?: number;
}

export interface CardOptions {
  readonly width: number;
  readonly colors: Colors;
  /** Epoch ms. */
  readonly now: number;
  /** Lines of what it is about; more are counted. */
  readonly linesMax: number;
  /** Whether it says how it is answered. Default: it does. */
  readonly ways?: boolean;
  /** What receipts stand for, by the beginning of the key that they show. */
  readonly stands?: ReadonlyMap<string, string>;
}

const INDENT = '  ';
const LINE_MAX = 60;
const STANDS_COLUMNS_MAX = 120;
/** Wider lines are hard to read. */
const COLUMNS_MAX = 100;

/** What a question is about, in a word or two. */
const KINDS: Readonly<Record<AskKind, string>> = {
  human: 'question',
  approval: 'approval',
  effect: 'what became of an effect',
  budget: 'budget',
  diverged: 'diverged',
};

/** What each answer does, where the answers are always the same. */
const OUTCOMES: Readonly<Record<string, string>> = {
  done: 'it happened; the run goes on, with its result if you give one',
  'not done': 'it did not happen; it is done now, under the same key',
  'give up': 'what can be is taken back, the rest is left, and the call fails',
  'go on': 'what was done is meant to stand; it goes on, and may act again',
  stop: 'the run fails, and nothing more is done',
};

/** The same, where something could not be taken back. */
const UNDO_OUTCOMES: Readonly<Record<string, string>> = {
  done: 'it was taken back',
  'not done': 'it was not; it is tried again',
  'give up': 'it stands, and the failure names it',
};

/** What each answer to a question with fixed answers does. Pure. */
export function outcomesOf({ about }: Pick<Asked, 'about'>): Readonly<Record<string, string>> {
  return isObject(about) && about['undo'] === true ? UNDO_OUTCOMES : OUTCOMES;
}

export function cardLines(asked: Asked, options: CardOptions): string[] {
  const { colors, now, linesMax } = options;
  const width = Math.min(options.width, COLUMNS_MAX);
  const room = width - INDENT.length;
  const { ask, run, of, path, question, about, openedAt } = asked;
  const where = visibleInLine(`${KINDS[of]} of ${run}${path === '' || path === run ? '' : `, ${path}`}`);
  const when = `${agoText(openedAt, now)}${expiryText(asked, now)}`;
  const about_ = isEmpty(about) ? [] : valueLines(about, { room, colors, linesMax });
  return [
    ...headLines(askText(ask), where, when, width, colors),
    ...visible(pasteable(question))
      .split('\n')
      .flatMap((line) => wrapText(line, width, INDENT)),
    ...(about_.length === 0 ? [] : ['', ...about_.map((line) => INDENT + line)]),
    ...standLines(about, options, room),
    '',
    ...(options.ways === false ? [] : howLines(asked, options.width - INDENT.length, colors).map((line) => INDENT + line)),
  ];
}

/** What stands in the place of each receipt once it is done. */
function standLines(about: Json, { colors, stands }: CardOptions, room: number): string[] {
  const found = new Set(receiptsIn(about).map(({ short }) => short));
  return [...found].flatMap((short) => {
    const what = stands?.get(short);
    return what === undefined
      ? []
      : wrapText(`${colors.cyan(`[receipt:${short}…]`)} stands for what this gives, done before: ${what}`, room, INDENT);
  });
}

/** What receipts stand for. O(effects). */
export function standsOf(
  effects: Iterable<{ readonly key: string; readonly tool: string; readonly args: Json }>,
): ReadonlyMap<string, string> {
  return new Map(
    [...effects].map(({ key, tool, args }) => [shortOf(key), clipLine(`${tool} ${JSON.stringify(args)}`, STANDS_COLUMNS_MAX)]),
  );
}

function headLines(id: string, where: string, when: string, width: number, colors: Colors): string[] {
  const head = `${colors.yellow(colors.bold(id))}  ${colors.bold(where)}`;
  return widthOf(head) + 2 + widthOf(when) <= width
    ? [`${head}  ${colors.dim(when)}`]
    : [...wrapText(head, width, ''), INDENT + colors.dim(when)];
}

/** ', expires in 6d 23h (2026-03-08 14:05:09)'. */
function expiryText({ expiresAt }: Asked, now: number): string {
  if (expiresAt === undefined) return '';
  return now < expiresAt ? `, expires in ${timeText(expiresAt - now)}` : `, expired ${momentText(expiresAt)}`;
}

/** How it is answered and refused: what can be pasted, and what an answer looks like. */
function howLines(asked: Asked, room: number, colors: Colors): string[] {
  const answer = answerCommand(asked.ask);
  const refuse = `${amdahlCommand()} refuse ${askText(asked.ask)} --reason '…'`;
  const lines = ways(asked).map(({ way, does }) => ({ command: `${answer}${way === '' ? '' : ` ${way}`}`, does }));
  const shape = asked.form === undefined || isFixed(asked) ? '' : visible(shapeText(asked.form));
  const takes = shape === '' || (shape.length > LINE_MAX && !shape.includes('\n')) ? [] : shape.split('\n');
  const all = [...lines, { command: refuse, does: REFUSED[asked.of] }];
  const columns = Math.max(...all.map(({ command }) => command.length));
  const wide = all.every(({ does }) => columns + 2 + does.length <= room);
  return [
    ...all.flatMap(({ command, does }) =>
      wide ? [`${colors.bold(command.padEnd(columns))}  ${colors.dim(does)}`] : [colors.bold(command), colors.dim(INDENT + does)],
    ),
    ...(takes.length === 0 ? [] : [colors.dim(`an answer is ${takes[0] ?? ''}`), ...takes.slice(1).map((line) => colors.dim(line))]),
  ];
}

const REFUSED: Readonly<Record<AskKind, string>> = {
  human: 'nobody answers: what asked fails',
  approval: 'it is not done, and whoever wanted it is told why',
  effect: 'as if it were given up',
  budget: 'the budget stays as it is, and the call fails',
  diverged: 'the run fails, and nothing more is done',
};

interface Way {
  /** What stands behind the command. */
  readonly way: string;
  readonly does: string;
}

function ways(asked: Asked): readonly Way[] {
  const { of, form } = asked;
  const hints = outcomesOf(asked);
  if (of === 'approval')
    return [
      { way: 'yes', does: 'exactly this is done' },
      { way: 'no', does: 'it is not done' },
    ];
  const outcomes = outcomesIn(form);
  if (outcomes.length > 0) return outcomes.map((name) => ({ way: quoted(name), does: hints[name] ?? '' }));
  if (of === 'budget') return [{ way: '', does: 'asks how much more; or as JSON, such as \'{"calls":10}\'' }];
  if (form === undefined || (isObject(form) && form['type'] === 'string' && form['enum'] === undefined))
    return [{ way: "'your answer'", does: 'any text' }];
  return [{ way: '', does: 'asks field by field; or give it as JSON' }];
}

/** Whether all answers are named one by one. */
function isFixed({ of, form }: Asked): boolean {
  return of === 'approval' || outcomesIn(form).length > 0;
}

/** The fixed `outcome`s that a form lets choose from; none where it is no such form. Pure. */
export function outcomesIn(form: Json | undefined): readonly string[] {
  const options = isObject(form) ? (form['anyOf'] ?? form['oneOf'] ?? [form]) : [];
  const outcomes = (Array.isArray(options) ? options : []).flatMap((option: Json): readonly string[] => {
    const properties = isObject(option) ? option['properties'] : undefined;
    const outcome = isObject(properties) ? properties['outcome'] : undefined;
    if (!isObject(outcome)) return [];
    const fixed = Array.isArray(outcome['enum']) ? outcome['enum'] : [outcome['const'] ?? null];
    return fixed.filter((one): one is string => typeof one === 'string');
  });
  return [...new Set(outcomes)];
}

function isEmpty(about: Json): boolean {
  return about === null || about === '' || (typeof about === 'object' && Object.keys(about).length === 0);
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w.-]+$/.test(text) ? text : `'${text}'`;
}
