// testRun: a run for tests of one's own agents. Models and acts on the world are answered by stand-ins, and what has none is
// an error that ends the run; nothing is written to disk, nothing is read from the environment, and waiting costs no time.

import type { Agent, AnyAgent } from '../agent/definition.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { Bill } from '../journal/bill.ts';
import type { Event, RunId } from '../journal/event.ts';
import type { Journal } from '../journal/journal.ts';
import { memoryJournal } from '../journal/memory.ts';
import type { ScriptedModel } from '../model/scripted.ts';
import type { Models } from '../run/models.ts';
import { run } from '../run/run.ts';
import type { RunOptions } from '../run/runOptions.ts';
import { RunError, type RunResult } from '../run/runResult.ts';
import { withStandIns } from '../run/standIns.ts';
import { evidenceOf, type TestEvidence } from './evidence.ts';
import { Repeat } from './repeat.ts';
import { recallOf, type Script } from './script.ts';
import { checkNames, type CodeStandIn, type Given, type ModelStandIn, modelsOf, standInsOf } from './standIns.ts';
import { testClock, testRandom } from './testPorts.ts';

/** Options of `run`, but for models: those are stand-ins. */
export interface TestOptions extends Omit<RunOptions, 'models'> {
  /**
   * By agent name, '*' for all others: turns in their order, one turn that answers every request, a function of the request,
   * or a model such as `scripted` or `cassette` makes. Agents that are never asked need none.
   */
  readonly models?: Readonly<Record<string, ModelStandIn>>;
  /** In place of tools, by name, or as 'agent/tool' where two agents have tools of one name. Tools that act need one. */
  readonly tools?: Readonly<Record<string, CodeStandIn>>;
  /** In place of steps, by name. Steps that act need one. */
  readonly steps?: Readonly<Record<string, CodeStandIn>>;
  /** In place of people (`human`), by name: what they answer. One that gives undefined did not answer in time. Each that is asked needs one. */
  readonly people?: Readonly<Record<string, CodeStandIn>>;
}

/** What came of a test, and what happened in it. */
export interface TestResult<O> extends RunResult<O>, TestEvidence {}

/** Why a test's run failed, with what had happened by then. */
export class TestError extends RunError {
  readonly evidence: TestEvidence;

  constructor(
    error: AmdahlError,
    { id, bill, journal }: { readonly id: RunId; readonly bill: Bill; readonly journal: Journal },
    evidence: TestEvidence,
  ) {
    super(error, id, bill, journal);
    this.evidence = evidence;
  }
}

/**
 * Runs an agent as `run` does, with stand-ins for what asks a model or acts on the world. The journal is in memory, the id
 * 'test', the clock stands still but for waits, which take no time, and chance is the same each time; each can be given.
 * Code without an effect (checks, flows, steps, reading tools) really runs.
 * @throws TestError NO_STAND_IN naming what has none and how to give it one; SCRIPT_DRIFT where a script was asked something
 *   else, or less, than it says, whoever caught that; else what the run fails with. AmdahlError as `run` before it begins.
 */
export function testRun<I, O, N extends string = string, C = unknown>(
  agent: Agent<I, O, N, C>,
  input: NoInfer<I>,
  ...options: unknown extends C ? [options?: TestOptions] : [options: TestOptions & { readonly context: C }]
): Promise<TestResult<O>>;
export async function testRun(agent: AnyAgent, input: unknown, options: TestOptions = {}): Promise<TestResult<unknown>> {
  return await testWith(agent as Agent<unknown, unknown>, input, options, undefined); // its needs are in the types of testRun
}

/** A test whose stand-ins are those of a script, where `options` have none by name. */
export async function testWith<I, O>(
  agent: Agent<I, O>,
  input: NoInfer<I>,
  options: TestOptions,
  script: Script | undefined,
): Promise<TestResult<O>> {
  const { models = {}, tools = {}, steps = {}, people = {}, ...rest } = options;
  const repeat = script === undefined ? undefined : new Repeat(script);
  checkNames(agent, { models, tools, steps, people });
  const { given, scripts } = modelsOf(models);
  const repeated = Object.fromEntries((repeat?.agents ?? []).map((name) => [name, repeat?.model(name)])) as Models; // each is there
  const all = { ...repeated, ...given } as Given['models']; // names are looked up
  const standIns = { models: all, tools, steps, people, ...(repeat === undefined ? {} : { repeat }) };
  const events: Event[] = [];
  const { journal = memoryJournal() } = rest;
  const runOptions: RunOptions = {
    id: script?.run ?? 'test',
    clock: testClock(),
    random: testRandom(),
    ...rest,
    secrets: { environment: false, ...rest.secrets },
    // What failed in another test of this process must not hold a tool back in this one, nor what a script says once more.
    limits: { toolFailures: 0, ...rest.limits },
    prices: { 'scripted/*': FREE, 'script/*': FREE, ...rest.prices },
    journal,
    models: { ...repeated, ...given },
    onEvent: (event) => {
      events.push(event);
      return rest.onEvent?.(event);
    },
  };
  try {
    const result = await run(
      agent,
      input,
      withStandIns(runOptions, standInsOf(standIns, script === undefined ? undefined : recallOf(script))),
    );
    const evidence = evidenceOf(events);
    const drift = driftOf(scripts) ?? repeat?.drift;
    if (drift !== undefined) throw new TestError(drift, { ...result, journal }, evidence);
    return { ...result, ...evidence };
  } catch (thrown) {
    if (!(thrown instanceof RunError) || thrown instanceof TestError) throw thrown;
    const cause = thrown.code === 'SCRIPT_DRIFT' ? thrown : (repeat?.drift ?? thrown);
    throw new TestError(cause, { id: thrown.id, bill: thrown.bill, journal }, evidenceOf(events));
  }
}

/** Stand-ins cost nothing, so that a cap in USD has a price to go by. */
const FREE = { in: 0, out: 0 };

/** What is wrong with how scripts were asked, whoever caught that. */
function driftOf(scripts: ReadonlyMap<string, ScriptedModel>): AmdahlError | undefined {
  for (const [name, script] of scripts) {
    try {
      script.assertComplete();
    } catch (thrown) {
      if (!(thrown instanceof AmdahlError)) throw thrown;
      return new AmdahlError(thrown.code, `models['${name}'] of the test: ${thrown.message}`, { data: { name } });
    }
  }
  return undefined;
}
