// What happened in a test, as lists that assertions read. Folded from the run's events by testRun.ts. Pure.

import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { ErrorRecord } from '../agent/errors.ts';
import type { Event, EventOf, Json, Place } from '../journal/event.ts';
import { assistantMessage } from '../model/render.ts';
import { messageText } from '../model/scripted.ts';

/** An agent that was asked, of any kind. */
export interface TestCall {
  readonly agent: string;
  /** Where, readable: 'sweep[3]/review'. */
  readonly path: string;
  readonly input: Json;
  /** What a model or a step answered; composites keep none of their own. */
  readonly output?: Json;
  readonly error?: ErrorRecord;
}

/** A request to a model. */
export interface TestPrompt {
  readonly agent: string;
  readonly path: string;
  /** From 0, in its attempt. */
  readonly turn: number;
  /** The instructions. */
  readonly system: string;
  /** What this turn told the model that it was not told before: the input, results of tools, what is wrong with its answer. */
  readonly text: string;
  /** All that was sent. */
  readonly messages: readonly LanguageModelV4Message[];
}

/** A tool or an agent that a model called. */
export interface TestToolCall {
  readonly tool: string;
  /** The call that it served. */
  readonly path: string;
  readonly args: Json;
  /** Absent where it threw, and where it is an agent: that is among the calls. */
  readonly result?: Json;
  readonly error?: ErrorRecord;
}

export interface TestEvidence {
  /** In the order in which they were asked. */
  readonly calls: readonly TestCall[];
  readonly prompts: readonly TestPrompt[];
  readonly toolCalls: readonly TestToolCall[];
  readonly events: readonly Event[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The evidence of a run, from its events in order. O(what was said). */
export function evidenceOf(events: readonly Event[]): TestEvidence {
  const calls = new Map<Place, Mutable<TestCall>>();
  const tools = new Map<Place, Mutable<TestToolCall>>();
  const said = new Map<Place, readonly LanguageModelV4Message[]>();
  const prompts: TestPrompt[] = [];
  for (const event of events) {
    switch (event.kind) {
      case 'call.started':
        calls.set(event.place, { agent: event.agent, path: event.path, input: event.input });
        break;
      case 'call.succeeded':
      case 'call.failed': {
        const call = calls.get(event.place);
        if (call !== undefined && event.kind === 'call.failed') call.error = event.error;
        else if (call !== undefined && event.kind === 'call.succeeded' && event.output !== undefined) call.output = event.output;
        break;
      }
      case 'model.requested': {
        const messages = toldBy(said.get(event.place) ?? [], event);
        said.set(event.place, messages);
        prompts.push(promptOf(event, messages));
        break;
      }
      case 'model.responded':
        said.set(event.place, [...(said.get(event.place) ?? []), assistantMessage(event.content)]);
        break;
      case 'tool.called':
        tools.set(event.place, { tool: event.tool, path: event.path, args: event.args });
        break;
      case 'tool.returned': {
        const tool = tools.get(event.place);
        if (tool !== undefined) Object.assign(tool, 'error' in event ? { error: event.error } : { result: event.result });
        break;
      }
      default:
        break; // The rest is in `events`.
    }
  }
  return { calls: [...calls.values()], prompts, toolCalls: [...tools.values()], events };
}

/** The conversation with what a request adds; one that is sent again adds nothing new. */
function toldBy(before: readonly LanguageModelV4Message[], { turn, adds }: EventOf<'model.requested'>): readonly LanguageModelV4Message[] {
  if (turn === 0) return adds;
  const told = adds.filter(({ role }) => role !== 'system');
  const isAgain = told.length > 0 && before.at(-1) === told.at(-1);
  return isAgain ? before : [...before, ...told];
}

function promptOf({ agent, path, turn, adds }: EventOf<'model.requested'>, messages: readonly LanguageModelV4Message[]): TestPrompt {
  const system = messages.flatMap((message) => (message.role === 'system' ? [message.content] : [])).join('\n\n');
  const told = adds.filter(({ role }) => role !== 'system');
  return { agent, path, turn, system, text: told.map(messageText).join('\n\n'), messages };
}
