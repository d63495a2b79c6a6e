// Replies of V3 and V2 models in the words of V4, for adapted.ts: content, finish, usage, warnings and stream parts.
// Pure but for the streams, which change part by part and pass a cancellation on.

import type {
  JSONValue,
  LanguageModelV2,
  LanguageModelV2CallWarning,
  LanguageModelV2Content,
  LanguageModelV2FinishReason,
  LanguageModelV2StreamPart,
  LanguageModelV2Usage,
  LanguageModelV3Content,
  LanguageModelV3GenerateResult,
  LanguageModelV3StreamPart,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderMetadata,
  SharedV4Warning,
} from '@ai-sdk/provider';

type ReplyV2 = Awaited<ReturnType<LanguageModelV2['doGenerate']>>;

export function replyFromV3(reply: LanguageModelV3GenerateResult): LanguageModelV4GenerateResult {
  return { ...reply, content: reply.content.map(contentFromV3) };
}

export function streamFromV3(stream: ReadableStream<LanguageModelV3StreamPart>): ReadableStream<LanguageModelV4StreamPart> {
  return eachPart(stream, (part) => (part.type === 'file' ? contentFromV3(part) : part));
}

function contentFromV3<T extends LanguageModelV3Content>(
  part: T,
): Exclude<T, { type: 'file' }> | Extract<LanguageModelV4Content, { type: 'file' }>;
function contentFromV3(part: LanguageModelV3Content): LanguageModelV4Content {
  return part.type === 'file' ? { ...part, data: { type: 'data', data: part.data } } : part;
}

/** `provider` tells how the usage was counted. */
export function replyFromV2(reply: ReplyV2, provider: string): LanguageModelV4GenerateResult {
  const { content, finishReason, usage, warnings, ...rest } = reply;
  return {
    ...rest,
    content: content.map(contentFromV2),
    finishReason: finishFromV2(finishReason),
    usage: usageFromV2(usage, reply.providerMetadata, provider),
    warnings: warnings.map(warningFromV2),
  };
}

/** `provider` tells how the usage was counted. */
export function streamFromV2(
  stream: ReadableStream<LanguageModelV2StreamPart>,
  provider: string,
): ReadableStream<LanguageModelV4StreamPart> {
  return eachPart(stream, (part): LanguageModelV4StreamPart => {
    switch (part.type) {
      case 'stream-start':
        return { type: 'stream-start', warnings: part.warnings.map(warningFromV2) };
      case 'finish':
        return { ...part, finishReason: finishFromV2(part.finishReason), usage: usageFromV2(part.usage, part.providerMetadata, provider) };
      case 'file':
      case 'tool-result':
        return contentFromV2(part);
      default:
        return part;
    }
  });
}

function eachPart<From, To>(stream: ReadableStream<From>, turn: (part: From) => To): ReadableStream<To> {
  return stream.pipeThrough(new TransformStream<From, To>({ transform: (part, controller) => controller.enqueue(turn(part)) }));
}

function contentFromV2<T extends LanguageModelV2Content>(
  part: T,
): Exclude<T, { type: 'file' | 'tool-result' }> | Extract<LanguageModelV4Content, { type: 'file' | 'tool-result' }>;
function contentFromV2(part: LanguageModelV2Content): LanguageModelV4Content {
  switch (part.type) {
    case 'file':
      return { ...part, data: { type: 'data', data: part.data } };
    case 'tool-result': {
      // Results in a reply are the provider's own in every version; V4 has no flag that says so.
      const { providerExecuted: _, result, ...rest } = part;
      return { ...rest, result: (result ?? '') as NonNullable<JSONValue> }; // it came as JSON from the provider
    }
    default:
      return part;
  }
}

/** V2 does not hand the provider's own word on. */
function finishFromV2(reason: LanguageModelV2FinishReason): LanguageModelV4FinishReason {
  return { unified: reason === 'unknown' ? 'other' : reason, raw: reason === 'other' ? reason : undefined };
}

/** Providers whose V2 packages count input read from or written to a cache beside `inputTokens`, not in it. */
const CACHE_APART = /anthropic|bedrock/i;

function usageFromV2(usage: LanguageModelV2Usage, metadata: SharedV4ProviderMetadata | undefined, provider: string): LanguageModelV4Usage {
  const { inputTokens, cachedInputTokens, outputTokens, reasoningTokens } = usage;
  const apart = CACHE_APART.test(provider);
  const written = apart ? writtenOf(metadata) : undefined;
  const total = inputTokens === undefined || !apart ? inputTokens : inputTokens + (cachedInputTokens ?? 0) + (written ?? 0);
  return {
    inputTokens: { total, noCache: apart ? inputTokens : undefined, cacheRead: cachedInputTokens, cacheWrite: written },
    outputTokens: { total: outputTokens, text: undefined, reasoning: reasoningTokens },
  };
}

/** Tokens written to the cache, which V2's usage has no place for: the packages put them beside it. */
function writtenOf(metadata: SharedV4ProviderMetadata | undefined): number | undefined {
  const bedrock = metadata?.['bedrock']?.['usage'];
  const told = [
    metadata?.['anthropic']?.['cacheCreationInputTokens'],
    typeof bedrock === 'object' && bedrock !== null && 'cacheWriteInputTokens' in bedrock ? bedrock['cacheWriteInputTokens'] : undefined,
  ];
  return told.find((tokens) => typeof tokens === 'number');
}

function warningFromV2(warning: LanguageModelV2CallWarning): SharedV4Warning {
  if (warning.type === 'other') return warning;
  const { details } = warning;
  const feature = warning.type === 'unsupported-tool' ? `the tool '${warning.tool.name}'` : String(warning.setting);
  return { type: 'unsupported', feature, ...(details === undefined ? {} : { details }) };
}
