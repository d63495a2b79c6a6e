import { beforeEach, expect, test } from 'vitest';
import type { RunId } from '../../src/journal/event.ts';
import type { Change, Committer, Outcome } from '../../src/journal/sqliteChange.ts';
import { NearestCommitter } from '../../src/journal/sqliteNearest.ts';

const append = (waiters: number, events = 1): Change => ({
  do: 'append',
  no: 1,
  epoch: 1,
  seq: 0,
  cells: Array.from({ length: events * 3 }, () => null),
  answers: undefined,
  asks: undefined,
  blobs: new Map(),
  row: undefined,
  updatedAt: 0,
  seenAt: 0,
  waiters,
});
const take: Change = { do: 'take', run: 'r' as RunId, found: undefined, owner: { id: 'o', pid: 1, host: 'h', start: '' }, seenAt: 0 };

let where = '';
let now = 0;
let blockedMs = 0;
let threads = 0;
let nearest: NearestCommitter;

beforeEach(() => {
  where = '';
  now = blockedMs = threads = 0;
  const committer = (name: string): Committer => ({
    commit: (changes, tell: (outcome: Outcome) => void) => {
      where += name;
      if (name === 'm') now += blockedMs;
      tell({ ended: 'committed', results: changes.map(() => 1) });
    },
    close: () => {
      where += name.toUpperCase();
      return Promise.resolve();
    },
  });
  const thread = (): Committer => {
    threads += 1;
    return committer('t');
  };
  nearest = new NearestCommitter(committer('m'), thread, () => now);
});

function commit(times: number, ...changes: readonly Change[]): string {
  where = '';
  for (let index = 0; index < times; index += 1) nearest.commit(changes, () => {});
  return where;
}

test('one appender is served in the main thread, and a process that stays alone starts no thread', async () => {
  expect(commit(100, append(1), { do: 'disown', no: 1, epoch: 1 })).toBe('m'.repeat(100));
  expect(commit(1, take)).toBe('m');
  expect(commit(1, append(0, 60), { do: 'beat', no: 1, epoch: 1, seenAt: 0 })).toBe('m');
  await nearest.close();
  expect([where, threads]).toEqual(['mM', 0]);
});

test.each([
  ['two that wait in one call', [append(2)]],
  ['two runs', [append(1), append(1)]],
  ['a run that begins beside one that goes on', [take, append(1)]],
])('%s go to the thread, and so do the next thirty-one', (_, changes) => {
  expect(commit(1, ...changes)).toBe('t');
  expect(commit(40, append(1))).toBe('t'.repeat(31) + 'm'.repeat(9));
  expect(threads).toBe(1);
});

test('much to write goes to the thread, and nothing follows from it', () => {
  expect(commit(1, append(1, 65)) + commit(1, append(1))).toBe('tm');
});

test('a slow disk is left to the thread after three of five, and tried again after twice as long each time', () => {
  blockedMs = 4;
  const tried = [...commit(5_000, append(1))].flatMap((one, index) => (one === 'm' ? [index] : []));
  expect(tried).toEqual([0, 1, 2, 34, 98, 226, 482, 994, 2_018, 3_042, 4_066]);
});

test('a disk that is quick again is taken back', () => {
  blockedMs = 4;
  commit(3, append(1));
  blockedMs = 0.2;
  // A try, after which one of five is quick, then the next: the most of five must be.
  expect(commit(400, append(1)).slice(-100)).toBe('m'.repeat(100));
});

test('one slow transaction, such as a checkpoint, changes nothing', () => {
  blockedMs = 4;
  commit(1, append(1));
  blockedMs = 0.2;
  expect(commit(50, append(1))).toBe('m'.repeat(50));
});
