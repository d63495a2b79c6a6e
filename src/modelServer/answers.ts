// What models say: the turn of a script, what a function returns, or a value of the requested schema. Whatever it is
// becomes complete here: with tokens counted, and cut where the request caps its output.

import { AmdahlError } from '../agent/errors.ts';
import { checkOptions, type OptionNames } from '../agent/options.ts';
import { estimateTokens } from '../model/tokens.ts';
import { between, dice, oneOf } from './dice.ts';
import { generate } from './generate.ts';
import { phrase } from './phrase.ts';
import type { Asked, Said, SaidUsage } from './wire.ts';

/** What a model says, as far as it matters: what is left out follows. Text is short for `{ text }`. */
export interface Answer extends Partial<Omit<Said, 'usage'>> {
  /** JSON, as text; or as the arguments of the tool that the request demands. */
  readonly object?: unknown;
  /** Tokens that the server would count otherwise. */
  readonly usage?: Partial<SaidUsage>;
}

/** `nth` counts requests from 0, in the order in which they came and whatever they asked for, as in their records. */
export type AnswerFunction = (asked: Asked, nth: number) => Answer | string | Promise<Answer | string>;

export type Answers = readonly (Answer | string)[] | AnswerFunction;

const FIELDS: OptionNames<Answer> = {
  reasoning: true,
  text: true,
  refusal: true,
  tools: true,
  finish: true,
  usage: true,
  empty: true,
  object: true,
};

/** Marks around a tool call: what model/tokens.ts counts for one. */
const TOKENS_PER_TOOL = 8;

/** What is known of a request before it is answered. */
export interface Counted {
  readonly tokensIn: number;
  readonly tokensCached: number;
  readonly tokensCacheWritten?: number;
}

/**
 * What is said, complete.
 * @throws AmdahlError MISCONFIGURED when the answer is none.
 */
export function complete(given: Answer | string, asked: Asked, counted: Counted): Said {
  checkAnswer(given, 'An answer of the model server');
  const answer = typeof given === 'string' ? { text: given } : given;
  const { object, usage, ...said } = answer;
  const words = object === undefined ? said : { ...said, ...asObject(object, asked) };
  const tools = words.tools ?? [];
  const whole = {
    ...words,
    tools,
    finish: words.finish ?? (tools.length > 0 ? 'tools' : words.refusal === undefined ? 'stop' : 'refusal'),
  };
  return capped({ ...whole, usage: { ...countSaid(whole), ...counted, ...usage } }, asked, answer);
}

/** @throws AmdahlError MISCONFIGURED unless it is text or an object with the fields of an answer. Pure. */
export function checkAnswer(given: unknown, who: string): void {
  if (typeof given === 'string') return;
  checkOptions(given, FIELDS, who, 'a field');
  const { tools } = given as { readonly tools?: unknown }; // checkOptions takes objects alone
  if (tools !== undefined && !(Array.isArray(tools) && tools.every(isCall)))
    throw new AmdahlError(
      'MISCONFIGURED',
      `${who} has tools that are no list of calls. Write a call like { name: 'search', args: { … } }.`,
    );
}

function isCall(call: unknown): boolean {
  return typeof call === 'object' && call !== null && 'name' in call && typeof call.name === 'string';
}

/** As the demanded tool's arguments, where one is demanded. */
function asObject(object: unknown, { toolChoice }: Asked): Pick<Answer, 'text' | 'tools'> {
  if (typeof toolChoice === 'object') return { tools: [{ name: toolChoice.tool, args: object }] };
  return { text: JSON.stringify(object) };
}

function countSaid({ text, refusal, reasoning, tools }: Omit<Said, 'usage'>): Pick<SaidUsage, 'tokensOut' | 'tokensReasoning'> {
  const tokensReasoning = reasoning === undefined ? 0 : estimateTokens(reasoning);
  let tokensOut = tokensReasoning + estimateTokens(text ?? '') + estimateTokens(refusal ?? '');
  for (const { name, args } of tools) {
    tokensOut += TOKENS_PER_TOOL + estimateTokens(name) + estimateTokens(typeof args === 'string' ? args : (JSON.stringify(args) ?? ''));
  }
  return { tokensOut: Math.max(1, tokensOut), tokensReasoning };
}

/** A text that is longer than the request allows is cut, and says so; one whose end or count was given is left alone. */
function capped(said: Said, { maxOutputTokens }: Asked, { finish, usage }: Answer): Said {
  const { tokensOut } = said.usage;
  if (maxOutputTokens === undefined || tokensOut <= maxOutputTokens || finish !== undefined || usage?.tokensOut !== undefined) return said;
  if (said.text === undefined || said.tools.length > 0) return said;
  const text = said.text.slice(0, Math.floor((said.text.length * maxOutputTokens) / tokensOut));
  return { ...said, text, finish: 'length', usage: { ...said.usage, tokensOut: maxOutputTokens } };
}

/**
 * An answer by seed: a call of the demanded tool, a value of the requested schema, or some words. Equal requests (as
 * `key` says) have equal answers. Pure.
 * @throws AmdahlError MISCONFIGURED when no value of the schema can be made.
 */
export function generated(asked: Asked, seed: number, key: string): Answer {
  const random = dice(seed, 'answer', key);
  const { toolChoice, tools, form } = asked;
  if (typeof toolChoice === 'object' || (toolChoice === 'required' && tools.length > 0)) {
    const tool = typeof toolChoice === 'object' ? tools.find(({ name }) => name === toolChoice.tool) : oneOf(random, tools);
    if (tool !== undefined) return { tools: [{ name: tool.name, args: generate(tool.schema, random) }] };
  }
  if (form?.schema !== undefined) return { text: JSON.stringify(generate(form.schema, random)) };
  if (form !== undefined) return { text: JSON.stringify({ answer: phrase(random, between(random, 4, 12)) }) };
  return { text: `${phrase(random, between(random, 8, 40))}.` };
}

/** The turns of a script, in order. One that was taken and did not arrive is the next again. */
export class Script {
  readonly #turns: readonly (Answer | string)[];
  /** Places of turns that came back, before those that were never taken. */
  readonly #back: number[] = [];
  #next = 0;

  constructor(turns: readonly (Answer | string)[]) {
    this.#turns = turns;
  }

  /**
   * The next turn, which is used up unless it stays or `giveBack` is called.
   * @throws AmdahlError SCRIPT_DRIFT beyond the end.
   */
  turn(stays: boolean): { readonly turn: Answer | string; readonly giveBack: () => void } {
    const at = this.#back[0] ?? this.#next;
    const turn = this.#turns[at];
    if (turn === undefined)
      throw new AmdahlError(
        'SCRIPT_DRIFT',
        `The model server was asked for more than the ${this.#turns.length} turns of its script. Add turns, or answer with a function.`,
      );
    if (stays) return { turn, giveBack: () => {} };
    if (this.#back.length > 0) this.#back.shift();
    else this.#next += 1;
    return { turn, giveBack: () => void this.#back.splice(this.#back.filter((one) => one < at).length, 0, at) };
  }
}
