// What a run has said so far, folded from its events: the turns of the agent that speaks for it, with their text, tools
// and results, as far as they stand. Whoever shows a run while it goes on folds the same events into the same speech, live
// or later, here or in another process (run/handle.ts).
//
// F1 pure: a speech is a function of the entries taken, in their order.
// F2 what does not stand is not in it: a turn whose sending failed, whose answer was refused or whose entry ended before it
//    was recorded, a refused attempt, a call that failed or was forgotten.

import type { LanguageModelV4Content, LanguageModelV4Message } from '@ai-sdk/provider';
import type { ErrorCode, ErrorRecord } from '../agent/errors.ts';
import type { Entry, Event, EventOf, Gap, Json, Place, StreamMode } from './event.ts';

export interface ToolSpeech {
  readonly type: 'tool';
  /** The model's own id; with a number behind it where it gave one twice. */
  readonly id: string;
  readonly tool: string;
  readonly args: Json;
  /** The provider ran it. */
  readonly byProvider: boolean;
  readonly result?: Json;
  /** As the model is told it. */
  readonly error?: string;
  /** Absent where only what the model is told is known. */
  readonly code?: ErrorCode;
}

/** What a tool came to. */
type Told = { readonly result: Json } | { readonly error: string; readonly code?: ErrorCode };

/** One part of what a turn says. `open`: it is still being written. */
export type SpeechPart =
  | { readonly type: 'text' | 'reasoning'; readonly text: string; readonly open: boolean }
  | ToolSpeech
  | { readonly type: 'other'; readonly content: Extract<LanguageModelV4Content, { type: 'file' | 'reasoning-file' | 'source' }> };

/** How an entry of the run ended. */
export type SpeechEnd =
  | { readonly status: 'succeeded'; readonly output: Json; readonly missing: readonly Gap[] }
  | { readonly status: 'failed'; readonly error: ErrorRecord }
  | { readonly status: 'cancelled'; readonly reason: string };

interface Turn {
  readonly attempt: Place;
  readonly nth: number;
  said: { readonly of: 'text' | 'reasoning'; text: string }[];
  content: readonly LanguageModelV4Content[] | undefined;
  finish: string | undefined;
  readonly results: Map<string, Told>;
}

/** A call of the speaker: the turns of its newest attempt. */
interface Speaking {
  turns: Turn[];
  stands: boolean;
}

export class Speech {
  /** Absent before the run has begun. */
  agent: string | undefined;
  end: SpeechEnd | undefined;
  /** The raw output of the root, where it is a leaf that has succeeded. */
  rootOutput: { readonly raw: Json } | undefined;
  /** The agent whose text is the run's. */
  speaker: string | undefined;
  #stream: StreamMode | undefined;
  #root: Place | undefined;
  /** In the order in which they began. */
  readonly #calls = new Map<Place, Speaking>();
  readonly #attempts = new Map<Place, Speaking>();
  readonly #tools = new Map<Place, { readonly turn: Turn; readonly id: string }>();

  /** Takes the next entry. Whether it may have changed what was said, or how the run ended. O(1). */
  take({ event }: Entry): boolean {
    switch (event.kind) {
      case 'run.started':
      case 'run.resumed':
        return this.#enter(event);
      case 'run.succeeded':
        this.end = { status: 'succeeded', output: event.output, missing: event.missing };
        return true;
      case 'run.failed':
        this.end = { status: 'failed', error: event.error };
        return true;
      case 'run.cancelled':
        this.end = { status: 'cancelled', reason: event.reason };
        return true;
      case 'call.started':
        this.#root ??= event.place;
        if (event.agent !== this.speaker) return false;
        this.#calls.set(event.place, { turns: [], stands: false });
        return false;
      case 'call.succeeded':
        if (event.place === this.#root && event.output !== undefined) this.rootOutput = { raw: event.output };
        return this.#judge(event.place, true);
      case 'attempt.started':
      case 'attempt.rejected':
      case 'call.failed':
      case 'call.retracted':
        return this.#judge(event.place, false);
      case 'attempt.repaired':
        return this.#forget(event.place, event.turn);
      default:
        return this.#hear(event);
    }
  }

  /** What is shown, step by step: a step is a turn. Held back: the text of calls that do not stand yet, where the run says so. */
  steps(): readonly (readonly SpeechPart[])[] {
    const steps: (readonly SpeechPart[])[] = [];
    const ids = new Map<string, number>();
    for (const { turns, stands } of this.#calls.values()) {
      for (const turn of turns) {
        const parts = partsOf(turn, ids);
        const shown = stands || this.#stream !== 'confirmed' ? parts : parts.filter((part) => part.type === 'tool');
        if (shown.length > 0) steps.push(shown);
      }
    }
    return steps;
  }

  /** The text of the answer: what the newest turn has said of it. */
  get text(): string {
    const speaking = [...this.#calls.values()].at(-1);
    const turn = speaking?.turns.at(-1);
    if (speaking === undefined || turn === undefined || (this.#stream === 'confirmed' && !speaking.stands)) return '';
    return partsOf(turn, new Map())
      .map((part) => (part.type === 'text' ? part.text : ''))
      .join('');
  }

  /** Why the newest turn ended, in the provider's unified words. */
  get finish(): string | undefined {
    return [...this.#calls.values()].at(-1)?.turns.at(-1)?.finish;
  }

  /** A new entry withdraws what the one before had not recorded. */
  #enter(event: EventOf<'run.started'> | EventOf<'run.resumed'>): boolean {
    if (event.kind === 'run.started') this.agent = event.agent;
    this.#stream = event.stream ?? this.#stream;
    this.speaker = event.speaker ?? this.speaker;
    // Without a stream nothing is said, but what the root says is told once it is recorded.
    if (event.kind === 'run.started') this.speaker ??= event.agent;
    this.end = undefined;
    for (const speaking of this.#calls.values()) speaking.turns = speaking.turns.filter((turn) => turn.content !== undefined);
    return true;
  }

  #judge(place: Place, stands: boolean): boolean {
    const speaking = this.#calls.get(place);
    if (speaking === undefined) return false;
    speaking.stands = stands;
    if (!stands) speaking.turns = [];
    return true;
  }

  #forget(attempt: Place, nth: number): boolean {
    const speaking = this.#attempts.get(attempt);
    if (speaking === undefined) return false;
    speaking.turns = speaking.turns.filter((turn) => turn.nth !== nth);
    return true;
  }

  #hear(event: Event): boolean {
    switch (event.kind) {
      case 'model.requested':
        return this.#ask(event);
      case 'model.said': {
        const turn = this.#turnOf(event);
        if (turn === undefined) return false;
        const last = turn.said.at(-1);
        if (last?.of === event.of) last.text += event.delta;
        else turn.said.push({ of: event.of, text: event.delta });
        return true;
      }
      case 'model.responded': {
        const turn = this.#turnOf(event);
        if (turn === undefined) return false;
        turn.content = event.content;
        turn.finish = event.finish;
        return true;
      }
      case 'model.failed': {
        const turn = this.#turnOf(event);
        if (turn === undefined || turn.content !== undefined) return false;
        turn.said = [];
        return true;
      }
      case 'tool.called': {
        const turn = this.#calls.get(event.call)?.turns.at(-1);
        if (turn !== undefined) this.#tools.set(event.place, { turn, id: event.id });
        return false;
      }
      case 'tool.returned': {
        const called = this.#tools.get(event.place);
        if (called === undefined) return false;
        called.turn.results.set(
          called.id,
          'error' in event ? { error: event.error.message, code: event.error.code } : { result: event.result },
        );
        return true;
      }
      default:
        return false;
    }
  }

  /** A turn begins. What its tools were answered is in what it adds: of agents among them, only there. */
  #ask({ call, place, turn: nth, gated, adds, hedge }: EventOf<'model.requested'>): boolean {
    const speaking = gated === true || hedge === true ? undefined : this.#calls.get(call);
    if (speaking === undefined) return false;
    this.#attempts.set(place, speaking);
    const before = speaking.turns.at(-1);
    if (speaking.turns.some((turn) => turn.attempt === place && turn.nth === nth)) return false;
    if (before !== undefined) for (const [id, told] of toldIn(adds)) if (!before.results.has(id)) before.results.set(id, told);
    speaking.turns.push({ attempt: place, nth, said: [], content: undefined, finish: undefined, results: new Map() });
    return before !== undefined;
  }

  #turnOf({ place, turn: nth }: { readonly place: Place; readonly turn: number }): Turn | undefined {
    return this.#attempts.get(place)?.turns.find((turn) => turn.attempt === place && turn.nth === nth);
  }
}

/** What tools came to, out of the message that tells the model. */
function toldIn(adds: readonly LanguageModelV4Message[]): [string, Told][] {
  return adds.flatMap((message) => {
    if (message.role !== 'tool') return [];
    return message.content.flatMap((part): [string, Told][] => {
      if (part.type !== 'tool-result') return [];
      const { toolCallId: id, output } = part;
      switch (output.type) {
        case 'error-text':
          return [[id, { error: output.value }]];
        case 'error-json':
          return [[id, { error: JSON.stringify(output.value) }]];
        case 'text':
        case 'json':
        case 'content':
          return [[id, { result: output.value as Json }]]; // a message in the journal is JSON
        case 'execution-denied':
          return [[id, { error: output.reason ?? 'It was not allowed.' }]];
      }
    });
  });
}

/** The parts of a turn: as recorded, else as said so far. Neighbours of one kind are one part, as they are while they are said. */
function partsOf(turn: Turn, ids: Map<string, number>): readonly SpeechPart[] {
  if (turn.content === undefined) {
    return turn.said.map(({ of, text }, index) => ({ type: of, text, open: index === turn.said.length - 1 }));
  }
  const parts: SpeechPart[] = [];
  for (const content of turn.content) {
    const last = parts.at(-1);
    switch (content.type) {
      case 'text':
      case 'reasoning':
        if (last?.type === content.type) parts[parts.length - 1] = { ...last, text: last.text + content.text };
        else if (content.text !== '') parts.push({ type: content.type, text: content.text, open: false });
        break;
      case 'tool-call':
        parts.push(toolOf(turn, content, ids));
        break;
      case 'file':
      case 'reasoning-file':
      case 'source':
        parts.push({ type: 'other', content });
        break;
      case 'tool-result':
      case 'tool-approval-request':
      case 'custom':
        break; // results stand with their calls
    }
  }
  return parts;
}

function toolOf(turn: Turn, content: Extract<LanguageModelV4Content, { type: 'tool-call' }>, ids: Map<string, number>): ToolSpeech {
  const { toolCallId, toolName: tool, input, providerExecuted } = content;
  const times = (ids.get(toolCallId) ?? 0) + 1;
  ids.set(toolCallId, times);
  const own = turn.content?.find((part) => part.type === 'tool-result' && part.toolCallId === toolCallId);
  const result = own?.type === 'tool-result' ? { result: own.result as Json } : turn.results.get(toolCallId); // as journaled: JSON
  return {
    type: 'tool',
    id: times === 1 ? toolCallId : `${toolCallId}~${times}`,
    tool,
    args: parsed(input),
    byProvider: providerExecuted === true,
    ...result,
  };
}

function parsed(input: string): Json {
  try {
    return JSON.parse(input) as Json; // JSON.parse gives JSON
  } catch {
    return input;
  }
}
