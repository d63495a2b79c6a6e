import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { Progress } from '../../src/cli/progress.ts';
import { addToProgress, incidentsOf, noProgress, timeLeftMs } from '../../src/cli/progress.ts';
import { barLine, logLine, runningLine } from '../../src/cli/progressText.ts';
import type { Happening } from '../../src/journal/event.ts';
import type { GateView } from '../../src/model/gateView.ts';
import {
  callFailed,
  callStarted,
  callSucceeded,
  journalOf,
  modelFailed,
  placeOf,
  requested,
  responded,
  runResumed,
  runStarted,
} from '../journal/story.ts';

const plain = createColors(false);

function after(...happenings: readonly (Happening | { readonly pauseMs: number })[]): Progress {
  const progress = noProgress();
  for (const { event } of journalOf(...happenings)) addToProgress(progress, event);
  return progress;
}

const fan = callStarted('sweep', { of: 'map', width: 4 });
const item = (index: number): string => `sweep[${index}]/review`;

describe('progress', () => {
  it('counts the items of the widest fan-out, whatever is asked below them', () => {
    const progress = after(
      runStarted,
      fan,
      callStarted(item(0)),
      callStarted(`${item(0)}:1.1/lookup`),
      callSucceeded(`${item(0)}:1.1/lookup`),
      callStarted(item(1)),
      callFailed(item(1)),
      callStarted(item(2)),
      callSucceeded(item(2)),
      callStarted('sweep/summarize'),
      callSucceeded('sweep/summarize'),
    );
    expect(progress.fan).toMatchObject({ path: 'sweep', width: 4, done: 1, failed: 1 });
    expect([...progress.running.values()].map(({ path }) => path)).toEqual(['sweep', item(0)]);
  });

  it('turns to a wider fan-out when one opens', () => {
    const progress = after(
      runStarted,
      callStarted('all', { of: 'all', width: 2 }),
      callStarted('all[all.0]/sweep', { of: 'map', width: 9 }),
      callStarted('all[all.0]/sweep[4]/review'),
      callSucceeded('all[all.0]/sweep[4]/review'),
    );
    expect(progress.fan).toMatchObject({ path: 'all[all.0]/sweep', width: 9, done: 1 });
  });

  it('starts a resumed run with what was done, and runs nothing until it is touched', () => {
    const before = [runStarted, fan, callStarted(item(0)), callSucceeded(item(0)), callStarted(item(1)), requested(item(1))];
    const resumed = after(...before, runResumed(1, 50));
    expect(resumed.fan).toMatchObject({ done: 1, failed: 0 });
    expect(resumed.running.size).toBe(0);
    const going = after(...before, runResumed(1, 50), requested(item(1)));
    expect([...going.running.values()]).toMatchObject([{ path: item(1), doing: 'asking' }]);
  });

  it('takes an item back when its outcome is forgotten', () => {
    const forgotten = after(runStarted, fan, callStarted(item(0)), callFailed(item(0)), runResumed(1, 50), {
      kind: 'call.retracted',
      place: placeOf(item(0)),
      why: 'resumed',
    });
    expect(forgotten.fan).toMatchObject({ done: 0, failed: 0 });
  });

  it('tells the time left from the rate of this entry alone', () => {
    const before = [runStarted, fan, callStarted(item(0)), callSucceeded(item(0)), { pauseMs: 1_000_000 }, runResumed(1, 50)];
    const idle = after(...before);
    expect(timeLeftMs(idle, idle.lastAt + 500)).toBeUndefined();
    const going = after(...before, callStarted(item(1)), { pauseMs: 80 }, callSucceeded(item(1)));
    // One item in 100 ms; two are left.
    expect(timeLeftMs(going, going.lastAt)).toBe(200);
  });

  it('counts leaf calls once each, and what only passes a failure on as no failure of its own', () => {
    const failed = [
      runStarted,
      callStarted('desk', { of: 'flow' }),
      callStarted('desk/triage'),
      callSucceeded('desk/triage'),
      callStarted('desk/find', { of: 'step' }),
      callFailed('desk/find'),
      callFailed('desk', ['desk/find']),
    ];
    expect(after(...failed)).toMatchObject({ succeeded: 1, failed: 1 });
    const again = ['desk', 'desk/find'].map((path): Happening => ({ kind: 'call.retracted', place: placeOf(path), why: 'resumed' }));
    const resumed = after(...failed, ...again, runResumed(1, 50), callSucceeded('desk/find'), callSucceeded('desk'));
    expect(resumed).toMatchObject({ succeeded: 2, failed: 0 });
    const retried: Happening = { kind: 'call.retracted', place: placeOf('desk/triage'), why: 'retried' };
    expect(after(...failed, retried, runResumed(1, 50), callSucceeded('desk/triage'))).toMatchObject({ succeeded: 1, failed: 1 });
  });

  it('counts a flow that fails by itself', () => {
    expect(after(runStarted, callStarted('desk', { of: 'flow' }), callFailed('desk'))).toMatchObject({ succeeded: 0, failed: 1 });
  });

  it('turns to a fan-out as wide as one that is over', () => {
    const over = [0, 1, 2, 3].flatMap((index) => [callStarted(item(index)), callSucceeded(item(index))]);
    const next = after(runStarted, fan, ...over, callStarted('next', { of: 'map', width: 4 }), callStarted('next[0]/review'));
    expect(next.fan).toMatchObject({ path: 'next', done: 0 });
  });

  it('has nothing running and no time left when the run has ended', () => {
    const ended = after(runStarted, fan, callStarted(item(0)), callSucceeded(item(0)), { kind: 'run.cancelled', reason: 'Ctrl-C' });
    expect(ended.running.size).toBe(0);
    expect(timeLeftMs(ended, ended.lastAt + 100)).toBeUndefined();
  });

  it('does not take the loser of two sendings for what its call does', () => {
    const hedged = [
      runStarted,
      callStarted('a'),
      requested('a'),
      requested('a', { hedge: true }),
      modelFailed('a', { hedge: true, lost: true }),
    ];
    expect([...after(...hedged).running.values()]).toMatchObject([{ path: 'a', doing: 'asking', model: 'acme/small' }]);
    expect([...after(...hedged, responded('a')).running.values()]).toMatchObject([{ path: 'a', doing: '' }]);
  });

  it('knows the incidents of this entry, each as it was told last, and earlier ones where they still matter', () => {
    const incident = { id: 'i1', gate: 'acme/small', since: 1_000, failures: 3, code: 'MODEL_UNAVAILABLE', message: 'no answer' };
    const tripped = (failures: number): Happening => ({
      kind: 'guard.tripped',
      place: placeOf('a'),
      guard: 'breaker',
      call: 'a',
      evidence: { ...incident, failures },
    });
    const before = [runStarted, callStarted('a'), tripped(3), tripped(5)];
    expect(incidentsOf(after(...before), [])).toMatchObject([{ id: 'i1', failures: 5 }]);
    const resumed = after(...before, runResumed(1, 50));
    expect(incidentsOf(resumed, [])).toEqual([]);
    expect(incidentsOf(resumed, [{ id: 'i1' }])).toMatchObject([{ id: 'i1' }]);
  });

  it('keeps the failure that began it, not those that pass it on', () => {
    const progress = after(runStarted, fan, callStarted(item(0)), callFailed(item(0)), callFailed('sweep', [item(0)]));
    expect(progress.lastFailure).toMatchObject({ path: item(0), code: 'CONTRACT_VIOLATION' });
  });
});

describe('progress in words', () => {
  const going = after(
    runStarted,
    fan,
    callStarted(item(0)),
    requested(item(0), { reservedUsd: 40 }),
    responded(item(0), { usd: 1_200 }),
    callSucceeded(item(0)),
    callStarted(item(1)),
    requested(item(1), { reservedUsd: 40 }),
    callStarted(item(2)),
    callFailed(item(2)),
  );

  it('is a bar with counts, spending and time left', () => {
    expect(barLine(going, going.lastAt, 100, plain)).toBe(
      'sweep ███████████████░░░░░░░░░░░░░░░ 2/4  1 running  1 failed  210 tokens  $0.0012  90 ms left',
    );
  });

  it('is one line without control characters for a log', () => {
    expect(logLine(going, going.lastAt)).toBe('2/4 done, 1 running, 1 failed, 210 tokens, $0.0012, 90 ms left');
  });

  it('tells who asks from who is in line, and knows no end while a provider is down', () => {
    const limits = { source: 'opening', pushBacks: 0 } as const;
    const incident = { id: 'i', gate: 'acme/small', since: 1, failures: 9, code: 'MODEL_UNAVAILABLE', message: 'no' };
    const items = after(
      runStarted,
      callStarted('sweep', { of: 'map', width: 200 }),
      ...[0, 1].flatMap((index) => [callStarted(item(index)), requested(item(index))]),
      callSucceeded(item(0)),
      ...[2, 3, 4, 5].map((index) => callStarted(item(index))),
    );
    const queue = (queued: number): GateView => ({ name: 'acme/small', inFlight: 1, queued, limits });
    expect(logLine(items, items.lastAt, [queue(4)])).toBe('1/200 done, 1 asking, 4 in line, 200 tokens, price unknown, 20 s left');
    expect(logLine(items, items.lastAt, [queue(1), queue(2)])).toMatch(/^1\/200 done, 1 asking, 3 in line, 1 more running, /);
    expect(logLine(items, items.lastAt, [{ ...queue(4), incident }])).toMatch(/ price unknown$/);
    expect(barLine(items, items.lastAt, 200, plain, [{ ...queue(4), incident }])).toMatch(/ {2}100 ms$/);
  });

  it('keeps the time left in a narrow terminal, and leaves out what matters less', () => {
    expect(barLine(going, going.lastAt, 60, plain)).toBe('sweep ████░░░░ 2/4  1 running  1 failed  $0.0012  90 ms left');
    expect(barLine(going, going.lastAt, 51, plain)).toMatch(/^sweep [█░]+ 2\/4 {2}1 running {2}1 failed {2}90 ms left$/);
    expect(barLine(going, going.lastAt, 50, plain)).toMatch(/^sweep [█░]+ 2\/4 {2}1 failed {2}90 ms left$/);
  });

  it('names what runs, as far as there is room', () => {
    expect(runningLine(going, 80, plain)).toBe('  sweep[1]/review asking');
    const wide = after(runStarted, fan, ...[0, 1, 2, 3].map((index) => callStarted(item(index))));
    expect(runningLine(wide, 50, plain)).toBe('  sweep[0]/review · sweep[1]/review · 2 more');
  });

  it('names those that ask before those that wait', () => {
    const limited = { code: 'MODEL_RATE_LIMITED', message: 'slow down' } as const;
    const calls = [0, 1, 2].map((index) => callStarted(item(index)));
    const turned = [requested(item(0)), modelFailed(item(0), { error: limited, retryMs: 0 }), requested(item(2))];
    expect(runningLine(after(runStarted, fan, ...calls, ...turned), 80, plain)).toBe(
      '  sweep[2]/review asking · sweep[0]/review in line · sweep[1]/review',
    );
  });

  it('fits every width, with names of any length', () => {
    const long = `sweep${'-and-more'.repeat(20)}`;
    const progress = after(
      runStarted,
      callStarted(long, { of: 'map', width: 4 }),
      callStarted(`${long}[0]/review`),
      requested(`${long}[0]/review`, { model: 'stand-in/x' }),
    );
    for (const width of [20, 40, 60, 80, 200]) {
      expect(barLine(progress, progress.lastAt, width, plain).length).toBeLessThanOrEqual(Math.max(width, 24));
      expect(runningLine(progress, width, plain).length).toBeLessThanOrEqual(width);
    }
  });

  it('labels a model that is none', () => {
    const progress = after(runStarted, callStarted('hello'), requested('hello', { model: 'stand-in/echo' }));
    expect(barLine(progress, progress.lastAt, 100, plain)).toContain('stand-in');
  });
});
