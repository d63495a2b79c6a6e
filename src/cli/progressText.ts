// Progress in words: two lines for a terminal, one for a log. Pure; called by watch.ts with the time and the width.

import type { Colors } from 'picocolors/types.js';
import type { Progress } from './progress.ts';
import { overIn, timeLeftMs, usesStandIn } from './progress.ts';
import { clipLine, clipPath, costText, countText, many, timeText, visible, widthOf } from './quantities.ts';

export const STAND_IN_NOTE = 'stand-in model: no LLM was asked';

const BAR_COLUMNS_MAX = 30;
const BAR_COLUMNS_MIN = 8;

/** The bar, or where nothing fans out the number of calls, with counts, tokens, money and time left. Fits `width`. */
export function barLine(progress: Progress, now: number, width: number, colors: Colors): string {
  const { fan } = progress;
  const name = clipPath(visible(fan?.path ?? progress.root ?? 'run'), Math.max(8, Math.floor(width / 4)));
  const facts = factsOf(progress, now, colors);
  if (fan === undefined) return fit([colors.bold(name), ...facts], width);
  const counts = `${overIn(fan)}/${fan.width}`;
  const room = width - widthOf(name) - widthOf(counts) - 2 - facts.reduce((sum, fact) => sum + widthOf(fact) + 2, 0);
  const columns = Math.min(BAR_COLUMNS_MAX, Math.max(BAR_COLUMNS_MIN, room - 2));
  return fit([`${colors.bold(name)} ${barOf(fan.done, fan.failed, fan.width, columns, colors)} ${counts}`, ...facts], width);
}

/** What runs now: as many calls as fit, and how many more. Leaves only, unless nothing else runs. */
export function runningLine(progress: Progress, width: number, colors: Colors): string {
  const all = [...progress.running.values()];
  const leaves = all.filter(({ composite }) => !composite);
  const shown = leaves.length > 0 ? leaves : all;
  if (shown.length === 0) return colors.dim(progress.end === undefined ? '  …' : '  ended');
  const parts: string[] = [];
  let room = width - 2;
  for (const [index, { path, doing }] of shown.entries()) {
    const part = `${clipPath(visible(path), Math.max(12, Math.floor(width / 3)))}${doing === '' ? '' : ` ${visible(doing)}`}`;
    const more = shown.length - index - 1;
    const rest = more === 0 ? 0 : ` · ${more} more`.length;
    if (index > 0 && widthOf(part) + 3 + rest > room) {
      parts.push(`${shown.length - index} more`);
      break;
    }
    parts.push(part);
    room -= widthOf(part) + 3;
  }
  return colors.dim(`  ${clipLine(parts.join(' · '), width - 2)}`);
}

/** One line for a log, without colours and without a width. */
export function logLine(progress: Progress, now: number): string {
  const { fan, running } = progress;
  const what = fan === undefined ? many(progress.succeeded, 'call') + ' done' : `${overIn(fan)}/${fan.width} done`;
  const failed = fan === undefined ? progress.failed : fan.failed;
  const left = timeLeftMs(progress, now);
  const parts = [
    what,
    `${runningLeaves(progress) || running.size} running`,
    failed === 0 ? '' : `${failed} failed`,
    ...spentOf(progress),
    left === undefined ? '' : `${timeText(left)} left`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function factsOf(progress: Progress, now: number, colors: Colors): string[] {
  const { fan } = progress;
  const left = timeLeftMs(progress, now);
  const failed = fan === undefined ? progress.failed : fan.failed;
  const facts = [
    fan === undefined ? `${many(progress.succeeded, 'call')} done` : '',
    `${runningLeaves(progress)} running`,
    failed === 0 ? '' : colors.red(`${failed} failed`),
    ...spentOf(progress),
    left === undefined ? timeText(now - progress.entryAt) : `${timeText(left)} left`,
    usesStandIn(progress.models) ? colors.yellow('stand-in') : '',
  ];
  return facts.filter((fact) => fact !== '');
}

function spentOf(progress: Progress): string[] {
  const { tokensIn, tokensOut, usdMicros, callsUnpriced } = progress.bill.total;
  return [`${countText(tokensIn + tokensOut)} tokens`, costText(usdMicros, callsUnpriced)];
}

function runningLeaves(progress: Progress): number {
  let leaves = 0;
  for (const { composite } of progress.running.values()) if (!composite) leaves += 1;
  return leaves;
}

function barOf(done: number, failed: number, width: number, columns: number, colors: Colors): string {
  const full = Math.floor((columns * (done + failed)) / width);
  // A failure is seen even when it is one of ten thousand.
  const red = failed === 0 ? 0 : Math.min(full, Math.max(1, Math.round((columns * failed) / width)));
  return colors.green('█'.repeat(full - red)) + colors.red('█'.repeat(red)) + colors.dim('░'.repeat(columns - full));
}

/** Drops facts from the end until the line fits. */
function fit(parts: readonly string[], width: number): string {
  let kept = parts.length;
  while (kept > 1 && widthOf(parts.slice(0, kept).join('  ')) > width) kept -= 1;
  return parts.slice(0, kept).join('  ');
}
