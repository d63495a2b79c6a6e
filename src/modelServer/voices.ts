// The protocols that are spoken, and which of them a request is in. Asked by the server for every request.

import { anthropicMessages } from './anthropicMessages.ts';
import { openaiChat } from './openaiChat.ts';
import { openaiResponses } from './openaiResponses.ts';
import type { Protocol, Voice } from './wire.ts';

export const voices: Readonly<Record<Protocol, Voice>> = {
  'openai.chat': openaiChat,
  'openai.responses': openaiResponses,
  'anthropic.messages': anthropicMessages,
};

const PATHS: ReadonlyMap<string, Voice> = new Map([
  ['/chat/completions', openaiChat],
  ['/responses', openaiResponses],
  ['/messages', anthropicMessages],
]);

/** The protocol of a POST to `path`, with or without /v1; undefined where nobody answers. A query is no part of `path`. */
export function voiceAt(path: string): Voice | undefined {
  return PATHS.get(path.replace(/^\/v1(?=\/)/, '').replace(/\/$/, ''));
}

/** The protocol in which the models are listed: Anthropic's clients send its version. */
export function listingVoice(headers: Readonly<Record<string, string>>): Voice {
  return headers['anthropic-version'] === undefined ? openaiChat : anthropicMessages;
}
