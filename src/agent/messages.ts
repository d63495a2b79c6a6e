// messages(): the contract of conversations. It takes what the AI SDK keeps (UI messages and model messages of versions 5 to
// 7), says of which message something is wrong, and makes of it messages as they are sent and journaled: JSON, with files
// as attachments. model/history.ts makes requests of them.

import type { StandardSchemaV1 } from '@standard-schema/spec';
import { checkOptions } from './options.ts';
import { AmdahlError, type Problem } from './errors.ts';
import { CONVERSATION, kindOf } from './contract.ts';
import { type Drafted, optionsOf, PartError, partOf } from './messageParts.ts';
import { fromUi, type UiPart } from './uiMessages.ts';

/** A part of a message, of any version: what is in it is looked at when it is given. The second form is for literals. */
export type PartLike = { readonly type: string } | { readonly type: string; readonly [field: string]: unknown };

/** A message as AI SDK keeps it for pages. Structural: those of any version fit. */
export interface UiMessageLike {
  readonly role: 'system' | 'user' | 'assistant';
  readonly parts: readonly PartLike[];
}

/** A message as AI SDK sends it. Structural: those of any version fit. */
export interface ModelMessageLike {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string | readonly PartLike[];
}

/** What an agent with `input: messages()` is asked: a conversation so far, or what a user says first. */
export type Conversation = string | readonly (UiMessageLike | ModelMessageLike)[];

/** A message of a conversation as JSON: what an AI SDK model message is, with files as attachments. */
export interface Message extends ModelMessageLike {
  readonly content: string | readonly Drafted[];
  readonly providerOptions?: Readonly<Record<string, unknown>>;
}

export interface MessagesOptions {
  /**
   * What becomes of system messages inside. 'refuse' (the default): who writes a conversation must not write instructions.
   * 'keep': they are sent where they stand, behind the agent's instructions; some providers take them only at the beginning.
   */
  readonly system?: 'refuse' | 'keep';
}

/** A schema that turns what it is given into JSON before anything is recorded. */
export interface ConversationSchema extends StandardSchemaV1<Conversation, readonly Message[]> {
  readonly [CONVERSATION]: (value: unknown) => unknown;
}

/**
 * The contract of conversations: `agent({ input: messages(), … })`. They are sent as messages behind the instructions, not as
 * rendered text; `run` gives back the messages to append.
 * @throws AmdahlError MISCONFIGURED for an option that does not exist.
 */
export function messages(options: MessagesOptions = {}): ConversationSchema {
  checkOptions(options, { system: true }, 'messages()');
  const { system = 'refuse' } = options;
  if (system !== 'refuse' && system !== 'keep')
    throw new AmdahlError('MISCONFIGURED', `messages() was given system: ${JSON.stringify(system)}. There are 'refuse' and 'keep'.`);
  const read = (value: unknown): Messages => readMessages(value, system === 'keep');
  return Object.freeze({
    [CONVERSATION]: (value: unknown): unknown => {
      const { made, problems } = read(value);
      // What is wrong is told by validate(), of what JSON shows.
      return problems.length === 0 ? made : shown(value);
    },
    '~standard': {
      version: 1 as const,
      vendor: 'amdahl',
      validate: (value: unknown): StandardSchemaV1.Result<readonly Message[]> => {
        const { made, problems } = read(value);
        if (problems.length === 0) return { value: made };
        return { issues: problems.map(({ path, message }) => ({ message, path: path === '' ? [] : [Number(path)] })) };
      },
      jsonSchema: { input: form, output: form },
    },
  });
}

const FORM = {
  type: 'array',
  items: {
    type: 'object',
    properties: { role: { enum: ['user', 'assistant'] }, content: { type: 'string' } },
    required: ['role', 'content'],
  },
} as const;

const form = (): object => structuredClone(FORM);

interface Messages {
  readonly made: readonly Message[];
  /** `path` is the number of the message. */
  readonly problems: readonly Problem[];
}

/** O(size). */
function readMessages(value: unknown, keepsSystem: boolean): Messages {
  if (typeof value === 'string') return { made: [{ role: 'user', content: [{ type: 'text', text: value }] }], problems: [] };
  const whole = (message: string): Messages => ({ made: [], problems: [{ path: '', message }] });
  if (!Array.isArray(value)) return whole(`expected a list of messages, or text, and got ${kindOf(value)}`);
  const made: Message[] = [];
  const problems: Problem[] = [];
  let results: Drafted[] | undefined;
  for (const [nth, one] of value.entries()) {
    try {
      for (const message of modelMessagesOf(one)) results = push(made, messageOf(message, keepsSystem), results);
    } catch (thrown) {
      if (!(thrown instanceof PartError) && !(thrown instanceof AmdahlError)) throw thrown;
      problems.push({ path: String(nth), message: thrown.message });
    }
  }
  if (problems.length > 0) return { made, problems };
  if (!made.some(({ role }) => role !== 'system')) return whole('the conversation has no message that says something');
  const open = unanswered(made);
  return open === undefined ? { made, problems } : whole(open);
}

function modelMessagesOf(one: unknown): readonly unknown[] {
  if (typeof one !== 'object' || one === null) throw new PartError(`is ${kindOf(one)} and no message`);
  if (!('role' in one)) throw new PartError('has no role');
  if (!('parts' in one) || !Array.isArray(one.parts)) return [one];
  const { role } = one;
  if (role !== 'system' && role !== 'user' && role !== 'assistant')
    throw new PartError(`has the role ${JSON.stringify(role)}, which no UI message has`);
  const odd = one.parts.findIndex(
    (part: unknown) => typeof part !== 'object' || part === null || typeof Reflect.get(part, 'type') !== 'string',
  );
  if (odd >= 0) throw new PartError(`has a part (parts[${odd}]) without a type`);
  return fromUi({ role, parts: one.parts as readonly UiPart[] }); // just looked at
}

/** A message of a model as JSON, or what is wrong with it. */
function messageOf(message: unknown, keepsSystem: boolean): Message | undefined {
  if (typeof message !== 'object' || message === null || !('role' in message)) throw new PartError('has no role');
  const { role } = message;
  const content: unknown = 'content' in message ? message.content : undefined;
  const rest = optionsOf('providerOptions' in message ? message.providerOptions : undefined, 'the message');
  switch (role) {
    case 'system':
      if (!keepsSystem)
        throw new PartError(
          "is a system message. Who writes a conversation must not write instructions: put it into the agent's, or take messages({ system: 'keep' })",
        );
      if (typeof content !== 'string') throw new PartError(`has ${kindOf(content)} as content; a system message has text`);
      return { role, content, ...rest };
    case 'user':
    case 'assistant':
    case 'tool': {
      const list: unknown = typeof content === 'string' && role !== 'tool' ? [{ type: 'text', text: content }] : content;
      if (!Array.isArray(list))
        throw new PartError(`has ${kindOf(content)} as content; it needs ${role === 'tool' ? '' : 'text or '}a list of parts`);
      const parts = list.flatMap((part: unknown, nth) => partOf(part, role, `content[${nth}]`));
      return parts.length === 0 ? undefined : { role, content: parts, ...rest };
    }
    default:
      throw new PartError(`has the role ${JSON.stringify(role)}; there are system, user, assistant and tool`);
  }
}

/** What tools gave in a row is one message. `results` are those of the last one, where more may follow. */
function push(made: Message[], message: Message | undefined, results: Drafted[] | undefined): Drafted[] | undefined {
  if (message === undefined) return results;
  const { role, content } = message;
  if (role !== 'tool' || typeof content === 'string') {
    made.push(message);
    return undefined;
  }
  if (results !== undefined) {
    for (const part of content) results.push(part);
    return results;
  }
  const own = [...content];
  made.push({ ...message, content: own });
  return message.providerOptions === undefined ? own : undefined;
}

/** Providers refuse a conversation in which a call of a tool has no result before somebody else speaks. */
function unanswered(made: readonly Message[]): string | undefined {
  const open = new Map<unknown, unknown>();
  for (const { role, content } of [...made, { role: 'user' as const, content: [] }]) {
    const [first] = open;
    if ((role === 'user' || role === 'system') && first !== undefined)
      return `the call ${JSON.stringify(first[0])} of the tool ${JSON.stringify(first[1])} has no result in the conversation. Leave the call out, or append its result`;
    for (const part of typeof content === 'string' ? [] : content) {
      if (part.type === 'tool-call' && part['providerExecuted'] !== true) open.set(part['toolCallId'], part['toolName']);
      if (part.type === 'tool-result') open.delete(part['toolCallId']);
    }
  }
  return undefined;
}

/** What is no JSON at all is left as it is: who makes JSON of inputs says where it is none. */
function shown(value: unknown): unknown {
  try {
    return lossy(value);
  } catch {
    return value;
  }
}

function lossy(value: unknown): unknown {
  const text = JSON.stringify(value);
  return text === undefined ? null : (JSON.parse(text) as unknown);
}
