// What is recorded of a request, and how two requests differ. Called by the cassette. Pure. Headers, the signal and
// whatever else is not named here never reach a tape.

import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Json } from '../agent/canonical.ts';
import { childPath } from '../agent/path.ts';
import { unmarked } from './cacheMarkers.ts';
import { type Redact, redacted } from './cassetteRedact.ts';

export type RecordedRequest = Readonly<Record<string, Json>>;

type Content = Exclude<keyof LanguageModelV4CallOptions, 'headers' | 'abortSignal' | 'includeRawChunks'>;

/** What tells requests apart, in the order in which people read a tape. The compiler keeps it complete. */
const CONTENT: Readonly<Record<Content, true>> = {
  prompt: true,
  tools: true,
  toolChoice: true,
  responseFormat: true,
  maxOutputTokens: true,
  temperature: true,
  topP: true,
  topK: true,
  presencePenalty: true,
  frequencyPenalty: true,
  stopSequences: true,
  seed: true,
  reasoning: true,
  providerOptions: true,
};

/** A request as it is recorded and compared. `model` is 'provider/modelId'. O(size of the prompt). */
export function recordedRequest(model: string, options: LanguageModelV4CallOptions, redact: Redact): RecordedRequest {
  const kept: Record<string, Json> = { model };
  const given: Readonly<Record<string, unknown>> = { ...options };
  for (const name of Object.keys(CONTENT)) {
    const json = redacted(given[name], redact);
    if (json !== undefined) kept[name] = json;
  }
  return comparable(kept);
}

/** A request without what says nothing of an answer: what is marked for a cache, which follows from who else asks, and options of no provider. */
export function comparable(request: RecordedRequest): RecordedRequest {
  const { providerOptions, ...rest } = unmarked(request);
  const isNothing = providerOptions === undefined || (isTree(providerOptions) && Object.keys(providerOptions).length === 0);
  return isNothing ? rest : { ...rest, providerOptions };
}

/** The place where two requests first differ, in words; undefined where they are equal. */
export interface Difference {
  readonly path: string;
  readonly recorded: string;
  readonly asked: string;
}

export function firstDifference(recorded: Json | undefined, asked: Json | undefined, path = ''): Difference | undefined {
  if (isTree(recorded) && isTree(asked) && Array.isArray(recorded) === Array.isArray(asked)) {
    for (const [key, before, now] of pairs(recorded, asked)) {
      const inner = firstDifference(before, now, childPath(path, key));
      if (inner !== undefined) return inner;
    }
    return undefined;
  }
  if (Object.is(recorded, asked)) return undefined;
  const from = typeof recorded === 'string' && typeof asked === 'string' ? commonLength(recorded, asked) : 0;
  return { path, recorded: shown(recorded, from), asked: shown(asked, from) };
}

/** The recorded request that has most in common with the one that is asked: the first of several. O(size of the tape). */
export function nearestRequest<T extends { readonly request: RecordedRequest }>(tape: readonly T[], asked: RecordedRequest): T | undefined {
  let best: T | undefined;
  let most = -Infinity;
  for (const candidate of tape) {
    const score = likeness(candidate.request, asked);
    if (score > most) [best, most] = [candidate, score];
  }
  return best;
}

type Tree = readonly Json[] | { readonly [key: string]: Json };

function isTree(value: Json | undefined): value is Tree {
  return typeof value === 'object' && value !== null;
}

function pairs(recorded: Tree, asked: Tree): readonly (readonly [string | number, Json | undefined, Json | undefined])[] {
  if (Array.isArray(recorded) && Array.isArray(asked)) {
    const [before, now]: readonly (readonly Json[])[] = [recorded, asked];
    return Array.from({ length: Math.max(recorded.length, asked.length) }, (_, index) => [index, before?.[index], now?.[index]] as const);
  }
  const [before, now] = [new Map(Object.entries(recorded)), new Map(Object.entries(asked))];
  return [...new Set([...before.keys(), ...now.keys()])].map((key) => [key, before.get(key), now.get(key)] as const);
}

/** How much of two trees is alike: equal ends count one, texts that differ what share is the same from the front. */
function likeness(recorded: Json | undefined, asked: Json | undefined): number {
  if (isTree(recorded) && isTree(asked)) {
    const alike = Array.isArray(recorded) === Array.isArray(asked) ? 1 : 0;
    return pairs(recorded, asked).reduce((sum, [, before, now]) => sum + likeness(before, now), alike);
  }
  // A longer conversation that begins the same is a little less near than one that ends there.
  if (recorded === undefined || asked === undefined) return -0.1;
  if (Object.is(recorded, asked)) return 1;
  if (typeof recorded !== 'string' || typeof asked !== 'string') return 0;
  return commonLength(recorded, asked) / Math.max(recorded.length, asked.length);
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}

const BEFORE = 20;
const SHOWN = 80;

/** A value for a message; a long text from a little before where it differs. */
function shown(value: Json | undefined, from: number): string {
  if (value === undefined) return 'nothing';
  if (typeof value !== 'string') {
    const text = JSON.stringify(value);
    return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}…`;
  }
  if (value.length <= SHOWN) return JSON.stringify(value);
  const start = Math.max(0, from - BEFORE);
  const piece = value.slice(start, start + SHOWN).toWellFormed();
  return JSON.stringify(`${start === 0 ? '' : '…'}${piece}${start + SHOWN < value.length ? '…' : ''}`);
}
