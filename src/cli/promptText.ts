// Exactly what was sent to models, from the journal: every request's messages, tools and answer format. Called by
// `show --prompt`. A turn repeats the conversation before it, so for people each message stands once.

import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { Colors } from 'picocolors/types.js';
import type { Entry, EventOf, Place, Setup } from '../journal/event.ts';
import { readable, withSystem } from '../model/foreign.ts';
import { assistantMessage } from '../model/render.ts';
import { QUESTION } from '../run/fallback.ts';

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
  /** The model that was asked before, where this is another. */
  readonly instead?: string;
}

interface Talk {
  readonly messages: LanguageModelV4Message[];
  /** Who was decided on, who was asked last, and who gave each answer: models by name. */
  told: string | undefined;
  asked: string | undefined;
  readonly authors: string[];
  /** How the conversation begins for who is asked. */
  begin: LanguageModelV4Message | undefined;
  setup: Setup | undefined;
  turn: number;
  replies: number;
  /** How many answers there were in the conversation that it began with, and whether the first of its models was asked first. */
  before: number;
  first: string | undefined;
}

/** Requests in the order in which they were sent, of one call or of all. Memory: the conversations that go on. */
export async function* requestsOf(entries: AsyncIterable<Entry>, call?: Place): AsyncGenerator<SentRequest> {
  const talks = new Map<Place, Talk>();
  const talkAt = (place: Place): Talk => {
    const known = talks.get(place) ?? { ...NO_TALK, messages: [], authors: [] };
    talks.set(place, known);
    return known;
  };
  for await (const { event } of entries) {
    if (event.kind === 'model.requested') {
      if (call === undefined || event.call === call) yield request(talkAt(event.place), event);
    } else if (event.kind === 'decision') {
      if (event.question === QUESTION && typeof event.choice === 'string') talkAt(event.place).told = event.choice;
    } else if (event.kind === 'model.responded') {
      const talk = talks.get(event.place);
      if (talk !== undefined && talk.replies <= event.turn) {
        talk.messages.push(assistantMessage(event.content));
        talk.authors.push(talk.asked ?? '');
        talk.replies = event.turn + 1;
      }
    }
  }
}

const NO_TALK = {
  told: undefined,
  asked: undefined,
  begin: undefined,
  setup: undefined,
  turn: -1,
  replies: 0,
  before: 0,
  first: undefined,
};

function request(talk: Talk, event: EventOf<'model.requested'>): SentRequest {
  const { path, agent, attempt, turn, model, adds } = event;
  const again = turn <= talk.turn;
  const before = talk.replies === 0 ? [] : talk.messages.slice(-1);
  const [begin] = adds;
  // Another model may be given a beginning of its own.
  const begins = begin?.role === 'system' ? begin : undefined;
  if (!again) talk.messages.push(...(turn > 0 && begins !== undefined ? adds.slice(1) : adds));
  talk.begin = begins ?? talk.begin;
  const asked = talk.told ?? model;
  const instead = talk.asked === undefined || talk.asked === asked ? {} : { instead: talk.asked };
  talk.asked = asked;
  if (turn === 0 && !again) {
    talk.before = adds.filter(({ role }) => role === 'assistant').length;
    talk.first = talk.told === undefined ? asked : undefined;
  }
  talk.setup = event.setup ?? talk.setup;
  talk.turn = turn;
  // What code sends is told as it was sent: answers in it may be anybody's.
  const whole =
    event.gated === true
      ? talk.messages
      : readable(talk.messages, (nth) => (nth < talk.before ? asked === talk.first : talk.authors[nth - talk.before] === asked));
  return {
    path,
    agent,
    attempt,
    turn,
    model,
    messages: [...(talk.begin === undefined ? whole : withSystem(whole, talk.begin))],
    added: again ? [] : [...before, ...adds],
    setup: talk.setup,
    again,
    ...instead,
  };
}

/** A request for people: what is new in it, verbatim. */
export function renderRequest(request: SentRequest, colors: Colors): string[] {
  const { path, attempt, turn, model, setup, again, instead } = request;
  const head = `${path}  attempt ${attempt + 1}, turn ${turn + 1}, ${model}`;
  const lines = [colors.bold(head), colors.dim('─'.repeat(head.length))];
  if (instead !== undefined)
    lines.push(colors.dim(`in place of ${instead}${turn === 0 ? '' : ', without what only that one would understand'}`));
  if (again) return [...lines, ...(instead === undefined ? [colors.dim('sent again: the same messages had no answer')] : []), ''];
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
