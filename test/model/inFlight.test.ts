import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, elapsed, type InFlight, knownInFlight, openInFlight, settled, widened, WINDOW_MS } from '../../src/model/inFlight.ts';

const after = (state: InFlight, answers: number, count: number): InFlight => {
  let next = state;
  for (let one = 0; one < answers; one += 1) next = widened(next, count, 0);
  return next;
};

test('it opens at 20, and the answers of a window double it', () => {
  expect(openInFlight(0).limit).toBe(20);
  expect(after(openInFlight(0), 20, 1).limit).toBe(40);
  expect(after(openInFlight(0), 60, 1).limit).toBe(80);
});

test('where answers take long, what nobody refused for a whole window widens it too, but only while it is needed', () => {
  const full = openInFlight(0);
  expect(elapsed(full, 20, WINDOW_MS - 1).limit).toBe(20);
  expect(elapsed(full, 20, WINDOW_MS).limit).toBe(40);
  expect(elapsed(full, 19, 10 * WINDOW_MS).limit).toBe(20);
  expect(elapsed(elapsed(full, 20, WINDOW_MS), 40, WINDOW_MS + 1).limit).toBe(40);
  expect(elapsed(elapsed(full, 20, WINDOW_MS), 40, 2 * WINDOW_MS).limit).toBe(80);
});

test('after a drop it is the AIMD limit of concurrency-limits: nine tenths for a drop, one more for an answer while half of it is used', () => {
  const steady = cut({ ...openInFlight(0), limit: 100 }, 100, 1, 5);
  expect(steady).toMatchObject({ limit: 90, opening: false });
  expect(widened(steady, 45, 0).limit).toBe(91);
  expect(widened(steady, 44, 0).limit).toBe(90);
  expect(cut(steady, 90, 6, 10).limit).toBe(81);
});

test('those that were sent before a drop was heard, and are dropped too, are one drop with it', () => {
  const once = cut({ ...openInFlight(0), limit: 100 }, 100, 1, 5);
  expect(cut(cut(once, 99, 2, 6), 98, 5, 7)).toEqual(once);
});

test('a limit that was cut comes back while it is needed, also where answers take minutes', () => {
  const steady = cut({ ...openInFlight(0), limit: 100 }, 100, 0, 0);
  expect(elapsed(steady, 90, WINDOW_MS).limit).toBe(99);
  expect(elapsed(steady, 89, 10 * WINDOW_MS).limit).toBe(90);
});

test('a limit that was never known begins, when something is dropped, with what was in flight, or with twenty', () => {
  expect(cut(knownInFlight(Infinity), 50, 0, 1).limit).toBe(45);
  expect(cut(knownInFlight(Infinity), 1, 0, 1).limit).toBe(18);
  expect(widened(knownInFlight(Infinity), 50, 0).limit).toBe(Infinity);
});

test('the first refusal halves what may be in flight, to no less than at first, and it goes on opening', () => {
  expect(settled({ ...openInFlight(0), limit: 90 }, 80)).toMatchObject({ limit: 40, opening: true });
  expect(settled(openInFlight(0), 1).limit).toBe(20);
  expect(settled(knownInFlight(8), 8).limit).toBe(8);
});

test('whatever happens, at least one may be in flight', () => {
  const step = fc.constantFrom<(state: InFlight, count: number) => InFlight>(
    (state, count) => widened(state, count, 0),
    (state, count) => cut(state, count, 1, 1),
    (state, count) => cut({ ...state, cutAt: -Infinity }, count, 1, 1),
    settled,
    (state, count) => elapsed(state, count, 1e9),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.integer({ min: 1, max: 300 }))), (steps) => {
      let state = openInFlight(0);
      for (const [move, count] of steps) {
        state = move(state, count);
        expect(state.limit).toBeGreaterThanOrEqual(1);
      }
    }),
  );
});
