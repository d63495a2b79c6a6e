// What `--model` says: which models answer all agents, or one of them. Called by run and resume.

import type { AnyAgent } from '../agent/definition.ts';
import { AmdahlError, describe } from '../agent/errors.ts';
import { nearest } from '../agent/nearest.ts';
import { parseModelName, refuseSlip, shownModelName } from '../model/modelName.ts';
import type { Environment } from '../model/providers.ts';

/** Names of models by agent, in the order in which they are asked where it has several; '*' for all agents that are not named. */
export type ModelNames = Readonly<Record<string, string | readonly string[]>>;

/**
 * 'openai/gpt-5' is for all agents, 'review=openai/gpt-5' for one; given again for the same, it is the next to be asked
 * where the one before cannot be had. A provider that nobody knows is told when the model is
 * loaded, since a run that is read again loads none; one that looks misspelt is told here. Pure.
 * @throws AmdahlError MISCONFIGURED for what names no model, and for an agent that is given the same one twice.
 */
export function parseModels(texts: readonly string[], env: Environment): ModelNames {
  const models = new Map<string, readonly string[]>();
  for (const text of texts) {
    // Agents have no '/' in their names, and every model has one.
    const [, agent = '*', model = ''] = /^(?:([^/]*)=)?(.*)$/s.exec(text) ?? [];
    if (agent === '')
      throw wrong(
        `'${shownModelName(text)}' names no agent before '='. Write --model agent=provider/modelId, or --model provider/modelId.`,
      );
    const before = models.get(agent) ?? [];
    const name = checked(model, env);
    if (before.includes(name)) throw wrong(`'${name}' is given twice for ${agent === '*' ? 'all agents' : `'${agent}'`}.`);
    models.set(agent, [...before, name]);
  }
  return Object.fromEntries([...models].map(([agent, names]) => [agent, names.length === 1 ? (names[0] ?? names) : names]));
}

function checked(model: string, env: Environment): string {
  try {
    refuseSlip(parseModelName(model), env);
    return model;
  } catch (error) {
    throw wrong(describe(error));
  }
}

/** @throws AmdahlError MISCONFIGURED for agents that are not in the program, or ask no model: naming them would do nothing in silence. */
export function checkAgents(models: ModelNames, root: AnyAgent): void {
  const { asking, others, open } = agentsOf(root);
  for (const name of Object.keys(models)) {
    if (asking.has(name) || (name === '*' && (open || asking.size > 0))) continue;
    if (name === '*') throw wrong(`'${root.name}' asks no model, nor does any agent in it. Leave --model out.`);
    if (others.has(name)) throw wrong(`'${name}' asks no model itself. ${listed(asking)}`);
    // What a flow asks without saying so is not known before it asks.
    if (open) continue;
    const like = nearest(name, [...asking]);
    throw wrong(`there is no agent '${name}' in '${root.name}'${like === undefined ? '.' : `; did you mean '${like}'?`} ${listed(asking)}`);
  }
}

interface Agents {
  readonly asking: ReadonlySet<string>;
  readonly others: ReadonlySet<string>;
  /** Whether a flow may ask agents that it does not list. */
  readonly open: boolean;
}

function agentsOf(root: AnyAgent): Agents {
  const [asking, others] = [new Set<string>(), new Set<string>()];
  const seen = new Set<AnyAgent>();
  let open = false;
  const visit = (agent: AnyAgent): void => {
    if (seen.has(agent)) return;
    seen.add(agent);
    (agent.behaviour.kind === 'model' ? asking : others).add(agent.name);
    open ||= agent.kind === 'flow' && agent.children.length === 0;
    agent.children.forEach(visit);
  };
  visit(root);
  return { asking, others, open };
}

function listed(asking: ReadonlySet<string>): string {
  return asking.size === 0 ? 'None of its agents does.' : `The agents that ask models are ${[...asking].join(', ')}.`;
}

function wrong(what: string): AmdahlError {
  return new AmdahlError('MISCONFIGURED', `--model: ${what}`);
}
