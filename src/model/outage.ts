// Whether the provider behind a gate is down for everybody, and what is told of that: a breaker, with whose failures tell
// of the provider and whose of themselves. gate.ts has one and tells it of every request.
//
// O1 one party's failures do not close it for others who are answered meanwhile.
// O2 parties take turns with probes: what one chokes on another may not.
// O3 what was sent since the trouble began and is answered ends it, probe or not.

import { allows, type Breaker, closedBreaker, heard, type Heard, MODEL_BREAKER, probing } from './breaker.ts';
import type { Incident } from './gateView.ts';
import { Witnesses } from './witnesses.ts';

/** A request that was let through: as the probe or not, in which era of the breaker, and when. */
export interface LetThrough {
  readonly probe: boolean;
  readonly era: number;
  readonly sentAt: number;
}

/** Enough for the longest run to tell how its incidents ended. */
const INCIDENTS_KEPT = 100;

export class Outage {
  readonly #gate: string;
  /** How far the gate's time is ahead of the clock: people are told the clock's. */
  readonly #aheadMs: () => number;
  #breaker: Breaker = closedBreaker();
  #reached = false;
  readonly #witnesses = new Witnesses();
  /** Whose probes failed in the present incident. */
  #tried = new WeakSet<object>();
  /** Incidents that are over, newest last. */
  #past: readonly Incident[] = [];

  constructor(gate: string, aheadMs: () => number) {
    this.#gate = gate;
    this.#aheadMs = aheadMs;
  }

  /** Nothing is known to be wrong. */
  get isOver(): boolean {
    return this.#breaker.kind === 'closed';
  }

  /** It failed and nobody is trying it out; while a probe is out nobody knows. */
  get isCertain(): boolean {
    return this.#breaker.kind === 'open';
  }

  /** Something there has answered this process, be it with a failure. */
  get isReached(): boolean {
    return this.#reached;
  }

  get era(): number {
    return this.#breaker.era;
  }

  allows(now: number): ReturnType<typeof allows> {
    return allows(this.#breaker, now);
  }

  probing(now: number): void {
    this.#breaker = probing(this.#breaker, now);
  }

  /** Whether a party's probe has failed in the present incident. */
  hasTried(party: object): boolean {
    return this.#tried.has(party);
  }

  /** What begins to answer is there again, however long the answer takes. */
  begins({ probe, era }: LetThrough, now: number): void {
    if (probe) this.#hear({ kind: 'success' }, true, era, now, 0);
  }

  /** Tells what came of a party's request; the incident that its failure belongs to, where there is one. */
  tell(
    party: object,
    what: Heard,
    reached: boolean,
    { probe, era, sentAt }: LetThrough,
    now: number,
    random: number,
  ): Incident | undefined {
    this.#reached ||= reached;
    if (what.kind === 'success') {
      this.#witnesses.succeeded(party);
      const isNews = this.#breaker.kind !== 'closed' && sentAt > this.#breaker.since;
      this.#hear(what, probe || isNews, era, now, random);
      return undefined;
    }
    const isAlone = what.kind === 'failure' && this.#witnesses.failed(party);
    this.#hear(isAlone ? { kind: 'ignored' } : what, probe, era, now, random);
    if (probe && what.kind === 'failure') this.#tried.add(party);
    return what.kind === 'failure' && !isAlone && era === this.#breaker.era ? this.present : undefined;
  }

  get present(): Incident | undefined {
    const breaker = this.#breaker;
    if (breaker.kind === 'closed') return undefined;
    const { since, failures, code, message } = breaker;
    return { id: `${this.#gate}@${since}`, gate: this.#gate, since: since - this.#aheadMs(), failures, code, message };
  }

  /** What is known by now of an incident of this gate; undefined for one of another, or of long ago. */
  incident(id: string): Incident | undefined {
    const { present } = this;
    return present?.id === id ? present : this.#past.findLast((one) => one.id === id);
  }

  #hear(what: Heard, probe: boolean, era: number, now: number, random: number): void {
    const before = this.present;
    this.#breaker = heard(this.#breaker, what, probe, now, random, MODEL_BREAKER, era);
    if (before === undefined || this.present !== undefined) return;
    this.#past = [...this.#past.slice(1 - INCIDENTS_KEPT), { ...before, until: now - this.#aheadMs() }];
    this.#tried = new WeakSet();
  }
}
