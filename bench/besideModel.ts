// The model that contenders with AI SDK models ask: the real provider package over a socket, or one in the process
// itself that answers at once. Imports nothing of src/.

import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { ANSWER, MODEL_ID } from './besideQuestion.ts';

/** Chat Completions through @ai-sdk/openai, or without a server a model that answers in the next turn of the event loop. */
export function besideModel(baseUrl: string | undefined): LanguageModelV4 {
  if (baseUrl !== undefined) return createOpenAI({ baseURL: baseUrl, apiKey: 'none' }).chat(MODEL_ID);
  return {
    specificationVersion: 'v4',
    provider: 'bench',
    modelId: MODEL_ID,
    supportedUrls: {},
    doGenerate: () => new Promise((resolve) => setImmediate(() => resolve(answered()))),
    doStream: () => Promise.reject(new Error('the benches do not stream')),
  };
}

/** As an honest provider gives it, with usage. */
function answered(): LanguageModelV4GenerateResult {
  return {
    content: [{ type: 'text', text: JSON.stringify(ANSWER) }],
    finishReason: { unified: 'stop', raw: 'stop' },
    usage: {
      inputTokens: { total: 160, noCache: 160, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: 50, text: 50, reasoning: 0 },
    },
    warnings: [],
  };
}
