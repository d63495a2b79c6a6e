// A model that plays a part: what it calls and says stands in its instructions, so that programs are data. It is the provider,
// which outlives crashes: it remembers which attempts it has seen, and plays the next part in the next one.
//
//   $0        what the first tool result of the conversation gave, or its receipt
//   $0.id     a field of it
//   $input    what it was asked

import { createHash } from 'node:crypto';
import type { LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Content, LanguageModelV4ToolResultPart } from '@ai-sdk/provider';
import type { Json } from '../../src/index.ts';

/** What one attempt does: turns of tool calls, then an answer; each time that is refused, the next one. */
export interface Part {
  readonly turns?: readonly (readonly (readonly [tool: string, args: Json])[])[];
  readonly answers: readonly Json[];
  /** Thinks for ten seconds before it answers. */
  readonly slow?: true;
}

const LATENCY_MS_MAX = 4;
const SLOW_MS = 10_000;

/** Instructions for one part per attempt, of as many turns each; the last is played in all that follow. */
export function play(parts: readonly Part[], remark: string = ''): string {
  return `play ${JSON.stringify(parts)}\n${remark}`;
}

/** How many attempts began a conversation like this one before the one that this turn is of. */
export type Attempts = (conversation: string, turn: string) => number | Promise<number>;

/** Remembers turns by their ids: one that is sent again has the same. */
export function remembering(): Attempts {
  const seen = new Map<string, string[]>();
  return (conversation, turn) => {
    const turns = seen.get(conversation) ?? [];
    if (!turns.includes(turn)) turns.push(turn);
    seen.set(conversation, turns);
    return turns.indexOf(turn);
  };
}

export function player(attempts: Attempts, sleep: (ms: number, signal?: AbortSignal) => Promise<void>): LanguageModelV4 {
  return {
    specificationVersion: 'v4',
    provider: 'player',
    modelId: 'p1',
    supportedUrls: {},
    doGenerate: async (call) => {
      const part = await partOf(call, attempts);
      const content = say(call, part);
      const calls = content.some(({ type }) => type === 'tool-call');
      const latencyMs = 1 + (Number.parseInt(digest(call.prompt), 16) % LATENCY_MS_MAX);
      await sleep(part.slow === true && !calls ? SLOW_MS : latencyMs, call.abortSignal);
      call.abortSignal?.throwIfAborted();
      return {
        content,
        finishReason: { unified: calls ? 'tool-calls' : 'stop', raw: undefined },
        usage: {
          inputTokens: { total: 9, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
          outputTokens: { total: 5, text: undefined, reasoning: undefined },
        },
        warnings: [],
      };
    },
    doStream: () => Promise.reject(new Error('answers whole, not streamed')),
  };
}

async function partOf({ prompt, headers }: LanguageModelV4CallOptions, attempts: Attempts): Promise<Part> {
  const parts = JSON.parse(/^play (.*)$/m.exec(systemOf(prompt))?.[1] ?? '') as readonly Part[]; // made by play()
  const attempt = await attempts(digest([prompt.slice(0, 2), prompt.length]), headers?.['x-amdahl-turn'] ?? '');
  const part = parts[Math.min(attempt, parts.length - 1)];
  if (part === undefined) throw new Error('there is no part to play');
  return part;
}

function say({ prompt }: LanguageModelV4CallOptions, part: Part): LanguageModelV4Content[] {
  const turn = prompt.filter(({ role }) => role === 'assistant').length;
  const { turns = [], answers } = part;
  const filled = (value: Json): Json => fill(value, prompt);
  const calls = turns[turn];
  if (calls === undefined)
    return [{ type: 'text', text: JSON.stringify(filled(answers[Math.min(turn - turns.length, answers.length - 1)] ?? null)) }];
  return calls.map(([toolName, args], index) => ({
    type: 'tool-call',
    toolCallId: `${turn}-${index}`,
    toolName,
    input: JSON.stringify(filled(args)),
  }));
}

function fill(value: Json, prompt: LanguageModelV4CallOptions['prompt']): Json {
  if (typeof value === 'string')
    return value
      .replace(/\$input/, () => inputOf(prompt))
      .replace(/\$(\d)(\.\w+)?/, (_, nth: string, field: string | undefined) => given(prompt, Number(nth), field));
  if (Array.isArray(value)) return value.map((one: Json) => fill(one, prompt));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries<Json>(value).map(([name, one]) => [name, fill(one, prompt)]));
}

/** What the nth tool result gave, as the model would put it into the arguments of another tool. */
function given(prompt: LanguageModelV4CallOptions['prompt'], nth: number, field: string = ''): string {
  const results = prompt
    .flatMap((message) => (message.role === 'tool' ? message.content : []))
    .filter((part) => part.type === 'tool-result');
  const value = valueOf(results[nth]);
  if (typeof value !== 'object' || value === null) return 'nothing';
  const fields = new Map(Object.entries<unknown>(value));
  const [receipt, found] = [fields.get('receipt'), fields.get(field.slice(1))];
  if (typeof receipt === 'string') return receipt.replace(/\]$/, `${field}]`);
  return typeof found === 'string' ? found : 'nothing';
}

function valueOf(result: LanguageModelV4ToolResultPart | undefined): Json | undefined {
  const output = result?.output;
  if (output?.type === 'json') return output.value as Json; // what a tool gave
  if (output?.type !== 'text') return undefined;
  try {
    return JSON.parse(output.value) as Json; // JSON is what JSON.parse gives
  } catch {
    return output.value;
  }
}

function inputOf(prompt: LanguageModelV4CallOptions['prompt']): string {
  const asked = prompt.find(({ role }) => role === 'user')?.content;
  return /q\w+/.exec(JSON.stringify(asked) ?? '')?.[0] ?? '';
}

function systemOf([system]: LanguageModelV4CallOptions['prompt']): string {
  return system?.role === 'system' ? system.content : '';
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 8);
}
