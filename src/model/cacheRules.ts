// How the prompt cache of each provider is used, as data: how a request says what to hold, from how many tokens on it holds
// anything, for how long, and what writing and reading cost. Called by run/promptCaching.ts. Pure.
//
// The keys are those that the packages read (anthropic 4.0.105, openai 4.0.118, azure 3.0.128, amazon-bedrock 4.0.186,
// google-vertex 4.0.208, openrouter 3.1, xai 3.0); the figures are the providers':
// https://platform.claude.com/docs/en/build-with-claude/prompt-caching
// https://developers.openai.com/api/docs/guides/prompt-caching
// https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html
// https://ai.google.dev/gemini-api/docs/caching

import type { LanguageModelV4 } from '@ai-sdk/provider';

/** In whose words a request marks what to hold. */
export type MarkDialect = 'anthropic' | 'bedrock' | 'openrouter' | 'openai';

export interface CacheRule {
  /** Absent where the provider holds what it likes by itself. */
  readonly marks?: MarkDialect;
  /** Under which provider's options a request is given a key, by which requests with one prefix meet one machine. */
  readonly keyUnder?: 'openai' | 'azure' | 'xai';
  /** The provider marks the end of a request by itself, and charges for that, unless it is told not to. */
  readonly marksEndItself?: true;
  readonly minTokens: number;
  readonly ttlMs: number;
  /** What input costs that is written into the cache, and that is read from it, over plain input; where no price is known. */
  readonly write: number;
  readonly read: number;
}

type Model = Pick<LanguageModelV4, 'provider' | 'modelId'>;

const MINUTE_MS = 60_000;

const known = new WeakMap<Model, { readonly rule: CacheRule | undefined }>();

/** The rule of a model; undefined where nothing is known of a cache. */
export function cacheRule(model: Model): CacheRule | undefined {
  let found = known.get(model);
  if (found === undefined) known.set(model, (found = { rule: ruleOf(model.provider, model.modelId) }));
  return found.rule;
}

function ruleOf(provider: string, modelId: string): CacheRule | undefined {
  const name = provider.split('.')[0];
  switch (name) {
    case 'anthropic':
      return claude('anthropic', modelId);
    case 'vertex':
    case 'googleVertex':
      return provider.includes('anthropic') ? claude('anthropic', modelId) : gemini(modelId);
    case 'google':
      return gemini(modelId);
    case 'bedrock':
    case 'amazon-bedrock':
      return bedrock(provider, modelId);
    case 'openai':
      return gpt(modelId, 'openai');
    case 'azure':
    case 'azure-openai':
      return gpt(modelId, 'azure');
    case 'xai':
      return { ...(provider === 'xai.responses' && { keyUnder: 'xai' as const }), ...PLAIN, read: 0.25 };
    case 'openrouter':
      return modelId.startsWith('anthropic/') ? claude('openrouter', modelId) : undefined;
    case 'gateway':
      return behindGateway(modelId);
    default:
      return undefined;
  }
}

const PLAIN = { minTokens: 1_024, ttlMs: 5 * MINUTE_MS, write: 1, read: 0.1 } as const;

/** The gateway hands the options of its models' makers on. */
function behindGateway(modelId: string): CacheRule | undefined {
  const [maker = '', ...rest] = modelId.split('/');
  return ['anthropic', 'openai', 'google'].includes(maker) ? ruleOf(maker, rest.join('/')) : undefined;
}

function claude(marks: MarkDialect, modelId: string): CacheRule {
  return { marks, minTokens: claudeMinTokens(modelId), ttlMs: 5 * MINUTE_MS, write: 1.25, read: 0.1 };
}

function claudeMinTokens(modelId: string): number {
  if (/opus-4[-.][56]|haiku-4/.test(modelId)) return 4_096;
  if (/opus-4[-.]7|haiku-3|3-haiku|3[-.]5-haiku/.test(modelId)) return 2_048;
  return /(?:opus|fable|mythos)-5/.test(modelId) ? 512 : 1_024;
}

/** Models that know no checkpoints refuse a request that has one. */
function bedrock(provider: string, modelId: string): CacheRule | undefined {
  if (modelId.includes('amazon.nova')) return { marks: 'bedrock', minTokens: 1_024, ttlMs: 5 * MINUTE_MS, write: 1, read: 0.25 };
  if (!/anthropic\.claude-(?:3-7|3-5-haiku|[a-z]+-\d)/.test(modelId)) return undefined;
  return claude(provider.includes('anthropic') ? 'anthropic' : 'bedrock', modelId);
}

/** Models of OpenAI's own by their names: what else speaks its protocol may refuse what it does not know. */
function gpt(modelId: string, keyUnder: 'openai' | 'azure'): CacheRule | undefined {
  const [, major = '0', minor = '0'] = /^gpt-(\d)(?:\.(\d+))?(?!\d)/.exec(modelId) ?? [];
  const version = Number(major) * 100 + Number(minor);
  if (version === 0 && !/^(?:o\d|chatgpt-|codex-)/.test(modelId)) return undefined;
  // https://developers.openai.com/api/docs/guides/prompt-caching: what is not marked is not found again.
  if (version >= 506)
    return { marks: 'openai', keyUnder, marksEndItself: true, minTokens: 1_024, ttlMs: 30 * MINUTE_MS, write: 1.25, read: 0.1 };
  return { keyUnder, ...PLAIN, read: version >= 500 ? 0.1 : 0.5 };
}

function gemini(modelId: string): CacheRule | undefined {
  const [, major] = /gemini-(\d)/.exec(modelId) ?? [];
  if (major === undefined || /gemini-(?:1|2\.0)/.test(modelId)) return undefined;
  return { ...PLAIN, minTokens: Number(major) >= 3 ? 4_096 : 2_048 };
}
