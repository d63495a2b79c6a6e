// OpenAI Responses. An answer is a list of items, and its stream tells each of them from opening to close, numbered
// throughout. Facts: https://platform.openai.com/docs/api-reference/responses.

import { argsFrom, isFields } from './fields.ts';
import { openaiError, openaiErrorBody, openaiModel, openaiModels } from './openaiErrors.ts';
import { readResponses } from './openaiResponsesRequest.ts';
import { argsText, createdSeconds, idOf, wordsOf, writtenUsage } from './said.ts';
import { pieces, sseEvent } from './sse.ts';
import type { Asked, AskedPart, Said, SaidUsage, Trouble, Voice } from './wire.ts';

export const openaiResponses: Voice = {
  protocol: 'openai.responses',
  read: readResponses,
  whole,
  stores,
  events,
  error: (trouble, message, about) => openaiError(trouble, message, 'input', about),
  errorEvent,
  models: openaiModels,
  model: openaiModel,
};

/** One item of the output before it is written. */
type Item =
  | { readonly type: 'reasoning'; readonly id: string; readonly text: string; readonly encrypted?: string }
  | { readonly type: 'message'; readonly id: string; readonly content: readonly Content[] }
  | { readonly type: 'function_call'; readonly id: string; readonly callId: string; readonly name: string; readonly args: string };

interface Content {
  readonly type: 'output_text' | 'refusal';
  readonly text: string;
}

function whole(asked: Asked, said: Said, serial: number): unknown {
  const { status, reason } = ending(said);
  const output = itemsOf(asked, said, serial).map((item) => wholeItem(item, status));
  return response(asked, serial, { status, reason, output, usage: usage(said.usage) });
}

function stores(asked: Asked, said: Said, serial: number): ReadonlyMap<string, readonly AskedPart[]> {
  if (isFields(asked.body) && asked.body['store'] === false) return new Map();
  return new Map(itemsOf(asked, said, serial).map((item) => [item.id, partsOf(item)]));
}

/** An item as it comes back in the next request. */
function partsOf(item: Item): readonly AskedPart[] {
  switch (item.type) {
    case 'reasoning':
      return [{ type: 'reasoning', text: item.text }];
    case 'message':
      return item.content.map(({ text }) => ({ type: 'text', text }));
    case 'function_call':
      return [{ type: 'toolCall', id: item.callId, tool: item.name, args: argsFrom(item.args) }];
  }
}

interface Progress {
  readonly status: string;
  readonly reason?: string | undefined;
  readonly output: readonly object[];
  readonly usage: object | null;
}

/** The envelope: what was asked comes back in it. */
function response(asked: Asked, serial: number, { status, reason, output, usage: counts }: Progress): object {
  const body = isFields(asked.body) ? asked.body : {};
  return {
    id: idOf('resp_', serial),
    object: 'response',
    created_at: createdSeconds(serial),
    status,
    background: false,
    error: null,
    incomplete_details: reason === undefined ? null : { reason },
    instructions: body['instructions'] ?? null,
    max_output_tokens: asked.maxOutputTokens ?? null,
    model: asked.model,
    output,
    parallel_tool_calls: body['parallel_tool_calls'] ?? true,
    previous_response_id: body['previous_response_id'] ?? null,
    reasoning: { effort: null, summary: null },
    service_tier: 'default',
    store: body['store'] ?? true,
    temperature: asked.temperature ?? 1,
    text: body['text'] ?? { format: { type: 'text' } },
    tool_choice: body['tool_choice'] ?? 'auto',
    tools: body['tools'] ?? [],
    top_p: 1,
    truncation: 'disabled',
    usage: counts,
    user: null,
    metadata: {},
  };
}

function ending({ finish }: Said): { readonly status: string; readonly reason?: string } {
  switch (finish) {
    case 'stop':
    case 'tools':
    case 'refusal':
      return { status: 'completed' };
    case 'length':
      return { status: 'incomplete', reason: 'max_output_tokens' };
    case 'filter':
      return { status: 'incomplete', reason: 'content_filter' };
    default:
      return { status: 'incomplete', reason: finish };
  }
}

function itemsOf(asked: Asked, said: Said, serial: number): readonly Item[] {
  if (said.empty) return [];
  const { text, refusal } = wordsOf(said);
  const content: readonly Content[] = [
    ...(text !== undefined ? [{ type: 'output_text', text } as const] : []),
    ...(refusal !== undefined ? [{ type: 'refusal', text: refusal } as const] : []),
  ];
  const encrypted = wantsEncrypted(asked.body) ? btoa(`reasoning of ${idOf('resp_', serial)}`) : undefined;
  return [
    ...(said.reasoning !== undefined
      ? [{ type: 'reasoning', id: idOf('rs_', serial), text: said.reasoning, ...(encrypted !== undefined && { encrypted }) } as const]
      : []),
    ...(content.length > 0 ? [{ type: 'message', id: idOf('msg_', serial), content } as const] : []),
    ...said.tools.map(({ name, args }, index) => {
      const [id, callId] = [idOf('fc_', serial, index), idOf('call_', serial, index)];
      return { type: 'function_call', id, callId, name, args: argsText(args) } as const;
    }),
  ];
}

function wantsEncrypted(body: unknown): boolean {
  return isFields(body) && Array.isArray(body['include']) && body['include'].includes('reasoning.encrypted_content');
}

function wholeItem(item: Item, status: string): object {
  switch (item.type) {
    case 'reasoning': {
      const summary = item.text === '' ? [] : [{ type: 'summary_text', text: item.text }];
      return { id: item.id, type: 'reasoning', summary, ...(item.encrypted !== undefined && { encrypted_content: item.encrypted }) };
    }
    case 'message':
      return { id: item.id, type: 'message', status, role: 'assistant', content: item.content.map(wholeContent) };
    case 'function_call':
      return { id: item.id, type: 'function_call', status, call_id: item.callId, name: item.name, arguments: item.args };
  }
}

function wholeContent({ type, text }: Content): object {
  return type === 'refusal' ? { type, refusal: text } : { type, text, annotations: [], logprobs: [] };
}

function usage({ tokensIn, tokensOut, tokensCached, tokensCacheWritten, tokensReasoning }: SaidUsage): object {
  return {
    input_tokens: tokensIn,
    input_tokens_details: { cached_tokens: tokensCached, ...writtenUsage(tokensCacheWritten) },
    output_tokens: tokensOut,
    output_tokens_details: { reasoning_tokens: tokensReasoning },
    total_tokens: tokensIn + tokensOut,
  };
}

type Send = (type: string, fields: object) => void;

function events(asked: Asked, said: Said, serial: number, piece: number): readonly string[] {
  const all: string[] = [];
  const send: Send = (type, fields) => void all.push(sseEvent({ type, sequence_number: all.length, ...fields }, type));
  const { status, reason } = ending(said);
  const opened = response(asked, serial, { status: 'in_progress', output: [], usage: null });
  send('response.created', { response: opened });
  send('response.in_progress', { response: opened });
  const items = itemsOf(asked, said, serial);
  items.forEach((item, index) => sendItem(send, item, { index, status, piece }));
  const output = items.map((item) => wholeItem(item, status));
  send(`response.${status}`, { response: response(asked, serial, { status, reason, output, usage: usage(said.usage) }) });
  return all;
}

interface Place {
  readonly index: number;
  readonly status: string;
  readonly piece: number;
}

function sendItem(send: Send, item: Item, { index, status, piece }: Place): void {
  const at = { item_id: item.id, output_index: index };
  send('response.output_item.added', { output_index: index, item: openItem(item) });
  switch (item.type) {
    case 'reasoning':
      if (item.text !== '') sendSummary(send, { ...at, summary_index: 0 }, pieces(item.text, piece), item.text);
      break;
    case 'message':
      item.content.forEach((content, nth) => sendContent(send, { ...at, content_index: nth }, pieces(content.text, piece), content));
      break;
    case 'function_call':
      for (const delta of pieces(item.args, piece)) send('response.function_call_arguments.delta', { ...at, delta });
      send('response.function_call_arguments.done', { ...at, name: item.name, arguments: item.args });
      break;
  }
  send('response.output_item.done', { output_index: index, item: wholeItem(item, status) });
}

function openItem(item: Item): object {
  switch (item.type) {
    case 'reasoning':
      return { id: item.id, type: 'reasoning', summary: [] };
    case 'message':
      return { id: item.id, type: 'message', status: 'in_progress', role: 'assistant', content: [] };
    case 'function_call':
      return { id: item.id, type: 'function_call', status: 'in_progress', call_id: item.callId, name: item.name, arguments: '' };
  }
}

function sendSummary(send: Send, at: object, parts: readonly string[], text: string): void {
  send('response.reasoning_summary_part.added', { ...at, part: { type: 'summary_text', text: '' } });
  for (const delta of parts) send('response.reasoning_summary_text.delta', { ...at, delta });
  send('response.reasoning_summary_text.done', { ...at, text });
  send('response.reasoning_summary_part.done', { ...at, part: { type: 'summary_text', text } });
}

function sendContent(send: Send, at: object, parts: readonly string[], { type, text }: Content): void {
  const [kind, field] = type === 'refusal' ? ['response.refusal', 'refusal'] : ['response.output_text', 'text'];
  const logprobs = type === 'refusal' ? {} : { logprobs: [] };
  send('response.content_part.added', { ...at, part: wholeContent({ type, text: '' }) });
  for (const delta of parts) send(`${kind}.delta`, { ...at, delta, ...logprobs });
  send(`${kind}.done`, { ...at, [field]: text, ...logprobs });
  send('response.content_part.done', { ...at, part: wholeContent({ type, text }) });
}

/**
 * The error lies in a field of its own, as it does on the wire, where the reference has its fields beside the type. Its
 * number in the sequence is not known here; readers do not count.
 */
function errorEvent(trouble: Trouble, message: string): string {
  return sseEvent({ type: 'error', sequence_number: 0, ...openaiErrorBody(trouble, message, 'input') }, 'error');
}
