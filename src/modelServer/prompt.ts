// A request as a model would read it: tools and form first, then the conversation, so that what two requests share is
// what a provider's prompt cache would find. Called by desk.ts.

import { hash } from '../agent/canonical.ts';
import { estimateTokens } from '../model/tokens.ts';
import type { Asked, AskedPart } from './wire.ts';

/** As model/tokens.ts counts: the marks around a message, a tool, a picture, a file. */
const TOKENS_PER_MESSAGE = 4;
const TOKENS_PER_TOOL = 8;
const TOKENS_PER_IMAGE = 1600;
const BYTES_PER_TOKEN = 20;
const TOKENS_PER_FILE_MIN = 500;

/** Counts of long texts are kept, for instructions come again with every request. */
const REMEMBERED_CHARS_LEAST = 1_000;
const REMEMBERED_CHARS_MAX = 8_000_000;
const remembered = new Map<string, number>();
let rememberedChars = 0;

function tokensOf(text: string): number {
  if (text.length < REMEMBERED_CHARS_LEAST) return estimateTokens(text);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  const tokens = estimateTokens(text);
  if (rememberedChars + text.length > REMEMBERED_CHARS_MAX) {
    remembered.clear();
    rememberedChars = 0;
  }
  remembered.set(text, tokens);
  rememberedChars += text.length;
  return tokens;
}

/** A piece of a prompt: its tools and form, or one part of a message. */
export interface Block {
  readonly text: string;
  readonly tokens: number;
  /** What ends here is to be cached. */
  readonly marked: boolean;
}

/** The input tokens of a request, counted as the gate estimates them before it sends. O(n). */
export function tokensIn(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { tokens }) => sum + tokens, 0);
}

/**
 * The request as its blocks, in the order in which a provider caches them. Calls have numbers instead of their ids: those say
 * nothing to a model. Pure; O(n).
 */
export function promptBlocks({ messages, tools, form }: Pick<Asked, 'messages' | 'tools' | 'form'>): readonly Block[] {
  const blocks: Block[] = [toolsBlock(tools, form)];
  const numbers = new Map<string, number>();
  for (const { role, parts } of messages) {
    const head = `\u0001${role}\n`;
    if (parts.length === 0) blocks.push({ text: head, tokens: TOKENS_PER_MESSAGE, marked: false });
    parts.forEach((part, nth) => {
      const text = `${nth === 0 ? head : ''}${partText(part, numbers)}`;
      blocks.push({ text, tokens: (nth === 0 ? TOKENS_PER_MESSAGE : 0) + partTokens(part), marked: part.marked === true });
    });
  }
  return blocks;
}

/** A mark is no part of what a model reads. */
const UNMARKED = { marked: undefined };

/** A mark on any of the tools counts behind the last. */
function toolsBlock(tools: Asked['tools'], form: Asked['form']): Block {
  const plain = tools.map((tool) => ({ ...tool, ...UNMARKED }));
  let tokens = TOKENS_PER_MESSAGE;
  for (const tool of plain) tokens += TOKENS_PER_TOOL + tokensOf(JSON.stringify(tool));
  if (form?.schema !== undefined) tokens += tokensOf(JSON.stringify(form.schema));
  const text = tools.length === 0 && form === undefined ? '' : `${JSON.stringify({ tools: plain, form })}\n`;
  return { text, tokens, marked: tools.some(({ marked }) => marked === true) };
}

function partTokens(part: AskedPart): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return tokensOf(part.text);
    case 'file':
      if (part.mediaType.startsWith('image') || part.bytes === undefined) return TOKENS_PER_IMAGE;
      return part.mediaType.startsWith('text')
        ? Math.ceil(part.bytes / 4)
        : Math.max(TOKENS_PER_FILE_MIN, Math.ceil(part.bytes / BYTES_PER_TOKEN));
    case 'toolCall':
      return TOKENS_PER_TOOL + tokensOf(part.tool) + tokensOf(JSON.stringify(part.args) ?? '');
    case 'toolResult':
      return TOKENS_PER_TOOL + tokensOf(part.text);
  }
}

/** The request as one text. Pure; O(n). */
export function promptText(blocks: readonly Block[]): string {
  return blocks.map(({ text }) => text).join('');
}

function partText(part: AskedPart, numbers: Map<string, number>): string {
  if (part.type === 'text') return part.text;
  return `${JSON.stringify({ ...part, ...UNMARKED, ...('id' in part && { id: numberOf(part.id, numbers) }) })}\n`;
}

function numberOf(id: string, numbers: Map<string, number>): number {
  const number = numbers.get(id) ?? numbers.size;
  numbers.set(id, number);
  return number;
}

/** What all draws for a request follow from: equal for equal requests, whoever sends them and when. Pure; O(n). */
export function keyOf({ protocol, model, toolChoice, temperature }: Asked, prompt: string): string {
  return hash(`${JSON.stringify([protocol, model, toolChoice, temperature ?? null])}\n${prompt}`);
}
