// Exactly what was sent to models, from the journal: every request's messages, tools and answer format. Called by
// `show --prompt`. A turn repeats the conversation before it, so for people each message stands once.

import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { Colors } from 'picocolors/types.js';
import type { Entry, EventOf, Place, Setup } from '../journal/event.ts';
import { assistantMessage } from '../model/render.ts';

/** One request as it was sent. */
export interface SentRequest {
  readonly path: string;
  readonly agent: string;
  readonly attempt: number;
  readonly turn: number;
  readonly model: string;
  /** The whole conversation. */
  readonly messages: readonly LanguageModelV4Message[];
  /** The messages that this turn put behind those of the turn before. */
  readonly added: readonly LanguageModelV4Message[];
  readonly setup: Setup | undefined;
  /** The same turn was sent before, and had no answer: a crash swallowed it, or the provider did not give one. */
  readonly again: boolean;
}

interface Talk {
  readonly messages: LanguageModelV4Message[];
  setup: Setup | undefined;
  turn: number;
  replies: number;
}

/** Requests in the order in which they were sent, of one call or of all. Memory: the conversations that go on. */
export async function* requestsOf(entries: AsyncIterable<Entry>, call?: Place): AsyncGenerator<SentRequest> {
  const talks = new Map<Place, Talk>();
  for await (const { event } of entries) {
    if (event.kind === 'model.requested' && (call === undefined || event.call === call)) yield request(talks, event);
    else if (event.kind === 'model.responded') {
      const talk = talks.get(event.place);
      if (talk !== undefined && talk.replies <= event.turn) {
        talk.messages.push(assistantMessage(event.content));
        talk.replies = event.turn + 1;
      }
    }
  }
}

function request(talks: Map<Place, Talk>, event: EventOf<'model.requested'>): SentRequest {
  const talk = talks.get(event.place) ?? { messages: [], setup: undefined, turn: -1, replies: 0 };
  talks.set(event.place, talk);
  const again = event.turn <= talk.turn;
  const before = talk.replies === 0 ? [] : talk.messages.slice(-1);
  if (!again) talk.messages.push(...event.adds);
  talk.setup = event.setup ?? talk.setup;
  talk.turn = event.turn;
  const { path, agent, attempt, turn, model } = event;
  return {
    path,
    agent,
    attempt,
    turn,
    model,
    messages: [...talk.messages],
    added: again ? [] : [...before, ...event.adds],
    setup: talk.setup,
    again,
  };
}

/** A request for people: what is new in it, verbatim. */
export function renderRequest(request: SentRequest, colors: Colors): string[] {
  const { path, attempt, turn, model, setup, again } = request;
  const head = `${path}  attempt ${attempt + 1}, turn ${turn + 1}, ${model}`;
  const lines = [colors.bold(head), colors.dim('─'.repeat(head.length))];
  if (again) return [...lines, colors.dim('sent again: the same messages had no answer'), ''];
  if (turn > 0) lines.push(colors.dim('after all messages of the turn before:'));
  else if (setup !== undefined) lines.push(...setupLines(setup, colors));
  for (const message of request.added) lines.push(...messageLines(message, colors));
  lines.push('');
  return lines;
}

function setupLines({ tools, format, settings = {} }: Setup, colors: Colors): string[] {
  const lines = tools.flatMap((tool) => [`${colors.cyan('tool')} ${JSON.stringify(tool)}`]);
  const chosen = JSON.stringify(settings) === '{}' ? [] : [`${colors.cyan('settings')} ${JSON.stringify(settings)}`];
  return [...lines, `${colors.cyan('answer format')} ${JSON.stringify(format)}`, ...chosen];
}

function messageLines(message: LanguageModelV4Message, colors: Colors): string[] {
  const role = colors.cyan(message.role);
  if (message.role === 'system') return [role, message.content];
  return [role, ...message.content.map((part) => partText(part, colors))];
}

type Part = Exclude<LanguageModelV4Message['content'], string>[number];

function partText(part: Part, colors: Colors): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'reasoning':
      return `${colors.dim('(reasoning)')} ${part.text}`;
    case 'tool-call':
      return `${colors.dim('→')} ${part.toolName} ${JSON.stringify(part.input)}`;
    case 'tool-result':
      return `${colors.dim('←')} ${part.toolName} ${'value' in part.output ? verbatim(part.output.value) : JSON.stringify(part.output)}`;
    default:
      return JSON.stringify(part);
  }
}

function verbatim(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
