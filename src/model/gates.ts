// The gates of a process: one for each provider account and model, shared by every run and every `gate()` that goes by
// the same clock. run/session.ts and run/gateMiddleware.ts ask here for the gate of a model.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { modelName } from '../agent/fingerprint.ts';
import { Gate } from './gate.ts';
import type { GateView } from './gateView.ts';
import { providerAccount } from './providerAccount.ts';
import { type RateLimits, rateLimitOf } from './rateLimits.ts';
import { isStandIn } from './scripted.ts';
import { sharedPrefixesOf } from './sharedPrefixes.ts';
import type { WatchPorts } from './watch.ts';

/** Keys come and go: beyond so many, gates where nobody is are forgotten, the longest unused first. */
const GATES_MAX = 1_000;

export class Gates {
  readonly #clock: WatchPorts;
  readonly #byKey = new Map<string, Gate>();

  constructor(clock: WatchPorts) {
    this.#clock = clock;
  }

  /** The gate of a model; none for a script, which stands in for a model and has no limits. Limits that are given count from now on. */
  of(model: LanguageModelV4, rateLimits: RateLimits): Gate | undefined {
    if (isStandIn(model)) return undefined;
    const name = modelName(model);
    const account = providerAccount(model);
    const config = rateLimitOf(rateLimits, name);
    const key = JSON.stringify([name, account]);
    let gate = this.#byKey.get(key);
    if (gate === undefined) {
      gate = new Gate(name, account, config ?? {}, this.#clock);
      this.#forget();
    } else {
      this.#byKey.delete(key);
      if (config !== undefined) gate.configure(config);
    }
    this.#byKey.set(key, gate);
    return gate;
  }

  views(): readonly GateView[] {
    return [...this.#byKey.values()].map((gate) => {
      const { following } = sharedPrefixesOf(gate);
      return following === 0 ? gate.view() : { ...gate.view(), following };
    });
  }

  #forget(): void {
    if (this.#byKey.size < GATES_MAX) return;
    for (const [key, gate] of this.#byKey) {
      if (!gate.idle) continue;
      this.#byKey.delete(key);
      return;
    }
  }
}

const known = new WeakMap<WatchPorts, Gates>();

/** The gates of all that go by a clock: in a process, the system's. */
export function gatesOf(clock: WatchPorts): Gates {
  let gates = known.get(clock);
  if (gates === undefined) known.set(clock, (gates = new Gates(clock)));
  return gates;
}
