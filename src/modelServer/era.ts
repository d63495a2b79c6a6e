// What a server knows of its requests since its start, or since the last reset. A request ends in the era in which it
// came: one that was under way at a reset takes nothing from the next era and leaves nothing in it.

import { type Answers, Script } from './answers.ts';
import type { CacheSettings } from './cachePolicy.ts';
import { PromptCache } from './promptCache.ts';
import { StoredItems } from './storedItems.ts';
import { type Buckets, openBuckets, type Throttle } from './throttle.ts';

/** Turns whose tries are counted; beyond, all begin anew. */
const TURNS_MAX = 200_000;

export class Era {
  readonly cache: PromptCache;
  readonly stored: StoredItems = new StoredItems();
  readonly script: Script | undefined;
  buckets: Buckets;
  readonly #tries = new Map<string, number>();

  constructor(answers: Answers | undefined, throttle: Throttle, cache: CacheSettings | false, now: number) {
    this.cache = new PromptCache(cache);
    this.script = typeof answers === 'object' ? new Script(answers) : undefined;
    this.buckets = openBuckets(throttle, now);
  }

  /** How often a turn was asked before. */
  tryOf(turn: string): number {
    const before = this.#tries.get(turn) ?? 0;
    if (before === 0 && this.#tries.size >= TURNS_MAX) this.#tries.clear();
    this.#tries.set(turn, before + 1);
    return before;
  }
}
