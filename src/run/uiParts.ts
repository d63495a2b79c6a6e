// The parts of a speech as chunks of an AI SDK UI message stream: how one is told, and what makes one of what it was before.
// Pure; called by uiChunks.ts.
//
// U3 whatever a reader has answered on the page, what is told fits its message: of an approval that was answered the request is
//    told once more before the response, because a page that gave an output instead has forgotten it.

import type { AskRecord } from '../journal/askLedger.ts';
import type { Json } from '../journal/event.ts';
import type { AskSpeech, SpeechPart, ToolSpeech } from '../journal/speechPart.ts';

/** One chunk of a part, assignable to the `UIMessageChunk` of `ai`. */
export type PartChunk =
  | { type: 'text-start' | 'reasoning-start'; id: string }
  | { type: 'text-delta' | 'reasoning-delta'; id: string; delta: string }
  | { type: 'text-end' | 'reasoning-end'; id: string }
  | {
      type: 'tool-input-available';
      toolCallId: string;
      toolName: string;
      input: Json;
      providerExecuted?: boolean;
      dynamic?: boolean;
      toolMetadata?: { amdahl: { ask: string; of: string } };
    }
  | { type: 'tool-approval-request'; approvalId: string; toolCallId: string; reason?: string; isAutomatic?: boolean }
  | { type: 'tool-approval-response'; approvalId: string; approved: boolean; reason?: string }
  | { type: 'tool-output-available'; toolCallId: string; output: Json; providerExecuted?: boolean }
  | { type: 'tool-output-error'; toolCallId: string; errorText: string; providerExecuted?: boolean }
  | { type: 'tool-output-denied'; toolCallId: string }
  | { type: 'source-url'; sourceId: string; url: string; title?: string }
  | { type: 'source-document'; sourceId: string; mediaType: string; title: string; filename?: string }
  | { type: 'file' | 'reasoning-file'; url: string; mediaType: string };

/** All of a part. `id`: of a text. */
export function told(part: SpeechPart, id: string): readonly PartChunk[] {
  switch (part.type) {
    case 'tool':
    case 'ask': {
      const called = calledBy(part);
      return [inputOf(called), ...approvalOf(called), ...endOf(called)];
    }
    case 'other':
      return otherOf(part.content);
    case 'text':
    case 'reasoning':
      return [
        { type: `${part.type}-start`, id },
        ...(part.text === '' ? [] : [{ type: `${part.type}-delta` as const, id, delta: part.text }]),
        ...(part.open ? [] : [{ type: `${part.type}-end` as const, id }]),
      ];
  }
}

/** What makes the one part the other; undefined where only beginning anew does. */
export function growth(before: SpeechPart, after: SpeechPart | undefined, id: string): readonly PartChunk[] | undefined {
  if (after === undefined) return undefined;
  switch (before.type) {
    case 'tool':
    case 'ask':
      return after.type === before.type ? turned(calledBy(before), calledBy(after)) : undefined;
    case 'other':
      return isSame(before, after) ? [] : undefined;
    case 'text':
    case 'reasoning': {
      if (after.type !== before.type || !after.text.startsWith(before.text)) return undefined;
      const delta = after.text.slice(before.text.length);
      if (!before.open) return delta === '' && !after.open ? [] : undefined;
      return [
        ...(delta === '' ? [] : [{ type: `${after.type}-delta` as const, id, delta }]),
        ...(after.open ? [] : [{ type: `${after.type}-end` as const, id }]),
      ];
    }
  }
}

/**
 * What is said of a part when the run parks, so that a page sends once the person has answered: the AI SDK's conditions for that
 * want every tool of the step done or its approval responded to. A tool in the middle of its work, because something in it
 * waits, was let through and is not done; one that nobody was asked about yet has its receipt; of one that was denied the
 * response is told again.
 */
export function waiting(part: SpeechPart): readonly PartChunk[] {
  if (part.type !== 'tool' && part.type !== 'ask') return [];
  const called = calledBy(part);
  if (called.end === 'denied') return approvalOf(called);
  if (called.approval !== undefined || called.end !== undefined || called.byProvider) return [];
  if (part.type === 'tool' && part.receipt !== undefined)
    return [{ type: 'tool-output-available', toolCallId: called.id, output: part.receipt }];
  const approvalId = `${called.id}:parked`;
  return [
    { type: 'tool-approval-request', approvalId, toolCallId: called.id, isAutomatic: true },
    { type: 'tool-approval-response', approvalId, approved: true },
  ];
}

/** A tool call or a question, as the AI SDK has both: a call of a tool. */
interface Called {
  readonly id: string;
  readonly tool: string;
  readonly input: Json;
  readonly byProvider: boolean;
  readonly ask?: { readonly ask: string; readonly of: string };
  readonly approval?: { readonly id: string; readonly question: string; readonly reply: Replied | undefined } | undefined;
  readonly end: End | undefined;
}

interface Replied {
  readonly approved: boolean;
  readonly reason?: string;
}

type End = { readonly output: Json } | { readonly error: string } | 'denied';

function calledBy(part: ToolSpeech | AskSpeech): Called {
  if (part.type === 'tool') {
    const { id, tool, args, byProvider, result, error, approval } = part;
    const end = error !== undefined ? { error } : result === undefined ? undefined : { output: result };
    const called = { id, tool, input: args, byProvider };
    if (approval === undefined) return { ...called, end };
    return { ...called, approval: approvalBy(approval), end: isDenied(approval) ? 'denied' : end };
  }
  const { agent, ask, came } = part;
  const { ask: id, of, question, about, form, expiresAt, state, value } = ask;
  const more = { ...(form === undefined ? {} : { form }), ...(expiresAt === undefined ? {} : { expiresAt }) };
  const done = came === undefined ? undefined : 'error' in came ? { error: came.error } : { output: came.result };
  const given = of !== 'approval' && state === 'answered' ? { output: value ?? null } : done;
  return {
    id,
    tool: of === 'human' ? agent : of,
    input: { question, about, ...more },
    byProvider: false,
    ask: { ask: id, of },
    approval: approvalBy(ask),
    end: isDenied(ask) ? 'denied' : given,
  };
}

function approvalBy(ask: AskRecord): Called['approval'] {
  return { id: ask.ask, question: ask.question, reply: repliedOf(ask) };
}

/** An approval is answered with yes or no. */
function isDenied({ of, state, value }: AskRecord): boolean {
  return state === 'answered' ? of === 'approval' && value !== true : state !== 'open';
}

function repliedOf(ask: AskRecord): Replied | undefined {
  const { state, why = 'nobody said why' } = ask;
  switch (state) {
    case 'open':
      return undefined;
    case 'answered':
      return isDenied(ask) ? { approved: false } : { approved: true };
    case 'refused':
      return { approved: false, reason: why };
    case 'expired':
      return { approved: false, reason: 'Nobody answered in time.' };
    case 'withdrawn':
      return { approved: false, reason: `No answer is needed any more: ${why}` };
  }
}

function turned(before: Called, after: Called): readonly PartChunk[] | undefined {
  if (before.id !== after.id || before.tool !== after.tool || !isSame(before.input, after.input)) return undefined;
  if ((before.end !== undefined && after.end === undefined) || (before.approval !== undefined && after.approval === undefined))
    return undefined;
  if (!isSame(before.approval, after.approval)) return [...approvalOf(after), ...endOf(after)];
  return isSame(before.end, after.end) ? [] : endOf(after);
}

function inputOf({ id, tool, input, byProvider, ask }: Called): PartChunk {
  const more = ask === undefined ? {} : { dynamic: true, toolMetadata: { amdahl: ask } };
  return {
    type: 'tool-input-available',
    toolCallId: id,
    toolName: tool,
    input,
    ...(byProvider ? { providerExecuted: true } : {}),
    ...more,
  };
}

function approvalOf({ id: toolCallId, approval }: Called): readonly PartChunk[] {
  if (approval === undefined) return [];
  const { id: approvalId, question, reply } = approval;
  return [
    { type: 'tool-approval-request', approvalId, toolCallId, reason: question },
    ...(reply === undefined ? [] : [{ type: 'tool-approval-response' as const, approvalId, ...reply }]),
  ];
}

function endOf({ id: toolCallId, end, byProvider }: Called): readonly PartChunk[] {
  if (end === undefined) return [];
  if (end === 'denied') return [{ type: 'tool-output-denied', toolCallId }];
  const by = byProvider ? { providerExecuted: true } : {};
  if ('error' in end) return [{ type: 'tool-output-error', toolCallId, errorText: end.error, ...by }];
  return [{ type: 'tool-output-available', toolCallId, output: end.output, ...by }];
}

/** Of values that are made anew in the same order. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function otherOf(content: Extract<SpeechPart, { type: 'other' }>['content']): readonly PartChunk[] {
  if (content.type !== 'source') {
    const { type, mediaType, data } = content;
    return [{ type, mediaType, url: data.type === 'url' ? String(data.url) : dataUrl(mediaType, data.data) }];
  }
  const { id: sourceId } = content;
  if (content.sourceType === 'url') {
    const { url, title } = content;
    return [{ type: 'source-url', sourceId, url, ...(title === undefined ? {} : { title }) }];
  }
  const { mediaType, title, filename } = content;
  return [{ type: 'source-document', sourceId, mediaType, title, ...(filename === undefined ? {} : { filename }) }];
}

function dataUrl(mediaType: string, data: string | Uint8Array): string {
  return `data:${mediaType};base64,${typeof data === 'string' ? data : Buffer.from(data).toString('base64')}`;
}
