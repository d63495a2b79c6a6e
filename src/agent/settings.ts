// How a model is asked: temperature and its like. Given with an agent, and with a run by the agent's name; checked here, and
// put into requests by run/turns.ts. All of it is part of the fingerprint but the headers, which are recorded nowhere.

import type { LanguageModelV4CallOptions, SharedV4ProviderOptions } from '@ai-sdk/provider';
import { toJson } from './canonical.ts';
import { kindOf } from './contract.ts';
import { AmdahlError } from './errors.ts';
import { checkOptions, type OptionNames } from './options.ts';

/** How much a model thinks before it answers. Each provider package maps it to what its models take. */
export type Reasoning = Exclude<LanguageModelV4CallOptions['reasoning'], undefined>;

export interface ModelSettings {
  readonly temperature?: number;
  /** Also what a request reserves of a budget. */
  readonly maxOutputTokens?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly reasoning?: Reasoning;
  /** Texts at which the answer ends. */
  readonly stop?: readonly string[];
  /** For models that take one: a fresh attempt asks with the next, or it would be given the same answer again. */
  readonly seed?: number;
  /**
   * 'auto' (the default), 'none', 'required', or the name of a tool that must be called. What must be called is called in the
   * first request of an attempt; in those after it the model chooses, or it could never answer.
   */
  readonly toolChoice?: string;
  /** Headers of the request. Never recorded, and no part of the fingerprint. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What only one provider understands: { openai: { serviceTier: 'flex' } }. */
  readonly providerOptions?: SharedV4ProviderOptions;
}

const SETTINGS: OptionNames<ModelSettings> = {
  temperature: true,
  maxOutputTokens: true,
  topP: true,
  topK: true,
  reasoning: true,
  stop: true,
  seed: true,
  toolChoice: true,
  headers: true,
  providerOptions: true,
};

/** Words of others for what is known here. */
const MEANT = {
  stopSequences: 'stop',
  maxTokens: 'maxOutputTokens',
  max_tokens: 'maxOutputTokens',
  top_p: 'topP',
  reasoningEffort: 'reasoning',
};

const EFFORTS: Readonly<Record<Reasoning, true>> = {
  'provider-default': true,
  none: true,
  minimal: true,
  low: true,
  medium: true,
  high: true,
  xhigh: true,
  max: true,
};

/** Each setting that is a number, with the least it may be and whether it is whole. */
const NUMBERS = {
  temperature: [0, false],
  topP: [0, false],
  topK: [1, true],
  maxOutputTokens: [1, true],
  seed: [-Infinity, true],
} as const;

/** A copy, frozen. `tools` are those that may be chosen. @throws AmdahlError MISCONFIGURED naming `who`. Pure. */
export function settingsOf(given: ModelSettings, who: string, tools: readonly string[] | undefined): ModelSettings {
  checkOptions(given, SETTINGS, who, 'a setting', MEANT);
  const wrong = (what: string): AmdahlError => new AmdahlError('MISCONFIGURED', `${who} has ${what}`);
  for (const [name, [least, whole]] of Object.entries(NUMBERS)) {
    const value: unknown = Reflect.get(given, name);
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isFinite(value) || value < least || (whole && !Number.isInteger(value)))
      throw wrong(
        `${name}: ${typeof value === 'number' ? value : JSON.stringify(value)}. Give a ${whole ? 'whole ' : ''}number${least === -Infinity ? '' : `, ${least} or more`}.`,
      );
  }
  const { reasoning, stop, toolChoice, headers, providerOptions } = given;
  if (reasoning !== undefined && !Object.hasOwn(EFFORTS, reasoning))
    throw wrong(`reasoning: ${JSON.stringify(reasoning)}. There are ${Object.keys(EFFORTS).join(', ')}.`);
  if (stop !== undefined && !(Array.isArray(stop) && stop.every((text) => typeof text === 'string' && text !== '')))
    throw wrong(`stop: ${kindOf(stop)}. Give a list of texts.`);
  if (headers !== undefined && !isRecord(headers, (value) => typeof value === 'string')) throw wrong('headers that are not all text.');
  if (providerOptions !== undefined && !isRecord(providerOptions, (value) => isRecord(value, () => true)))
    throw wrong('providerOptions of another form. Give options by provider: { openai: { serviceTier: "flex" } }.');
  checkToolChoice(toolChoice, tools, wrong);
  const options =
    providerOptions === undefined
      ? {}
      : { providerOptions: toJson(providerOptions, `providerOptions of ${who}`) as SharedV4ProviderOptions }; // a copy of the same form
  const stops = stop === undefined ? {} : { stop: Object.freeze(Array.from<string>(stop)) };
  return Object.freeze({ ...withoutUndefined(given), ...stops, ...(headers === undefined ? {} : { headers: { ...headers } }), ...options });
}

function checkToolChoice(choice: unknown, tools: readonly string[] | undefined, wrong: (what: string) => AmdahlError): void {
  if (choice === undefined || choice === 'auto' || choice === 'none') return;
  if (typeof choice !== 'string') throw wrong(`toolChoice: ${kindOf(choice)}. Give 'auto', 'none', 'required' or the name of a tool.`);
  if (tools === undefined || (choice === 'required' ? tools.length > 0 : tools.includes(choice))) return;
  throw wrong(
    tools.length === 0
      ? `toolChoice: '${choice}' and no tools.`
      : `toolChoice: '${choice}', which is none of its tools. Give 'auto', 'none', 'required', or one of ${tools.join(', ')}.`,
  );
}

function isRecord(value: unknown, holds: (item: unknown) => boolean): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(holds);
}

function withoutUndefined(given: ModelSettings): ModelSettings {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Settings over others: each replaces the one of the same name. The first itself where there is nothing over it. */
export function settingsOver(own: ModelSettings, ...over: readonly (ModelSettings | undefined)[]): ModelSettings {
  const given = over.filter((one) => one !== undefined);
  return given.length === 0 ? own : Object.freeze(Object.assign({}, own, ...given) as ModelSettings); // each is one
}

/** What of them may be recorded, and is part of the fingerprint. */
export function recordable(settings: ModelSettings): Omit<ModelSettings, 'headers'> {
  if (settings.headers === undefined) return settings;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => name !== 'headers'));
}
