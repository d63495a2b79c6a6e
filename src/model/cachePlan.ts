// What a turn wants of the provider's prompt cache: which part of it other calls have in common, and whether its end will
// be read. Called by run/turns.ts for each request; nothing for models without a known cache and for prompts too short
// to be held. Pure.

import type { LanguageModelV4, LanguageModelV4Message } from '@ai-sdk/provider';
import { hash } from '../agent/canonical.ts';
import { type CacheRule, cacheRule } from './cacheRules.ts';
import { endsShared } from './opening.ts';
import { rateOf, type Price } from './prices.ts';
import type { Fixed } from './render.ts';
import { estimatePrompt } from './tokens.ts';

export interface CachePlan {
  readonly rule: CacheRule;
  /** With the prices that are known. */
  readonly write: number;
  readonly read: number;
  /** What the agent's calls have in common, estimated: its tools, its instructions, and the fields that it names. */
  readonly prefixTokens: number;
  /** Whether the agent says that its calls have some of their input in common. */
  readonly named: boolean;
  /** The next turn will probably read all of this one. */
  readonly end: boolean;
  /** The same for all calls with that prefix, in every process. O(its length). */
  readonly prefixKey: () => string;
}

/** What a turn is asked with. */
interface Planned {
  readonly model: LanguageModelV4;
  readonly fixed: Fixed;
  readonly price: Price | undefined;
  readonly prompt: readonly LanguageModelV4Message[];
  readonly turn: number;
  /** Of the whole request, estimated. */
  readonly tokensIn: number;
}

/** Estimates may be too low by so much; a mark that is in vain costs nothing. */
const ESTIMATE_LEAST = 0.75;

export function cachePlan({ model, fixed, price, prompt, turn, tokensIn }: Planned): CachePlan | undefined {
  const rule = cacheRule(model);
  if (rule === undefined) return undefined;
  const least = rule.minTokens * ESTIMATE_LEAST;
  if (tokensIn < least) return undefined;
  const named = sharedParts(prompt);
  const [system] = prompt;
  const prefixTokens =
    fixed.tokens +
    (system?.role === 'system' ? estimatePrompt([system]) : 0) +
    (named.length === 0 ? 0 : estimatePrompt([{ role: 'user', content: named }]));
  // A conversation that has begun before is likely to go on; one with tools too. A mended answer is likely to stand.
  const end = fixed.tools.length > 0 || (turn === 0 && prompt.some(({ role }) => role === 'assistant'));
  if (prefixTokens < least && !end) return undefined;
  const rate = price === undefined ? undefined : rateOf(price, tokensIn);
  const over = (own: number | undefined, usual: number): number =>
    rate === undefined || rate.in === 0 || own === undefined ? usual : own / rate.in;
  return {
    rule,
    write: over(rate?.written, rule.write),
    read: over(rate?.cached, rule.read),
    prefixTokens,
    named: named.length > 0,
    end,
    prefixKey: () => hash(`${fixedKey(fixed)}\n${JSON.stringify([system?.content, named])}`),
  };
}

type UserParts = Extract<LanguageModelV4Message, { role: 'user' }>['content'];

/** The parts of the first message of a user that many calls share. */
function sharedParts(prompt: readonly LanguageModelV4Message[]): UserParts {
  const user = prompt.find(({ role }) => role === 'user');
  if (user?.role !== 'user') return [];
  return user.content.slice(0, user.content.findLastIndex((part) => endsShared(part)) + 1);
}

const keys = new WeakMap<Fixed, string>();

function fixedKey(fixed: Fixed): string {
  let key = keys.get(fixed);
  if (key === undefined) keys.set(fixed, (key = hash(JSON.stringify([fixed.tools, fixed.format]))));
  return key;
}
