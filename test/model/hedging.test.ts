import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, test } from 'vitest';
import { type Due, Hedges, type Lane } from '../../src/model/hedging.ts';
import { VirtualClock } from '../support/virtualClock.ts';

interface Stage {
  readonly clock: VirtualClock;
  readonly hedges: Hedges;
  readonly lane: Lane;
  /** Lets so many sendings be answered in 100 ms, one after the other. */
  readonly answer: (count: number) => Promise<void>;
  readonly sleep: (ms: number) => Promise<void>;
}

function stage(setting: { readonly p: number; readonly extra: number } = { p: 0.95, extra: 1 }): Stage {
  const clock = new VirtualClock();
  const hedges = new Hedges(setting, clock);
  const lane = hedges.lane('say', 'scripted/x');
  const sleep = async (ms: number): Promise<void> => await clock.drive(clock.sleep(ms));
  const answer = async (count: number): Promise<void> => {
    for (let nth = 0; nth < count; nth += 1) {
      const over = lane.watch(() => 'never');
      await sleep(100);
      over(true);
    }
  };
  return { clock, hedges, lane, answer, sleep };
}

/** Answers with these when it is called, and remembers when that was. */
function dueAt(clock: VirtualClock, ...found: Due[]): { readonly at: number[]; readonly due: () => Due } {
  const at: number[] = [];
  const due = (): Due => {
    at.push(clock.now());
    return found.shift() ?? 'never';
  };
  return { at, due };
}

test('a sending is due once it is later than usual, and once only where its hedge is sent', async () => {
  const { clock, hedges, lane, answer, sleep } = stage();
  await answer(20);
  const { at, due } = dueAt(clock, 'sent');
  const over = lane.watch(due);
  await sleep(5_000);
  expect(at).toEqual([2_101]);
  expect(hedges).toMatchObject({ requests: 21, hedges: 1 });
  over(false);
  await answer(1);
  expect(at).toHaveLength(1);
});

test('what had no leave to be sent now is tried again when the next of its lane comes or goes', async () => {
  const { clock, lane, answer, sleep } = stage();
  await answer(30);
  const { at, due } = dueAt(clock, 'later', 'later', 'sent');
  lane.watch(due);
  await sleep(150);
  await answer(1);
  expect(at).toEqual([3_101, 3_150, 3_250]);
});

test('what had no leave to be sent now is tried again after as long as an answer usually takes, until it is over', async () => {
  const { clock, lane, answer, sleep } = stage();
  await answer(30);
  const slow = dueAt(clock, 'later', 'later', 'later');
  const over = lane.watch(slow.due);
  await sleep(350);
  over(true);
  await sleep(1_000);
  expect(slow.at).toEqual([3_101, 3_201, 3_301]);
  await expect(clock.drive(new Promise(() => {}))).rejects.toThrow('no timer');
});

test('what had no leave to be sent now is tried again after 100 ms where answers come faster', async () => {
  const { clock, lane, sleep } = stage();
  for (let nth = 0; nth < 30; nth += 1) {
    const over = lane.watch(() => 'never');
    await sleep(2);
    over(true);
  }
  const { at, due } = dueAt(clock, 'later', 'later', 'sent');
  lane.watch(due);
  await sleep(500);
  expect(at).toEqual([63, 163, 263]);
});

test('what must not be hedged is left, and stands in nobody else’s way', async () => {
  const { clock, lane, answer, sleep } = stage({ p: 0.9, extra: 1 });
  await answer(40);
  const never = dueAt(clock, 'never');
  const next = dueAt(clock, 'sent');
  lane.watch(never.due);
  lane.watch(next.due);
  await sleep(500);
  expect([never.at, next.at]).toEqual([[4_101], [4_101]]);
});

test('one that was cut off counts as one that would have taken longer: hedges do not make what is usual shorter', async () => {
  const { clock, lane, answer, sleep } = stage({ p: 0.85, extra: 1 });
  await answer(20);
  // One in ten is slow and is cut off by its hedge; the others take 50 to 59 ms.
  for (let nth = 0; nth < 1_000; nth += 1) {
    const over = lane.watch(() => 'sent');
    await sleep(nth % 10 === 9 ? 120 : 50 + (nth % 10));
    over(nth % 10 !== 9);
  }
  const { at, due } = dueAt(clock, 'sent');
  lane.watch(due);
  const since = clock.now();
  await sleep(500);
  expect(at).toEqual([since + 59]);
});

test('a hedge is sent in the context of the call that it is for', async () => {
  const { lane, answer, sleep } = stage();
  await answer(20);
  const storage = new AsyncLocalStorage<string>();
  let found: string | undefined;
  storage.run('this call', () => lane.watch(() => ((found = storage.getStore()), 'sent')));
  await storage.run('another call', async () => await sleep(1_000));
  expect(found).toBe('this call');
});

test('a lane in which nobody waits has no timer', async () => {
  const { clock, lane, answer } = stage();
  await answer(20);
  lane.watch(() => 'sent')(true);
  await expect(clock.drive(new Promise(() => {}))).rejects.toThrow('no timer');
  expect(clock.now()).toBe(2_000);
});
