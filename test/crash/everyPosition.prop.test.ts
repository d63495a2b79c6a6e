import { describe, expect, it } from 'vitest';
import { Identities } from '../suites/invariants.ts';
import { type Crash, crashed, undisturbed, type Undisturbed } from './law.ts';
import type { Mortal } from './mortal.ts';
import { programOf } from './programs.ts';
import { voice } from './voice.ts';

// Another start gives other programs: AMDAHL_CRASH_SEED=1000 vitest run test/crash/everyPosition.prop.test.ts
const FIRST = Number(process.env['AMDAHL_CRASH_SEED'] ?? 1);
const PROGRAMS = Number(process.env['AMDAHL_CRASH_PROGRAMS'] ?? 12);
const THOROUGH = process.env['AMDAHL_CRASH'] !== undefined;
const SECONDS = 5;

function mortalOf(seed: number): Mortal {
  return { agent: programOf(seed), input: { seed }, model: voice };
}

/** Says which run broke a law, and how to see it again. */
async function replayable(seed: number, crashes: readonly Crash[], work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    const again = `AMDAHL_CRASH_SEED=${seed} AMDAHL_CRASH_PROGRAMS=1 vitest run test/crash/everyPosition.prop.test.ts`;
    throw new Error(
      `program ${seed}, crashes ${JSON.stringify(crashes)}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n  ${again}`,
      { cause: thrown },
    );
  }
}

async function everyPosition(seed: number, calm: Undisturbed, identities: Identities): Promise<number> {
  const mortal = mortalOf(seed);
  for (let events = 0; events <= calm.events; events += 1) {
    for (const lingerMs of lingers(events + seed)) {
      const crashes = [{ events, lingerMs }];
      await replayable(seed, crashes, crashed(mortal, `p${seed}`, crashes, calm, identities));
    }
  }
  return calm.events + 1;
}

/** Dying at once and living on a little are different crashes: by turns, or both where there is time. */
function lingers(turn: number): readonly number[] {
  const on = 1 + (turn % 4) * 4;
  return THOROUGH ? [0, on] : [turn % 2 === 0 ? 0 : on];
}

async function twice(seed: number, calm: Undisturbed, identities: Identities): Promise<number> {
  const mortal = mortalOf(seed);
  const stride = Math.max(1, Math.floor(calm.events / SECONDS));
  let made = 0;
  for (let first = 1 + (seed % stride); first <= calm.events; first += stride) {
    for (let second = first + 1 + (first % 3); second <= calm.events + 2; second += stride) {
      const crashes = [
        { events: first, lingerMs: first % 5 },
        { events: second, lingerMs: second % 5 },
      ];
      await replayable(seed, crashes, crashed(mortal, `p${seed}`, crashes, calm, identities));
      made += 1;
    }
  }
  return made;
}

describe('a generated program that crashes', () => {
  for (let seed = FIRST; seed < FIRST + PROGRAMS; seed += 1) {
    it(
      `ends as if nothing had happened, wherever it crashes once or twice, and buys nothing twice (seed ${seed})`,
      { timeout: 120_000 },
      async () => {
        const calm = await undisturbed(mortalOf(seed), `p${seed}`);
        const identities = new Identities();
        identities.add(calm.entries);
        const once = await everyPosition(seed, calm, identities);
        const again = await twice(seed, calm, identities);
        expect(once).toBe(calm.events + 1);
        console.info(
          `program ${seed} (${calm.ending.kind}): ${calm.events} events, ${calm.requests} requests; crashed at ${once} positions, and ${again} times twice`,
        );
      },
    );
  }
});
