// The sweep killed by SIGKILL over and over, while it asks a model server through real provider packages. The server
// stands in a process of its own, so its record is a witness that no kill touches: every request carries its turn's id.
//
// What "acknowledged" means: a turn is acknowledged once the run's journal holds its answer durably (model.responded). That
// the server handed all bytes of an answer to its system does not acknowledge it: the process may die before it has
// read them, or before they are on disk, and then nobody has the answer. So the law is: a request whose turn was
// acknowledged when its process began is never sent; and one that is sent again was in flight at a kill, that is, sent
// by a process that died before the answer was durable. Hence requests ≤ undisturbed + those in flight at the kills.
//
// More kills: AMDAHL_CRASH=250. Other positions: AMDAHL_CRASH_SEED.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seeded } from '../crash/programs.ts';
import { columns } from './cells.ts';
import { type Kill, type Said, SweepRun, SweepServer } from './sweepRuns.ts';

const KILLS = Number(process.env['AMDAHL_CRASH'] ?? 25);
const SEED = Number(process.env['AMDAHL_CRASH_SEED'] ?? 1);
const KILLS_OF_A_RUN = 5;
const AT_ONCE = 2;
const KILL_MS = 20_000;

const home = mkdtempSync(join(tmpdir(), 'amdahl-swept-'));
for (const [file, text] of Object.entries({
  'alpha/run.js': 'function run(code) {\n  return eval(code);\n}\n',
  'beta/make.js': 'export const make = (body) => new Function("x", body);\n',
  'gamma/plain.js': 'export const one = 1;\n',
  'delta/later.js': 'setTimeout("tick()", 100);\nconst again = eval(more);\n',
  'epsilon/deep/vm.js': 'import vm from "node:vm";\nvm.runInNewContext(text);\n',
})) {
  mkdirSync(join(home, dirname(file)), { recursive: true });
  writeFileSync(join(home, file), text);
}

let servers: readonly SweepServer[] = [];
beforeAll(async () => void (servers = await Promise.all(Array.from({ length: AT_ONCE }, () => SweepServer.start()))));
afterAll(() => {
  for (const server of servers) server.stop();
  rmSync(home, { recursive: true, force: true });
});

function sweepOn(server: SweepServer, nth: number): SweepRun {
  const column = columns[nth % columns.length];
  if (column === undefined) throw new Error('there are no columns');
  return new SweepRun(server, column, [join(home, '*')]);
}

/** The run that nobody kills. */
interface Calm {
  readonly said: Said;
  readonly events: number;
  readonly requests: number;
}

async function calmRun(server: SweepServer): Promise<Calm> {
  const run = sweepOn(server, 0);
  const said = await run.enter();
  expect(said?.code, said?.message).toBeUndefined();
  await run.holds(said ?? {}, run.requests);
  run.forget();
  return { said: said ?? {}, events: run.events, requests: run.requests };
}

it('buys nothing twice by the record of the server that it asks', { timeout: KILLS * KILL_MS }, async () => {
  const [first] = servers;
  if (first === undefined) throw new Error('there is no server');
  const calm = await calmRun(first);
  expect(calm.requests).toBeGreaterThan(15);
  const draw = seeded(SEED);
  let [killed, runs, again, lost] = [0, 0, 0, 0];
  const worker = async (server: SweepServer): Promise<void> => {
    while (killed < KILLS) {
      const kills: Kill[] = [];
      const run = sweepOn(server, (runs += 1));
      let said: Said | undefined;
      while (said === undefined) {
        const kill = kills.length < KILLS_OF_A_RUN && killed < KILLS ? killIn(calm, draw) : undefined;
        if (kill !== undefined) kills.push(kill);
        said = await run.enter(kill);
        if (said === undefined) killed += 1;
      }
      try {
        expect(said).toMatchObject({ output: calm.said.output, missing: calm.said.missing });
        await run.holds(said, calm.requests);
      } catch (cause) {
        throw new Error(`a sweep killed at ${JSON.stringify(kills)} with seed ${SEED}: ${String(cause)}`, { cause });
      }
      again += run.requests - calm.requests;
      lost += run.answeredAgain;
      run.forget();
    }
  };
  await Promise.all(servers.map(worker));
  console.info(
    `${killed} kills in ${runs} runs of ${calm.requests} requests: ${again} more were sent, of which ${lost} had been answered in full when their process died`,
  );
  expect(killed).toBeGreaterThanOrEqual(KILLS);
});

/** Within the next third of a run: at an event, right after it, some milliseconds later, or while requests are on their way. */
function killIn({ events, requests }: Pick<Calm, 'events' | 'requests'>, draw: (below: number) => number): Kill {
  const after = 1 + draw(Math.ceil(events / 3));
  const sending: Kill = { after: 1 + draw(Math.ceil(requests / 3)), of: 'model.requested', ms: 1 + draw(4) };
  return ([{ after, ms: 0 }, { after }, { after, ms: 1 + draw(8) }, sending] as const)[draw(4)] ?? { after };
}
