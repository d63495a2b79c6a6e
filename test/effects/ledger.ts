// What the service of service.ts knows: every request it got and every deed it did, in order. It is the other side of each
// claim about effects: what was lost or done twice is counted here and not in any journal.
//
// L1 a request is on record before it is answered, whether anybody hears the answer or not.
// L2 a deed has the id it would have in a run that nobody disturbed, so that what refers to it is the same.

import { createHash } from 'node:crypto';
import { canonical } from '../../src/agent/canonical.ts';
import type { Json } from '../../src/index.ts';

/** plain: every request is a deed. idempotent: one deed per key. verifiable: plain, and tells by key whether it was done. */
export type Manner = 'plain' | 'idempotent' | 'verifiable';

/** What goes wrong with one request: it is done and nobody hears of it, it is refused, or its connection ends before. */
export type Mishap = 'answer lost' | 'refused' | 'not arrived';

export interface Asked {
  readonly method: 'POST' | 'GET' | 'DELETE';
  readonly manner: Manner;
  readonly tool: string;
  readonly key: string;
  /** Of a POST. */
  readonly args: Json;
  readonly mishap?: Mishap;
}

export interface Deed {
  readonly tool: string;
  readonly args: Json;
  readonly key: string;
  readonly result: { readonly id: string };
  readonly undone: boolean;
}

export type Reply = { readonly status: number; readonly body: Json } | 'cut';

/** A deed by what it means: which tool, with which arguments. */
export function meaning({ tool, args }: Pick<Deed, 'tool' | 'args'>): string {
  return `${tool} ${canonical(args)}`;
}

/** The id of what a deed makes: the nth of those that mean the same and stand. */
export function idOf(tool: string, args: Json, nth: number = 0): string {
  const text = `${meaning({ tool, args })}${nth === 0 ? '' : ` ${nth}`}`;
  return `${tool}-${createHash('sha256').update(text).digest('hex').slice(0, 6)}`;
}

export class Ledger {
  readonly #asked: Asked[] = [];
  readonly #deeds: Deed[] = [];
  readonly #mishaps: { readonly tool: string; readonly method: Asked['method']; readonly mishap: Mishap; left: number }[] = [];

  /** Every request so far, in the order in which they came. */
  get asked(): readonly Asked[] {
    return this.#asked;
  }

  /** Every deed so far, also those that were undone. */
  get deeds(): readonly Deed[] {
    return this.#deeds;
  }

  /** What was done and not undone, by meaning, in order. */
  get standing(): readonly string[] {
    return this.#deeds.filter((deed) => !deed.undone).map(meaning);
  }

  /** How often a key was done, undone or not. */
  timesDone(key: string): number {
    return this.#deeds.filter((deed) => deed.key === key).length;
  }

  /** How often a key was sent, whatever came of it. */
  timesSent(key: string): number {
    return this.#asked.filter((asked) => asked.method === 'POST' && asked.key === key).length;
  }

  /** What a person finds who looks whether something was done. */
  find(key: string): Deed | undefined {
    return this.#deeds.findLast((deed) => deed.key === key && !deed.undone);
  }

  /** The next requests of a tool go wrong. */
  expect(tool: string, mishap: Mishap, times: number = 1, method: Asked['method'] = 'POST'): void {
    this.#mishaps.push({ tool, method, mishap, left: times });
  }

  /** Takes a request: what it does is done when this returns. */
  take(request: Omit<Asked, 'mishap'>): Reply {
    const mishap = this.#mishap(request);
    this.#asked.push({ ...request, ...(mishap === undefined ? {} : { mishap }) });
    if (mishap === 'not arrived') return 'cut';
    if (mishap === 'refused') return { status: 500, body: { error: 'not now' } };
    const reply = this.#do(request);
    return mishap === 'answer lost' ? 'cut' : reply;
  }

  #do({ method, manner, tool, key, args }: Omit<Asked, 'mishap'>): Reply {
    const found = this.find(key);
    if (method === 'GET') {
      if (manner !== 'verifiable') return { status: 405, body: { error: 'nobody can tell' } };
      return { status: 200, body: found === undefined ? { done: false } : { done: true, result: found.result } };
    }
    if (method === 'DELETE') {
      if (found !== undefined) this.#deeds[this.#deeds.indexOf(found)] = { ...found, undone: true };
      return { status: 200, body: { undone: found !== undefined } };
    }
    if (manner === 'idempotent' && found !== undefined) return { status: 200, body: found.result };
    const deed: Deed = {
      tool,
      args,
      key,
      result: { id: idOf(tool, args, this.standing.filter((one) => one === meaning({ tool, args })).length) },
      undone: false,
    };
    this.#deeds.push(deed);
    return { status: 200, body: deed.result };
  }

  #mishap({ tool, method }: Omit<Asked, 'mishap'>): Mishap | undefined {
    const found = this.#mishaps.find((one) => one.tool === tool && one.method === method && one.left > 0);
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.mishap;
  }
}
