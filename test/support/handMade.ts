// Models made by hand, which nothing stands in for: a gate is in front of each, one for every name.

import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider';
import { wrapLanguageModel } from 'ai';
import type { GateMiddleware } from '../../src/index.ts';

export const USAGE: LanguageModelV4GenerateResult['usage'] = {
  inputTokens: { total: 10, noCache: 10, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
export const STOP: LanguageModelV4GenerateResult['finishReason'] = { unified: 'stop', raw: 'stop' };
export const answer = (text: string): LanguageModelV4GenerateResult => ({
  content: [{ type: 'text', text }],
  finishReason: STOP,
  usage: USAGE,
  warnings: [],
});

interface Made {
  readonly modelId?: string;
  readonly answer?: (
    options: LanguageModelV4CallOptions,
    nth: number,
  ) => LanguageModelV4GenerateResult | Promise<LanguageModelV4GenerateResult>;
  readonly stream?: (options: LanguageModelV4CallOptions, nth: number) => ReadableStream<LanguageModelV4StreamPart>;
}

export interface HandMade extends LanguageModelV4 {
  readonly requests: LanguageModelV4CallOptions[];
}

/** Answers 'said' where nothing else is said, and remembers what it was asked. */
export function made({ modelId = 'made', answer: how = () => answer('said'), stream }: Made = {}): HandMade {
  const requests: LanguageModelV4CallOptions[] = [];
  const ask = (options: LanguageModelV4CallOptions): number => requests.push(options) - 1;
  return {
    specificationVersion: 'v4',
    provider: 'hand',
    modelId,
    supportedUrls: {},
    requests,
    doGenerate: async (options) => await how(options, ask(options)),
    doStream: async (options) => {
      if (stream === undefined) throw new Error('it does not stream');
      return { stream: stream(options, ask(options)) };
    },
  };
}

export const through = (middleware: GateMiddleware, model: LanguageModelV4): LanguageModelV4 => wrapLanguageModel({ model, middleware });
