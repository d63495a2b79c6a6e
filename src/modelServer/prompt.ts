// A request as a model would read it: tools and form first, then the conversation, so that what two requests share is
// what a provider's prompt cache would find. And what is shared, measured.

import { hash } from '../agent/canonical.ts';
import { estimateTokens } from '../model/tokens.ts';
import type { Asked, AskedMessage, AskedPart, SaidUsage } from './wire.ts';

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

/** The input tokens of a request, counted as the gate estimates them before it sends. O(n). */
export function tokensIn({ messages, tools, form }: Asked): number {
  let tokens = TOKENS_PER_MESSAGE;
  for (const tool of tools) tokens += TOKENS_PER_TOOL + tokensOf(JSON.stringify(tool));
  if (form?.schema !== undefined) tokens += tokensOf(JSON.stringify(form.schema));
  for (const { parts } of messages) {
    tokens += TOKENS_PER_MESSAGE;
    for (const part of parts) tokens += partTokens(part);
  }
  return tokens;
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

/** The request as one text, in which calls have numbers instead of their ids: those say nothing to a model. Pure; O(n). */
export function promptText({ messages, tools, form }: Pick<Asked, 'messages' | 'tools' | 'form'>): string {
  let text = tools.length === 0 && form === undefined ? '' : `${JSON.stringify({ tools, form })}\n`;
  const numbers = new Map<string, number>();
  for (const message of messages) text += messageText(message, numbers);
  return text;
}

function messageText({ role, parts }: AskedMessage, numbers: Map<string, number>): string {
  let text = `\u0001${role}\n`;
  for (const part of parts) {
    if (part.type === 'text') text += part.text;
    else text += `${JSON.stringify('id' in part ? { ...part, id: numberOf(part.id, numbers) } : part)}\n`;
  }
  return text;
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

/** How the input tokens of a request are billed. Anthropic caches what is marked alone, and tells what it wrote. Pure; O(n). */
export function cacheUsage(asked: Asked, shared: Shared, counted: number): Pick<SaidUsage, 'tokensCached' | 'tokensCacheWritten'> {
  const marked = markedOf(asked);
  if (marked === asked) return { tokensCached: Math.min(shared.tokensCached, counted) };
  const tokens = marked === undefined ? 0 : Math.min(tokensIn(marked), counted);
  if (marked === undefined || tokens < CACHED_TOKENS_LEAST) return { tokensCached: 0 };
  const known = shared.tokensCached > 0 && shared.sharedBytes >= Buffer.byteLength(promptText(marked));
  const tokensCached = known ? tokens : Math.min(shared.tokensCached, tokens);
  return { tokensCached, tokensCacheWritten: tokens - tokensCached };
}

/** The part of a prompt that its answer leaves in the cache; '' for none. Pure; O(n). */
export function cachedText(asked: Asked, prompt: string): string {
  const marked = markedOf(asked);
  return marked === asked ? prompt : marked === undefined ? '' : promptText(marked);
}

/** The part of a request that a provider may cache. */
function markedOf(asked: Asked): Asked | undefined {
  if (asked.protocol !== 'anthropic.messages') return asked;
  return asked.marked === undefined ? undefined : { ...asked, messages: asked.messages.slice(0, asked.marked) };
}

/** What a request shares with one before it. */
export interface Shared {
  readonly sharedBytes: number;
  readonly sharedTokens: number;
  /** Tokens that a provider would have in its cache: of requests that were answered, in whole blocks. */
  readonly tokensCached: number;
}

/** Characters of a step of the tree; about the 128 tokens of a provider's block. */
const STEP_CHARS = 512;
/** Steps that are kept, some 10 MB of text; a tree that is fuller begins anew. */
const STEPS_MAX = 20_000;
/** https://platform.openai.com/docs/guides/prompt-caching: from 1,024 tokens on, in steps of 128. */
const CACHED_TOKENS_LEAST = 1_024;
const CACHED_TOKENS_STEP = 128;

interface Step {
  /** The text of this step itself. */
  readonly own: string;
  readonly next: Map<string, Step>;
  /** What the newest request that came here went on with: at most the length of a step. */
  newest: string;
  /** From the beginning to the end of this step. */
  readonly tokens: number;
  warm: boolean;
}

const step = (own: string, before: number): Step => ({
  own,
  next: new Map(),
  newest: '',
  tokens: before + estimateTokens(own),
  warm: false,
});

/**
 * What prompts had in common, as a tree of their texts in steps of 512 characters. What is found is shared for certain;
 * beyond the last whole step only the newest request is compared, so up to 511 characters may go unseen. O(characters)
 * for each request; at most 20,000 steps are kept.
 */
export class Prefixes {
  #root: Step = step('', 0);
  #steps = 0;

  /** What this prompt shares with those before it; from now on it is one of them. */
  enter(text: string): Shared {
    if (this.#steps >= STEPS_MAX) this.clear();
    let at = this.#root;
    let chars = 0;
    let warmTokens = 0;
    for (let next = nextOf(at, text, chars); next !== undefined; next = nextOf(at, text, chars)) {
      at.newest = next.own;
      at = next;
      chars += STEP_CHARS;
      if (at.warm) warmTokens = at.tokens;
    }
    const rest = text.slice(chars, chars + STEP_CHARS);
    const more = sameChars(rest, at.newest);
    const sharedTokens = at.tokens + estimateTokens(rest.slice(0, more));
    this.#grow(at, text, chars);
    return { sharedBytes: Buffer.byteLength(text.slice(0, chars + more)), sharedTokens, tokensCached: inBlocks(warmTokens) };
  }

  #grow(from: Step, text: string, start: number): void {
    let at = from;
    for (let chars = start; chars < text.length && this.#steps < STEPS_MAX; chars += STEP_CHARS) {
      const part = copied(text.slice(chars, chars + STEP_CHARS));
      at.newest = part;
      if (part.length < STEP_CHARS) return;
      const next = step(part, at.tokens);
      at.next.set(part, next);
      this.#steps += 1;
      at = next;
    }
  }

  /** The prompt was answered: the next one finds it in the cache. */
  warm(text: string): void {
    let at = this.#root;
    let chars = 0;
    for (let next = nextOf(at, text, chars); next !== undefined; next = nextOf(at, text, chars)) {
      next.warm = true;
      at = next;
      chars += STEP_CHARS;
    }
  }

  clear(): void {
    this.#root = step('', 0);
    this.#steps = 0;
  }
}

function nextOf({ next }: Step, text: string, chars: number): Step | undefined {
  return chars + STEP_CHARS > text.length ? undefined : next.get(text.slice(chars, chars + STEP_CHARS));
}

/** A part of a text keeps all of it in memory, unless it is copied. Lone surrogates become equal, which is as good. */
function copied(part: string): string {
  return Buffer.from(part).toString();
}

function sameChars(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return at;
}

function inBlocks(tokens: number): number {
  const whole = Math.floor(tokens / CACHED_TOKENS_STEP) * CACHED_TOKENS_STEP;
  return whole < CACHED_TOKENS_LEAST ? 0 : whole;
}
