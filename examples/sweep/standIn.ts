// The model that answers when there is no key: it speaks the interface of a language model and asks policy.ts
// what to say. It really calls the tools it is offered, and it says of itself that it is no LLM. It can write
// down every request it gets, so that a test can count what was bought.

import { createHash } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider';
import { type Asked, type Conversation, decide, type Move } from './policy.ts';

export interface StandInOptions {
  /** Milliseconds an answer takes at least and at most; which, is drawn from the request itself. Default 20 to 60. */
  readonly latencyMs?: readonly [least: number, most: number];
  /** A file that gets one line per request, written before the answer: its turn id, or a hash of its prompt. */
  readonly log?: string;
}

const CHARS_PER_TOKEN = 4;

/** A stand-in for a language model: provider `stand-in`, model `sweep-policy`. Equal requests get equal answers. */
export function standIn(options: StandInOptions = {}): LanguageModelV4 {
  const [least, most] = options.latencyMs ?? [20, 60];
  const generate = async (call: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> => {
    call.abortSignal?.throwIfAborted();
    const asked = JSON.stringify(call.prompt);
    const digest = createHash('sha256').update(asked).digest();
    if (options.log !== undefined)
      appendFileSync(options.log, `${call.headers?.['x-amdahl-turn'] ?? digest.toString('hex').slice(0, 22)}\n`);
    const ms = least + (digest.readUInt32BE(0) % (most - least + 1));
    if (ms > 0) await sleep(ms, undefined, call.abortSignal === undefined ? {} : { signal: call.abortSignal });
    return answer(decide(conversationOf(call)), call, asked);
  };
  return {
    specificationVersion: 'v4',
    provider: 'stand-in',
    modelId: 'sweep-policy',
    supportedUrls: {},
    doGenerate: generate,
    doStream: async (call) => ({ stream: streamOf(await generate(call)) }),
  };
}

function answer(move: Move, call: LanguageModelV4CallOptions, asked: string): LanguageModelV4GenerateResult {
  const turn = call.prompt.filter((message) => message.role === 'assistant').length;
  const content: LanguageModelV4Content[] =
    move.kind === 'answer'
      ? [{ type: 'text', text: typeof move.value === 'string' ? move.value : JSON.stringify(move.value) }]
      : move.calls.map(({ tool, args }, index) => ({
          type: 'tool-call',
          toolCallId: `call-${turn}-${index}`,
          toolName: tool,
          input: JSON.stringify(args),
        }));
  const tokensIn = Math.ceil((asked.length + JSON.stringify(call.tools ?? []).length) / CHARS_PER_TOKEN);
  const tokensOut = Math.ceil(JSON.stringify(content).length / CHARS_PER_TOKEN);
  return {
    content,
    finishReason: { unified: move.kind === 'answer' ? 'stop' : 'tool-calls', raw: undefined },
    usage: {
      inputTokens: { total: tokensIn, noCache: tokensIn, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: tokensOut, text: tokensOut, reasoning: 0 },
    },
    warnings: [],
  };
}

function conversationOf(call: LanguageModelV4CallOptions): Conversation {
  return {
    fields: fieldsOf(call.prompt),
    asked: askedOf(call.prompt),
    refused: refusedOf(call.prompt),
    offered: new Set((call.tools ?? []).map((tool) => tool.name)),
  };
}

/** `<name>` at the start of a line, up to the last `</name>`: what is between may hold anything. */
function fieldsOf(prompt: LanguageModelV4Prompt): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  const opening = prompt.find((message) => message.role === 'user');
  let rest = opening === undefined ? '' : textOf(opening.content);
  for (let open = /^\s*<(\w+)>\n?/.exec(rest); open !== null; open = /^\s*<(\w+)>\n?/.exec(rest)) {
    const close = `</${open[1]}>`;
    const end = rest.lastIndexOf(close);
    if (end < 0) break;
    const value = rest.slice(open[0].length, end).replace(/\n$/, '');
    fields.set(open[1] ?? '', value);
    rest = rest.slice(end + close.length);
  }
  return fields;
}

/** The JSON a text is, or the text. */
function parsedOr(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function askedOf(prompt: LanguageModelV4Prompt): readonly Asked[] {
  const answers = new Map<string, { readonly result?: unknown; readonly error?: string }>();
  for (const message of prompt) {
    if (message.role !== 'tool') continue;
    for (const part of message.content) if (part.type === 'tool-result') answers.set(part.toolCallId, outputOf(part.output));
  }
  return prompt.flatMap((message) => {
    if (message.role !== 'assistant') return [];
    const calls = message.content.filter((part) => part.type === 'tool-call');
    return calls.map((part): Asked => ({ tool: part.toolName, args: argsOf(part.input), ...answers.get(part.toolCallId) }));
  });
}

function argsOf(input: unknown): Readonly<Record<string, unknown>> {
  const value = typeof input === 'string' ? parsedOr(input) : input;
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function outputOf(output: LanguageModelV4ToolResultOutput): { readonly result?: unknown; readonly error?: string } {
  switch (output.type) {
    case 'json':
      return { result: output.value };
    case 'text':
      return { result: parsedOr(output.value) };
    case 'error-text':
      return { error: output.value };
    case 'error-json':
      return { error: JSON.stringify(output.value) };
    case 'execution-denied':
      return { error: output.reason ?? 'denied' };
    case 'content':
      return { result: textOf(output.value) };
  }
}

/** Each answer that was followed by words of the asker: what was wrong with it. */
function refusedOf(prompt: LanguageModelV4Prompt): Conversation['refused'] {
  return prompt.flatMap((message, index) => {
    const before = prompt[index - 1];
    if (message.role !== 'user' || before?.role !== 'assistant') return [];
    return [{ answer: textOf(before.content), objection: textOf(message.content) }];
  });
}

function textOf(content: readonly { readonly type: string }[]): string {
  return content.map((part) => ('text' in part && part.type === 'text' ? String(part.text) : '')).join('');
}

function streamOf(result: LanguageModelV4GenerateResult): ReadableStream<LanguageModelV4StreamPart> {
  const parts: LanguageModelV4StreamPart[] = [{ type: 'stream-start', warnings: [] }];
  for (const [index, part] of result.content.entries()) {
    const id = `part-${index}`;
    if (part.type === 'text')
      parts.push({ type: 'text-start', id }, { type: 'text-delta', id, delta: part.text }, { type: 'text-end', id });
    else if (part.type === 'tool-call') parts.push(part);
  }
  parts.push({ type: 'finish', usage: result.usage, finishReason: result.finishReason });
  return ReadableStream.from(parts);
}
