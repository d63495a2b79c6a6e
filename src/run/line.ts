// Where a request that is sent on behalf of somebody waits: for room in a budget, at the gate, until it is sent again. What
// ModelRequest and GateRequest have in common of it: who stands in line, and that every wait is noted, whatever came of it.

import { AmdahlError } from '../agent/errors.ts';
import type { Happening, Place } from '../journal/event.ts';
import type { Gate, Permit, Visitor } from '../model/gate.ts';
import type { Incident } from '../model/gateView.ts';
import type { SendPorts } from '../model/send.ts';
import type { Life } from './life.ts';
import type { Limits } from './limits.ts';
import type { Clock, Random } from './ports.ts';

/** For whom a request waits. */
export interface Waiting {
  /** Whose share of the gate it takes. */
  readonly party: object;
  readonly depth: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly life: Life;
  /** The call that waits. */
  readonly place: Place;
  readonly path: string;
  note(happening: Happening): void;
  /** Its provider fails for everybody. */
  hit(incident: Incident): void;
  /** Whether the run was interrupted. */
  isInterrupted(): boolean;
}

type Entering = Parameters<SendPorts['enter']>[0];

export class Line {
  readonly #waiting: Waiting;
  #visitor: Visitor | undefined;

  constructor(waiting: Waiting) {
    this.#waiting = waiting;
  }

  /** One visitor for all sendings of a turn: whoever was turned away keeps its place in line. */
  enter(gate: Gate, wanted: Entering): Permit | Promise<Permit> {
    this.#visitor ??= this.#visit(wanted);
    try {
      const entering = gate.enter(this.#visitor);
      if (!(entering instanceof Promise)) return entering;
      const heard = entering.catch((thrown: unknown) => {
        this.#turnedAway(gate, thrown);
        throw thrown;
      });
      return this.waited('gate', heard, gate);
    } catch (thrown) {
      this.#turnedAway(gate, thrown);
      throw thrown;
    }
  }

  /** Beside the first sending, where nobody stands in line. */
  enterNow(gate: Gate, wanted: Entering): Permit | undefined {
    return gate.enterNow(this.#visit(wanted));
  }

  #visit(wanted: Entering): Visitor {
    const { party, depth, limits, random, life } = this.#waiting;
    return { ...wanted, party, depth, deadlineAt: life.deadlineAt, bounds: limits, random, onEnd: (listener) => life.onEnd(listener) };
  }

  /** Whoever meets a provider that is down without having sent anything tells of the incident too. */
  #turnedAway(gate: Gate, thrown: unknown): void {
    const { incident } = gate.view();
    if (incident !== undefined && thrown instanceof AmdahlError && thrown.data['incident'] === incident.id) this.#waiting.hit(incident);
  }

  /** Notes how long it was until `waiting` came to anything; of an interrupted run nothing more is said. */
  waited<T>(limit: 'budget' | 'retry' | 'gate' | 'cache', waiting: T | Promise<T>, gate?: Gate): T | Promise<T> {
    if (!(waiting instanceof Promise)) return waiting;
    const { clock, place, path: call } = this.#waiting;
    const since = clock.now();
    const note = (): void => {
      const ms = clock.now() - since;
      this.#waiting.note({ kind: 'limit.waited', place, limit, call, ms, ...(gate === undefined ? {} : { gate: gate.name }) });
    };
    return waiting.then(
      (value) => {
        note();
        return value;
      },
      (thrown: unknown) => {
        if (!this.#waiting.isInterrupted()) note();
        throw thrown;
      },
    );
  }
}
