// Items of answers that later requests name by their id instead of sending them again, as clients of OpenAI Responses
// do unless a request says `store: false`. Held by the server: protocols themselves remember nothing.

import type { AskedPart } from './wire.ts';

/** Beyond these the oldest go, and a request that names one of them is refused, as by the provider after its time. */
const ITEMS_MAX = 100_000;
const CHARS_MAX = 32_000_000;

export class StoredItems {
  readonly #items = new Map<string, { readonly parts: readonly AskedPart[]; readonly chars: number }>();
  #chars = 0;

  keep(items: ReadonlyMap<string, readonly AskedPart[]>): void {
    for (const [id, parts] of items) {
      this.#forget(id);
      const chars = JSON.stringify(parts).length;
      this.#items.set(id, { parts, chars });
      this.#chars += chars;
    }
    for (const id of this.#items.keys()) {
      if (this.#items.size <= ITEMS_MAX && this.#chars <= CHARS_MAX) return;
      this.#forget(id);
    }
  }

  find(id: string): readonly AskedPart[] | undefined {
    return this.#items.get(id)?.parts;
  }

  #forget(id: string): void {
    this.#chars -= this.#items.get(id)?.chars ?? 0;
    this.#items.delete(id);
  }
}
