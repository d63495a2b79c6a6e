// A run's speech as chunks of an AI SDK UI message stream (version 7 of `ai`), by its shape alone: `ai` is not imported.
// Called by uiStream.ts, entry by entry.
//
// U1 pure: the chunks are a function of the entries and the options, so that the nth chunk is the same for whoever reads.
// U2 while the run goes on, all it shows is one step of the message: `reset-step` takes back a step, and what still stands is
//    told again. Only at the end are the steps told apart, as the AI SDK's own streams have them.

import { AmdahlError } from '../agent/errors.ts';
import type { Json } from '../journal/event.ts';
import type { Speech, SpeechPart, ToolSpeech } from '../journal/speech.ts';

type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'interrupted' | 'other';

/** One chunk, assignable to the `UIMessageChunk` of `ai`. */
export type UiChunk =
  | { type: 'start'; messageId: string }
  | { type: 'start-step' }
  | { type: 'finish-step' }
  | { type: 'reset-step' }
  | { type: 'text-start' | 'reasoning-start'; id: string }
  | { type: 'text-delta' | 'reasoning-delta'; id: string; delta: string }
  | { type: 'text-end' | 'reasoning-end'; id: string }
  | { type: 'tool-input-available'; toolCallId: string; toolName: string; input: Json; providerExecuted?: boolean }
  | { type: 'tool-output-available'; toolCallId: string; output: Json; providerExecuted?: boolean }
  | { type: 'tool-output-error'; toolCallId: string; errorText: string; providerExecuted?: boolean }
  | { type: 'source-url'; sourceId: string; url: string; title?: string }
  | { type: 'source-document'; sourceId: string; mediaType: string; title: string; filename?: string }
  | { type: 'file' | 'reasoning-file'; url: string; mediaType: string }
  | { type: 'error'; errorText: string }
  | { type: 'abort'; reason?: string }
  | { type: 'finish'; finishReason: FinishReason };

/** What of a speech is shown. */
export interface UiShows {
  readonly messageId: string;
  readonly sendReasoning: boolean;
  readonly sendSources: boolean;
  /** What is said of a tool that failed. Default: what the model is told. */
  readonly ofTool?: (error: AmdahlError) => string;
}

export class UiTelling {
  readonly #shows: UiShows;
  /** What was said of each failure of a tool: it is asked once. */
  readonly #failures = new Map<string, string>();
  #shown: readonly SpeechPart[] = [];

  constructor(shows: UiShows) {
    this.#shows = shows;
  }

  begin(): readonly UiChunk[] {
    return [{ type: 'start', messageId: this.#shows.messageId }, { type: 'start-step' }];
  }

  /** What is new since it was last told. O(what is shown). */
  tell(speech: Speech): readonly UiChunk[] {
    return this.#turnTo(this.#stepsOf(speech).flat());
  }

  /** The end of a run that succeeded or was cancelled. */
  end(speech: Speech): readonly UiChunk[] {
    if (speech.end?.status === 'cancelled') return [...this.#close(), { type: 'abort', reason: speech.end.reason }];
    const steps = [...this.#stepsOf(speech)];
    const isTold = steps.some((parts) => parts.some((part) => part.type === 'text'));
    if (!isTold && speech.end?.status === 'succeeded') {
      const { output } = speech.end;
      steps.push([{ type: 'text', text: typeof output === 'string' ? output : JSON.stringify(output), open: false }]);
    }
    const chunks = steps.length > 1 ? this.#tellApart(steps) : this.#turnTo(steps.flat());
    return [...chunks, { type: 'finish-step' }, { type: 'finish', finishReason: finishReason(speech.finish) }];
  }

  /** The end of a run that failed, or of which no more can be told. */
  fail(errorText: string): readonly UiChunk[] {
    const error: UiChunk = { type: 'error', errorText };
    return [...this.#close(), { type: 'finish-step' }, error, { type: 'finish', finishReason: 'error' }];
  }

  #stepsOf(speech: Speech): readonly (readonly SpeechPart[])[] {
    const { sendReasoning, sendSources } = this.#shows;
    const isShown = (part: SpeechPart): boolean => {
      if (part.type === 'reasoning') return sendReasoning;
      if (part.type !== 'other') return true;
      return part.content.type === 'file' || (part.content.type === 'source' ? sendSources : sendReasoning);
    };
    return speech
      .steps()
      .map((parts) => parts.filter(isShown).map((part) => this.#asSaid(part)))
      .filter((parts) => parts.length > 0);
  }

  #asSaid(part: SpeechPart): SpeechPart {
    const { ofTool } = this.#shows;
    if (ofTool === undefined || part.type !== 'tool' || part.error === undefined || part.byProvider) return part;
    const key = JSON.stringify([part.id, part.error]);
    const error = this.#failures.get(key) ?? ofTool(new AmdahlError(part.code ?? 'CODE_FAILED', part.error));
    this.#failures.set(key, error);
    return { ...part, error };
  }

  /** Goes from what is shown to what stands: by adding where that is enough. */
  #turnTo(next: readonly SpeechPart[]): readonly UiChunk[] {
    const before = this.#shown;
    this.#shown = next;
    const chunks: UiChunk[] = [];
    for (const [index, part] of before.entries()) {
      const grown = growth(part, next[index], String(index));
      if (grown === undefined) return [{ type: 'reset-step' }, ...next.flatMap((one, nth) => told(one, String(nth)))];
      chunks.push(...grown);
    }
    for (const [index, part] of next.entries()) if (index >= before.length) chunks.push(...told(part, String(index)));
    return chunks;
  }

  #tellApart(steps: readonly (readonly SpeechPart[])[]): readonly UiChunk[] {
    const chunks: UiChunk[] = this.#shown.length === 0 ? [] : [{ type: 'reset-step' }];
    let index = 0;
    for (const [nth, parts] of steps.entries()) {
      if (nth > 0) chunks.push({ type: 'finish-step' }, { type: 'start-step' });
      for (const part of parts) chunks.push(...told(part, String(index++)));
    }
    return chunks;
  }

  #close(): readonly UiChunk[] {
    return this.#turnTo(this.#shown.map((part) => ('open' in part ? { ...part, open: false } : part)));
  }
}

/** What makes the one part the other; undefined where only beginning anew does. */
function growth(before: SpeechPart, after: SpeechPart | undefined, id: string): readonly UiChunk[] | undefined {
  if (after === undefined) return undefined;
  if (before.type === 'tool') {
    if (after.type !== 'tool' || !isSameCall(before, after)) return undefined;
    return isAnswered(before) ? (isSameAnswer(before, after) ? [] : undefined) : answerOf(after);
  }
  if (before.type === 'other') return after.type === 'other' && JSON.stringify(before) === JSON.stringify(after) ? [] : undefined;
  if (after.type !== before.type || !after.text.startsWith(before.text)) return undefined;
  const delta = after.text.slice(before.text.length);
  if (!before.open) return delta === '' && !after.open ? [] : undefined;
  return [
    ...(delta === '' ? [] : [{ type: `${after.type}-delta` as const, id, delta }]),
    ...(after.open ? [] : [{ type: `${after.type}-end` as const, id }]),
  ];
}

function told(part: SpeechPart, id: string): readonly UiChunk[] {
  if (part.type === 'tool') {
    const { id: toolCallId, tool: toolName, args: input, byProvider } = part;
    return [
      { type: 'tool-input-available', toolCallId, toolName, input, ...(byProvider ? { providerExecuted: true } : {}) },
      ...answerOf(part),
    ];
  }
  if (part.type === 'other') return otherOf(part.content);
  return [
    { type: `${part.type}-start`, id },
    ...(part.text === '' ? [] : [{ type: `${part.type}-delta` as const, id, delta: part.text }]),
    ...(part.open ? [] : [{ type: `${part.type}-end` as const, id }]),
  ];
}

function isSameCall(a: ToolSpeech, b: ToolSpeech): boolean {
  return a.id === b.id && a.tool === b.tool && JSON.stringify(a.args) === JSON.stringify(b.args);
}

function isAnswered({ result, error }: ToolSpeech): boolean {
  return result !== undefined || error !== undefined;
}

function isSameAnswer(a: ToolSpeech, b: ToolSpeech): boolean {
  return a.error === b.error && (a.result === b.result || JSON.stringify(a.result) === JSON.stringify(b.result));
}

function answerOf({ id: toolCallId, result, error, byProvider }: ToolSpeech): readonly UiChunk[] {
  const by = byProvider ? { providerExecuted: true } : {};
  if (error !== undefined) return [{ type: 'tool-output-error', toolCallId, errorText: error, ...by }];
  return result === undefined ? [] : [{ type: 'tool-output-available', toolCallId, output: result, ...by }];
}

function otherOf(content: Extract<SpeechPart, { type: 'other' }>['content']): readonly UiChunk[] {
  if (content.type !== 'source') {
    const { type, mediaType, data } = content;
    return [{ type, mediaType, url: data.type === 'url' ? String(data.url) : dataUrl(mediaType, data.data) }];
  }
  const { id: sourceId } = content;
  if (content.sourceType === 'url') {
    const { url, title } = content;
    return [{ type: 'source-url', sourceId, url, ...(title === undefined ? {} : { title }) }];
  }
  const { mediaType, title, filename } = content;
  return [{ type: 'source-document', sourceId, mediaType, title, ...(filename === undefined ? {} : { filename }) }];
}

function dataUrl(mediaType: string, data: string | Uint8Array): string {
  return `data:${mediaType};base64,${typeof data === 'string' ? data : Buffer.from(data).toString('base64')}`;
}

const FINISHES: ReadonlySet<string> = new Set<FinishReason>([
  'stop',
  'length',
  'content-filter',
  'tool-calls',
  'error',
  'interrupted',
  'other',
]);

function finishReason(finish: string | undefined): FinishReason {
  return finish !== undefined && FINISHES.has(finish) ? (finish as FinishReason) : 'stop'; // the set has nothing else
}
