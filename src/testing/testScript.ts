// testScript: a real run once more, as a test. Its script answers for models, tools and acts.

import type { Agent, AnyAgent } from '../agent/definition.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import { SCRIPT_VERSION, type Script } from './script.ts';
import { type TestOptions, type TestResult, testWith } from './testRun.ts';

/**
 * Runs an agent on the input of a real run, which answers: `testScript(review, script)`, where the script is what
 * journalToScript gave, or the JSON file that it was kept in. Models and tools answer what they answered to the same
 * question; checks, flows and steps without an effect really run, and so does a tool without an effect that is asked
 * something new. Stand-ins in `options` come before the script's.
 * @throws TestError SCRIPT_DRIFT where the program now asks otherwise, with the nearest request and the first difference;
 *   else as testRun.
 */
export function testScript<O, N extends string = string, C = unknown>(
  agent: Agent<never, O, N, C>,
  script: object,
  ...options: unknown extends C ? [options?: TestOptions] : [options: TestOptions & { readonly context: C }]
): Promise<TestResult<O>>;
export async function testScript(agent: AnyAgent, script: object, options: TestOptions = {}): Promise<TestResult<unknown>> {
  const read = checked(script);
  if (read.agent !== agent.name)
    throw new AmdahlError(
      'SCRIPT_DRIFT',
      `The script is of the agent '${read.agent}', and it is played to '${agent.name}'. Give testScript the agent that the run asked.`,
    );
  const { scope, subject } = read;
  const own = { ...(scope === undefined ? {} : { scope }), ...(subject === undefined ? {} : { subject }), ...options };
  return await testWith(agent as Agent<unknown, unknown>, read.input, own, read); // its needs are in the types; its contract looks again
}

/** @throws AmdahlError MISCONFIGURED unless it is a script of this version. */
function checked(script: object): Script {
  const parts = ['input', 'setups', 'talks', 'tools', 'steps', 'files', 'drawn'];
  if (!('amdahl' in script) || script.amdahl !== 'script' || !parts.every((part) => part in script))
    throw new AmdahlError(
      'MISCONFIGURED',
      `testScript() takes a script and was given ${kindOf(script)} that is none. Make one: amdahl script RUN FILE.`,
    );
  if (!('version' in script) || script.version !== SCRIPT_VERSION)
    throw new AmdahlError(
      'MISCONFIGURED',
      `This script has a version that is not understood here (${SCRIPT_VERSION} is). Write it anew: amdahl script RUN FILE.`,
    );
  return script as Script; // written by journalToScript
}
