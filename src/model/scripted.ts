// A model that follows a script: expected turns, in order, with drift told apart. For tests; no LLM is asked.

import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4Message,
} from '@ai-sdk/provider';
import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { streamOf } from './wholeStream.ts';
import { estimatePrompt, estimateTokens } from './tokens.ts';

/** What one turn of a script expects and answers. */
export interface ScriptedTurn {
  /** The last message must contain this text or match this pattern; a function gets the whole request and says what is wrong, if anything. */
  readonly expect?: string | RegExp | ((request: LanguageModelV4CallOptions) => string | undefined | void);
  /** Answers with these parts as a provider gives them (reasoning, metadata), before all others. */
  readonly content?: readonly LanguageModelV4Content[];
  /** Answers with text. */
  readonly text?: string;
  /** Answers with JSON. */
  readonly object?: unknown;
  /** Answers by calling tools: [name, arguments]. */
  readonly tools?: readonly (readonly [name: string, args: unknown])[];
  /** Fails the request. */
  readonly error?: Error;
  readonly finish?: LanguageModelV4FinishReason['unified'];
  readonly tokensIn?: number;
  readonly tokensOut?: number;
}

const FIELDS: OptionNames<ScriptedTurn> = {
  expect: true,
  content: true,
  text: true,
  object: true,
  tools: true,
  error: true,
  finish: true,
  tokensIn: true,
  tokensOut: true,
};

export interface ScriptedModel extends LanguageModelV4 {
  /** Every request so far. */
  readonly requests: readonly LanguageModelV4CallOptions[];
  /** @throws AmdahlError SCRIPT_DRIFT when turns were never asked for, or a request differed from its turn, whoever caught that. */
  assertComplete(): void;
}

/**
 * A model that answers by script: turns in the order in which they are asked for, or a function of each request.
 * A request beyond the script, or one that does not meet its `expect`, fails with SCRIPT_DRIFT naming turn and difference.
 */
export function scripted(
  script: readonly ScriptedTurn[] | ((request: LanguageModelV4CallOptions, nth: number) => ScriptedTurn | Promise<ScriptedTurn>),
  options: { readonly modelId?: string } = {},
): ScriptedModel {
  checkOptions(options, { modelId: true }, 'scripted()');
  if (typeof script !== 'function') script.forEach(checkTurn);
  const requests: LanguageModelV4CallOptions[] = [];
  let drifted: AmdahlError | undefined;
  const generate = async (request: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> => {
    const nth = requests.length;
    // The prompt grows while the conversation goes on: a test wants what was sent then.
    requests.push({ ...request, prompt: [...request.prompt] });
    const turn = typeof script === 'function' ? await script(request, nth) : script[nth];
    if (turn !== undefined) checkTurn(turn, nth);
    const wrong = turn === undefined ? beyond(request, nth) : meet(turn, request, nth);
    if (turn === undefined || wrong !== undefined) {
      drifted ??= drift(wrong ?? '');
      throw drift(wrong ?? '');
    }
    if (turn.error !== undefined) throw turn.error;
    return answer(turn, request, nth);
  };
  const model: ScriptedModel = {
    specificationVersion: 'v4',
    provider: 'scripted',
    modelId: options.modelId ?? 'script',
    supportedUrls: {},
    requests,
    assertComplete: () => {
      if (drifted !== undefined) throw drifted;
      if (typeof script === 'function' || requests.length >= script.length) return;
      throw drift(`the script has ${script.length} turns, but only ${requests.length} were asked for`);
    },
    doGenerate: generate,
    doStream: async (request) => ({ stream: streamOf(await generate(request)) }),
  };
  return asStandIn(model);
}

const scripts = new WeakSet<object>();

/** The same model, known from now on as one behind which no provider is. */
export function asStandIn<T extends LanguageModelV4>(model: T): T {
  scripts.add(model);
  return model;
}

/** Whether a model is a script: it stands in for one, and no provider is behind it. */
export function isStandIn(model: LanguageModelV4): boolean {
  return scripts.has(model);
}

function checkTurn(turn: ScriptedTurn, nth: number): void {
  const who = `Turn ${nth + 1} of the script`;
  checkOptions(turn, FIELDS, who, 'a field');
  const tools: unknown = turn.tools ?? [];
  if (Array.isArray(tools) && tools.every((call) => Array.isArray(call) && typeof call[0] === 'string')) return;
  throw new AmdahlError('MISCONFIGURED', `${who} has tools that are no list of calls. Write a call like ['search', { … }].`);
}

function beyond(request: LanguageModelV4CallOptions, nth: number): string {
  return `request ${nth + 1} is beyond the script of ${nth} turns; its last message: ${shorten(lastMessage(request))}`;
}

/** What is wrong with a request, if anything. */
function meet({ expect }: ScriptedTurn, request: LanguageModelV4CallOptions, nth: number): string | undefined {
  if (expect === undefined) return undefined;
  if (typeof expect === 'function') {
    const wrong = expect(request);
    return typeof wrong === 'string' ? `request ${nth + 1}: ${wrong}` : undefined;
  }
  const last = lastMessage(request);
  const met = typeof expect === 'string' ? last.includes(expect) : expect.test(last);
  if (met) return undefined;
  return `request ${nth + 1} should say ${typeof expect === 'string' ? JSON.stringify(expect) : String(expect)}, but its last message is ${shorten(last)}`;
}

function answer(turn: ScriptedTurn, request: LanguageModelV4CallOptions, nth: number): LanguageModelV4GenerateResult {
  const content: LanguageModelV4Content[] = [...(turn.content ?? [])];
  if (turn.text !== undefined) content.push({ type: 'text', text: turn.text });
  if (turn.object !== undefined) content.push({ type: 'text', text: JSON.stringify(turn.object) });
  for (const [index, [toolName, args]] of (turn.tools ?? []).entries()) {
    content.push({
      type: 'tool-call',
      toolCallId: `call-${nth}-${index}`,
      toolName,
      input: typeof args === 'string' ? args : JSON.stringify(args),
    });
  }
  const unified = turn.finish ?? (turn.tools === undefined ? 'stop' : 'tool-calls');
  return {
    content,
    finishReason: { unified, raw: undefined },
    usage: {
      inputTokens: {
        total: turn.tokensIn ?? estimatePrompt(request.prompt),
        noCache: undefined,
        cacheRead: undefined,
        cacheWrite: undefined,
      },
      outputTokens: { total: turn.tokensOut ?? estimateTokens(JSON.stringify(content)), text: undefined, reasoning: undefined },
    },
    warnings: [],
  };
}

/** The last message of a request, as text: what a turn's `expect` looks at. Pure. */
export function lastMessage({ prompt }: Pick<LanguageModelV4CallOptions, 'prompt'>): string {
  const last = prompt.at(-1);
  return last === undefined ? '' : messageText(last);
}

/** A message as text, what is no text in it as JSON. Pure. */
export function messageText({ content }: LanguageModelV4Message): string {
  if (typeof content === 'string') return content;
  return content.map((part) => (part.type === 'text' ? part.text : JSON.stringify(part))).join('\n');
}

function shorten(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}

function drift(what: string): AmdahlError {
  return new AmdahlError('SCRIPT_DRIFT', `The scripted model was asked something else than its script: ${what}.`);
}
