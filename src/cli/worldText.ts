// Effects and asks as lines for people: what was done to the world, what was not and why, and what waits for whom. Pure but for
// the command it names; called by treeText for what belongs to a call, by show, drive and inbox for the rest.

import type { Colors } from 'picocolors/types.js';
import type { Json } from '../agent/canonical.ts';
import type { AskRecord } from '../journal/askLedger.ts';
import type { EffectRecord, EffectState } from '../journal/effects.ts';
import type { AskId } from '../journal/ids.ts';
import { amdahlCommand, pasteable } from './invocation.ts';
import { clipLine, many, momentText, timeText, visible, visibleInLine, widthOf, wrapText } from './quantities.ts';
import { sizeText } from './valueText.ts';

/** As many characters of an ask's id as tell it apart from all others, for all that can be expected. */
const ASK_SHOWN = 8;
const STATE_COLUMNS = 10;
/** A longer result is only measured. */
const RESULT_CHARS_MAX = 80;
/** More effects of one call that went as they should are one line. */
const PLAIN_SHOWN_MAX = 5;
const LINES_MAX = 4;
const ASK_INDENT = ' '.repeat(7);

export interface WorldTextOptions {
  readonly colors: Colors;
  /** Columns for a line. */
  readonly room: number;
  readonly all: boolean;
  /** Questions that somebody has answered and whose run has not heard of it. */
  readonly said?: ReadonlySet<AskId>;
}

/** An ask as it is typed. */
export function askText(ask: AskId): string {
  return ask.slice(0, ASK_SHOWN);
}

/** 'amdahl answer 4fOd1xQz'. */
export function answerCommand(ask: AskId): string {
  return `${amdahlCommand()} answer ${askText(ask)}`;
}

/** What a call did to the world, would have done, or may have done. */
export function* effectLines(effects: readonly EffectRecord[], options: WorldTextOptions): Generator<string> {
  const plain = effects.filter(isPlain);
  const left = new Set(options.all || plain.length <= PLAIN_SHOWN_MAX + 1 ? [] : plain.slice(PLAIN_SHOWN_MAX));
  for (const effect of effects) if (!left.has(effect)) yield* linesOf(effect, options);
  if (left.size > 0) yield options.colors.dim(`… more: ${countedStates([...left])} (--all)`);
}

/** Whether nobody needs to look at it: it was done, or it will be. */
export function isPlain({ state }: EffectRecord): boolean {
  return state === 'committed' || state === 'staged';
}

/** '3 committed, 1 discarded', in the order of a life. */
export function countedStates(effects: readonly EffectRecord[]): string {
  const order: readonly EffectState[] = ['committed', 'committing', 'uncertain', 'staged', 'undone', 'discarded'];
  const groups = Map.groupBy(effects, ({ state }) => state);
  return order.flatMap((state) => (groups.has(state) ? [`${groups.get(state)?.length ?? 0} ${state}`] : [])).join(', ');
}

/** 'confirmed, committing 2 of 3'. */
export function confirmedText({ effects, done }: { readonly effects: readonly string[]; readonly done: number }): string {
  return `confirmed, committing ${Math.min(done + 1, effects.length)} of ${effects.length}`;
}

function* linesOf(effect: EffectRecord, { colors, room }: WorldTextOptions): Generator<string> {
  const { state, tool, key, error, approve } = effect;
  const paint = {
    staged: colors.cyan,
    committing: colors.red,
    committed: colors.green,
    discarded: colors.dim,
    uncertain: (text: string) => colors.red(colors.bold(text)),
    undone: colors.yellow,
  }[state];
  const indent = ' '.repeat(STATE_COLUMNS + 1);
  const columns = room - indent.length;
  const [args, says] = [argsText(effect), endOf(effect)];
  const whole = `${visible(tool)} ${args}${says === '' ? '' : ` ${says}`}`;
  const faint = state === 'discarded' ? colors.dim : same;
  // What became of it is never cut for its arguments.
  const lines = widthOf(whole) <= columns ? [whole] : [`${visible(tool)} ${args}`, says];
  yield `${paint(state.padEnd(STATE_COLUMNS))} ${faint(clipLine(lines[0] ?? '', columns))}`;
  if (lines[1] !== undefined && lines[1] !== '') for (const line of fewLines(lines[1], columns)) yield indent + faint(line);
  if (state === 'uncertain' || state === 'committing') {
    const what = state === 'uncertain' ? 'nobody knows whether it happened' : 'it began, and its end is not known';
    const threw = error === undefined ? '' : `: ${pasteable(error.message).replace(/\.$/, '')}`;
    for (const line of fewLines(`${what}${threw}`, columns)) yield indent + line;
    yield indent + colors.dim(`key ${key}`);
  }
  if (state === 'staged' && approve === true) yield `${indent}a person must approve of it`;
}

/** As it was sent, once it was. */
export function argsText({ args, sent }: EffectRecord): string {
  return JSON.stringify(sent ?? args);
}

function endOf({ state, receipt, result, how, why }: EffectRecord): string {
  switch (state) {
    case 'staged':
      return receipt ?? '';
    case 'committed':
      return [result === undefined ? '' : `→ ${resultText(result)}`, how === undefined ? '' : HOW[how]]
        .filter((part) => part !== '')
        .join(' ');
    case 'discarded':
      return why === undefined ? '' : `(${pasteable(why).replace(/\.$/, '')})`;
    case 'committing':
    case 'uncertain':
    case 'undone':
      return '';
  }
}

const HOW: Readonly<Record<NonNullable<EffectRecord['how']>, string>> = { verified: '(its service says so)', person: '(a person says so)' };

export function resultText(result: Json): string {
  const text = JSON.stringify(result);
  return text.length <= RESULT_CHARS_MAX ? text : sizeText(result);
}

/** What people were asked for a call: open questions stand out, with the command that answers them. */
export function* askLines(asks: readonly AskRecord[], options: WorldTextOptions): Generator<string> {
  const { colors, room } = options;
  for (const ask of asks) {
    if (ask.state !== 'open' || options.said?.has(ask.ask) === true) {
      yield* closedLines(ask, options);
      continue;
    }
    const [first = '', ...more] = fewLines(ask.question, room - ASK_INDENT.length);
    yield `${colors.yellow(colors.bold('asks'))}   ${first}`;
    for (const line of more) yield ASK_INDENT + line;
    const [how, when] = [answerCommand(ask.ask), whenText(ask)];
    const fits = ASK_INDENT.length + widthOf(how) + 2 + widthOf(when) <= room;
    yield `${ASK_INDENT}${colors.bold(how)}${fits ? `  ${colors.dim(when)}` : ''}`;
    if (!fits) yield ASK_INDENT + colors.dim(when);
  }
}

/** 'since 2026-03-01 14:05:09, until 2026-03-08 14:05:09'. */
function whenText({ openedAt, expiresAt }: AskRecord): string {
  return `since ${momentText(openedAt)}${expiresAt === undefined ? '' : `, until ${momentText(expiresAt)}`}`;
}

/** A text may be long and its end matters less than its beginning. */
function fewLines(text: string, room: number): string[] {
  const lines = wrapText(visible(text).replace(/\s+/g, ' '), room, '').flatMap((line) =>
    widthOf(line) <= room ? [line] : [clipLine(line, room)],
  );
  return lines.length <= LINES_MAX ? lines : [...lines.slice(0, LINES_MAX - 1), `${clipLine(lines[LINES_MAX - 1] ?? '', room - 1)}…`];
}

function* closedLines(ask: AskRecord, { colors, room }: WorldTextOptions): Generator<string> {
  const columns = room - ASK_INDENT.length;
  const end = visibleInLine(closedText(ask));
  const question = visibleInLine(ask.question);
  const paint = ask.state === 'refused' || ask.state === 'expired' ? colors.yellow : colors.dim;
  const lead = colors.dim('asked  ');
  if (widthOf(question) + 1 + widthOf(end) <= columns) yield `${lead}${colors.dim(question)} ${paint(end)}`;
  else {
    yield lead + colors.dim(clipLine(question, columns));
    for (const line of fewLines(end, columns)) yield ASK_INDENT + paint(line);
  }
}

function same(text: string): string {
  return text;
}

/** Who said what after how long. */
function closedText({ state, of, value, by, why, openedAt, closedAt }: AskRecord): string {
  const who = by === undefined ? '' : ` by ${by}`;
  const after = closedAt === undefined ? '' : ` after ${timeText(closedAt - openedAt)}`;
  switch (state) {
    case 'answered':
      return `→ ${value === undefined ? '' : of === 'approval' ? (value === true ? 'approved' : 'not approved') : resultText(value)}${who}${after}`;
    case 'refused':
      return `→ refused${who}${after}: ${why ?? ''}`;
    case 'expired':
      return '→ nobody answered in time';
    case 'withdrawn':
      return `→ withdrawn${why === undefined ? '' : `: ${why}`}`;
    case 'open':
      return '→ somebody has said something, which the run takes when it goes on';
  }
}

/** 'parked: 2 questions wait for an answer'. */
export function parkedText(asks: number): string {
  return `parked: ${many(asks, 'question waits', 'questions wait')} for an answer`;
}
