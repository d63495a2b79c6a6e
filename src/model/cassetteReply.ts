// What is recorded of an answer, whole or as the parts of a stream, and the way back. Called by the cassette. What is
// named here is recorded, with the metadata that a provider wants back (signatures, item ids); headers, bodies and raw
// chunks are not.

import type {
  LanguageModelV4Content,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import type { Json } from '../agent/canonical.ts';
import { type Redact, redacted } from './cassetteRedact.ts';
import { collect } from './turnStream.ts';
import { streamOf } from './wholeStream.ts';

/** A whole answer has a reply, a streamed one its parts. */
export type RecordedAnswer = { readonly reply: Json } | { readonly parts: readonly Json[] };

const OWN = ['providerMetadata'];

/** The fields of each kind of part, in the order in which they are written. Kinds that are not here are not recorded. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  text: ['text', 'citations', ...OWN],
  reasoning: ['text', ...OWN],
  file: ['mediaType', 'data', ...OWN],
  'reasoning-file': ['mediaType', 'data', ...OWN],
  custom: ['kind', ...OWN],
  source: ['sourceType', 'id', 'url', 'title', 'mediaType', 'filename', ...OWN],
  'tool-call': ['toolCallId', 'toolName', 'input', 'providerExecuted', 'dynamic', ...OWN],
  'tool-result': ['toolCallId', 'toolName', 'result', 'isError', 'preliminary', 'dynamic', ...OWN],
  'tool-approval-request': ['approvalId', 'toolCallId', ...OWN],
  'text-start': ['id', ...OWN],
  'text-delta': ['id', 'delta', ...OWN],
  'text-end': ['id', 'citations', ...OWN],
  'reasoning-start': ['id', ...OWN],
  'reasoning-delta': ['id', 'delta', ...OWN],
  'reasoning-end': ['id', ...OWN],
  'tool-input-start': ['id', 'toolName', 'inputEncoding', 'providerExecuted', 'dynamic', 'title', ...OWN],
  'tool-input-delta': ['id', 'delta', ...OWN],
  'tool-input-end': ['id', ...OWN],
  'stream-start': ['warnings'],
  'response-metadata': ['id', 'modelId'],
  finish: ['finishReason', 'usage', ...OWN],
};

export function recordedReply(result: LanguageModelV4GenerateResult, redact: Redact): RecordedAnswer {
  const { content, structuredOutputText, finishReason, usage, warnings, providerMetadata, response } = result;
  const { id, modelId } = response ?? {};
  const answered = id === undefined && modelId === undefined ? undefined : { id, modelId };
  const parts = content.flatMap(picked);
  const reply = redacted(
    { content: parts, structuredOutputText, finishReason, usage: counted(usage), warnings, providerMetadata, response: answered },
    redact,
  );
  return { reply: reply ?? null };
}

/** A key that came in several pieces is none of them: pieces of one text are redacted together. */
export function recordedStream(stream: readonly LanguageModelV4StreamPart[], redact: Redact): RecordedAnswer {
  const texts = new Map<string, string>();
  for (const part of stream) if ('delta' in part) texts.set(blockOf(part), (texts.get(blockOf(part)) ?? '') + part.delta);
  const spoilt = new Map([...texts].filter(([block, text]) => redact(text) !== joined(stream, block, redact)));
  const parts = stream.flatMap((part): LanguageModelV4StreamPart[] => {
    const whole = 'delta' in part ? spoilt.get(blockOf(part)) : undefined;
    if (whole === undefined || !('delta' in part)) return [part];
    spoilt.set(blockOf(part), '');
    return [{ ...part, delta: whole }];
  });
  const clean = parts.flatMap(picked).map((part) => redacted(part, redact) ?? null);
  return { parts: clean };
}

function blockOf(part: { readonly type: string; readonly id: string }): string {
  return `${part.type} ${part.id}`;
}

/** A text as it would be after redacting piece by piece. */
function joined(stream: readonly LanguageModelV4StreamPart[], block: string, redact: Redact): string {
  return stream.map((part) => ('delta' in part && blockOf(part) === block ? redact(part.delta) : '')).join('');
}

function picked(part: LanguageModelV4Content | LanguageModelV4StreamPart): readonly Readonly<Record<string, unknown>>[] {
  const fields = Object.hasOwn(FIELDS, part.type) ? FIELDS[part.type] : undefined;
  if (fields === undefined) return [];
  const given: Readonly<Record<string, unknown>> = part.type === 'finish' ? { ...part, usage: counted(part.usage) } : { ...part };
  return [{ type: part.type, ...Object.fromEntries(fields.map((field) => [field, given[field]])) }];
}

function counted({ inputTokens, outputTokens }: LanguageModelV4Usage): LanguageModelV4Usage {
  const { total, noCache, cacheRead, cacheWrite } = inputTokens;
  return {
    inputTokens: { total, noCache, cacheRead, cacheWrite },
    outputTokens: { total: outputTokens.total, text: outputTokens.text, reasoning: outputTokens.reasoning },
  };
}

/** Whether a line holds an answer that can be played. */
export function isAnswer(line: object): line is RecordedAnswer {
  if ('parts' in line) return Array.isArray(line.parts) && line.parts.some((part: unknown) => kindOfPart(part) === 'finish');
  if (!('reply' in line) || typeof line.reply !== 'object' || line.reply === null) return false;
  const { reply } = line;
  return 'content' in reply && Array.isArray(reply.content) && 'finishReason' in reply && 'usage' in reply;
}

function kindOfPart(part: unknown): unknown {
  return typeof part === 'object' && part !== null && 'type' in part ? part.type : undefined;
}

/** The answer in one piece, however it was recorded. */
export async function playedWhole(answer: RecordedAnswer, model: string): Promise<LanguageModelV4GenerateResult> {
  if ('reply' in answer) return revivedReply(answer.reply);
  const parts = revivedParts(answer.parts);
  const metadata = parts.find((part) => part.type === 'response-metadata');
  const result = await collect(streamed(parts), model, () => {});
  if (metadata === undefined) return result;
  const { type: _, ...response } = metadata;
  return { ...result, response };
}

/** The answer as a stream, however it was recorded. */
export function playedStream(answer: RecordedAnswer): ReadableStream<LanguageModelV4StreamPart> {
  return 'parts' in answer ? streamed(revivedParts(answer.parts)) : streamOf(revivedReply(answer.reply));
}

function streamed(parts: readonly LanguageModelV4StreamPart[]): ReadableStream<LanguageModelV4StreamPart> {
  const next = parts.values();
  return new ReadableStream({
    pull: (controller) => {
      const { value, done } = next.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
}

function revivedReply(reply: Json): LanguageModelV4GenerateResult {
  const result = reply as unknown as LanguageModelV4GenerateResult; // written by recordedReply, looked at by isAnswer
  return { ...result, warnings: result.warnings ?? [], content: result.content.map(revived) };
}

function revivedParts(parts: readonly Json[]): LanguageModelV4StreamPart[] {
  return (parts as unknown as LanguageModelV4StreamPart[]).map(revived); // written by recordedStream, looked at by isAnswer
}

/** Of all that a part may hold, JSON has no word for a file's URL alone. */
function revived<T extends LanguageModelV4Content | LanguageModelV4StreamPart>(part: T): T {
  if ((part.type !== 'file' && part.type !== 'reasoning-file') || part.data.type !== 'url') return part;
  return { ...part, data: { ...part.data, url: new URL(part.data.url) } };
}
