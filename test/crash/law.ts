// What a crashed run is held to: the undisturbed run of the same program, and every invariant after the last entry.
// Called by the tests that crash runs inside this process.

import { expect } from 'vitest';
import type { Entry } from '../../src/index.ts';
import {
  asksHold,
  billAddsUp,
  budgetsHold,
  Identities,
  inFlightAtDeaths,
  interruptionIsNoOutcome,
  logIsDense,
  nothingSentTwice,
  oneLiveOutcome,
  prefixSurvives,
  recordedOnce,
  requestsBounded,
  serverCountsTheSame,
} from '../suites/invariants.ts';
import { type Ending, type Mortal, type Mortality, World } from './mortal.ts';

/** The run that nobody disturbed. */
export interface Undisturbed {
  readonly ending: Ending;
  readonly events: number;
  readonly requests: number;
  readonly entries: readonly Entry[];
}

export async function undisturbed(mortal: Mortal, id: string): Promise<Undisturbed> {
  const world = new World(id);
  const ending = await world.enter(mortal);
  const entries = await world.entries();
  await holds(world, ending);
  return { ending, events: entries.length, requests: world.requests.length, entries };
}

/** A crash: at how many durable events, and how long the process lived on. */
export interface Crash {
  readonly events: number;
  readonly lingerMs: number;
}

/** Crashes a run where it is told to, one entry after the other, resumes it to its end, and holds it to the laws. */
export async function crashed(
  mortal: Mortal,
  id: string,
  crashes: readonly Crash[],
  calm: Undisturbed,
  identities: Identities,
  last: Mortality = {},
): Promise<void> {
  const world = new World(id);
  for (const crash of crashes) {
    const before = await world.entries();
    const ending = await world.enter(mortal, crash);
    const entries = await world.entries();
    prefixSurvives(before, entries);
    const over = ending.kind !== 'died' || entries.at(-1)?.event.kind === 'run.failed';
    if (!over) continue;
    // It ended before it could die, or dies with its failure on record: a resume of that forgets it, by design.
    if (ending.kind !== 'died') expect(shown(ending)).toEqual(shown(calm.ending));
    await holds(world, ending);
    return;
  }
  const before = await world.entries();
  const ending = await world.enter(mortal, last);
  const entries = await world.entries();
  prefixSurvives(before, entries);
  identities.add(entries);
  expect(shown(ending)).toEqual(shown(calm.ending));
  await holds(world, ending);
  requestsBounded(world.requests, calm.requests, inFlightAtDeaths(entries, world.requests, world.shifts));
}

/** Everything that holds of any journal, whatever happened. */
export async function holds(world: World, ending: Ending): Promise<void> {
  const entries = await world.entries();
  logIsDense(entries);
  oneLiveOutcome(entries);
  interruptionIsNoOutcome(entries);
  recordedOnce(entries);
  asksHold(entries);
  budgetsHold(entries);
  nothingSentTwice(entries, world.requests, world.shifts);
  serverCountsTheSame(entries, world.requests, world.shifts);
  if (ending.kind !== 'died' && ending.bill !== undefined) await billAddsUp(entries, ending.bill);
  expect(world.premature).toEqual([]);
}

/** What a caller of `run` sees of an ending that does not depend on how often it was crashed. */
export function shown(ending: Ending): unknown {
  switch (ending.kind) {
    case 'succeeded':
      return { kind: ending.kind, output: ending.output, missing: ending.missing };
    case 'failed':
      return { kind: ending.kind, code: ending.code };
    case 'died':
      return { kind: ending.kind };
  }
}
