// How many tokens a request will probably have, before it is sent. The gate reserves budgets with it, and the loop
// uses it where a provider reports no usage. An estimate, so nothing may depend on it being exact.

import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider';

/** What a message costs beyond its content: the marks around it and its role. */
const TOKENS_PER_MESSAGE = 4;
/** What a tool, a tool call or a tool result costs beyond its JSON. */
const TOKENS_PER_TOOL = 8;
/** A picture of about one megapixel; providers ask between 250 and 1,700. */
const TOKENS_PER_IMAGE = 1600;
/** A file that is neither text nor a picture: a page of PDF has some 50 kB and some 2,500 tokens. */
const BYTES_PER_TOKEN = 20;
const TOKENS_PER_FILE_MIN = 500;

/**
 * The estimated tokens of a text. Pure; O(n), no tables.
 *
 * Runs of characters are counted by class, with weights fitted by least squares to the o200k_base vocabulary over 250
 * files. Of them (English prose and Markdown, TypeScript, JavaScript, JSON) nine in ten were within 13 % and all within
 * 22 %; texts in 16 other languages within 17 %. Expect more tokens than estimated in base64 (60 %), and, with
 * vocabularies that know fewer languages (cl100k_base), in scripts other than Latin (20 to 60 %).
 */
export function estimateTokens(text: string): number {
  let tokens = 0;
  let before = SPACE;
  let run = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const own = code < 128 ? (kinds[code] ?? SPACE) : wideKind(code);
    // A line break anywhere in white space makes all of it one break.
    const kind = own === SPACE && before === BREAK ? BREAK : own;
    const joined = kind === before || (kind === LOWER && before === UPPER) || (kind === BREAK && before === SPACE);
    if (!joined) {
      tokens += spaceTokens(before, run);
      run = 0;
    }
    tokens += characterTokens(kind, run);
    run++;
    before = kind;
  }
  return Math.ceil(tokens + spaceTokens(before, run));
}

const SPACE = 0;
const BREAK = 1;
const LOWER = 2;
const UPPER = 3;
const DIGIT = 4;
const MARK = 5;
const LATIN = 6;
const ALPHABET = 7;
const IDEOGRAPH = 8;
const OTHER = 9;

const kinds: readonly number[] = Array.from({ length: 128 }, (_, code) => {
  const char = String.fromCharCode(code);
  if (char === '\n') return BREAK;
  if (/\s/.test(char)) return SPACE;
  if (/[a-z]/.test(char)) return LOWER;
  if (/[A-Z]/.test(char)) return UPPER;
  return /\d/.test(char) ? DIGIT : MARK;
});

function wideKind(code: number): number {
  if (code < 0x250) return LATIN;
  if (code < 0x2000) return ALPHABET;
  const ideograph = (code >= 0x2e80 && code < 0xd800) || (code >= 0xf900 && code < 0xfb00) || code >= 0xff00;
  return ideograph ? IDEOGRAPH : OTHER;
}

/** What the next character of a run adds; `run` is how many there are before it. */
function characterTokens(kind: number, run: number): number {
  switch (kind) {
    case LOWER:
    case UPPER:
      return run === 0 ? 0.73 : run < 5 ? 0 : 0.19;
    case DIGIT:
      return run % 3 === 0 ? 1.3 : 0;
    case MARK:
      return run === 0 ? 1.03 : run < 4 ? 0 : 0.1;
    case LATIN:
      return 0.78;
    case ALPHABET:
      return 0.35;
    case IDEOGRAPH:
      return 0.65;
    case OTHER:
      return 1.65;
    default:
      return 0;
  }
}

/** One space belongs to the word after it; more, or a line break, is a token of its own. */
function spaceTokens(kind: number, run: number): number {
  if (kind === BREAK) return 1.03;
  return kind === SPACE && run > 1 ? 1.23 : 0;
}

/** Messages do not change once made. */
const known = new WeakMap<object, number>();

function remembered<T extends object>(value: T, estimate: (value: T) => number): number {
  const before = known.get(value);
  if (before !== undefined) return before;
  const tokens = estimate(value);
  known.set(value, tokens);
  return tokens;
}

/** The estimated input tokens of what stays the same over a conversation: its tools and the form of its answer. O(n). */
export function estimateSetup({ tools, responseFormat }: Pick<LanguageModelV4CallOptions, 'tools' | 'responseFormat'>): number {
  const schema = responseFormat?.type === 'json' ? responseFormat.schema : undefined;
  return (tools ?? []).reduce((sum, tool) => sum + TOKENS_PER_TOOL + jsonTokens(tool), schema === undefined ? 0 : jsonTokens(schema));
}

/** The estimated tokens of a conversation. O(n); instructions, which many conversations share, are counted once by identity. */
export function estimatePrompt(prompt: LanguageModelV4Prompt): number {
  let tokens = TOKENS_PER_MESSAGE;
  for (const message of prompt) tokens += message.role === 'system' ? remembered(message, messageTokens) : messageTokens(message);
  return tokens;
}

function messageTokens(message: LanguageModelV4Message): number {
  if (message.role === 'system') return TOKENS_PER_MESSAGE + estimateTokens(message.content);
  let tokens = TOKENS_PER_MESSAGE;
  for (const part of message.content) tokens += partTokens(part);
  return tokens;
}

type Part = Exclude<LanguageModelV4Message, { role: 'system' }>['content'][number];

function partTokens(part: Part): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return estimateTokens(part.text);
    case 'file':
    case 'reasoning-file':
      return fileTokens(part.data, part.mediaType);
    case 'tool-call':
      return TOKENS_PER_TOOL + estimateTokens(part.toolName) + jsonTokens(part.input);
    case 'tool-result':
      return TOKENS_PER_TOOL + estimateTokens(part.toolName) + resultTokens(part.output);
    case 'tool-approval-response':
      return TOKENS_PER_TOOL + estimateTokens(part.reason ?? '');
    case 'custom':
      return jsonTokens(part.providerOptions ?? {});
  }
}

function resultTokens(output: LanguageModelV4ToolResultOutput): number {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return estimateTokens(output.value);
    case 'json':
    case 'error-json':
      return jsonTokens(output.value);
    case 'execution-denied':
      return estimateTokens(output.reason ?? '');
    case 'content':
      return output.value.reduce((sum, part) => sum + contentTokens(part), 0);
  }
}

function contentTokens(part: Extract<LanguageModelV4ToolResultOutput, { type: 'content' }>['value'][number]): number {
  switch (part.type) {
    case 'text':
      return estimateTokens(part.text);
    case 'file':
      return fileTokens(part.data, part.mediaType);
    case 'custom':
      return jsonTokens(part.providerOptions ?? {});
  }
}

function fileTokens(data: LanguageModelV4FilePart['data'], mediaType: string): number {
  if (data.type === 'text') return estimateTokens(data.text);
  if (mediaType.startsWith('image') || data.type !== 'data') return TOKENS_PER_IMAGE;
  const bytes = typeof data.data === 'string' ? data.data.length * 0.75 : data.data.byteLength;
  if (mediaType.startsWith('text')) return Math.ceil(bytes / 4);
  return Math.max(TOKENS_PER_FILE_MIN, Math.ceil(bytes / BYTES_PER_TOKEN));
}

function jsonTokens(value: unknown): number {
  return estimateTokens(JSON.stringify(value) ?? '');
}
