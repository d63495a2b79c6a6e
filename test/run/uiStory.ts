// A told run for tests of its UI message stream: a journal that is written by hand, read as far as it goes, and a page that has
// the message and answers on it as useChat does.

import {
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  lastAssistantMessageIsCompleteWithToolCalls,
  readUIMessageStream,
  type UIMessage,
} from 'ai';
import type { Entry, Happening, RunId } from '../../src/journal/event.ts';
import type { UiChunk } from '../../src/run/uiChunks.ts';
import { uiStream, type UiStreamOptions } from '../../src/run/uiStream.ts';
import { attemptOf, callStarted, placeOf, requested, responded, runStarted } from '../journal/story.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const clock = new VirtualClock();

/** All chunks of a stream that reads this journal and waits for no more of it. `answered`: somebody has answered what it waits for. */
export async function chunksOf(
  entries: readonly Entry[],
  options: UiStreamOptions = {},
  { answered = false, then = [] as readonly Entry[] } = {},
): Promise<UiChunk[]> {
  const stream = uiStream(
    {
      id: 'r' as RunId, // a test's own
      clock,
      async *entries() {
        for (const entry of entries) yield [entry];
        if (then.length > 0) yield then;
      },
      standing: async () => ({ events: entries.length, waits: !answered && entries.at(-1)?.event.kind === 'run.parked' }),
      trouble: async () => undefined,
    },
    options,
  );
  const chunks: UiChunk[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** The speaker `chat` has begun its first turn. */
export const begun: readonly Happening[] = [
  { ...runStarted, agent: 'chat', stream: 'provisional', speaker: 'chat' } as Happening, // a started run with two more fields
  callStarted('chat'),
  requested('chat'),
];

/** A turn of the speaker that says something and calls tools, each with the key of its effect as its id. */
export function called(text: string, keys: readonly string[], turn = 1): readonly Happening[] {
  const said = responded('chat', { text, turn }) as Extract<Happening, { kind: 'model.responded' }>; // what it makes
  const calls = keys.map((key) => ({ type: 'tool-call' as const, toolCallId: key, toolName: 'send', input: '{}' }));
  return [
    { ...said, content: [...said.content, ...calls], finish: keys.length === 0 ? 'stop' : 'tool-calls' },
    ...keys.map((key): Happening => ({
      kind: 'tool.called',
      place: placeOf(`t ${key}`),
      call: placeOf('chat'),
      path: 'chat',
      tool: 'send',
      args: {},
      effect: 'staged',
      id: key,
    })),
  ];
}

export function returned(key: string): Happening {
  return { kind: 'tool.returned', place: placeOf(`t ${key}`), result: { receipt: `[receipt:${key}]` }, ms: 1 };
}

/** The next turn of the speaker says this. */
export function says(text: string, turn = 2): readonly Happening[] {
  return [requested('chat', { turn, why: 'tools' }), responded('chat', { text, turn })];
}

export function repaired(turn: number): Happening {
  return { kind: 'attempt.repaired', place: attemptOf('chat'), turn, problems: [] };
}

export const succeeded: readonly Happening[] = [
  { kind: 'call.succeeded', place: placeOf('chat'), output: 'done' },
  { kind: 'run.succeeded', output: 'done', missing: [] },
];

/** A page that has the message. */
export class Page {
  message: UIMessage | undefined;

  async read(chunks: readonly UiChunk[]): Promise<UIMessage> {
    const { message } = this;
    const stream = ReadableStream.from(chunks);
    for await (const next of readUIMessageStream({ stream, ...(message === undefined ? {} : { message: structuredClone(message) }) }))
      this.message = next;
    if (this.message === undefined) throw new Error('There is no message.');
    return this.message;
  }

  /** As addToolApprovalResponse does. */
  approve(id: string, approved: boolean, reason?: string): void {
    this.#change((part) =>
      part.state === 'approval-requested' && part.approval.id === id
        ? ({ ...part, state: 'approval-responded', approval: { ...part.approval, approved, reason } } as ToolPart)
        : part,
    );
  }

  /** As addToolOutput does: it forgets an approval that was not granted. */
  output(id: string, output: unknown): void {
    this.#change((part) => {
      if (part.toolCallId !== id) return part;
      const { approval: _, ...rest } = part;
      return { ...rest, state: 'output-available', output } as ToolPart; // what addToolOutput makes of it
    });
  }

  /** Whether a page with the AI SDK's own conditions would send by itself. */
  get sends(): boolean {
    const messages = this.message === undefined ? [] : [this.message];
    return lastAssistantMessageIsCompleteWithApprovalResponses({ messages }) || lastAssistantMessageIsCompleteWithToolCalls({ messages });
  }

  get tools(): readonly ToolPart[] {
    return this.message?.parts.filter(isToolUIPart) ?? [];
  }

  #change(change: (part: ToolPart) => ToolPart): void {
    if (this.message === undefined) return;
    this.message = { ...this.message, parts: this.message.parts.map((part) => (isToolUIPart(part) ? change(part) : part)) };
  }
}

type ToolPart = Extract<UIMessage['parts'][number], { toolCallId: string }>;
