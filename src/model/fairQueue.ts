// Who goes next at a gate: fair between the parties that wait (runs, users of gate()), and within one the longest chain
// of open calls first. Called by gate.ts. Nothing here knows the time; equal calls give equal answers.
//
// Q1 between parties, start-time fair queueing (Goyal, Vin, Cheng: Start-time Fair Queuing, SIGCOMM 1996): every party
//    has a virtual start, which each of its picks moves on by what it cost; the least goes first. Between two parties
//    that both wait all the time, what they got differs by no more than the largest cost of one plus that of the other
//    (their theorem 1). Who was idle starts where the others are: no credit for the past.
// Q2 within a party the deepest first, then who came first; but every fourth pick is its oldest, so that one with n
//    older ones before it goes at the latest with the 4(n + 1)th pick of its party.
// Q3 a party that waits for nothing is held by nobody here: what it owes goes with it.

import { LazyHeap } from './lazyHeap.ts';

/** One that waits at a gate. */
export interface InLine {
  /** Whose share it takes: a run, or a `gate()` middleware. */
  readonly party: object;
  /** How many open calls wait for it, one above the other. */
  readonly depth: number;
}

/** Every so many picks of a party, its oldest goes. */
const OLDEST_EVERY = 4;

interface Place<W> {
  readonly waiter: W;
  readonly party: Party<W>;
  readonly depth: number;
  /** In order of first pushes. */
  readonly seq: number;
  inLine: boolean;
}

interface Party<W> {
  /** Virtual start of its next pick; of one that waits for nothing, the end of its last. */
  start: number;
  /** Where the others were when it began to wait: what is given back does not reach behind it. */
  since: number;
  picks: number;
  turn: Turn<W> | undefined;
  readonly deepest: LazyHeap<Place<W>>;
  readonly oldest: LazyHeap<Place<W>>;
  /** How many wait, by depth. */
  readonly depths: Map<number, number>;
}

/** A party among those that wait. Replaced when its start moves. */
interface Turn<W> {
  readonly party: Party<W>;
  readonly start: number;
  /** Of equal starts the one that stands there longer goes first. */
  readonly seq: number;
}

export class FairQueue<W extends InLine> {
  readonly #line = new Map<W, Place<W>>();
  readonly #parties = new WeakMap<object, Party<W>>();
  readonly #seqs = new WeakMap<W, number>();
  readonly #turns = new LazyHeap<Turn<W>>(
    (a, b) => a.start < b.start || (a.start === b.start && a.seq < b.seq),
    (turn) => turn.party.turn === turn,
  );
  /** Virtual time: the start of the last pick. */
  #time = 0;
  #seq = 0;

  get size(): number {
    return this.#line.size;
  }

  /** In line, or back in line with its old place among its party and depth. One that is in line stays where it is. O(log n). */
  push(waiter: W): void {
    if (this.#line.has(waiter)) return;
    const party = this.#partyOf(waiter.party);
    const seq = this.#seqs.get(waiter) ?? (this.#seq += 1);
    this.#seqs.set(waiter, seq);
    const place: Place<W> = { waiter, party, depth: waiter.depth, seq, inLine: true };
    this.#line.set(waiter, place);
    party.deepest.push(place);
    party.oldest.push(place);
    party.depths.set(place.depth, (party.depths.get(place.depth) ?? 0) + 1);
    if (party.turn !== undefined) return;
    party.since = this.#time;
    this.#moveTo(party, Math.max(this.#time, party.start));
  }

  /** Who is to go next. */
  next(): W | undefined {
    const party = this.#turns.first()?.party;
    return party === undefined ? undefined : lineOf(party).first()?.waiter;
  }

  /**
   * Takes the next out of the line and charges its party `cost`, a share of the binding limit. O(log n).
   * @throws RangeError for a cost that is not above 0, or not finite: the line would never move again.
   */
  take(cost: number): W | undefined {
    if (!(cost > 0 && cost < Infinity)) throw new RangeError(`a pick must cost more than 0, and ${cost} was given`);
    const party = this.#turns.first()?.party;
    const place = party === undefined ? undefined : lineOf(party).first();
    if (party === undefined || place === undefined) return undefined;
    this.#time = Math.max(this.#time, party.start);
    party.picks += 1;
    this.#moveTo(party, party.start + cost);
    this.#leave(place);
    return place.waiter;
  }

  /** One that gave up. Nothing happens where it is not in line. O(1) amortised. */
  remove(waiter: W): void {
    const place = this.#line.get(waiter);
    if (place !== undefined) this.#leave(place);
  }

  /**
   * Charges a party for one that went through without standing in line, or for what one cost more than was taken; below 0
   * it gives back. O(log n).
   * @throws RangeError for a cost that is not finite.
   */
  charge(party: object, cost: number): void {
    if (!Number.isFinite(cost)) throw new RangeError(`a charge must be a finite number, and ${cost} was given`);
    const charged = this.#partyOf(party);
    if (charged.turn !== undefined) {
      this.#moveTo(charged, Math.max(charged.since, charged.start + cost));
      return;
    }
    if (cost > 0) charged.start = Math.max(this.#time, charged.start);
    // Where nobody waits, who goes through is who is served: time goes with it, and nobody owes for a past without waiting.
    if (cost > 0 && this.#line.size === 0) this.#time = charged.start;
    charged.start += cost;
  }

  /** All that wait, who came last or came back last at the end. They may be removed meanwhile. */
  waiting(): Iterable<W> {
    return this.#line.keys();
  }

  /** At least so many of its own party go before one of this depth that comes now. O(depths of that party). */
  ahead(party: object, depth: number): number {
    let ahead = 0;
    for (const [other, count] of this.#parties.get(party)?.depths ?? []) if (other >= depth) ahead += count;
    return ahead;
  }

  #partyOf(key: object): Party<W> {
    let party = this.#parties.get(key);
    if (party === undefined) {
      party = newParty();
      this.#parties.set(key, party);
    }
    return party;
  }

  /** Moves the start of a party, which stands in line with it from now on. */
  #moveTo(party: Party<W>, start: number): void {
    const before = party.turn;
    party.start = start;
    party.turn = { party, start, seq: (this.#seq += 1) };
    if (before !== undefined) this.#turns.died();
    this.#turns.push(party.turn);
  }

  #leave(place: Place<W>): void {
    const { party, depth, waiter } = place;
    this.#line.delete(waiter);
    place.inLine = false;
    party.deepest.died();
    party.oldest.died();
    const left = (party.depths.get(depth) ?? 0) - 1;
    if (left > 0) party.depths.set(depth, left);
    else party.depths.delete(depth);
    if (party.depths.size > 0) return;
    party.turn = undefined;
    this.#turns.died();
  }
}

/** What decides who of a party goes next. */
function lineOf<W>({ picks, deepest, oldest }: Party<W>): LazyHeap<Place<W>> {
  return picks % OLDEST_EVERY === OLDEST_EVERY - 1 ? oldest : deepest;
}

function newParty<W>(): Party<W> {
  const isInLine = ({ inLine }: Place<W>): boolean => inLine;
  return {
    start: 0,
    since: 0,
    picks: 0,
    turn: undefined,
    deepest: new LazyHeap((a, b) => a.depth > b.depth || (a.depth === b.depth && a.seq < b.seq), isInLine),
    oldest: new LazyHeap((a, b) => a.seq < b.seq, isInLine),
    depths: new Map(),
  };
}
