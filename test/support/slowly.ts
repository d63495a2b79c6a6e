// A model that takes its time while it streams: before every piece of text it waits for whatever the test says. For tests
// that look at a run, or end it, in the middle of an answer.

import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';

export function slowly(model: LanguageModelV4, wait: (piece: string) => Promise<void>): LanguageModelV4 {
  return {
    ...model,
    doStream: async (request) => {
      const { stream, ...rest } = await model.doStream(request);
      const paced = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
        transform: async (part, controller) => {
          if (part.type === 'text-delta') await wait(part.delta);
          controller.enqueue(part);
        },
      });
      return { ...rest, stream: stream.pipeThrough(paced) };
    },
  };
}
