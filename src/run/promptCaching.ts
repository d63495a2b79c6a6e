// The prompt cache of one turn's request: waits where another is about to write what it would read, marks it, and tells
// others when its own answer begins. Made by modelRequest.ts where model/cachePlan.ts has a plan.
//
// It waits before anything is reserved and before the gate: a wait must hold neither room in a budget that the lead may
// need nor a place among those in flight.

import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import { marked } from '../model/cacheMarkers.ts';
import type { CachePlan } from '../model/cachePlan.ts';
import type { Wish } from '../model/leadFirst.ts';
import type { CachingPorts } from '../model/send.ts';
import type { Following, SharedPrefixes, Ticket } from '../model/sharedPrefixes.ts';
import type { Life } from './life.ts';
import type { Line } from './line.ts';
import type { Clock } from './ports.ts';

/** Calls of the same agents beside the one that asks: of a map, how many in all and how many at the same time. */
export interface Alike {
  readonly coming: number;
  readonly atOnce: number;
}

interface Surroundings {
  readonly prefixes: SharedPrefixes;
  readonly alike: Alike | undefined;
  /** It begins a conversation: only then may it write what others read. */
  readonly begins: boolean;
  readonly clock: Clock;
  readonly life: Life;
  readonly line: Line;
}

const ALONE: Alike = { coming: 1, atOnce: 1 };

export class PromptCaching implements CachingPorts {
  readonly #plan: CachePlan;
  readonly #around: Surroundings;
  readonly #key: string;
  #ticket: Ticket | undefined;

  constructor(plan: CachePlan, around: Surroundings) {
    this.#plan = plan;
    this.#around = around;
    this.#key = plan.prefixKey();
  }

  get leads(): boolean {
    return this.#ticket?.leads === true;
  }

  follow(): Promise<void> | undefined {
    if (!this.#around.begins) return undefined;
    const next = this.#next(0);
    return next === undefined ? undefined : this.#wait(next);
  }

  /** Takes a ticket; where there is none yet, what is waited for. */
  #next(waitedMs: number): Following | undefined {
    const { prefixes, clock } = this.#around;
    const next = prefixes.next(this.#key, this.#wish(waitedMs), clock.now());
    if ('changed' in next) return next;
    this.#ticket = next;
    return undefined;
  }

  async #wait(first: Following): Promise<void> {
    const { prefixes, clock, line } = this.#around;
    const since = clock.now();
    const waiting = async (): Promise<void> => {
      for (let next: Following | undefined = first; next !== undefined; next = this.#next(clock.now() - since)) {
        const { changed, ms } = next;
        await prefixes.waiting(this.#key, () => this.#changeWithin(changed, ms));
      }
    };
    await line.waited('cache', waiting());
  }

  #changeWithin(changed: Promise<void>, ms: number): Promise<void> {
    const { clock, life } = this.#around;
    const late = Promise.withResolvers<void>();
    const disarm = clock.after(ms, late.resolve);
    return life.race(Promise.race([changed, late.promise])).finally(disarm);
  }

  #wish(waitedMs: number): Wish {
    const { rule, prefixTokens: tokens, named, write, read } = this.#plan;
    const { minTokens, ttlMs, marks } = rule;
    const { coming, atOnce } = this.#around.alike ?? ALONE;
    return { tokens, minTokens, ttlMs, write, read, marks: marks !== undefined, named, coming, atOnce, waitedMs };
  }

  marked(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
    const { rule, end, named } = this.#plan;
    const shared = this.#ticket?.marks ?? (named || (this.#around.alike?.coming ?? 1) > 1);
    return marked(options, { rule, shared, end, key: rule.keyUnder === undefined ? undefined : `amdahl-${this.#key}` });
  }

  sent(streams: boolean): void {
    this.#ticket?.sent(this.#around.clock.now(), streams);
  }

  begun(): void {
    this.#ticket?.begun(this.#around.clock.now());
  }

  over(ms: number | undefined): void {
    this.#ticket?.over(ms);
    this.#ticket = undefined;
  }
}
