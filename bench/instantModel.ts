// The model and the agent that the benches ask: an answer without a network, and a typed one-turn call.

import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { z } from 'zod';
import { agent } from '../src/agent/agent.ts';

type Options = LanguageModelV4CallOptions;

/** A model that answers what `answer` gives. It stands at the end of a request, where the network would. */
export function modelOf(answer: (options: Options) => Promise<LanguageModelV4GenerateResult>): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: 'instant',
    supportedUrls: {},
    doGenerate: answer,
    doStream: () => Promise.reject(new Error('the benches do not stream')),
  };
}

/** Answers in the next turn of the event loop, so that what is asked at once is in flight at once. */
export function instantModel(): LanguageModelV4 {
  return modelOf(() => new Promise((resolve) => setImmediate(() => resolve(reply([{ type: 'text', text: ANSWER }], 'stop')))));
}

/** A reply of an honest provider: with usage. */
export function reply(content: LanguageModelV4Content[], finish: 'stop' | 'tool-calls'): LanguageModelV4GenerateResult {
  return {
    content,
    finishReason: { unified: finish, raw: finish },
    usage: {
      inputTokens: { total: 60, noCache: 60, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 30, text: 30, reasoning: 0 },
    },
    warnings: [],
  };
}

const Review = z.object({ verdict: z.enum(['keep', 'change']), line: z.int(), reason: z.string() });

/** What the typed agent is answered. */
export const ANSWER: string = JSON.stringify({
  verdict: 'change',
  line: 17,
  reason: 'The result of the call is not looked at.',
} satisfies z.infer<typeof Review>);

/** One turn, no tools, a typed answer. */
export const review = agent({ name: 'review', instructions: 'Read the change and say whether it can be kept.', output: Review });

/** Inputs for fan-outs: short, and no two equal. */
export function inputs(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `change ${index}: const found = list.find((one) => one.id === id);`);
}
