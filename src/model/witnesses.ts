// Whether failures tell of the provider or of whoever failed: one run whose requests the provider chokes on must not close
// the gate for another that is answered all the time. gate.ts asks before it tells the breaker.

/** Who was answered, as the how-manieth event. */
interface Answered {
  readonly party: WeakRef<object>;
  readonly event: number;
}

/** What parties of a gate met lately. Holds none of them. */
export class Witnesses {
  #events = 0;
  /** The last that was answered, and the last before it that was another. */
  #last: Answered | undefined;
  #other: Answered | undefined;
  /** Since which event each has only failed. */
  readonly #failing = new WeakMap<object, number>();

  succeeded(party: object): void {
    this.#events += 1;
    this.#failing.delete(party);
    if (this.#last !== undefined && this.#last.party.deref() !== party) this.#other = this.#last;
    this.#last = { party: new WeakRef(party), event: this.#events };
  }

  /** A party failed. Whether it is alone with that: another was answered since it began to fail. */
  failed(party: object): boolean {
    this.#events += 1;
    const since = this.#failing.get(party) ?? this.#events;
    this.#failing.set(party, since);
    const other = this.#last?.party.deref() === party ? this.#other : this.#last;
    return other !== undefined && other.event > since;
  }
}
