import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { renderBill } from '../../src/cli/billText.ts';
import { widthOf } from '../../src/cli/quantities.ts';
import type { Happening } from '../../src/journal/event.ts';
import { billOf } from '../../src/journal/bill.ts';
import {
  attemptRejected,
  attemptStarted,
  callStarted,
  journalOf,
  modelFailed,
  requested,
  responded,
  runStarted,
  usageOf,
  waited,
} from '../journal/story.ts';

async function shown(happenings: readonly Happening[], width = 200, turnedAway = 0): Promise<string[]> {
  return renderBill(await billOf(journalOf(...happenings)), turnedAway, width, createColors(false));
}

const one = (path: string, model: string, usd: number): Happening[] => [
  callStarted(path),
  requested(path, { model, reservedUsd: usd }),
  responded(path, { usd, usage: usageOf(1_000, 50, 400, 10) }),
];

describe('a bill in a terminal', () => {
  it('is one line where one agent asked one model', async () => {
    expect(await shown([runStarted, ...one('review', 'acme/small', 1_500)])).toEqual([
      'bill  1 request  1k in  50 out  $0.0015  30 ms',
      '  all to acme/small, 5 ms of model time, 400 of the input cached, 10 of the output reasoning',
    ]);
  });

  it('has a row per agent and per model where there are several', async () => {
    const lines = await shown([runStarted, ...one('review', 'acme/small', 1_500), ...one('sum', 'acme/large', 30_000)]);
    expect(lines).toEqual([
      'bill          2 requests  2k in  100 out   $0.032  60 ms',
      '  review       1 request  1k in   50 out  $0.0015',
      '  sum          1 request  1k in   50 out   $0.030',
      '  acme/large   1 request  1k in   50 out   $0.030',
      '  acme/small   1 request  1k in   50 out  $0.0015',
      '  10 ms of model time, 800 of the input cached, 20 of the output reasoning',
    ]);
  });

  it('says what was tax, what failed, what was cancelled, what got no answer, what has no price and what was no model', async () => {
    const lines = await shown([
      runStarted,
      callStarted('a'),
      attemptStarted('a', 0),
      requested('a', { attempt: 0 }),
      responded('a', { attempt: 0 }),
      attemptRejected('a', 0),
      requested('b', { model: 'acme/large' }),
      modelFailed('b'),
      requested('c', { model: 'stand-in/echo' }),
      requested('d'),
      { ...modelFailed('d'), error: { code: 'CANCELLED', message: 'Ctrl-C' } } as Happening, // a failed request with another error
    ]);
    const text = lines.join('\n');
    expect(text).toContain('price unknown');
    expect(text).toContain('1 request failed, 1 request cancelled');
    expect(text).toContain('tax: 1 request, 110 tokens of it bought no output (1 attempt thrown away)');
    expect(text).toContain('1 request got no answer: 100 tokens assumed spent');
    expect(text).toContain('no price known for acme/large, acme/small, stand-in/echo: what it cost is not in the sum');
    expect(text).toContain('stand-in model: no LLM was asked');
  });

  it('says what hedges cost, and what calls waited for, and nothing of what was not', async () => {
    const lines = await shown([
      runStarted,
      requested('a'),
      requested('a', { hedge: true }),
      responded('a'),
      modelFailed('a', { hedge: true, lost: true, usage: usageOf(100, 0) }),
      waited('a', 'gate', 12_000, 'acme/small'),
      waited('b', 'gate', 3_000, 'acme/small'),
      waited('a', 'retry', 99),
      waited('a', 'budget', 400),
    ]);
    expect(lines.slice(1)).toEqual([
      '  all to acme/small, 10 ms of model time, 1 request cancelled',
      '  waited 15 s at gates, 400 ms for room in budgets, summed over calls',
      '  tax: 1 request, 100 tokens of it bought no output (1 hedge)',
      '  no price known for acme/small: what it cost is not in the sum',
    ]);
    const all = await shown([runStarted, requested('a'), responded('a'), waited('a', 'retry', 2_000)]);
    expect(all[2]).toBe('  waited 2.0 s to send again, summed over calls');
    expect((await shown([runStarted, ...one('a', 'acme/small', 1)])).join('\n')).not.toMatch(/waited|hedge/);
  });

  it('tells requests that a rate limit turned away from those that failed', async () => {
    const story = [runStarted, ...[1, 2, 3].flatMap((turn) => [requested('a', { turn }), modelFailed('a', { turn })])];
    expect((await shown(story, 200, 2))[1]).toContain('1 request failed, 2 requests turned away by rate limits');
    expect((await shown(story, 200, 3))[1]).not.toMatch(/ failed/);
    expect((await shown(story, 200, 1))[1]).toContain('1 request turned away');
  });

  it('says what caching saved, or cost', async () => {
    const written = { usage: { ...usageOf(9_000, 20), tokensCacheWritten: 8_000 }, usd: 210 };
    const first = [runStarted, requested('a'), responded('a', { ...written, saved: -6_000 })];
    expect((await shown(first))[1]).toContain('8k written into the cache, which cost $0.0060 more than it saved');
    const more = [...first, requested('a'), responded('a', { usage: usageOf(9_000, 20, 8_000), usd: 21, saved: 21_600 })];
    expect((await shown(more))[1]).toContain('8k of the input cached, which saved $0.016, 8k written into the cache');
    expect((await shown([...more, requested('a'), responded('a', { usage: usageOf(90, 1, 80) })])).join('\n')).not.toContain('saved');
  });

  it('says so when no model was asked', async () => {
    expect(await shown([runStarted])).toEqual(['bill  no model was asked']);
  });

  it('fits a narrow terminal', async () => {
    const story = [
      runStarted,
      ...one('an-agent-with-a-very-long-name-indeed', 'acme/small', 1_500),
      ...one('sum', 'acme/a-model-whose-name-goes-on-and-on', 30_000),
    ];
    for (const width of [50, 80]) for (const line of await shown(story, width)) expect(widthOf(line)).toBeLessThanOrEqual(width);
  });
});
