// Every bound of the runtime, by name. Reaching one is LIMIT_EXCEEDED with the name in `data.limit`.

import { AmdahlError } from '../agent/errors.ts';

export interface Limits {
  /** Calls below calls. */
  readonly depth: number;
  /** Calls that one asker may ask, and items of one fan-out. */
  readonly fanOut: number;
  /** Model requests of one attempt, where the agent says nothing else. */
  readonly turns: number;
  /** Tool calls in one turn. */
  readonly toolCalls: number;
  /** Bytes of JSON of one input or output. */
  readonly payloadBytes: number;
  /** Bytes of one file of an input, also of one that is fetched. */
  readonly fileBytes: number;
  /** Bytes of all files that one request is sent. */
  readonly filesBytes: number;
  /** Bytes of JSON of one tool result; the model is told when it is over. */
  readonly toolResultBytes: number;
  /** Requests waiting for room in a budget, or of one run at the gate of a model. */
  readonly queue: number;
  /** Output tokens a request reserves of a budget when the agent's settings say nothing. */
  readonly outputTokensAssumed: number;
  /** How often in a row a tool may fail in the same way, over all runs, until it is held back and only tried out; 0 for never. */
  readonly toolFailures: number;
  /** How long an act that was told to stop may take to come back before it counts as uncertain, in ms. */
  readonly actGraceMs: number;
  /** A request waits rather than being sent with less output than this. */
  readonly outputTokensUseful: number;
  /** How long a request may take until its connection stands, in ms. */
  readonly connectMs: number;
  /** How long an answer may fall silent after it began, in ms. */
  readonly idleMs: number;
  /** How long one sending of a request may take in all, in ms. Node's own fetch waits no longer for an answer to begin. */
  readonly requestMs: number;
  /** How often a request that the provider did not answer is sent again; 0 for never. */
  readonly retries: number;
  /** How many requests a run may send again in any case, over all its calls. */
  readonly retryBudget: number;
  /** How many more it may send again for every hundred requests. */
  readonly retryBudgetPercent: number;
  /** The longest wait that a provider may ask for before a request is sent again, in ms. */
  readonly retryWaitMs: number;
  /** How often a request that rate limits or an outage turned away goes back in line; 0 for never. */
  readonly turnedAway: number;
  /** How long a provider may be down for everybody until its calls fail instead of waiting, in ms. */
  readonly outageMs: number;
  /** How long a question to a person stands where it says nothing itself, in ms. */
  readonly askMs: number;
}

/** Generous enough for honest work, small enough that a runaway stops the same day. */
export const DEFAULT_LIMITS: Limits = {
  depth: 32,
  fanOut: 100_000,
  turns: 32,
  toolCalls: 64,
  payloadBytes: 8 * 1024 * 1024,
  fileBytes: 20 * 1024 * 1024,
  filesBytes: 50 * 1024 * 1024,
  toolResultBytes: 256 * 1024,
  queue: 100_000,
  outputTokensAssumed: 4_096,
  outputTokensUseful: 256,
  toolFailures: 10,
  actGraceMs: 5_000,
  connectMs: 10_000,
  idleMs: 60_000,
  requestMs: 300_000,
  retries: 3,
  retryBudget: 10,
  retryBudgetPercent: 10,
  retryWaitMs: 60_000,
  turnedAway: 20,
  outageMs: 60_000,
  askMs: 7 * 24 * 3_600_000,
};

/** The limits that may be 0: then what they bound does not happen. */
const MAY_BE_NONE: ReadonlySet<string> = new Set(['retries', 'retryBudget', 'retryBudgetPercent', 'turnedAway', 'toolFailures']);

/** @throws AmdahlError MISCONFIGURED for a limit that does not exist or is no whole number above 0 (0 or more where 0 means never). Pure. */
export function limitsOf(given: Partial<Limits> = {}): Limits {
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(DEFAULT_LIMITS, name)) {
      throw new AmdahlError('MISCONFIGURED', `There is no limit '${name}'. The limits are ${Object.keys(DEFAULT_LIMITS).join(', ')}.`);
    }
    const least = MAY_BE_NONE.has(name) ? 0 : 1;
    if (!Number.isInteger(value) || value < least) {
      throw new AmdahlError(
        'MISCONFIGURED',
        `The limit '${name}' is ${String(value)}. Give a whole number${least === 0 ? ', 0 or more' : ' above 0'}.`,
      );
    }
  }
  return { ...DEFAULT_LIMITS, ...given };
}

/** The error for a limit that was reached. Pure. */
export function limitError(limit: keyof Limits, bound: number, what: string, remedy: string): AmdahlError {
  return new AmdahlError('LIMIT_EXCEEDED', `${what}: the limit '${limit}' is ${bound}. ${remedy}`, { data: { limit, bound } });
}
