// Which models may answer an agent: what the run says for it, what the run says for all, its own, or the environment's.
// One, or several in the order in which they are asked.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { type ModelChoice, modelsIn } from '../agent/agent.ts';
import type { AnyAgent } from '../agent/definition.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';
import { modelName } from '../agent/fingerprint.ts';
import { adapted, isLanguageModel } from '../model/adapted.ts';
import type { Registry } from '../model/registry.ts';

const DENY: unique symbol = Symbol.for('amdahl.deny') as never;

export interface Deny {
  readonly [DENY]: true;
}

/** In a run's `models`: asking is an error. `{ review: scripted([…]), '*': deny }` proves that nobody else asks. */
export const deny: Deny = Object.freeze({ [DENY]: true as const });

/** Models by agent name, or lists of them; '*' for all others. Overrides the agents' own. */
export type Models = Readonly<Record<string, ModelChoice | readonly ModelChoice[] | Deny>>;

/** A model that an agent may ask. */
export interface Candidate {
  readonly model: LanguageModelV4;
  /** 'provider/modelId'. Where several of a list are called so (two accounts, say), their number is behind it: 'openai/gpt-5 (2)'. */
  readonly name: string;
}

/** At least one, in the order in which they are asked. */
export type Candidates = readonly [Candidate, ...Candidate[]];

/**
 * The models of an agent, as V4; those that are named are not loaded yet.
 * @throws AmdahlError MODEL_MISSING, MODEL_DENIED, or MISCONFIGURED for what names or is no model, or no list of them. Pure.
 */
export function pickModels(models: Models, agent: AnyAgent, registry: Registry): Candidates {
  const model = choiceOf(models, agent, registry);
  if (model === undefined) {
    throw new AmdahlError(
      'MODEL_MISSING',
      `The agent '${agent.name}' has no model. Give it one (agent({ model })), give the run one (models: { '${agent.name}': model }, or --model), or set AMDAHL_MODEL, for example to anthropic/claude-sonnet-4-5.`,
    );
  }
  if (typeof model === 'object' && model !== null && DENY in model) {
    throw new AmdahlError(
      'MODEL_DENIED',
      `This run does not let '${agent.name}' ask a model. Give models: { '${agent.name}': … } if it should.`,
    );
  }
  const called = new Map<string, number>();
  const candidate = (one: unknown): Candidate => {
    const picked = resolved(one, agent.name, registry);
    const name = modelName(picked);
    const nth = (called.get(name) ?? 0) + 1;
    called.set(name, nth);
    return { model: picked, name: nth === 1 ? name : `${name} (${nth})` };
  };
  const [first, ...rest] = modelsIn(model, agent.name);
  return [candidate(first), ...rest.map(candidate)];
}

function resolved(model: unknown, who: string, registry: Registry): LanguageModelV4 {
  if (typeof model === 'string') return registry.model(model);
  if (isLanguageModel(model)) return adapted(model);
  throw notUnderstood(model, who);
}

/** The models that an agent and all below it would ask, of those that are objects and no names. */
export function modelObjects(root: AnyAgent, models: Models, registry: Registry): readonly object[] {
  return modelsBelow(root, models, registry).filter((one) => typeof one === 'object' && one !== null);
}

/**
 * The models that an agent and all below it would ask by name, all of each list. Agents without a model are told when they
 * are asked.
 * @throws AmdahlError MISCONFIGURED for what names no model, and for a list that is none.
 */
export function namedModels(root: AnyAgent, models: Models, registry: Registry): readonly LanguageModelV4[] {
  const names = modelsBelow(root, models, registry).filter((one) => typeof one === 'string');
  return [...new Set(names.map((name) => registry.model(name)))];
}

/** Names and objects as they were given, each once. */
function modelsBelow(root: AnyAgent, models: Models, registry: Registry): readonly unknown[] {
  const found = new Set<unknown>();
  const seen = new Set<AnyAgent>();
  const visit = (agent: AnyAgent): void => {
    if (seen.has(agent)) return;
    seen.add(agent);
    if (agent.behaviour.kind === 'model') {
      for (const one of modelsIn(choiceOf(models, agent, registry), agent.name)) found.add(one);
    }
    agent.children.forEach(visit);
  };
  visit(root);
  return [...found];
}

function choiceOf(models: Models, agent: AnyAgent, registry: Registry): unknown {
  const own = agent.behaviour.kind === 'model' ? agent.behaviour.model : undefined;
  return (Object.hasOwn(models, agent.name) ? models[agent.name] : models['*']) ?? own ?? registry.usual;
}

function notUnderstood(model: unknown, who: string): AmdahlError {
  if (
    typeof model === 'object' &&
    model !== null &&
    'specificationVersion' in model &&
    !['v2', 'v3', 'v4'].includes(String(model.specificationVersion))
  ) {
    return new AmdahlError(
      'MISCONFIGURED',
      `The model of '${who}' speaks ${String(model.specificationVersion)}; AI SDK language models of the versions v2, v3 and v4 are understood (AI SDK 5, 6 and 7). Update its provider package, or amdahl.`,
    );
  }
  return new AmdahlError(
    'MISCONFIGURED',
    `The model of '${who}' is ${typeof model === 'object' && model !== null && 'modelId' in model ? 'a model of another kind (embeddings, images?)' : kindOf(model)}, not a language model. Give a name such as 'anthropic/claude-sonnet-4-5', or an object that an AI SDK provider makes.`,
  );
}
