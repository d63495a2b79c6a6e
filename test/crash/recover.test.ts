// A server with runs in flight is killed by SIGKILL and restarted twice at once: what both recover is held to the journal
// and to the record of the model server that they asked.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { type Entry, follow, sqliteJournal } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { startModelServer } from '../../src/testing.ts';
import { turnId } from '../suites/invariants.ts';
import type { RecoverOrders, RecoverSaid } from './recoverChild.ts';

const RUNS = 20;
const CHILD = fileURLToPath(new URL('recoverChild.ts', import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'amdahl-recover-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function child(orders: RecoverOrders): ReturnType<typeof spawn> {
  return spawn(process.execPath, [CHILD, JSON.stringify(orders)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function recovered(orders: RecoverOrders): Promise<RecoverSaid> {
  const { stdout } = child(orders);
  return JSON.parse(stdout === null ? '[]' : await text(stdout)) as RecoverSaid; // what recoverChild.ts writes
}

test('a server with 20 runs in flight is killed and restarted twice at once: all 20 end, each driven by one, nothing bought twice', async () => {
  let asked = 0;
  const killed = Promise.withResolvers<void>();
  const server = await startModelServer({
    delay: { firstMs: { medianMs: 60, p99Ms: 400 }, perTokenMs: 4 },
    answers: async ({ messages }) => {
      asked += 1;
      const last = messages.at(-1)?.parts ?? [];
      const results = last.flatMap((part) => (part.type === 'toolResult' ? [part.text] : []));
      // Nobody ends before the kill.
      if (results[0] !== undefined) await killed.promise;
      if (results[0] !== undefined) return { text: `the square is ${results[0]}` };
      const n = last.flatMap((part) => (part.type === 'text' ? [/\d+/.exec(part.text)?.[0]] : []))[0];
      return { tools: [{ name: 'look', args: JSON.stringify({ n: Number(n) }) }] };
    },
  });
  const orders = { baseUrl: server.baseUrl(), dir };
  const first = child({ ...orders, runs: RUNS });
  while (asked < RUNS + 8) await sleep(5);
  first.kill('SIGKILL');
  await once(first, 'exit');
  killed.resolve();
  while (server.stats().inFlight > 0) await sleep(5);

  const journal = sqliteJournal({ dir });
  const entriesOf = async (run: string): Promise<Entry[]> => {
    const entries: Entry[] = [];
    for await (const entry of journal.read(run as RunId)) entries.push(entry); // the ids are the child's
    return entries;
  };
  const ids = Array.from({ length: RUNS }, (_, n) => `square-${n}`);
  const bought = new Set<string>();
  for (const id of ids) for (const { event } of await entriesOf(id)) if (event.kind === 'model.responded') bought.add(turnId(event));
  const before = server.requests.length;
  const left = await journal.unfinished();
  expect(left.length).toBe(RUNS);
  expect(left.every(({ status }) => status === 'interrupted')).toBe(true);
  expect(bought.size).toBeGreaterThan(0);

  const [one, two] = await Promise.all([recovered(orders), recovered(orders)]);
  console.info(`of ${RUNS} runs one process recovered ${one.length}, the other ${two.length}; ${bought.size} turns were bought before`);
  expect([...one, ...two].map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect([...one, ...two].every(({ status }) => status === 'succeeded')).toBe(true);
  for (const [n, id] of ids.entries()) {
    expect((await entriesOf(id)).filter(({ event }) => event.kind === 'run.resumed')).toHaveLength(1);
    expect(await (await follow(id, { journal })).outcome).toMatchObject({ status: 'succeeded', output: `the square is ${n * n}` });
  }
  const after = server.requests.slice(before);
  expect(after.filter(({ turn = '' }) => bought.has(turn))).toEqual([]);
  expect(bought.size + after.length).toBe(2 * RUNS);
  await journal.close();
  await server.close();
}, 60_000);
