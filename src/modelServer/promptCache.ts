// The prompt caches of the providers that are played: what a request shares with those before it, what of that its cache
// holds, and what it writes. Called by desk.ts, once for each request that is let in.
//
// C1 what a request leaves in the cache is found from the moment on at which its answer begins, not before.
// C2 models share nothing.

import { hash } from '../agent/canonical.ts';
import { estimateTokens } from '../model/tokens.ts';
import { type CachePolicy, cachePolicy, type CacheSettings, type MarkPolicy, type PrefixPolicy } from './cachePolicy.ts';
import { Prefixes } from './prefixes.ts';
import type { Block } from './prompt.ts';
import type { Asked } from './wire.ts';

/** A request as its cache sees it: sizes of the prompt as one text in UTF-8, and tokens. */
export interface CacheUse {
  readonly promptBytes: number;
  /** Of the longest prefix that an earlier request for the same model had too. */
  readonly sharedBytes: number;
  readonly sharedTokens: number;
  /** Of the prefix that was read from the cache. */
  readonly cachedBytes: number;
  readonly tokensCached: number;
  /** Absent where the provider does not tell what it writes. */
  readonly tokensCacheWritten?: number;
  /** The answer begins: from now on others find what this request leaves. */
  begin(now: number): void;
}

type Question = Pick<Asked, 'protocol' | 'model' | 'marksEnd'>;
type Held = Pick<CacheUse, 'cachedBytes' | 'tokensCached' | 'tokensCacheWritten' | 'begin'>;

/** Marks that are held; beyond, the longest unused go. */
const MARKS_MAX = 100_000;

const NOTHING: Held = { cachedBytes: 0, tokensCached: 0, begin: () => {} };

export class PromptCache {
  readonly #settings: CacheSettings | false;
  readonly #prefixes = new Map<string, Prefixes>();
  /** When what ends at a mark was last used, by the hash of model and prefix. */
  readonly #marks = new Map<string, number>();

  constructor(settings: CacheSettings | false = {}) {
    this.#settings = settings;
  }

  /** What a request shares and reads. `blocks` are its prompt in order. O(characters). */
  enter(asked: Question, blocks: readonly Block[], now: number): CacheUse {
    const policy = cachePolicy(asked.protocol, asked.model, this.#settings === false ? {} : this.#settings);
    const text = blocks.map((block) => block.text).join('');
    const name = `${asked.protocol}\n${asked.model}`;
    let prefixes = this.#prefixes.get(name);
    if (prefixes === undefined) this.#prefixes.set(name, (prefixes = new Prefixes()));
    const { sharedChars, heldChars } = prefixes.enter(text, now - policy.ttlMs, now);
    const held = this.#settings === false ? NOTHING : this.#held(policy, prefixes, { name, text, heldChars, asked, blocks }, now);
    return {
      promptBytes: Buffer.byteLength(text),
      sharedBytes: Buffer.byteLength(text.slice(0, sharedChars)),
      sharedTokens: tokensTo(sharedChars, blocks),
      ...held,
    };
  }

  #held(policy: CachePolicy, prefixes: Prefixes, entered: Entered, now: number): Held {
    return policy.by === 'prefix' ? heldByPrefix(policy, prefixes, entered) : this.#heldByMarks(policy, entered, now);
  }

  #heldByMarks(policy: MarkPolicy, { name, asked, blocks }: Entered, now: number): Held {
    const ends = endsOf(name, blocks);
    const marked = ends.filter(({ nth }) => blocks[nth]?.marked === true || (asked.marksEnd === true && nth === ends.length - 1));
    const long = marked.filter(({ tokens }) => tokens >= policy.minTokens);
    let read: End | undefined;
    for (const { nth } of long) {
      const seen = ends.slice(Math.max(0, nth - policy.lookBackBlocks + 1), nth + 1);
      const found = seen.findLast(({ key, tokens }) => tokens >= policy.minTokens && this.#isHeld(key, now - policy.ttlMs));
      if (found !== undefined && found.nth > (read?.nth ?? -1)) read = found;
    }
    if (read !== undefined) this.#use(read.key, now);
    const written = long.slice(-policy.writesMax).filter(({ nth }) => nth > (read?.nth ?? -1));
    const tokensCached = read?.tokens ?? 0;
    return {
      cachedBytes: read?.bytes ?? 0,
      tokensCached,
      tokensCacheWritten: Math.max(0, (written.at(-1)?.tokens ?? 0) - tokensCached),
      begin: (at) => {
        for (const { key } of written) this.#use(key, at);
      },
    };
  }

  #isHeld(key: string, since: number): boolean {
    const usedAt = this.#marks.get(key);
    return usedAt !== undefined && usedAt >= since;
  }

  #use(key: string, now: number): void {
    this.#marks.delete(key);
    this.#marks.set(key, now);
    if (this.#marks.size <= MARKS_MAX) return;
    for (const oldest of this.#marks.keys()) {
      this.#marks.delete(oldest);
      return;
    }
  }
}

/** A request on its way through the cache. */
interface Entered {
  readonly name: string;
  readonly text: string;
  readonly heldChars: number;
  readonly asked: Question;
  readonly blocks: readonly Block[];
}

/** The prompt from its beginning to the end of a block. */
interface End {
  readonly nth: number;
  readonly key: string;
  readonly tokens: number;
  readonly bytes: number;
}

function endsOf(name: string, blocks: readonly Block[]): readonly End[] {
  let [key, tokens, bytes] = [name, 0, 0];
  return blocks.map((block, nth) => {
    key = hash(`${key}\n${block.text}`);
    tokens += block.tokens;
    bytes += Buffer.byteLength(block.text);
    return { nth, key, tokens, bytes };
  });
}

/** Whole steps alone are held, so a little of what is in common is read anew. */
function heldByPrefix({ minTokens, stepTokens }: PrefixPolicy, prefixes: Prefixes, { text, heldChars, blocks }: Entered): Held {
  const begin = (at: number): void => prefixes.hold(text, at);
  const tokens = tokensTo(heldChars, blocks);
  const tokensCached = minTokens + Math.floor((tokens - minTokens) / stepTokens) * stepTokens;
  if (tokens < minTokens) return { ...NOTHING, begin };
  return { cachedBytes: Math.floor((Buffer.byteLength(text.slice(0, heldChars)) * tokensCached) / tokens), tokensCached, begin };
}

/** The tokens of the first characters of a prompt; of none, not even those of the marks around it. */
function tokensTo(chars: number, blocks: readonly Block[]): number {
  if (chars === 0) return 0;
  let [left, tokens] = [chars, 0];
  for (const block of blocks) {
    if (left < block.text.length) return tokens + Math.min(block.tokens, estimateTokens(block.text.slice(0, left)));
    left -= block.text.length;
    tokens += block.tokens;
  }
  return tokens;
}
