// How the providers' prompt caches work, as data: what they hold, from how many tokens on, and for how long. Called by
// promptCache.ts. The figures are those of the providers' guides:
// https://docs.anthropic.com/en/docs/build-with-claude/prompt-caching and https://developers.openai.com/api/docs/guides/prompt-caching.

import type { Protocol } from './wire.ts';

/** What a model server's cache is told; what is left out is as the provider has it. */
export interface CacheSettings {
  /** Shorter prefixes are not held. */
  readonly minTokens?: number;
  /** How long what nobody uses is held. */
  readonly ttlMs?: number;
  /** Of a cache that goes by prefixes: it holds whole steps alone. */
  readonly stepTokens?: number;
}

/** Anything that was asked before is found again, in whole steps. */
export interface PrefixPolicy {
  readonly by: 'prefix';
  readonly minTokens: number;
  readonly ttlMs: number;
  readonly stepTokens: number;
}

/** Only what ends at a mark is written, and only from a mark on is looked for it. */
export interface MarkPolicy {
  readonly by: 'marks';
  readonly minTokens: number;
  readonly ttlMs: number;
  /** Marks of a request that are written: the last ones. */
  readonly writesMax: number;
  /** Blocks that are looked at from a mark back, itself included. */
  readonly lookBackBlocks: number;
}

export type CachePolicy = PrefixPolicy | MarkPolicy;

const MINUTE_MS = 60_000;

/** The policy of a model. Pure. */
export function cachePolicy(protocol: Protocol, model: string, { minTokens, ttlMs, stepTokens }: CacheSettings = {}): CachePolicy {
  const usual = usualPolicy(protocol, model);
  const policy = { ...usual, ...(minTokens !== undefined && { minTokens }), ...(ttlMs !== undefined && { ttlMs }) };
  return policy.by === 'prefix' && stepTokens !== undefined ? { ...policy, stepTokens } : policy;
}

function usualPolicy(protocol: Protocol, model: string): CachePolicy {
  if (protocol === 'anthropic.messages')
    return { by: 'marks', minTokens: claudeMinTokens(model), ttlMs: 5 * MINUTE_MS, writesMax: 4, lookBackBlocks: 20 };
  if (marksBreakpoints(model)) return { by: 'marks', minTokens: 1_024, ttlMs: 30 * MINUTE_MS, writesMax: 4, lookBackBlocks: 1 };
  return { by: 'prefix', minTokens: 1_024, ttlMs: 10 * MINUTE_MS, stepTokens: 128 };
}

function claudeMinTokens(model: string): number {
  if (/opus-4-[56]|haiku-4/.test(model)) return 4_096;
  if (/opus-4-7|haiku-3|3-haiku|3-5-haiku/.test(model)) return 2_048;
  return /(?:opus|fable|mythos)-5/.test(model) ? 512 : 1_024;
}

/** Whether a model of OpenAI holds what ends at breakpoints, and counts what it writes: from GPT-5.6 on. Pure. */
function marksBreakpoints(model: string): boolean {
  const [, major, minor = '0'] = /^gpt-(\d+)(?:\.(\d+))?/.exec(model) ?? [];
  return major !== undefined && (Number(major) > 5 || (Number(major) === 5 && Number(minor) >= 6)) && !/^gpt-\d{2,}/.test(model);
}
