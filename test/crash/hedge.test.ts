// Crashes of a map that hedges: at every position of the journal around a hedged turn. Both sendings are told one by one,
// so a crash may leave either of them without an end.

import type { LanguageModelV4 } from '@ai-sdk/provider';
import { expect, it } from 'vitest';
import { agent, type Entry, map } from '../../src/index.ts';
import { tardy } from '../run/tardyModel.ts';
import { billAddsUp, logIsDense, oneLiveOutcome, prefixSurvives, recordedOnce } from '../suites/invariants.ts';
import type { VirtualClock } from '../support/virtualClock.ts';
import { type Mortal, World } from './mortal.ts';

const LATE = [22, 26];

/** 100 ms, but for two that take 5 s; after a crash all answer in time. */
function once(): (clock: VirtualClock) => LanguageModelV4 {
  let entries = 0;
  return (clock) => {
    const isFirst = (entries += 1) === 1;
    return tardy(clock, (nth) => ({ ms: isFirst && LATE.includes(nth) ? 5_000 : 100 })).model;
  };
}

function mortal(budget: { readonly calls: number; readonly tokens?: number }): Mortal {
  const say = agent({ name: 'say', instructions: 'x', settings: { maxOutputTokens: 40 } });
  return {
    agent: map(say, { hedge: { p: 0.8, extra: 1 }, concurrency: 2, budget }),
    input: Array.from({ length: 28 }, (_, index) => `item ${index}`),
    model: once(),
    options: { limits: { outputTokensUseful: 20 } },
  };
}

const isHedged = ({ event }: Entry): boolean => 'hedge' in event || 'lost' in event;

it('a run that is crashed anywhere around a hedged turn goes on, and answers no turn twice', async () => {
  const calm = new World('calm');
  expect((await calm.enter(mortal({ calls: 40 }))).kind).toBe('succeeded');
  const whole = await calm.entries();
  const [first, last] = [whole.findIndex(isHedged), whole.findLastIndex(isHedged)];
  expect(whole.filter(isHedged)).toHaveLength(6);
  for (let events = first - 2; events <= last + 3; events += 1)
    for (const lingerMs of [0, 1 + (events % 150)]) {
      const world = new World('calm');
      const program = mortal({ calls: 40 });
      expect((await world.enter(program, { events, lingerMs })).kind).toBe('died');
      const before = await world.entries();
      const ending = await world.enter(program);
      expect(ending).toMatchObject({ kind: 'succeeded' });
      const entries = await world.entries();
      prefixSurvives(before, entries);
      logIsDense(entries);
      oneLiveOutcome(entries);
      recordedOnce(entries);
      if (ending.kind === 'succeeded') await billAddsUp(entries, ending.bill);
      // What was answered before, by whichever sending, was not sent again.
      const asked = entries.slice(before.length).flatMap(({ event }) => (event.kind === 'model.requested' ? [event.place] : []));
      for (const { event } of before) if (event.kind === 'model.responded') expect(asked).not.toContain(event.place);
    }
});

it('a hedge that a crash left without an end stays spent, and one that ended does not', async () => {
  const calm = new World('calm');
  await calm.enter(mortal({ calls: 40 }));
  const whole = await calm.entries();
  const hedge = whole.findIndex(isHedged);
  // Both sendings on their way; then the hedge answered, and the first told as lost.
  for (const [events, left] of [
    [hedge + 1, 2],
    [whole.findIndex(({ event }) => event.kind === 'model.failed') + 1, 0],
  ] as const) {
    const before = whole.slice(0, events);
    const requested = before.filter(({ event }) => event.kind === 'model.requested').length;
    const ended = before.filter(({ event }) => event.kind === 'model.responded' || event.kind === 'model.failed').length;
    const answers = before.filter(({ event }) => event.kind === 'model.responded').length;
    expect(requested - ended).toBeGreaterThanOrEqual(left);
    const needed = requested + 28 - answers;
    for (const [calls, kind] of [
      [needed, 'succeeded'],
      [needed - 1, 'failed'],
    ] as const) {
      const world = new World('calm');
      const program = mortal({ calls: 40 });
      await world.enter(program, { events });
      const ending = await world.enter({ ...program, agent: mortal({ calls }).agent });
      expect(ending.kind).toBe(kind);
      if (ending.kind === 'failed') expect(ending.message).toContain('caps calls at');
    }
  }
});

it('what a hedged turn really cost is what a resume has left to spend', async () => {
  const calm = new World('calm');
  await calm.enter(mortal({ calls: 40 }));
  const whole = await calm.entries();
  const events = whole.findIndex(({ event }) => event.kind === 'model.failed') + 1;
  const before = whole.slice(0, events);
  const open = new Map<string, number>();
  let spent = 0;
  for (const { event } of before) {
    if (event.kind === 'model.requested')
      open.set(`${event.place}${event.hedge === true}`, event.reservedTokensIn + event.reservedTokensOut);
    if (event.kind !== 'model.responded' && event.kind !== 'model.failed') continue;
    open.delete(`${event.place}${event.hedge === true}`);
    spent += event.usage.tokensIn + event.usage.tokensOut;
  }
  for (const tokens of open.values()) spent += tokens;
  // One request may be sent again where there is room for its input and 20 tokens, and not where one is missing.
  const request = whole.flatMap(({ event }) => (event.kind === 'model.requested' ? [event.reservedTokensIn] : []))[0] ?? 0;
  for (const [room, sends] of [
    [request + 20, true],
    [request + 19, false],
  ] as const) {
    const world = new World('calm');
    const program = mortal({ calls: 40 });
    await world.enter(program, { events });
    await world.enter({ ...program, agent: mortal({ calls: 40, tokens: spent + room }).agent });
    const entries = await world.entries();
    expect(entries.slice(events).some(({ event }) => event.kind === 'model.requested')).toBe(sends);
  }
});
