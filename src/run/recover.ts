// recover: where a server starts, it takes up what its predecessor left. Every run whose owner is gone is claimed and
// driven on by the agent of its name; several processes that do so at once share the runs, because each has one claim. A run
// that is parked is taken up once somebody has answered it, or a question of it is past its time, and not before.
//
// R1 a run is driven by whoever claims it, and looked at once more after that: one that ended meanwhile, or waits for people
//    again, is left as it is.
// R2 what goes wrong with one run is told of it, and stops no other.

import type { Agent, AnyAgent } from '../agent/definition.ts';
import { isAgent } from '../agent/definition.ts';
import { AmdahlError, asAmdahl } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { canGoOn } from '../journal/ask.ts';
import type { EventOf, Json, RunId } from '../journal/event.ts';
import type { Journal, RunRow, UnfinishedRow } from '../journal/journal.ts';
import { isWorkedOn } from '../journal/rows.ts';
import { defaultJournal } from '../journal/sqlite.ts';
import { beginningOf } from './enter.ts';
import { GivenUp } from './givenUp.ts';
import { type Clock, systemClock } from './ports.ts';
import { perform } from './run.ts';
import type { RunOptions } from './runOptions.ts';
import { RunError } from './runResult.ts';

type Passed = Pick<
  RunOptions,
  'journal' | 'models' | 'settings' | 'reuse' | 'prices' | 'rateLimits' | 'limits' | 'secrets' | 'clock' | 'random' | 'onPark' | 'onAsk'
>;

/** What a run says of itself. */
export interface Recoverable {
  readonly id: RunId;
  readonly agent: string;
  readonly subject?: Json;
  readonly scope?: string;
}

/** What became of a run that was taken up. */
export interface Recovered extends Recoverable {
  /** 'parked': given up until a person answers (`onPark: 'return'`). */
  readonly status: 'succeeded' | 'failed' | 'cancelled' | 'parked';
  readonly error?: AmdahlError;
}

/** What recover() did. */
export interface Recovery {
  readonly runs: readonly Recovered[];
  /**
   * Runs that nobody works on, and that were left: no agent was given for them, somebody else was faster, or they are 'parked' and
   * nobody has answered yet.
   */
  readonly left: readonly (Recoverable & { readonly why: 'no agent' | 'taken' | 'given up' | 'parked' })[];
}

/** Options of `run` hold for all runs: models, settings, keys and context are of a process and not of the journal. */
export interface RecoverOptions extends Passed {
  /** Makes what `run` was given as context, from the subject that the run has in the journal. */
  readonly context?: (subject: Json | undefined, run: Recoverable) => unknown;
  /** How many runs at once, besides those that wait for people. Default: 10. */
  readonly concurrency?: number;
  /**
   * Look again after so many ms, until the signal is aborted: for parked runs that somebody has answered meanwhile, and for owners
   * on other machines, as in a container that was replaced, which are only known to be gone some seconds later. Default: look once.
   */
  readonly everyMs?: number;
  /** Aborting takes up no more runs and gives up those at work, for others to go on with. */
  readonly signal?: AbortSignal;
  /** Told of each run when it is over. */
  readonly onRun?: (recovered: Recovered) => void;
}

const OPTIONS: OptionNames<RecoverOptions> = {
  journal: true,
  models: true,
  settings: true,
  reuse: true,
  prices: true,
  rateLimits: true,
  limits: true,
  secrets: true,
  clock: true,
  random: true,
  onPark: true,
  onAsk: true,
  context: true,
  concurrency: true,
  everyMs: true,
  signal: true,
  onRun: true,
};

/** Any agent, whatever it takes, gives and needs. */
type Some = Agent<never, unknown, string, never>;

/**
 * Goes on with every run that has not ended and that nobody works on. Resolves when they are over, with what it did.
 * @throws AmdahlError MISCONFIGURED, JOURNAL_*; never what a run fails with.
 */
export async function recover(agents: readonly Some[], options: RecoverOptions = {}): Promise<Recovery> {
  checkOptions(options, OPTIONS, 'recover()');
  const known = byName(agents);
  const { concurrency = 10, signal, everyMs, clock = systemClock } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1)
    throw new AmdahlError('MISCONFIGURED', `concurrency is a whole number of 1 or more, not ${concurrency}.`);
  const journal = options.journal ?? defaultJournal();
  const giveUp = new AbortController();
  const onAbort = (): void => giveUp.abort(new GivenUp());
  if (signal?.aborted === true) onAbort();
  signal?.addEventListener('abort', onAbort, { once: true });
  const runs = new Map<RunId, Recovered>(); // one that cannot begin is tried at every look
  const waiting = new Set<Promise<void>>();
  const givenUp: Recovery['left'][number][] = [];
  let left: Recovery['left'] = [];
  try {
    for (;;) {
      const pass = new Pass({ known, journal, options, clock, signal: giveUp.signal, runs, givenUp, waiting });
      await pass.work(concurrency);
      left = pass.left;
      if (everyMs === undefined || giveUp.signal.aborted) break;
      await pause(clock, everyMs, giveUp.signal);
    }
    await Promise.all(waiting);
    return { runs: [...runs.values()], left: [...left, ...givenUp] };
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

/** What looks at the journal have in common. */
interface Looking {
  readonly known: ReadonlyMap<string, AnyAgent>;
  readonly journal: Journal;
  readonly options: RecoverOptions;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly runs: Map<RunId, Recovered>;
  /** Those at work when recovering was stopped, whichever look took them up. */
  readonly givenUp: Recovery['left'][number][];
  /** Runs that are not over: of them, those that wait for people hold up no other. */
  readonly waiting: Set<Promise<void>>;
}

/** One look at the journal. */
class Pass {
  readonly left: Recovery['left'][number][] = [];
  readonly #looking: Looking;

  constructor(looking: Looking) {
    this.#looking = looking;
  }

  async work(concurrency: number): Promise<void> {
    const { journal, clock, signal } = this.#looking;
    const rows = (await journal.unfinished(clock.now())).filter((row) => !isWorkedOn(row)).values();
    const worker = async (): Promise<void> => {
      for (const row of rows) {
        if (signal.aborted) return;
        await this.#untilParked(row);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, worker));
  }

  async #untilParked(row: UnfinishedRow): Promise<void> {
    const { waiting } = this.#looking;
    const parked = Promise.withResolvers<void>();
    const over = this.#takeUp(row, parked.resolve).then(() => void waiting.delete(over));
    waiting.add(over);
    await Promise.race([over, parked.promise]);
  }

  async #takeUp({ run: id, agent: name, scope: of, ready }: UnfinishedRow, onParked: () => void): Promise<void> {
    const { known, journal, givenUp } = this.#looking;
    const agent = known.get(name);
    // Looked at again and again for as long as nobody answers: its events are left alone.
    if (!ready && agent !== undefined) {
      this.left.push({ id, agent: name, ...(of === undefined ? {} : { scope: of }), why: 'parked' });
      return;
    }
    const begun = await beginningOf(journal, id).catch((thrown: unknown) => asAmdahl(thrown, id));
    if (begun instanceof AmdahlError) return this.#tell({ id, agent: name, status: 'failed', error: begun });
    const { subject, scope } = begun ?? {};
    const about = { id, agent: name, ...(subject === undefined ? {} : { subject }), ...(scope === undefined ? {} : { scope }) };
    if (agent === undefined || begun === undefined) {
      this.left.push({ ...about, why: 'no agent' });
      return;
    }
    const recovered = await this.#drive(agent, begun, about, onParked);
    if (typeof recovered === 'string') {
      (recovered === 'given up' ? givenUp : this.left).push({ ...about, why: recovered });
      return;
    }
    this.#tell(recovered);
  }

  /** Claimed, it counts as running, or still as parked; what ended while it was waited for does not. */
  async #isWanted(row: RunRow | undefined): Promise<boolean> {
    if (row?.status !== 'parked') return row?.status === 'running';
    const { journal, clock } = this.#looking;
    return canGoOn(await journal.asks({ run: row.run, all: true }), clock.now());
  }

  #tell(recovered: Recovered): void {
    const { runs, options } = this.#looking;
    runs.set(recovered.id, recovered);
    options.onRun?.(recovered);
  }

  async #drive(
    agent: AnyAgent,
    { input }: EventOf<'run.started'>,
    about: Recoverable,
    onParked: () => void,
  ): Promise<Recovered | 'taken' | 'given up'> {
    const { journal, signal } = this.#looking;
    const { context, concurrency: _, everyMs: _every, onRun: _told, ...passed } = this.#looking.options;
    try {
      const given = context === undefined ? {} : { context: await context(about.subject, about) };
      const options = { ...passed, ...given, id: about.id, journal, signal };
      const result = await perform(agent, input, options, { isWanted: (row) => this.#isWanted(row), onParked });
      return result === undefined ? 'taken' : { ...about, status: 'succeeded' };
    } catch (thrown) {
      const error = asAmdahl(thrown, about.id);
      if (error.code === 'RUN_OWNED') return 'taken';
      if (signal.aborted && (error.code === 'RUN_LOST' || error.code === 'CANCELLED')) return 'given up';
      return { ...about, status: error instanceof RunError ? error.status : 'failed', error };
    }
  }
}

function byName(agents: readonly Some[]): ReadonlyMap<string, AnyAgent> {
  if (!Array.isArray(agents)) throw new AmdahlError('MISCONFIGURED', 'recover takes the agents whose runs it takes up: recover([agent]).');
  const known = new Map<string, AnyAgent>();
  for (const agent of agents as readonly unknown[]) {
    if (!isAgent(agent)) throw new AmdahlError('MISCONFIGURED', 'recover takes agents: recover([agent]).');
    if (known.has(agent.name))
      throw new AmdahlError('MISCONFIGURED', `recover is given two agents called '${agent.name}', and runs know theirs by its name.`);
    known.set(agent.name, agent);
  }
  return known;
}

function pause(clock: { after(ms: number, then: () => void): () => void }, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const disarm = clock.after(ms, resolve);
    signal.addEventListener('abort', () => (disarm(), resolve()), { once: true });
  });
}
