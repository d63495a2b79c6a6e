// What an agent is, whatever its kind: a typed function that can be asked, as frozen data. agent.ts, step.ts and compose/
// make the kinds with `define()`. Nothing here runs anything: run/ does, floor by floor above.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ModelBehaviour } from './agent.ts';
import { type Budget, checkBudget } from './budget.ts';
import { hash } from './canonical.ts';
import { type Check, type CheckFunction, checkOf } from './checks.ts';
import { type Contract, contractOf, kindOf, type ParsedOf } from './contract.ts';
import type { Effect, EffectRules } from './effect.ts';
import { AmdahlError } from './errors.ts';
import type { OptionNames } from './options.ts';
import { type Reuse, type ReuseRule, reuseRule } from './reuse.ts';
import type { Scope } from './scope.ts';

/** Marks agents across copies of this package in one process. */
const AGENT: unique symbol = Symbol.for('amdahl.agent') as never;

export type AgentKind = 'model' | 'step' | 'human' | 'pipe' | 'all' | 'map' | 'mapReduce' | 'flow' | 'transaction';

/** Whether agents of a kind answer themselves: what they answered is recorded, and answers again. The others ask agents. Pure. */
export function isLeaf(kind: AgentKind): boolean {
  return kind === 'model' || kind === 'step' || kind === 'human';
}

/** The static picture of an agent, known without running it. */
export interface Shape {
  readonly kind: AgentKind;
  readonly name: string;
  readonly children: readonly Shape[];
}

export interface StepBehaviour {
  readonly kind: 'step';
  readonly effect: Effect;
  readonly rules: EffectRules;
  /** Of a staged one, which gives a receipt: the contract of what its code gives. */
  readonly result?: Contract;
  readonly execute: (input: unknown, options: { readonly signal: AbortSignal; readonly context: unknown; readonly key: string }) => unknown;
}

/** Who answers where no person did in time. */
export type Otherwise =
  | { readonly kind: 'value'; readonly value: unknown }
  /** Asked with the same input. */
  | { readonly kind: 'agent'; readonly agent: AnyAgent }
  | { readonly kind: 'code'; readonly code: (input: unknown) => unknown };

export interface HumanBehaviour {
  readonly kind: 'human';
  /** Of the contracted input. */
  readonly question: (input: unknown) => string;
  /** The question as it is written in the program: it tells one agent from another. */
  readonly asks: string;
  /** Undefined: what the run's limits say. */
  readonly expiresMs: number | undefined;
  readonly otherwise: Otherwise | undefined;
  /** How often an answer that does not stand is asked for again. */
  readonly repairs: number;
}

export interface CompositeBehaviour {
  readonly kind: 'composite';
  readonly body: (input: unknown, scope: Scope) => Promise<unknown>;
  /** The function that the program wrote, where it wrote one: its text tells one program from another. */
  readonly code?: (...given: never) => unknown;
  /** What is below it may still be refused by it, so that effects wait until it is confirmed (holds.ts). */
  readonly holds?: true;
  /** How many branches an input opens, when that is known before it runs. */
  readonly width?: (input: unknown) => number;
}

export type Behaviour = ModelBehaviour | StepBehaviour | HumanBehaviour | CompositeBehaviour;

/**
 * A typed function that can be asked: by `run`, by a composite, by a model that has it among its tools.
 * `I` is what an asker gives (before the contract's transforms), `O` what it gets (after them). `C` is the context that a
 * run must be given for it and all below it; `unknown` where none is needed.
 */
export interface Agent<in I, out O, out N extends string = string, in C = unknown> {
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
  /** Of the part of the run's context that its own code gets. */
  readonly context?: Contract;
  /** Whether answers may be used elsewhere; what the run says where it says nothing. */
  readonly reuse?: ReuseRule;
  /** Types only; never set. */
  readonly '~input'?: (input: I) => void;
  readonly '~output'?: () => O;
  readonly '~context'?: (context: C) => void;
}

export type AnyAgent = Agent<never, unknown, string, never>;
export type InputOf<A> = A extends Agent<infer I, unknown, string, never> ? I : never;
export type OutputOf<A> = A extends Agent<never, infer O, string, never> ? O : never;

/** What every kind of agent takes. */
export interface Common<N extends string, IS, OS, CS = undefined> {
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
  /**
   * Any Standard Schema: what its code needs of the run's `context`. It gets what the schema gives and nothing else. Never
   * journaled, hashed or shown to a model.
   */
  readonly context?: CS;
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
  context: true,
};

type MaybeSchema = StandardSchemaV1 | undefined;

/** What `define` needs beside the common options. */
export interface Definition extends Common<string, MaybeSchema, MaybeSchema, MaybeSchema> {
  readonly kind: AgentKind;
  readonly behaviour: Behaviour;
  readonly children: readonly AnyAgent[];
  readonly version?: string;
  readonly reuse?: Reuse;
  /** Contracts already made, for composites that take theirs from their parts. */
  readonly contracts?: { readonly input: Contract; readonly output: Contract };
}

/** Makes any kind of agent from its definition. For combinators; programs use `agent`, `step`, `flow` and the rest. */
export function define<I, O, N extends string, C = unknown>(
  options: Omit<Definition, 'checks'> & { readonly checks?: readonly unknown[] },
): Agent<I, O, N, C> {
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
    ...(options.reuse === undefined ? {} : { reuse: reuseRule(options.reuse, `'${name}'`) }),
    ...(options.context === undefined ? {} : { context: contractOf(options.context, `the context of agent '${name}'`) }),
  });
}

/** Combinators are called after their parts, which may be many: then a hash stands for the rest. */
function shortened(name: string, kind: AgentKind): string {
  const composed = kind === 'pipe' || kind === 'all' || kind === 'map' || kind === 'mapReduce' || kind === 'transaction';
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

/** @throws AmdahlError MISCONFIGURED unless it is a whole number from `least` on. Pure. */
export function bound(value: number, what: string, who: string, least: number): number {
  if (Number.isInteger(value) && value >= least) return value;
  throw new AmdahlError('MISCONFIGURED', `'${who}' has ${what}: ${String(value)}. Give a whole number, ${least} or more.`);
}
