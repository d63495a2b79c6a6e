// What every journal owes those who follow a run or take one up: to be told of what is new, and which runs have not ended.
// Part of the suite in journal.ts.

import { expect, test } from 'vitest';
import { entriesOf, noted, placeOf, runOf, started } from '../journal/entries.ts';
import type { JournalWorld } from './journalInterleaving.ts';

const A = runOf('run-a');
const B = runOf('run-b');
const failure = { code: 'MODEL_FAILED', message: 'no' } as const;

export function testFollowing(world: () => Promise<JournalWorld>): void {
  test('who watches a run is told when more of it can be read, and of no other run', async () => {
    const journal = await (await world()).open();
    const claims = [await journal.claim(A), await journal.claim(B)] as const;
    const read: number[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = async (): Promise<void> => {
      read.push((await entriesOf(journal, A)).length);
      if (read.at(-1) === 2) resolve();
    };
    let told = 0;
    const stop = journal.watch(A, () => {
      told += 1;
      void look();
    });
    await claims[1].append([noted('b')]);
    expect(told).toBe(0);
    await claims[0].append([started()]);
    claims[0].note(noted('1'));
    await promise;
    stop();
    stop();
    const before = told;
    await claims[0].append([noted('2')]);
    expect(told).toBe(before);
  });

  test('who watches a run is told when it is given up', async () => {
    const journal = await (await world()).open();
    const claim = await journal.claim(A);
    const told = new Promise<string>((resolve) => {
      journal.watch(A, () => resolve('told'));
    });
    await claim.release();
    expect(await told).toBe('told');
  });

  test('the runs that have not ended come oldest first: those at work, and those whose owner is gone or has let go', async () => {
    const { open, kill } = await world();
    const first = await open();
    const second = await open();
    for (const [id, at, journal] of [
      ['at work', 3, second],
      ['abandoned', 1, first],
      ['released', 2, second],
      ['ended', 0, second],
    ] as const) {
      const claim = await journal.claim(runOf(id));
      await claim.append([started(at), noted('x', placeOf('p'))]);
      if (id === 'ended') await claim.append([{ kind: 'run.failed', error: failure, at: 9 }]);
      if (id === 'released' || id === 'ended') await claim.release();
    }
    await second.claim(runOf('unstarted'));
    await kill(first);
    const rows = await second.unfinished();
    expect(rows.map(({ run, status }) => [run, status])).toEqual([
      ['abandoned', 'interrupted'],
      ['released', 'interrupted'],
      ['at work', 'running'],
    ]);
  });
}
