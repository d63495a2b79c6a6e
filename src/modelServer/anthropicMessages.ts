// Anthropic Messages. What it counts as input leaves out what came from the cache or went into it, and where a request asks for JSON
// by the tool 'json' the answer is a call of that tool. Facts: https://docs.anthropic.com/en/api/messages.

import { anthropicError, anthropicErrorBody, anthropicModel, anthropicModels } from './anthropicErrors.ts';
import { jsonTool, readMessages } from './anthropicMessagesRequest.ts';
import { argsFrom, isFields } from './fields.ts';
import { argsText, idOf, wordsOf } from './said.ts';
import { pieces, sseEvent } from './sse.ts';
import type { Asked, Said, SaidUsage, Voice } from './wire.ts';

export const anthropicMessages: Voice = {
  protocol: 'anthropic.messages',
  read: readMessages,
  whole,
  events,
  error: anthropicError,
  errorEvent: (trouble, message) => sseEvent(anthropicErrorBody(trouble, message), 'error'),
  models: anthropicModels,
  model: anthropicModel,
};

/** A block of content before it is written: `raw` is what streams, in pieces. */
type Block =
  | { readonly type: 'thinking'; readonly raw: string; readonly signature: string }
  | { readonly type: 'text'; readonly raw: string }
  | { readonly type: 'tool_use'; readonly raw: string; readonly id: string; readonly name: string };

function whole(asked: Asked, said: Said, serial: number): unknown {
  const blocks = blocksOf(asked, said, serial);
  return {
    ...envelope(asked, serial),
    content: blocks.map(wholeBlock),
    ...stop(said, blocks),
    usage: { ...inputUsage(said.usage), ...outputUsage(said.usage) },
  };
}

function envelope(asked: Asked, serial: number): object {
  return { id: idOf('msg_', serial), type: 'message', role: 'assistant', model: asked.model };
}

function blocksOf(asked: Asked, said: Said, serial: number): readonly Block[] {
  if (said.empty) return [];
  const { text, refusal } = wordsOf(said);
  const signature = btoa(`signature of ${idOf('msg_', serial)}`);
  const json = text !== undefined && text !== '' && jsonTool(asked.body) !== undefined && isFields(argsFrom(text));
  const tools = json ? [{ name: 'json', args: text }, ...said.tools] : said.tools;
  return [
    ...(said.reasoning !== undefined ? [{ type: 'thinking', raw: said.reasoning, signature } as const] : []),
    ...(text !== undefined && text !== '' && !json ? [{ type: 'text', raw: text } as const] : []),
    ...(refusal !== undefined && refusal !== '' ? [{ type: 'text', raw: refusal } as const] : []),
    ...tools.map(({ name, args }, index) => {
      return { type: 'tool_use', raw: argsText(args), id: idOf('toolu_', serial, index), name } as const;
    }),
  ];
}

function wholeBlock(block: Block): object {
  switch (block.type) {
    case 'thinking':
      return { type: 'thinking', thinking: block.raw, signature: block.signature };
    case 'text':
      return { type: 'text', text: block.raw };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: argsFrom(block.raw) };
  }
}

function stop(said: Said, blocks: readonly Block[]): object {
  const reason = stopReason(said, blocks);
  return { stop_reason: reason, stop_sequence: null, stop_details: reason === 'refusal' ? refusalDetails(said) : null };
}

/** A classifier that stepped in names a category, a model that declined does not. */
function refusalDetails(said: Said): object {
  const [category, explanation] = said.finish === 'filter' ? ['cyber', 'The request was declined.'] : [null, wordsOf(said).refusal || null];
  return { type: 'refusal', category, explanation };
}

function stopReason({ finish }: Said, blocks: readonly Block[]): string {
  switch (finish) {
    case 'stop':
      return blocks.some(({ type }) => type === 'tool_use') ? 'tool_use' : 'end_turn';
    case 'tools':
      return 'tool_use';
    case 'length':
      return 'max_tokens';
    case 'filter':
    case 'refusal':
      return 'refusal';
    default:
      return finish;
  }
}

function inputUsage({ tokensIn, tokensCached, tokensCacheWritten = 0 }: SaidUsage): object {
  return {
    input_tokens: tokensIn - tokensCached - tokensCacheWritten,
    cache_creation_input_tokens: tokensCacheWritten,
    cache_read_input_tokens: tokensCached,
  };
}

function outputUsage({ tokensOut, tokensReasoning }: SaidUsage): object {
  return { output_tokens: tokensOut, output_tokens_details: { thinking_tokens: tokensReasoning }, service_tier: 'standard' };
}

function events(asked: Asked, said: Said, serial: number, piece: number): readonly string[] {
  const all: string[] = [];
  const send = (type: string, fields: object): void => void all.push(sseEvent({ type, ...fields }, type));
  const blocks = blocksOf(asked, said, serial);
  const start = { content: [], stop_reason: null, stop_sequence: null, stop_details: null };
  const usage = { ...inputUsage(said.usage), output_tokens: 1, service_tier: 'standard' };
  send('message_start', { message: { ...envelope(asked, serial), ...start, usage } });
  send('ping', {});
  blocks.forEach((block, index) => {
    send('content_block_start', { index, content_block: openBlock(block) });
    for (const delta of deltasOf(block, piece)) send('content_block_delta', { index, delta });
    send('content_block_stop', { index });
  });
  send('message_delta', { delta: stop(said, blocks), usage: { ...inputUsage(said.usage), ...outputUsage(said.usage) } });
  send('message_stop', {});
  return all;
}

function openBlock(block: Block): object {
  switch (block.type) {
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'text':
      return { type: 'text', text: '' };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: {} };
  }
}

function deltasOf(block: Block, piece: number): readonly object[] {
  const parts = pieces(block.raw, piece);
  switch (block.type) {
    case 'thinking': {
      const signature = { type: 'signature_delta', signature: block.signature };
      return [...parts.map((thinking) => ({ type: 'thinking_delta', thinking })), signature];
    }
    case 'text':
      return parts.map((text) => ({ type: 'text_delta', text }));
    case 'tool_use': // the first delta is always empty
      return ['', ...parts].map((partial) => ({ type: 'input_json_delta', partial_json: partial }));
  }
}
