// One question to a person, as it stands in the inbox: who asks, what exactly, until when, and how to answer. Pure but for the
// command it names; called by inbox, by answer before it asks, and by drive for a run that is parked.

import type { Colors } from 'picocolors/types.js';
import type { Json } from '../agent/canonical.ts';
import type { AskId, RunId } from '../journal/ids.ts';
import type { AskKind } from '../journal/worldEvent.ts';
import { amdahlCommand, pasteable } from './invocation.ts';
import { agoText, momentText, timeText, visible, widthOf, wrapText } from './quantities.ts';
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
}

const INDENT = '  ';
const LINE_MAX = 60;
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
export const OUTCOMES: Readonly<Record<string, string>> = {
  done: 'it happened; the run goes on, with its result if you give one',
  'not done': 'it did not happen; it is done now, under the same key',
  'give up': 'what can be taken back is taken back, the rest is not done, and the call fails',
  'go on': 'what was done belongs to what the run does now; it goes on, and may act again',
  stop: 'the run fails, and nothing more is done',
};

export function cardLines(asked: Asked, options: CardOptions): string[] {
  const { colors, now, linesMax } = options;
  const width = Math.min(options.width, COLUMNS_MAX);
  const room = width - INDENT.length;
  const { ask, run, of, path, question, about, openedAt } = asked;
  const where = `${KINDS[of]} of ${run}${path === '' || path === run ? '' : `, ${visible(path)}`}`;
  const when = `${agoText(openedAt, now)}${expiryText(asked, now)}`;
  const about_ = isEmpty(about) ? [] : valueLines(about, { room, colors, linesMax });
  return [
    ...headLines(askText(ask), where, when, width, colors),
    ...visible(pasteable(question))
      .split('\n')
      .flatMap((line) => wrapText(line, width, INDENT)),
    ...(about_.length === 0 ? [] : ['', ...about_.map((line) => INDENT + line)]),
    '',
    ...(options.ways === false ? [] : howLines(asked, colors).map((line) => INDENT + line)),
  ];
}

function headLines(id: string, where: string, when: string, width: number, colors: Colors): string[] {
  const head = `${colors.yellow(colors.bold(id))}  ${colors.bold(where)}`;
  return widthOf(head) + 2 + widthOf(when) <= width ? [`${head}  ${colors.dim(when)}`] : [head, INDENT + colors.dim(when)];
}

/** ', expires in 6d 23h (2026-03-08 14:05:09)'. */
function expiryText({ expiresAt }: Asked, now: number): string {
  if (expiresAt === undefined) return '';
  return now < expiresAt ? `, expires in ${timeText(expiresAt - now)}` : `, expired ${momentText(expiresAt)}`;
}

/** How it is answered and refused: what can be pasted, and what an answer looks like. */
function howLines(asked: Asked, colors: Colors): string[] {
  const answer = answerCommand(asked.ask);
  const refuse = `${amdahlCommand()} refuse ${askText(asked.ask)} --reason '…'`;
  const lines = ways(asked).map(({ way, does }) => ({ command: `${answer}${way === '' ? '' : ` ${way}`}`, does }));
  const shape = asked.form === undefined || isFixed(asked) ? '' : shapeText(asked.form);
  const takes = shape === '' || (shape.length > LINE_MAX && !shape.includes('\n')) ? [] : shape.split('\n');
  const columns = Math.max(...lines.map(({ command }) => command.length), refuse.length);
  return [
    ...lines.map(({ command, does }) => `${colors.bold(command.padEnd(columns))}  ${colors.dim(does)}`),
    `${refuse.padEnd(columns)}  ${colors.dim(REFUSED[asked.of])}`,
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
  if (of === 'approval')
    return [
      { way: 'yes', does: 'exactly this is done' },
      { way: 'no', does: 'it is not done' },
    ];
  const outcomes = outcomesIn(form);
  if (outcomes.length > 0) return outcomes.map((name) => ({ way: quoted(name), does: OUTCOMES[name] ?? '' }));
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
