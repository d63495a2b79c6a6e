// From a model's reply to a raw value: text as it is, or the JSON in it. Called when a reply is judged.

import type { LanguageModelV4Content, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { type Json, toJson } from '../agent/canonical.ts';
import type { Contract } from '../agent/contract.ts';
import type { Reply } from './loop.ts';
import { readJson } from './mend.ts';

/** `chars` is the length of what it was read from. */
export type Answer =
  | { readonly ok: true; readonly raw: unknown; readonly chars: number }
  | { readonly ok: false; readonly message: string };

/** The raw answer in a reply, before its contract. Never completes what was cut off. Pure. */
export function readAnswer(
  reply: { readonly content: readonly LanguageModelV4Content[]; readonly text?: string },
  output: Contract,
  unwrap: 'value' | undefined,
): Answer {
  const text = reply.text ?? textOf(reply.content);
  if (!text.isWellFormed()) return HALF;
  if (output.kind === 'text')
    return text.trim() === '' ? { ok: false, message: 'The answer is empty.' } : { ok: true, raw: text, chars: text.length };
  const read = readJson(text);
  if (!read.ok) return { ok: false, message: `The answer is not JSON: ${read.why}.` };
  if (hasHalves(text, read.value)) return HALF;
  return { ok: true, raw: unwrap === undefined ? read.value : unwrapped(read.value), chars: text.length };
}

const HALF: Answer = { ok: false, message: 'The answer has half a character in it (a lone surrogate).' };

/** Written as an escape, half a character passes JSON.parse and no handoff. */
function hasHalves(text: string, value: Json): boolean {
  if (!/\\u[dD][89a-fA-F]/.test(text)) return false;
  try {
    toJson(value, 'the answer');
    return false;
  } catch {
    return true;
  }
}

/** Models sometimes leave the wrapper out; what they meant is then the whole value. */
function unwrapped(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && 'value' in value) return value.value;
  return value;
}

function textOf(content: readonly LanguageModelV4Content[]): string {
  const first = content[0];
  if (content.length === 1 && first?.type === 'text') return first.text;
  return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** How an answer ended; the provider's own word too where the unified one hides a difference. Pure. */
export function finishOf({ finishReason: { unified, raw } }: LanguageModelV4GenerateResult): Pick<Reply, 'finish' | 'finishRaw'> {
  const tells = (unified === 'content-filter' || unified === 'other') && raw !== undefined;
  return { finish: unified, ...(tells ? { finishRaw: raw } : {}) };
}

/** Whether the provider says that it did not pass on the form of the answer. Pure. */
export function lacksForm({ warnings }: Partial<Pick<LanguageModelV4GenerateResult, 'warnings'>>): boolean {
  return warnings?.some((warning) => warning.type === 'unsupported' && warning.feature === 'responseFormat') === true;
}
