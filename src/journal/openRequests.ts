// Requests that were sent and not answered yet, by place. Called by bill.ts and grove.ts, which keep beside each what
// they assume of it until its answer comes.
//
// O1 A turn has at most two on their way: its first sending and its hedge. One that lost may be told of late.
// O2 What an earlier entry left here is nobody's any more: its answer never comes.

import type { EventOf, Place } from './event.ts';

export interface OpenRequest {
  readonly turn: number;
  readonly hedge: boolean;
}

export class OpenRequests<R extends OpenRequest> {
  readonly #open = new Map<Place, R[]>();

  add(place: Place, request: R): void {
    const there = this.#open.get(place);
    if (there === undefined) this.#open.set(place, [request]);
    else there.push(request);
  }

  /** The request that this event tells the end of; it is on its way no more. */
  take({ place, turn, hedge }: EventOf<'model.responded'> | EventOf<'model.failed'>): R | undefined {
    const there = this.#open.get(place) ?? [];
    const index = there.findLastIndex((one) => one.turn === turn && one.hedge === (hedge === true));
    if (index < 0) return undefined;
    const [taken] = there.splice(index, 1);
    if (there.length === 0) this.#open.delete(place);
    return taken;
  }

  /** Whether another sending of this turn may still be answered. */
  has(place: Place, turn: number): boolean {
    return this.#open.get(place)?.some((one) => one.turn === turn) === true;
  }

  *values(): Generator<R> {
    for (const there of this.#open.values()) yield* there;
  }

  /** At a new entry. */
  clear(): void {
    this.#open.clear();
  }
}

/** What a request without an answer is assumed to have cost: the input's share of its reservation, by tokens. Not less than its input costs while output tokens are not cheaper. Undefined without a price. Pure. */
export function assumedUsdMicros(event: EventOf<'model.requested'>): number | undefined {
  const { reservedUsdMicros, reservedTokensIn, reservedTokensOut } = event;
  if (reservedUsdMicros === undefined) return undefined;
  const tokens = reservedTokensIn + reservedTokensOut;
  return tokens === 0 ? 0 : Math.ceil((reservedUsdMicros * reservedTokensIn) / tokens);
}
