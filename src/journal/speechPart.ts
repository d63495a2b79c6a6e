// The parts of what a run says: text, tools and what they came to, questions to people. Made by speech.ts and speechAsks.ts, read
// by whoever shows a run (run/uiChunks.ts).

import type { LanguageModelV4Content, LanguageModelV4Message } from '@ai-sdk/provider';
import type { ErrorCode } from '../agent/errors.ts';
import type { AskRecord } from './askLedger.ts';
import type { Json, Place } from './event.ts';

/** A question to a person. As a part: one that belongs to no tool call of the speaker. */
export interface AskSpeech {
  readonly type: 'ask';
  /** Of whom it comes: the agent's name. */
  readonly agent: string;
  readonly ask: AskRecord;
  /** What came of the effect that was approved of. */
  readonly came?: Told;
}

export interface ToolSpeech {
  readonly type: 'tool';
  /** The model's own id; with a number behind it where it gave one twice. */
  readonly id: string;
  readonly tool: string;
  readonly args: Json;
  /** The provider ran it. */
  readonly byProvider: boolean;
  /** Of a staged one its receipt, until it is done. */
  readonly result?: Json;
  /** As the model is told it. */
  readonly error?: string;
  /** Absent where only what the model is told is known. */
  readonly code?: ErrorCode;
  /** Whether a person approves of it. Until then, and until it is done, it has no result. */
  readonly approval?: AskRecord;
  /** What the model was told, where that is kept back until a person approves of it. */
  readonly receipt?: Json;
}

/** What a tool or an effect came to. */
export type Told = { readonly result: Json } | { readonly error: string; readonly code?: ErrorCode };

/** One part of what is said. `open`: it is still being written. */
export type SpeechPart =
  | { readonly type: 'text' | 'reasoning'; readonly text: string; readonly open: boolean }
  | ToolSpeech
  | AskSpeech
  | { readonly type: 'other'; readonly content: Extract<LanguageModelV4Content, { type: 'file' | 'reasoning-file' | 'source' }> };

/** What is known of a turn. */
export interface Turn {
  readonly attempt: Place;
  readonly nth: number;
  said: { readonly of: 'text' | 'reasoning'; text: string }[];
  content: readonly LanguageModelV4Content[] | undefined;
  finish: string | undefined;
  /** By the model's ids of its tool calls: where each stands, and what it came to. */
  readonly places: Map<string, Place>;
  readonly results: Map<string, Told>;
}

/** What the world made of a tool call: of its effect, and of who was asked about it. */
export interface ToolWorld {
  readonly came: Told | undefined;
  readonly approval?: AskRecord;
  readonly receipt?: Json;
}

/** What the world makes of the tool call at a place, given what the model was told. */
export type Worldly = (place: Place, told: Told | undefined) => ToolWorld;

/** What tools came to, out of the message that tells the model. */
export function toldIn(adds: readonly LanguageModelV4Message[]): [string, Told][] {
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

/**
 * The parts of a turn: as recorded, else as said so far. Neighbours of one kind are one part, as they are while they are said.
 * `ids`: how often each id of a tool call came so far.
 */
export function partsOf(turn: Turn, ids: Map<string, number>, worldly: Worldly): readonly SpeechPart[] {
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
        parts.push(toolOf(turn, content, ids, worldly));
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

type ToolCall = Extract<LanguageModelV4Content, { type: 'tool-call' }>;

function toolOf(turn: Turn, content: ToolCall, ids: Map<string, number>, worldly: Worldly): ToolSpeech {
  const { toolCallId, toolName: tool, input, providerExecuted } = content;
  const times = (ids.get(toolCallId) ?? 0) + 1;
  ids.set(toolCallId, times);
  const own = turn.content?.find((part) => part.type === 'tool-result' && part.toolCallId === toolCallId);
  const told = own?.type === 'tool-result' ? { result: own.result as Json } : turn.results.get(toolCallId); // as journaled: JSON
  const place = turn.places.get(toolCallId);
  const { came, approval, receipt }: ToolWorld = place === undefined ? { came: told } : worldly(place, told);
  return {
    type: 'tool',
    id: times === 1 ? toolCallId : `${toolCallId}~${times}`,
    tool,
    args: parsed(input),
    byProvider: providerExecuted === true,
    ...came,
    ...(approval === undefined ? {} : { approval }),
    ...(receipt === undefined ? {} : { receipt }),
  };
}

function parsed(input: string): Json {
  try {
    return JSON.parse(input) as Json; // JSON.parse gives JSON
  } catch {
    return input;
  }
}
