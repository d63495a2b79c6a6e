// run: a root call and all below it, from claim to release. Users and the CLI call it; everything else is the funnel.

import { type Budget, checkBudget } from '../agent/budget.ts';
import { type Agent, type AnyAgent, isAgent } from '../agent/definition.ts';
import { canonical, hash, toJson } from '../agent/canonical.ts';
import { AmdahlError, asAmdahl, describe, recordError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { type Bill, billNow } from '../journal/bill.ts';
import type { Event, Gap, Happening, Json, Place, ProgramRef, RunId } from '../journal/event.ts';
import type { Claim, Journal } from '../journal/journal.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { checkPrices, type PriceTable } from '../model/prices.ts';
import { checkRateLimits, type RateLimits } from '../model/rateLimits.ts';
import { Account } from './account.ts';
import { uncertain } from './act.ts';
import { Asker } from './asker.ts';
import { ask, inputRefused } from './call.ts';
import { type Limits, limitsOf } from './limits.ts';
import { type Models, namedModels } from './models.ts';
import { callPlace, rootAsker } from './place.ts';
import { type Clock, type Random, systemClock, systemRandom } from './ports.ts';
import { forgotten, type Past, readPast } from './reentry.ts';
import { noFindings, reportOf, type ResumeReport } from './report.ts';
import { retried } from './retry.ts';
import { type RunDelta, Session } from './session.ts';
import { systemRegistry } from './surroundings.ts';

export interface RunOptions {
  /** Names the run. A known id with the same input goes on where it stopped; without one the run gets a new id. */
  readonly id?: string;
  /** Caps for the run and all below it. They stay over resumes, each until it is given again; what was spent stays spent. */
  readonly budget?: Budget;
  /** Aborting cancels the run, its requests and its tools. What finished is kept. */
  readonly signal?: AbortSignal;
  /** Models by agent name, '*' for all others: names or language models. They replace the agents' own. */
  readonly models?: Models;
  /**
   * USD per million tokens by 'provider/modelId', over the known prices of the big providers. What has no price is
   * reported as unpriced, never as free.
   */
  readonly prices?: PriceTable;
  /**
   * What you know of the providers' limits, by 'provider/modelId': requests and tokens per minute, and how many requests at
   * once. They hold for all runs of this process, in place of what headers announce or refusals teach; the last run that
   * says so counts.
   */
  readonly rateLimits?: RateLimits;
  readonly limits?: Partial<Limits>;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: SQLite in the folder `.amdahl`, or where AMDAHL_DIR says. */
  readonly journal?: Journal;
  /** Told of everything as it happens, a few milliseconds before it is durable. */
  readonly onEvent?: (event: Event) => void;
  /** Told of answers while they are written, by all calls. Models are then asked to stream. What it is told is provisional. */
  readonly onDelta?: (delta: RunDelta) => void;
  /** Where the program stands, so that a CLI can resume it. */
  readonly program?: ProgramRef;
  /** Calls to forget and ask again, by path or id. One with an uncertain act may act a second time. */
  readonly retry?: readonly string[];
}

const OPTIONS: OptionNames<RunOptions> = {
  id: true,
  budget: true,
  signal: true,
  models: true,
  prices: true,
  rateLimits: true,
  limits: true,
  clock: true,
  random: true,
  journal: true,
  onEvent: true,
  onDelta: true,
  program: true,
  retry: true,
};

export interface RunResult<O> {
  readonly id: RunId;
  readonly output: O;
  /** Holes in fan-outs that were allowed to have some. */
  readonly missing: readonly Gap[];
  readonly bill: Bill;
  /** What this entry did, if the run had begun before. */
  readonly resume?: ResumeReport;
}

/** Why a run failed, with what it cost and what it achieved. Its code is that of the failure. */
export class RunError extends AmdahlError {
  readonly id: RunId;
  readonly bill: Bill;
  readonly #journal: Journal;

  constructor(error: AmdahlError, id: RunId, bill: Bill, journal: Journal) {
    super(error.code, error.message, error);
    this.id = id;
    this.bill = bill;
    this.#journal = journal;
  }

  /** The answers that stand and that a resume will not buy again, in order. Read from the journal. O(journal). */
  async achieved(): Promise<readonly { readonly call: string; readonly output: Json }[]> {
    const paths = new Map<Place, string>();
    const kept = new Map<Place, Json>();
    for await (const { event } of this.#journal.read(this.id, { kinds: ['call.started', 'call.succeeded', 'call.retracted'] })) {
      if (event.kind === 'call.started') paths.set(event.place, event.path);
      if (event.kind === 'call.retracted') kept.delete(event.place);
      if (event.kind === 'call.succeeded' && event.output !== undefined) kept.set(event.place, event.output);
    }
    return [...kept].map(([place, output]) => ({ call: paths.get(place) ?? place, output }));
  }
}

/**
 * Asks an agent, durably. Killed and called again with the same `id`, it goes on and buys nothing twice.
 * @throws RunError (an AmdahlError) with the failure's code when the run fails or is cancelled;
 *   AmdahlError RUN_CONFLICT, RUN_OWNED, CONTRACT_VIOLATION, NOT_JSON, MISCONFIGURED, JOURNAL_* before it begins.
 */
export async function run<I, O>(agent: Agent<I, O>, input: NoInfer<I>, options: RunOptions = {}): Promise<RunResult<O>> {
  const root = agent as unknown as AnyAgent; // the funnel knows agents by their contracts
  if (!isAgent(root)) throw new AmdahlError('MISCONFIGURED', 'run takes an agent first: run(agent, input).');
  checkOptions(options, OPTIONS, 'run()');
  if (options.prices !== undefined) checkPrices(options.prices);
  if (options.rateLimits !== undefined) checkRateLimits(options.rateLimits);
  const random = options.random ?? systemRandom;
  const id = runId(options.id, random);
  const raw = toJson(input, `the input of '${root.name}'`);
  refuseInput(root, raw);
  const limits = limitsOf(options.limits);
  if (options.budget !== undefined) checkBudget(options.budget, 'the run');
  if (options.signal?.aborted === true)
    throw new AmdahlError('CANCELLED', `The signal of the run '${id}' was aborted before it began: ${describe(options.signal.reason)}.`);
  const journal = options.journal ?? defaultJournal();
  await loadNamed(root, options, journal, id);
  const claim = await journal.claim(id);
  try {
    const entry = await enter(root, raw, { ...options, id, random, limits, journal, claim });
    return (await drive(entry)) as RunResult<O>; // what the root's contract let through
  } finally {
    await claim.release();
  }
}

/** Refuses what does not fit before anything is recorded. A schema that takes its time is asked by the funnel, under its clocks. */
function refuseInput(root: AnyAgent, raw: Json): void {
  const checked = root.input.validate(raw);
  if (checked instanceof Promise) checked.catch(() => {});
  else if (!checked.ok) throw inputRefused(root.name, checked.problems);
}

/** A model that cannot be loaded is told before a new run begins; a run that goes on may never ask it. */
async function loadNamed(root: AnyAgent, { models = {} }: RunOptions, journal: Journal, id: RunId): Promise<void> {
  const named = namedModels(root, models, systemRegistry);
  if (named.length === 0 || (await journal.row(id)) !== undefined) return;
  for (const model of named) await systemRegistry.ready(model);
}

interface Entering extends Omit<RunOptions, 'limits' | 'random' | 'journal'> {
  readonly id: RunId;
  readonly random: Random;
  readonly limits: Limits;
  readonly journal: Journal;
  readonly claim: Claim;
}

/** An entry that has begun: the next thing is to ask the root. */
interface Driving {
  readonly session: Session;
  readonly root: AnyAgent;
  readonly raw: Json;
  readonly past: Past | undefined;
  readonly options: Entering;
}

/** Begins a run, or enters it again: conflicts, open acts and what is to be forgotten are settled here. */
async function enter(root: AnyAgent, raw: Json, options: Entering): Promise<Driving> {
  const { id, journal, claim, clock = systemClock } = options;
  const inputHash = hash(canonical(raw));
  const past = claim.events === 0 ? undefined : await readPast(journal, id);
  if (past !== undefined && (past.inputHash !== inputHash || past.agent !== root.name)) throw conflict(id, past, root.name);
  const findings = past === undefined ? undefined : noFindings();
  const session = new Session({
    run: id,
    journal,
    claim,
    clock,
    random: options.random,
    limits: options.limits,
    prices: options.prices ?? {},
    rateLimits: options.rateLimits ?? {},
    models: options.models ?? {},
    registry: systemRegistry,
    onEvent: options.onEvent,
    onDelta: options.onDelta,
    bill: past?.bill,
    inherited: past?.inherited,
    findings,
  });
  const budget = budgetOf(past, options);
  if (budget !== undefined) session.account = new Account(rootAsker(id), id, budget, undefined, past?.inherited.spent.get(rootAsker(id)));
  const about = {
    ...(options.budget === undefined ? {} : { budget: options.budget }),
    ...(options.program === undefined ? {} : { program: options.program }),
  };
  if (past === undefined) {
    if (options.retry !== undefined && options.retry.length > 0)
      throw new AmdahlError('RUN_UNKNOWN', `There is no run '${id}' yet, so there is nothing to retry in it.`);
    session.note({ kind: 'run.started', agent: root.name, input: raw, inputHash, ...about });
  } else {
    await reenter(session, root, past, options, about);
  }
  return { session, root, raw, past, options };
}

async function reenter(
  session: Session,
  root: AnyAgent,
  past: Past,
  options: Entering,
  about: { readonly budget?: Budget; readonly program?: ProgramRef },
): Promise<void> {
  const { id, journal } = options;
  const retry = await retried(journal, id, options.retry ?? [], past.openActs);
  const calls = new Set(retry.calls);
  const resumed: Happening = { kind: 'run.resumed', entry: past.inherited.entries, activeMs: past.activeMs, ...about };
  const open = past.openActs.filter((act) => !calls.has(act.calls[0] ?? act.place));
  if (open[0] !== undefined) {
    const error = uncertain(open[0].path, open[0].tool);
    const unsaid = open
      .filter((act) => !act.said)
      .map(({ place, calls: above, key }): Happening => ({ kind: 'effect.uncertain', place, calls: above, key }));
    await session.append(resumed, ...unsaid, { kind: 'run.failed', error: recordError(error) });
    throw new RunError(error, id, billNow(session.bill), journal);
  }
  const chain = await forgotten(journal, id, rootPlace(id, root, past.inputHash), past, retry.calls);
  const forget = new Set([...chain, ...retry.above].filter((place) => !calls.has(place)));
  // A forgotten call starts with its own budget full, as in every later entry; those above it go on.
  for (const place of [...calls, ...forget]) past.inherited.spent.delete(place);
  await session.append(
    ...[...calls].map((place): Happening => ({ kind: 'call.retracted', place, why: 'retried' })),
    ...[...forget].map((place): Happening => ({ kind: 'call.retracted', place, why: 'resumed' })),
    resumed,
  );
}

async function drive({ session, root, raw, past, options }: Driving): Promise<RunResult<unknown>> {
  const { id, journal, signal } = options;
  const disarm = arm(session, past, budgetOf(past, options), signal);
  const asker = new Asker(session, rootAsker(id), '', undefined, session.life, ask);
  try {
    const output = await asker.ask(root, raw);
    session.check();
    const missing = session.gaps.toSorted(byPath);
    session.noteGates();
    await session.conclude({ kind: 'run.succeeded', output: journaled(output), missing });
    const resume =
      past === undefined || session.findings === undefined ? undefined : await reportOf(journal, id, past.inherited, session.findings);
    return { id, output, missing, bill: billNow(session.bill), ...(resume === undefined ? {} : { resume }) };
  } catch (thrown) {
    await asker.finish();
    throw await ended(session, asAmdahl(thrown, root.name), id, journal);
  } finally {
    disarm();
  }
}

/** Records how a run ended that did not succeed. One that lost its journal or its claim has not ended: it can say nothing. */
async function ended(session: Session, thrown: AmdahlError, id: RunId, journal: Journal): Promise<RunError> {
  const error = session.interrupted ?? thrown;
  if (session.interrupted === undefined || error.code === 'EFFECT_UNCERTAIN' || error.code === 'BUDGET_EXCEEDED') {
    session.noteGates();
    await session.settle({ kind: 'run.failed', error: recordError(error) });
  } else if (error.code === 'CANCELLED') {
    session.noteGates();
    await session.settle({ kind: 'run.cancelled', reason: error.message });
  }
  return new RunError(error, id, billNow(session.bill), journal);
}

/** As people count: 'a[2]' before 'a[10]'. Who failed first must not show. */
function byPath(a: Gap, b: Gap): number {
  return a.call.localeCompare(b.call, 'en', { numeric: true }) || a.index - b.index;
}

/** Caps once set stay until they are set again: a resume raises what it names. */
function budgetOf(past: Past | undefined, { budget }: Entering): Budget | undefined {
  return past?.budget === undefined ? budget : { ...past.budget, ...budget };
}

/** The clocks and signals that may stop a whole run. */
function arm(session: Session, past: Past | undefined, budget: Budget | undefined, signal: AbortSignal | undefined): () => void {
  const stops: (() => void)[] = [];
  if (budget?.ms !== undefined) {
    const cap = budget.ms;
    const stop = (): void =>
      session.interrupt(
        new AmdahlError(
          'BUDGET_EXCEEDED',
          `The budget of the run '${session.run}' caps time at ${cap} ms, and that is used up. Raise it and resume: nothing finished is bought again.`,
          { data: { cap: 'ms', bound: cap } },
        ),
      );
    const left = cap - (past?.activeMs ?? 0);
    session.life.due(session.clock, left);
    if (left <= 0) stop();
    else stops.push(session.clock.after(left, stop));
  }
  if (signal !== undefined) {
    const cancel = (): void =>
      session.interrupt(
        new AmdahlError(
          'CANCELLED',
          `The run '${session.run}' was cancelled: ${describe(signal.reason)}. Run it again with this id to go on.`,
          { data: { run: session.run } },
        ),
      );
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    stops.push(() => signal.removeEventListener('abort', cancel));
  }
  return () => stops.forEach((stop) => stop());
}

function conflict(id: RunId, past: Past, agent: string): AmdahlError {
  const what = past.agent === agent ? 'with another input' : `of the agent '${past.agent}', not '${agent}'`;
  return new AmdahlError(
    'RUN_CONFLICT',
    `There is a run '${id}' already, ${what}. Use another id, or the same input to go on with it (amdahl show ${id}).`,
    { data: { run: id, agent: past.agent } },
  );
}

function rootPlace(id: RunId, root: AnyAgent, inputHash: string): Place {
  return callPlace(rootAsker(id), root.name, inputHash, 0);
}

/** A composite may give what is not JSON (a date made by a contract): the record then has its JSON form. */
function journaled(output: unknown): Json {
  return JSON.parse(JSON.stringify(output) ?? 'null') as Json; // JSON.parse gives JSON
}

/** @throws AmdahlError MISCONFIGURED for an id that could not stand in a file, a shell or a line of a log. */
function runId(given: string | undefined, random: Random): RunId {
  if (given === undefined) {
    return Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join('') as RunId; // made right here
  }
  if (/^[!-~]{1,200}$/.test(given)) return given as RunId; // what the pattern says a RunId is
  throw new AmdahlError(
    'MISCONFIGURED',
    `A run's id is 1 to 200 visible ASCII characters without spaces; ${JSON.stringify(given)} is not.`,
  );
}
