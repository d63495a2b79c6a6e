// What goes wrong with files and disks, brought about for real, and the error that says what to do.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdir, open as openHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { AmdahlError } from '../../src/agent/errors.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { defaultJournal, sqliteJournal } from '../../src/journal/sqlite.ts';
import { openFile } from '../../src/journal/sqliteFile.ts';
import { openSqlite } from '../../src/journal/sqliteOpen.ts';
import { codeOf, entriesOf, namesOf, noted, placeOf, requested, runOf, setupOf, started } from './entries.ts';

const A = runOf('run-a');
const THREADS = ['auto', 'main', 'worker'] as const;
type Thread = (typeof THREADS)[number];
let dir = '';
let file = '';

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'amdahl-trouble-'));
  file = join(dir, 'journal.sqlite');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

function errorOf(work: () => unknown): AmdahlError {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof AmdahlError) return thrown;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

/** A closed journal with 3000 events of one run. */
async function filled(thread: Thread): Promise<void> {
  const journal = sqliteJournal({ file, thread });
  const claim = await journal.claim(A);
  await claim.append(Array.from({ length: 3_000 }, (_, index) => noted(`${index} ${'x'.repeat(200)}`, `p${index}`)));
  await journal.close();
}

/** Everything a user does with a journal, until something throws. */
async function useAll(thread: Thread): Promise<void> {
  let journal: Journal | undefined;
  try {
    journal = sqliteJournal({ file, thread });
    await entriesOf(journal, A);
    for (let index = 0; index < 3_000; index += 1) await journal.at(A, placeOf(`p${index}`));
    const claim = await journal.claim(A);
    await claim.append([noted('more')]);
  } finally {
    await journal?.close();
  }
}

describe.each(THREADS)('where the journal lies (thread: %s)', (thread) => {
  test('a directory that is made for it hides itself from version control', async () => {
    const made = join(dir, 'a', '.amdahl');
    await sqliteJournal({ dir: made, thread }).close();
    expect(readFileSync(join(made, '.gitignore'), 'utf8')).toBe('*\n');
  });

  test('a directory that was there before is left alone', async () => {
    await sqliteJournal({ dir, thread }).close();
    expect(readdirSync(dir)).toEqual(['journal.sqlite']);
  });

  test('the default journal is at AMDAHL_DIR, opened once, and again after it was closed', async () => {
    vi.stubEnv('AMDAHL_DIR', join(dir, 'mine'));
    const journal = defaultJournal();
    expect(defaultJournal()).toBe(journal);
    await (await journal.claim(A)).append([noted('1')]);
    await journal.close();
    const again = defaultJournal();
    expect(await namesOf(again, A)).toEqual(['1']);
    await again.close();
    expect(readdirSync(join(dir, 'mine')).sort()).toEqual(['.gitignore', 'journal.sqlite']);
  });

  test('both a dir and a file, an unknown synchronous or thread and impossible times are MISCONFIGURED', () => {
    const wrong = [
      { dir, file },
      { file, flushMs: -1 },
      { file, ttlMs: 0 },
      { file, busyMs: Number.NaN },
    ];
    expect(wrong.map((options) => errorOf(() => sqliteJournal(options)).code)).toEqual(wrong.map(() => 'MISCONFIGURED'));
    // What a caller without types may pass.
    expect(errorOf(() => sqliteJournal({ file, thread, synchronous: 'off' as 'full' })).message).toContain("'full' or 'normal'");
    expect(errorOf(() => sqliteJournal({ file, thread: 'own' as 'main' })).message).toContain("'main' or 'worker'");
  });

  test('handles on one file share a connection until the last one closes, and must agree on the settings', async () => {
    const one = sqliteJournal({ file, thread });
    const other = sqliteJournal({ dir, thread });
    const claim = await one.claim(A);
    expect(await codeOf(other.claim(A))).toBe('RUN_OWNED');
    expect(errorOf(() => sqliteJournal({ file, thread, synchronous: 'normal' })).code).toBe('MISCONFIGURED');
    expect(errorOf(() => sqliteJournal({ file, thread: thread === 'main' ? 'worker' : 'main' })).code).toBe('MISCONFIGURED');
    claim.note(noted('1'));
    await one.close();
    expect(await namesOf(other, A)).toEqual(['1']);
    expect(await codeOf(other.claim(A))).toBe('none');
    await other.close();
    await sqliteJournal({ file, thread, synchronous: 'normal' }).close();
  });

  test('an append is flushed through to the disk unless that is switched off', () => {
    const knob = (synchronous: 'full' | 'normal'): unknown => {
      const db = openFile(file, { synchronous, busyMs: 1_000 });
      const set = db.prepare('PRAGMA synchronous').get()?.['synchronous'];
      db.close();
      return set;
    };
    // sqlite.org/pragma.html: 2 is FULL, 1 is NORMAL.
    expect([knob('full'), knob('normal')]).toEqual([2, 1]);
  });
});

test.skipIf(process.platform === 'win32')('a journal and what SQLite keeps beside it are for their owner alone', async () => {
  const journal = sqliteJournal({ file });
  const claim = await journal.claim(A);
  await claim.append([started()]);
  const names = readdirSync(dir).filter((name) => name.startsWith('journal.sqlite'));
  expect(names.toSorted()).toEqual(['journal.sqlite', 'journal.sqlite-shm', 'journal.sqlite-wal']);
  for (const name of names) expect(statSync(join(dir, name)).mode & 0o077, name).toBe(0);
  await journal.close();
  // Whoever opens it to others is left to it.
  chmodSync(file, 0o640);
  await sqliteJournal({ file }).close();
  expect(statSync(file).mode & 0o777).toBe(0o640);
});

describe('JOURNAL_UNWRITABLE', () => {
  test.each([
    ['below a regular file', () => join(dir, 'plain', 'deeper')],
    ['where no directory can be made', () => '/proc/amdahl'],
  ])('a directory %s is refused, and the ways out are named', (_, where) => {
    writeFileSync(join(dir, 'plain'), '');
    const error = errorOf(() => sqliteJournal({ dir: where() }));
    expect(error.code).toBe('JOURNAL_UNWRITABLE');
    expect(error.message).toContain(where());
    expect(error.message).toMatch(/AMDAHL_DIR.*journal: sqliteJournal.*memoryJournal\(\)/s);
  });

  test('what is in the way is named', async () => {
    await mkdir(file);
    const why = (work: () => unknown): string => /cannot be written: (.*?)\. Name/.exec(errorOf(work).message)?.[1] ?? '';
    const plain = join(dir, 'plain');
    writeFileSync(plain, '');
    expect(errorOf(() => sqliteJournal({ file })).code).toBe('JOURNAL_UNWRITABLE');
    expect(why(() => sqliteJournal({ file }))).toBe('it is a folder');
    expect(why(() => sqliteJournal({ dir: plain }))).toBe(`${plain} is a file where a folder should be`);
    expect(why(() => sqliteJournal({ dir: join(plain, 'a', 'b') }))).toBe(`${plain} is a file where a folder should be`);
    expect(why(() => openFile(join(dir, 'gone', 'j.sqlite'), { synchronous: 'full', busyMs: 1 }))).toBe(
      `there is no folder ${join(dir, 'gone')}`,
    );
  });

  test('a lack of permission is named, for the folder and for the file', async () => {
    await sqliteJournal({ file }).close();
    chmodSync(file, 0o444);
    chmodSync(dir, 0o555);
    const script = `
      import { sqliteJournal } from ${JSON.stringify(join(import.meta.dirname, '../../src/journal/sqlite.ts'))};
      for (const file of ${JSON.stringify([join(dir, 'new.sqlite'), file])}) {
        try { sqliteJournal({ file }); } catch (error) { console.log(error.message); }
      }`;
    // Root may write everywhere: then somebody else tries.
    const other = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], { ...other, encoding: 'utf8' });
    chmodSync(dir, 0o755);
    const [made, opened] = stdout.split('\n');
    expect(made, stderr).toContain(`new.sqlite cannot be written: there is no permission to write to ${dir}. Name a directory`);
    expect(opened, stderr).toContain(`journal.sqlite cannot be written: there is no permission to write to ${file}. Name a directory`);
  });
});

describe.each(THREADS)('JOURNAL_DAMAGED (thread: %s)', (thread) => {
  test('a file that never was a journal is refused, and left as it is', () => {
    writeFileSync(file, 'not a database, but quite long enough to be taken for one '.repeat(100));
    const before = readFileSync(file);
    const error = errorOf(() => sqliteJournal({ file, thread }));
    expect(error.code).toBe('JOURNAL_DAMAGED');
    expect(error.message).toContain(file);
    expect(error.message).toMatch(/Copy it aside.*\.recover/s);
    expect(readFileSync(file)).toEqual(before);
  });

  test('the SQLite file of another program is refused, and not a byte of it is changed', () => {
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE mine (a); PRAGMA user_version = 99');
    db.close();
    const before = readFileSync(file);
    expect(errorOf(() => sqliteJournal({ file, thread }))).toMatchObject({
      code: 'JOURNAL_DAMAGED',
      message: expect.stringContaining('another program'),
    });
    expect(readFileSync(file)).toEqual(before);
  });

  test.each([0.9, 0.5, 0.1])('a file cut off at %s of its length is found out when it is used', async (part) => {
    await filled(thread);
    truncateSync(file, Math.floor(statSync(file).size * part));
    expect(await codeOf(useAll(thread))).toBe('JOURNAL_DAMAGED');
  });

  test('pages overwritten in the middle are found out when they are used', async () => {
    await filled(thread);
    const handle = await openHandle(file, 'r+');
    await handle.write(Buffer.alloc(40 * 4096, 0xff), 0, 40 * 4096, 20 * 4096);
    await handle.close();
    expect(await codeOf(useAll(thread))).toBe('JOURNAL_DAMAGED');
  });

  test('one event that is damaged is named, and those before it can be read', async () => {
    await filled(thread);
    const db = new DatabaseSync(file);
    db.exec(`UPDATE events SET json = '{"kind":' WHERE seq = 2000`);
    db.close();
    const journal = sqliteJournal({ file, thread });
    const read: number[] = [];
    const reading = async (): Promise<void> => {
      for await (const { seq } of journal.read(A, { after: 1_000 })) read.push(seq);
    };
    await expect(reading()).rejects.toMatchObject({
      code: 'JOURNAL_DAMAGED',
      data: { seq: 2_000 },
      message: expect.stringContaining(file),
    });
    expect(read[0]).toBe(1_001);
    await journal.close();
  });
});

describe.each(THREADS)('JOURNAL_NEWER (thread: %s)', (thread) => {
  test('a file with a later layout is refused', async () => {
    await filled(thread);
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(errorOf(() => sqliteJournal({ file, thread }))).toMatchObject({
      code: 'JOURNAL_NEWER',
      message: expect.stringContaining('Update amdahl'),
    });
  });

  test('an event of a later version is refused when it is read', async () => {
    await filled(thread);
    const db = new DatabaseSync(file);
    db.exec('UPDATE events SET version = 99 WHERE seq = 5');
    db.close();
    expect(await codeOf(useAll(thread))).toBe('JOURNAL_NEWER');
  });
});

describe.each(THREADS)('JOURNAL_FULL (thread: %s)', (thread) => {
  test('a full disk breaks the claim, keeps all that was acknowledged, and the run goes on once there is room', async () => {
    const full = openSqlite({ file, thread, maxPages: 60 });
    const claim = await full.claim(A);
    const lost: Error[] = [];
    claim.onLost((error) => lost.push(error));
    const promised: string[] = [];
    const fill = async (): Promise<void> => {
      for (let index = 0; index < 1_000; index += 1) {
        await claim.append([noted(`${index} ${'x'.repeat(500)}`), requested(`${index} ${'y'.repeat(5_000)}`)]);
        promised.push(`${index} ${'x'.repeat(500)}`, 'model.requested');
      }
    };
    expect(await codeOf(fill())).toBe('JOURNAL_FULL');
    expect(promised.length).toBeGreaterThan(10);
    expect(await codeOf(claim.append([noted('later')]))).toBe('JOURNAL_FULL');
    expect(lost).toMatchObject([{ code: 'JOURNAL_FULL', message: expect.stringMatching(/free some space/) }]);
    expect(await namesOf(full, A)).toEqual(promised);
    await claim.release();
    await full.close();

    const roomy = openSqlite({ file, thread });
    const next = await roomy.claim(A);
    expect(next.events).toBe(promised.length);
    await next.append([requested('y'.repeat(5_000))]);
    expect(await namesOf(roomy, A)).toEqual([...promised, 'model.requested']);
    await roomy.close();
  });

  test('a blob of a transaction that failed is written again by the next one that needs it', async () => {
    const full = openSqlite({ file, thread, maxPages: 30 });
    const claim = await full.claim(A);
    const setup = Object.freeze(setupOf({ format: 's'.repeat(2_000) }));
    const tooMuch = [requested('small', setup), ...Array.from({ length: 200 }, (_, index) => noted(`${index}${'x'.repeat(900)}`))];
    expect(await codeOf(claim.append(tooMuch))).toBe('JOURNAL_FULL');
    const again = await full.claim(A);
    await again.append([requested('small', setup)]);
    expect((await entriesOf(full, A)).map(({ event }) => event)).toEqual([requested('small', setup)]);
    await full.close();
  });
});

describe.each(THREADS)('blobs in the file (thread: %s)', (thread) => {
  test('each content is stored once, for all runs', async () => {
    const journal = sqliteJournal({ file, thread });
    for (const run of ['a', 'b'].map((each) => runOf(each))) {
      const claim = await journal.claim(run);
      for (let turn = 0; turn < 5; turn += 1) await claim.append([requested('x'.repeat(5_000), setupOf())]);
    }
    await journal.close();
    const db = new DatabaseSync(file);
    expect(db.prepare('SELECT count(*) AS n FROM blobs').get()).toMatchObject({ n: 2 });
    db.close();
  });
});

describe.each(THREADS)('a file of before answers were found by key (thread: %s)', (thread) => {
  test('is read as it was, and finds answers from then on', async () => {
    await filled(thread);
    const db = new DatabaseSync(file);
    db.exec('DROP TRIGGER answers_gone; DROP TABLE answers; ALTER TABLE runs DROP COLUMN scope');
    db.close();
    const journal = sqliteJournal({ file, thread });
    expect(await namesOf(journal, A)).not.toEqual([]);
    const run = runOf('after');
    const claim = await journal.claim(run);
    await claim.append([started(1, { scope: 's' }), { kind: 'call.succeeded', place: placeOf('p'), output: 1, reuse: 'k', at: 7 }]);
    expect(await journal.answers('k')).toEqual([{ run, place: placeOf('p'), seq: 1, at: 7 }]);
    expect(await journal.row(run)).toMatchObject({ scope: 's' });
    await journal.close();
  });
});
