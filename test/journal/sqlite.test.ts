// The journal in SQLite obeys the laws of every journal, whichever thread writes it. Each handle of a world plays a process of its own:
// its own connection, and a pid that is alive until it is killed. Real processes: sqliteProcesses.test.ts.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal } from '../../src/journal/journal.ts';
import { openSqlite } from '../../src/journal/sqliteOpen.ts';
import { testJournal } from '../suites/journal.ts';
import type { JournalWorld } from '../suites/journalInterleaving.ts';

async function setup(thread: 'auto' | 'main' | 'worker'): Promise<JournalWorld> {
  const dir = await mkdtemp(join(tmpdir(), 'amdahl-journal-'));
  const living = new Map<number, string>();
  const pids = new Map<Journal, number>();
  const open = async (): Promise<Journal> => {
    const pid = pids.size + 1;
    living.set(pid, `start ${pid}`);
    // The laws are not about power loss: without the disk's own flush they are judged ten times as fast.
    const journal = openSqlite({ dir, thread, synchronous: 'normal', flushMs: 0, process: { pid, startOf: (of) => living.get(of) } });
    pids.set(journal, pid);
    return journal;
  };
  const kill = async (journal: Journal): Promise<void> => {
    living.delete(pids.get(journal) ?? 0);
  };
  const teardown = async (): Promise<void> => {
    await Promise.all([...pids.keys()].map(async (journal) => journal.close()));
    await rm(dir, { recursive: true });
  };
  return { open, kill, teardown };
}

testJournal({ name: 'sqlite, written in the main thread', setup: () => setup('main') });
testJournal({ name: 'sqlite, written in a worker', setup: () => setup('worker') });
testJournal({ name: 'sqlite, written where it is nearest', setup: () => setup('auto') });
