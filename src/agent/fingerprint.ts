// Fingerprints: what an answer was made by. A recorded answer counts only under the present fingerprint of its
// agent. Called by run/ once per agent and model of a run.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ModelBehaviour } from './agent.ts';
import type { AnyAgent } from './definition.ts';
import { canonical, hash } from './canonical.ts';
import type { Contract } from './contract.ts';
import { type ModelSettings, recordable } from './settings.ts';
import type { ToolSpec } from './tool.ts';

/** Which model would answer an agent: the first, of several. */
export type ModelOf = (agent: AnyAgent) => LanguageModelV4 | undefined;

/** How a run asks an agent's model. */
export type SettingsOf = (agent: AnyAgent) => ModelSettings;

const ownSettings: SettingsOf = ({ behaviour }) => (behaviour.kind === 'model' ? behaviour.settings : {});

/** How a model is named in journals, bills and price tables: 'provider/modelId', or 'address#modelId'. Pure. */
export function modelName(model: LanguageModelV4): string {
  return `${model.provider}${model.provider.includes('://') ? '#' : '/'}${model.modelId}`;
}

/**
 * Hash of everything that makes an agent's answers what they are: instructions, model, settings, prompt, tools and contracts
 * for a model; `version` for code, so that code without one counts as unchanged. Checks are not part of it: they
 * judge recorded answers again. Of a list of models only the first is part of it: to add or exchange a fall-back buys no
 * finished work again, and what a fall-back answered stands like any other answer. Composites have none unless they carry a version. O(size of the definition) the first
 * time; again only where the model is another, or agents are among the tools.
 */
export function fingerprint(agent: AnyAgent, modelOf: ModelOf, settingsOf: SettingsOf = ownSettings): string | undefined {
  const { behaviour, version } = agent;
  switch (behaviour.kind) {
    case 'composite':
      return version === undefined ? undefined : hash(canonical({ version }));
    case 'step':
      return hash(canonical({ step: agent.name, version, effect: behaviour.effect }));
    case 'human':
      return hash(canonical({ human: agent.name, asks: behaviour.asks, output: schemaPrint(agent.output) }));
    case 'model':
      return modelPrint(agent, behaviour, modelOf, settingsOf);
  }
}

/** Agents do not change once made: what was last worked out for one stands as long as it is asked of the same model. */
const worked = new WeakMap<AnyAgent, { readonly model: string | undefined; readonly settings: ModelSettings; readonly print: string }>();

function modelPrint(agent: AnyAgent, behaviour: ModelBehaviour, modelOf: ModelOf, settingsOf: SettingsOf): string {
  const used = modelOf(agent);
  const settings = settingsOf(agent);
  const model = used === undefined ? undefined : modelName(used);
  const before = worked.get(agent);
  if (before !== undefined && before.model === model && before.settings === settings) return before.print;
  const { modelVersion, instructions, rendering } = behaviour;
  const tools = [...behaviour.tools.values()];
  const print = hash(
    canonical({
      model,
      modelVersion,
      instructions,
      settings: recordable(settings),
      // A function is known by its text, which says nothing of what it closes over.
      prompt: rendering.prompt === undefined ? undefined : String(rendering.prompt),
      first: rendering.first.length === 0 ? undefined : rendering.first,
      tools: tools.map((tool) => toolPrint(tool, modelOf, settingsOf)),
      input: schemaPrint(agent.input),
      output: schemaPrint(agent.output),
      version: agent.version,
    }),
  );
  // The models of agents among the tools are another run's affair.
  if (tools.every(({ kind }) => kind !== 'agent')) worked.set(agent, { model, settings, print });
  return print;
}

function toolPrint(tool: ToolSpec, modelOf: ModelOf, settingsOf: SettingsOf): unknown {
  const { name, description } = tool;
  if (tool.kind === 'agent') return { name, description, agent: fingerprint(tool.agent, modelOf, settingsOf) };
  return { name, description, effect: tool.effect, version: tool.version, input: schemaPrint(tool.input) };
}

/** An input without JSON Schema form is never shown to a model, so its form is no part of what was asked. */
function schemaPrint(contract: Contract): unknown {
  if (contract.kind !== 'schema') return contract.kind;
  try {
    return contract.jsonSchema();
  } catch {
    return 'opaque';
  }
}
