import { describe, expect, it } from 'vitest';
import { addToProgress, noProgress, type Progress } from '../../src/cli/progress.ts';
import { clockText } from '../../src/cli/quantities.ts';
import { NOBODY_WAITS, type Seens, seeWaits, type Wait, waitsOf, waitTexts } from '../../src/cli/waiting.ts';
import type { Happening } from '../../src/journal/event.ts';
import type { GateView } from '../../src/model/gateView.ts';
import { callStarted, callSucceeded, journalOf, modelFailed, requested, runStarted } from '../journal/story.ts';

const NAME = 'anthropic/claude-sonnet-4-5';

function view(more: Partial<GateView> = {}): GateView {
  return { name: NAME, inFlight: 4, queued: 12, limits: { source: 'learned', pushBacks: 1 }, ...more };
}

function after(...happenings: readonly Happening[]): Progress {
  const progress = noProgress();
  for (const { event } of journalOf(...happenings)) addToProgress(progress, event);
  return progress;
}

const texts = (views: readonly GateView[], progress = noProgress(), now = 0): string[] =>
  waitsOf(views, progress, now).map(({ text }) => text);

describe('a wait in words', () => {
  it('says how many are in line, what closes the gate, and when the next may go', () => {
    const limits = { source: 'announced', requestsPerMinute: 60, tokensPerMinute: 40_000, concurrency: 8, pushBacks: 1 } as const;
    expect(texts([view({ closed: 'requests', nextMs: 2_400, limits })])).toEqual([
      `waiting for ${NAME}: 12 in line, next in 3 s (60 requests a minute)`,
    ]);
    expect(texts([view({ closed: 'tokens', nextMs: 125_000, limits })])).toEqual([
      `waiting for ${NAME}: 12 in line, next in 2m 05s (40k tokens a minute)`,
    ]);
    expect(texts([view({ closed: 'inFlight', limits })])).toEqual([`waiting for ${NAME}: 12 in line (8 at once)`]);
    expect(texts([view({ closed: 'paused', nextMs: 900 })])).toEqual([`waiting for ${NAME}: 12 in line (it pushed back)`]);
    expect(texts([view({ closed: 'requests', nextMs: 1_000, limits: { source: 'learned', pushBacks: 1 } })])).toEqual([
      `waiting for ${NAME}: 12 in line, next in 1 s (requests per minute)`,
    ]);
    expect(texts([view({ closed: 'requests', nextMs: 100, limits: { ...limits, requestsPerMinute: 1_200 } })])).toEqual([
      `waiting for ${NAME}: 12 in line (1200 requests a minute)`,
    ]);
    expect(texts([view({ limits })])).toEqual([`waiting for ${NAME}: 12 in line`]);
  });

  it('says who waits for another to fill the cache of a provider', () => {
    const wait = (following: number): readonly Wait[] => waitsOf([view({ queued: 0, following })], noProgress(), 0);
    expect(wait(49)).toMatchObject([
      {
        text: `49 calls wait for ${NAME} to begin one answer: its cache then holds what they share`,
        shorter: [`49 calls wait for the cache of ${NAME}`, '49 wait for a cache'],
        over: `nobody waits for the cache of ${NAME} any more`,
      },
    ]);
    expect(wait(1)[0]?.text).toContain('1 call waits for');
  });

  it('does not take a gate that still finds out what a provider takes for one that was refused anything', () => {
    const opening = view({ closed: 'inFlight', nextMs: 400, limits: { source: 'opening', concurrency: 40, pushBacks: 0 } });
    const said = `waiting for ${NAME}: 12 in line, starting with 40 at once until its limits are known; rateLimits: { '${NAME}': { concurrency } } skips this`;
    expect(texts([opening])).toEqual([said]);
    expect(texts([{ ...opening, closed: 'requests' }])).toEqual([said]);
    const { closed: _closed, ...moving } = opening;
    expect(texts([moving])[0]).toContain('starting with 40 at once');
    const over = (one: GateView): string[] => waitsOf([one], noProgress(), 0).map((wait) => wait.over);
    expect(over(opening)).toEqual([`nobody is in line for ${NAME} any more`]);
    expect(over(view({ closed: 'paused', nextMs: 400 }))).toEqual([`${NAME} takes requests again`]);
  });

  it('says from where it is known how many go at once', () => {
    const said = (limits: GateView['limits']): string | undefined => texts([view({ closed: 'inFlight', limits })])[0]?.replace(/.*\(/, '(');
    expect(said({ source: 'config', concurrency: 8, pushBacks: 0 })).toBe('(8 at once, as configured)');
    expect(said({ source: 'learned', concurrency: 8, pushBacks: 3 })).toBe('(8 at once, as learned)');
    // It may have been cut since.
    expect(said({ source: 'config', concurrency: 7, pushBacks: 1 })).toBe('(7 at once)');
  });

  it('says since when a provider is down, and when it is asked again, also where nobody is in line', () => {
    const incident = { id: 'i', gate: NAME, since: Date.UTC(2026, 2, 1, 12), failures: 9, code: 'MODEL_UNAVAILABLE', message: 'no' };
    const since = clockText(incident.since);
    expect(texts([view({ closed: 'breaker', nextMs: 4_000, incident })])).toEqual([
      `waiting for ${NAME}: 12 in line, down since ${since}, next probe in 4 s`,
    ]);
    expect(texts([view({ closed: 'breaker', incident })])).toEqual([
      `waiting for ${NAME}: 12 in line, down since ${since}, a probe is out`,
    ]);
    expect(texts([view({ queued: 0, incident })])).toEqual([`${NAME} is down since ${since}`]);
  });

  it('is silent about a gate where nobody is in line', () => {
    expect(texts([view({ queued: 0 })])).toEqual([]);
  });

  it('tells accounts of one model apart, and hides them where there is only one', () => {
    expect(texts([view({ account: 'abcdefghij' }), view({ account: 'klmnopqrst', queued: 1 })])).toEqual([
      `waiting for ${NAME} (account abcdefgh): 12 in line`,
      `waiting for ${NAME} (account klmnopqr): 1 in line`,
    ]);
    expect(texts([view({ account: 'abcdefghij' })])).toEqual([`waiting for ${NAME}: 12 in line`]);
  });

  it('tells of calls that wait long to ask again, once per model and reason, and no more once they ask or are over', () => {
    const failing = (path: string, retryMs: number): Happening[] => [
      callStarted(path),
      requested(path),
      modelFailed(path, { retryMs, error: { code: 'MODEL_OVERLOADED', message: 'busy' } }),
    ];
    const both = [runStarted, ...failing('a', 9_000), ...failing('b', 5_000), ...failing('c', 2_000)];
    // The failure of b is told at 1,060 ms.
    expect(texts([], after(...both), 3_000)).toEqual(['waiting to ask acme/small again: 2 calls, next in 4 s (after MODEL_OVERLOADED)']);
    expect(texts([], after(...both, requested('a'), callSucceeded('b')), 3_000)).toEqual([]);
  });
});

describe('a log of waits', () => {
  const wait = (more: Partial<Wait> = {}): Wait => ({
    key: 'k',
    text: 'waiting',
    shorter: [],
    over: 'it goes on',
    nextMs: undefined,
    ...more,
  });

  /** What is said at each look: [at, waits]. */
  function said(...looks: readonly (readonly [number, readonly Wait[]])[]): string[] {
    let seen: Seens = NOBODY_WAITS;
    return looks.flatMap(([at, waits]) => {
      const next = seeWaits(seen, waits, at);
      seen = next.seen;
      return next.lines.map((line) => `${at} ${line}`);
    });
  }

  it('has a line when a wait has lasted a second, and one when it is over', () => {
    const looks = [0, 500, 1_000, 1_500, 2_000].map((at) => [at, [wait()]] as const);
    expect(said(...looks, [2_500, []], [3_000, []], [3_500, []], [9_000, []])).toEqual(['1000 waiting', '3000 it goes on after 2.0 s']);
  });

  it('has a line at once for a wait that will last, and none for one that was short', () => {
    expect(said([0, [wait({ nextMs: 1_000 })]], [500, [wait({ nextMs: 500 })]])).toEqual(['0 waiting']);
    expect(said([0, [wait({ nextMs: 999 })]], [900, [wait()]], [1_000, []], [1_900, []], [5_000, []])).toEqual([]);
  });

  it('takes a line that was empty for a moment for the same', () => {
    expect(said([0, [wait()]], [1_000, [wait()]], [1_500, []], [2_000, [wait()]], [2_500, []], [3_100, []])).toEqual([
      '1000 waiting',
      '3100 it goes on after 2.0 s',
    ]);
  });

  it('keeps what is told, as it was last, until it is over', () => {
    const first = seeWaits(NOBODY_WAITS, [wait({ nextMs: 4_000 }), wait({ key: 'short' })], 0);
    const second = seeWaits(first.seen, [wait({ text: 'still waiting' })], 500);
    const third = seeWaits(second.seen, [], 1_000);
    expect([first, second, third].map(({ seen }) => waitTexts(seen, 80))).toEqual([['waiting'], ['still waiting'], ['still waiting']]);
    expect(waitTexts(seeWaits(third.seen, [], 1_500).seen, 80)).toEqual([]);
  });

  it('says less where there is less room, and never cuts the end', () => {
    const limits = { source: 'announced', requestsPerMinute: 60, pushBacks: 1 } as const;
    const { seen } = seeWaits(NOBODY_WAITS, waitsOf([view({ closed: 'requests', nextMs: 2_400, limits })], noProgress(), 0), 0);
    expect([100, 78, 63, 53, 45, 20].flatMap((width) => waitTexts(seen, width))).toEqual([
      `waiting for ${NAME}: 12 in line, next in 3 s (60 requests a minute)`,
      `${NAME}: 12 in line, next in 3 s (60 requests/min)`,
      'claude-sonnet-4-5: 12 in line, next in 3 s (60 requests/min)',
      'claude-sonnet-4-5: 12 in line, next in 3 s',
      'claude-sonnet-4-5: 12 in line, next in 3 s',
      'claude-so…ext in 3 s',
    ]);
  });
});
