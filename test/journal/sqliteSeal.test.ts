// An encrypted journal: nothing of what runs say can be read from the file, nothing in it can be moved, and only its key opens it.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { agent, copyJournal, run, sqliteJournal } from '../../src/index.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqlite } from '../../src/journal/sqliteOpen.ts';
import { scripted } from '../../src/testing.ts';
import { testJournal } from '../suites/journal.ts';
import type { JournalWorld } from '../suites/journalInterleaving.ts';
import { codeOf, entriesOf, noted, requested, runOf, setupOf, started } from './entries.ts';

const KEY = 'correct horse battery staple';
const A = runOf('run-a');
const LONG = 'confidential text '.repeat(500);
let dir = '';
let file = '';
let open: Journal[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'amdahl-seal-'));
  file = join(dir, 'journal.sqlite');
});

afterEach(async () => {
  await Promise.all(open.map((journal) => journal.close()));
  open = [];
  rmSync(dir, { recursive: true });
});

function journalWith(key: string | Uint8Array | undefined, at: string = file): Journal {
  const journal = sqliteJournal({ file: at, ...(key === undefined ? {} : { encrypt: { key } }) });
  open.push(journal);
  return journal;
}

async function write(journal: Journal, run = A): Promise<void> {
  const claim = await journal.claim(run);
  await claim.append([started(1_000, { input: ['confidential', LONG] })]);
  claim.note(requested('confidential turn', setupOf({ tools: ['confidential tool'] })));
  claim.note(noted('confidential note'));
  await claim.append([{ kind: 'run.succeeded', output: 'confidential', missing: [], at: 2_000 }]);
  await claim.release();
}

async function shut(): Promise<void> {
  await Promise.all(open.map((journal) => journal.close()));
  open = [];
}

const thrownBy = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work();
  } catch (thrown) {
    return thrown;
  }
};

describe('what is in the file', () => {
  test('is read by its key, and by nobody else', async () => {
    await write(journalWith(KEY));
    const bytes = readdirSync(dir)
      .map((name) => readFileSync(join(dir, name), 'latin1'))
      .join('');
    for (const text of ['confidential', 'test/model', Buffer.from('confidential').toString('base64').slice(0, 14)])
      expect(bytes).not.toContain(text);
    await shut();
    const again = journalWith(KEY);
    expect((await entriesOf(again, A))[0]?.event).toMatchObject({ input: ['confidential', LONG] });
    expect(await again.row(A)).toMatchObject({ run: A, status: 'succeeded', inputHash: expect.any(String) });
  });

  test('bytes and their hexadecimal are the same key', async () => {
    const key = randomBytes(32);
    await write(journalWith(key));
    await shut();
    expect(await entriesOf(journalWith(key.toString('hex')), A)).toHaveLength(4);
    await shut();
    expect(await entriesOf(journalWith(key.toString('base64')), A)).toHaveLength(4);
  });

  test('the same content in two files has nothing in common, and a guess of it is not found', async () => {
    const other = join(dir, 'other.sqlite');
    await write(journalWith(KEY));
    await write(journalWith(KEY, other));
    await shut();
    const columns = (of: string): string[] => {
      const db = new DatabaseSync(of);
      const found = [
        'SELECT place AS x FROM events WHERE place IS NOT NULL',
        'SELECT hash AS x FROM blobs',
        'SELECT input_hash AS x FROM runs',
      ].flatMap((sql) =>
        db
          .prepare(sql)
          .all()
          .map((row) => String(row['x'])),
      );
      db.close();
      return found;
    };
    const [one, two] = [columns(file), columns(other)];
    expect(one.length).toBeGreaterThan(3);
    expect(one.filter((name) => two.includes(name))).toEqual([]);
  });

  test('records that were swapped or changed are damage', async () => {
    const journal = journalWith(KEY);
    await write(journal);
    await write(journal, runOf('run-b'));
    await shut();
    for (const sql of [
      'UPDATE events SET json = (SELECT json FROM events AS other WHERE other.run = events.run AND other.seq = 2) WHERE run = 1 AND seq = 1',
      'UPDATE events SET json = (SELECT json FROM events AS other WHERE other.run = 2 AND other.seq = events.seq) WHERE run = 1 AND seq = 1',
      "UPDATE events SET kind = 'decision' WHERE run = 1 AND seq = 1",
      'UPDATE blobs SET text = (SELECT text FROM blobs AS other WHERE other.rowid <> blobs.rowid)',
    ]) {
      const db = new DatabaseSync(file);
      db.exec('BEGIN');
      db.exec(sql);
      db.exec('COMMIT');
      db.close();
      expect(await codeOf(entriesOf(journalWith(KEY), A)), sql).toBe('JOURNAL_DAMAGED');
      await shut();
      rmSync(file);
      const anew = journalWith(KEY);
      await write(anew);
      await write(anew, runOf('run-b'));
      await shut();
    }
  });
});

describe('keys', () => {
  test('without its key, or with another, a file does not open', async () => {
    await write(journalWith(KEY));
    await shut();
    expect(await thrownBy(() => journalWith(undefined))).toMatchObject({ code: 'JOURNAL_LOCKED', data: { key: 'missing' } });
    expect(await thrownBy(() => journalWith('another passphrase'))).toMatchObject({ code: 'JOURNAL_LOCKED', data: { key: 'wrong' } });
    const journal = journalWith(KEY);
    expect(await thrownBy(() => journalWith('another passphrase'))).toMatchObject({ code: 'JOURNAL_LOCKED' });
    expect(await thrownBy(() => journalWith(undefined))).toMatchObject({ code: 'JOURNAL_LOCKED' });
    expect(await entriesOf(journal, A)).toHaveLength(4);
  });

  test('a key is refused for a file that is clear, and taken where nothing is in it yet', async () => {
    await write(journalWith(undefined));
    await shut();
    expect(await thrownBy(() => journalWith(KEY))).toMatchObject({ code: 'JOURNAL_UNLOCKED' });
    const empty = join(dir, 'empty.sqlite');
    await journalWith(undefined, empty).close();
    await write(journalWith(KEY, empty));
  });

  test('keys that are none are refused, and not shown', async () => {
    for (const key of ['short', new Uint8Array(16), 7 as never])
      expect(await thrownBy(() => journalWith(key))).toMatchObject({ code: 'MISCONFIGURED' });
    expect(String(await thrownBy(() => sqliteJournal({ file, encrypt: { kye: 'a' } as never })))).toContain('key');
  });

  test('a copy has another key, or gets its first one', async () => {
    const [clear, first, second] = [
      journalWith(undefined),
      journalWith(KEY, join(dir, 'one.sqlite')),
      journalWith('another passphrase', join(dir, 'two.sqlite')),
    ];
    await write(clear);
    const working = await clear.claim(runOf('working'));
    await working.append([started(1)]);
    expect(await copyJournal(clear, first)).toEqual({ copied: [A], left: ['working'] });
    expect(await copyJournal(first, second)).toEqual({ copied: [A], left: [] });
    expect(await copyJournal(first, second)).toEqual({ copied: [], left: [A] });
    expect(await entriesOf(second, A)).toEqual(await entriesOf(clear, A));
    const { epoch: _, seenAt: __, ...row } = { seenAt: 0, ...(await clear.row(A)) };
    expect(await second.row(A)).toMatchObject(row);
  });

  test('a copy that was stopped in the middle of a run goes on there, and leaves other runs of the same id alone', async () => {
    const [clear, sealed] = [journalWith(undefined, join(dir, 'clear.sqlite')), journalWith(KEY)];
    const many = Array.from({ length: 600 }, (_, nth) => noted(`n${nth}`, `p${nth}`));
    for (const id of ['run-a', 'other']) {
      const claim = await clear.claim(runOf(id));
      await claim.append([started(1), ...many]);
      await claim.release();
    }
    const half = await sealed.claim(A);
    await half.append([started(1), ...many.slice(0, 255)]);
    await half.release();
    const foreign = await sealed.claim(runOf('other'));
    await foreign.append([started(1), noted('foreign', 'p0')]);
    await foreign.release();
    expect(await copyJournal(clear, sealed)).toEqual({ copied: [A], left: ['other'] });
    expect(await entriesOf(sealed, A)).toEqual(await entriesOf(clear, A));
    expect(await entriesOf(sealed, runOf('other'))).toHaveLength(2);
  });
});

test('a run goes on in an encrypted journal, and buys nothing twice', async () => {
  const model = scripted([{ error: new Error('down') }, { text: 'answer' }]);
  const ask = agent({ name: 'ask', model, instructions: 'x' });
  const options = { id: 'r', journal: journalWith(KEY), limits: { retries: 0 } };
  await run(ask, LONG, options).catch(() => undefined);
  expect((await run(ask, LONG, options)).output).toBe('answer');
  expect((await run(ask, LONG, options)).output).toBe('answer');
  expect(model.requests).toHaveLength(2);
});

async function setup(): Promise<JournalWorld> {
  const home = mkdtempSync(join(tmpdir(), 'amdahl-sealed-'));
  const living = new Map<number, string>();
  const pids = new Map<Journal, number>();
  const key = randomBytes(32);
  return {
    open: async () => {
      const pid = pids.size + 1;
      living.set(pid, `start ${pid}`);
      const journal = openSqlite({
        dir: home,
        encrypt: { key },
        synchronous: 'normal',
        flushMs: 0,
        process: { pid, startOf: (of) => living.get(of) },
      });
      pids.set(journal, pid);
      return journal;
    },
    kill: async (journal) => void living.delete(pids.get(journal) ?? 0),
    teardown: async () => {
      await Promise.all([...pids.keys()].map((journal) => journal.close()));
      rmSync(home, { recursive: true });
    },
  };
}

testJournal({ name: 'sqlite, encrypted', setup });
