// Tools: what a model may do besides answer. `tool()` makes amdahl's own with a declared effect; AI SDK tools and
// agents are taken as they are. toolsOf() turns a user's set into specs that model/ and run/ understand.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ContextGiven, NeedOf } from './context.ts';
import type { Agent, AnyAgent } from './definition.ts';
import { type Contract, contractOf, text } from './contract.ts';
import { type Effect, type EffectDeclared, type EffectRules, effectRules } from './effect.ts';
import { AmdahlError } from './errors.ts';
import { foreignContract } from './foreign.ts';
import { checkOptions, checkRequired, type OptionNames } from './options.ts';

const TOOL: unique symbol = Symbol.for('amdahl.tool') as never;
const READ_ONLY: unique symbol = Symbol.for('amdahl.readOnly') as never;
const AGENT_MARK = Symbol.for('amdahl.agent');

export interface ExecuteOptions<Input = unknown, Context = undefined> {
  /** The contracted input of the call that the tool serves: roots, tenants and the like come from here. */
  readonly input: Input;
  /** Aborts when the call is cancelled or out of time. */
  readonly signal: AbortSignal;
  /** The part of the run's context that the tool declares. */
  readonly context: Context;
  /** Of an effect: its idempotency key, the same in every attempt that does the same. Give it to the service. */
  readonly key: string;
}

/** An amdahl tool. `C` is the context that a run must be given for it; `unknown` where it needs none. */
export interface Tool<Args = never, Result = unknown, in C = unknown> {
  readonly [TOOL]: true;
  readonly description: string;
  readonly input: Contract;
  readonly effect: Effect;
  readonly rules: EffectRules;
  readonly version?: string;
  readonly timeoutMs?: number;
  readonly context?: Contract;
  readonly execute: (args: Args, options: ExecuteOptions<never, never>) => Result | Promise<Result>;
  /** Types only; never set. */
  readonly '~context'?: (context: C) => void;
}

export interface ToolOptions<S extends StandardSchemaV1, Input, Result, CS = undefined> extends EffectDeclared<
  StandardSchemaV1.InferOutput<S>,
  Input,
  NoInfer<Result>,
  ContextGiven<CS>
> {
  readonly description: string;
  readonly input: S;
  /** Required: what a call of this tool does to the world. */
  readonly effect: Effect;
  readonly version?: string;
  readonly timeoutMs?: number;
  /** Any Standard Schema: what the tool needs of the run's `context`. It gets what the schema gives and nothing else. */
  readonly context?: CS;
  readonly execute: (args: StandardSchemaV1.InferOutput<S>, options: ExecuteOptions<Input, ContextGiven<CS>>) => Result | Promise<Result>;
}

const OPTIONS: OptionNames<ToolOptions<StandardSchemaV1, unknown, unknown>> = {
  description: true,
  input: true,
  effect: true,
  idempotent: true,
  verify: true,
  undo: true,
  approve: true,
  maxAge: true,
  version: true,
  timeoutMs: true,
  context: true,
  execute: true,
};

/**
 * A tool with a contract for its arguments and a declared effect. The result must be JSON.
 * @throws AmdahlError MISCONFIGURED for a bad option; EFFECT_REFUSED for an effect that does not exist, or rules that it cannot have; NO_JSON_SCHEMA when a model cannot be told of the arguments.
 */
export function tool<S extends StandardSchemaV1, Result, Input = never, CS extends StandardSchemaV1 | undefined = undefined>(
  options: ToolOptions<S, Input, Result, CS>,
): Tool<StandardSchemaV1.InferOutput<S>, Result, NeedOf<CS>> {
  checkOptions(options, OPTIONS, 'A tool');
  const { description, execute, version, timeoutMs } = options;
  checkRequired(description, 'description', 'string', 'A tool');
  const who = `The tool "${description}"`;
  const rules = effectRules(options, who);
  checkRequired(execute, 'execute', 'function', who);
  const input = contractOf(options.input, `the input of the tool "${description}"`);
  if (input === text)
    throw new AmdahlError('MISCONFIGURED', `${who} has no input schema. Give it one, such as z.object({}) where it takes nothing.`);
  input.jsonSchema();
  return Object.freeze({
    [TOOL]: true as const,
    description,
    input,
    effect: rules.effect,
    rules,
    execute,
    ...(version === undefined ? {} : { version }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(options.context === undefined ? {} : { context: contractOf(options.context, `the context of the tool "${description}"`) }),
  });
}

/** The part of an AI SDK tool object that is used; MCP clients hand out the same. */
export interface ForeignTool {
  readonly description?: unknown;
  readonly inputSchema: unknown;
  readonly execute?: unknown;
  readonly needsApproval?: unknown;
}

type AnyTool = Tool<never, unknown, never>;

/** Tools by name. Those of them that need a context are in the type of the set that has them. */
export type ToolSet = Readonly<Record<string, Tool<never> | Agent<never, unknown> | ForeignTool>>;
export type AnyToolSet = Readonly<Record<string, AnyTool | AnyAgent | ForeignTool>>;

/** Says that foreign tools only read, so that they need no journal entry before they run and may run again. */
export function readOnly<T extends ForeignTool | Readonly<Record<string, ForeignTool>>>(tools: T): T {
  if (isForeign(tools)) return marked(tools);
  return Object.fromEntries(Object.entries(tools).map(([name, one]) => [name, marked(one)])) as unknown as T; // the same tools under the same names
}

/** The same tool with the mark, methods of its class included. */
function marked<T extends object>(one: T): T {
  const copy: object = Object.create(Object.getPrototypeOf(one) as object | null) as object;
  return Object.assign(copy, one, { [READ_ONLY]: true });
}

/** A tool as the runtime sees it. */
export type ToolSpec =
  | {
      readonly kind: 'code';
      readonly name: string;
      readonly description: string;
      readonly input: Contract;
      readonly effect: Effect;
      readonly rules: EffectRules;
      readonly version?: string;
      readonly timeoutMs?: number;
      readonly context?: Contract;
      readonly execute: (
        args: unknown,
        options: { input: unknown; signal: AbortSignal; id: string; context: unknown; key: string },
      ) => unknown;
    }
  | { readonly kind: 'agent'; readonly name: string; readonly description: string; readonly input: Contract; readonly agent: AnyAgent };

/** @throws AmdahlError MISCONFIGURED for names and things that are no tools. Order is kept: it is part of the prompt. */
export function toolsOf(set: AnyToolSet, who: string): ReadonlyMap<string, ToolSpec> {
  const specs = new Map<string, ToolSpec>();
  for (const [name, one] of Object.entries(set)) {
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(name)) {
      throw new AmdahlError(
        'MISCONFIGURED',
        `'${who}' has a tool named ${JSON.stringify(name)}. Providers take letters, digits, "_" and "-", at most 64.`,
      );
    }
    specs.set(name, specOf(name, one, who));
  }
  return specs;
}

function specOf(name: string, one: AnyTool | AnyAgent | ForeignTool | undefined, who: string): ToolSpec {
  if (typeof one !== 'object' || one === null) throw noTool(name, who);
  if (isAgentTool(one)) return agentTool(name, one, who);
  if (isTool(one))
    return {
      ...one,
      kind: 'code',
      name,
      execute: (args, options) => one.execute(args as never, options as unknown as ExecuteOptions<never, never>),
    };
  if (isForeign(one)) return foreignTool(name, one, who);
  throw noTool(name, who);
}

function noTool(name: string, who: string): AmdahlError {
  return new AmdahlError(
    'MISCONFIGURED',
    `'${who}' has a tool '${name}' that is none. Use tool({ … }), an agent, or an AI SDK tool with inputSchema and execute.`,
  );
}

function agentTool(name: string, agent: AnyAgent, who: string): ToolSpec {
  if (agent.input.kind === 'open') {
    throw new AmdahlError(
      'NO_JSON_SCHEMA',
      `The tool '${name}' of '${who}' is the agent '${agent.name}', which has no input schema that a model could be shown. Put it into a flow that has one: flow({ input: schema, run: (input, ctx) => ctx.call(…) }).`,
    );
  }
  const description = agent.description ?? (agent.behaviour.kind === 'model' ? agent.behaviour.instructions : `Ask ${agent.name}.`);
  if (agent.input.kind === 'schema') agent.input.jsonSchema();
  return { kind: 'agent', name, description, input: agent.input, agent };
}

function foreignTool(name: string, one: ForeignTool, who: string): ToolSpec {
  const { execute } = one;
  if (typeof execute !== 'function') {
    throw new AmdahlError(
      'MISCONFIGURED',
      `The tool '${name}' of '${who}' has no execute function, so nothing here could answer it. Give it one, or leave the tool out.`,
    );
  }
  const rules = foreignRules(name, one, who);
  const input = foreignContract(one.inputSchema, `the input of the tool '${name}' of '${who}'`);
  input.jsonSchema();
  return {
    kind: 'code',
    name,
    description: typeof one.description === 'string' ? one.description : '',
    input,
    effect: rules.effect,
    rules,
    execute: (args, { signal, id }) =>
      (execute as (...all: unknown[]) => unknown).call(one, args, { toolCallId: id, messages: [], abortSignal: signal }),
  };
}

/** What it does to the world is not known, unless somebody said that it only reads. `needsApproval` is the AI SDK's `approve`. */
function foreignRules(name: string, one: ForeignTool, who: string): EffectRules {
  const { needsApproval } = one;
  const asks = needsApproval !== undefined && needsApproval !== false;
  if (READ_ONLY in one && asks)
    throw new AmdahlError(
      'EFFECT_REFUSED',
      `The tool '${name}' of '${who}' is readOnly() and wants a person's approval (needsApproval). Leave readOnly() out, or give a copy without needsApproval.`,
    );
  const approve = typeof needsApproval === 'function' ? foreignApproval(one, needsApproval) : needsApproval;
  return effectRules(READ_ONLY in one ? { effect: 'none' } : { effect: 'immediate', approve }, `The tool '${name}' of '${who}'`);
}

/** Asked as the AI SDK asks it, as far as there is what it asks with: what it counts as no is a no. */
function foreignApproval(one: ForeignTool, needsApproval: Function): EffectRules['approve'] {
  return async (args) => Boolean(await (Reflect.apply(needsApproval, one, [args, { toolCallId: '', messages: [] }]) as unknown));
}

function isTool(value: object): value is AnyTool {
  return TOOL in value;
}

function isAgentTool(value: object): value is AnyAgent {
  return AGENT_MARK in value;
}

function isForeign(value: object): value is ForeignTool {
  return 'inputSchema' in value;
}

/** The arguments a model gives to an agent with plain text input come as `{ input }`: providers want objects. */
export const TEXT_ARGUMENTS: {
  readonly type: 'object';
  readonly properties: { readonly input: { readonly type: 'string' } };
  readonly required: readonly ['input'];
  readonly additionalProperties: false;
} = {
  type: 'object',
  properties: { input: { type: 'string' } },
  required: ['input'],
  additionalProperties: false,
};

/** Whether a tool's arguments travel wrapped as `{ input }`. Pure. */
export function takesText(spec: ToolSpec): boolean {
  return spec.input === text;
}
