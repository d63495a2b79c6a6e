// A model with a provider that has a prompt cache, in virtual time: it notes when it was asked, how, and with which marks.
// For tests of prompt caching.

import { APICallError, type LanguageModelV4, type LanguageModelV4CallOptions, type LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { VirtualClock } from '../support/virtualClock.ts';

/** What becomes of its `nth` request: when its answer begins, and how long it goes on from there. */
export interface Course {
  readonly firstMs: number;
  readonly restMs?: number;
  readonly fails?: boolean;
}

export interface AskedOnce {
  readonly at: number;
  readonly streamed: boolean;
  /** Where a mark is: the role of its message. */
  readonly marks: readonly string[];
  readonly options: LanguageModelV4CallOptions;
}

export interface CachedModel {
  readonly model: LanguageModelV4;
  readonly asked: AskedOnce[];
}

const usage = {
  inputTokens: { total: 3_000, noCache: 3_000, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 5, text: 5, reasoning: 0 },
};
const finishReason = { unified: 'stop', raw: 'end_turn' } as const;

export function cachedModel(
  clock: VirtualClock,
  course: (nth: number) => Course,
  { provider = 'anthropic.messages', modelId = 'claude-sonnet-4-5', streams = true } = {},
): CachedModel {
  const asked: AskedOnce[] = [];
  const ask = async (options: LanguageModelV4CallOptions, streamed: boolean): Promise<number> => {
    const nth = asked.length;
    asked.push({ at: clock.now() - 1_000_000, streamed, marks: marksIn(options), options });
    const { firstMs, fails } = course(nth);
    if (streamed && !streams) throw callError(400, 'Your organization must be verified to stream this model.');
    await clock.sleep(firstMs);
    if (fails === true) throw callError(400, 'That is no request.');
    return course(nth).restMs ?? 0;
  };
  const model: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider,
    modelId,
    supportedUrls: {},
    doGenerate: async (options) => {
      await clock.sleep(await ask(options, false));
      return { content: [{ type: 'text', text: 'said' }], finishReason, usage, warnings: [] };
    },
    doStream: async (options) => {
      const rest = ask(options, true);
      // As real ones do, it rejects before there is a stream.
      if (!streams) await rest;
      return { stream: spoken(rest, clock) };
    },
  };
  return { model, asked };
}

function spoken(rest: Promise<number>, clock: VirtualClock): ReadableStream<LanguageModelV4StreamPart> {
  return new ReadableStream<LanguageModelV4StreamPart>({
    start: async (controller) => {
      controller.enqueue({ type: 'stream-start', warnings: [] });
      try {
        const ms = await rest;
        controller.enqueue({ type: 'text-start', id: '0' });
        await clock.sleep(ms);
        controller.enqueue({ type: 'text-delta', id: '0', delta: 'said' });
        controller.enqueue({ type: 'finish', finishReason, usage });
        controller.close();
      } catch (error) {
        controller.error(error);
      }
    },
  });
}

function callError(statusCode: number, message: string): APICallError {
  return new APICallError({ message, url: 'http://x', requestBodyValues: {}, statusCode, responseBody: message, isRetryable: false });
}

function marksIn({ prompt }: LanguageModelV4CallOptions): readonly string[] {
  return prompt.flatMap((message) => {
    const parts = message.role === 'system' ? [] : message.content;
    const all = [message, ...parts].filter((one) => 'providerOptions' in one && one.providerOptions?.['anthropic'] !== undefined);
    return all.map(() => message.role);
  });
}
