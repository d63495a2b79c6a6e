// What can go wrong on purpose: every fault by name, what it takes, and which one a request meets. Drawing is pure;
// spoil.ts makes the model's words wrong, reply.ts the bytes.

import { between, dice } from './dice.ts';
import type { Asked, Trouble } from './wire.ts';

/** What is wrong with: the status, the connection, the body around the answer, or the answer in it. */
type Harm = 'status' | 'connection' | 'body' | 'words';

export interface FaultFacts {
  readonly harms: Harm;
  readonly says: string;
  /** Of an error: what the provider would say. */
  readonly trouble?: Trouble;
  readonly status?: number;
}

const status = (code: number, trouble: Trouble, says: string): FaultFacts => ({ harms: 'status', status: code, trouble, says });

/** The names of all faults. They are stable. */
export type FaultName =
  | '400'
  | '401'
  | '403'
  | '404'
  | '408'
  | '409'
  | '413'
  | '422'
  | '429'
  | '500'
  | '502'
  | '503'
  | '504'
  | '529'
  | 'quotaUsedUp'
  | 'contextOverflow'
  | 'reset'
  | 'refuse'
  | 'hang'
  | 'stall'
  | 'cut'
  | 'cutReset'
  | 'cutClean'
  | 'errorEvent'
  | 'garbage'
  | 'html'
  | 'html502'
  | 'emptyBody'
  | 'empty'
  | 'unknownFinish'
  | 'length'
  | 'filter'
  | 'refusal'
  | 'truncatedJson'
  | 'wrongJson'
  | 'prose'
  | 'proseAround';

/** Every fault. */
export const FAULTS: Readonly<Record<FaultName, FaultFacts>> = {
  '400': status(400, 'badRequest', 'bad request'),
  '401': status(401, 'unauthorized', 'wrong key'),
  '403': status(403, 'unauthorized', 'forbidden'),
  '404': status(404, 'unknownModel', 'unknown model'),
  '408': status(408, 'unavailable', 'the provider gave up waiting'),
  '409': status(409, 'unavailable', 'conflict'),
  '413': status(413, 'tooLarge', 'too large'),
  '422': status(422, 'badRequest', 'not processable'),
  '429': status(429, 'rateLimited', 'rate limited; retryAfterMs goes into the headers'),
  '500': status(500, 'serverError', 'server error'),
  '502': status(502, 'serverError', 'bad gateway'),
  '503': status(503, 'unavailable', 'unavailable'),
  '504': status(504, 'unavailable', 'gateway time-out'),
  '529': status(529, 'overloaded', 'overloaded'),
  quotaUsedUp: { harms: 'status', trouble: 'quotaUsedUp', says: 'no money left: asking again is of no use' },
  contextOverflow: { harms: 'status', trouble: 'contextOverflow', says: 'the conversation is too long' },
  reset: { harms: 'connection', says: 'the connection is reset before a byte is sent' },
  refuse: { harms: 'connection', says: 'this connection is reset, and new ones are refused for forMs' },
  hang: { harms: 'connection', says: 'nothing is sent for forMs, without it for ever' },
  stall: { harms: 'connection', says: 'the answer stops at atByte for forMs, without it for ever' },
  cut: { harms: 'connection', says: 'the connection ends at atByte of the body' },
  cutReset: { harms: 'connection', says: 'the connection is reset at atByte of the body' },
  cutClean: { harms: 'body', says: 'the body ends at atByte as if that were all' },
  errorEvent: { harms: 'body', says: 'an error event in the middle of a stream; a whole answer is a 500' },
  garbage: { harms: 'body', says: '200, JSON by its type, and noise' },
  html: { harms: 'body', says: '200 and the page of a proxy' },
  html502: { harms: 'body', says: '502 and the page of a proxy' },
  emptyBody: { harms: 'body', says: '200 and no body' },
  empty: { harms: 'words', says: 'an envelope without an answer: empty choices, no content' },
  unknownFinish: { harms: 'words', says: 'a finish reason that nobody knows' },
  length: { harms: 'words', says: 'cut off at the output limit, and it says so' },
  filter: { harms: 'words', says: 'withheld by the content filter' },
  refusal: { harms: 'words', says: 'the model refuses' },
  truncatedJson: { harms: 'words', says: 'the answer breaks off, as if it were whole' },
  wrongJson: { harms: 'words', says: 'JSON that breaks the schema' },
  prose: { harms: 'words', says: 'talk instead of JSON' },
  proseAround: { harms: 'words', says: 'talk and a code fence around the JSON' },
};

/** What some faults take. */
export interface FaultTakes {
  /** Of hang, stall and refuse, in ms. */
  readonly forMs?: number;
  /** Of stall, cut, cutReset and cutClean: how many bytes of the body are sent. Without it any number, by seed. */
  readonly atByte?: number;
  /** Of status faults: how long to wait, in ms, as `retry-after-ms` and, rounded up to seconds, `retry-after`. */
  readonly retryAfterMs?: number;
}

export interface Fault extends FaultTakes {
  readonly fault: FaultName;
}

/** Faults by seed, each with its share of requests (0 to 1, together at most 1); or a function of the request, whose `nth` counts from 0. */
export type Faults =
  | { readonly [K in FaultName]?: number | ({ readonly share: number } & FaultTakes) }
  | ((asked: Asked, nth: number) => Fault | FaultName | undefined | Promise<Fault | FaultName | undefined>);

/** What a fault of a name is. Pure. */
export function factsOf(name: FaultName): FaultFacts {
  return FAULTS[name];
}

export function isFaultName(name: string): name is FaultName {
  return Object.hasOwn(FAULTS, name);
}

/** Whether an answer that met a fault is one that a client can take, once all of it came: late, or with the wrong words. Pure. */
export function isAnswer(fault: Fault | undefined): boolean {
  if (fault === undefined) return true;
  if (fault.fault === 'hang' || fault.fault === 'stall') return fault.forMs !== undefined;
  return factsOf(fault.fault).harms === 'words' && fault.fault !== 'empty';
}

/** What takes a fault's setting; others would do nothing with it. Pure. */
export function takes(name: FaultName, setting: keyof FaultTakes): boolean {
  switch (setting) {
    case 'forMs':
      return name === 'hang' || name === 'stall' || name === 'refuse';
    case 'atByte':
      return name === 'stall' || name === 'cut' || name === 'cutReset' || name === 'cutClean';
    case 'retryAfterMs':
      return factsOf(name).harms === 'status';
  }
}

/** The fault that the `try`-th of equal requests meets: each try draws anew. Pure. */
export function drawFault(
  shares: Exclude<Faults, (...args: never) => unknown>,
  seed: number,
  key: string,
  tryNumber: number,
): Fault | undefined {
  const drawn = dice(seed, 'fault', key, tryNumber)();
  let below = 0;
  for (const [name, given] of Object.entries(shares)) {
    if (given === undefined || !isFaultName(name)) continue;
    const { share, ...taken } = typeof given === 'number' ? { share: given } : given;
    below += share;
    if (drawn < below) return { fault: name, ...taken };
  }
  return undefined;
}

/** The byte at which a body of `bytes` breaks: never all of it, for that would be no fault. Pure. */
export function breakAt({ atByte }: Fault, bytes: number, seed: number, key: string, tryNumber: number): number {
  const most = Math.max(0, bytes - 1);
  return Math.min(atByte ?? between(dice(seed, 'break', key, tryNumber), 0, most), most);
}
