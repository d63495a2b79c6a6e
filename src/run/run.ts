// run: a root call and all below it, from claim to release. Users and the CLI call it; everything else is the funnel.

import { type Agent, type AnyAgent, isAgent } from '../agent/definition.ts';
import { canonical, hash, toJson } from '../agent/canonical.ts';
import { AmdahlError, asAmdahl, describe, type ErrorCode, recordError } from '../agent/errors.ts';
import { billNow } from '../journal/bill.ts';
import type { Gap, Json, RunId } from '../journal/event.ts';
import type { Journal, RunRow } from '../journal/journal.ts';
import { cancelledText } from '../journal/ownership.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { type Appended, appendedBy } from './appended.ts';
import { Asker } from './asker.ts';
import { Contexts } from './contexts.ts';
import { ask, inputRefused } from './call.ts';
import { beginningOf, type Driving, enter, refuseConflict } from './enter.ts';
import { GivenUp } from './givenUp.ts';
import { refuseBelowHolders } from './holders.ts';
import { limitsOf } from './limits.ts';
import { namedModels } from './models.ts';
import { discardAll } from './outbox.ts';
import { systemMessenger } from './messenger.ts';
import { rootAsker } from './place.ts';
import { systemRandom } from './ports.ts';
import { parkWhenIdle } from './park.ts';
import { reportOf } from './report.ts';
import { checkRunOptions, type OptionsFor, runId, type RunOptions } from './runOptions.ts';
import { effectsDone, RunError, type RunResult } from './runResult.ts';
import { secretsOf } from './runSecrets.ts';
import type { Session } from './session.ts';
import { standInsOf } from './standIns.ts';
import { systemRegistry } from './surroundings.ts';
import { tellOfAsks } from './tellAsks.ts';
import { armTimeCap } from './timeCap.ts';

/** `Why` names the agent; then what it needs. No agent is one. */
type Unready<Why extends string, Context> = Why & { readonly needs: Context };

/** An agent that needs no context; of another, what is missing, for the compiler to show. */
export type Ready<I, O, N extends string, C> = unknown extends C
  ? Agent<I, O, N, C>
  : Unready<`'${N}' needs a context: run(agent, input, { context }).`, C>;

/**
 * Asks an agent, durably. Killed and called again with the same `id`, it goes on and buys nothing twice.
 * @throws RunError (an AmdahlError) with the failure's code when the run fails or is cancelled;
 *   AmdahlError RUN_CONFLICT, RUN_OWNED, CONTRACT_VIOLATION, CONTEXT_MISSING, NOT_JSON, MISCONFIGURED, JOURNAL_* before it begins.
 */
export function run<I, O, N extends string = string, C = unknown>(
  agent: Ready<I, O, N, C>,
  input: NoInfer<I>,
): Promise<RunResult<O, Appended<I>>>;
export function run<I, O, N extends string = string, C = unknown>(
  agent: Agent<I, O, N, C>,
  input: NoInfer<I>,
  options: OptionsFor<C>,
): Promise<RunResult<O, Appended<I>>>;
export async function run(root: AnyAgent, input: unknown, options: RunOptions = {}): Promise<RunResult<unknown, unknown>> {
  return (await perform(root, input, options, {})) as RunResult<unknown>; // what is always wanted is performed
}

/** What those who perform a run may want to know of it. */
export interface Performing {
  /** Asked of the run once it is claimed: if not, nothing is done. */
  readonly isWanted?: (row: RunRow | undefined) => Promise<boolean>;
  /** Told before RUN_OWNED, where what the owner works on is the very run that was wanted. */
  readonly onElsewhere?: () => void;
  /** Told whenever nothing in it can go on until a person says something. */
  readonly onParked?: () => void;
}

/** As `run`; undefined where the run is not wanted. Called by run(), start() and recover(). */
export async function perform(
  root: AnyAgent,
  input: unknown,
  options: RunOptions,
  { isWanted, onElsewhere, onParked }: Performing,
): Promise<RunResult<unknown, unknown> | undefined> {
  if (!isAgent(root)) throw new AmdahlError('MISCONFIGURED', 'run takes an agent first: run(agent, input).');
  checkRunOptions(options);
  refuseBelowHolders(root);
  const random = options.random ?? systemRandom;
  const id = runId(options.id, random);
  const secrets = secretsOf(root, options);
  const given = root.input.raw === undefined ? input : root.input.raw(input);
  const raw = secrets.input(root, toJson(given, `the input of '${root.name}'`), root.name);
  refuseInput(root, raw);
  const limits = limitsOf(options.limits);
  const contexts = await Contexts.of(root, options.context);
  if (options.signal?.aborted === true)
    throw new AmdahlError('CANCELLED', `The signal of the run '${id}' was aborted before it began: ${describe(options.signal.reason)}.`);
  const journal = options.journal ?? defaultJournal();
  await loadNamed(root, options, journal, id);
  const claim = await journal.claim(id).catch(async (thrown: unknown) => {
    if (await isSame(journal, id, root, raw, options)) onElsewhere?.();
    throw thrown;
  });
  let stopTelling: (() => void) | undefined;
  try {
    if (isWanted !== undefined && !(await isWanted(await journal.row(id)))) return undefined;
    const entry = await enter(root, raw, { ...options, id, random, limits, journal, claim, contexts, knownSecrets: secrets, given });
    parkWhenIdle(entry.session, options.onPark ?? 'wait', onParked);
    if (options.onAsk !== undefined) stopTelling = tellOfAsks(entry.session, options.onAsk, systemMessenger);
    return await drive(entry);
  } finally {
    stopTelling?.();
    await claim.release();
  }
}

/** Whether the run that somebody else has is the one that is meant; false before it can be told. @throws AmdahlError RUN_CONFLICT */
async function isSame(journal: Journal, id: RunId, root: AnyAgent, raw: Json, options: RunOptions): Promise<boolean> {
  const begun = await beginningOf(journal, id);
  if (begun !== undefined) refuseConflict(id, begun, root.name, hash(canonical(raw)), options);
  return begun !== undefined;
}

/** Refuses what does not fit before anything is recorded. A schema that takes its time is asked by the funnel, under its clocks. */
function refuseInput(root: AnyAgent, raw: Json): void {
  const checked = root.input.validate(raw);
  if (checked instanceof Promise) checked.catch(() => {});
  else if (!checked.ok) throw inputRefused(root.name, checked.problems);
}

/** A model that cannot be loaded is told before a new run begins; a run that goes on may never ask it. */
async function loadNamed(root: AnyAgent, options: RunOptions, journal: Journal, id: RunId): Promise<void> {
  if (standInsOf(options) !== undefined) return;
  const { models = {} } = options;
  const named = namedModels(root, models, systemRegistry);
  if (named.length === 0 || (await journal.row(id)) !== undefined) return;
  for (const model of named) await systemRegistry.ready(model);
}

async function drive({ session, root, raw, past, options }: Driving): Promise<RunResult<unknown, unknown>> {
  const { id, journal, signal } = options;
  const disarm = arm(session, signal);
  const asker = new Asker(session, rootAsker(id), '', undefined, session.life, ask);
  try {
    const output = await asker.ask(root, raw);
    session.check();
    await session.divergence.finish();
    if (session.account?.raising !== undefined) await session.account.raising.close();
    const missing = session.gaps.toSorted(byPath);
    session.noteGates();
    discardAll(session, true);
    await session.conclude(...(await session.asks.close()), { kind: 'run.succeeded', output: journaled(output), missing });
    const resume =
      past === undefined || session.findings === undefined ? undefined : await reportOf(journal, id, past.inherited, session.findings);
    const messages = await appendedBy(session, root, output);
    const effects = effectsDone(session.effects);
    return { id, output, messages, missing, effects, bill: billNow(session.bill), ...(resume === undefined ? {} : { resume }) };
  } catch (thrown) {
    await asker.finish();
    throw await ended(session, asAmdahl(thrown, root.name), id, journal);
  } finally {
    disarm();
  }
}

/** Records how a run ended that did not succeed. One that lost its journal or its claim has not ended: it can say nothing. */
async function ended(session: Session, thrown: AmdahlError, id: RunId, journal: Journal): Promise<RunError> {
  const error = session.secrets.error(session.interrupted ?? thrown);
  const done = effectsDone(session.effects);
  if (session.interrupted === undefined || FAILS.has(error.code)) {
    session.noteGates();
    if (session.interrupted === undefined) discardAll(session, false);
    await session.settle(...(await session.asks.close()), { kind: 'run.failed', error: recordError(error) });
  } else if (error.code === 'CANCELLED') {
    session.noteGates();
    await session.settle(...(await session.asks.close()), { kind: 'run.cancelled', reason: error.message });
    return new RunError(error, id, billNow(session.bill), journal, 'cancelled', [], done);
  } else if (error.code === 'RUN_PARKED') {
    return new RunError(error, id, billNow(session.bill), journal, 'parked', session.waitsFor, done);
  }
  return new RunError(error, id, billNow(session.bill), journal, 'failed', [], done);
}

/** What interrupts a run and makes a failure of it. */
const FAILS: ReadonlySet<ErrorCode> = new Set(['EFFECT_UNCERTAIN', 'BUDGET_EXCEEDED', 'DIVERGED']);

/** As people count: 'a[2]' before 'a[10]'. Who failed first must not show. */
function byPath(a: Gap, b: Gap): number {
  return a.call.localeCompare(b.call, 'en', { numeric: true }) || a.index - b.index;
}

/** The clocks and signals that may stop a whole run. */
function arm(session: Session, signal: AbortSignal | undefined): () => void {
  const stops: (() => void)[] = [];
  const { account } = session;
  if (account?.budget.ms !== undefined) {
    const over = (bound: number): void =>
      session.interrupt(
        new AmdahlError(
          'BUDGET_EXCEEDED',
          `The budget of the run '${session.run}' caps time at ${bound} ms, and that is used up. Raise it and resume: nothing finished is bought again.`,
          { data: { cap: 'ms', bound } },
        ),
      );
    stops.push(armTimeCap({ session, account, life: session.life, from: -Infinity, over }));
  }
  if (signal !== undefined) {
    const cancel = (): void => {
      const reason: unknown = signal.reason;
      if (reason instanceof GivenUp) return session.interrupt(givenUp(session.run));
      session.interrupt(new AmdahlError('CANCELLED', cancelledText(session.run, describe(reason)), { data: { run: session.run } }));
    };
    if (signal.aborted) cancel();
    signal.addEventListener('abort', cancel, { once: true });
    stops.push(() => signal.removeEventListener('abort', cancel));
  }
  return () => stops.forEach((stop) => stop());
}

/** A composite may give what is not JSON (a date made by a contract): the record then has its JSON form. */
function journaled(output: unknown): Json {
  return JSON.parse(JSON.stringify(output) ?? 'null') as Json; // JSON.parse gives JSON
}

function givenUp(run: RunId): AmdahlError {
  return new AmdahlError('RUN_LOST', `This process gave the run '${run}' up before it had ended. Whoever runs it again goes on.`, {
    data: { run },
  });
}
