// What an agent is: a typed function that can be asked, as plain data. `agent()` makes the kind that a model
// answers; step.ts and compose/ make the others. Nothing here runs anything: run/ does, floor by floor above.

import type { LanguageModelV2, LanguageModelV3, LanguageModelV4 } from '@ai-sdk/provider';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { hash } from './canonical.ts';
import { type Check, type CheckFunction, checkOf } from './checks.ts';
import { type Contract, contractOf, kindOf, type ParsedOf, type RawOf } from './contract.ts';
import { AmdahlError } from './errors.ts';
import { outputForm } from './jsonSchema.ts';
import { checkOptions, checkRequired, type OptionNames, titled } from './options.ts';
import { parsePath } from './path.ts';
import { deadEnd } from './schemaPath.ts';
import type { Scope } from './scope.ts';
import { type ToolSet, toolsOf, type ToolSpec } from './tool.ts';

/** Marks agents across copies of this package in one process. */
const AGENT: unique symbol = Symbol.for('amdahl.agent') as never;

export type AgentKind = 'model' | 'step' | 'pipe' | 'all' | 'map' | 'mapReduce' | 'flow';

/** Caps on what a call and all below it may spend. `calls` counts model requests but those that were refused for their rate, `usd` is dollars, `ms` time at work. */
export interface Budget {
  readonly calls?: number;
  readonly tokens?: number;
  readonly usd?: number;
  readonly ms?: number;
  /** What happens when a cap is reached: the call fails with BUDGET_EXCEEDED. The only way yet, and the default. */
  readonly onLimit?: 'fail';
}

/** The static picture of an agent, known without running it. */
export interface Shape {
  readonly kind: AgentKind;
  readonly name: string;
  readonly children: readonly Shape[];
}

/** How a model is asked. Part of the fingerprint. `maxOutputTokens` is also what a request reserves of a budget. */
export interface ModelSettings {
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
}

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
  readonly turns?: number;
  readonly repairs: number;
}

export interface StepBehaviour {
  readonly kind: 'step';
  readonly effect: 'none' | 'immediate';
  readonly execute: (input: unknown, options: { readonly signal: AbortSignal }) => unknown;
}

export interface CompositeBehaviour {
  readonly kind: 'composite';
  readonly body: (input: unknown, scope: Scope) => Promise<unknown>;
  /** How many branches an input opens, when that is known before it runs. */
  readonly width?: (input: unknown) => number;
}

export type Behaviour = ModelBehaviour | StepBehaviour | CompositeBehaviour;

/**
 * A typed function that can be asked: by `run`, by a composite, by a model that has it among its tools.
 * `I` is what an asker gives (before the contract's transforms), `O` what it gets (after them).
 */
export interface Agent<in I, out O, out N extends string = string> {
  readonly [AGENT]: true;
  readonly name: N;
  readonly kind: AgentKind;
  readonly input: Contract;
  readonly output: Contract;
  readonly checks: readonly Check[];
  readonly behaviour: Behaviour;
  readonly children: readonly AnyAgent[];
  readonly shape: Shape;
  readonly attempts: number;
  readonly description?: string;
  readonly version?: string;
  readonly budget?: Budget;
  readonly timeoutMs?: number;
  /** Types only; never set. */
  readonly '~input'?: (input: I) => void;
  readonly '~output'?: () => O;
}

export type AnyAgent = Agent<never, unknown>;
export type InputOf<A> = A extends Agent<infer I, unknown> ? I : never;
export type OutputOf<A> = A extends Agent<never, infer O> ? O : never;

/** What every kind of agent takes. */
export interface Common<N extends string, IS, OS> {
  readonly name: N;
  /** Any Standard Schema; plain text where none is given. */
  readonly input?: IS;
  readonly output?: OS;
  /** For models that have this agent as a tool, and for pictures. */
  readonly description?: string;
  /**
   * Judge the contracted output: undefined (or []) when it is fine, else a string or a list of { path, message } saying
   * what is wrong; true and false say neither. What they refuse is repaired or tried afresh.
   */
  readonly checks?: readonly (Check<ParsedOf<OS>> | CheckFunction<ParsedOf<OS>>)[];
  readonly budget?: Budget;
  /** Fresh attempts in all, at least 1. */
  readonly attempts?: number;
  /** For one call, from its start in this process. */
  readonly timeoutMs?: number;
}

export interface AgentOptions<N extends string, IS, OS> extends Common<N, IS, OS> {
  /**
   * Default: what the run says, else the environment variable AMDAHL_MODEL. Of a list the first is asked, and the next where
   * the one before cannot be had: rate limits for good, overload, outages, time-outs, garbage, a key that is refused.
   */
  readonly model?: ModelChoice | readonly ModelChoice[];
  /** Change it when another model answers under the same id: earlier answers then do not count. */
  readonly modelVersion?: string;
  readonly instructions: string;
  readonly tools?: ToolSet;
  readonly settings?: ModelSettings;
  /** Model requests in one attempt. Default: the run's limit `turns`. */
  readonly turns?: number;
  /** Refused answers mended within one conversation. Default 2. */
  readonly repairs?: number;
}

/** The options that every kind of agent takes. */
export const COMMON_OPTIONS: OptionNames<Common<string, undefined, undefined>> = {
  name: true,
  input: true,
  output: true,
  description: true,
  checks: true,
  budget: true,
  attempts: true,
  timeoutMs: true,
};

const OPTIONS: OptionNames<AgentOptions<string, undefined, undefined>> = {
  ...COMMON_OPTIONS,
  model: true,
  modelVersion: true,
  instructions: true,
  tools: true,
  settings: true,
  turns: true,
  repairs: true,
};

const SETTINGS: OptionNames<ModelSettings> = { temperature: true, maxOutputTokens: true };

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
>(options: AgentOptions<N, IS, OS>): Agent<RawOf<IS>, ParsedOf<OS>, N> {
  const who = titled('agent', options);
  checkOptions(options, OPTIONS, who);
  checkOptions(options.settings ?? {}, SETTINGS, who, 'a setting');
  checkRequired(options.instructions, 'instructions', 'string', who);
  const tools = toolsOf(options.tools ?? {}, options.name);
  const children = [...tools.values()].flatMap((tool) => (tool.kind === 'agent' ? [tool.agent] : []));
  const made = define<RawOf<IS>, ParsedOf<OS>, N>({
    ...options,
    kind: 'model',
    children,
    attempts: options.attempts ?? MODEL_DEFAULTS.attempts,
    behaviour: {
      kind: 'model',
      instructions: options.instructions,
      tools,
      settings: Object.freeze({ ...options.settings }),
      repairs: bound(options.repairs ?? MODEL_DEFAULTS.repairs, 'repairs', options.name, 0),
      ...(options.model === undefined ? {} : { model: ownModel(options.model, options.name) }),
      ...(options.modelVersion === undefined ? {} : { modelVersion: options.modelVersion }),
      ...(options.turns === undefined ? {} : { turns: bound(options.turns, 'turns', options.name, 1) }),
    },
  });
  if (made.output.kind === 'schema') made.output.jsonSchema();
  refuseDeadEnds(made);
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

/** What `define` needs beside the common options. */
export interface Definition extends Common<string, StandardSchemaV1 | undefined, StandardSchemaV1 | undefined> {
  readonly kind: AgentKind;
  readonly behaviour: Behaviour;
  readonly children: readonly AnyAgent[];
  readonly version?: string;
  /** Contracts already made, for composites that take theirs from their parts. */
  readonly contracts?: { readonly input: Contract; readonly output: Contract };
}

/** Makes any kind of agent from its definition. For combinators; programs use `agent`, `step`, `flow` and the rest. */
export function define<I, O, N extends string>(
  options: Omit<Definition, 'checks'> & { readonly checks?: readonly unknown[] },
): Agent<I, O, N> {
  const { kind, behaviour, children } = options;
  const name = shortened(options.name, kind);
  if (typeof name !== 'string' || !/^[^\s/][^/\n]{0,199}$/.test(name) || !name.isWellFormed()) {
    throw new AmdahlError(
      'MISCONFIGURED',
      `An agent's name is 1 to 200 characters without "/" or line breaks; ${JSON.stringify(name)} is not. Give it another name.`,
    );
  }
  return Object.freeze({
    [AGENT]: true as const,
    name: name as N,
    kind,
    input: options.contracts?.input ?? contractOf(options.input, `the input of agent '${name}'`),
    output: options.contracts?.output ?? contractOf(options.output, `the output of agent '${name}'`),
    checks: (options.checks ?? []).map((check, index) => checkOf(check as Check | CheckFunction, index)),
    behaviour,
    children,
    shape: { kind, name, children: children.map((child) => child.shape) },
    attempts: bound(options.attempts ?? 1, 'attempts', name, 1),
    ...(options.description === undefined ? {} : { description: options.description }),
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.budget === undefined ? {} : { budget: checkBudget(options.budget, name) }),
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: bound(options.timeoutMs, 'timeoutMs', name, 1) }),
  });
}

/** Combinators are called after their parts, which may be many: then a hash stands for the rest. */
function shortened(name: string, kind: AgentKind): string {
  const composed = kind === 'pipe' || kind === 'all' || kind === 'map' || kind === 'mapReduce';
  return composed && name.length > 200 ? `${name.slice(0, 170)}… ${hash(name)}` : name;
}

/** Whether a value is an agent, made by this copy of the package or by another. Pure. */
export function isAgent(value: unknown): value is AnyAgent {
  return typeof value === 'object' && value !== null && AGENT in value;
}

/** @throws AmdahlError MISCONFIGURED unless it is an agent; `who` was given it. Pure. */
export function assertAgent(value: unknown, who: string): asserts value is AnyAgent {
  if (isAgent(value)) return;
  throw new AmdahlError(
    'MISCONFIGURED',
    value === undefined
      ? `${who} was given nothing where an agent belongs. Modules that import each other in a circle may not have made it yet.`
      : `${who} was given ${typeof value === 'string' ? `the text ${JSON.stringify(value)}` : kindOf(value)} where an agent belongs; give the agent itself.`,
  );
}

/** @throws AmdahlError MISCONFIGURED unless every cap is a number ≥ 0. Pure. */
export function checkBudget(budget: Budget, who: string): Budget {
  const { onLimit, ...caps } = budget;
  if (onLimit !== undefined && onLimit !== 'fail') {
    throw new AmdahlError('MISCONFIGURED', `The budget of '${who}' has onLimit: ${JSON.stringify(onLimit)}. There is only 'fail'.`);
  }
  for (const [cap, value] of Object.entries(caps)) {
    if (!['calls', 'tokens', 'usd', 'ms'].includes(cap)) {
      throw new AmdahlError(
        'MISCONFIGURED',
        `The budget of '${who}' has a cap '${cap}' that does not exist. Use calls, tokens, usd or ms.`,
      );
    }
    if (value !== undefined && !(Number.isFinite(value) && value >= 0)) {
      throw new AmdahlError(
        'MISCONFIGURED',
        `The budget of '${who}' caps ${cap} at ${String(value)}. Give a finite number, 0 or more; leave a cap out to have none.`,
      );
    }
  }
  return budget;
}

function bound(value: number, what: string, who: string, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new AmdahlError('MISCONFIGURED', `'${who}' has ${what}: ${String(value)}. Give a whole number, ${least} or more.`);
}
