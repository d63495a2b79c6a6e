// Who was turned away: requests by rate limits, and calls of tools that were held back because the tool kept failing. A
// fold over a run's events; progress.ts and show add to it, incidentText.ts and billText.ts say it.

import type { Event } from '../journal/event.ts';

/** A tool that was not called for a while: one row of failures, from the first on. */
export interface HeldBack {
  readonly tool: string;
  /** Epoch ms of the first failure, and how many there were in a row. */
  readonly since: number;
  readonly failures: number;
  /** What it said, where that is known. */
  readonly message?: string;
  /** Calls that were told so. */
  readonly calls: number;
  /** When this was last told. */
  readonly toldAt: number;
}

/** Changed by `addTurnedAway` only. */
export interface TurnedAway {
  /** Requests that failed because of a rate limit. */
  requests: number;
  /** By tool and first failure. */
  readonly tools: Map<string, HeldBack>;
}

export function nobodyTurnedAway(): TurnedAway {
  return { requests: 0, tools: new Map() };
}

/** Adds one event, in journal order. Changes `turnedAway`. O(1). */
export function addTurnedAway(turnedAway: TurnedAway, event: Event): void {
  switch (event.kind) {
    case 'model.failed':
      // What the bill counts as cancelled, or as no request, has not failed.
      if (event.error.code === 'MODEL_RATE_LIMITED' && event.lost !== true && event.unsent !== true) turnedAway.requests += 1;
      return;
    case 'tool.returned':
      if ('error' in event && event.error.code === 'TOOL_UNAVAILABLE') hold(turnedAway, event.error.data, event.at, 1);
      return;
    case 'guard.tripped':
      if (event.guard === 'toolBreaker') hold(turnedAway, event.evidence, event.at, 0);
      return;
    default:
  }
}

/** The tools that were held back since `from`, in epoch ms. */
export function heldBackSince({ tools }: TurnedAway, from: number): readonly HeldBack[] {
  return [...tools.values()].filter(({ toldAt }) => toldAt >= from);
}

/** What a breaker left as evidence, if it is that. What is not as it should be is none. Pure. */
export function heldBackIn(evidence: unknown): Pick<HeldBack, 'tool' | 'since' | 'failures' | 'message'> | undefined {
  if (typeof evidence !== 'object' || evidence === null) return undefined;
  const { tool, since, failures, message }: { [K in keyof HeldBack]?: unknown } = evidence;
  if (typeof tool !== 'string' || typeof since !== 'number' || typeof failures !== 'number') return undefined;
  return { tool, since, failures, ...(typeof message === 'string' ? { message } : {}) };
}

function hold({ tools }: TurnedAway, evidence: unknown, toldAt: number, calls: number): void {
  const told = heldBackIn(evidence);
  if (told === undefined) return;
  const key = `${told.since} ${told.tool}`;
  const known = tools.get(key);
  tools.set(key, {
    ...known,
    ...told,
    failures: Math.max(told.failures, known?.failures ?? 0),
    calls: (known?.calls ?? 0) + calls,
    toldAt,
  });
}
