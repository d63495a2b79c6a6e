// Runs killed by SIGKILL at every part of their length, in processes of their own. More kills: AMDAHL_CRASH=250
// (npm run test:crash). Other positions: AMDAHL_CRASH_SEED.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type Kill, KilledRun, type Orders, type Said } from './killed.ts';
import { seeded } from './programs.ts';

const KILLS = Number(process.env['AMDAHL_CRASH'] ?? 25);
const SEED = Number(process.env['AMDAHL_CRASH_SEED'] ?? 1);
const AT_ONCE = 2;
const KILL_MS = 20_000;

const home = mkdtempSync(join(tmpdir(), 'amdahl-sweep-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));
for (const [file, text] of Object.entries({
  'alpha/run.js': 'function run(code) {\n  return eval(code);\n}\n',
  'beta/make.js': 'export const make = (body) => new Function("x", body);\n',
  'gamma/plain.js': 'export const one = 1;\n',
  'delta/later.js': 'setTimeout("tick()", 100);\nconst again = eval(more);\n',
})) {
  mkdirSync(join(home, dirname(file)), { recursive: true });
  writeFileSync(join(home, file), text);
}
const INPUT = { sweep: { codebases: [join(home, '*')] }, team: { team: 1 }, actor: { act: 1 } };

/** A run that nobody killed. */
interface Calm {
  readonly said: Said;
  readonly events: number;
  readonly requests: number;
}

async function calmRun(program: Orders['program']): Promise<Calm> {
  const run = new KilledRun(program, INPUT[program]);
  try {
    const said = await run.enter();
    if (said === undefined) throw new Error('nobody killed it');
    expect(said.code, said.message).toBeUndefined();
    await run.holds(said, run.requests.length);
    return { said, events: run.entries.length, requests: run.requests.length };
  } finally {
    run.forget();
  }
}

/** Positions spread evenly over a run's length, each at random within its share. */
function positions(count: number, events: number, draw: (below: number) => number): readonly number[] {
  return Array.from({ length: count }, (_, nth) =>
    Math.max(1, Math.min(events, Math.ceil(((nth + draw(1_000) / 1_000) * events) / count))),
  );
}

function killAt(after: number, draw: (below: number) => number): Kill {
  const when = (['now', 'tick', 'later'] as const)[draw(3)] ?? 'now';
  return when === 'later' ? { when, after, ms: draw(8) } : { when, after };
}

/** Kills a run as told, one process after the other, lets the last one end it, and holds it to the calm one. */
async function killed(program: Orders['program'], kills: readonly Kill[], calm: Calm): Promise<readonly number[]> {
  const run = new KilledRun(program, INPUT[program]);
  try {
    for (const kill of kills) await run.enter(kill);
    const said = await run.enter();
    expect(said).toMatchObject({ output: calm.said.output, missing: calm.said.missing });
    if (said !== undefined) await run.holds(said, calm.requests);
    return run.shifts.filter((shift) => shift.died).map((shift) => shift.end);
  } catch (thrown) {
    throw new Error(
      `${program} killed at ${JSON.stringify(kills)} with seed ${SEED}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n  AMDAHL_CRASH=${KILLS} AMDAHL_CRASH_SEED=${SEED} vitest run test/crash/sigkill.test.ts`,
      { cause: thrown },
    );
  } finally {
    run.forget();
  }
}

/** Works through a list, two at a time, in order. */
async function twoAtATime<T, R>(list: readonly T[], work: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const next = list.entries();
  const worker = async (): Promise<void> => {
    for (const [index, one] of next) results[index] = await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/** How many kills fell into which tenth of the run's length: by the event they followed, and by what was durable then. */
function histogram(title: string, kills: readonly Kill[], ends: readonly number[], events: number): void {
  const tenths = (places: readonly number[]): string =>
    Array.from(
      { length: 10 },
      (_, tenth) => places.filter((at) => Math.min(9, Math.floor((10 * at) / (events + 1))) === tenth).length,
    ).join(' ');
  const after = kills.flatMap((kill) => ('after' in kill ? [kill.after] : []));
  console.info(
    `${title}: ${ends.length} kills over ${events} events; by tenths of the run: after event ${tenths(after)}; durable ${tenths(ends)}`,
  );
}

describe('a run killed by SIGKILL', () => {
  it('of the sweep ends as if it had not been, and sends no answered turn again', { timeout: KILLS * KILL_MS }, async () => {
    const draw = seeded(SEED);
    const calm = await calmRun('sweep');
    const kills = positions(KILLS, calm.events, draw).map((after) => killAt(after, draw));
    const ends = (await twoAtATime(kills, async (kill) => await killed('sweep', [kill], calm))).flat();
    histogram('sweep', kills, ends, calm.events);
    expect(ends).toHaveLength(KILLS);
  });

  it('in the middle of tool loops of agents that are tools does so too', { timeout: KILLS * KILL_MS }, async () => {
    const draw = seeded(SEED + 1);
    const count = Math.ceil(KILLS / 3);
    const calm = await calmRun('team');
    const kills = positions(count, calm.events, draw).map((after) => killAt(after, draw));
    const ends = (await twoAtATime(kills, async (kill) => await killed('team', [kill], calm))).flat();
    histogram('team', kills, ends, calm.events);
    expect(ends).toHaveLength(count);
  });

  it('twice in a row does so too', { timeout: KILLS * KILL_MS }, async () => {
    const draw = seeded(SEED + 2);
    const count = Math.ceil(KILLS / 6);
    const calm = await calmRun('team');
    // The second process begins where the first one was killed, and is killed before it can come to the end.
    const pairs = positions(count, Math.floor(calm.events / 2), draw).map((after) => [
      killAt(after, draw),
      killAt(1 + draw(Math.floor(calm.events / 3)), draw),
    ]);
    const ends = (await twoAtATime(pairs, async (pair) => await killed('team', pair, calm))).flat();
    histogram('team, twice', pairs.flat(), ends, calm.events);
    expect(ends).toHaveLength(2 * count);
  });
});

describe('a process killed in an act', () => {
  it('is not followed by a second act, however often it is resumed, until somebody asks for one', { timeout: KILL_MS * 2 }, async () => {
    const run = new KilledRun('actor', INPUT.actor);
    expect(await run.enter({ when: 'act' })).toBeUndefined();
    expect(run.acts).toBe(1);
    for (let resume = 0; resume < 5; resume += 1) {
      expect(await run.enter()).toMatchObject({ code: 'RUN_PARKED' });
      expect(run.acts).toBe(1);
    }
    const call = run.entries.flatMap(({ event }) => (event.kind === 'effect.committing' ? event.calls.slice(0, 1) : []));
    const said = await run.enter(undefined, call);
    expect(said?.code, said?.message).toBeUndefined();
    expect(run.acts).toBe(2);
    await run.holds(said ?? {}, (await calmRun('actor')).requests);
    run.forget();
  });

  it('after the act is on record goes on without acting again', { timeout: KILL_MS }, async () => {
    const run = new KilledRun('actor', INPUT.actor);
    expect(await run.enter({ when: 'recorded' })).toBeUndefined();
    const said = await run.enter();
    expect(said?.code, said?.message).toBeUndefined();
    expect(run.acts).toBe(1);
    run.forget();
  });
});
