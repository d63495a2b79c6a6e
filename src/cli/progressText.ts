// Progress in words: two lines for a terminal, one for a log. Pure; called by watch.ts with the time and the width.

import type { Colors } from 'picocolors/types.js';
import type { GateView } from '../model/gateView.ts';
import type { Progress, Running } from './progress.ts';
import { openAsksIn, overIn, timeLeftMs, usesStandIn, WAITS_FOR_A_PERSON } from './progress.ts';
import { clipLine, clipPath, costText, countText, many, timeText, visible, widthOf } from './quantities.ts';
import { lineAt } from './waiting.ts';
import { parkedText } from './worldText.ts';

export const STAND_IN_NOTE = 'stand-in model: no LLM was asked';

const BAR_COLUMNS_MAX = 30;
const BAR_COLUMNS_MIN = 8;

/** What is said behind the bar. Where there is no room the highest rank goes first. */
interface Fact {
  readonly text: string;
  readonly rank: number;
}

/** The bar, or where nothing fans out the number of calls, with counts, tokens, money and time left. Fits `width`. */
export function barLine(progress: Progress, now: number, width: number, colors: Colors, views: readonly GateView[] = []): string {
  const { fan } = progress;
  const name = clipPath(visible(fan?.path ?? progress.root ?? 'run'), Math.max(8, Math.floor(width / 4)));
  const counts = fan === undefined ? '' : ` ${overIn(fan)}/${fan.width}`;
  const least = widthOf(name) + (fan === undefined ? 0 : 1 + BAR_COLUMNS_MIN) + widthOf(counts);
  const facts = fitting(factsOf(progress, now, colors, views), width - least);
  if (fan === undefined) return [colors.bold(name), ...facts].join('  ');
  const room = width - widthOf(name) - widthOf(counts) - 1 - widthWith(facts);
  const columns = Math.min(BAR_COLUMNS_MAX, Math.max(BAR_COLUMNS_MIN, room));
  return [`${colors.bold(name)} ${barOf(fan.done, fan.failed, fan.width, columns, colors)}${counts}`, ...facts].join('  ');
}

/** What runs now: as many calls as fit, and how many more. Leaves only, unless nothing else runs. */
export function runningLine(progress: Progress, width: number, colors: Colors): string {
  const all = [...progress.running.values()];
  const leaves = all.filter(({ composite }) => !composite);
  // Who does something is named before those that wait.
  const [busy, idle] = [leaves.filter(isBusy), leaves.filter((one) => !isBusy(one))];
  const shown = leaves.length > 0 ? [...busy, ...idle] : all;
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
export function logLine(progress: Progress, now: number, views: readonly GateView[] = []): string {
  const { fan } = progress;
  const what = fan === undefined ? many(progress.succeeded, 'call') + ' done' : `${overIn(fan)}/${fan.width} done`;
  const failed = fan === undefined ? progress.failed : fan.failed;
  const left = leftOf(progress, now, views);
  const parts = [
    what,
    workText(progress, views),
    failed === 0 ? '' : `${failed} failed`,
    ...spentOf(progress),
    left === undefined || progress.parked ? '' : `${timeText(left)} left`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function factsOf(progress: Progress, now: number, colors: Colors, views: readonly GateView[]): Fact[] {
  const { fan } = progress;
  const left = leftOf(progress, now, views);
  const failed = fan === undefined ? progress.failed : fan.failed;
  const [tokens, cost] = spentOf(progress);
  const facts = [
    { text: fan === undefined ? `${many(progress.succeeded, 'call')} done` : '', rank: 0 },
    { text: workText(progress, views), rank: 3 },
    { text: failed === 0 ? '' : colors.red(`${failed} failed`), rank: 1 },
    { text: tokens, rank: 6 },
    { text: cost, rank: 4 },
    { text: progress.parked ? '' : left === undefined ? timeText(now - progress.entryAt) : `${timeText(left)} left`, rank: 2 },
    { text: usesStandIn(progress.models) ? colors.yellow('stand-in') : '', rank: 5 },
  ];
  return facts.filter(({ text }) => text !== '');
}

/** While a provider is down, what was done so far tells nothing of what is to come. */
function leftOf(progress: Progress, now: number, views: readonly GateView[]): number | undefined {
  return lineAt(views).down ? undefined : timeLeftMs(progress, now);
}

/** Who asks, who waits at a gate for its turn, and who does something else. */
function workText(progress: Progress, views: readonly GateView[]): string {
  if (progress.parked) return parkedText(openAsksIn(progress).length);
  const { queued } = lineAt(views);
  const running = runningLeaves(progress) || progress.running.size;
  if (queued === 0) return `${running} running`;
  let asking = 0;
  for (const { doing } of progress.running.values()) if (doing === 'asking') asking += 1;
  const rest = running - asking - queued;
  return `${asking} asking, ${queued} in line${rest > 0 ? `, ${rest} more running` : ''}`;
}

function spentOf(progress: Progress): readonly [tokens: string, cost: string] {
  const { tokensIn, tokensOut, usdMicros, callsUnpriced } = progress.bill.total;
  return [`${countText(tokensIn + tokensOut)} tokens`, costText(usdMicros, callsUnpriced)];
}

function isBusy({ doing, again }: Running): boolean {
  return doing !== '' && doing !== 'in line' && doing !== WAITS_FOR_A_PERSON && again === undefined;
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

/** The texts of as many facts as fit, in their order. */
function fitting(facts: readonly Fact[], room: number): readonly string[] {
  let kept = facts;
  while (kept.length > 0 && widthWith(kept.map(({ text }) => text)) > room) {
    const least = Math.max(...kept.map(({ rank }) => rank));
    kept = kept.toSpliced(
      kept.findLastIndex(({ rank }) => rank === least),
      1,
    );
  }
  return kept.map(({ text }) => text);
}

/** Columns that facts take behind something. */
function widthWith(facts: readonly string[]): number {
  return facts.reduce((sum, fact) => sum + 2 + widthOf(fact), 0);
}
