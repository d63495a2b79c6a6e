import { describe, expect, test } from 'vitest';
import { firstRefusal, furtherRefusal, grown, type LearnedRate, resting, restMs, type Sending, took } from '../../src/model/learnedRate.ts';

/** Twenty were sent at 0, the last five of them refused; the first refusal was heard at 100. */
function guessed(): LearnedRate {
  let rate = firstRefusal(sending(19, 0, 0), { sent: 20, cluster: 0 }, { count: 20, ms: 1_000 }, 100);
  for (let seq = 15; seq < 19; seq += 1) rate = refusedAlso(rate, sending(seq, 0, 0), 20, 0).rate;
  return rate;
}

function sending(seq: number, sentAt: number, cluster: number = seq): Sending {
  return { seq, sentAt, cluster };
}

function refusedAlso(rate: LearnedRate, one: Sending, sent: number, cluster: number): ReturnType<typeof furtherRefusal> {
  return furtherRefusal(rate, one, { sent, cluster }, 100);
}

/** One more every so many ms, the first after so many. */
function sent(rate: LearnedRate, count: number, everyMs: number, from: number): LearnedRate {
  let after = rate;
  for (let nth = 0; nth < count; nth += 1) after = took(grown(after, from + nth * everyMs), from + nth * everyMs);
  return after;
}

/** As many as it lets go, between two moments. */
function used(rate: LearnedRate, from: number, to: number): LearnedRate {
  let [now, after] = [from, rate];
  for (; now < to; now += Math.max(1, restMs(grown(after, now), now))) {
    if (restMs(grown(after, now), now) === 0) after = took(grown(after, now), now);
  }
  return after;
}

/** It was measured at 20 a second: 20 in the second after it had been empty at 1,000. */
function measured(): LearnedRate {
  const before = sent(resting(guessed(), 1_000), 21, 50, 1_000);
  return furtherRefusal(before, sending(40, 2_000), { sent: 41, cluster: 40 }, 2_010).rate;
}

const perSecond = ({ bucket }: LearnedRate): number => bucket.perMs * 1_000;

describe('the first refusal', () => {
  test('guesses that all that were sent lately and not refused were let in', () => {
    expect(perSecond(grown(guessed(), 100))).toBe(15);
    expect(guessed()).toMatchObject({ guessed: true, emptyAt: 0, sent: 0, bucket: { size: 15 } });
  });

  test('that refuses everything leaves one a second to be tried', () => {
    let rate = guessed();
    for (let seq = 0; seq < 15; seq += 1) rate = refusedAlso(rate, sending(seq, 0, 0), 20, 0).rate;
    expect(perSecond(grown(rate, 100))).toBe(1);
  });

  test('is a guess that doubles with every second in which it holds somebody back', () => {
    const grew = used(guessed(), 100, 1_100).bucket.perMs / guessed().basePerMs;
    expect(grew).toBeGreaterThan(1.7);
    expect(grew).toBeLessThanOrEqual(2);
  });
});

describe('two push-backs', () => {
  test('measure the rate: what was let in between, over the time between', () => {
    const rate = measured();
    // From 0 on it was 20 in 2 s, for the pause let nothing in; the bucket holds no more than 15.
    expect(rate.guessed).toBe(false);
    expect(rate.emptyAt).toBe(2_000);
    expect(perSecond(rate)).toBeCloseTo(10, 5);
    const next = furtherRefusal(sent(rate, 20, 50, 2_050), sending(60, 3_000), { sent: 61, cluster: 60 }, 3_010).rate;
    expect(perSecond(next)).toBeCloseTo(19, 0);
  });

  test('of which the second is of a request sent before the first was heard are one', () => {
    const before = measured();
    const { rate, fresh } = furtherRefusal(before, sending(39, 1_950), { sent: 41, cluster: 40 }, 2_040);
    expect(fresh).toBe(false);
    expect(rate.measure?.accepted).toBe((before.measure?.accepted ?? 0) - 1);
    expect(rate.emptyAt).toBe(before.emptyAt);
  });

  test('take what was sent after the bucket was empty and refused as not let in', () => {
    const before = sent(measured(), 3, 1, 2_005);
    const { rate } = furtherRefusal(before, sending(42, 2_006), { sent: 44, cluster: 41 }, 2_050);
    expect(rate.refused).toBe(1);
  });

  test('with few let in between bound the rate: it is no more than one above them in that time', () => {
    const before = resting(guessed(), 1_000);
    const { rate } = furtherRefusal(sent(before, 1, 0, 1_000), sending(20, 1_000), { sent: 21, cluster: 20 }, 1_050);
    expect(perSecond(rate)).toBe(1);
    const later = furtherRefusal(sent(resting(rate, 5_000), 1, 0, 5_000), sending(21, 5_000), { sent: 22, cluster: 21 }, 5_050).rate;
    expect(perSecond(later)).toBe(1 / 4);
  });

  test('with none let in between do not lower what expected none', () => {
    let rate = measured();
    rate = { ...rate, basePerMs: 0.000_1 };
    const { rate: next } = furtherRefusal(sent(rate, 1, 0, 4_000), sending(41, 4_000), { sent: 42, cluster: 41 }, 4_010);
    expect(next.basePerMs).toBe(0.000_1);
  });

  test('between which it idled measure nothing: the rate is lowered a little', () => {
    const before = measured();
    const idled = sent(sent(before, 10, 100, 2_100), 20, 0, 3_600_000);
    const { rate } = furtherRefusal(idled, sending(70, 3_600_000, 51), { sent: 71, cluster: 51 }, 3_600_010);
    expect(rate.measure).toBeUndefined();
    expect(rate.basePerMs / before.basePerMs).toBeCloseTo(0.8, 1);
    // Also where too few went after it for that to be seen in when they went.
    const shortly = sent(sent(before, 20, 50, 2_100), 5, 50, 3_600_000);
    const after = furtherRefusal(shortly, sending(66, 3_600_200), { sent: 67, cluster: 66 }, 3_600_210).rate;
    expect(after.basePerMs).toBeGreaterThan(0.7 * before.basePerMs);
  });
});

describe('growth', () => {
  test('is slow at first and then fast, e times in eight seconds of use', () => {
    const rate = measured();
    const after = (seconds: number): number => used(rate, 2_010, 2_010 + seconds * 1_000).bucket.perMs / rate.basePerMs;
    expect(after(1)).toBeLessThan(1.03);
    expect(after(4)).toBeCloseTo(Math.exp(0.25), 0);
    expect(after(8)).toBeGreaterThan(2.4);
    expect(after(8)).toBeLessThan(3.2);
  });

  test('is for use alone: a day without requests, or with few, raises nothing', () => {
    const rate = measured();
    expect(grown(rate, 86_400_000).bucket.perMs).toBe(rate.basePerMs);
    expect(sent(rate, 1_000, 60_000, 10_000).bucket.perMs).toBe(rate.basePerMs);
    expect(took(grown(resting(rate, 600_000), 600_000), 600_000).usedMs).toBe(0);
  });

  test('of a low rate takes some requests, however long those take', () => {
    const low = { ...measured(), basePerMs: 1 / 12_000 };
    const once = took(grown(low, 14_010), 14_010);
    expect(grown(once, 14_010).bucket.perMs / low.basePerMs).toBeLessThan(1.1);
  });

  test('ends at a hundred in a millisecond', () => {
    expect(grown({ ...measured(), usedMs: 1e9 }, 3_000).bucket.perMs).toBe(100);
  });
});

test('after a pause nobody goes before its end, and after an idle hour as many at once as were seen to be', () => {
  const rate = resting(guessed(), 5_000);
  expect(restMs(grown(rate, 1_000), 1_000)).toBe(4_000);
  let [count, after] = [0, { ...measured() }];
  for (; restMs(grown(after, 3_600_000), 3_600_000) === 0; count += 1) after = took(grown(after, 3_600_000), 3_600_000);
  expect(count).toBe(15);
});

test('a clock that goes back raises nothing, lets nobody in and closes nothing', () => {
  const rate = sent(measured(), 5, 50, 2_100);
  const back = grown(rate, 2_000 - 3_600_000);
  expect(back.bucket).toMatchObject({ perMs: grown(rate, 2_300).bucket.perMs, level: rate.bucket.level });
  expect(took(back, 2_000 - 3_600_000).usedMs).toBe(rate.usedMs);
});
