// A model for generated programs: what it says follows from the prompt alone, so that a conversation which is not
// the same any more, or an answer that is stale, changes everything after it. Its instructions tell it how to behave.
//
//   tools N    N turns of tool calls before it answers     garbage    its first answer is refused
//   hopeless   all its answers are                         down       the provider fails
//   slow       it takes ten virtual seconds                  once       one tool call a turn
//   shaky      each turn is answered at its second sending (mortal.ts, which sees them all)

import { createHash } from 'node:crypto';
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Content } from '@ai-sdk/provider';

const SLOW_MS = 10_000;
const LATENCY_MS_MAX = 9;

/** The first eight hex digits of a SHA-256. */
export function digest(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(value) ?? '')
    .digest('hex')
    .slice(0, 8);
}

export function voice(clock: { sleep(ms: number): Promise<void> }): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'voice',
    modelId: 'v1',
    supportedUrls: {},
    doGenerate: async (call) => {
      const asked = digest(call.prompt);
      const [system] = call.prompt;
      const manner = system?.role === 'system' ? system.content : '';
      await clock.sleep(manner.includes('slow') ? SLOW_MS : 1 + (Number.parseInt(asked, 16) % LATENCY_MS_MAX));
      call.abortSignal?.throwIfAborted();
      if (manner.includes('down')) throw new Error('the provider is down');
      const content = say(call, manner, asked);
      return {
        content,
        finishReason: { unified: content.some((part) => part.type === 'tool-call') ? 'tool-calls' : 'stop', raw: undefined },
        usage: {
          inputTokens: {
            total: Math.ceil(JSON.stringify(call.prompt).length / 8),
            noCache: undefined,
            cacheRead: 3,
            cacheWrite: undefined,
          },
          outputTokens: { total: 17, text: undefined, reasoning: 5 },
        },
        warnings: [],
      };
    },
    doStream: () => Promise.reject(new Error('answers whole, not streamed')),
  };
}

function say({ prompt, tools = [] }: LanguageModelV4CallOptions, manner: string, asked: string): LanguageModelV4Content[] {
  const spoken = prompt.filter((message) => message.role === 'assistant').length;
  const turns = Number(/tools (\d)/.exec(manner)?.[1] ?? 0);
  if (spoken < turns && tools.length > 0) {
    const seed = Number.parseInt(asked, 16);
    return Array.from({ length: manner.includes('once') ? 1 : 1 + (seed % 2) }, (_, index) => ({
      type: 'tool-call',
      toolCallId: `${spoken}-${index}`,
      toolName: tools[(seed + index) % tools.length]?.name ?? '',
      input: JSON.stringify({ q: `${asked}-${index}` }),
    }));
  }
  const refused = JSON.stringify(prompt).includes('Your last answer was refused');
  if (manner.includes('hopeless') || (manner.includes('garbage') && !refused)) return [{ type: 'text', text: `garbage ${asked}` }];
  return [{ type: 'text', text: JSON.stringify({ said: asked }) }];
}
