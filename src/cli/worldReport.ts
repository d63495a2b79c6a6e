// What the end of a run at the command line says of effects and of people. Called by drive.

import type { RunId } from '../journal/event.ts';
import { cardLines, standsOf } from './askCard.ts';
import { amdahlCommand } from './invocation.ts';
import { openAsksIn, type Progress } from './progress.ts';
import { many } from './quantities.ts';
import type { Output } from './terminal.ts';
import { countedStates, effectLines } from './worldText.ts';

/** A report is read at once: the rest is in `show`. */
const EFFECTS_SHOWN = 10;
const ASKS_SHOWN = 5;
const ASK_LINES_MAX = 20;
const COLUMNS_MAX = 160;

/** What was done to the world, and of what was not how much. Nothing where the run never touched it. */
export function effectsReport({ effects }: Progress, id: RunId, { colors, width }: Output): string[] {
  const all = effects.all();
  if (all.length === 0) return [];
  const told = all.filter(({ state }) => state !== 'discarded');
  const room = Math.min(width(), COLUMNS_MAX) - 2;
  const lines = [...effectLines(told.slice(0, EFFECTS_SHOWN), { colors, room, all: true })].map((line) => `  ${line}`);
  const more = told.length - EFFECTS_SHOWN;
  if (more > 0) lines.push(colors.dim(`  … ${many(more, 'more effect')}: ${amdahlCommand()} show ${id} --all`));
  return [`${colors.bold('effects')}  ${countedStates(all)}`, ...lines];
}

/** The questions that a run waits with, and how to answer. `now` in epoch ms. */
export function asksReport(progress: Progress, run: RunId, now: number, { colors, width }: Output): string[] {
  const open = openAsksIn(progress);
  const stands = standsOf(progress.effects.all());
  const lines = open
    .slice(0, ASKS_SHOWN)
    .flatMap((ask) => ['', ...cardLines({ ...ask, run }, { width: width(), colors, now, linesMax: ASK_LINES_MAX, stands })]);
  const more = open.length - ASKS_SHOWN;
  return more <= 0 ? lines : [...lines, '', `${many(more, 'more question')}: ${amdahlCommand()} inbox ${run}`];
}
