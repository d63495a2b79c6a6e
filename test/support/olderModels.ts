// Language models of AI SDK 5 and 6 by the letter of their specification: they answer what they are given and keep
// what they were asked.

import type {
  LanguageModelV2,
  LanguageModelV2CallOptions,
  LanguageModelV2StreamPart,
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3StreamPart,
  LanguageModelV4CallOptions,
  LanguageModelV4Message,
} from '@ai-sdk/provider';

export type ReplyV2 = Awaited<ReturnType<LanguageModelV2['doGenerate']>>;
export type ReplyV3 = Awaited<ReturnType<LanguageModelV3['doGenerate']>>;

export const usageV2 = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };
export const usageV3 = {
  inputTokens: { total: 10, noCache: 6, cacheRead: 4, cacheWrite: 0 },
  outputTokens: { total: 5, text: 3, reasoning: 2 },
};
export const plainV2: ReplyV2 = { content: [{ type: 'text', text: 'hi' }], finishReason: 'stop', usage: usageV2, warnings: [] };
export const plainV3: ReplyV3 = {
  content: [{ type: 'text', text: 'hi' }],
  finishReason: { unified: 'stop', raw: 'end' },
  usage: usageV3,
  warnings: [],
};

/** A V2 model that answers what it is given and keeps what it was asked. Its methods need `this`, as those of classes do. */
export class OlderV2 implements LanguageModelV2 {
  readonly specificationVersion = 'v2';
  readonly modelId = 'old-1';
  readonly supportedUrls = { 'image/*': [/^https:/] };
  readonly asked: LanguageModelV2CallOptions[] = [];
  cancelled: unknown;
  readonly provider: string;
  readonly reply: ReplyV2;
  readonly parts: readonly LanguageModelV2StreamPart[];
  constructor(reply: ReplyV2 = plainV2, parts: readonly LanguageModelV2StreamPart[] = [], provider = 'acme.chat') {
    this.reply = reply;
    this.parts = parts;
    this.provider = provider;
  }
  async doGenerate(options: LanguageModelV2CallOptions): Promise<ReplyV2> {
    this.asked.push(options);
    return this.reply;
  }
  async doStream(
    options: LanguageModelV2CallOptions,
  ): Promise<{ stream: ReadableStream<LanguageModelV2StreamPart>; request: { body: unknown } }> {
    this.asked.push(options);
    return { stream: streamOf(this.parts, (reason) => (this.cancelled = reason)), request: { body: 'sent' } };
  }
}

export class OlderV3 implements LanguageModelV3 {
  readonly specificationVersion = 'v3';
  readonly provider = 'acme.chat';
  readonly modelId = 'old-2';
  readonly supportedUrls = Promise.resolve({ 'application/pdf': [/^https:/] });
  readonly asked: LanguageModelV3CallOptions[] = [];
  readonly reply: ReplyV3;
  readonly parts: readonly LanguageModelV3StreamPart[];
  constructor(reply: ReplyV3 = plainV3, parts: readonly LanguageModelV3StreamPart[] = []) {
    this.reply = reply;
    this.parts = parts;
  }
  async doGenerate(options: LanguageModelV3CallOptions): Promise<ReplyV3> {
    this.asked.push(options);
    return this.reply;
  }
  async doStream(options: LanguageModelV3CallOptions): Promise<{ stream: ReadableStream<LanguageModelV3StreamPart> }> {
    this.asked.push(options);
    return { stream: streamOf(this.parts, () => undefined) };
  }
}

function streamOf<T>(parts: readonly T[], cancelled: (reason: unknown) => void): ReadableStream<T> {
  let next = 0;
  return new ReadableStream<T>({
    pull: (controller) => {
      const part = parts[next++];
      if (part === undefined) controller.close();
      else controller.enqueue(part);
    },
    cancel: cancelled,
  });
}

export async function drain<T>(stream: ReadableStream<T>): Promise<T[]> {
  const parts: T[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

export const user = (content: Extract<LanguageModelV4Message, { role: 'user' }>['content']): LanguageModelV4CallOptions => ({
  prompt: [{ role: 'user', content }],
});
