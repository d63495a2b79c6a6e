import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { FairQueue, type InLine } from '../../src/model/fairQueue.ts';

interface Waiter extends InLine {
  readonly name: string;
}

const party = (name: string): { readonly name: string } => ({ name });
const one = (of: object, name: string, depth = 1): Waiter => ({ party: of, depth, name });

/** Takes all that wait, each for `cost`, and says in which order. */
function taken(queue: FairQueue<Waiter>, cost = 1, most = Infinity): string {
  const names: string[] = [];
  for (let waiter = queue.next(); waiter !== undefined && names.length < most; waiter = queue.next()) {
    expect(queue.take(cost)).toBe(waiter);
    names.push(waiter.name);
  }
  return names.join(' ');
}

test('two runs take turns, however many wait in one of them', () => {
  const queue = new FairQueue<Waiter>();
  const [a, b] = [party('a'), party('b')];
  for (let n = 1; n <= 5; n += 1) queue.push(one(a, `a${n}`));
  queue.push(one(b, 'b1'));
  queue.push(one(b, 'b2'));
  expect(queue.size).toBe(7);
  expect(taken(queue)).toBe('a1 b1 a2 b2 a3 a4 a5');
  expect([queue.size, queue.next(), queue.take(1)]).toEqual([0, undefined, undefined]);
});

test('who takes four times as much each time goes a quarter as often', () => {
  const queue = new FairQueue<Waiter>();
  const [big, small] = [party('big'), party('small')];
  for (let n = 0; n < 50; n += 1) {
    queue.push(one(big, 'B'));
    queue.push(one(small, 's'));
  }
  let [bigs, smalls] = [0, 0];
  for (let n = 0; n < 50; n += 1) {
    if (queue.next()?.party === big) bigs += 1;
    else smalls += 1;
    queue.take(queue.next()?.party === big ? 0.04 : 0.01);
  }
  expect([bigs, smalls]).toEqual([10, 40]);
});

test('who was away has no credit for it, and who comes first time is not behind', () => {
  const queue = new FairQueue<Waiter>();
  const [a, b] = [party('a'), party('b')];
  queue.push(one(b, 'b0'));
  for (let n = 1; n <= 20; n += 1) queue.push(one(a, `a${n}`));
  taken(queue, 1, 11);
  for (let n = 1; n <= 3; n += 1) queue.push(one(b, `b${n}`));
  expect(taken(queue, 1, 6)).toBe('b1 a11 b2 a12 b3 a13');
});

test('within a run the deepest goes first, of equal ones who came first, and every fourth is the oldest', () => {
  const queue = new FairQueue<Waiter>();
  const run = party('run');
  for (const [name, depth] of [
    ['root', 1],
    ['x', 3],
    ['y', 5],
    ['z', 3],
    ['u', 5],
    ['v', 2],
  ] as const) {
    queue.push(one(run, name, depth));
  }
  expect(taken(queue)).toBe('y u x root z v');
});

test('one that was turned away comes back before all of its depth that came after it', () => {
  const queue = new FairQueue<Waiter>();
  const run = party('run');
  const [first, second] = [one(run, 'first'), one(run, 'second')];
  queue.push(first);
  queue.push(second);
  queue.push(one(run, 'third'));
  queue.take(1);
  queue.take(1);
  queue.push(second);
  queue.push(first);
  queue.push(first);
  expect(queue.size).toBe(3);
  expect(taken(queue)).toBe('first second third');
});

test('who gave up is not taken, may come again, and giving up twice is nothing', () => {
  const queue = new FairQueue<Waiter>();
  const [a, b] = [party('a'), party('b')];
  const [gone, stays] = [one(a, 'gone'), one(b, 'stays')];
  queue.remove(gone);
  queue.push(gone);
  queue.push(stays);
  queue.remove(gone);
  queue.remove(gone);
  expect([...queue.waiting()]).toEqual([stays]);
  expect(taken(queue)).toBe('stays');
  queue.push(gone);
  expect(taken(queue)).toBe('gone');
});

test('all that wait can be swept while they are looked through', () => {
  const queue = new FairQueue<Waiter>();
  const waiters = Array.from({ length: 100 }, (_, n) => one(party(`p${n % 7}`), String(n), n % 5));
  for (const waiter of waiters) queue.push(waiter);
  for (const waiter of queue.waiting()) if (Number(waiter.name) % 3 !== 0) queue.remove(waiter);
  expect(queue.size).toBe(34);
  expect(new Set(taken(queue).split(' '))).toEqual(new Set(waiters.map(({ name }) => name).filter((name) => Number(name) % 3 === 0)));
});

test('what went through without standing in line counts while others wait', () => {
  const queue = new FairQueue<Waiter>();
  const [quick, other] = [party('quick'), party('other')];
  for (let n = 1; n <= 6; n += 1) queue.push(one(other, `o${n}`));
  for (let n = 0; n < 3; n += 1) queue.charge(quick, 1);
  queue.push(one(quick, 'q1'));
  expect(taken(queue, 1, 5)).toBe('o1 o2 o3 q1 o4');
});

test('where nobody waited, what went through before is owed no longer', () => {
  const queue = new FairQueue<Waiter>();
  const [early, late] = [party('early'), party('late')];
  for (let n = 0; n < 1_000; n += 1) queue.charge(early, 1);
  for (let n = 1; n <= 3; n += 1) {
    queue.push(one(early, `e${n}`));
    queue.push(one(late, `l${n}`));
  }
  // Its last one may still be on its way: that much it owes.
  expect(taken(queue)).toBe('l1 e1 l2 e2 l3 e3');
});

test('what cost more or less than was taken moves the next turn, never behind where the wait began', () => {
  const queue = new FairQueue<Waiter>();
  const [a, b] = [party('a'), party('b')];
  for (let n = 1; n <= 9; n += 1) {
    queue.push(one(a, `a${n}`));
    queue.push(one(b, `b${n}`));
  }
  expect(taken(queue, 1, 2)).toBe('a1 b1');
  queue.charge(a, 2);
  expect(taken(queue, 1, 3)).toBe('b2 b3 a2');
  queue.charge(b, -2);
  expect(taken(queue, 1, 3)).toBe('b4 b5 b6');
  queue.charge(a, -1_000);
  expect(taken(queue, 1, 6)).toBe('a3 a4 a5 a6 b7 a7');
  const behind = new FairQueue<Waiter>();
  behind.push(one(a, 'x1'));
  behind.push(one(a, 'x2'));
  behind.take(1);
  behind.take(1);
  behind.push(one(b, 'y'));
  behind.push(one(b, 'y'));
  behind.charge(b, -1_000);
  behind.push(one(a, 'x3'));
  expect(taken(behind)).toBe('y x3 y');
});

test.each([0, -1, NaN, Infinity])('a pick for %d is refused before anything moves', (cost) => {
  const queue = new FairQueue<Waiter>();
  queue.push(one(party('a'), 'a'));
  expect(() => queue.take(cost)).toThrow(RangeError);
  if (!Number.isFinite(cost)) expect(() => queue.charge(party('a'), cost)).toThrow(RangeError);
  expect(taken(queue)).toBe('a');
});

test('how many of its own go before a newcomer counts the deeper and the equal, of its run alone', () => {
  const queue = new FairQueue<Waiter>();
  const [a, b] = [party('a'), party('b')];
  expect(queue.ahead(a, 1)).toBe(0);
  for (const depth of [1, 2, 2, 5]) queue.push(one(a, `a${depth}`, depth));
  queue.push(one(b, 'b', 9));
  expect([1, 2, 3, 5, 6].map((depth) => queue.ahead(a, depth))).toEqual([4, 3, 1, 1, 0]);
  queue.take(1);
  expect([1, 5].map((depth) => queue.ahead(a, depth))).toEqual([3, 0]);
});

test('ten thousand in one run and a thousand runs are let through in full', () => {
  const queue = new FairQueue<Waiter>();
  const crowd = party('crowd');
  for (let n = 0; n < 10_000; n += 1) queue.push(one(crowd, String(n), n % 7));
  for (let n = 0; n < 1_000; n += 1) queue.push(one(party(`p${n}`), 'single'));
  const rounds = taken(queue, 1, 1_001).split(' ');
  expect(rounds.filter((name) => name === 'single')).toHaveLength(1_000);
  expect(taken(queue).split(' ')).toHaveLength(9_999);
});

/** V8's own, which is there once it is asked for. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Waiters of `runs` runs come, and go in one way or another, while another waits. */
function comeAndGo(queue: FairQueue<Waiter>, runs: number): WeakRef<object>[] {
  const gone: WeakRef<object>[] = [];
  for (let n = 0; n < runs; n += 1) {
    const over = party(`over${n}`);
    gone.push(new WeakRef(over));
    const waiter = one(over, 'w', 1);
    queue.push(waiter);
    queue.charge(over, 2);
    if (n % 2 === 0) queue.remove(waiter);
  }
  for (const waiter of queue.waiting()) if (waiter.name === 'w') queue.remove(waiter);
  return gone;
}

test('runs that are over are let go of, also while others wait', async () => {
  const queue = new FairQueue<Waiter>();
  queue.push(one(party('patient'), 'patient'));
  const gone = comeAndGo(queue, 500);
  // What a WeakRef was made of stays until the turn of the event loop is over.
  await new Promise((resolve) => setImmediate(resolve));
  collectGarbage();
  expect(gone.filter((ref) => ref.deref() !== undefined).length).toBeLessThan(5);
  expect(queue.size).toBe(1);
});

test('a hundred thousand runs that are over leave nothing behind', async () => {
  const queue = new FairQueue<Waiter>();
  queue.push(one(party('patient'), 'patient'));
  const rounds = async (count: number): Promise<number> => {
    for (let round = 0; round < count; round += 1) {
      comeAndGo(queue, 2_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const before = await rounds(2);
  expect((await rounds(50)) - before).toBeLessThan(10e6);
});
