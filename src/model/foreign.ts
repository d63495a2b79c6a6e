// A conversation that another model began, as the next one can read it: texts, and the calls of the agent's own tools with
// their results. Called by run/ where a conversation moves on to another model, and by whoever shows what was sent.
//
// What goes is what only its author's provider takes (read in the AI SDK's packages: openai 4.0.118, anthropic 4.0.105,
// google 4.0.121, mistral 4.0.87): reasoning, which Anthropic takes signed by itself alone and Mistral, Groq and others
// would take for their own; item ids, which OpenAI's package sends instead of the text, though another account does not
// know them; and provider's own tools, files and parts of other kinds, at which some packages throw.

import type { LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { hash } from '../agent/canonical.ts';

type Assistant = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type Tool = Extract<LanguageModelV4Message, { role: 'tool' }>;

/**
 * The conversation for a reader who did not say all of it: `isOwn` tells of the nth answer in it, from 0. What is its own
 * stays as it is, and so does the whole where nothing is foreign. Pure; O(messages).
 */
export function readable(prompt: LanguageModelV4Message[], isOwn: (nth: number) => boolean): LanguageModelV4Message[] {
  const read: LanguageModelV4Message[] = [];
  let changed = false;
  let answers = 0;
  let own = true;
  for (const message of prompt) {
    if (message.role === 'assistant') own = isOwn(answers++);
    if (own || message.role === 'system' || message.role === 'user') {
      read.push(message);
      continue;
    }
    changed = true;
    const kept = message.role === 'assistant' ? answerFor(message) : resultsFor(message);
    // An answer of which nothing is left (it was all reasoning) is refused as an empty message.
    if (kept.content.length > 0) read.push(kept);
  }
  return changed ? read : prompt;
}

function answerFor({ role, content }: Assistant): Assistant {
  const parts = content.flatMap((part): Assistant['content'] => {
    if (part.type === 'text') return [{ type: 'text', text: part.text }];
    if (part.type !== 'tool-call' || part.providerExecuted === true) return [];
    const { type, toolCallId, toolName, input } = part;
    return [{ type, toolCallId: portableId(toolCallId), toolName, input }];
  });
  return { role, content: parts };
}

function resultsFor({ role, content }: Tool): Tool {
  return {
    role,
    content: content.map((part) => (part.type === 'tool-result' ? { ...part, toolCallId: portableId(part.toolCallId) } : part)),
  };
}

/**
 * Providers take their own ids, and of others only some: Mistral nine letters and digits, Anthropic no dots and colons,
 * OpenAI 64 characters. And two providers that count may both have a call 'call-1'.
 */
function portableId(id: string): string {
  return hash(id).replaceAll(/[-_]/g, '0').slice(0, 9);
}

/** The conversation with another first message, where that is one of the system; itself where it is the same. Pure. */
export function withSystem(prompt: LanguageModelV4Message[], system: LanguageModelV4Prompt[number]): LanguageModelV4Message[] {
  const [first, ...rest] = prompt;
  return first?.role !== 'system' || first === system ? prompt : [system, ...rest];
}
