// Watches the sendings of a map for those that are late. Hedges belongs to one map in one entry into a run, and counts;
// each of its lanes has the sendings of one agent to one model, which take about as long as one another. send.ts enters
// every first sending in its lane and is called back when it is late; what is decided is in hedge.ts and latencies.ts.
//
// H1 only first sendings are measured, and one that was cut off counts as one that would have taken longer: to measure
//    who won would let the quantile sink with every hedge.
// H2 a lane has a timer only while one of its sendings is on its way and not hedged.

import { AsyncResource } from 'node:async_hooks';
import type { Hedge } from '../agent/scope.ts';
import { lateInMs, mayHedge } from './hedge.ts';
import { type Latencies, NO_LATENCIES, quantileMs, withLatency } from './latencies.ts';
import type { WatchPorts } from './watch.ts';

/** However fast the answers, who is told `later` does not ask again before this. */
const LATER_MS_MIN = 100;

/**
 * What became of a hedge that was due. `later`: there is no leave to send now, and it is tried again when the next of its lane
 * comes or goes, or after as long as an answer usually takes.
 */
export type Due = 'sent' | 'later' | 'never';

export class Hedges {
  readonly setting: Hedge;
  readonly clock: WatchPorts;
  /** First sendings, and second ones. */
  requests = 0;
  hedges = 0;
  readonly #lanes = new Map<string, Lane>();

  constructor(setting: Hedge, clock: WatchPorts) {
    this.setting = setting;
    this.clock = clock;
  }

  lane(agent: string, model: string): Lane {
    const key = JSON.stringify([agent, model]);
    let lane = this.#lanes.get(key);
    if (lane === undefined) this.#lanes.set(key, (lane = new Lane(this)));
    return lane;
  }
}

/** A sending that was not hedged yet. */
interface Waiting {
  readonly since: number;
  readonly due: () => Due;
}

export class Lane {
  readonly #hedges: Hedges;
  #known: Latencies = NO_LATENCIES;
  /** When those began that are on their way, the earliest first; and those of them that were not hedged. */
  readonly #since: number[] = [];
  readonly #waiting: Waiting[] = [];
  #disarm: (() => void) | undefined;

  constructor(hedges: Hedges) {
    this.#hedges = hedges;
  }

  /** A first sending leaves: `due` is called when it is late. Returns what is to be called, once, when it is over. */
  watch(due: () => Due): (answered: boolean) => void {
    const { clock } = this.#hedges;
    const since = clock.now();
    // Whoever's answer or timer says that it is late: the hedge is sent on behalf of this call.
    const waiting: Waiting = { since, due: AsyncResource.bind(due) };
    this.#since.push(since);
    this.#waiting.push(waiting);
    this.#hedges.requests += 1;
    this.#look();
    return (answered) => {
      remove(this.#since, since);
      remove(this.#waiting, waiting);
      this.#known = withLatency(this.#known, Math.max(0, clock.now() - since), answered);
      this.#look();
    };
  }

  /** Sends the hedges that are due, and sets the clock for the next. */
  #look(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    const { clock, setting } = this.#hedges;
    const now = clock.now();
    const usualMs = this.#waiting.length === 0 ? undefined : quantileMs(this.#known, this.#since, now, setting.p);
    if (usualMs === undefined) return;
    for (let one = this.#waiting[0]; one !== undefined; one = this.#waiting[0]) {
      const inMs = lateInMs(now - one.since, usualMs);
      if (inMs > 0) {
        this.#disarm = clock.after(inMs, () => this.#look());
        return;
      }
      if (!mayHedge(this.#hedges, setting)) return;
      const found = one.due();
      if (found === 'later') {
        this.#disarm = clock.after(Math.max(usualMs, LATER_MS_MIN), () => this.#look());
        return;
      }
      if (found === 'sent') this.#hedges.hedges += 1;
      this.#waiting.shift();
    }
  }
}

function remove<T>(list: T[], one: T): void {
  const at = list.indexOf(one);
  if (at >= 0) list.splice(at, 1);
}
