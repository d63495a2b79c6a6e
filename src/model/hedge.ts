// When a request is sent a second time while its first sending is on its way, and how often that may happen. Pure;
// hedging.ts asks. After Dean & Barroso, "The Tail at Scale" (CACM 2013): the second request is sent once the first is
// later than the 95th percentile of what is usual, which cuts the tail off for about 5 % more requests.

import type { Hedge } from '../agent/scope.ts';

/** What was sent under one setting: turns, and second sendings of turns. */
export interface Hedged {
  readonly requests: number;
  readonly hedges: number;
}

/** Whether one more may be sent: never more than the share `extra` of all requests, and two. */
export function mayHedge({ requests, hedges }: Hedged, { extra }: Hedge): boolean {
  return hedges < extra * requests + 1;
}

/** In how many ms a sending that began `ageMs` ago is late; 0 where it is. What comes exactly in time is not late. */
export function lateInMs(ageMs: number, usualMs: number): number {
  return ageMs > usualMs ? 0 : usualMs - ageMs + 1;
}
