// What a composite may do while it is only walked for its agents: it hears what is on record, and nothing is drawn, decided or
// cancelled. Called by rediscover.ts.
//
// V1 every branch is walked, those that lost a race too: what they did may have to be undone.

import type { AskOptions, FanOptions, Scope, Settled } from '../agent/scope.ts';
import type { Agent } from '../agent/definition.ts';
import type { Asker } from './asker.ts';
import { foldAsker } from './recorded.ts';

export class WalkScope implements Scope {
  readonly context: unknown;
  readonly #asker: Asker;
  #drawn = 0;
  #races = 0;

  constructor(asker: Asker, context: unknown) {
    this.#asker = asker;
    this.context = context;
  }

  ask<I, O>(agent: Agent<I, O, string, never>, input: I, options: AskOptions = {}): Promise<O> {
    return this.#asker.ask(agent, input, options) as Promise<O>; // what its contract let through when it was recorded
  }

  branch(kind: string, index: number): Scope {
    return new WalkScope(this.#asker.below(kind, index, this.#asker.path), this.context);
  }

  async fan<T>(
    kind: string,
    count: number,
    _: FanOptions,
    work: (scope: Scope, index: number) => Promise<T>,
  ): Promise<readonly Settled<T>[]> {
    const one = async (index: number): Promise<Settled<T>> => {
      try {
        return { index, ok: true, value: await work(this.branch(kind, index), index) };
      } catch (error) {
        return { index, ok: false, error };
      }
    };
    return await Promise.all(Array.from({ length: count }, (_one, index) => one(index)));
  }

  /** What the recorded winner gave; of a race that nobody had won, the first of those that give something. */
  async race<T>(count: number, work: (scope: Scope, index: number) => Promise<T>): Promise<T> {
    const nth = this.#races;
    this.#races += 1;
    const { choices } = await this.#recorded();
    const settled = await this.fan(`race${nth}`, count, { concurrency: count }, work);
    const winner =
      settled.find(({ index, ok }) => ok && index === choices.get(`race ${nth}`)) ?? settled.find(({ ok }) => ok) ?? settled[0];
    if (winner?.ok === true) return winner.value;
    throw winner?.error;
  }

  missing(): void {}

  now(): Promise<number> {
    return this.#draw(() => this.#asker.session.clock.now());
  }

  random(): Promise<number> {
    return this.#draw(() => 0);
  }

  async #draw(fresh: () => number): Promise<number> {
    const index = this.#drawn;
    this.#drawn += 1;
    return (await this.#recorded()).values.get(index) ?? fresh();
  }

  async #recorded(): Promise<ReturnType<typeof foldAsker>> {
    const { session, place } = this.#asker;
    return foldAsker(await session.lookUp(place));
  }
}
