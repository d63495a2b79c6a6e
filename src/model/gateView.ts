// What a gate shows of itself: to progress on a terminal, to `amdahl limits`, to whoever debugs. Made by gate.ts.

import type { KnownLimits } from '../journal/event.ts';

/** Why the next in line has to wait. `breaker`: the provider is down, and a probe is due in `nextMs`. */
export type Closed = 'paused' | 'requests' | 'tokens' | 'inFlight' | 'breaker';

/** A provider that fails for everybody at once, told once: from its first failure until it answers again. */
export interface Incident {
  /** The same for all calls that it hit. */
  readonly id: string;
  readonly gate: string;
  /** Epoch ms of the first failure, and of the answer that ended it. */
  readonly since: number;
  readonly until?: number;
  /** Requests that failed so far. */
  readonly failures: number;
  /** What the first of them met. */
  readonly code: string;
  readonly message: string;
}

export interface GateView {
  /** 'provider/modelId'. */
  readonly name: string;
  /** Tells accounts of one provider apart; absent where the model does not show its own. Nothing can be read from it. */
  readonly account?: string;
  readonly inFlight: number;
  readonly queued: number;
  /** Requests that wait, before the gate, for another to put what they share into the provider's cache. Absent for none. */
  readonly following?: number;
  /** Why and for how long, in ms, as far as it is known, the next in line waits. Absent while nobody does. */
  readonly closed?: Closed;
  readonly nextMs?: number;
  readonly limits: KnownLimits;
  readonly incident?: Incident;
}
