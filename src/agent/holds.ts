// Holders: who may still refuse what is below. Staged effects rise through them, and the outermost commits them. Pure; asked by
// run/ for the calls above an effect, and before a run for what stands below one.

import type { AnyAgent } from './definition.ts';

/**
 * Whether an agent may still refuse what is done below it: a model that has agents among its tools, a person for whom an agent
 * answers, a transaction, and any composite with checks, an output contract or attempts of its own. Who wins a race is refused nothing, but losers are: what
 * stands in a branch of a race is held by the call that holds the race (run/outbox.ts knows). O(1).
 */
export function holds({ behaviour, checks, output, attempts }: AnyAgent): boolean {
  switch (behaviour.kind) {
    case 'model':
      return true;
    case 'step':
      return false;
    case 'human':
      return behaviour.otherwise?.kind === 'agent';
    case 'composite':
      return behaviour.holds === true || checks.length > 0 || output.kind !== 'open' || attempts > 1;
  }
}
