import { describe, expect, it } from 'vitest';
import type { ErrorRecord } from '../../src/agent/errors.ts';
import { addTurnedAway, heldBackSince, nobodyTurnedAway, type TurnedAway } from '../../src/cli/turnedAway.ts';
import type { Happening, Json } from '../../src/journal/event.ts';
import { journalOf, modelFailed, placeOf, runStarted } from '../journal/story.ts';

function after(...happenings: readonly Happening[]): TurnedAway {
  const turnedAway = nobodyTurnedAway();
  for (const { event } of journalOf(...happenings)) addTurnedAway(turnedAway, event);
  return turnedAway;
}

function tripped(evidence: Json, guard = 'toolBreaker'): Happening {
  return { kind: 'guard.tripped', place: placeOf('a'), guard, call: 'a', evidence };
}

function returned(error: ErrorRecord): Happening {
  return { kind: 'tool.returned', place: placeOf('a:1.1/look'), error, ms: 1 };
}

const told = (tool: string, since: number, failures: number): Happening =>
  returned({ code: 'TOOL_UNAVAILABLE', message: 'held back', data: { tool, since, failures } });

describe('requests that a rate limit turned away', () => {
  it('are those that failed because of one, but those that lost to a hedge', () => {
    const limited = { code: 'MODEL_RATE_LIMITED', message: 'slow down' } as const;
    const { requests } = after(
      runStarted,
      modelFailed('a', { error: limited, retryMs: 5 }),
      modelFailed('a', { error: limited }),
      modelFailed('b', { error: limited, lost: true }),
      modelFailed('c'),
    );
    expect(requests).toBe(2);
  });
});

describe('tools that were held back', () => {
  it('are counted once for each row of failures, with the calls that were told so', () => {
    const turnedAway = after(
      tripped({ tool: 'look', since: 500, failures: 10, message: 'refused' }),
      told('look', 500, 10),
      told('look', 500, 11),
      told('look', 500, 10),
      told('look', 900, 10),
      told('find', 500, 10),
      returned({ code: 'CODE_FAILED', message: 'refused' }),
    );
    expect(heldBackSince(turnedAway, 0)).toEqual([
      { tool: 'look', since: 500, failures: 11, message: 'refused', calls: 3, toldAt: 1_030 },
      { tool: 'look', since: 900, failures: 10, calls: 1, toldAt: 1_040 },
      { tool: 'find', since: 500, failures: 10, calls: 1, toldAt: 1_050 },
    ]);
  });

  it('are those of an entry alone, where that is asked for', () => {
    const turnedAway = after(told('look', 500, 10), runStarted, told('find', 500, 10));
    expect(heldBackSince(turnedAway, 1_020).map(({ tool }) => tool)).toEqual(['find']);
  });

  it('are not made up from what is no such evidence', () => {
    const turnedAway = after(
      tripped('down'),
      tripped(null),
      tripped({ tool: 'look' }),
      tripped({ tool: 'look', since: 1, failures: 1 }, 'breaker'),
    );
    expect(heldBackSince(turnedAway, 0)).toEqual([]);
  });
});
