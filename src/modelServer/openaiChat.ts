// OpenAI Chat Completions, as OpenAI and the many servers that are compatible with it speak it: `reasoning_content`
// is theirs. Facts: https://platform.openai.com/docs/api-reference/chat.

import { readChat } from './openaiChatRequest.ts';
import { openaiError, openaiErrorBody, openaiModel, openaiModels } from './openaiErrors.ts';
import { argsText, createdSeconds, idOf, wordsOf, writtenUsage } from './said.ts';
import { pieces, sseEvent } from './sse.ts';
import type { Asked, Said, SaidUsage, Voice } from './wire.ts';
import { isFields } from './fields.ts';

export const openaiChat: Voice = {
  protocol: 'openai.chat',
  read: readChat,
  whole,
  events,
  error: (trouble, message, about) => openaiError(trouble, message, 'messages', about),
  errorEvent: (trouble, message) => sseEvent(openaiErrorBody(trouble, message, 'messages')),
  models: openaiModels,
  model: openaiModel,
};

function whole(asked: Asked, said: Said, serial: number): unknown {
  return {
    ...envelope('chat.completion', asked, serial),
    choices: said.empty ? [] : [{ index: 0, message: message(said, serial), logprobs: null, finish_reason: finishReason(said) }],
    usage: usage(said.usage),
  };
}

function envelope(object: string, asked: Asked, serial: number): object {
  return {
    id: idOf('chatcmpl-', serial),
    object,
    created: createdSeconds(serial),
    model: asked.model,
    service_tier: 'default',
    system_fingerprint: 'fp_0000000000',
  };
}

function message(said: Said, serial: number): object {
  const { text, refusal } = wordsOf(said);
  return {
    role: 'assistant',
    content: text ?? null,
    refusal: refusal ?? null,
    annotations: [],
    ...(said.reasoning !== undefined && { reasoning_content: said.reasoning }),
    ...(said.tools.length > 0 && {
      tool_calls: said.tools.map(({ name, args }, index) => ({
        id: idOf('call_', serial, index),
        type: 'function',
        function: { name, arguments: argsText(args) },
      })),
    }),
  };
}

function finishReason({ finish }: Said): string {
  switch (finish) {
    case 'tools':
      return 'tool_calls';
    case 'filter':
      return 'content_filter';
    case 'refusal': // the message says so, not the reason
      return 'stop';
    default:
      return finish;
  }
}

function usage({ tokensIn, tokensOut, tokensCached, tokensCacheWritten, tokensReasoning }: SaidUsage): object {
  return {
    prompt_tokens: tokensIn,
    completion_tokens: tokensOut,
    total_tokens: tokensIn + tokensOut,
    prompt_tokens_details: { cached_tokens: tokensCached, ...writtenUsage(tokensCacheWritten), audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: tokensReasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function events(asked: Asked, said: Said, serial: number, piece: number): readonly string[] {
  const head = envelope('chat.completion.chunk', asked, serial);
  const counts = wantsUsage(asked.body);
  // Where usage is wanted, every chunk before the last says that it has none.
  const chunk = (choices: readonly object[]): string => sseEvent({ ...head, choices, ...(counts && { usage: null }) });
  const deltas = said.empty ? [] : deltasOf(said, serial, piece);
  const all = deltas.map((delta) => chunk([{ index: 0, delta, logprobs: null, finish_reason: null }]));
  all.push(chunk(said.empty ? [] : [{ index: 0, delta: {}, logprobs: null, finish_reason: finishReason(said) }]));
  if (counts) all.push(sseEvent({ ...head, choices: [], usage: usage(said.usage) }));
  all.push('data: [DONE]\n\n');
  return all;
}

function wantsUsage(body: unknown): boolean {
  return isFields(body) && isFields(body['stream_options']) && body['stream_options']['include_usage'] === true;
}

function deltasOf(said: Said, serial: number, piece: number): readonly object[] {
  const { text, refusal } = wordsOf(said);
  // An empty content opens a text at the reader's side, so it comes only where text is next.
  const opens = text !== undefined && said.reasoning === undefined;
  return [
    { role: 'assistant', content: opens ? '' : null, refusal: null },
    ...pieces(said.reasoning ?? '', piece).map((part) => ({ reasoning_content: part })),
    ...pieces(text ?? '', piece).map((part) => ({ content: part })),
    ...pieces(refusal ?? '', piece).map((part) => ({ refusal: part })),
    ...said.tools.flatMap(({ name, args }, index) => [
      { tool_calls: [{ index, id: idOf('call_', serial, index), type: 'function', function: { name, arguments: '' } }] },
      ...pieces(argsText(args), piece).map((part) => ({ tool_calls: [{ index, function: { arguments: part } }] })),
    ]),
  ];
}
