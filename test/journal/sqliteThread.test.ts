// The thread that writes journals: what it spares the event loop, and what happens when it cannot do its work.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { buildInto, lendDependencies } from '../../bench/built.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { openSqlite } from '../../src/journal/sqliteOpen.ts';
import { codeOf, namesOf, noted, runOf } from './entries.ts';

const A = runOf('run-a');
const THREADS = ['main', 'worker'] as const;
let dir = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'amdahl-thread-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  rmSync(dir, { recursive: true });
});

/** How many turns the event loop makes until the work is done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let done = false;
  void work.finally(() => (done = true));
  while (!done) {
    await new Promise((resolve) => setImmediate(resolve));
    turns += 1;
  }
  return turns;
}

test('on a slow disk the event loop goes on while the worker waits, and stands while the main thread does', async () => {
  const turns = { main: 0, worker: 0 };
  for (const thread of THREADS) {
    const journal = openSqlite({ file: join(dir, `${thread}.sqlite`), thread, syncDelayMs: 100 });
    const claim = await journal.claim(A);
    turns[thread] = await turnsDuring(claim.append([noted('1')]));
    await journal.close();
  }
  expect(turns.main).toBeLessThan(10);
  expect(turns.worker).toBeGreaterThan(100);
});

describe.each([...THREADS, 'auto'] as const)('a journal (thread: %s)', (thread) => {
  test('is told nothing twice: what comes during a slow commit goes down with the next, in order', async () => {
    const journal = openSqlite({ dir, thread, syncDelayMs: 50 });
    const claim = await journal.claim(A);
    const names = Array.from({ length: 20 }, (_, index) => String(index));
    const appends: Promise<void>[] = [];
    for (const name of names) {
      appends.push(claim.append([noted(name)]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(appends);
    expect(await namesOf(journal, A)).toEqual(names);
    await journal.close();
  });

  test('makes a note durable by itself, within its flush interval', async () => {
    const journal = sqliteJournal({ dir, thread, flushMs: 1 });
    (await journal.claim(A)).note(noted('1'));
    await expect.poll(async () => namesOf(journal, A)).toEqual(['1']);
    await journal.close();
  });

  test('that is closed while a claim is made gives the run up again', async () => {
    const one = sqliteJournal({ dir, thread });
    const other = sqliteJournal({ dir, thread });
    const before = await other.claim(A);
    before.note(noted('1'));
    const releasing = before.release();
    // Its first look is in vain: the note goes down after it.
    const claiming = one.claim(A);
    await one.close();
    await releasing;
    expect(await codeOf((await claiming).append([]))).toBe('RUN_LOST');
    expect(await codeOf(other.claim(A))).toBe('none');
    await other.close();
  });
});

test('a file that is written to again and again gets room to be flushed quickly, and holds nothing but what was appended', async () => {
  const file = join(dir, 'journal.sqlite');
  const journal = sqliteJournal({ file, thread: 'worker' });
  const claim = await journal.claim(A);
  const names = Array.from({ length: 40 }, (_, index) => String(index));
  for (const name of names) await claim.append([noted(name)]);
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(4_000_000);
  expect(await namesOf(journal, A)).toEqual(names);
  await journal.close();
  expect(readdirSync(dir)).toEqual(['journal.sqlite']);
  const db = new DatabaseSync(file);
  expect(db.prepare('SELECT count(*) AS n FROM blobs').get()).toMatchObject({ n: 0 });
  expect(db.prepare('PRAGMA integrity_check').get()).toMatchObject({ integrity_check: 'ok' });
  db.close();
  expect(statSync(file).size).toBeLessThan(1_000_000);
});

test('a thread that ends fails the append it had, and the next claim gets another thread', async () => {
  const opened = vi.spyOn(Worker.prototype, 'postMessage');
  const journal = openSqlite({ dir, thread: 'worker', syncDelayMs: 50 });
  const claim = await journal.claim(A);
  const lost: Error[] = [];
  claim.onLost((error) => lost.push(error));
  await claim.append([noted('1')]);
  const append = codeOf(claim.append([noted('2')]));
  await new Promise((resolve) => setImmediate(resolve));
  const [worker] = opened.mock.contexts;
  if (!(worker instanceof Worker)) throw new Error('no thread was started');
  await worker.terminate();
  expect(await append).toBe('JOURNAL_UNWRITABLE');
  expect(lost).toMatchObject([{ message: expect.stringMatching(/thread that writes .* is gone.*thread: 'main'/) }]);
  const again = await journal.claim(A);
  await again.append([noted('3')]);
  const names = await namesOf(journal, A);
  expect([names[0], names.at(-1)]).toEqual(['1', '3']);
  await journal.close();
  expect(opened).toHaveBeenCalledTimes(2);
});

describe('where it is nearest', () => {
  const told = (spy: { readonly mock: { readonly calls: readonly unknown[] } }): number => spy.mock.calls.length;

  test('several at once are served in the thread, in order', async () => {
    const opened = vi.spyOn(Worker.prototype, 'postMessage');
    const journal = openSqlite({ dir, synchronous: 'normal' });
    const claim = await journal.claim(A);
    const names = Array.from({ length: 100 }, (_, index) => String(index));
    for (let from = 0; from < 100; from += 5)
      await Promise.all(names.slice(from, from + (from % 10 === 0 ? 1 : 5)).map(async (name) => claim.append([noted(name)])));
    expect(await namesOf(journal, A)).toHaveLength(60);
    expect((await namesOf(journal, A)).map(Number)).toEqual((await namesOf(journal, A)).map(Number).toSorted((a, b) => a - b));
    await journal.close();
    expect(told(opened)).toBe(1);
  });

  test('a slow disk sends even one appender to the thread', async () => {
    const journal = openSqlite({ dir, syncDelayMs: 40 });
    const claim = await journal.claim(A);
    for (let index = 0; index < 6; index += 1) await claim.append([noted(String(index))]);
    expect(await turnsDuring(claim.append([noted('last')]))).toBeGreaterThan(40);
    await journal.close();
  });
});

describe('the built package', () => {
  let built = '';
  beforeAll(() => {
    built = mkdtempSync(join(tmpdir(), 'amdahl-built-'));
    const done = buildInto(built);
    if (!done.ok) throw new Error(done.why);
    lendDependencies(built);
  });
  afterAll(() => rmSync(built, { recursive: true }));

  /** What a program prints that appends an event to a journal of the built package, or the code and message of what it met. */
  function appended(options: string): string {
    const script = `
      import { sqliteJournal } from ${JSON.stringify(pathToFileURL(join(built, 'dist', 'index.js')).href)};
      const journal = sqliteJournal({ dir: ${JSON.stringify(dir)}, ${options} });
      try {
        const claim = await journal.claim('run-a');
        await claim.append([{ kind: 'run.cancelled', reason: 'none', at: 1 }]);
        for await (const { event } of journal.read('run-a')) console.log(event.kind);
      } catch (error) { console.log(error.code, error.message); }
      await journal.close();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' });
    return stdout + stderr;
  }

  test('finds its thread, also from a program that is no file', () => {
    expect(appended("thread: 'worker'")).toBe('run.cancelled\n');
  });

  test('says what to do where a bundle has left the thread out', () => {
    rmSync(join(built, 'dist', 'journal', 'sqliteThreadEntry.js'));
    expect(appended("thread: 'worker'")).toMatch(/^JOURNAL_UNWRITABLE .*sqliteThreadEntry\.js.*thread: 'main'/);
    expect(appended("thread: 'main'")).toBe('run.cancelled\n');
  });
});
