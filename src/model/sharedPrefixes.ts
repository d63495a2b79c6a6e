// The prefixes that requests to one account and model have in common, and who is about to put them into the provider's
// cache: one for each gate, shared by every run of the process. Called by run/promptCaching.ts; leadFirst.ts decides.

import type { Gate } from './gate.ts';
import { choose, type PrefixState, UNKNOWN_PREFIX, type Wish } from './leadFirst.ts';

/** Prefixes come and go: beyond so many, those with which nobody asks are forgotten, the longest unused first. */
const PREFIXES_MAX = 1_000;

/** What a request does about its prefix. Every one is told when its answer begins, and when it is over. */
export interface Ticket {
  /** It writes the prefix into the cache, or reads it there. */
  readonly marks: boolean;
  /** Others wait for the beginning of its answer. */
  readonly leads: boolean;
  sent(now: number, streams: boolean): void;
  begun(now: number): void;
  /** Whatever came of it; `ms` is how long its answer took, where there is one. */
  over(ms: number | undefined): void;
}

/** Another is about to write it: ask again when `changed` resolves, or after so many ms. */
export interface Following {
  readonly changed: Promise<void>;
  readonly ms: number;
}

type Open = { -readonly [K in keyof PrefixState]: PrefixState[K] };

class Prefix {
  readonly state: Open = { ...UNKNOWN_PREFIX };
  lead: Ticket | undefined;
  following = 0;
  #changed: PromiseWithResolvers<void> | undefined;

  get changed(): Promise<void> {
    this.#changed ??= Promise.withResolvers();
    return this.#changed.promise;
  }

  /** Lets those who wait look again. */
  change(): void {
    this.#changed?.resolve();
    this.#changed = undefined;
  }
}

export class SharedPrefixes {
  readonly #byKey = new Map<string, Prefix>();

  /** Requests that wait for another's answer to begin. */
  get following(): number {
    let sum = 0;
    for (const { following } of this.#byKey.values()) sum += following;
    return sum;
  }

  /** What a request does whose prefix is called `key`: goes, with a ticket, or waits and asks again. */
  next(key: string, wish: Wish, now: number): Ticket | Following {
    const prefix = this.#of(key);
    const { state } = prefix;
    const choice = choose(state, wish, now);
    if (choice.go === 'follow') return { changed: prefix.changed, ms: choice.ms };
    state.askedAt = now;
    state.open += 1;
    const ticket = ticketOf(prefix, choice.leads, choice.marks, !wish.marks || choice.marks);
    if (choice.first) {
      prefix.lead = ticket;
      state.leadAt = now;
      state.leadStreams = choice.leads;
    }
    return ticket;
  }

  /** Counts one that waits, until it no longer does. */
  async waiting(key: string, wait: () => Promise<void>): Promise<void> {
    const prefix = this.#of(key);
    prefix.following += 1;
    prefix.state.open += 1;
    try {
      await wait();
    } finally {
      prefix.following -= 1;
      prefix.state.open -= 1;
    }
  }

  #of(key: string): Prefix {
    let prefix = this.#byKey.get(key);
    if (prefix === undefined) {
      this.#forget();
      prefix = new Prefix();
    } else this.#byKey.delete(key);
    this.#byKey.set(key, prefix);
    return prefix;
  }

  #forget(): void {
    if (this.#byKey.size < PREFIXES_MAX) return;
    for (const [key, { state }] of this.#byKey) {
      if (state.open > 0) continue;
      this.#byKey.delete(key);
      return;
    }
  }
}

/** `writes`: with it the prefix is in the cache once its answer begins. */
function ticketOf(prefix: Prefix, leads: boolean, marks: boolean, writes: boolean): Ticket {
  const { state } = prefix;
  let sentAt: number | undefined;
  let isStreamed = false;
  const leave = (): void => {
    if (prefix.lead !== ticket) return;
    prefix.lead = undefined;
    state.leadAt = undefined;
  };
  const ticket: Ticket = {
    marks,
    leads,
    sent: (now, streams) => {
      sentAt ??= now;
      isStreamed = streams;
      if (prefix.lead === ticket) state.leadStreams = streams;
    },
    begun: (now) => {
      if (!writes) return;
      if (isStreamed && sentAt !== undefined && prefix.lead === ticket) state.firstMs = Math.max(0, now - sentAt);
      state.heldAt = now;
      leave();
      prefix.change();
    },
    over: (ms) => {
      state.open -= 1;
      if (ms !== undefined) state.answerMs = ms;
      if (prefix.lead !== ticket) return;
      leave();
      prefix.change();
    },
  };
  return ticket;
}

const known = new WeakMap<Gate, SharedPrefixes>();

/** Those behind a gate. */
export function sharedPrefixesOf(gate: Gate): SharedPrefixes {
  let prefixes = known.get(gate);
  if (prefixes === undefined) known.set(gate, (prefixes = new SharedPrefixes()));
  return prefixes;
}
