// A streamed turn put together: the same result that an answer in one piece gives, while an observer hears its parts.
// Called by sending.ts. A stream that ends without saying so has broken off: it never counts as an answer.

import type { LanguageModelV4Content, LanguageModelV4GenerateResult, LanguageModelV4StreamPart, SharedV4Headers } from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';

/** A piece of what a model is saying, as it comes. */
export type Delta =
  | { readonly type: 'text' | 'reasoning'; readonly delta: string }
  /** Arguments of a tool call, as they are written. */
  | { readonly type: 'tool'; readonly tool: string; readonly id: string; readonly delta: string };

/** A `{ type: 'error' }` part, as something to throw. */
export class StreamFailure extends Error {
  constructor(error: unknown) {
    super('the stream carried an error', { cause: error });
  }
}

type Block = {
  -readonly [K in keyof Extract<LanguageModelV4Content, { type: 'text' }>]: Extract<LanguageModelV4Content, { type: 'text' }>[K];
};

interface Draft {
  readonly content: LanguageModelV4Content[];
  /** Text and reasoning that is still being written, by kind and id. */
  readonly open: Map<string, { readonly pieces: string[]; readonly part: Block | Extract<LanguageModelV4Content, { type: 'reasoning' }> }>;
  readonly tools: Map<string, string>;
  warnings: LanguageModelV4GenerateResult['warnings'];
  end: Extract<LanguageModelV4StreamPart, { type: 'finish' }> | undefined;
}

/**
 * Reads a stream to its end. `told` hears every part before it is put in its place, and whether it is some of the answer; `headers` are those of its response.
 * @throws StreamFailure for an error part; AmdahlError MODEL_GARBAGE (retryable) for a stream that broke off; what the stream throws.
 */
export async function collect(
  stream: ReadableStream<LanguageModelV4StreamPart>,
  model: string,
  told: (delta: Delta | undefined, isAnswer: boolean) => void,
  headers?: SharedV4Headers,
): Promise<LanguageModelV4GenerateResult> {
  const draft: Draft = { content: [], open: new Map(), tools: new Map(), warnings: [], end: undefined };
  for await (const part of stream) {
    told(deltaOf(draft, part), !BEFORE.has(part.type));
    add(draft, part);
  }
  const { content, end, warnings } = draft;
  if (end === undefined || isUnsaid(end.finishReason)) throw brokenOff(model);
  for (const open of draft.open.values()) close(open);
  const { finishReason, usage, providerMetadata } = end;
  return {
    content,
    finishReason,
    usage,
    warnings,
    ...(providerMetadata === undefined ? {} : { providerMetadata }),
    ...(headers === undefined ? {} : { response: { headers } }),
  };
}

/**
 * The text of the last final answer, where a provider tells comments from it, as OpenAI's Responses do: what its package
 * gives as `structuredOutputText` where an answer comes whole. Pure.
 */
export function finalText(content: readonly LanguageModelV4Content[]): string | undefined {
  const final = content.flatMap((part) => {
    const metadata =
      part.type === 'text' ? Object.values(part.providerMetadata ?? {}).find(({ phase }) => phase === 'final_answer') : undefined;
    return part.type === 'text' && metadata !== undefined ? [{ text: part.text, item: metadata['itemId'] }] : [];
  });
  const last = final.at(-1)?.item;
  const texts = final.filter(({ item }) => item === last).map(({ text }) => text);
  return texts.length === 0 ? undefined : texts.join('');
}

/** The provider never said why it stopped. AI SDK packages call that 'interrupted'; older ones leave their first guess. */
function isUnsaid({ unified, raw }: LanguageModelV4GenerateResult['finishReason']): boolean {
  return unified === 'interrupted' || (unified === 'other' && raw === undefined);
}

/** What may come before a model has read its prompt. */
const BEFORE: ReadonlySet<string> = new Set<LanguageModelV4StreamPart['type']>([
  'stream-start',
  'response-metadata',
  'ping',
  'raw',
  'error',
  'finish',
]);

function deltaOf({ tools }: Draft, part: LanguageModelV4StreamPart): Delta | undefined {
  switch (part.type) {
    case 'text-delta':
      return { type: 'text', delta: part.delta };
    case 'reasoning-delta':
      return { type: 'reasoning', delta: part.delta };
    case 'tool-input-delta':
      return { type: 'tool', tool: tools.get(part.id) ?? '', id: part.id, delta: part.delta };
    default:
      return undefined;
  }
}

function add(draft: Draft, part: LanguageModelV4StreamPart): void {
  switch (part.type) {
    case 'text-start':
    case 'reasoning-start':
      begin(draft, part.type === 'text-start' ? 'text' : 'reasoning', part);
      return;
    case 'text-delta':
    case 'reasoning-delta': {
      const kind = part.type === 'text-delta' ? 'text' : 'reasoning';
      const block = draft.open.get(`${kind} ${part.id}`) ?? begin(draft, kind, part);
      block.pieces.push(part.delta);
      if (part.providerMetadata !== undefined) block.part.providerMetadata = part.providerMetadata;
      return;
    }
    case 'text-end':
    case 'reasoning-end':
      return end(draft, part);
    case 'tool-input-start':
      draft.tools.set(part.id, part.toolName);
      return;
    case 'stream-start':
      draft.warnings = part.warnings;
      return;
    case 'finish':
      draft.end = part;
      return;
    case 'error':
      throw new StreamFailure(part.error);
    case 'tool-call':
    case 'tool-result':
    case 'tool-approval-request':
    case 'custom':
    case 'file':
    case 'reasoning-file':
    case 'source':
      draft.content.push(part);
      return;
    // The arguments come again, whole, in the tool call itself; the rest is about the wire.
    case 'tool-input-delta':
    case 'tool-input-end':
    case 'response-metadata':
    case 'ping':
    case 'raw':
      return;
  }
}

type Open = NonNullable<ReturnType<Draft['open']['get']>>;

/** A part stands where its first piece came, whatever comes between. */
function begin(
  draft: Draft,
  type: 'text' | 'reasoning',
  { id, providerMetadata }: { readonly id: string; readonly providerMetadata?: Block['providerMetadata'] },
): Open {
  const part = { type, text: '', ...(providerMetadata === undefined ? {} : { providerMetadata }) } as Open['part'];
  const block: Open = { pieces: [], part };
  const before = draft.open.get(`${type} ${id}`);
  if (before !== undefined) close(before);
  draft.open.set(`${type} ${id}`, block);
  draft.content.push(part);
  return block;
}

function end(draft: Draft, part: Extract<LanguageModelV4StreamPart, { type: 'text-end' | 'reasoning-end' }>): void {
  const key = `${part.type === 'text-end' ? 'text' : 'reasoning'} ${part.id}`;
  const block = draft.open.get(key);
  if (block === undefined) return;
  draft.open.delete(key);
  close(block);
  if (part.providerMetadata !== undefined) block.part.providerMetadata = part.providerMetadata;
  if (part.type === 'text-end' && part.citations !== undefined) Object.assign(block.part, { citations: part.citations });
}

function close({ part, pieces }: Open): void {
  part.text = pieces.join('');
}

/** The error for an answer whose end never came. */
export function brokenOff(model: string): AmdahlError {
  return new AmdahlError('MODEL_GARBAGE', `The answer of ${model} broke off in the middle. What came is not used.`, {
    retryable: 'yes',
    data: { model },
  });
}
