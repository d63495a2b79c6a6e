// The gate in front of a provider's model, one for each account in a process: who may send now, who waits, and who is
// told at once that it makes no sense to wait. Drives what is decided elsewhere: limiter.ts (how many), outage.ts
// (whether at all) and fairQueue.ts (who is next). send.ts enters for every sending and tells what came of it.
//
// W1 nobody waits without a bound: a wait ends with its call, and is refused where the call's deadline, `retryWaitMs`,
//    `outageMs` or the queue's length says that it would be in vain.
// W2 who was let in is told of once, whatever became of it: what is in flight is always known.
// W3 waiting holds nothing that those in flight need.
// W4 its time never goes back: a clock that is set back makes nobody wait for what it was set back by.

import { AmdahlError } from '../agent/errors.ts';
import type { Heard } from './breaker.ts';
import { FairQueue, type InLine } from './fairQueue.ts';
import { down, leftToNext, pausedTooLong, refusedAll, tooLate, tooMany } from './gateRefusals.ts';
import type { Closed, GateView, Incident } from './gateView.ts';
import {
  admitted,
  atTime,
  configured,
  costOf,
  ended,
  heardLimits,
  knownLimits,
  type Limiter,
  limiter,
  type Outcome,
  type RateLimit,
  verdict,
} from './limiter.ts';
import { type LetThrough, Outage } from './outage.ts';
import { NEXT_AFTER_MS } from './resend.ts';
import type { WatchPorts } from './watch.ts';

/** The bounds on waiting at a gate. Times in ms. */
export interface GateBounds {
  /** How many may stand in line. */
  readonly queue: number;
  /** The longest wait that a provider may ask for. */
  readonly retryWaitMs: number;
  /** How long a provider may be down until nobody waits for it any more. */
  readonly outageMs: number;
  /** How often a request may be turned away. */
  readonly turnedAway: number;
}

/** Somebody who wants to send a request. */
export interface Visitor extends InLine {
  /** Estimated input, and the most output that it may bring. */
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** When it must be over, in epoch ms; Infinity where nothing says so. */
  readonly deadlineAt: number;
  /** Another model stands in where this one is down: it does not wait for that. */
  readonly hasNext: boolean;
  readonly bounds: GateBounds;
  readonly random: () => number;
  /** Calls back when it gives up; returns the undoing. */
  onEnd(listener: (error: AmdahlError) => void): () => void;
}

/** What came of a request: to the limiter, and to the breaker. */
export interface Came {
  readonly outcome: Outcome;
  readonly heard: Heard;
  /** Something answered, be it with a failure: somebody is there. */
  readonly reached?: boolean;
}

/** Leave to send one request. */
export interface Permit {
  /** Tells what the provider says of its limits before the answer is over: of a stream, whose headers come first. Once. */
  announce(announced: Outcome['announced']): void;
  /** Tells what came of it; the incident that its failure belongs to, where there is one. Once. */
  done(came: Came): Incident | undefined;
}

type Leave = { readonly go: true; readonly probe: boolean } | { readonly go: false; readonly why: Closed; readonly ms: number };

export class Gate {
  readonly name: string;
  readonly account: string | undefined;
  readonly #clock: WatchPorts;
  readonly #queue = new FairQueue<Visitor>();
  /** Those in line, and how each hears that its wait is over. */
  readonly #over = new Map<Visitor, (result: Permit | AmdahlError) => void>();
  #limiter: Limiter;
  readonly #outage: Outage;
  #disarm: (() => void) | undefined;
  /** Those that were let in before: whoever was turned away finds its place again. */
  readonly #knownHere = new WeakSet<Visitor>();
  /** Until when those in line know that it is closed, and for what. */
  #said: { readonly why: Closed; readonly until: number } | undefined;
  /** The clock when it was last read, and how far the gate's own time is ahead of it. */
  #clockAt: number;
  #aheadMs = 0;

  constructor(name: string, account: string | undefined, config: RateLimit, clock: WatchPorts) {
    this.name = name;
    this.account = account;
    this.#clock = clock;
    this.#clockAt = clock.now();
    this.#limiter = limiter(config, this.#clockAt);
    this.#outage = new Outage(name, () => this.#aheadMs);
  }

  /** Time as the clock tells it, but for every time that it was set back. */
  #now(): number {
    const at = this.#clock.now();
    this.#aheadMs += Math.max(0, this.#clockAt - at);
    this.#clockAt = at;
    return at + this.#aheadMs;
  }

  /** Nothing is on its way and nobody waits. */
  get idle(): boolean {
    return this.#queue.size === 0 && this.#limiter.inFlight === 0;
  }

  /** What the user knows of the limits; the last who says so counts. */
  configure(config: RateLimit): void {
    const before = this.#limiter;
    this.#limiter = configured(before, config, this.#now());
    if (this.#limiter !== before) this.#pump();
  }

  /**
   * Leave to send, now or when it is this visitor's turn. Rejects with why it gave up.
   * @throws AmdahlError LIMIT_EXCEEDED (queue), TIMEOUT, MODEL_RATE_LIMITED, MODEL_UNAVAILABLE where waiting is in vain.
   */
  enter(visitor: Visitor): Permit | Promise<Permit> {
    const now = this.#now();
    const leave = this.#leave(visitor, now);
    if (leave.go && this.#queue.size === 0) {
      this.#queue.charge(visitor.party, this.#cost(visitor));
      return this.#admit(visitor, leave.probe, now);
    }
    const refusal = this.#refusal(visitor, leave, now);
    if (refusal !== undefined) throw refusal;
    return new Promise((resolve, reject) => {
      let gone = false;
      const off = visitor.onEnd((error) => {
        gone = true;
        // While it is down a timer looks after them, whoever goes.
        const wasNext = this.#outage.isOver && this.#queue.next() === visitor;
        this.#over.delete(visitor);
        this.#queue.remove(visitor);
        reject(error);
        if (wasNext) this.#pump();
      });
      if (gone) return;
      this.#over.set(visitor, (result) => {
        off();
        if (result instanceof AmdahlError) reject(result);
        else resolve(result);
      });
      this.#queue.push(visitor);
      // Behind somebody it changes nothing.
      if (this.#queue.size === 1 || this.#queue.next() === visitor) this.#pump();
    });
  }

  /**
   * Whose turn it is. A probe is for all: parties take turns with it, for one may be down with what another is not, and who went
   * last is not sent again before everybody else was.
   */
  #next(): Visitor | undefined {
    if (this.#outage.isOver) return this.#queue.next();
    let longest: Visitor | undefined;
    for (const visitor of this.#queue.waiting()) {
      if (!this.#outage.hasTried(visitor.party)) return visitor;
      longest ??= visitor;
    }
    return longest;
  }

  #answer(visitor: Visitor, result: Permit | AmdahlError): void {
    const over = this.#over.get(visitor);
    this.#over.delete(visitor);
    over?.(result);
  }

  /** Leave now or not at all: for a sending that is not worth waiting for. */
  enterNow(visitor: Visitor): Permit | undefined {
    const now = this.#now();
    const leave = this.#leave(visitor, now);
    if (!leave.go || leave.probe || this.#queue.size > 0) return undefined;
    this.#queue.charge(visitor.party, this.#cost(visitor));
    return this.#admit(visitor, false, now);
  }

  /** What is known by now of an incident of this gate; undefined for one of another, or of long ago. */
  incident(id: string): Incident | undefined {
    return this.#outage.incident(id);
  }

  view(): GateView {
    const now = this.#now();
    const next = this.#next();
    const leave = next === undefined ? undefined : this.#leave(next, now);
    const closed = leave === undefined || leave.go ? undefined : leave;
    const incident = this.#outage.present;
    return {
      name: this.name,
      ...(this.account === undefined ? {} : { account: this.account }),
      inFlight: this.#limiter.inFlight,
      queued: this.#queue.size,
      ...(closed === undefined ? {} : { closed: closed.why }),
      ...(closed === undefined || !Number.isFinite(closed.ms) ? {} : { nextMs: closed.ms }),
      limits: knownLimits(this.#limiter),
      ...(incident === undefined ? {} : { incident }),
    };
  }

  #leave(visitor: Visitor, now: number): Leave {
    const allowed = this.#outage.allows(now);
    if (allowed.kind === 'no') return { go: false, why: 'breaker', ms: Math.max(1, allowed.untilMs - now) };
    this.#limiter = atTime(this.#limiter, now);
    const { tokensIn, tokensOut } = costOf(this.#limiter, visitor.tokensIn, visitor.tokensOut);
    const found = verdict(this.#limiter, tokensIn + tokensOut, now);
    const probe = allowed.kind === 'probe';
    // Those in flight may hang all: the probe goes beside them.
    if (found.kind === 'go' || (probe && found.why === 'inFlight')) return { go: true, probe };
    return { go: false, why: found.why, ms: found.ms };
  }

  /** What a request takes of whatever binds: with many tokens it counts as several. */
  #cost({ tokensIn, tokensOut }: Visitor): number {
    const { requests, tokens } = this.#limiter;
    const cost = costOf(this.#limiter, tokensIn, tokensOut);
    if (tokens === undefined) return 1;
    const each = requests === undefined ? 1_000 : tokens.bucket.perMs / requests.bucket.perMs;
    return Math.max(requests === undefined ? 0.001 : 1, (cost.tokensIn + cost.tokensOut) / each);
  }

  #admit(visitor: Visitor, probe: boolean, now: number): Permit {
    const cost = costOf(this.#limiter, visitor.tokensIn, visitor.tokensOut);
    const { state, ticket } = admitted(this.#limiter, cost.tokensIn, cost.tokensOut, now);
    this.#limiter = state;
    this.#knownHere.add(visitor);
    const through: LetThrough = { probe, era: this.#outage.era, sentAt: now };
    if (probe) this.#outage.probing(now);
    let over = false;
    return {
      announce: (announced) => {
        if (over) return;
        this.#limiter = heardLimits(this.#limiter, ticket, announced, this.#now());
        this.#outage.begins(through, this.#now());
        this.#pump();
      },
      done: (came) => {
        if (over) return undefined;
        over = true;
        const at = this.#now();
        const random = visitor.random();
        this.#limiter = ended(this.#limiter, ticket, came.outcome, at, random);
        const { outcome, heard, reached = false } = came;
        const isReached = reached || heard.kind === 'success' || outcome.kind === 'refused';
        const told = this.#outage.tell(visitor.party, heard, isReached, through, at, random);
        this.#pump();
        return told;
      },
    };
  }

  /** Lets in who may go, and sets the clock for the next. */
  #pump(): void {
    this.#disarm?.();
    this.#disarm = undefined;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const now = this.#now();
      const leave = this.#leave(next, now);
      if (leave.go) {
        const cost = this.#cost(next);
        if (leave.probe) {
          this.#queue.remove(next);
          this.#queue.charge(next.party, cost);
        } else {
          this.#queue.take(cost);
        }
        this.#answer(next, this.#admit(next, leave.probe, now));
      } else if (!this.#sendAway(leave, now)) {
        return this.#arm(leave.ms, now);
      }
    }
  }

  /** Where it closes for everybody, those who wait in vain are told so: when it does, and now and then while it is down. Whether there were any. */
  #sendAway(leave: Extract<Leave, { go: false }>, now: number): boolean {
    const { why, ms } = leave;
    if (why !== 'paused' && why !== 'breaker') return false;
    const until = now + (why === 'breaker' ? LOOK_MS : ms);
    const said = this.#said;
    if (said?.why === why && (why === 'breaker' ? now < said.until : until < said.until + SOON_MS)) return false;
    this.#said = { why, until };
    const vain: (readonly [Visitor, AmdahlError])[] = [];
    for (const visitor of this.#queue.waiting()) {
      const refusal = this.#inVain(visitor, leave, now);
      if (refusal !== undefined) vain.push([visitor, refusal]);
    }
    for (const [visitor, refusal] of vain) {
      this.#queue.remove(visitor);
      this.#answer(visitor, refusal);
    }
    return vain.length > 0;
  }

  #arm(ms: number, now: number): void {
    const waitMs = Math.min(ms, this.#outage.isOver ? Infinity : LOOK_MS);
    if (!Number.isFinite(waitMs)) return;
    this.#disarm = this.#clock.after(waitMs, () => {
      this.#disarm = undefined;
      // A timer knows how long it took, also where the clock was set back meanwhile.
      const lackMs = now + waitMs - this.#now();
      if (lackMs > SOON_MS) this.#aheadMs += lackMs;
      this.#pump();
    });
  }

  /** Why a newcomer had better not wait. */
  #refusal(visitor: Visitor, leave: Leave, now: number): AmdahlError | undefined {
    const { queue } = visitor.bounds;
    // A line of its own party's: what others wait for does not bound it.
    if (!this.#knownHere.has(visitor) && this.#queue.ahead(visitor.party, 0) >= queue) return tooMany(this.name, queue);
    return leave.go ? undefined : this.#inVain(visitor, leave, now);
  }

  /** Why somebody has no use of waiting, if that is so. */
  #inVain(visitor: Visitor, { why, ms }: Extract<Leave, { go: false }>, now: number): AmdahlError | undefined {
    const { bounds, deadlineAt, hasNext } = visitor;
    const incident = why === 'breaker' ? this.#outage.present : undefined;
    if (incident !== undefined) {
      const forMs = this.#clockAt - incident.since;
      if (hasNext) return down(incident, forMs, '');
      // While a probe is out nobody knows: it may be answering.
      if (this.#outage.isCertain && forMs > this.#patienceMs(bounds))
        return down(incident, forMs, this.#outage.isReached ? notLonger(bounds) : NOT_HERE);
    }
    if (why === 'paused') {
      if (hasNext && ms > NEXT_AFTER_MS + JITTER_MS_MAX) return leftToNext(this.name, ms);
      if (ms > bounds.retryWaitMs + JITTER_MS_MAX) return pausedTooLong(this.name, ms, bounds.retryWaitMs);
      const { inRow } = this.#limiter;
      if (inRow > Math.max(bounds.turnedAway, IN_ROW)) return refusedAll(this.name, inRow, ms);
    }
    if (deadlineAt === Infinity) return undefined;
    const leftMs = deadlineAt - (now - this.#aheadMs);
    // A place in flight may be free at any moment.
    const waitMs = (why === 'inFlight' || !Number.isFinite(ms) ? 0 : ms) + this.#lineMs(visitor);
    return waitMs <= leftMs ? undefined : tooLate(this.name, waitMs, this.#queue.size, leftMs);
  }

  /** How long those take, at least, who go before it. */
  #lineMs({ party, depth }: Visitor): number {
    const bucket = this.#limiter.requests?.bucket;
    return bucket === undefined ? 0 : Math.max(0, this.#queue.ahead(party, depth) - bucket.size) / bucket.perMs;
  }

  /** Where nothing ever answered it is less likely to be down than to be somewhere else. */
  #patienceMs({ outageMs }: GateBounds): number {
    return this.#outage.isReached ? outageMs : Math.min(outageMs, NEVER_ANSWERED_MS);
  }
}

/** Long enough for two probes. */
const NEVER_ANSWERED_MS = 5_000;

/** While it is down, those in line are looked after this often. */
const LOOK_MS = 1_000;

/** What moves by less than this is not worth telling everybody. */
const SOON_MS = 100;

/** What limiter.ts adds at most to the wait that a provider asks for. */
const JITTER_MS_MAX = 1_000;

/** Push-backs in a row, with nothing answered between, of which everybody in line has heard enough. */
const IN_ROW = 20;

const NOT_HERE = 'Nothing there has ever answered this process, so it is not waited for. ';

function notLonger({ outageMs }: GateBounds): string {
  return `It is not waited for any longer: the limit 'outageMs' is ${outageMs}. `;
}
