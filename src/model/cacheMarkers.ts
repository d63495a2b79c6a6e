// Where a request says what the provider's prompt cache is to hold, in that provider's words. Called for each sending by
// run/promptCaching.ts. Pure: marks are no part of a conversation, of its journal or of a fingerprint.
//
// K1 at most four marks, the most that providers take: behind the instructions (tools come before them, so these are in it),
//    behind the fields that calls share, where the turn before ended, and at the end.
// K2 the mark where the turn before ended stays, so that it is found however many blocks a turn adds: Anthropic looks only 20 back.
// K3 whoever marks something of a request is left to it: then nothing is added.

import type { LanguageModelV4CallOptions, LanguageModelV4Message, LanguageModelV4Prompt, SharedV4ProviderOptions } from '@ai-sdk/provider';
import { type CacheRule, cacheRule, type MarkDialect } from './cacheRules.ts';
import { endsShared } from './opening.ts';

/** What a request marks. */
export interface Marking {
  readonly rule: CacheRule;
  /** What the calls of an agent have in common: other calls read it. */
  readonly shared: boolean;
  /** All of it, and what the turn before had: the next turn reads it. */
  readonly end: boolean;
  /** By which requests with one prefix meet one machine. */
  readonly key: string | undefined;
}

const MARKS: Readonly<Record<MarkDialect, SharedV4ProviderOptions>> = {
  anthropic: { anthropic: { cacheControl: { type: 'ephemeral' } } },
  bedrock: { bedrock: { cachePoint: { type: 'default' } } },
  openrouter: { openrouter: { cacheControl: { type: 'ephemeral' } } },
  openai: { openai: { promptCacheBreakpoint: { mode: 'explicit' } }, azure: { promptCacheBreakpoint: { mode: 'explicit' } } },
};

/** Options of these names say what is cached, whosever they are. */
const SAYS: readonly string[] = [
  'cacheControl',
  'cache_control',
  'cachePoint',
  'promptCacheBreakpoint',
  'promptCacheKey',
  'promptCacheOptions',
  'promptCacheRetention',
  'cachedContent',
];

/** The request with its marks; the same object where it needs none, or has some of its own. O(parts). */
export function marked(options: LanguageModelV4CallOptions, { rule, shared, end, key }: Marking): LanguageModelV4CallOptions {
  if (saysItself(options)) return options;
  const places = rule.marks === undefined ? [] : [...(shared ? sharedEnds(options.prompt) : []), ...(end ? turnEnds(options.prompt) : [])];
  const prompt = rule.marks === undefined || places.length === 0 ? options.prompt : markedAt(options.prompt, places, MARKS[rule.marks]);
  const own = requestOptions(rule, key);
  if (prompt === options.prompt && own === undefined) return options;
  return { ...options, prompt, ...(own === undefined ? {} : { providerOptions: merged(options.providerOptions, own) }) };
}

/** The request where nothing of it is to be written: some providers do, for money, unless they are told. */
export function uncached(model: Parameters<typeof cacheRule>[0], options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const rule = cacheRule(model);
  return rule?.marksEndItself === true ? marked(options, { rule, shared: false, end: false, key: undefined }) : options;
}

/** A request, or the record of one, without anything that says what is to be cached: no answer follows from it. O(parts). */
export function unmarked<T extends object>(request: T): T {
  const copy = new Map<string, unknown>(Object.entries(withoutMarks(request, false)));
  for (const name of ['prompt', 'tools']) {
    const list: unknown = copy.get(name);
    if (Array.isArray(list))
      copy.set(
        name,
        list.map((one: unknown) => (typeof one === 'object' && one !== null ? withoutMarks(one, name === 'prompt') : one)),
      );
  }
  return Object.fromEntries(copy) as T; // the same but for its options
}

/** The place of a mark: a message, and the part in it; the message itself where it has none. */
interface Place {
  readonly message: number;
  readonly part?: number;
}

function sharedEnds(prompt: LanguageModelV4Prompt): readonly Place[] {
  const system = prompt.findLastIndex((message, at) => message.role === 'system' && at < 2 && message.content.trim() !== '');
  const user = prompt.findIndex(({ role }) => role === 'user');
  const parts = prompt[user]?.role === 'user' ? prompt[user].content : [];
  const part = parts.findLastIndex((one) => endsShared(one));
  return [...(system < 0 ? [] : [{ message: system }]), ...(part < 0 ? [] : [{ message: user, part }])];
}

/** The ends of what the last two requests of a conversation had, oldest first. */
function turnEnds(prompt: LanguageModelV4Prompt): readonly Place[] {
  const answer = prompt.findLastIndex(({ role }) => role === 'assistant');
  return [answer - 1, prompt.length - 1].flatMap((message) => {
    const found = prompt[message];
    if (found === undefined || found.role === 'system' || found.role === 'assistant') return [];
    // What is empty takes no mark.
    const part = found.content.findLastIndex((one) => one.type !== 'text' || one.text.trim() !== '');
    return part < 0 ? [] : [{ message, part }];
  });
}

function markedAt(prompt: LanguageModelV4Prompt, places: readonly Place[], mark: SharedV4ProviderOptions): LanguageModelV4Prompt {
  const copy = [...prompt];
  for (const { message, part } of places) {
    const before = copy[message];
    if (before !== undefined) copy[message] = part === undefined ? withMark(before, mark) : withMarkedPart(before, part, mark);
  }
  return copy;
}

function withMarkedPart<M extends LanguageModelV4Message>(message: M, part: number, mark: SharedV4ProviderOptions): M {
  if (message.role === 'system') return message;
  return { ...message, content: message.content.map((one, nth) => (nth === part ? withMark(one, mark) : one)) };
}

function withMark<T extends { readonly providerOptions?: SharedV4ProviderOptions }>(value: T, mark: SharedV4ProviderOptions): T {
  return { ...value, providerOptions: merged(value.providerOptions, mark) };
}

function merged(before: SharedV4ProviderOptions | undefined, added: SharedV4ProviderOptions): SharedV4ProviderOptions {
  const all: Record<string, SharedV4ProviderOptions[string]> = { ...before };
  for (const [name, options] of Object.entries(added)) all[name] = { ...all[name], ...options };
  return all;
}

function requestOptions({ keyUnder, marksEndItself }: CacheRule, key: string | undefined): SharedV4ProviderOptions | undefined {
  if (keyUnder === undefined || (key === undefined && marksEndItself !== true)) return undefined;
  return {
    [keyUnder]: {
      ...(key === undefined ? {} : { promptCacheKey: key }),
      ...(marksEndItself === true ? { promptCacheOptions: { mode: 'explicit' } } : {}),
    },
  };
}

function saysItself({ prompt, tools, providerOptions }: LanguageModelV4CallOptions): boolean {
  if (says(providerOptions) || tools?.some((tool) => 'providerOptions' in tool && says(tool.providerOptions)) === true) return true;
  return prompt.some(
    (message) =>
      says(message.providerOptions) ||
      (message.role !== 'system' && message.content.some((part) => 'providerOptions' in part && says(part.providerOptions))),
  );
}

function says(options: SharedV4ProviderOptions | undefined): boolean {
  if (options === undefined) return false;
  for (const own of Object.values(options)) for (const name of SAYS) if (own[name] !== undefined) return true;
  return false;
}

function withoutMarks<T extends object>(value: T, withParts: boolean): T {
  const copy = new Map<string, unknown>(Object.entries(value));
  if ('providerOptions' in value) {
    const kept = keptOf(value.providerOptions);
    if (kept === undefined) copy.delete('providerOptions');
    else copy.set('providerOptions', kept);
  }
  if (withParts && 'content' in value && Array.isArray(value.content))
    copy.set(
      'content',
      value.content.map((part: unknown) => (typeof part === 'object' && part !== null ? withoutMarks(part, false) : part)),
    );
  return Object.fromEntries(copy) as T; // the same but for its options
}

function keptOf(options: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof options !== 'object' || options === null) return undefined;
  const kept = Object.entries(options).flatMap(([name, own]: [string, unknown]) => {
    if (name === 'amdahl') return [];
    if (typeof own !== 'object' || own === null) return [[name, own] as const];
    const left = Object.entries(own).filter(([key]) => !SAYS.includes(key));
    return left.length === 0 && Object.keys(own).length > 0 ? [] : [[name, Object.fromEntries(left)] as const];
  });
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
