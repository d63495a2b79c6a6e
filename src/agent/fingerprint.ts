// Fingerprints: what an answer was made by. A recorded answer counts only under the present fingerprint of its
// agent. Called by run/ once per agent and model of a run.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyAgent } from './agent.ts';
import { canonical, hash } from './canonical.ts';
import type { Contract } from './contract.ts';
import type { ToolSpec } from './tool.ts';

/** Which model would answer an agent. */
export type ModelOf = (agent: AnyAgent) => LanguageModelV4 | undefined;

/** How a model is named in journals, bills and price tables: 'provider/modelId'. Pure. */
export function modelName(model: LanguageModelV4): string {
  return `${model.provider}/${model.modelId}`;
}

/**
 * Hash of everything that makes an agent's answers what they are: instructions, model, settings, tools and contracts
 * for a model; `version` for code, so that code without one counts as unchanged. Checks are not part of it: they
 * judge recorded answers again. Composites have none unless they carry a version. O(size of the definition).
 */
export function fingerprint(agent: AnyAgent, modelOf: ModelOf): string | undefined {
  const { behaviour, version } = agent;
  switch (behaviour.kind) {
    case 'composite':
      return version === undefined ? undefined : hash(canonical({ version }));
    case 'step':
      return hash(canonical({ step: agent.name, version, effect: behaviour.effect }));
    case 'model': {
      const model = modelOf(agent);
      return hash(
        canonical({
          model: model === undefined ? undefined : modelName(model),
          instructions: behaviour.instructions,
          settings: behaviour.settings,
          tools: [...behaviour.tools.values()].map((tool) => toolPrint(tool, modelOf)),
          input: schemaPrint(agent.input),
          output: schemaPrint(agent.output),
          version,
        }),
      );
    }
  }
}

function toolPrint(tool: ToolSpec, modelOf: ModelOf): unknown {
  const { name, description } = tool;
  if (tool.kind === 'agent') return { name, description, agent: fingerprint(tool.agent, modelOf) };
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
