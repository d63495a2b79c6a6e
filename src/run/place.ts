// Places: the identity of everything that is asked (design §2). Pure; called by the funnel and its askers.
//
// I4 same place ⇒ same run, asker, agent name, raw input, count (or key). Time, arrival order and what other
//    branches do never enter.

import { hash } from '../agent/canonical.ts';
import type { Place, RunId } from '../journal/event.ts';

/** The asker of a run's root call. */
export function rootAsker(run: RunId): Place {
  return place('run', run);
}

/** A call: who asked, whom, what, and which of equal questions it is (a count, or the key that replaces it). */
export function callPlace(asker: Place, agent: string, inputHash: string, nth: number | string): Place {
  return place('call', asker, agent, inputHash, typeof nth === 'number' ? String(nth) : `key:${nth}`);
}

/** An asker below another: an attempt of a call, a branch, a turn, a tool call of a turn. */
export function askerPlace(above: Place, kind: string, index: number): Place {
  return place(kind, above, String(index));
}

function place(...parts: readonly string[]): Place {
  // JSON would do as well; lengths keep the parts apart at a third of the cost.
  let text = '';
  for (const part of parts) text += `${part.length}:${part}`;
  return hash(text) as Place; // the only place that brands: a Place is what this file makes
}
