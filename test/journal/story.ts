// Short journals for tests of projections: events with everything filled in that the test does not care about.

import type { AgentKind } from '../../src/agent/definition.ts';
import type { ErrorRecord } from '../../src/agent/errors.ts';
import type { AskId, Entry, Happening, Json, Place, Usage } from '../../src/journal/event.ts';
import type { AskKind } from '../../src/journal/worldEvent.ts';

/** A place for tests: any name will do. */
export function placeOf(name: string): Place {
  return name as Place; // A test's own names stand in for hashes.
}

export function usageOf(tokensIn: number, tokensOut: number, tokensCached = 0, tokensReasoning = 0): Usage {
  return { tokensIn, tokensOut, tokensCached, tokensReasoning };
}

/** Numbers happenings from 0 and lets ten milliseconds pass between them. */
export function journalOf(...happenings: readonly (Happening | { readonly pauseMs: number })[]): Entry[] {
  const entries: Entry[] = [];
  let at = 1_000;
  for (const happening of happenings) {
    if ('pauseMs' in happening) {
      at += happening.pauseMs;
      continue;
    }
    entries.push({ seq: entries.length, event: { ...happening, at } });
    at += 10;
  }
  return entries;
}

export const runStarted: Happening = { kind: 'run.started', agent: 'sweep', input: 'q', inputHash: 'h' };

export function runResumed(entry: number, activeMs: number): Happening {
  return { kind: 'run.resumed', entry, activeMs };
}

export function callStarted(path: string, options: { asker?: string; of?: AgentKind; width?: number } = {}): Happening {
  const agent = path.split('/').at(-1)?.split('#')[0] ?? path;
  const { asker = 'nobody', of = 'model', width } = options;
  return {
    kind: 'call.started',
    place: placeOf(path),
    asker: placeOf(asker),
    path,
    agent,
    of,
    input: { path },
    ...(width === undefined ? {} : { width }),
  };
}

export interface Asking {
  readonly attempt?: number;
  readonly turn?: number;
  readonly why?: 'ask' | 'tools' | 'repair';
  readonly model?: string;
  readonly reservedIn?: number;
  readonly reservedOut?: number;
  readonly reservedUsd?: number;
  readonly hedge?: true;
  readonly again?: number;
}

/** The attempt's place of a call in these stories. */
export function attemptOf(path: string, attempt = 1): Place {
  return placeOf(`${path}@${attempt}`);
}

export function requested(path: string, asking: Asking = {}): Happening {
  const {
    attempt = 1,
    turn = 1,
    why = 'ask',
    model = 'acme/small',
    reservedIn = 100,
    reservedOut = 100,
    reservedUsd,
    hedge,
    again,
  } = asking;
  return {
    kind: 'model.requested',
    place: attemptOf(path, attempt),
    call: placeOf(path),
    path,
    agent: path.split('/').at(-1) ?? path,
    turn,
    model,
    adds: [{ role: 'user', content: [{ type: 'text', text: `turn ${turn}` }] }],
    why,
    ...(hedge === undefined ? {} : { hedge }),
    ...(again === undefined ? {} : { again }),
    attempt,
    accounts: [],
    reservedTokensIn: reservedIn,
    reservedTokensOut: reservedOut,
    ...(reservedUsd === undefined ? {} : { reservedUsdMicros: reservedUsd }),
  };
}

export interface Answering {
  readonly attempt?: number;
  readonly turn?: number;
  readonly usage?: Usage;
  readonly saved?: number;
  readonly usd?: number;
  readonly ms?: number;
  readonly text?: string;
  readonly estimated?: true;
  readonly hedge?: true;
}

/** How a sending failed. */
export interface Failing extends Answering {
  /** The other sending of its turn was answered first. */
  readonly lost?: true;
  readonly retryMs?: number;
  readonly error?: ErrorRecord;
}

export function responded(path: string, answering: Answering = {}): Happening {
  const { attempt = 1, turn = 1, usage = usageOf(90, 20), usd, saved, ms = 5, text = 'fine', estimated, hedge } = answering;
  return {
    kind: 'model.responded',
    place: attemptOf(path, attempt),
    turn,
    content: [{ type: 'text', text }],
    text,
    finish: 'stop',
    usage,
    ms,
    ...(usd === undefined ? {} : { usdMicros: usd }),
    ...(saved === undefined ? {} : { savedUsdMicros: saved }),
    ...(estimated === undefined ? {} : { estimated }),
    ...(hedge === undefined ? {} : { hedge }),
  };
}

export function modelFailed(path: string, failing: Failing = {}): Happening {
  const { attempt = 1, turn = 1, usage = usageOf(90, 0), usd, ms = 5, hedge, lost, retryMs } = failing;
  const { error = { code: 'MODEL_FAILED', message: 'the provider said 500' } } = failing;
  return {
    kind: 'model.failed',
    place: attemptOf(path, attempt),
    turn,
    error,
    usage,
    ms,
    ...(usd === undefined ? {} : { usdMicros: usd }),
    ...(hedge === undefined ? {} : { hedge }),
    ...(lost === undefined ? {} : { lost }),
    ...(retryMs === undefined ? {} : { retryMs }),
  };
}

/** A call waited: for a budget, to send again, for the gate in front of a model, or for a prefix to be cached. */
export function waited(path: string, limit: 'budget' | 'retry' | 'gate' | 'cache', ms: number, gate?: string): Happening {
  return { kind: 'limit.waited', place: placeOf(path), limit, call: path, ms, ...(gate === undefined ? {} : { gate }) };
}

export function attemptStarted(path: string, attempt: number): Happening {
  return { kind: 'attempt.started', place: placeOf(path), attempt };
}

export function attemptRejected(path: string, attempt: number): Happening {
  return { kind: 'attempt.rejected', place: placeOf(path), attempt, why: 'contract', problems: [{ path: 'title', message: 'is missing' }] };
}

export function callSucceeded(path: string): Happening {
  return { kind: 'call.succeeded', place: placeOf(path), output: 'done' };
}

export function callFailed(path: string, causes: readonly string[] = []): Happening {
  return {
    kind: 'call.failed',
    place: placeOf(path),
    error: { code: 'CONTRACT_VIOLATION', message: `${path} does not fit`, problems: [{ path: 'title', message: 'is missing' }] },
    causes: causes.map(placeOf),
  };
}

/** The call it serves, and all above. */
function callsOf(path: string): Place[] {
  const calls: Place[] = [];
  for (let above = path; above !== ''; above = above.slice(0, Math.max(0, above.lastIndexOf('/')))) calls.push(placeOf(above));
  return calls;
}

/** At the first attempt of the call with this path. `key` names the effect and its place. */
export function staged(
  call: string,
  key: string,
  args: Json = {},
  options: { readonly tool?: string; readonly approve?: true } = {},
): Happening {
  const { tool = 'send', approve } = options;
  return {
    kind: 'effect.staged',
    place: placeOf(`t ${key}`),
    calls: callsOf(call),
    attempt: attemptOf(call),
    path: call,
    tool,
    key,
    args,
    receipt: `[receipt:${key}]`,
    ...(approve === undefined ? {} : { approve }),
  };
}

export function committing(call: string, key: string, args: Json = {}, effect: 'staged' | 'immediate' = 'staged'): Happening {
  return { ...base(call, key), kind: 'effect.committing', tool: 'send', attempt: attemptOf(call), path: call, args, effect };
}

export function committed(call: string, key: string, result?: Json, how?: 'verified' | 'person'): Happening {
  return {
    ...base(call, key),
    kind: 'effect.committed',
    ...(result === undefined ? {} : { result }),
    ...(how === undefined ? {} : { how }),
  };
}

export function uncertain(call: string, key: string, message = 'socket hang up'): Happening {
  return { ...base(call, key), kind: 'effect.uncertain', error: { code: 'CODE_FAILED', message } };
}

export function discarded(call: string, key: string, why: string): Happening {
  return { ...base(call, key), kind: 'effect.discarded', why };
}

export function undone(call: string, key: string): Happening {
  return { ...base(call, key), kind: 'effect.undone' };
}

function base(call: string, key: string): { place: Place; calls: Place[]; key: string } {
  return { place: placeOf(`t ${key}`), calls: callsOf(call), key };
}

export function callConfirmed(call: string, effects: readonly string[]): Happening {
  return { kind: 'call.confirmed', place: placeOf(call), output: 'fine', effects };
}

export interface Asked {
  readonly of?: AskKind;
  readonly about?: Json;
  readonly form?: Json;
  readonly expiresAt?: number;
}

/** Of the run itself where `call` is ''. */
export function askOpened(
  call: string,
  ask: string,
  question: string,
  { of = 'human', about = null, form, expiresAt }: Asked = {},
): Happening {
  return {
    kind: 'ask.opened',
    place: placeOf(`ask ${ask}`),
    ask: ask as AskId, // a test's own name stands in for a hash
    of,
    calls: callsOf(call),
    path: call,
    question,
    about,
    ...(form === undefined ? {} : { form }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

export function askAnswered(ask: string, value: Json, by?: string): Happening {
  return { kind: 'ask.answered', place: placeOf(`ask ${ask}`), ask: ask as AskId, value, ...(by === undefined ? {} : { by }) };
}

export function askRefused(ask: string, reason: string, by?: string): Happening {
  return { kind: 'ask.refused', place: placeOf(`ask ${ask}`), ask: ask as AskId, reason, ...(by === undefined ? {} : { by }) };
}

export function askExpired(ask: string): Happening {
  return { kind: 'ask.expired', place: placeOf(`ask ${ask}`), ask: ask as AskId };
}

export function askWithdrawn(ask: string, why: string): Happening {
  return { kind: 'ask.withdrawn', place: placeOf(`ask ${ask}`), ask: ask as AskId, why };
}

export function runParked(...asks: readonly string[]): Happening {
  return { kind: 'run.parked', asks: asks as readonly AskId[] };
}
