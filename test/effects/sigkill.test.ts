// Runs of the matrix killed by SIGKILL in processes of their own. 25 kills over all kinds and holders; with AMDAHL_CRASH set
// (npm run test:crash) also every position of some programs. Other positions: AMDAHL_CRASH_SEED.

import { isDeepStrictEqual } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { seeded } from '../crash/programs.ts';
import { type Cell, CELLS, cellName, programOf } from './cells.ts';
import { forgetCompiled, type Kill, KilledRun, type Said } from './killed.ts';
import { calmRun, lawful } from './law.ts';
import { Service } from './service.ts';

const KILLS = 25;
const SEED = Number(process.env['AMDAHL_CRASH_SEED'] ?? 1);
const THOROUGH = process.env['AMDAHL_CRASH'] !== undefined;
const AT_ONCE = 2;

afterAll(forgetCompiled);

/** A run that nobody killed, inside this process: what it says, and how much there is to be killed at. */
interface Calm {
  readonly said: Said;
  readonly events: number;
  readonly requests: number;
}

async function calmOf(cell: Cell): Promise<Calm> {
  const service = await Service.open();
  try {
    const { ending, entries } = await calmRun(programOf(cell), cell, service);
    if (ending.kind !== 'succeeded') throw new Error(`it did not succeed: ${JSON.stringify(ending)}`);
    return { said: { output: ending.output }, events: entries.length, requests: service.ledger.asked.length };
  } finally {
    await service.close();
  }
}

/** Kills a run, lets the last process end it, and holds it to the calm one. Gives how often a person was asked. */
async function killed(cell: Cell, kill: Kill, calm: Calm): Promise<number> {
  const run = await KilledRun.open(cell);
  try {
    await run.enter(kill);
    const said = await run.toItsEnd();
    const program = programOf(cell);
    const other = run.asked.length > 0 && isDeepStrictEqual(said.output, program.or?.output);
    if (!other) expect(said).toEqual(calm.said);
    lawful(run, other ? { ...program, ...program.or } : program, cell);
    return run.asked.length;
  } catch (thrown) {
    throw new Error(
      `${cellName(cell)} killed at ${JSON.stringify(kill)}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n  AMDAHL_CRASH_SEED=${SEED} vitest run test/effects/sigkill.test.ts`,
      { cause: thrown },
    );
  } finally {
    await run.forget();
  }
}

function killAt(after: number, draw: (below: number) => number): Kill {
  const when = (['now', 'tick', 'later'] as const)[draw(3)] ?? 'now';
  return when === 'later' ? { when, after, ms: draw(8) } : { when, after };
}

/** Works through a list, two at a time. */
async function twoAtATime<T>(list: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const next = list.values();
  const worker = async (): Promise<void> => {
    for (const one of next) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

describe('a run with effects that is killed by SIGKILL', () => {
  it('does each of them once, whatever it was doing', { timeout: 300_000 }, async () => {
    const draw = seeded(SEED);
    // One in three dies when the service has done what it was asked and has not answered: of those, only a person can tell.
    const plain = CELLS.filter(({ manner }) => manner === 'plain');
    const cells = Array.from({ length: KILLS }, (_, nth) => {
      const from = nth % 3 === 0 ? plain : CELLS;
      return from[(nth * 7 + draw(7)) % from.length] ?? expect.unreachable();
    });
    let asked = 0;
    await twoAtATime(
      cells.map((cell, nth) => ({ cell, nth })),
      async ({ cell, nth }) => {
        const calm = await calmOf(cell);
        const kill: Kill = nth % 3 === 0 ? { when: 'asked', nth: 1 + draw(calm.requests) } : killAt(1 + draw(calm.events), draw);
        asked += await killed(cell, kill, calm);
      },
    );
    console.info(`${KILLS} kills; a person was asked ${asked} times`);
    expect(asked).toBeGreaterThan(0);
  });

  it.runIf(THOROUGH)('does so at every position', { timeout: 1_200_000 }, async () => {
    const draw = seeded(SEED);
    for (const cell of CELLS.filter((_, nth) => nth % 13 === SEED % 13)) {
      const calm = await calmOf(cell);
      const kills: Kill[] = [];
      for (let after = 1; after <= calm.events; after += 1) kills.push(killAt(after, draw));
      for (let nth = 1; nth <= calm.requests; nth += 1) kills.push({ when: 'asked', nth });
      let asked = 0;
      await twoAtATime(kills, async (kill) => {
        asked += await killed(cell, kill, calm);
      });
      expect(kills.length).toBeGreaterThan(calm.events);
      console.info(`${cellName(cell)}: ${kills.length} kills over ${calm.events} events; a person was asked ${asked} times`);
    }
  });
});
