// An answer while it is written, without its secrets: what may be the beginning of one is held back until more comes.
// Called by modelRequest.ts, between a model and whoever listens.
//
// B1 what is told, put together, is what stands in the journal afterwards: as far as no pattern matches more than 256
//    characters, of which the first may be told.

import type { Delta } from '../model/turnStream.ts';
import type { Secrets } from './secrets.ts';

export class HeldBack {
  readonly #secrets: Secrets;
  readonly #say: (delta: Delta) => void;
  /** What was said last; its text is what was not told yet, secrets and all. */
  #last: Delta | undefined;

  constructor(secrets: Secrets, say: (delta: Delta) => void) {
    this.#secrets = secrets;
    this.#say = say;
  }

  say(delta: Delta): void {
    const before = this.#last;
    if (before !== undefined && !isSameBlock(before, delta)) this.end();
    const text = (this.#last?.delta ?? '') + delta.delta;
    const open = this.#secrets.open(text);
    this.#last = { ...delta, delta: text.slice(open) };
    if (open > 0) this.#say({ ...delta, delta: this.#secrets.text(text.slice(0, open)) });
  }

  /** Nothing more comes: what was held back was no secret. */
  end(): void {
    const last = this.#last;
    this.#last = undefined;
    if (last !== undefined && last.delta !== '') this.#say({ ...last, delta: this.#secrets.text(last.delta) });
  }

  /** It does not count any more. */
  drop(): void {
    this.#last = undefined;
  }
}

function isSameBlock(a: Delta, b: Delta): boolean {
  return a.type === b.type && (a.type !== 'tool' || b.type !== 'tool' || a.id === b.id);
}
