import { expect, test } from 'vitest';
import { FailedTurns } from '../../src/journal/failedTurns.ts';
import { placeOf } from './story.ts';

test('a failure is taken once, by the turn that it is of', () => {
  const failed = new FailedTurns<{ readonly turn: number }>();
  failed.add(placeOf('a'), { turn: 1 });
  expect(failed.take(placeOf('b'), 1)).toBeUndefined();
  expect(failed.take(placeOf('a'), 1)).toEqual({ turn: 1 });
  expect(failed.take(placeOf('a'), 1)).toBeUndefined();
  failed.add(placeOf('a'), { turn: 1 });
  expect(failed.take(placeOf('a'), 2)).toBeUndefined();
});

test('of more than a hundred thousand the earliest are forgotten', () => {
  const failed = new FailedTurns<{ readonly turn: number }>();
  for (let nth = 0; nth <= 100_001; nth += 1) failed.add(placeOf(`p${nth === 100_001 ? 1 : nth}`), { turn: nth });
  expect(failed.take(placeOf('p0'), 0)).toBeUndefined();
  expect(failed.take(placeOf('p1'), 100_001)).toEqual({ turn: 100_001 });
  expect(failed.take(placeOf('p2'), 2)).toEqual({ turn: 2 });
});
