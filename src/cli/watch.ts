// Shows a run while it runs: bars on a terminal, lines in a log, every event as JSON, or nothing. Called by drive
// for every event; what there is to say is decided in progress.ts and progressText.ts.

import { MultiBar } from 'cli-progress';
import type { Event } from '../journal/event.ts';
import { pasteable } from './invocation.ts';
import type { Failure, Progress } from './progress.ts';
import { addToProgress, usesStandIn } from './progress.ts';
import { barLine, logLine, runningLine, STAND_IN_NOTE } from './progressText.ts';
import { clipLine, widthOf } from './quantities.ts';
import type { Output, Terminal } from './terminal.ts';

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

export function watchRun(progress: Progress, terminal: Terminal, mode: WatchMode): Watch {
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
      return terminal.err.tty ? watchWithBars(progress, terminal.err) : watchWithLines(progress, terminal.err);
  }
}

function watchWithBars(progress: Progress, output: Output): Watch {
  const { colors } = output;
  const width = (): number => output.width() - 1;
  let bars: MultiBar | undefined;
  const say = (line: string): void => (bars === undefined ? output.line(line) : bars.log(`${line}\n`));
  const tell = teller(
    progress,
    (text) => say(colors.yellow(text)),
    ({ path, code, message }) => say(clipFailure(`${colors.red('✗')} ${path} ${colors.red(code)} `, pasteable(message), width())),
  );
  return {
    event(event) {
      addToProgress(progress, event);
      bars ??= openBars(
        () => barLine(progress, Date.now(), width(), colors),
        () => runningLine(progress, width(), colors),
      );
      tell.event(event);
    },
    say,
    end() {
      tell.rest();
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

function watchWithLines(progress: Progress, output: Output): Watch {
  const say = (line: string): void => output.line(line);
  const tell = teller(progress, say, ({ path, code, message }) => say(`failed ${path}: ${code}: ${clipLine(pasteable(message), 300)}`));
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    const line = logLine(progress, Date.now());
    if (line !== said) say(line);
    said = line;
  };
  return {
    event(event) {
      addToProgress(progress, event);
      timer ??= setInterval(tick, LOG_EVERY_MS).unref();
      tell.event(event);
    },
    say,
    end() {
      tell.rest();
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

/** Says once that a model is none, and each failure as it comes, up to a bound. The one that the run ends with is left to the end. */
function teller(progress: Progress, say: (line: string) => void, sayFailure: (failure: Failure) => void): Teller {
  let last = progress.lastFailure;
  let held: Failure | undefined;
  let timer: NodeJS.Timeout | undefined;
  let told = 0;
  let labelled = false;
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
      held = failure;
      timer = setTimeout(rest, FAILURE_HELD_MS);
    },
    rest,
  };
}

function clipFailure(head: string, message: string, width: number): string {
  return head + clipLine(message, Math.max(20, width - widthOf(head)));
}
