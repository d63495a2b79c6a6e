// What names an effect for good: its key, the same in every attempt that does the same and in every entry. Pure; called where
// an effect is staged or begun (tools.ts, attempts.ts), before it is.
//
// K1 a key is made of the call's place, the tool, the arguments as they were asked for, and which of equal calls of its attempt
//    this is: a function of the transcript alone. Never of the model's call id, of the attempt's number, or of time.
// K2 what was undone is over: doing it once more is another effect, with the next generation's key.

import type { LanguageModelV4ToolCall } from '@ai-sdk/provider';
import { canonical, hash, type Json } from '../agent/canonical.ts';
import { AmdahlError } from '../agent/errors.ts';
import type { EffectRecord, Effects } from '../journal/effects.ts';
import type { Place, RunId } from '../journal/event.ts';

export interface EffectBase {
  readonly run: RunId;
  /** The call that it serves. */
  readonly call: Place;
  /** As the model calls it; of a step, its name. */
  readonly tool: string;
  /** As they were given: receipts stand in them. */
  readonly args: Json;
  /** Which of equal calls of the attempt; 0 for a step. */
  readonly occurrence: number;
}

/** O(how often it was undone). */
export function effectKey(effects: Effects, { run, call, tool, args, occurrence }: EffectBase): string {
  for (let generation = 0; ; generation += 1) {
    const key = hash(canonical([run, call, tool, args, occurrence, generation]));
    if (effects.get(key)?.state !== 'undone') return key;
  }
}

/** The key of an effect that was undone, done once more: which of equal calls it was is found by trying. O(equal calls). */
export function nextKey(effects: Effects, run: RunId, { key, calls: [call], tool, args }: EffectRecord): string {
  for (let occurrence = 0; call !== undefined && occurrence < EQUAL_MAX; occurrence += 1) {
    const keys: string[] = [];
    do keys.push(hash(canonical([run, call, tool, args, occurrence, keys.length])));
    while (effects.get(keys.at(-1) ?? '')?.state === 'undone');
    if (keys.includes(key)) return keys.at(-1) ?? key;
  }
  throw new AmdahlError('JOURNAL_DAMAGED', `The key of '${tool}' is not that of its call and arguments.`);
}

/** More equal calls than an attempt can make. */
const EQUAL_MAX = 1_000_000;

/** A tool call as it is counted: undefined where it is none of a tool with an effect, or its arguments are no JSON. */
export type Counted = { readonly tool: string; readonly args: Json } | undefined;

/** Counts the equal calls of an attempt, turn by turn. Made only where an agent has tools with effects. */
export class Occurrences {
  readonly #times = new Map<string, number>();
  readonly #counted: (call: LanguageModelV4ToolCall) => Counted;
  #turns = 0;

  constructor(counted: (call: LanguageModelV4ToolCall) => Counted) {
    this.#counted = counted;
  }

  /** Of each tool call of this turn, in order. Turns are given in order, once each; those passed over are in `before`. */
  of(
    turn: number,
    calls: readonly LanguageModelV4ToolCall[],
    before: (turn: number) => readonly LanguageModelV4ToolCall[],
  ): readonly number[] {
    for (; this.#turns < turn; this.#turns += 1) this.#count(before(this.#turns));
    this.#turns = turn + 1;
    return this.#count(calls);
  }

  #count(calls: readonly LanguageModelV4ToolCall[]): number[] {
    return calls.map((call) => {
      const counted = this.#counted(call);
      if (counted === undefined) return 0;
      const equal = canonical([counted.tool, counted.args]);
      const times = this.#times.get(equal) ?? 0;
      this.#times.set(equal, times + 1);
      return times;
    });
  }
}
