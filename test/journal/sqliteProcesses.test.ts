// The SQLite journal among real processes, whichever thread writes it: kills, take-overs, locks and stopped owners.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { type SqliteJournalOptions, sqliteJournal } from '../../src/journal/sqlite.ts';
import { codeOf, entriesOf, namesOf, noted, runOf, started } from './entries.ts';

const A = runOf('run-a');
const THREADS = ['auto', 'main', 'worker'] as const;
type Thread = (typeof THREADS)[number];
let dir = '';
let file = '';
let children: ChildProcess[] = [];
let journals: Journal[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'amdahl-processes-'));
  file = join(dir, 'journal.sqlite');
});

afterEach(async () => {
  await Promise.all(children.map(kill));
  await Promise.all(journals.map(async (journal) => journal.close()));
  [children, journals] = [[], []];
  rmSync(dir, { recursive: true });
});

interface Child {
  readonly process: ChildProcess;
  readonly lines: Interface;
  readonly said: AsyncIterator<string>;
  tell(): void;
}

function start(thread: Thread, task: string, args: readonly string[] = [], flags: readonly string[] = []): Child {
  const program = join(import.meta.dirname, 'sqliteChild.ts');
  const child = spawn(process.execPath, [...flags, program, task, thread, file, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const lines = createInterface({ input: child.stdout });
  return { process: child, lines, said: lines[Symbol.asyncIterator](), tell: () => child.stdin.write('\n') };
}

async function next(child: Child): Promise<string> {
  const line = await child.said.next();
  return line.done === true ? 'the process ended' : line.value;
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

function open(thread: Thread, options: SqliteJournalOptions = {}): Journal {
  const journal = sqliteJournal({ file, thread, ...options });
  journals.push(journal);
  return journal;
}

describe.each(THREADS)('a killed process (thread: %s)', (thread) => {
  test('loses nothing that it was told is kept, ten times over, on three runs at once', async () => {
    const runs = ['x', 'y', 'z'];
    const journal = open(thread);
    const kept = new Map<string, string[]>(runs.map((run) => [run, []]));
    for (let generation = 0; generation < 10; generation += 1) {
      const promised = await killedAfter(thread, String(generation), runs, 3 + generation * 17);
      for (const run of runs) {
        const entries = await entriesOf(journal, runOf(run));
        expect(entries.map(({ seq }) => seq)).toEqual([...entries.keys()]);
        const names = await namesOf(journal, runOf(run));
        const before = kept.get(run) ?? [];
        expect(names.slice(0, before.length)).toEqual(before);
        const fresh = names.slice(before.length);
        expect(fresh).toEqual(fresh.map((_, index) => `${generation}:${index}`));
        expect(fresh.length).toBeGreaterThanOrEqual(promised.get(run) ?? 0);
        kept.set(run, names);
      }
    }
  }, 60_000);

  test('leaves its run to whoever comes next, at once', async () => {
    const child = start(thread, 'own', ['run-a']);
    expect(await next(child)).toBe('ready');
    const journal = open(thread);
    await expect(journal.claim(A)).rejects.toMatchObject({
      code: 'RUN_OWNED',
      data: { owner: { pid: child.process.pid } },
      message: expect.stringMatching(new RegExp(`process ${child.process.pid} on .* \\(last heartbeat \\d+ s ago`)),
    });
    expect((await journal.row(A))?.status).toBe('running');
    await kill(child.process);
    expect((await journal.row(A))?.status).toBe('interrupted');
    const claim = await journal.claim(A);
    expect([claim.epoch, claim.events]).toEqual([2, 1]);
  });

  test('that ends by itself without closing is not kept alive by the journal, and loses at most a note', async () => {
    const child = start(thread, 'leave');
    expect(await next(child)).toBe('ready');
    await once(child.process, 'exit');
    expect(child.process.exitCode).toBe(0);
    const names = await namesOf(open(thread), runOf('left'));
    expect(['run.started', 'run.started unflushed']).toContain(names.join(' '));
  });
});

/** Starts an appender, kills it after so many acknowledgements, and answers how many events each run was promised. */
async function killedAfter(
  thread: Thread,
  generation: string,
  runs: readonly string[],
  acknowledgements: number,
): Promise<Map<string, number>> {
  const child = start(thread, 'append', [generation, ...runs]);
  const promised = new Map<string, number>();
  let heard = 0;
  child.lines.on('line', (line) => {
    const [run = '', events = ''] = line.split(' ');
    promised.set(run, Number(events));
    heard += 1;
    if (heard === acknowledgements) child.process.kill('SIGKILL');
  });
  // 'close' comes when the pipe is drained too: what was acknowledged before the kill has been heard.
  await once(child.process, 'close');
  expect(child.process.signalCode).toBe('SIGKILL');
  return promised;
}

describe.each(THREADS)('several processes on one file (thread: %s)', (thread) => {
  test('append to different runs, and all finish', async () => {
    const runs = ['x', 'y', 'z'];
    const working = runs.map((run) => start(thread, 'finish', [run]));
    expect(await Promise.all(working.map(next))).toEqual(['done', 'done', 'done']);
    const journal = open(thread);
    for (const run of runs) {
      expect(await namesOf(journal, runOf(run))).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
    }
  });

  test('a lock held for too long is JOURNAL_BUSY, and the claim stays broken', async () => {
    const journal = open(thread, { busyMs: 100 });
    const claim = await journal.claim(A);
    await claim.append([noted('1')]);
    const child = start(thread, 'hold');
    expect(await next(child)).toBe('ready');
    await expect(claim.append([noted('2')])).rejects.toMatchObject({ code: 'JOURNAL_BUSY', message: expect.stringContaining(file) });
    expect(await namesOf(journal, A)).toEqual(['1']);
    child.tell();
    await once(child.process, 'exit');
    expect(await codeOf(claim.append([noted('3')]))).toBe('JOURNAL_BUSY');
    const again = await journal.claim(A);
    await again.append([noted('4')]);
    expect(await namesOf(journal, A)).toEqual(['1', '4']);
  });

  test('a lock held for a while only delays, and what was appended meanwhile is kept in order', async () => {
    const journal = open(thread);
    const claim = await journal.claim(A);
    const child = start(thread, 'hold');
    expect(await next(child)).toBe('ready');
    const appends = ['1', '2', '3'].map(async (name) => claim.append([noted(name)]));
    // A turn of the event loop later the appends have met the lock; they join what waits for it.
    await new Promise((resolve) => setImmediate(resolve));
    appends.push(claim.append([noted('4')]));
    child.tell();
    await Promise.all(appends);
    expect(await namesOf(journal, A)).toEqual(['1', '2', '3', '4']);
  });
});

describe.each(THREADS)('a stopped owner (thread: %s)', (thread) => {
  /** Stops the child where it holds no lock: a stop in the middle of a heartbeat is taken back. */
  async function stop(child: Child): Promise<void> {
    const db = new DatabaseSync(file, { timeout: 1_000 });
    for (let tries = 0; tries < 20; tries += 1) {
      child.process.kill('SIGSTOP');
      try {
        db.exec('BEGIN IMMEDIATE');
        db.exec('ROLLBACK');
        db.close();
        return;
      } catch {
        child.process.kill('SIGCONT');
      }
    }
    throw new Error('the child was in a transaction whenever it was stopped');
  }

  const later = { now: () => Date.now() + 60_000 };

  test('past its time may be replaced, and is refused when it goes on', async () => {
    const child = start(thread, 'own', ['run-a']);
    expect(await next(child)).toBe('ready');
    await stop(child);
    const journal = open(thread, { clock: later });
    expect((await journal.row(A))?.status).toBe('interrupted');
    const claim = await journal.claim(A);
    await claim.append([noted('successor')]);
    child.process.kill('SIGCONT');
    child.tell();
    expect([await next(child), await next(child)].sort()).toEqual(['lost RUN_LOST', 'refused RUN_LOST']);
    await claim.append([noted('still mine')]);
    expect(await namesOf(journal, A)).toEqual(['run.started', 'successor', 'still mine']);
  });

  test('hears of its loss by its heartbeat, without appending', async () => {
    const child = start(thread, 'own', ['run-a', '300']);
    expect(await next(child)).toBe('ready');
    await stop(child);
    await open(thread, { clock: later }).claim(A);
    child.process.kill('SIGCONT');
    expect(await next(child)).toBe('lost RUN_LOST');
  });

  test('that is only quiet keeps its run: its heartbeat is seen', async () => {
    const child = start(thread, 'own', ['run-a', '300']);
    expect(await next(child)).toBe('ready');
    const journal = open(thread);
    const first = (await journal.row(A))?.owner?.seenAt ?? 0;
    await expect.poll(async () => (await journal.row(A))?.owner?.seenAt, { timeout: 10_000 }).toBeGreaterThan(first + 300);
    expect(await codeOf(journal.claim(A))).toBe('RUN_OWNED');
  });
});

test.each(THREADS)('a Node without SQLite is MISCONFIGURED, with the Node that is needed (thread: %s)', async (thread) => {
  const child = start(thread, 'open', [], ['--no-experimental-sqlite']);
  expect(await next(child)).toMatch(/^MISCONFIGURED .*Node 22\.18.*memoryJournal\(\)/);
});

test.each(THREADS)('a release gives the run to another process at once (thread: %s)', async (thread) => {
  const journal = open(thread);
  const claim = await journal.claim(A);
  await claim.append([started()]);
  await claim.release();
  const child = start(thread, 'own', ['run-a']);
  expect(await next(child)).toBe('ready');
});
