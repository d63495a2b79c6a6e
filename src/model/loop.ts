// One attempt's conversation with a model: turns, tools, repairs, until an answer stands or is refused for good.
// It decides what comes next and does nothing itself: sending, tools and judging are ports that run/ fills.
//
// L1 what was recorded is never sent again and never rendered again: the conversation goes on where it stopped.
// L2 a turn's tool calls run at once; their results are told in the order in which they were called.

import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4Message,
  LanguageModelV4ToolCall,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import type { ToolResult } from '../agent/checks.ts';
import type { Problem } from '../agent/errors.ts';
import { assistantMessage, resultsOf } from './render.ts';

/** What a model said in one turn. */
export interface Reply {
  readonly content: readonly LanguageModelV4Content[];
  /** The text to read as the answer where it is not all text parts together. */
  readonly text?: string;
  readonly finish: LanguageModelV4FinishReason['unified'];
  /** The provider's own word for it, where the unified one hides a difference. */
  readonly finishRaw?: string;
  /** The request's output was capped by what a budget had left. */
  readonly capped: boolean;
  /** The provider said that it does not pass on the form of an answer. */
  readonly formless?: true;
  /** Secrets that it held, as the placeholders that stand for them now. */
  readonly hidden?: readonly string[];
}

export type Why = 'ask' | 'tools' | 'repair';

/** A turn as the journal has it; without `reply` it was sent and never answered. */
export interface RecordedTurn {
  readonly adds: readonly LanguageModelV4Message[];
  readonly why: Why;
  readonly reply?: Reply;
  /** Where in the journal it was first sent, and where it was answered. */
  readonly seq: number;
  readonly replySeq?: number;
  /** That its answer was refused is on record. */
  readonly repaired: boolean;
}

export interface TurnRequest {
  readonly turn: number;
  readonly why: Why;
  /** The whole conversation, `adds` included; owned by the loop, valid during the call. */
  readonly prompt: LanguageModelV4Message[];
  readonly adds: readonly LanguageModelV4Message[];
}

export type Judged =
  | { readonly ok: true; readonly raw: unknown; readonly value: unknown }
  | { readonly ok: false; readonly why: Refused; readonly problems: readonly Problem[] };

/** 'approval': what a person was asked about it was refused. */
export type Refused = 'contract' | 'check' | 'approval';

/** What the loop needs from the run. */
export interface Talk {
  readonly recorded: readonly RecordedTurn[];
  readonly turnsMax: number;
  readonly repairsMax: number;
  opening(): readonly LanguageModelV4Message[] | Promise<readonly LanguageModelV4Message[]>;
  /** The message that asks for a better answer. */
  repair(problems: readonly Problem[]): LanguageModelV4Message | Promise<LanguageModelV4Message>;
  send(request: TurnRequest): Promise<Reply>;
  /** Answers in the order of the calls, after the turn itself is durable. */
  callTools(turn: number, calls: readonly LanguageModelV4ToolCall[]): Promise<LanguageModelV4ToolResultPart[]>;
  /** The tools of this turn were called by an earlier entry, and what they gave is in the turn after it. */
  passOver(turn: number, calls: readonly LanguageModelV4ToolCall[]): void;
  judge(reply: Reply, results: readonly ToolResult[]): Judged | Promise<Judged>;
  /** Records that the answer of `turn` was refused, durably: the next turn may be sent. */
  repaired(turn: number, problems: readonly Problem[]): Promise<void>;
  /** The error for a conversation that would need one more turn. */
  tooManyTurns(): Error;
  /** The error for an answer cut off by a budget, or undefined if it may be mended: it led to a failure that was forgotten. */
  cutOff(turn: number): Error | undefined;
  /** The error for an answer that the model or its provider will not give; undefined as above. */
  withheld(turn: number, reply: Reply): Error | undefined;
}

/** Runs a conversation to its end. Throws what its ports throw. */
export async function converse(talk: Talk): Promise<Judged> {
  const prompt: LanguageModelV4Message[] = [];
  const opening = talk.recorded[0]?.adds ?? talk.opening();
  let adds: readonly LanguageModelV4Message[] = opening instanceof Promise ? await opening : opening;
  const before = adds.length;
  let why: Why = 'ask';
  let repairs = 0;
  for (let turn = 0; turn < talk.turnsMax; turn += 1) {
    const known = talk.recorded[turn];
    if (known !== undefined) ({ adds, why } = known);
    prompt.push(...adds);
    const reply = known?.reply ?? (await talk.send({ turn, why, prompt, adds }));
    const calls = toolCalls(reply);
    // What was withheld calls nothing: the next request must not wait for answers to its calls either.
    prompt.push(assistantMessage(calls.length > 0 || reply.finish !== 'content-filter' ? reply.content : withoutCalls(reply.content)));
    if (calls.length > 0) {
      why = 'tools';
      if (talk.recorded[turn + 1] === undefined) adds = [{ role: 'tool', content: await talk.callTools(turn, calls) }];
      else talk.passOver(turn, calls);
      continue;
    }
    // What tools gave in a conversation before is no evidence of this attempt.
    const judged = await judgeReply(talk, turn, reply, prompt.slice(before));
    if (judged.ok || repairs >= talk.repairsMax) return judged;
    repairs += 1;
    why = 'repair';
    if (talk.recorded[turn + 1] === undefined) {
      if (known?.repaired !== true) await talk.repaired(turn, judged.problems);
      adds = [await talk.repair(judged.problems)];
    }
  }
  throw talk.tooManyTurns();
}

function withoutCalls(content: readonly LanguageModelV4Content[]): readonly LanguageModelV4Content[] {
  return content.filter((part) => part.type !== 'tool-call');
}

/** The tools that a turn calls here: not those that the provider runs itself. Pure. */
export function toolCalls(reply: Reply): readonly LanguageModelV4ToolCall[] {
  if (reply.finish === 'content-filter') return [];
  return reply.content.filter((part) => part.type === 'tool-call').filter((call) => call.providerExecuted !== true);
}

function judgeReply(talk: Talk, turn: number, reply: Reply, prompt: LanguageModelV4Message[]): Judged | Promise<Judged> {
  switch (reply.finish) {
    case 'length': {
      const error = reply.capped ? talk.cutOff(turn) : undefined;
      if (error !== undefined) throw error;
      return refused('The answer was cut off at its maximum length. Answer more briefly.');
    }
    case 'content-filter': {
      const error = talk.withheld(turn, reply);
      if (error !== undefined) throw error;
      return refused('The answer was withheld.');
    }
    case 'error':
    case 'interrupted':
      return refused(`The provider broke the answer off (${reply.finish}).`);
    case 'stop':
    case 'tool-calls':
    case 'other':
      return talk.judge(reply, resultsOf(prompt));
  }
}

function refused(message: string): Judged {
  return { ok: false, why: 'contract', problems: [{ path: '', message }] };
}
