// Generated programs that act at once on the world, below holders and beside them, in races and in what fails: wherever they crash,
// what stands in the end is what stood undisturbed, nobody is asked anything, and no law is broken.

import { describe, expect, it } from 'vitest';
import { noOrphanEffects } from '../suites/effectLaws.ts';
import { answered, asksOf } from './answering.ts';
import { holds, shown } from './law.ts';
import { type Ending, type Mortal, World } from './mortal.ts';
import { type Desk, programOf } from './programs.ts';
import { voice } from './voice.ts';

const FIRST = Number(process.env['AMDAHL_CRASH_SEED'] ?? 1);
const PROGRAMS = Number(process.env['AMDAHL_CRASH_PROGRAMS'] ?? 10);
/** Positions of each program; all of them where there is time. */
const POSITIONS = process.env['AMDAHL_CRASH'] === undefined ? 24 : Infinity;

class Booked implements Desk {
  readonly #booked = new Map<string, string>();
  #acts = 0;

  book(what: string, key: string): void {
    this.#acts += 1;
    this.#booked.set(key, what);
  }

  giveBack(key: string): void {
    this.#booked.delete(key);
  }

  get acts(): number {
    return this.#acts;
  }

  get stands(): readonly string[] {
    return [...this.#booked.values()].sort();
  }
}

const mortalOf = (seed: number, desk: Desk): Mortal => ({ agent: programOf(seed, undefined, desk), input: { seed }, model: voice });

async function crashed(seed: number, events: number, calm: { readonly ending: Ending; readonly stands: readonly string[] }): Promise<void> {
  const desk = new Booked();
  const mortal = mortalOf(seed, desk);
  const world = new World(`a${seed}`);
  const died = await world.enter(mortal, { events, lingerMs: (events * 7) % 5 });
  // A resume of what ended failed forgets that, by design.
  if (died.kind === 'died' && (await world.entries()).at(-1)?.event.kind === 'run.failed') return;
  const ending = died.kind === 'died' ? await answered(world, mortal, () => undefined) : died;
  // How often the run may send again counts what a crash made it send: one that comes to its end by that is no law of effects.
  if (isOverloaded(ending) || isOverloaded(calm.ending)) return;
  expect((await asksOf(world)).map(({ of, question, about }) => JSON.stringify([of, question, about]))).toEqual([]);
  expect(shown(ending)).toEqual(shown(calm.ending));
  expect(desk.stands).toEqual(calm.stands);
  await holds(world, ending);
  noOrphanEffects(await world.entries());
}

function isOverloaded(ending: Ending): boolean {
  return ending.kind === 'failed' && ending.code === 'MODEL_OVERLOADED';
}

describe('a generated program that acts and crashes', () => {
  for (let seed = FIRST; seed < FIRST + PROGRAMS; seed += 1) {
    it(`leaves what it would have left undisturbed, and asks nobody (seed ${seed})`, { timeout: 120_000 }, async () => {
      const desk = new Booked();
      const world = new World(`a${seed}`);
      const ending = await world.enter(mortalOf(seed, desk));
      const { length } = await world.entries();
      const calm = { ending, stands: desk.stands };
      const stride = Math.max(1, Math.floor(length / POSITIONS));
      let positions = 0;
      for (let events = 1 + (seed % stride); events <= length; events += stride) {
        try {
          await crashed(seed, events, calm);
        } catch (thrown) {
          const again = `AMDAHL_CRASH_SEED=${seed} AMDAHL_CRASH_PROGRAMS=1 vitest run test/crash/acting.prop.test.ts`;
          throw new Error(`program ${seed}, crashed after ${events} events: ${String(thrown)}\n  ${again}`, { cause: thrown });
        }
        positions += 1;
      }
      expect(positions).toBeGreaterThan(5);
      console.info(
        `program ${seed} (${ending.kind}): ${length} events, ${desk.acts} acts, ${desk.stands.length} stand; crashed at ${positions} positions`,
      );
    });
  }
});
