// The clock of herds: it moves from timer to timer, and what programs read of it may jump.

import { describe, expect, it } from 'vitest';
import { HerdClock } from '../../bench/herdClock.ts';

const UNTIL_MS = 3_600_000;

describe('the clock of a herd', () => {
  it('lets timers go in the order in which they are due, and of those due at once the first made first', async () => {
    const clock = new HerdClock();
    const gone: string[] = [];
    for (const [name, ms] of [
      ['c', 7],
      ['a', 1],
      ['d', 7],
      ['b', 3],
      ['e', 90],
      ['z', 0],
      ['f', 90],
    ] as const)
      clock.after(ms, () => gone.push(`${name}${clock.elapsedMs}`));
    await clock.drive(clock.sleep(100), UNTIL_MS);
    expect(gone).toEqual(['z0', 'a1', 'b3', 'c7', 'd7', 'e90', 'f90']);
  });

  it('keeps a thousand timers in order, however they were made and taken back', async () => {
    const clock = new HerdClock();
    const gone: number[] = [];
    const due = Array.from({ length: 1_000 }, (_, nth) => (nth * 7_919) % 1_009);
    const stops = due.map((ms) => clock.after(ms, () => gone.push(ms)));
    stops.forEach((stop, nth) => nth % 3 === 0 && stop());
    await clock.drive(clock.sleep(2_000), UNTIL_MS);
    expect(gone).toEqual(due.filter((_, nth) => nth % 3 !== 0).toSorted((a, b) => a - b));
  });

  it('says another time after a jump, while timers and what really passed go on as before', async () => {
    const clock = new HerdClock();
    const from = clock.now();
    clock.after(10, () => clock.jump(-3_600_000));
    await clock.drive(clock.sleep(20), UNTIL_MS);
    expect([clock.elapsedMs, clock.now() - from]).toEqual([20, 20 - 3_600_000]);
  });

  it('does not wait for what no timer brings, nor for ever', async () => {
    await expect(new HerdClock().drive(new Promise(() => {}), UNTIL_MS)).rejects.toThrow('no timer brings');
    const clock = new HerdClock();
    const again = (): void => void clock.after(1_000, again);
    again();
    await expect(clock.drive(new Promise(() => {}), 60_000)).rejects.toThrow('not over after 60000 ms');
  });
});
