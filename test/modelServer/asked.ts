// What a provider package makes of an answer, in one form for answers that come whole and answers that stream.

import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4StreamPart } from '@ai-sdk/provider';

/** The real packages, each with the protocol that it speaks, at a base URL that ends in /v1. */
export const packages: Readonly<Record<string, (baseURL: string, model?: string) => LanguageModelV4>> = {
  'openai.chat': (baseURL, model = 'gpt-4o') => createOpenAI({ baseURL, apiKey: 'k' }).chat(model),
  'openai.responses': (baseURL, model = 'gpt-4o') => createOpenAI({ baseURL, apiKey: 'k' }).responses(model),
  'anthropic.messages': (baseURL, model = 'claude-sonnet-4-5') => createAnthropic({ baseURL, apiKey: 'k' })(model),
  compatible: (baseURL, model = 'llama') =>
    createOpenAICompatible({ name: 'local', baseURL, apiKey: 'k', includeUsage: true, supportsStructuredOutputs: true })(model),
};

export interface Heard {
  readonly text: string;
  readonly reasoning: string;
  readonly tools: readonly { readonly id: string; readonly name: string; readonly input: string }[];
  readonly finish: string;
  readonly raw: string | undefined;
  /** In, cached, out, reasoning. */
  readonly tokens: readonly (number | undefined)[];
  readonly content: readonly LanguageModelV4Content[];
}

/** Asks a model. An error that comes in a stream is thrown, like one that comes at once. */
export async function ask(model: LanguageModelV4, stream: boolean, options: LanguageModelV4CallOptions): Promise<Heard> {
  if (!stream) {
    const { content, finishReason, usage } = await model.doGenerate(options);
    return heard(content, { finishReason, usage });
  }
  const content: LanguageModelV4Content[] = [];
  const open = new Map<string, { type: 'text' | 'reasoning'; text: string; providerMetadata?: object }>();
  let finish: Extract<LanguageModelV4StreamPart, { type: 'finish' }> | undefined;
  const reader = (await model.doStream(options)).stream.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const part = next.value;
    if (part.type === 'error') throw part.error;
    if (part.type === 'text-start' || part.type === 'reasoning-start') {
      const begun = { type: part.type === 'text-start' ? ('text' as const) : ('reasoning' as const), text: '' };
      open.set(part.id, begun);
      content.push(begun);
    }
    if (part.type === 'text-delta' || part.type === 'reasoning-delta') {
      const begun = open.get(part.id);
      if (begun === undefined) throw new Error(`a delta of ${part.id}, which is not open`);
      begun.text += part.delta;
    }
    if ('id' in part && 'providerMetadata' in part && part.providerMetadata !== undefined) {
      const begun = open.get(part.id);
      if (begun !== undefined) begun.providerMetadata = { ...begun.providerMetadata, ...part.providerMetadata };
    }
    if (part.type === 'tool-call') content.push(part);
    if (part.type === 'finish') finish = part;
  }
  if (finish === undefined) throw new Error('the stream has no finish');
  return heard(content, finish);
}

function heard(
  content: readonly LanguageModelV4Content[],
  { finishReason, usage }: Pick<Extract<LanguageModelV4StreamPart, { type: 'finish' }>, 'finishReason' | 'usage'>,
): Heard {
  const texts = (type: 'text' | 'reasoning'): string => content.map((part) => (part.type === type ? part.text : '')).join('');
  return {
    text: texts('text'),
    reasoning: texts('reasoning'),
    tools: content.flatMap((part) => (part.type === 'tool-call' ? [{ id: part.toolCallId, name: part.toolName, input: part.input }] : [])),
    finish: finishReason.unified,
    raw: finishReason.raw,
    tokens: [usage.inputTokens.total, usage.inputTokens.cacheRead, usage.outputTokens.total, usage.outputTokens.reasoning],
    content,
  };
}
