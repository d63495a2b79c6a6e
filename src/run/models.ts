// Which model answers an agent: what the run says for it, what the run says for all, or its own.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyAgent } from '../agent/agent.ts';
import { kindOf } from '../agent/contract.ts';
import { AmdahlError } from '../agent/errors.ts';

const DENY: unique symbol = Symbol.for('amdahl.deny') as never;

export interface Deny {
  readonly [DENY]: true;
}

/** In a run's `models`: asking is an error. `{ review: scripted([…]), '*': deny }` proves that nobody else asks. */
export const deny: Deny = Object.freeze({ [DENY]: true as const });

/** Models by agent name; '*' for all others. Overrides the agents' own. */
export type Models = Readonly<Record<string, LanguageModelV4 | Deny>>;

/** @throws AmdahlError MODEL_MISSING, MODEL_DENIED, or MISCONFIGURED for what is no V4 model. Pure. */
export function pickModel(models: Models, agent: AnyAgent): LanguageModelV4 {
  const own = agent.behaviour.kind === 'model' ? agent.behaviour.model : undefined;
  const model = (Object.hasOwn(models, agent.name) ? models[agent.name] : models['*']) ?? own;
  if (model === undefined) {
    throw new AmdahlError(
      'MODEL_MISSING',
      `The agent '${agent.name}' has no model. Give it one (agent({ model })) or give the run one: models: { '${agent.name}': model }.`,
    );
  }
  if (typeof model === 'object' && DENY in model) {
    throw new AmdahlError(
      'MODEL_DENIED',
      `This run does not let '${agent.name}' ask a model. Give models: { '${agent.name}': … } if it should.`,
    );
  }
  if (model.specificationVersion !== 'v4') throw notUnderstood(model, agent.name);
  return model;
}

function notUnderstood(model: unknown, who: string): AmdahlError {
  if (typeof model === 'object' && model !== null && 'specificationVersion' in model) {
    return new AmdahlError(
      'MISCONFIGURED',
      `The model of '${who}' speaks ${String(model.specificationVersion)}; AI SDK language models of version v4 are understood. Update its provider package.`,
    );
  }
  const what = typeof model === 'string' ? JSON.stringify(model) : kindOf(model);
  return new AmdahlError(
    'MISCONFIGURED',
    `The model of '${who}' is ${what}, not a language model. Give an object that an AI SDK provider makes, such as anthropic('…').`,
  );
}
