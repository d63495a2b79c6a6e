import { describe, expect, test } from 'vitest';
import { Life } from '../../src/run/life.ts';
import { WorkClock } from '../../src/run/workClock.ts';
import { VirtualClock } from '../support/virtualClock.ts';

describe('the clock of work', () => {
  test('stands still while the run is parked: timers, sums and deadlines', async () => {
    const clock = new VirtualClock(1_000);
    const life = new Life();
    const below = new Life(life);
    below.due(clock, 500);
    const work = new WorkClock(clock, life, [
      [0, 100],
      [400, 450],
    ]);
    const rung: number[] = [];
    work.after(300, () => rung.push(clock.now()));
    const stop = work.after(350, () => rung.push(-1));
    await clock.drive(clock.sleep(200));
    work.park(clock.now());
    expect(work.isParked).toBe(true);
    work.after(50, () => rung.push(clock.now())); // made while it is parked
    await clock.drive(clock.sleep(10_000));
    expect(rung).toEqual([]);
    expect(work.msSince(0)).toBe(150 + 200);
    work.goOn(clock.now());
    stop();
    expect(below.deadlineAt).toBe(1_500 + 10_000);
    expect(life.deadlineAt).toBe(Infinity);
    await clock.drive(clock.sleep(1_000));
    expect(rung).toEqual([11_250, 11_300]);
    expect(work.msSince(0)).toBe(150 + 200 + 1_000);
    expect(work.msSince(425)).toBe(25 + 200 + 1_000);
    expect(work.msSince(1_150)).toBe(50 + 1_000);
    expect(work.msSince(11_700)).toBe(500);
  });
});
