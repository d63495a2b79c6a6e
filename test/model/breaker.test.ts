import { describe, expect, test } from 'vitest';
import {
  allows,
  type Breaker,
  type BreakerPolicy,
  closedBreaker,
  heard,
  type Heard,
  MODEL_BREAKER,
  opened,
  probing,
} from '../../src/model/breaker.ts';

const NOW = 1_800_000_000_000;
/** Only the window opens it. */
const WINDOW: BreakerPolicy = { ...MODEL_BREAKER, row: Infinity };
/** Only a row opens it. */
const ROW: BreakerPolicy = { ...MODEL_BREAKER, least: Infinity };
const success: Heard = { kind: 'success' };
const ignored: Heard = { kind: 'ignored' };
const failure = (message = 'connection refused'): Heard => ({ kind: 'failure', code: 'MODEL_UNAVAILABLE', message });
const timeout: Heard = { kind: 'failure', code: 'MODEL_TIMEOUT', message: 'too late' };

/** Outcomes that come `everyMs`, the first at `from`, of requests that were no probes. */
function hear(breaker: Breaker, outcomes: readonly Heard[], from = NOW, everyMs = 1, policy = WINDOW): Breaker {
  return outcomes.reduce((state, outcome, nth) => heard(state, outcome, false, from + nth * everyMs, 0.5, policy), breaker);
}

const times = (count: number, outcome: Heard): readonly Heard[] => Array.from({ length: count }, () => outcome);

/** Open since `now`, due a second later. */
const open = (now = NOW): Breaker => hear(closedBreaker(), times(10, failure()), now, 0);

/** What each bucket of a closed one holds, newest first. */
function successesOf(breaker: Breaker): readonly number[] {
  if (breaker.kind !== 'closed') throw new Error('only successes came');
  const found: number[] = [];
  for (let bucket = breaker.window; bucket !== undefined; bucket = bucket.older) found.push(bucket.successes);
  return found;
}

/** The probe goes at `now` and comes to `outcome` after `ms`. */
function probed(breaker: Breaker, outcome: Heard, now: number, ms = 0, random = 0.5): Breaker {
  expect(allows(breaker, now)).toEqual({ kind: 'probe' });
  return heard(probing(breaker, now), outcome, true, now + ms, random, MODEL_BREAKER);
}

describe('a row', () => {
  const inRow = (outcomes: readonly Heard[], everyMs = 1, policy = ROW): Breaker => hear(closedBreaker(), outcomes, NOW, everyMs, policy);

  test('five failures with no success between open it, and what it says is of the first', () => {
    expect(inRow(times(4, failure())).kind).toBe('closed');
    const five = inRow([failure('first'), ...times(4, failure('later'))], 10);
    expect(five).toMatchObject({ kind: 'open', since: NOW, failures: 5, message: 'first', openedAt: NOW + 40 });
  });

  test('a success between them begins it anew, and what was ignored does not', () => {
    expect(inRow([...times(4, failure()), success, ...times(4, failure())]).kind).toBe('closed');
    expect(inRow([...times(4, failure()), ignored, failure()]).kind).toBe('open');
  });

  test('a thousand successes a moment ago do not keep it closed', () => {
    const busy = inRow(times(1_000, success), 1, MODEL_BREAKER);
    expect(hear(busy, times(5, failure()), NOW + 1_000, 1, MODEL_BREAKER).kind).toBe('open');
  });

  test('time-outs count half, for those in flight run into theirs together', () => {
    expect(inRow(times(9, timeout)).kind).toBe('closed');
    expect(inRow(times(10, timeout))).toMatchObject({ kind: 'open', failures: 10, code: 'MODEL_TIMEOUT' });
    expect(inRow([...times(4, failure()), timeout]).kind).toBe('closed');
    expect(inRow([...times(4, failure()), timeout, timeout])).toMatchObject({ kind: 'open', failures: 6 });
  });

  test('what lies further back than the window has nothing to do with it', () => {
    expect(inRow(times(5, failure()), 2_500).kind).toBe('open');
    expect(inRow(times(8, failure()), 2_501).kind).toBe('closed');
  });

  test('a clock that is set back or forward by an hour begins it anew, and then it counts on', () => {
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      const after = hear(inRow(times(4, failure())), times(4, failure()), NOW + jumpMs, 1, ROW);
      expect(after.kind).toBe('closed');
      expect(hear(after, [failure()], NOW + jumpMs, 1, ROW).kind).toBe('open');
    }
  });

  test('after a probe that was answered it begins anew', () => {
    const closed = probed(inRow(times(5, failure())), success, NOW + 2_000);
    expect(hear(closed, times(4, failure()), NOW + 2_001, 1, ROW).kind).toBe('closed');
  });
});

describe('the window', () => {
  test('nine failures alone do not open it, the tenth does, and what it says is of the first', () => {
    const nine = hear(closedBreaker(), [failure('first'), ...times(8, failure('later'))], NOW, 10);
    expect(allows(nine, NOW + 80)).toEqual({ kind: 'yes' });
    const ten = heard(nine, failure('later'), false, NOW + 90, 0.5, WINDOW);
    expect(ten).toMatchObject({ kind: 'open', since: NOW, failures: 10, code: 'MODEL_UNAVAILABLE', message: 'first', probesFailed: 0 });
    expect(allows(ten, NOW + 90)).toEqual({ kind: 'no', untilMs: NOW + 1_090 });
  });

  test('it opens when half of the outcomes failed, on a failure and not on a success', () => {
    const half = [...times(5, failure()), ...times(5, success)];
    expect(hear(closedBreaker(), half).kind).toBe('closed');
    expect(hear(closedBreaker(), half.toReversed()).kind).toBe('open');
    expect(hear(closedBreaker(), [...times(6, success), ...times(5, failure())]).kind).toBe('closed');
  });

  test('what was ignored counts neither way', () => {
    const before = hear(closedBreaker(), times(9, failure()));
    expect(hear(before, times(100, ignored))).toBe(before);
  });

  test('outcomes leave the window after 10 s: the same failures, spread wider, never open it', () => {
    expect(hear(closedBreaker(), times(200, failure()), NOW, 1_250).kind).toBe('closed');
    expect(hear(closedBreaker(), times(200, failure()), NOW, 800).kind).toBe('open');
  });

  test('a thousand successes of long ago do not keep it closed', () => {
    const busy = hear(closedBreaker(), times(1_000, success));
    expect(hear(busy, times(10, failure()), NOW + 2_000).kind).toBe('closed');
    expect(hear(busy, times(10, failure()), NOW + 12_000).kind).toBe('open');
  });

  test('a stray failure in good times is not the beginning of the trouble', () => {
    const stray = hear(closedBreaker(), [failure('stray'), ...times(9, success)], NOW - 4_000);
    expect(hear(stray, times(8, failure('real')))).toMatchObject({ kind: 'open', since: NOW, failures: 8, message: 'real' });
  });

  test('a trouble that builds up slowly began with its first failure', () => {
    expect(hear(closedBreaker(), times(10, failure()), NOW, 800)).toMatchObject({ kind: 'open', since: NOW, failures: 10 });
  });

  test('it holds five buckets at most, however long it lives', () => {
    expect(successesOf(hear(closedBreaker(), times(1_200, success), NOW, 100))).toEqual([20, 20, 20, 20, 20]);
  });
});

describe('open', () => {
  test('one probe goes when it is due, and while it is out nobody else', () => {
    expect(allows(open(), NOW + 999)).toEqual({ kind: 'no', untilMs: NOW + 1_000 });
    expect(allows(open(), NOW + 1_000)).toEqual({ kind: 'probe' });
    const out = probing(open(), NOW + 1_000);
    expect(out).toMatchObject({ kind: 'halfOpen', probedAt: NOW + 1_000, since: NOW, failures: 10 });
    expect(allows(out, NOW + 600_000)).toEqual({ kind: 'no', untilMs: Infinity });
  });

  test('only an open one can be probed', () => {
    const out = probing(open(), NOW + 1_000);
    expect(probing(out, NOW + 2_000)).toBe(out);
    expect(probing(closedBreaker(), NOW)).toBe(closedBreaker());
  });

  test('probes that fail double the open time up to 30 s, jittered by a fifth', () => {
    const waits = [0, 0.5, 0.999_999].map((random) => {
      let breaker = opened(closedBreaker(), { since: NOW, failures: 10, code: 'X', message: 'x' }, NOW, random, MODEL_BREAKER);
      const found: number[] = [];
      for (let now = NOW; found.length < 7;) {
        const next = allows(breaker, now);
        if (next.kind !== 'no') throw new Error('it must wait');
        found.push(next.untilMs - now);
        now = next.untilMs;
        breaker = probed(breaker, failure(), now, 0, random);
      }
      return found;
    });
    expect(waits).toEqual([
      [800, 1_600, 3_200, 6_400, 12_800, 24_000, 24_000],
      [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000],
      [1_200, 2_400, 4_800, 9_600, 19_200, 36_000, 36_000],
    ]);
  });

  test('a probe that succeeds closes it with an empty window', () => {
    const closed = probed(open(), success, NOW + 1_000);
    expect(closed).toEqual({ kind: 'closed', era: 1, window: undefined, row: undefined });
    expect(hear(closed, times(9, failure()), NOW + 1_001).kind).toBe('closed');
  });

  test('a probe that was cancelled goes back in line: the next is due at once, and nothing counts as failed', () => {
    const again = probed(open(), ignored, NOW + 1_000, 5);
    expect(again).toMatchObject({ kind: 'open', failures: 10, probesFailed: 0 });
    expect(allows(again, NOW + 1_005)).toEqual({ kind: 'probe' });
    expect(allows(again, NOW - 5)).toEqual({ kind: 'probe' });
  });

  test('failures of requests sent before count in the trouble and do not keep it open longer', () => {
    const late = hear(open(), times(190, failure('late')), NOW + 500);
    expect(late).toMatchObject({ failures: 200, message: 'connection refused' });
    expect(allows(late, NOW + 1_000)).toEqual({ kind: 'probe' });
    const out = hear(probing(late, NOW + 1_000), times(3, failure()), NOW + 1_001);
    expect(out).toMatchObject({ kind: 'halfOpen', failures: 203 });
  });

  test('a success of a request sent before changes nothing, nor does one that is ignored', () => {
    expect(hear(open(), [success, ignored], NOW + 500)).toEqual(open());
    const out = probing(open(), NOW + 1_000);
    expect(hear(out, [success, ignored], NOW + 1_500)).toBe(out);
  });

  test('what was sent before it closed again is not heard any more', () => {
    const before = open();
    const closed = probed(before, success, NOW + 1_000);
    const late = times(190, failure('timed out')).reduce(
      (state, outcome) => heard(state, outcome, false, NOW + 2_000, 0.5, MODEL_BREAKER, before.era),
      closed,
    );
    expect(late).toBe(closed);
  });
});

describe('a clock that jumps', () => {
  test('back by an hour makes the probe due, back by a little makes it wait a little longer', () => {
    expect(allows(open(), NOW - 3_600_000)).toEqual({ kind: 'probe' });
    expect(allows(open(), NOW - 400)).toEqual({ kind: 'no', untilMs: NOW + 1_000 });
  });

  test('far forwards makes the probe due', () => {
    expect(allows(open(), NOW + 1e12)).toEqual({ kind: 'probe' });
  });

  test('back by an hour begins a window anew: what the clock said before does not count', () => {
    const nine = hear(closedBreaker(), times(9, failure()));
    const back = hear(nine, times(9, failure()), NOW - 3_600_000);
    expect(back.kind).toBe('closed');
    expect(hear(back, [failure()], NOW - 3_600_000).kind).toBe('open');
  });

  test('back by a second goes on counting where it was, also when it goes to and fro', () => {
    expect(hear(hear(closedBreaker(), times(9, failure())), [failure()], NOW - 1_000).kind).toBe('open');
    let breaker = closedBreaker();
    for (let nth = 0; nth < 100; nth += 1) breaker = hear(breaker, [success], NOW - (nth % 2) * 1_000);
    expect(successesOf(breaker)).toEqual([100]);
  });
});
