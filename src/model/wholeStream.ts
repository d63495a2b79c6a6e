// An answer that is there already, as a stream of its parts: for models that only stand in for one (scripts, tapes).

import type { LanguageModelV4Content, LanguageModelV4GenerateResult, LanguageModelV4StreamPart } from '@ai-sdk/provider';

/** Text and reasoning come word by word, arguments of tools in one piece, everything else as it is. Pure. */
export function streamOf(result: LanguageModelV4GenerateResult): ReadableStream<LanguageModelV4StreamPart> {
  const { content, finishReason, usage, providerMetadata, warnings } = result;
  const parts: LanguageModelV4StreamPart[] = [{ type: 'stream-start', warnings }];
  for (const [index, part] of content.entries()) parts.push(...partsOf(part, String(index)));
  parts.push({ type: 'finish', finishReason, usage, ...(providerMetadata === undefined ? {} : { providerMetadata }) });
  const next = parts.values();
  return new ReadableStream({
    pull: (controller) => {
      const { value, done } = next.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

function* partsOf(part: LanguageModelV4Content, id: string): Generator<LanguageModelV4StreamPart> {
  if (part.type === 'text' || part.type === 'reasoning') {
    const { type, text, providerMetadata } = part;
    const metadata = providerMetadata === undefined ? {} : { providerMetadata };
    yield { type: `${type}-start`, id, ...metadata };
    for (const [delta] of text.matchAll(/\s*\S+|\s+/g)) yield { type: `${type}-delta`, id, delta };
    yield { type: `${type}-end`, id, ...metadata };
    return;
  }
  if (part.type === 'tool-call') {
    const { toolCallId, toolName, input } = part;
    yield { type: 'tool-input-start', id: toolCallId, toolName };
    yield { type: 'tool-input-delta', id: toolCallId, delta: input };
    yield { type: 'tool-input-end', id: toolCallId };
  }
  yield part;
}
