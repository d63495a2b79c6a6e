// What a model server remembers of the requests it received: one record each, and the sums of all. Prompts and keys are
// not in it. Questions about the server itself (/stats, /requests, /reset) have no record.

import type { FaultName } from './faults.ts';
import type { Protocol } from './wire.ts';

/** One request: times in ms since the epoch, sizes in bytes of HTTP body. */
export interface RequestRecord {
  /** Which one, from 0, in the order in which they came. */
  readonly nth: number;
  readonly at: number;
  readonly tookMs: number;
  readonly method: string;
  readonly path: string;
  /** Absent where no protocol has this path. */
  readonly protocol?: Protocol;
  readonly model?: string;
  readonly stream?: boolean;
  /** The header `x-amdahl-turn`: which turn it was sent for. Of a long one the end is a hash. */
  readonly turn?: string;
  /** How often the same turn, or without one the same request, was let in before. Absent of what was not. */
  readonly tryNumber?: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  /** Of the input: read from the prompt cache, and written into it where the provider tells that. */
  readonly tokensCached: number;
  readonly tokensCacheWritten: number;
  /** Of the prompt as a model reads it, as one text: tools, form and conversation. */
  readonly promptBytes: number;
  /** Of the longest prefix that an earlier request for the same model had too. */
  readonly sharedBytes: number;
  readonly sharedTokens: number;
  /** Of the prefix that was read from the prompt cache. */
  readonly cachedBytes: number;
  /** 0 where none was sent. */
  readonly status: number;
  readonly finish?: string;
  /** What was made to go wrong. */
  readonly fault?: FaultName;
  /** Why it was not answered by a model: wrong key, rate limit, unknown model. */
  readonly refused?: string;
  /** Whether all of an answer that a client can take as one was handed to the operating system. */
  readonly acknowledged: boolean;
  /** Who ended it before it was over. */
  readonly closed?: 'client' | 'server';
  /** Requests in flight when this one came, itself among them. */
  readonly inFlight: number;
}

/** Sums over all requests since the start or the last reset. */
export interface ModelServerStats {
  readonly requests: number;
  readonly acknowledged: number;
  readonly inFlight: number;
  readonly inFlightMax: number;
  /** Distinct turns of the header `x-amdahl-turn`. One that comes again after 200,000 others counts anew. */
  readonly turns: number;
  /** Turns of which more than one answer was acknowledged. */
  readonly turnsAnsweredTwice: number;
  readonly closedByClient: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byFault: Readonly<Partial<Record<FaultName, number>>>;
  readonly byProtocol: Readonly<Partial<Record<Protocol, number>>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly tokensIn: number;
  readonly tokensOut: number;
  readonly tokensCached: number;
  readonly tokensCacheWritten: number;
  readonly promptBytes: number;
  readonly sharedBytes: number;
  readonly sharedTokens: number;
  readonly cachedBytes: number;
  /** Records that are no longer kept: the oldest go. */
  readonly forgotten: number;
}

/** Records kept, some 50 MB; of older ones only the sums are known. */
const RECORDS_MAX = 100_000;
/** Turns of which it is known how often they were answered. */
const TURNS_MAX = 200_000;

const SUMMED = [
  'bytesIn',
  'bytesOut',
  'tokensIn',
  'tokensOut',
  'tokensCached',
  'tokensCacheWritten',
  'promptBytes',
  'sharedBytes',
  'sharedTokens',
  'cachedBytes',
] as const;

type Sums = Pick<ModelServerStats, 'requests' | 'acknowledged' | 'closedByClient' | (typeof SUMMED)[number]>;

const noSums = (): { -readonly [K in keyof Sums]: number } => ({
  requests: 0,
  acknowledged: 0,
  closedByClient: 0,
  bytesIn: 0,
  bytesOut: 0,
  tokensIn: 0,
  tokensOut: 0,
  tokensCached: 0,
  tokensCacheWritten: 0,
  promptBytes: 0,
  sharedBytes: 0,
  sharedTokens: 0,
  cachedBytes: 0,
});

/** A request that has come. */
interface Opened {
  readonly nth: number;
  readonly inFlight: number;
  /** How many resets there were before it. */
  readonly era: number;
}

export class Records {
  #kept: RequestRecord[] = [];
  #forgotten = 0;
  #inFlight = 0;
  #inFlightMax = 0;
  #nth = 0;
  #era = 0;
  #sums = noSums();
  #byStatus = new Map<string, number>();
  #byFault = new Map<string, number>();
  #byProtocol = new Map<string, number>();
  /** For each of the newest turns, how many of its answers were acknowledged. */
  #turns = new Map<string, number>();
  #turnsSeen = 0;
  #turnsAnsweredTwice = 0;
  #waiting: (() => void)[] = [];

  /** A request came: which one it is, and how many are in flight with it. */
  open(): Opened {
    const nth = this.#nth;
    this.#nth += 1;
    this.#inFlight += 1;
    this.#inFlightMax = Math.max(this.#inFlightMax, this.#inFlight);
    return { nth, inFlight: this.#inFlight, era: this.#era };
  }

  /** It is over. One from before a reset is no longer counted. */
  close(record: RequestRecord, { era }: Opened): void {
    this.#inFlight -= 1;
    if (this.#inFlight === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    if (era !== this.#era) return;
    const sums = this.#sums;
    sums.requests += 1;
    if (record.acknowledged) sums.acknowledged += 1;
    if (record.closed === 'client') sums.closedByClient += 1;
    for (const name of SUMMED) sums[name] += record[name];
    count(this.#byStatus, String(record.status));
    if (record.fault !== undefined) count(this.#byFault, record.fault);
    if (record.protocol !== undefined) count(this.#byProtocol, record.protocol);
    if (record.turn !== undefined) this.#countTurn(record.turn, record.acknowledged);
    this.#kept.push(record);
    // In halves, for taking the first of a long list each time is slow.
    if (this.#kept.length >= RECORDS_MAX * 2) {
      this.#forgotten += this.#kept.length - RECORDS_MAX;
      this.#kept = this.#kept.slice(-RECORDS_MAX);
    }
  }

  #countTurn(turn: string, acknowledged: boolean): void {
    const before = this.#turns.get(turn);
    if (before === undefined) {
      this.#turnsSeen += 1;
      for (const oldest of this.#turns.keys()) {
        if (this.#turns.size < TURNS_MAX) break;
        this.#turns.delete(oldest);
      }
    }
    if (acknowledged && before === 1) this.#turnsAnsweredTwice += 1;
    this.#turns.set(turn, (before ?? 0) + (acknowledged ? 1 : 0));
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    if (this.#inFlight > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The newest records, in the order in which they ended. */
  kept(): readonly RequestRecord[] {
    return this.#kept;
  }

  stats(): ModelServerStats {
    return {
      ...this.#sums,
      inFlight: this.#inFlight,
      inFlightMax: this.#inFlightMax,
      turns: this.#turnsSeen,
      turnsAnsweredTwice: this.#turnsAnsweredTwice,
      byStatus: Object.fromEntries(this.#byStatus),
      byFault: Object.fromEntries(this.#byFault),
      byProtocol: Object.fromEntries(this.#byProtocol),
      forgotten: this.#forgotten,
    };
  }

  /** Everything but what is in flight begins anew. */
  reset(): void {
    this.#era += 1;
    this.#kept = [];
    this.#forgotten = 0;
    this.#inFlightMax = this.#inFlight;
    this.#nth = 0;
    this.#sums = noSums();
    this.#turnsSeen = 0;
    this.#turnsAnsweredTwice = 0;
    for (const map of [this.#byStatus, this.#byFault, this.#byProtocol, this.#turns]) map.clear();
  }
}

function count(map: Map<string, number>, name: string): void {
  map.set(name, (map.get(name) ?? 0) + 1);
}
