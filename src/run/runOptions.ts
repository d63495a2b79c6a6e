// What a run may be given, and what of it is refused before anything begins. run.ts and its like check it here.

import { type Budget, checkBudget } from '../agent/budget.ts';
import { toJson } from '../agent/canonical.ts';
import { kindOf } from '../agent/contract.ts';
import { reuseRule, type Reuse } from '../agent/reuse.ts';
import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import type { Event, Json, ProgramRef, RunId, StreamMode } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { checkPrices, type PriceTable } from '../model/prices.ts';
import { checkRateLimits, type RateLimits } from '../model/rateLimits.ts';
import type { Limits } from './limits.ts';
import type { Models } from './models.ts';
import type { OnPark } from './park.ts';
import type { Clock, Random } from './ports.ts';
import { checkSecrets, type SecretOptions } from './secretOptions.ts';
import { checkSettings, type Settings } from './runSettings.ts';
import type { RunDelta } from './session.ts';
import { checkOnAsk, type OnAsk } from './tellAsks.ts';

export interface RunOptions {
  /** Names the run. A known id with the same input goes on where it stopped; without one the run gets a new id. */
  readonly id?: string;
  /** Caps for the run and all below it. They stay over resumes, each until it is given again; what was spent stays spent. */
  readonly budget?: Budget;
  /** Aborting cancels the run, its requests and its tools. What finished is kept. */
  readonly signal?: AbortSignal;
  /** Models by agent name, '*' for all others: names or language models. They replace the agents' own. */
  readonly models?: Models;
  /** Settings by agent name, '*' for all: each replaces the setting of the same name that an agent has. */
  readonly settings?: Settings;
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
  /**
   * What no model may see and no journal may hold, besides values of environment variables named like keys: it is replaced by
   * `[secret:NAME]` in every text, and refused with SECRET_IN_CONTRACT in declared inputs and outputs.
   */
  readonly secrets?: SecretOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: SQLite in the folder `.amdahl`, or where AMDAHL_DIR says. */
  readonly journal?: Journal;
  /** Told of everything as it happens, a few milliseconds before it is durable. */
  readonly onEvent?: (event: Event) => void;
  /** Told of answers while they are written, by all calls. Models are then asked to stream. What it is told is provisional. */
  readonly onDelta?: (delta: RunDelta) => void;
  /**
   * 'provisional': the text of the agent that speaks for the run is journaled while it is written, so that `follow` reads it in
   * any process, and withdrawn where it does not stand. 'confirmed': followers get it once it stands, and models are not asked
   * to stream. Default: 'provisional' with `start`; with `run` what an earlier entry said, else nothing is journaled.
   */
  readonly stream?: StreamMode;
  /** Whose text is the run's, by agent name. Default: the root's; of a pipe, its last stage's; other composites have none. */
  readonly speaker?: string;
  /** Where the program stands, so that a CLI can resume it. */
  readonly program?: ProgramRef;
  /**
   * What the code of agents, tools and steps needs of this process: checked against the `context` each declares, given to
   * them, and kept nowhere.
   */
  readonly context?: unknown;
  /** JSON from which the context can be made again in another process: a user's id, not a connection. Journaled. */
  readonly subject?: Json;
  /** Whose run it is, such as a tenant. Journaled. Answers of other runs are used within one scope alone. */
  readonly scope?: string;
  /**
   * Whether answers that other runs of the same scope bought are used, for agents that say nothing themselves and depend on
   * nothing but what they are asked. 'off': for none, and none of this run's earlier entries at other places either.
   */
  readonly reuse?: Reuse;
  /** A run whose answers are used wherever agent, fingerprint and input are still equal. It stays in that run's scope. */
  readonly rerun?: string;
  /** Calls to forget and ask again, by path or id. One with an uncertain act may act a second time. */
  readonly retry?: readonly string[];
  /**
   * What becomes of the run while nothing in it can go on until a person answers: 'wait' for that in this process, or 'return', by
   * which it is given up with RUN_PARKED until somebody runs it again. Default: 'wait'. No budget and no time-out counts the time.
   */
  readonly onPark?: OnPark;
  /**
   * Who is told of each question to a person, at least once: a function, `{ command }`, which gets it as JSON on its standard input,
   * or `{ url }`, to which it is posted. Tried again five times; a failure is in the journal and never the run's.
   */
  readonly onAsk?: OnAsk;
}

/** The options of a run of an agent that needs the context `C`: required where it needs any. */
export type OptionsFor<C> = unknown extends C ? RunOptions | undefined : RunOptions & { readonly context: C };

const OPTIONS: OptionNames<RunOptions> = {
  id: true,
  budget: true,
  signal: true,
  models: true,
  settings: true,
  prices: true,
  rateLimits: true,
  limits: true,
  secrets: true,
  clock: true,
  random: true,
  journal: true,
  onEvent: true,
  onDelta: true,
  stream: true,
  speaker: true,
  program: true,
  context: true,
  subject: true,
  scope: true,
  reuse: true,
  rerun: true,
  retry: true,
  onPark: true,
  onAsk: true,
};

/** @throws AmdahlError MISCONFIGURED */
export function checkRunOptions(options: RunOptions): void {
  checkOptions(options, OPTIONS, 'run()');
  checkGiven(options);
  if (options.settings !== undefined) checkSettings(options.settings);
  if (options.prices !== undefined) checkPrices(options.prices);
  if (options.rateLimits !== undefined) checkRateLimits(options.rateLimits);
  if (options.stream !== undefined && options.stream !== 'provisional' && options.stream !== 'confirmed')
    throw new AmdahlError('MISCONFIGURED', `stream is 'provisional' or 'confirmed', not ${JSON.stringify(options.stream)}.`);
  if (options.onPark !== undefined && options.onPark !== 'wait' && options.onPark !== 'return')
    throw new AmdahlError('MISCONFIGURED', `onPark is 'wait' or 'return', not ${JSON.stringify(options.onPark)}.`);
  if (options.onAsk !== undefined) checkOnAsk(options.onAsk);
  if (options.speaker !== undefined && typeof options.speaker !== 'string')
    throw new AmdahlError('MISCONFIGURED', 'speaker is the name of an agent.');
  if (options.secrets !== undefined) checkSecrets(options.secrets);
  if (options.budget !== undefined) checkBudget(options.budget, 'the run');
  if (options.subject !== undefined) toJson(options.subject, 'the subject of the run');
  if (options.scope !== undefined) checkScope(options.scope);
  if (options.reuse !== undefined) reuseRule(options.reuse, 'the run');
  if (options.reuse === 'off' && options.rerun !== undefined)
    throw new AmdahlError(
      'MISCONFIGURED',
      `The run is told to use the answers of '${options.rerun}' (rerun) and those of nobody (reuse: 'off'). Leave one out.`,
    );
}

/** What has no check of its own, in programs that no compiler saw. */
function checkGiven({ models, journal, signal }: RunOptions): void {
  if (models !== undefined && (typeof models !== 'object' || models === null))
    throw given('models', models, "models by the agent's name, '*' for all: { '*': 'openai/gpt-5' }");
  if (journal !== undefined && typeof journal?.claim !== 'function')
    throw given('journal', journal, "a journal: sqliteJournal({ dir: '.amdahl' }), memoryJournal()");
  if (signal !== undefined && typeof signal?.addEventListener !== 'function') throw given('signal', signal, "an AbortController's signal");
}

function given(option: string, value: unknown, wanted: string): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `run() was given ${kindOf(value)} as ${option}. Give ${wanted}.`);
}

function checkScope(scope: unknown): void {
  if (typeof scope === 'string' && scope.length >= 1 && scope.length <= 200 && scope.isWellFormed()) return;
  throw new AmdahlError(
    'MISCONFIGURED',
    `The scope of a run is text of 1 to 200 characters, such as a tenant's name; it was given ${kindOf(scope)}.`,
  );
}

/** @throws AmdahlError MISCONFIGURED for an id that could not stand in a file, a shell or a line of a log. */
export function runId(given: string | undefined, random: Random): RunId {
  if (given === undefined) {
    return Array.from({ length: 12 }, () => Math.floor(random() * 36).toString(36)).join('') as RunId; // made right here
  }
  if (/^[!-~]{1,200}$/.test(given)) return given as RunId; // what the pattern says a RunId is
  throw new AmdahlError(
    'MISCONFIGURED',
    `A run's id is 1 to 200 visible ASCII characters without spaces; ${JSON.stringify(given)} is not.`,
  );
}
