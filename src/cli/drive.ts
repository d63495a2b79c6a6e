// One run at the command line, from its first event to its bill. Called by run and resume, which differ only in
// where program, input and id come from.
//
// D1 standard output gets the output and nothing else (with --json: events and the result); the rest is on standard error.
// D2 however it ends, the user is told what is kept and the command that goes on.

import { recordError } from '../agent/errors.ts';
import type { Bill } from '../journal/bill.ts';
import { billNow } from '../journal/bill.ts';
import type { Budget } from '../agent/budget.ts';
import type { Gap, Json, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { hitsIn } from '../compose/incidents.ts';
import { gatesOf } from '../model/gates.ts';
import { systemClock } from '../run/ports.ts';
import { checkSecrets } from '../run/secretOptions.ts';
import { effectsDone, type RunEffect, type RunResult } from '../run/runResult.ts';
import { run } from '../run/run.ts';
import { renderBill } from './billText.ts';
import { heldBackLines, incidentLines, othersIn } from './incidentText.ts';
import { listenForInterrupt } from './interrupt.ts';
import { amdahlCommand, pasteable } from './invocation.ts';
import type { ModelNames } from './modelOption.ts';
import { nextStep } from './nextStep.ts';
import type { Program } from './program.ts';
import { programText } from './program.ts';
import type { Progress } from './progress.ts';
import { addToProgress, answersBelow, incidentsOf, leaveOut, noProgress, openAsksIn, overIn } from './progress.ts';
import { clipLine, costText, countText, many, visible } from './quantities.ts';
import { EXIT, exitCodeOf, isAmdahlError, reportError } from './report.ts';
import { renderResume } from './resumeText.ts';
import type { Output, Terminal } from './terminal.ts';
import { heldBackSince } from './turnedAway.ts';
import type { Watch, WatchMode } from './watch.ts';
import { watchRun } from './watch.ts';
import { asksReport, effectsReport } from './worldReport.ts';
import { answerCommand } from './worldText.ts';

export interface Journey {
  readonly program: Program;
  readonly input: unknown;
  readonly id: RunId;
  readonly journal: Journal;
  readonly budget: Budget | undefined;
  /** Over what the program's own options say. */
  readonly models: ModelNames;
  /** Paths of calls to ask again. */
  readonly retry: readonly string[];
  /** What the program made of the subject. */
  readonly context: unknown;
  readonly subject: Json | undefined;
  readonly scope: string | undefined;
  /** The run whose answers are used. */
  readonly rerun?: RunId;
  readonly mode: WatchMode;
  readonly debug: boolean;
  /** Whether a parked run waits here for its answers. */
  readonly wait: boolean;
  /** A command, or an address, that is told of each question. */
  readonly onAsk: string | undefined;
}

const GAPS_SHOWN = 20;

/** Runs to the end or to an interruption, and gives the exit code. Throws only what is no failure of the run. */
export async function drive(journey: Journey, terminal: Terminal): Promise<number> {
  const { journal, id, mode, program } = journey;
  if (program.options.secrets !== undefined) {
    checkSecrets(program.options.secrets);
    terminal.conceal(program.options.secrets);
  }
  const progress = noProgress();
  // P2 of progress.ts: what was done before is done from the start.
  for await (const { event } of journal.read(id)) addToProgress(progress, event);
  const again = retriedText(journey, progress);
  const known = progress.bill.firstAt !== undefined;
  const watch = watchRun(progress, terminal, mode, () => gatesOf(systemClock).views());
  const before = { known, over: progress.end === 'succeeded', kept: keptText(progress) };
  let events = 0;
  const stop = listenForInterrupt(
    () => watch.say('stopping; what is finished is kept (Ctrl-C again: leave now)'),
    () => watch.end(),
  );
  // A program that waits for nothing Node knows of is shown as waiting, instead of ending the process without a word.
  const awake = setInterval(() => {}, 2 ** 30);
  try {
    const result = await start(journey, stop.signal, (event) => {
      if (events === 0 && mode === 'people') announce(journey, before, terminal.err);
      events += 1;
      watch.event(event);
    });
    leaveOut(progress, result.resume?.unasked.length ?? 0);
    watch.end();
    return succeed(journey, result, progress, again, terminal);
  } catch (error) {
    watch.end();
    if (isAmdahlError(error) && error.code === 'RUN_PARKED') return parked(journey, progress, terminal);
    if (stop.signal.aborted) return interrupted(journey, error, progress, terminal);
    return fail(journey, error, progress, events > 0, terminal);
  } finally {
    clearInterval(awake);
    stop.restore();
    await journal.close();
  }
}

function start(
  { program, input, id, journal, budget, models: given, retry, context, subject, scope, rerun, wait, onAsk }: Journey,
  signal: AbortSignal,
  onEvent: Watch['event'],
): Promise<RunResult<unknown>> {
  const { models: named, settings, prices, limits, rateLimits, secrets, reuse, budget: own } = program.options;
  const caps = { ...own, ...budget };
  const models = Object.keys(given).length === 0 ? named : { ...named, ...given };
  return run(program.agent as never, input as never, {
    id,
    journal,
    signal,
    onEvent,
    program: program.ref,
    onPark: wait ? 'wait' : 'return',
    ...(onAsk === undefined ? {} : { onAsk: /^https?:\/\//i.test(onAsk) ? { url: onAsk } : { command: onAsk } }),
    ...(Object.keys(caps).length === 0 ? {} : { budget: caps }),
    ...(models === undefined ? {} : { models: models as never }), // run() holds these against its own rules.
    ...(settings === undefined ? {} : { settings: settings as never }),
    ...(prices === undefined ? {} : { prices: prices as never }),
    ...(limits === undefined ? {} : { limits }),
    ...(rateLimits === undefined ? {} : { rateLimits: rateLimits as never }),
    ...(secrets === undefined ? {} : { secrets }),
    ...(retry.length === 0 ? {} : { retry }),
    context: context as never, // held against what each part declares
    ...(subject === undefined ? {} : { subject }),
    ...(scope === undefined ? {} : { scope }),
    ...(reuse === undefined ? {} : { reuse: reuse as never }),
    ...(rerun === undefined ? {} : { rerun }),
  });
}

function announce(
  { program, id }: Journey,
  before: { readonly known: boolean; readonly over: boolean; readonly kept: string },
  { colors, line }: Output,
): void {
  const verb = !before.known ? 'run' : before.over ? 'answering again' : 'going on with';
  line(`${colors.dim(verb)} ${colors.bold(id)}  ${colors.dim(programText(program.ref))}`);
  if (before.known && !before.over && before.kept !== '') line(colors.dim(`  ${before.kept}`));
}

/** What an earlier or an interrupted entry has on record; '' for nothing. */
function keptText(progress: Progress): string {
  const { fan, succeeded, bill } = progress;
  if (succeeded === 0 && bill.total.calls === 0) return '';
  const { tokensIn, tokensOut, usdMicros, callsUnpriced } = bill.total;
  const done = fan === undefined ? many(succeeded, 'finished call') : `${overIn(fan)} of ${fan.width}`;
  return `${done} kept, ${countText(tokensIn + tokensOut)} tokens, ${costText(usdMicros, callsUnpriced)} so far`;
}

/** A retry of what only asks others buys nothing by itself. One line per such call; before the run goes on. */
function retriedText({ retry }: Journey, { calls }: Progress): string[] {
  const composites = [...calls.values()].filter(({ path, composite }) => composite && retry.includes(path));
  return composites.map(
    ({ path, of }) =>
      `  ${visible(path)} is a ${of}: it ran again over ${many(answersBelow(calls, path), 'recorded answer')}; to ask one of them again, name it`,
  );
}

function succeed(journey: Journey, result: RunResult<unknown>, progress: Progress, again: readonly string[], terminal: Terminal): number {
  const { out, err } = terminal;
  const { output, missing, bill, id, resume } = result;
  const status = missing.length === 0 ? 'succeeded' : 'partial';
  if (journey.mode === 'json') {
    out.line(
      JSON.stringify({
        result: { status, id, output, missing, ...effectsPart(progress), bill, ...(resume === undefined ? {} : { resume }) },
      }),
    );
    return EXIT.succeeded;
  }
  const people = journey.mode === 'people';
  // Text that ends its last line itself gets no second end.
  out.line(typeof output === 'string' ? output.replace(/\n$/, '') : JSON.stringify(output, undefined, 2));
  if (!people) return EXIT.succeeded;
  err.line();
  const hits = hitsIn(missing.map((gap) => gap.error));
  for (const line of incidentLines(incidentsOf(progress, hits), { hits, of: progress.fan?.width })) err.line(err.colors.yellow(line));
  for (const line of heldBackLines(heldBackSince(progress.turnedAway, progress.entryAt))) err.line(err.colors.yellow(line));
  for (const line of missingLines(missing, progress, err)) err.line(line);
  if (resume !== undefined) for (const line of [...renderResume(resume, id, err.colors), ...again]) err.line(line);
  for (const line of effectsReport(progress, id, err)) err.line(line);
  for (const line of renderBill(bill, progress.turnedAway.requests, err.width(), err.colors)) err.line(line);
  err.line(err.colors.dim(`what happened: ${amdahlCommand()} show ${id}`));
  if (missing.length > 0) err.line(err.colors.dim(`ask again what is missing: ${amdahlCommand()} resume ${id}`));
  return EXIT.succeeded;
}

function missingLines(missing: readonly Gap[], progress: Progress, { colors, width }: Output): string[] {
  if (missing.length === 0) return [];
  const of = progress.fan === undefined ? '' : ` of ${progress.fan.width}`;
  const others = othersIn(missing);
  const lines = others
    .slice(0, GAPS_SHOWN)
    .map(({ call, error }) => `  ${clipLine(`${call}  ${error.code}: ${pasteable(error.message)}`, Math.max(40, width() - 2))}`);
  if (others.length > GAPS_SHOWN) lines.push(`  … ${others.length - GAPS_SHOWN} more`);
  if (others.length < missing.length) lines.push(`  ${missing.length - others.length} because of what is said above`);
  return [colors.yellow(`${colors.bold('missing')}  ${missing.length}${of}`), ...lines, ''];
}

function interrupted(journey: Journey, error: unknown, progress: Progress, terminal: Terminal): number {
  const { err, out } = terminal;
  const { id, mode } = journey;
  if (mode === 'json')
    out.line(JSON.stringify({ result: { status: 'interrupted', id, bill: billNow(progress.bill), ...errorPart(error) } }));
  if (mode === 'quiet') return EXIT.interrupted;
  err.line(`${err.colors.yellow(err.colors.bold('interrupted'))}  ${keptText(progress) || 'nothing was finished yet'}`);
  err.line(`go on: ${err.colors.bold(`${amdahlCommand()} resume ${id}`)}`);
  return EXIT.interrupted;
}

/** Nothing can go on without a person: no failure, and nothing is lost. */
function parked(journey: Journey, progress: Progress, terminal: Terminal): number {
  const { err, out } = terminal;
  const { id, mode } = journey;
  const asks = openAsksIn(progress).map((ask) => ({ ...ask, run: id }));
  if (mode === 'json')
    out.line(JSON.stringify({ result: { status: 'parked', id, asks, ...effectsPart(progress), bill: billNow(progress.bill) } }));
  if (mode !== 'people') {
    if (mode === 'quiet') for (const { ask } of asks) err.line(answerCommand(ask));
    return EXIT.parked;
  }
  err.line(`${err.colors.yellow(err.colors.bold('parked'))}  ${many(asks.length, 'question waits', 'questions wait')} for an answer`);
  if (keptText(progress) !== '') err.line(err.colors.dim(`  ${keptText(progress)}`));
  for (const line of asksReport(progress, id, Date.now(), err)) err.line(line);
  err.line();
  err.line(err.colors.dim('once one of them is answered the run goes on; with --wait it waits here'));
  err.line();
  for (const line of effectsReport(progress, id, err)) err.line(line);
  for (const line of renderBill(billNow(progress.bill), progress.turnedAway.requests, err.width(), err.colors)) err.line(line);
  err.line(err.colors.dim(`what happened: ${amdahlCommand()} show ${id}`));
  return EXIT.parked;
}

function fail(journey: Journey, error: unknown, progress: Progress, ran: boolean, terminal: Terminal): number {
  const { err, out } = terminal;
  const { id, mode, debug } = journey;
  const bill: Bill = billNow(progress.bill);
  if (mode === 'json') out.line(JSON.stringify({ result: { status: 'failed', id, ...effectsPart(progress), bill, ...errorPart(error) } }));
  reportError(error, err, debug, (hits) => incidentsOf(progress, hits));
  const code = exitCodeOf(error, ran);
  if (mode !== 'people' || !ran) return code;
  for (const line of heldBackLines(heldBackSince(progress.turnedAway, progress.entryAt))) err.line(err.colors.yellow(line));
  err.line();
  for (const line of effectsReport(progress, id, err)) err.line(line);
  for (const line of renderBill(bill, progress.turnedAway.requests, err.width(), err.colors)) err.line(line);
  err.line(err.colors.dim(`what happened: ${amdahlCommand()} show ${id}`));
  const next = nextStep(isAmdahlError(error) ? error : undefined, id);
  if (next !== undefined) err.line(err.colors.dim(next));
  return code;
}

/** What was done to the world, where anything was. */
function effectsPart({ effects }: Progress): { readonly effects?: readonly RunEffect[] } {
  const done = effectsDone(effects);
  return done.length === 0 ? {} : { effects: done };
}

function errorPart(error: unknown): { readonly error?: unknown } {
  if (isAmdahlError(error)) return { error: recordError(error) };
  return { error: { message: error instanceof Error ? visible(error.message) : String(error) } };
}
