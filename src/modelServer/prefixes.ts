// What prompts had in common from their beginning, as a tree of their texts, and which of it a cache holds that goes by
// prefixes. Called by promptCache.ts.

/** Characters that are kept; a tree that is fuller begins anew. */
const CHARS_MAX = 10_000_000;

interface Node {
  /** The text between the node above and this one. */
  own: string;
  next: Map<string, Node>;
  /** When the cache last held all from the beginning to the end of this node; never where it did not. */
  usedAt: number | undefined;
}

/** Characters of the longest prefix that an earlier prompt had too, and of the longest that is held. */
export interface Common {
  readonly sharedChars: number;
  readonly heldChars: number;
}

/** Exact to the character. O(characters) for each prompt. */
export class Prefixes {
  #root: Node = nodeOf('');
  #chars = 0;

  /** What this prompt shares with those before it; from now on it is one of them. Held is what was used since `since`. */
  enter(text: string, since: number, now: number): Common {
    if (this.#chars + text.length > CHARS_MAX) this.#clear();
    let node = this.#root;
    let chars = 0;
    let heldChars = 0;
    for (;;) {
      const next = node.next.get(text.charAt(chars));
      if (next === undefined) break;
      const same = sameChars(next.own, text, chars);
      chars += same;
      if (next.usedAt !== undefined && next.usedAt >= since) {
        heldChars = chars;
        if (same === next.own.length) next.usedAt = now;
      }
      if (same < next.own.length) {
        node = split(next, same);
        break;
      }
      node = next;
    }
    const sharedChars = chars;
    if (chars < text.length) {
      node.next.set(text.charAt(chars), nodeOf(copied(text.slice(chars))));
      this.#chars += text.length - chars;
    }
    return { sharedChars, heldChars };
  }

  /** A prompt that entered is held from now on, all of it. */
  hold(text: string, now: number): void {
    let chars = 0;
    for (let node = this.#root.next.get(text.charAt(0)); node !== undefined; node = node.next.get(text.charAt(chars))) {
      // Where the tree began anew, nothing of it is known.
      if (!text.startsWith(node.own, chars)) return;
      node.usedAt = now;
      chars += node.own.length;
      if (chars >= text.length) return;
    }
  }

  #clear(): void {
    this.#root = nodeOf('');
    this.#chars = 0;
  }
}

function nodeOf(own: string): Node {
  return { own, next: new Map(), usedAt: undefined };
}

/** Ends a node after so many characters, with its rest below it. */
function split(node: Node, chars: number): Node {
  const rest: Node = { own: node.own.slice(chars), next: node.next, usedAt: node.usedAt };
  node.own = node.own.slice(0, chars);
  node.next = new Map([[rest.own.charAt(0), rest]]);
  return node;
}

function sameChars(own: string, text: string, from: number): number {
  if (text.startsWith(own, from)) return own.length;
  let at = 0;
  while (at < own.length && own.charCodeAt(at) === text.charCodeAt(from + at)) at += 1;
  return at;
}

/** A part of a text keeps all of it in memory, unless it is copied. */
function copied(part: string): string {
  return Buffer.from(part, 'utf16le').toString('utf16le');
}
