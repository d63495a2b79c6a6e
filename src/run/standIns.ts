// What answers in place of the world in a test: the port through which testing/ gives a run its stand-ins. Asked by the
// session and by whoever is about to run code that acts; runs outside of tests have none.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { AnyAgent } from '../agent/definition.ts';
import type { AmdahlError } from '../agent/errors.ts';
import type { ToolSpec } from '../agent/tool.ts';
import type { Entry, Json, Place } from '../journal/event.ts';
import type { Download } from './files.ts';
import type { Registry } from '../model/registry.ts';
import type { RunOptions } from './runOptions.ts';

export interface StandInCall {
  /** What the contract made of the arguments, or of the step's input. */
  readonly value: unknown;
  /** The contracted input of the call that a tool serves; a step's own. */
  readonly input: unknown;
  readonly signal: AbortSignal;
}

/** Runs in place of code. */
export type StandIn = (call: StandInCall) => unknown;

/** `raw`: arguments as the model wrote them, a step's input as it was asked; `place`: the tool call's or the act's. Each answers with an error where nothing may stand for what was asked. It ends the run, whoever catches what. */
export interface StandIns {
  /** Looks up names without the machine's packages and keys. */
  readonly registry: Registry;
  readonly download: Download;
  model(agent: AnyAgent): AmdahlError | undefined;
  /** Undefined where the tool's own code runs. */
  tool(agent: AnyAgent, spec: Extract<ToolSpec, { kind: 'code' }>, raw: Json, place: Place): StandIn | AmdahlError | undefined;
  /** Undefined where the step's own code runs. */
  step(agent: AnyAgent, raw: Json, place: Place): StandIn | AmdahlError | undefined;
  /** A person, who is then not asked. What gives nothing stands for nobody's answering in time. */
  person(agent: AnyAgent, raw: Json, place: Place): StandIn | AmdahlError | undefined;
  /** A model that code of `path` asks through gate(). */
  gated(path: string, model: LanguageModelV4): AmdahlError | undefined;
  /** What was drawn and decided at an asker's place in the run that the test repeats. */
  recall(place: Place): readonly Entry[];
}

const STAND_INS: unique symbol = Symbol('amdahl.standIns');

/** Options of a run that is a test. They are no option that a program could give. */
export function withStandIns(options: RunOptions, standIns: StandIns): RunOptions {
  return { ...options, [STAND_INS]: standIns } as RunOptions;
}

export function standInsOf(options: RunOptions & { readonly [STAND_INS]?: StandIns }): StandIns | undefined {
  return options[STAND_INS];
}
