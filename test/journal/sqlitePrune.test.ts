// What a prune leaves in the file: nothing of what went, and all of what stayed, wherever it is killed.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { sqliteJournal, type SqliteJournalOptions } from '../../src/journal/sqlite.ts';
import { openSqlite } from '../../src/journal/sqliteOpen.ts';
import { entriesOf, noted, requested, runOf, setupOf, started } from './entries.ts';

const SHARED = setupOf({ tools: ['shared'] });
let dir = '';
let file = '';
let journals: Journal[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'amdahl-prune-'));
  file = join(dir, 'journal.sqlite');
});

afterEach(async () => {
  await Promise.all(journals.map((journal) => journal.close()));
  journals = [];
  rmSync(dir, { recursive: true });
});

function open(options: SqliteJournalOptions = {}): Journal {
  const journal = sqliteJournal({ file, ...options });
  journals.push(journal);
  return journal;
}

/** A run with short and with long texts that say its name, and a setup that all runs share. */
async function write(journal: Journal, id: string, at = 1_000, events = 40): Promise<void> {
  const claim = await journal.claim(runOf(id));
  await claim.append([started(at, { input: `${id}-input ${`${id}-long `.repeat(800)}` })]);
  claim.note(requested('0', SHARED));
  for (let nth = 0; nth < events; nth += 1) claim.note(noted(`${id}-${'x'.repeat(1_000)}-${nth}`));
  await claim.append([{ kind: 'run.succeeded', output: `${id}-output`, missing: [], at }]);
  await claim.release();
}

function bytes(): string {
  return readdirSync(dir)
    .map((name) => readFileSync(join(dir, name), 'latin1'))
    .join('');
}

test('nothing of a pruned run is left in the file, in its log or beside it, and the file shrinks', async () => {
  const journal = open();
  await write(journal, 'leaver', 1_000, 2_000);
  await write(journal, 'kept', 9_000);
  const before = statSync(file).size + statSync(`${file}-wal`).size;
  expect(bytes()).toContain('leaver-long');
  const pruned = await journal.prune({ before: 5_000 });
  expect(pruned).toMatchObject({ overwritten: true, runs: [{ run: 'leaver' }] });
  expect(pruned.bytes).toBeGreaterThan(2_000_000);
  for (const text of ['leaver-long', 'leaver-x', 'leaver-input', 'leaver-output', 'leaver']) expect(bytes(), text).not.toContain(text);
  expect(bytes()).toContain('kept-long');
  expect(before - statSync(file).size - statSync(`${file}-wal`).size).toBeGreaterThan(2_000_000);
  expect((await entriesOf(journal, runOf('kept'))).length).toBe(43);
});

test('a text that a kept run refers to stays, also where another process wrote it before', async () => {
  const journal = open();
  await write(journal, 'a');
  await write(journal, 'b', 9_000);
  const working = await journal.claim(runOf('c'));
  await working.append([started(1_000)]);
  await journal.prune({ before: 5_000 });
  // The writer knows the setup as stored: it must still be there, and be kept for the run that now refers to it.
  await working.append([requested('0', SHARED)]);
  await journal.prune({ runs: ['b'] });
  expect((await entriesOf(journal, runOf('c')))[1]?.event).toMatchObject({ setup: SHARED });
});

test('others write and read while a prune goes on', async () => {
  const journal = open();
  await write(journal, 'leaver', 1_000, 3_000);
  const claim = await journal.claim(runOf('working'));
  await claim.append([started(9_000)]);
  let appended = 0;
  let pruning = true;
  const work = (async (): Promise<void> => {
    while (pruning) {
      await claim.append([noted(`${appended}`)]);
      appended += 1;
    }
  })();
  await journal.prune({ before: 5_000 });
  pruning = false;
  await work;
  expect(appended).toBeGreaterThan(5);
  expect((await entriesOf(journal, runOf('working'))).length).toBe(appended + 1);
});

test('killed anywhere, it leaves whole runs, and the next prune finishes it', { timeout: 60_000 }, async () => {
  for (const ms of [0, 20, 60, 120, 200]) {
    const journal = openSqlite({ file });
    for (const id of ['one', 'two', 'three']) await write(journal, id, 1_000, 1_200);
    await journal.close();
    await killed(ms);
    const after = openSqlite({ file });
    const rows = await after.rows();
    for (const { run, events } of rows) {
      expect(events).toBe(1_203);
      expect(await entriesOf(after, run)).toHaveLength(1_203);
    }
    await after.prune({ statuses: ['succeeded'] });
    expect(await after.rows()).toEqual([]);
    for (const text of ['one-', 'two-', 'three-']) expect(bytes()).not.toContain(text);
    await after.close();
    const db = new DatabaseSync(file);
    for (const table of ['events', 'blobs', 'blob_refs']) expect(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()).toEqual({ n: 0 });
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    db.close();
  }
});

async function killed(afterMs: number): Promise<void> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'pruneChild.ts'), file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (child.stdout !== null) await once(child.stdout, 'data');
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  if (child.exitCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a store with a retention lets go of what is older', async () => {
  let now = 1_000;
  const clock = { now: (): number => now };
  const journal = open({ maxAgeMs: 60_000, clock });
  await write(journal, 'old', 1_000);
  now = 100_000;
  await write(journal, 'new', 100_000);
  await journal.close();
  journals = [];
  expect((await open().rows()).map(({ run }) => run)).toEqual(['new']);
});

test('a file of the first layout is read, learns who refers to what, and can be pruned', async () => {
  const journal = open();
  await write(journal, 'a');
  await write(journal, 'b', 9_000);
  await journal.close();
  journals = [];
  const db = new DatabaseSync(file);
  db.exec(
    'DROP TRIGGER answers_gone; DROP TABLE answers; ALTER TABLE runs DROP COLUMN scope; DROP INDEX runs_by_wish; DROP TABLE blob_refs; ALTER TABLE runs DROP COLUMN cancel; PRAGMA user_version = 1',
  );
  db.close();
  const again = open();
  expect((await entriesOf(again, runOf('a'))).length).toBe(43);
  await again.prune({ runs: ['a'] });
  expect(bytes()).not.toContain('a-long');
  expect((await entriesOf(again, runOf('b')))[1]?.event).toMatchObject({ setup: SHARED });
});
