// A run's speech as chunks of an AI SDK UI message stream (version 7 of `ai`), by its shape alone: `ai` is not imported.
// Called by uiStream.ts, entry by entry; uiParts.ts tells the parts.
//
// U1 pure: the chunks are a function of the entries and the options, so that the nth chunk is the same for whoever reads.
// U2 while the run goes on, all it shows is one step of the message: `reset-step` takes back a step, and what still stands is
//    told again. Only at the end are the steps told apart, as the AI SDK's own streams have them.
// U4 where a run parks, its stream finishes, so that the page lets a person answer. What follows begins the same message, and
//    its step, anew: it fits whatever the page has of it.
// U5 a message whose run is over ends with a step without tools, and one that was cancelled is finished as interrupted: a page
//    that sends answers by itself has none to send.

import { AmdahlError, type ErrorCode } from '../agent/errors.ts';
import type { Speech } from '../journal/speech.ts';
import type { SpeechPart } from '../journal/speechPart.ts';
import { growth, type PartChunk, told, waiting } from './uiParts.ts';

type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'interrupted' | 'other';

/** One chunk, assignable to the `UIMessageChunk` of `ai`. */
export type UiChunk =
  | PartChunk
  | { type: 'start'; messageId: string }
  | { type: 'start-step' }
  | { type: 'finish-step' }
  | { type: 'reset-step' }
  | { type: 'error'; errorText: string }
  | { type: 'abort'; reason?: string }
  | { type: 'finish'; finishReason: FinishReason };

/** What of a speech is shown. */
export interface UiShows {
  readonly messageId: string;
  readonly sendReasoning: boolean;
  readonly sendSources: boolean;
  readonly sendAsks: boolean;
  /** What is said of a tool that failed. Default: what the model is told. */
  readonly ofTool?: (error: AmdahlError) => string;
}

export class UiTelling {
  readonly #shows: UiShows;
  /** What was said of each failure of a tool: it is asked once. */
  readonly #failures = new Map<string, string>();
  #shown: readonly SpeechPart[] = [];
  /** It was told that the run waits, and that the stream ends. */
  #isParked = false;

  constructor(shows: UiShows) {
    this.#shows = shows;
  }

  begin(): readonly UiChunk[] {
    return [{ type: 'start', messageId: this.#shows.messageId }, { type: 'start-step' }];
  }

  /** What is new since it was last told. O(what is shown). */
  tell(speech: Speech): readonly UiChunk[] {
    const chunks = [...this.#goOn(), ...this.#turnTo(this.#stepsOf(speech).flat())];
    if (speech.parked === undefined) return chunks;
    this.#isParked = true;
    const waits = this.#shows.sendAsks ? this.#shown.flatMap(waiting) : [];
    return [...chunks, ...waits, { type: 'finish-step' }, { type: 'finish', finishReason: 'tool-calls' }];
  }

  /** The end of a run that succeeded or was cancelled. */
  end(speech: Speech): readonly UiChunk[] {
    const again = this.#goOn();
    if (speech.end?.status === 'cancelled') {
      const { reason } = speech.end;
      return [...again, ...this.#close(speech), { type: 'finish', finishReason: 'interrupted' }, { type: 'abort', reason }];
    }
    const steps = textLast(this.#stepsOf(speech));
    const isTold = steps.some((parts) => parts.some((part) => part.type === 'text'));
    if (!isTold && speech.end?.status === 'succeeded') {
      const { output } = speech.end;
      steps.push([{ type: 'text', text: typeof output === 'string' ? output : JSON.stringify(output), open: false }]);
    }
    const chunks = steps.length > 1 ? this.#tellApart(steps) : this.#turnTo(steps.flat());
    return [...again, ...chunks, { type: 'finish-step' }, { type: 'finish', finishReason: finishReason(speech.finish) }];
  }

  /** The end of a run that failed, or of which no more can be told. */
  fail(speech: Speech, errorText: string): readonly UiChunk[] {
    const error: UiChunk = { type: 'error', errorText };
    return [...this.#goOn(), ...this.#close(speech), { type: 'finish-step' }, error, { type: 'finish', finishReason: 'error' }];
  }

  /** The stream of a run that was parked goes on with its message as it stands, from its beginning. */
  #goOn(): readonly UiChunk[] {
    if (!this.#isParked) return [];
    this.#isParked = false;
    this.#shown = [];
    return [{ type: 'start', messageId: this.#shows.messageId }, { type: 'reset-step' }];
  }

  #stepsOf(speech: Speech): readonly (readonly SpeechPart[])[] {
    const { sendReasoning, sendSources, sendAsks } = this.#shows;
    const isShown = (part: SpeechPart): boolean => {
      if (part.type === 'reasoning') return sendReasoning;
      if (part.type === 'ask') return sendAsks;
      if (part.type !== 'other') return true;
      return part.content.type === 'file' || (part.content.type === 'source' ? sendSources : sendReasoning);
    };
    return speech
      .steps()
      .map((parts) => parts.filter(isShown).map((part) => this.#asSaid(part)))
      .filter((parts) => parts.length > 0);
  }

  #asSaid(part: SpeechPart): SpeechPart {
    if (part.type === 'ask') {
      const { came } = part;
      return came === undefined || 'result' in came
        ? part
        : { ...part, came: { error: this.#failureOf(part.ask.ask, came.error, came.code) } };
    }
    if (part.type !== 'tool') return part;
    const { approval, ...tool } = part;
    const said = tool.error === undefined || tool.byProvider ? tool : { ...tool, error: this.#failureOf(tool.id, tool.error, tool.code) };
    return approval === undefined || !this.#shows.sendAsks ? said : { ...said, approval };
  }

  #failureOf(id: string, message: string, code: ErrorCode | undefined): string {
    const { ofTool } = this.#shows;
    if (ofTool === undefined) return message;
    const key = JSON.stringify([id, message]);
    const error = this.#failures.get(key) ?? ofTool(new AmdahlError(code ?? 'CODE_FAILED', message));
    this.#failures.set(key, error);
    return error;
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

  /** What stands at the end, with nothing that is still being written. */
  #close(speech: Speech): readonly UiChunk[] {
    const stands = this.#stepsOf(speech).flat();
    return this.#turnTo(stands.map((part) => ('open' in part ? { ...part, open: false } : part)));
  }
}

/** Questions that came after the last text are told before it. */
function textLast(steps: readonly (readonly SpeechPart[])[]): (readonly SpeechPart[])[] {
  const last = steps.at(-1) ?? [];
  const asks = last.filter(({ type }) => type === 'ask');
  if (asks.length === 0 || asks.length === last.length) return [...steps];
  return [...steps.slice(0, -1), asks, last.filter(({ type }) => type !== 'ask')];
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
