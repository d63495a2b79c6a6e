// The journal in memory obeys the laws of every journal. The handles of one world share one store.

import { expect, test } from 'vitest';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { testJournal } from '../suites/journal.ts';
import type { JournalWorld } from '../suites/journalInterleaving.ts';
import { codeOf, entriesOf, noted, requested, runOf } from './entries.ts';

async function setup(): Promise<JournalWorld> {
  const store = memoryJournal();
  const owners = new Map<string, Journal>();
  const open = async (): Promise<Journal> => {
    const handle: Journal = {
      claim: async (run) => {
        const claim = await store.claim(run);
        owners.set(run, handle);
        return claim;
      },
      at: async (run, place) => store.at(run, place),
      read: (run, options) => store.read(run, options),
      row: async (run) => store.row(run),
      rows: async (limit) => store.rows(limit),
      answers: async (key) => store.answers(key),
      unfinished: async (now) => store.unfinished(now),
      asks: async (options) => store.asks(options),
      ask: async (id) => store.ask(id),
      respond: async (ask, reply, now) => store.respond(ask, reply, now),
      watch: (run, listener) => store.watch(run, listener),
      cancel: async (run, options) => store.cancel(run, options),
      prune: async (options) => store.prune(options),
      close: async () => store.close(),
    };
    return handle;
  };
  const kill = async (journal: Journal): Promise<void> => {
    for (const [run, owner] of owners) if (owner === journal) store.abandon(runOf(run));
  };
  return { open, kill, teardown: async () => store.close() };
}

testJournal({ name: 'memory', setup });

test('abandon without a run lets go of all runs', async () => {
  const journal = memoryJournal();
  const runs = ['a', 'b'].map(runOf);
  await Promise.all(runs.map(async (run) => journal.claim(run)));
  journal.abandon();
  expect(await Promise.all(runs.map(async (run) => codeOf(journal.claim(run))))).toEqual(['none', 'none']);
});

test('two journals in memory know nothing of each other', async () => {
  const [one, other] = [memoryJournal(), memoryJournal()];
  await (await one.claim(runOf('a'))).append([noted('1')]);
  expect(await entriesOf(other, runOf('a'))).toEqual([]);
});

test('the clock given says when a living owner was last seen', async () => {
  const journal = memoryJournal({ clock: { now: () => 77 } });
  const claim = await journal.claim(runOf('a'));
  await claim.append([{ kind: 'run.started', agent: 'a', input: null, inputHash: 'h', at: 5 }, requested('x')]);
  expect((await journal.row(runOf('a')))?.owner?.seenAt).toBe(77);
});
