// Stand-ins as tests give them, and what is said where one is missing. Called by testRun.ts.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyAgent } from '../agent/definition.ts';
import { modelsIn } from '../agent/agent.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError, reviveError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import { nearest } from '../agent/nearest.ts';
import { adapted, type AnyLanguageModel, isLanguageModel } from '../model/adapted.ts';
import { registry } from '../model/registry.ts';
import { asStandIn, isStandIn, scripted, type ScriptedModel, type ScriptedTurn } from '../model/scripted.ts';
import { deny, type Deny, type Models } from '../run/models.ts';
import type { StandIn, StandIns } from '../run/standIns.ts';
import type { Repeat } from './repeat.ts';
import type { ScriptResult } from './script.ts';

/** What answers in place of an agent's model. */
export type ModelStandIn = ScriptedTurn | readonly ScriptedTurn[] | Parameters<typeof scripted>[0] | AnyLanguageModel | Deny;

/** Runs in place of a tool's or a step's code, with what its contract let through. */
export type CodeStandIn = {
  // A method, so that a test may name the type of the arguments that it expects.
  call(args: Readonly<Record<string, unknown>>, options: { readonly input: unknown; readonly signal: AbortSignal }): unknown;
}['call'];

/** All that a test gives, by name. */
export interface Given {
  readonly models: Readonly<Record<string, ModelStandIn>>;
  readonly tools: Readonly<Record<string, CodeStandIn>>;
  readonly steps: Readonly<Record<string, CodeStandIn>>;
  readonly people: Readonly<Record<string, CodeStandIn>>;
  /** A real run that answers for what is not given by name. */
  readonly repeat?: Repeat;
}

/** The models of a test as a run takes them, and which of them are scripts that the test wrote. */
export function modelsOf(models: Given['models']): { readonly given: Models; readonly scripts: ReadonlyMap<string, ScriptedModel> } {
  const scripts = new Map<string, ScriptedModel>();
  const given: Record<string, Models[string]> = {};
  for (const [name, standIn] of Object.entries(models)) {
    if (standIn === deny || isLanguageModel(standIn)) {
      given[name] = standIn as Models[string]; // one of the two
      continue;
    }
    // Files are told it by their address, so that none is fetched.
    const script = asStandIn({ ...scripted(scriptOf(name, standIn), { modelId: name }), supportedUrls: { '*/*': [/^https?:/] } });
    scripts.set(name, script);
    given[name] = script;
  }
  return { given, scripts };
}

function scriptOf(name: string, standIn: unknown): Parameters<typeof scripted>[0] {
  if (typeof standIn === 'function' || Array.isArray(standIn)) return standIn as Parameters<typeof scripted>[0]; // scripted() looks at each turn
  if (typeof standIn === 'object' && standIn !== null) return () => standIn;
  const named = typeof standIn === 'string' ? `the text ${JSON.stringify(standIn)}, and a test asks no model by name` : kindOf(standIn);
  throw new AmdahlError(
    'MISCONFIGURED',
    `models['${name}'] of testRun() is ${named}. Give what it answers: { text: '…' }, { object: {…} }, a list of such turns, or scripted(…).`,
  );
}

/** @throws AmdahlError MISCONFIGURED for a tool, a step or a person that is nowhere below the agent, where all of that is known. */
export function checkNames(root: AnyAgent, { tools, steps, people }: Given): void {
  const known = { tools: new Set<string>(), steps: new Set<string>(), people: new Set<string>(), whole: true };
  const seen = new Set<AnyAgent>();
  const visit = (agent: AnyAgent): void => {
    if (seen.has(agent)) return;
    seen.add(agent);
    const { behaviour, kind, name } = agent;
    if (kind === 'flow') known.whole = false;
    if (behaviour.kind === 'step') known.steps.add(name);
    if (behaviour.kind === 'human') known.people.add(name);
    if (behaviour.kind === 'model')
      for (const [tool, spec] of behaviour.tools) if (spec.kind === 'code') known.tools.add(tool).add(`${name}/${tool}`);
    agent.children.forEach(visit);
  };
  if (typeof root === 'object' && root !== null && 'behaviour' in root) visit(root);
  for (const [kind, given] of [['tools', tools] as const, ['steps', steps] as const, ['people', people] as const]) {
    const names = Object.keys(given);
    const odd = known.whole ? names.find((name) => !known[kind].has(name)) : undefined;
    if (odd === undefined) continue;
    const like = nearest(odd, [...known[kind]]);
    const hint =
      like !== undefined
        ? ` Did you mean '${like}'?`
        : ` There ${known[kind].size === 0 ? `are no ${kind}` : `are ${[...known[kind]].join(', ')}`}.`;
    throw new AmdahlError(
      'MISCONFIGURED',
      `testRun() has a stand-in for '${odd}' in ${kind}, and nothing below '${root.name}' is called so.${hint}`,
    );
  }
}

/** The stand-ins of a test as a run asks for them. */
export function standInsOf(given: Given, recall?: StandIns['recall']): StandIns {
  const { repeat } = given;
  const own = <T>(from: Readonly<Record<string, T>>, name: string): T | undefined => (Object.hasOwn(from, name) ? from[name] : undefined);
  return {
    registry: registry({
      env: {},
      load: (specifier) => Promise.reject(new AmdahlError('NO_STAND_IN', `A test loads no provider package, and '${specifier}' is one.`)),
      installCommand: (packages) => `npm install ${packages.join(' ')}`,
    }),
    download: (url) => Promise.reject(fileMissing(url)),
    model: (agent) =>
      (own(given.models, agent.name) ?? own(given.models, '*') ?? ownScript(agent)) ? undefined : modelMissing(agent, given),
    tool: (agent, { name, effect }, args, place) => {
      const standIn = own(given.tools, `${agent.name}/${name}`) ?? own(given.tools, name);
      if (standIn !== undefined) return inPlace(standIn);
      // What only reads may be asked something new, and then really runs.
      if (repeat !== undefined && (effect !== 'none' || repeat.hasTool(agent.name, name, args)))
        return again(repeat.tool(agent.name, name, args, place));
      return effect === 'none' ? undefined : toolMissing(agent.name, name);
    },
    step: ({ name, behaviour }, input, place) => {
      const standIn = own(given.steps, name);
      if (standIn !== undefined) return inPlace(standIn);
      const acts = behaviour.kind === 'step' && behaviour.effect !== 'none';
      if (repeat !== undefined && (acts || repeat.hasStep(name))) return again(repeat.step(name, input, place));
      return acts ? stepMissing(name) : undefined;
    },
    person: ({ name }, input, place) => {
      const standIn = own(given.people, name);
      if (standIn !== undefined) return inPlace(standIn);
      return repeat?.hasStep(name) === true ? again(repeat.step(name, input, place)) : personMissing(name);
    },
    gated: (path, model) => (isStandIn(model) ? undefined : gatedMissing(path, model)),
    recall: recall ?? (() => []),
  };
}

function inPlace(standIn: CodeStandIn): StandIn {
  return ({ value, input, signal }) => standIn(value as Parameters<CodeStandIn>[0], { input, signal }); // what the contract let through
}

/** What came of it in the real run, once more. */
function again(came: ScriptResult | AmdahlError): StandIn | AmdahlError {
  if (came instanceof AmdahlError) return came;
  return () => {
    if ('error' in came) throw reviveError(came.error);
    return came.result;
  };
}

/** A model of its own that is a script asks nobody: it needs no stand-in. */
function ownScript({ behaviour, name }: AnyAgent): true | undefined {
  if (behaviour.kind !== 'model' || behaviour.model === undefined) return undefined;
  const all = modelsIn(behaviour.model, name).every((one) => isLanguageModel(one) && isStandIn(adapted(one)));
  return all ? true : undefined;
}

function modelMissing({ name, output }: AnyAgent, { models }: Given): AmdahlError {
  const like = nearest(name, Object.keys(models));
  const hint = like === undefined ? '' : ` There is one for '${like}': was '${name}' meant?`;
  const answer = output.kind === 'text' ? `{ text: '…' }` : '{ object: {…} }';
  return new AmdahlError(
    'NO_STAND_IN',
    `The agent '${name}' asks a model, and this test has no stand-in for it.${hint} Say what it answers: testRun(agent, input, { models: { '${name}': ${answer} } }), or a list of turns, where { tools: [['name', args]] } calls tools.`,
    { data: { agent: name } },
  );
}

function toolMissing(agent: string, tool: string): AmdahlError {
  return new AmdahlError(
    'NO_STAND_IN',
    `The agent '${agent}' called the tool '${tool}', which acts on the world (effect: 'staged' or 'immediate', or a foreign tool that is not readOnly), and this test has no stand-in for it. Give what it answers: testRun(agent, input, { tools: { '${tool}': (args) => … } }).`,
    { data: { agent, tool } },
  );
}

function stepMissing(step: string): AmdahlError {
  return new AmdahlError(
    'NO_STAND_IN',
    `The step '${step}' acts on the world (effect: 'staged' or 'immediate'), and this test has no stand-in for it. Give what it answers: testRun(agent, input, { steps: { '${step}': (input) => … } }).`,
    { data: { step } },
  );
}

function personMissing(name: string): AmdahlError {
  return new AmdahlError(
    'NO_STAND_IN',
    `The person '${name}' is asked, and a test asks nobody. Give what they answer: testRun(agent, input, { people: { '${name}': (input) => … } }); undefined is no answer in time.`,
    { data: { person: name } },
  );
}

function fileMissing({ href }: URL): AmdahlError {
  return new AmdahlError(
    'NO_STAND_IN',
    `A test fetches nothing, and the file at ${href} would have to be fetched. Give the test its bytes: file(bytes, 'text/plain').`,
    { data: { url: href } },
  );
}

function gatedMissing(path: string, model: LanguageModelV4): AmdahlError {
  return new AmdahlError(
    'NO_STAND_IN',
    `The code of '${path}' asks ${modelName(model)} through gate(), and a test asks no model. Let the code take its model from outside and give it scripted(…), or give a stand-in for the step: testRun(agent, input, { steps: {…} }).`,
    { data: { call: path, model: modelName(model) } },
  );
}
