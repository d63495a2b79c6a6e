// Model agents: `agent()` makes an agent that a model answers; definition.ts says what any agent is, step.ts and compose/ make
// the other kinds. Called by programs.

import type { LanguageModelV2, LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ContextGiven, ContextOfAll, NeedOf } from './context.ts';
import type { ParsedOf, RawOf } from './contract.ts';
import { type Agent, type AnyAgent, bound, type Common, COMMON_OPTIONS, define } from './definition.ts';
import { AmdahlError } from './errors.ts';
import { outputForm } from './jsonSchema.ts';
import { checkOptions, checkRequired, type OptionNames, titled } from './options.ts';
import { parsePath } from './path.ts';
import { refuseReuse, type Reuse } from './reuse.ts';
import { type Cache, checkFirst, type Prompt, type Rendering, renderingOf } from './prompt.ts';
import { deadEnd } from './schemaPath.ts';
import { type ModelSettings, settingsOf } from './settings.ts';
import { type AnyToolSet, type ToolSet, toolsOf, type ToolSpec } from './tool.ts';

/**
 * Which model: 'provider/modelId', whose provider package is loaded when it is asked ('anthropic/claude-sonnet-4-5',
 * 'gateway:openai/gpt-5', 'http://localhost:8000/v1#llama'), or any AI SDK language model.
 */
export type ModelChoice = string | LanguageModelV4 | LanguageModelV3 | LanguageModelV2;

export interface ModelBehaviour {
  readonly kind: 'model';
  readonly model?: ModelChoice | readonly ModelChoice[];
  readonly modelVersion?: string;
  readonly instructions: string;
  readonly tools: ReadonlyMap<string, ToolSpec>;
  readonly settings: ModelSettings;
  readonly rendering: Rendering;
  readonly turns?: number;
  readonly repairs: number;
}

export interface AgentOptions<N extends string, IS, OS, CS = undefined, T extends AnyToolSet = ToolSet> extends Common<N, IS, OS, CS> {
  /**
   * Default: what the run says, else the environment variable AMDAHL_MODEL. Of a list the first is asked, and the next where
   * the one before cannot be had: rate limits for good, overload, outages, time-outs, garbage, a key that is refused.
   */
  readonly model?: ModelChoice | readonly ModelChoice[];
  /** Change it when another model answers under the same id: earlier answers then do not count. */
  readonly modelVersion?: string;
  readonly instructions: string;
  readonly tools?: T;
  /** Whether its answers may be used by other runs of the same scope. Default: what the run says, where it has no tools of code and no context. */
  readonly reuse?: Reuse;
  readonly settings?: ModelSettings;
  /** Makes the prompt of an input: a text, or texts and attachments in order. Default: the input field by field. */
  readonly prompt?: Prompt<ParsedOf<IS>, ContextGiven<CS>>;
  /** What of the prompt providers may cache. A list names the fields of the input that are rendered first. Default 'auto'. */
  readonly cache?: Cache<IS>;
  /** Model requests in one attempt. Default: the run's limit `turns`. */
  readonly turns?: number;
  /** Refused answers mended within one conversation. Default 2. */
  readonly repairs?: number;
}

const OPTIONS: OptionNames<AgentOptions<string, undefined, undefined>> = {
  ...COMMON_OPTIONS,
  model: true,
  modelVersion: true,
  instructions: true,
  tools: true,
  reuse: true,
  settings: true,
  prompt: true,
  cache: true,
  turns: true,
  repairs: true,
};

/** Defaults that cost money, in one place: two repairs in the conversation, then one fresh attempt. */
const MODEL_DEFAULTS: { readonly repairs: number; readonly attempts: number } = { repairs: 2, attempts: 2 };

/**
 * An agent that a model answers.
 * @throws AmdahlError MISCONFIGURED for a bad name, bound, tool, option, list of models or path of a check; NO_JSON_SCHEMA for an output a model cannot be told of.
 */
export function agent<
  const N extends string,
  IS extends StandardSchemaV1 | undefined = undefined,
  OS extends StandardSchemaV1 | undefined = undefined,
  CS extends StandardSchemaV1 | undefined = undefined,
  T extends AnyToolSet = Readonly<Record<never, never>>,
>(options: AgentOptions<N, IS, OS, CS, T>): Agent<RawOf<IS>, ParsedOf<OS>, N, NeedOf<CS> & ContextOfAll<T[keyof T]>> {
  const who = titled('agent', options);
  checkOptions(options, OPTIONS, who);
  checkRequired(options.instructions, 'instructions', 'string', who);
  const tools = toolsOf(options.tools ?? {}, options.name);
  const children = [...tools.values()].flatMap((tool) => (tool.kind === 'agent' ? [tool.agent] : []));
  const made = define<RawOf<IS>, ParsedOf<OS>, N, NeedOf<CS> & ContextOfAll<T[keyof T]>>({
    ...options,
    kind: 'model',
    children,
    attempts: options.attempts ?? MODEL_DEFAULTS.attempts,
    behaviour: {
      kind: 'model',
      instructions: options.instructions,
      tools,
      settings: settingsOf(options.settings ?? {}, who, [...tools.keys()]),
      rendering: renderingOf(options, who),
      repairs: bound(options.repairs ?? MODEL_DEFAULTS.repairs, 'repairs', options.name, 0),
      ...(options.model === undefined ? {} : { model: ownModel(options.model, options.name) }),
      ...(options.modelVersion === undefined ? {} : { modelVersion: options.modelVersion }),
      ...(options.turns === undefined ? {} : { turns: bound(options.turns, 'turns', options.name, 1) }),
    },
  });
  if (made.output.kind === 'schema') made.output.jsonSchema();
  refuseReuse(made);
  refuseDeadEnds(made);
  if (made.behaviour.kind === 'model') checkFirst(made.behaviour.rendering, made.input, who);
  return made;
}

/** A list is checked and kept as it is now, whatever becomes of the caller's. */
function ownModel(model: ModelChoice | readonly ModelChoice[], who: string): ModelChoice | readonly ModelChoice[] {
  const models = modelsIn(model, who);
  return Array.isArray(model) ? (Object.freeze([...models]) as readonly ModelChoice[]) : model; // the members of the same list
}

/**
 * What stands in place of a model, as the list of those that are asked, in order; one alone is a list of one.
 * @throws AmdahlError MISCONFIGURED for an empty list, a list in a list, and a model that is named twice. Pure.
 */
export function modelsIn(model: unknown, who: string): readonly [unknown, ...unknown[]] {
  if (!Array.isArray(model)) return [model];
  const wrong = (what: string): AmdahlError => new AmdahlError('MISCONFIGURED', `The list of models of '${who}' ${what}`);
  const [first, ...rest] = model as readonly unknown[]; // what is in it is looked at where it is asked
  if (model.length === 0) throw wrong('is empty. Name at least one, or leave the list out.');
  const all: readonly [unknown, ...unknown[]] = [first, ...rest];
  for (const [nth, one] of all.entries()) {
    if (Array.isArray(one)) throw wrong(`has a list in it. Write all of them in one: ['openai/gpt-5', 'anthropic/claude-sonnet-4-5'].`);
    const name = typeof one === 'string' ? `'${one}'` : 'the same model';
    if (one !== undefined && all.indexOf(one) < nth)
      throw wrong(`has ${name} twice. Name each once: the same one is asked again anyway before the next.`);
  }
  return all;
}

/** @throws AmdahlError MISCONFIGURED when a check looks where the output can have nothing. Pure. */
function refuseDeadEnds({ name, output, checks }: Pick<AnyAgent, 'name' | 'output' | 'checks'>): void {
  const form = output.schema === undefined ? output.jsonSchema() : outputForm(output.schema);
  for (const check of checks) {
    for (const path of check.paths ?? []) {
      const why = deadEnd(form, parsePath(path));
      if (why === undefined) continue;
      throw new AmdahlError(
        'MISCONFIGURED',
        `The check ${check.name} of '${name}' would never find a thing at ${JSON.stringify(path)}: ${why}`,
      );
    }
  }
}
