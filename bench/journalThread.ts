// Which thread should write the journal: the main thread, a worker, or whichever is nearest ('auto'), on this disk and on one whose every sync takes
// 5 ms longer. What decides is how long the event loop is kept from other work under load.

import { join } from 'node:path';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import { map } from '../src/compose/map.ts';
import type { RunId } from '../src/journal/event.ts';
import type { Journal } from '../src/journal/journal.ts';
import { openSqlite } from '../src/journal/sqliteOpen.ts';
import { settingsOf } from '../src/journal/sqliteOptions.ts';
import { run } from '../src/run/run.ts';
import { median, quantity, type Report } from './finding.ts';
import { inFolder, notOnDisk } from './folder.ts';
import { ANSWER, inputs, instantModel, modelOf, reply, review } from './instantModel.ts';

const CALLS = 1_000;
const IN_FLIGHT = 100;
const ROUNDS = 7;
const ROUNDS_WARMING = 2;
const APPENDS = 200;
const SYNC_DELAY_MS = 5;

/** Below this difference none is ahead. */
const NOISE = 0.1;

type Thread = 'main' | 'worker' | 'auto';
type Load = 'instant' | 'paced';

const VARIANTS: readonly { readonly thread: Thread; readonly slow: boolean }[] = [
  { thread: 'main', slow: false },
  { thread: 'worker', slow: false },
  { thread: 'auto', slow: false },
  { thread: 'main', slow: true },
  { thread: 'worker', slow: true },
  { thread: 'auto', slow: true },
];

/** How long others waited: in the middle, at worst but for one in a hundred, and at worst. ms. */
interface Spread {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One journal under test and what was seen of it. Milliseconds; CPU and wall per call. */
interface Trial {
  readonly thread: Thread;
  readonly slow: boolean;
  readonly journal: Journal;
  readonly cpu: number[];
  readonly wall: number[];
  /** Of each round. */
  readonly delays: Readonly<Record<Load | 'both', Spread[]>>;
  readonly appends: number[];
}

export async function journalThread(): Promise<Report> {
  return inFolder(async (folder) => {
    const trials = VARIANTS.map((variant): Trial => {
      const dir = join(folder, `${variant.thread}-${variant.slow ? 'slow' : 'disk'}`);
      const journal = openSqlite({ dir, thread: variant.thread, ...(variant.slow ? { syncDelayMs: SYNC_DELAY_MS } : {}) });
      return { ...variant, journal, cpu: [], wall: [], delays: { instant: [], paced: [], both: [] }, appends: [] };
    });
    // Round by round in turn, so that what else this machine does falls on all of them.
    for (let round = -ROUNDS_WARMING; round < ROUNDS; round += 1) {
      for (const trial of trials) await measure(trial, round >= 0);
    }
    for (const trial of trials) await measureAppends(trial);
    await Promise.all(trials.map(async ({ journal }) => journal.close()));
    return reportOf(trials, notOnDisk(folder));
  });
}

async function measure(trial: Trial, counted: boolean): Promise<void> {
  const used = process.cpuUsage();
  const from = performance.now();
  await askAll(instantModel(), trial.journal);
  const { user, system } = process.cpuUsage(used);
  const wall = performance.now() - from;
  const instant = await delaysDuring(() => askAll(instantModel(), trial.journal));
  const paced = await delaysDuring(() => askAll(pacedModel(), trial.journal));
  if (!counted) return;
  trial.cpu.push((user + system) / 1_000 / CALLS);
  trial.wall.push(wall / CALLS);
  trial.delays.instant.push(spreadOf(instant));
  trial.delays.paced.push(spreadOf(paced));
  trial.delays.both.push(spreadOf([...instant, ...paced]));
}

async function askAll(model: LanguageModelV4, journal: Journal): Promise<void> {
  const { output } = await run(map(review, { concurrency: IN_FLIGHT }), inputs(CALLS), { models: { review: model }, journal });
  if (output.length !== CALLS) throw new Error(`${output.length} of ${CALLS} calls were answered`);
}

/** Answers after 10 to 40 ms, so that answers come one by one and the event loop has time to spare. */
function pacedModel(): LanguageModelV4 {
  let asked = 0;
  return modelOf(async () => {
    asked += 1;
    await new Promise((resolve) => setTimeout(resolve, 10 + ((asked * 7) % 31)));
    return reply([{ type: 'text', text: ANSWER }], 'stop');
  });
}

/**
 * How long the event loop made others wait while `work` was done: for each tenth of a millisecond of that time, the ms
 * until a timer that was due then could run. A long stall thus counts as often as somebody could have come upon it.
 */
async function delaysDuring(work: () => Promise<void>): Promise<number[]> {
  const delays: number[] = [];
  let due = performance.now() + 1;
  const timer = setInterval(() => {
    const now = performance.now();
    for (; due <= now; due += 0.1) delays.push(now - due);
  }, 1);
  await work();
  clearInterval(timer);
  return delays;
}

/** One append after the other, each awaited: what a caller who is alone waits for. */
async function measureAppends({ journal, appends }: Trial): Promise<void> {
  const claim = await journal.claim('alone' as RunId); // ids are made by the runtime, which is not measured here
  for (let index = 0; index < APPENDS; index += 1) {
    const from = performance.now();
    await claim.append([{ kind: 'run.cancelled', reason: 'a short event', at: index }]);
    appends.push(performance.now() - from);
  }
  await claim.release();
}

function reportOf(trials: readonly Trial[], warning: string | undefined): Report {
  const shown = (ms: number): string => quantity(ms, 'ms');
  const cells = ({ p50, p99, max }: Spread): readonly string[] => [shown(p50), shown(p99), shown(max)];
  const rows = (columns: (trial: Trial) => readonly string[]): readonly (readonly string[])[] =>
    trials.map((trial) => [`${nameOf(trial.thread)}, ${trial.slow ? `${SYNC_DELAY_MS} ms added` : 'this disk'}`, ...columns(trial)]);
  return {
    findings: trials.map((trial) => ({
      what: `event-loop p99, written in the ${nameOf(trial.thread)}, ${trial.slow ? `${SYNC_DELAY_MS} ms added per sync` : 'this disk'}`,
      measured: p99Of(trial),
      unit: 'ms',
    })),
    tables: [
      [['event-loop delay, answers at once', 'p50', 'p99', 'max'], ...rows(({ delays }) => cells(medianSpread(delays.instant)))],
      [['event-loop delay, answers after 10 to 40 ms', 'p50', 'p99', 'max'], ...rows(({ delays }) => cells(medianSpread(delays.paced)))],
      [
        ['per call, answers at once', 'CPU', 'wall', 'calls/s'],
        ...rows(({ cpu, wall }) => [shown(median(cpu)), shown(median(wall)), quantity(Math.round(1_000 / median(wall)))]),
      ],
      [['an awaited append, alone', 'median', 'p99', 'max'], ...rows(({ appends }) => cells(spreadOf(appends)))],
    ],
    notes: [
      `${verdict(trials)} What ships is the default of sqliteJournal(): thread: '${settingsOf({}).thread}'.`,
      `${quantity(CALLS)} typed calls, ${IN_FLIGHT} in flight, synchronous=FULL; ${ROUNDS} rounds in turn after ${ROUNDS_WARMING} to warm up. A delay is what a timer due at any moment waits; a stall counts for all of its length; p50, p99, CPU and wall are medians of the rounds. CPU is that of the whole process, both threads. In the last table p99 is over both loads.`,
      ...(warning === undefined ? [] : [warning]),
    ],
  };
}

function nameOf(thread: Thread): string {
  return { main: 'main thread', worker: 'worker', auto: 'nearest thread' }[thread];
}

/** Over both loads; the median of the rounds, so that one in which this machine did something else does not decide. */
function p99Of({ delays }: Trial): number {
  return medianSpread(delays.both).p99;
}

/** The lower p99 wins, over this disk and the slow one; what is within the noise of it is as good. */
function verdict(trials: readonly Trial[]): string {
  const threads: readonly Thread[] = ['main', 'worker', 'auto'];
  const of = (thread: Thread): readonly Trial[] => trials.filter((trial) => trial.thread === thread);
  const sum = (thread: Thread): number => of(thread).reduce((total, trial) => total + p99Of(trial), 0);
  const least = Math.min(...threads.map(sum));
  const ahead = threads.filter((thread) => sum(thread) <= least * (1 + NOISE)).map(nameOf);
  const told = threads.map(
    (thread) =>
      `${nameOf(thread)} ${of(thread)
        .map((trial) => quantity(p99Of(trial), 'ms'))
        .join(' and ')}`,
  );
  return `Event-loop p99 on this disk and with ${SYNC_DELAY_MS} ms added per sync: ${told.join(', ')}; ahead, or within ${NOISE * 100} % of it: ${ahead.join(' and ')}.`;
}

function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function medianSpread(rounds: readonly Spread[]): Spread {
  return {
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    max: Math.max(...rounds.map(({ max }) => max)),
  };
}
