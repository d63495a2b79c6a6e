// People for programs under test: whatever is asked is answered a while later, in virtual time, through the exported functions.

import { answer, asks, type Event, type OpenAsk, refuse, type RunOptions } from '../../src/index.ts';
import type { Trial } from './trial.ts';

/** What a person says: a value, or `refusal(reason)`; nothing where they let it be. */
export type Says = (ask: OpenAsk, nth: number) => unknown;

const REFUSAL = Symbol('refusal');

export function refusal(reason: string): unknown {
  return { [REFUSAL]: reason };
}

/** Options of a run whose asks `says` answers `ms` later. What goes wrong with an answer is kept. */
export class Person {
  readonly asked: OpenAsk[] = [];
  readonly failures: unknown[] = [];
  readonly #trial: Trial;
  readonly #says: Says;
  readonly #ms: number;

  constructor(trial: Trial, says: Says, ms = 60_000) {
    this.#trial = trial;
    this.#says = says;
    this.#ms = ms;
  }

  get options(): RunOptions {
    return { onEvent: (event) => this.#hear(event) };
  }

  #hear(event: Event): void {
    if (event.kind !== 'ask.opened') return;
    this.#trial.clock.after(this.#ms, () => void this.#say(event.ask).catch((thrown: unknown) => this.failures.push(thrown)));
  }

  async #say(id: OpenAsk['ask']): Promise<void> {
    const { journal, clock } = this.#trial;
    const ask = (await asks({ journal, clock })).find((one) => one.ask === id);
    if (ask === undefined) return;
    const nth = this.asked.push(ask) - 1;
    const said = this.#says(ask, nth);
    if (said === undefined) return;
    const options = { journal, clock, by: 'ana' };
    if (typeof said === 'object' && said !== null && REFUSAL in said) await refuse(ask, String(said[REFUSAL]), options);
    else await answer(ask, said, options);
  }
}
