// Questions to people in a SQLite file: among real processes, in files of before, in encrypted files, and what they cost runs that
// ask nothing. The laws of every store are in test/suites/journalAsks.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { copyJournal } from '../../src/index.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import type { Change } from '../../src/journal/sqliteChange.ts';
import { openFile } from '../../src/journal/sqliteFile.ts';
import { SqliteWriter } from '../../src/journal/sqliteWriter.ts';
import { askOf, opened, over, park, yes } from './askEvents.ts';
import { codeOf, runOf, started } from './entries.ts';

const A = runOf('run-a');
const KEY = 'correct horse battery staple';
let dir = '';
let file = '';
let children: ChildProcess[] = [];
let journals: Journal[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'amdahl-asks-'));
  file = join(dir, 'journal.sqlite');
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  await Promise.all(journals.map((journal) => journal.close()));
  [children, journals] = [[], []];
  rmSync(dir, { recursive: true });
});

function open(at: string = file, key?: string): Journal {
  const journal = sqliteJournal({ file: at, ...(key === undefined ? {} : { encrypt: { key } }) });
  journals.push(journal);
  return journal;
}

interface Child {
  readonly process: ChildProcess;
  readonly said: AsyncIterator<string>;
  tell(): void;
}

async function start(task: string, name: string, asks: readonly string[]): Promise<Child> {
  const program = join(import.meta.dirname, 'sqliteAsksChild.ts');
  const child = spawn(process.execPath, [program, task, file, name, ...asks], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const said = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  expect(await said.next()).toMatchObject({ value: 'ready' });
  return { process: child, said, tell: () => child.stdin.write('\n') };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

const names = (count: number): string[] => Array.from({ length: count }, (_, nth) => `asked-${nth}`);

test('of processes that answer the same questions at once, one is accepted each time', { timeout: 30_000 }, async () => {
  const asks = names(40);
  await park(open(), A, asks.map(askOf));
  const processes = ['p0', 'p1', 'p2'];
  const answering = await Promise.all(processes.map((name) => start('respond', name, asks)));
  for (const child of answering) child.tell();
  const accepted = new Map<string, string>();
  for (const [nth, child] of answering.entries())
    for (let left = asks.length; left > 0; left -= 1) {
      const [ask = '', kind] = String((await child.said.next()).value).split(' ');
      expect(['accepted', 'closed']).toContain(kind);
      if (kind !== 'accepted') continue;
      expect(accepted.has(ask), ask).toBe(false);
      accepted.set(ask, processes[nth] ?? '');
    }
  expect(accepted.size).toBe(asks.length);
  for (const { ask, response } of await open().asks({ run: A, all: true })) expect(response?.by).toBe(accepted.get(ask.replace(/-+$/, '')));
});

test('answers that were accepted outlive the death of who gave them and of the run’s owner', { timeout: 60_000 }, async () => {
  for (const [round, killedAfter] of [1, 4, 11].entries()) {
    const run = runOf(`run-${round}`);
    const asks = names(16).map((name) => `${round}-${name}`);
    const owner = await start('own', run, asks);
    const answering = await start('respond', 'ann', asks);
    answering.tell();
    const accepted: string[] = [];
    while (accepted.length < killedAfter) accepted.push(String((await answering.said.next()).value).split(' ')[0] ?? '');
    await Promise.all([kill(answering.process), kill(owner.process)]);
    const journal = open();
    expect(await journal.row(run)).toMatchObject({ status: 'parked', owner: { alive: false } });
    expect((await journal.unfinished(1_000)).find((row) => row.run === run)?.ready).toBe(true);
    const claim = await journal.claim(run);
    const responses = await claim.responses();
    expect(responses.map(({ ask }) => ask)).toEqual(expect.arrayContaining(accepted.map(askOf)));
    await claim.append(responses.map(({ ask }) => over(ask, 'ask.answered', 6_000)));
    expect(await claim.responses()).toEqual([]);
    await claim.release();
  }
});

test('a file of before there were questions gets their table when it is opened', async () => {
  await park(open(), A, []);
  await Promise.all(journals.splice(0).map((journal) => journal.close()));
  const db = new DatabaseSync(file);
  db.exec('DROP TRIGGER asks_gone; DROP TABLE asks');
  db.close();
  const journal = open();
  expect(await journal.asks({ all: true })).toEqual([]);
  await park(journal, runOf('after'), [askOf('after-all')]);
  expect((await journal.respond(askOf('after-all'), yes(), 2_000)).kind).toBe('accepted');
});

test('in an encrypted file neither ids nor what was said can be read, and none of it can be moved', async () => {
  const [one, two] = [askOf('confidential-1'), askOf('confidential-2')];
  await park(open(file, KEY), A, [one, two], { scope: 'confidential scope' });
  await open(file, KEY).respond(one, { kind: 'answer', value: 'confidential value', by: 'confidential person' }, 2_000);
  await open(file, KEY).respond(two, { kind: 'refuse', reason: 'confidential reason' }, 2_000);
  expect((await open(file, KEY).ask('confidential-2'))?.response).toMatchObject({ reason: 'confidential reason' });
  await Promise.all(journals.splice(0).map((journal) => journal.close()));
  for (const name of readdirSync(dir)) expect(readFileSync(join(dir, name)).includes('confidential'), name).toBe(false);
  for (const column of ['response', 'sealed']) {
    const db = new DatabaseSync(file);
    db.exec(`UPDATE asks SET ${column} = (SELECT ${column} FROM asks AS other WHERE other.ask <> asks.ask)`);
    db.close();
    expect(await codeOf(open(file, KEY).asks({ all: true }))).toBe('JOURNAL_DAMAGED');
    await Promise.all(journals.splice(0).map((journal) => journal.close()));
  }
});

test('a copied journal has its open questions, and what was said to them and is not journaled yet', async () => {
  const from = open();
  await park(from, A, [askOf('copied-1'), askOf('copied-2'), askOf('copied-3')]);
  await from.respond(askOf('copied-2'), yes(), 2_000);
  const waiting = await from.claim(runOf('held'));
  await waiting.append([started(), opened(askOf('held-ask')), { kind: 'run.parked', asks: [askOf('held-ask')], at: 2_000 }]);
  const to = open(join(dir, 'copy.sqlite'), KEY);
  expect(await copyJournal(from, to)).toEqual({ copied: [A], left: ['held'] });
  expect(await to.asks({ run: A, all: true })).toEqual(await from.asks({ run: A, all: true }));
  expect(await to.unfinished(3_000)).toMatchObject([{ status: 'parked', ready: true }]);
});

/** The statements that a writer runs. */
function watched(db: DatabaseSync): { readonly db: DatabaseSync; readonly ran: string[] } {
  const ran: string[] = [];
  const prepare = (sql: string): StatementSync => {
    const statement = db.prepare(sql);
    const run = statement.run.bind(statement);
    const value = (...values: readonly SQLInputValue[]): unknown => {
      ran.push(sql.trim().split(/\s+/).slice(0, 3).join(' '));
      return run(...values);
    };
    Object.defineProperty(statement, 'run', { value });
    return statement;
  };
  return { db: { prepare, exec: (sql: string) => db.exec(sql) } as unknown as DatabaseSync, ran }; // all that a writer uses of it
}

test('appends of a run that asks nothing run no statement for questions', () => {
  const options = { synchronous: 'normal', busyMs: 1_000 } as const;
  const file0 = openFile(file, options);
  const { db, ran } = watched(file0);
  const writer = new SqliteWriter(db, file, options);
  const owner = { id: 'o', pid: 1, host: 'h', start: '' };
  expect(writer.commit([{ do: 'take', run: A, found: undefined, owner, seenAt: 1 }])).toMatchObject({ ended: 'committed' });
  ran.length = 0;
  const append = (asks: Extract<Change, { do: 'append' }>['asks'], seq: number): Change => ({
    do: 'append',
    no: 1,
    epoch: 1,
    seq,
    cells: ['decision', null, '{}'],
    answers: undefined,
    asks,
    blobs: new Map(),
    row: undefined,
    updatedAt: 1,
    seenAt: 1,
    waiters: 1,
  });
  writer.commit([append(undefined, 0)]);
  expect(ran).toEqual(['BEGIN IMMEDIATE', 'UPDATE runs SET', 'INSERT INTO events', 'COMMIT']);
  ran.length = 0;
  writer.commit([append([{ ask: 'a', at: 1, nth: 0, sealed: null, of: 'human', expiresAt: null }], 1)]);
  expect(ran).toEqual(['BEGIN IMMEDIATE', 'UPDATE runs SET', 'INSERT INTO events', 'INSERT INTO asks', 'COMMIT']);
  file0.close();
});
