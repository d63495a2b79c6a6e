import fc from 'fast-check';
import { expect, test } from 'vitest';
import { agent, billOf, type Budget, map } from '../../src/index.ts';
import type { EventOf, RunId } from '../../src/journal/event.ts';
import { costUsdMicros } from '../../src/model/prices.ts';
import { Trial } from '../support/trial.ts';
import { dice, type Fate, tardy } from './tardyModel.ts';

const price = { in: 3, out: 15 };

/** Now and then. */
const seldom = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: one });

/** A map that hedges much, over a model that is slow and fails as its seed says, with caps, cancels and time-outs in between. */
const world = fc.record({
  seed: fc.nat(1_000_000),
  items: fc.integer({ min: 30, max: 90 }),
  concurrency: fc.integer({ min: 1, max: 12 }),
  p: fc.constantFrom(0.5, 0.8, 0.95),
  extra: fc.constantFrom(0.05, 0.3, 1),
  failing: fc.constantFrom(0, 0.05, 0.3),
  retries: fc.constantFrom(0, 2),
  calls: seldom(fc.integer({ min: 20, max: 90 })),
  tokens: seldom(fc.integer({ min: 300, max: 4_000 })),
  callBudget: seldom(fc.record({ calls: fc.integer({ min: 1, max: 3 }) })),
  cancelMs: seldom(fc.integer({ min: 1, max: 5_000 })),
  timeoutMs: seldom(fc.integer({ min: 150, max: 1_500 })),
});

const fateOf = (seed: number, failing: number): (() => Fate) => {
  const random = dice(seed);
  return () => ({ ms: random() < 0.2 ? 1_000 + Math.floor(random() * 3_000) : 50 + Math.floor(random() * 100), fails: random() < failing });
};

test('whatever fails, is capped or is cancelled: every sending is reserved, told once how it ended, settled and billed', async () => {
  let hedges = 0;
  await fc.assert(
    fc.asyncProperty(world, async ({ seed, items, concurrency, p, extra, failing, retries, cancelMs, timeoutMs, ...caps }) => {
      const trial = new Trial({ prices: { 'scripted/*': price }, limits: { retries, outputTokensUseful: 20 } });
      const { model, counted } = tardy(trial.clock, fateOf(seed, failing));
      const say = agent({
        name: 'say',
        instructions: 'x',
        model,
        settings: { maxOutputTokens: 40 },
        ...(caps.callBudget === undefined ? {} : { budget: caps.callBudget }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      });
      const budget: Budget = {
        ...(caps.calls === undefined ? {} : { calls: caps.calls }),
        ...(caps.tokens === undefined ? {} : { tokens: caps.tokens }),
      };
      const abort = new AbortController();
      if (cancelMs !== undefined) trial.clock.after(cancelMs, () => abort.abort());
      const program = map(say, { hedge: { p, extra }, concurrency, atLeast: 0, budget });
      const list = Array.from({ length: items }, (_, index) => `item ${index}`);
      await trial.run(program, list, { signal: abort.signal }).catch(() => {});

      const ends = await expectEachEndsOnce(trial);
      await expectWithinCaps(trial, budget, caps.callBudget);
      const bill = await billOf(trial.journal.read('r' as RunId));
      expect(bill.open.requests).toBe(0);
      expect(bill).toMatchObject({
        calls: counted.requests,
        failed: ends.filter((end) => end.kind === 'model.failed' && !isCut(end)).length,
        tokensIn: counted.tokensIn,
        tokensOut: counted.tokensOut,
        usdMicros: costUsdMicros({ ...counted, tokensCached: 0, tokensReasoning: 0 }, price),
      });
      // What is in flight when a call is over is cut off, and nothing else is.
      expect(counted.answered + counted.failed + counted.aborted).toBe(counted.requests);
      const sent = await trial.events('model.requested');
      const second = sent.filter(({ hedge }) => hedge === true).length;
      expect(second).toBeLessThan(extra * (sent.length - second) + 2);
      if (failing === 0) expect(bill.tax.hedges.requests).toBeLessThanOrEqual(second);
      hedges += second;
    }),
    { numRuns: 200 },
  );
  // Or it says nothing of them.
  expect(hedges).toBeGreaterThan(500);
});

type End = EventOf<'model.responded'> | EventOf<'model.failed'>;

function isCut(end: EventOf<'model.failed'>): boolean {
  return end.lost === true || end.error.code === 'CANCELLED';
}

/** Every request has one end, told after it; no turn is answered twice; and its first and its hedge are told apart. */
async function expectEachEndsOnce(trial: Trial): Promise<readonly End[]> {
  const open = new Map<string, number>();
  const answered = new Set<string>();
  const ends: End[] = [];
  for (const event of await trial.events('model.requested', 'model.responded', 'model.failed')) {
    const key = `${event.place} ${event.turn} ${event.hedge === true}`;
    if (event.kind === 'model.requested') {
      expect(open.get(key) ?? 0).toBe(0);
      open.set(key, 1);
      continue;
    }
    expect(open.get(key)).toBe(1);
    open.set(key, 0);
    ends.push(event);
    if (event.kind === 'model.failed') continue;
    expect(answered.has(`${event.place} ${event.turn}`)).toBe(false);
    answered.add(`${event.place} ${event.turn}`);
  }
  expect([...open.values()].every((count) => count === 0)).toBe(true);
  return ends;
}

/** I8 at every position of the journal: what is settled and reserved is within the caps. */
async function expectWithinCaps(trial: Trial, whole: Budget, each: Budget | undefined): Promise<void> {
  const calls = new Map<string, number>();
  const tokens = new Map<string, number>();
  const reserved = new Map<string, { readonly accounts: readonly string[]; readonly tokens: number }>();
  const roots = new Set((await trial.events('call.started')).filter(({ of }) => of === 'map').map(({ place }): string => place));
  for (const event of await trial.events('model.requested', 'model.responded', 'model.failed')) {
    const key = `${event.place} ${event.turn} ${event.hedge === true}`;
    const before = reserved.get(key);
    if (event.kind === 'model.requested') {
      const sum = event.reservedTokensIn + event.reservedTokensOut;
      reserved.set(key, { accounts: event.accounts, tokens: sum });
      for (const place of event.accounts) {
        calls.set(place, (calls.get(place) ?? 0) + 1);
        tokens.set(place, (tokens.get(place) ?? 0) + sum);
      }
    } else {
      const used = event.usage.tokensIn + event.usage.tokensOut;
      for (const place of before?.accounts ?? []) tokens.set(place, (tokens.get(place) ?? 0) + used - (before?.tokens ?? 0));
      if (event.kind === 'model.failed' && event.unsent === true)
        for (const place of before?.accounts ?? []) calls.set(place, (calls.get(place) ?? 0) - 1);
    }
    for (const [place, count] of calls) expect(count).toBeLessThanOrEqual((roots.has(place) ? whole : (each ?? {})).calls ?? Infinity);
    for (const [place, sum] of tokens) expect(sum).toBeLessThanOrEqual((roots.has(place) ? whole : (each ?? {})).tokens ?? Infinity);
  }
}
