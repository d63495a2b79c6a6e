// Shows a run while it runs: bars on a terminal, lines in a log, every event as JSON, or nothing. Called by drive
// for every event; what there is to say is decided in progress.ts and progressText.ts.

import { MultiBar, type SingleBar } from 'cli-progress';
import type { Event } from '../journal/event.ts';
import type { GateView } from '../model/gateView.ts';
import { pasteable } from './invocation.ts';
import { tellNews } from './newsTeller.ts';
import type { Failure, Progress } from './progress.ts';
import { addToProgress, usesStandIn } from './progress.ts';
import { barLine, logLine, runningLine, STAND_IN_NOTE } from './progressText.ts';
import { clipLine, widthOf } from './quantities.ts';
import type { Output, Terminal } from './terminal.ts';
import { NOBODY_WAITS, type Seens, seeWaits, waitsOf, waitTexts } from './waiting.ts';

export interface Watch {
  event(event: Event): void;
  /** A line for people, wherever it does not disturb what is drawn. */
  say(line: string): void;
  /** Nothing is drawn after this. Safe to call twice. */
  end(): void;
}

export type WatchMode = 'people' | 'json' | 'quiet';

const LOG_EVERY_MS = 5_000;
const FRAMES_PER_SECOND = 8;
/** How long a failure waits for the run to end with it: what a run ends with is said in full then, and not twice. */
const FAILURE_HELD_MS = 300;
/** More failures than this are in `show`. */
const FAILURES_TOLD_MAX = 20;
/** How often gates are looked at: nothing in a journal says that somebody still waits. */
const LOOK_EVERY_MS = 250;
/** More waits at once than this are one line. */
const WAITS_SHOWN_MAX = 3;
/** Longer logs of waits are in `show`. */
const WAIT_LINES_MAX = 50;

/** What the gates of this process show of themselves at the moment. */
export type Views = () => readonly GateView[];

export function watchRun(progress: Progress, terminal: Terminal, mode: WatchMode, views: Views): Watch {
  switch (mode) {
    case 'quiet':
      return { event: (event) => addToProgress(progress, event), say: () => {}, end: () => {} };
    case 'json':
      return {
        event(event) {
          addToProgress(progress, event);
          terminal.out.line(JSON.stringify(event));
        },
        say: () => {},
        end: () => {},
      };
    case 'people':
      return terminal.err.tty ? watchWithBars(progress, terminal.err, views) : watchWithLines(progress, terminal.err, views);
  }
}

function watchWithBars(progress: Progress, output: Output, views: Views): Watch {
  const { colors } = output;
  const width = (): number => output.width() - 1;
  let bars: MultiBar | undefined;
  let waits: Lookout | undefined;
  const say = (line: string): void => (bars === undefined ? output.line(line) : bars.log(`${output.safe(line)}\n`));
  const tell = teller(
    progress,
    (text) => say(colors.yellow(text)),
    ({ path, code, message }) => say(clipFailure(`${colors.red('✗')} ${path} ${colors.red(code)} `, pasteable(message), width())),
  );
  const paints: Readonly<Record<string, (text: string) => string>> = { '✓': colors.green, '✗': colors.red, '?': colors.yellow };
  const news = tellNews(progress, ({ mark, text, end = '' }) =>
    say(`${paints[mark]?.(mark) ?? mark} ${clipLine(text, Math.max(20, width() - widthOf(end) - 2))}${end}`),
  );
  return {
    event(event) {
      addToProgress(progress, event);
      if (bars === undefined) {
        bars = openBars(
          () => output.safe(barLine(progress, Date.now(), width(), colors, views())),
          () => output.safe(runningLine(progress, width(), colors)),
        );
        const stack = waitStack(bars, (text) => colors.yellow(`  ${clipLine(text, width() - 2)}`));
        waits = lookOut(progress, views, (_lines, seen) => stack(waitTexts(seen, width() - 2)));
      }
      tell.event(event);
      news.event(event);
    },
    say,
    end() {
      tell.rest();
      news.end();
      waits?.stop();
      // What was said but not drawn yet is drawn before the bars go.
      bars?.update();
      bars?.stop();
      bars = undefined;
    },
  };
}

function openBars(...lines: readonly (() => string)[]): MultiBar {
  const bars = new MultiBar({
    format: (_options, _params, payload: { readonly line: () => string }) => payload.line(),
    stream: process.stderr,
    fps: FRAMES_PER_SECOND,
    hideCursor: true,
    clearOnComplete: true,
    forceRedraw: true,
    gracefulExit: false,
  });
  for (const line of lines) bars.create(1, 0, { line });
  return bars;
}

/** Lines below the bars, as many as there are waits. */
function waitStack(bars: MultiBar, paint: (text: string) => string): (texts: readonly string[]) => void {
  const stack: SingleBar[] = [];
  let shown: readonly string[] = [];
  return (texts) => {
    const more = texts.length - WAITS_SHOWN_MAX;
    shown = more > 0 ? [...texts.slice(0, WAITS_SHOWN_MAX), `… and ${more} more`] : texts;
    while (stack.length < shown.length) {
      const index = stack.length;
      stack.push(bars.create(1, 0, { line: () => paint(shown[index] ?? '') }));
    }
    for (const bar of stack.splice(shown.length)) bars.remove(bar);
  };
}

interface Lookout {
  stop(): void;
}

/** Looks at the gates as time passes: what a log says now, and all that is waited for. */
function lookOut(progress: Progress, views: Views, tell: (lines: readonly string[], seen: Seens) => void): Lookout {
  let seen = NOBODY_WAITS;
  const timer = setInterval(() => {
    const now = Date.now();
    const next = seeWaits(seen, waitsOf(views(), progress, now), now);
    seen = next.seen;
    tell(next.lines, seen);
  }, LOOK_EVERY_MS).unref();
  return { stop: () => clearInterval(timer) };
}

function watchWithLines(progress: Progress, output: Output, views: Views): Watch {
  const say = (line: string): void => output.line(line);
  const tell = teller(progress, say, ({ path, code, message }) => say(`failed ${path}: ${code}: ${clipLine(pasteable(message), 300)}`));
  const news = tellNews(progress, ({ text, end = '' }) => say(text + end));
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  let waits: Lookout | undefined;
  let waitLines = 0;
  const sayWait = (line: string): void => {
    waitLines += 1;
    if (waitLines <= WAIT_LINES_MAX) say(line);
    if (waitLines === WAIT_LINES_MAX) say(pasteable('more waits are not told here; amdahl show has them all'));
  };
  const tick = (): void => {
    const line = logLine(progress, Date.now(), views());
    if (line !== said) say(line);
    said = line;
  };
  return {
    event(event) {
      addToProgress(progress, event);
      timer ??= setInterval(tick, LOG_EVERY_MS).unref();
      waits ??= lookOut(progress, views, (lines) => lines.forEach(sayWait));
      tell.event(event);
      news.event(event);
    },
    say,
    end() {
      tell.rest();
      news.end();
      waits?.stop();
      if (timer === undefined) return;
      clearInterval(timer);
      timer = undefined;
      tick();
    },
  };
}

interface Teller {
  event(event: Event): void;
  /** Says what is still held. */
  rest(): void;
}

/** Says once that a model is none, and each failure as it comes, up to a bound; of those that fell to one incident, the first. The one that the run ends with is left to the end. */
function teller(progress: Progress, say: (line: string) => void, sayFailure: (failure: Failure) => void): Teller {
  let last = progress.lastFailure;
  let held: Failure | undefined;
  let timer: NodeJS.Timeout | undefined;
  let told = 0;
  let labelled = false;
  const incidents = new Set<string>();
  const rest = (): void => {
    clearTimeout(timer);
    const failure = held;
    held = undefined;
    if (failure === undefined) return;
    told += 1;
    if (told <= FAILURES_TOLD_MAX) sayFailure(failure);
    if (told === FAILURES_TOLD_MAX) say(pasteable('more failures are not shown here; amdahl show has them all'));
  };
  return {
    event(event) {
      if (event.kind === 'model.requested' && !labelled && usesStandIn(progress.models)) {
        labelled = true;
        say(STAND_IN_NOTE);
      }
      if (event.kind === 'run.failed' && event.error.code === held?.code && event.error.message === held.message) held = undefined;
      const failure = progress.lastFailure;
      if (failure === undefined || failure === last) return;
      last = failure;
      rest();
      // The run's own failure is what the run ends with.
      if (failure.path === progress.root) return;
      const { incident } = failure;
      if (incident !== undefined && incidents.has(incident)) return;
      if (incident !== undefined) incidents.add(incident);
      held = failure;
      timer = setTimeout(rest, FAILURE_HELD_MS);
    },
    rest,
  };
}

function clipFailure(head: string, message: string, width: number): string {
  return head + clipLine(message, Math.max(20, width - widthOf(head)));
}
