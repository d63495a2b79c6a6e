// Conversations between their two forms: the messages of an input as a request has them, and what an attempt said as messages
// to append to the conversation that it was asked with. Called by opening.ts and run/appended.ts. Pure.

import type {
  LanguageModelV4CustomPart,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4ReasoningPart,
  LanguageModelV4TextPart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import { type Attachment, isAttachment } from '../agent/attachment.ts';
import type { Drafted } from '../agent/messageParts.ts';
import type { Message } from '../agent/messages.ts';
import type { RecordedTurn } from './loop.ts';
import { assistantMessage } from './render.ts';

export type FileOf = (attachment: Attachment) => LanguageModelV4FilePart | LanguageModelV4TextPart;

/** The messages as a request has them; `fileOf` knows their attachments. */
export function historyOf(messages: readonly Message[], fileOf: FileOf): LanguageModelV4Message[] {
  return messages.map(({ content, ...rest }) => {
    const own = typeof content === 'string' ? content : content.map((part) => partOf(part, fileOf));
    return { ...rest, content: own } as LanguageModelV4Message; // messages() looked at every part, and made it as V4 has it
  });
}

function partOf(part: Drafted, fileOf: FileOf): object {
  if (part.type === 'tool-result') return { ...part, output: outputOf(part['output'], fileOf) };
  if (part.type === 'tool-approval-response') {
    const { providerExecuted: _, ...response } = part;
    return response;
  }
  if (part.type !== 'file' && part.type !== 'reasoning-file') return part;
  return fileIn(part, fileOf);
}

function fileIn(part: Drafted, fileOf: FileOf): object {
  const { data, providerOptions, filename } = part;
  if (!isAttachment(data)) return part;
  const made = fileOf(data);
  const options = providerOptions === undefined ? {} : { providerOptions };
  if (made.type === 'text') return { ...made, ...options };
  return { ...made, type: part.type, ...(filename === undefined ? {} : { filename }), ...options };
}

function outputOf(output: unknown, fileOf: FileOf): unknown {
  if (typeof output !== 'object' || output === null || !('value' in output) || !('type' in output) || output.type !== 'content')
    return output;
  const items = output.value as readonly Drafted[]; // looked at by messages()
  return { ...output, value: items.map((item) => (item.type === 'file' ? fileIn(item, fileOf) : item)) };
}

/** A file that a model made: its bytes in base64, or its address. */
interface FileData {
  data: string | URL;
  mediaType: string;
  providerOptions?: Exclude<LanguageModelV4FilePart['providerOptions'], undefined>;
}

export type AppendedFile = ({ type: 'file' } & FileData) | ({ type: 'reasoning-file' } & FileData);

/** A message that a run adds to its conversation, as AI SDK keeps model messages. */
export type AppendedMessage =
  | {
      role: 'assistant';
      content: (
        | LanguageModelV4TextPart
        | LanguageModelV4ReasoningPart
        | LanguageModelV4CustomPart
        | AppendedFile
        | LanguageModelV4ToolCallPart
        | LanguageModelV4ToolResultPart
      )[];
    }
  | { role: 'tool'; content: LanguageModelV4ToolResultPart[] };

/** What an attempt that stands said and was told by its tools. Answers that were refused, and why, are left out. */
export function appendedOf(turns: readonly RecordedTurn[]): AppendedMessage[] {
  return turns.flatMap(({ adds, why, reply }, nth) => {
    const told = why === 'tools' ? adds.flatMap(appended) : [];
    const isRefused = turns[nth + 1]?.why === 'repair';
    return reply === undefined || isRefused ? told : [...told, ...appended(assistantMessage(reply.content))];
  });
}

function appended(message: LanguageModelV4Message): AppendedMessage[] {
  if (message.role === 'tool') {
    const content = message.content.filter((part) => part.type === 'tool-result');
    return [{ role: 'tool', content }];
  }
  if (message.role !== 'assistant') return [];
  const content = message.content.map((part) => (part.type === 'file' || part.type === 'reasoning-file' ? appendedFile(part) : part));
  return content.length === 0 ? [] : [{ role: 'assistant', content }];
}

type AnyFile = Extract<Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number], { type: 'file' | 'reasoning-file' }>;

function appendedFile(part: AnyFile): AppendedFile {
  const { type, data, mediaType, providerOptions } = part;
  const rest = { type, mediaType, ...(providerOptions === undefined ? {} : { providerOptions }) };
  return { ...rest, data: data.type === 'url' ? data.url : data.type === 'data' ? base64(data.data) : '' };
}

function base64(data: string | Uint8Array): string {
  return typeof data === 'string' ? data : Buffer.from(data).toString('base64');
}
