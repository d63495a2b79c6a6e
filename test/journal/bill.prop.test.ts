import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billOf } from '../../src/journal/bill.ts';
import type { Bill, Spend } from '../../src/journal/bill.ts';
import type { Happening } from '../../src/journal/event.ts';
import {
  attemptRejected,
  attemptStarted,
  callSucceeded,
  journalOf,
  modelFailed,
  requested,
  responded,
  runStarted,
  usageOf,
} from './story.ts';

interface Turn {
  readonly agent: string;
  readonly model: string;
  readonly repair: boolean;
  readonly end: 'answer' | 'failure' | 'crash';
  readonly reserved: number;
  readonly usd: number | undefined;
  readonly tokens: readonly [number, number];
}

const turns: fc.Arbitrary<Turn> = fc.record({
  agent: fc.constantFrom('review', 'sum', 'judge'),
  model: fc.constantFrom('acme/small', 'acme/large'),
  repair: fc.boolean(),
  end: fc.constantFrom('answer', 'answer', 'answer', 'failure', 'crash'),
  reserved: fc.nat(1_000),
  usd: fc.option(fc.nat(5_000), { nil: undefined }),
  tokens: fc.tuple(fc.nat(1_000), fc.nat(1_000)),
});

/** Attempts of one call each; all but the last are rejected, and the call may succeed. */
const calls = fc.array(
  fc.record({ attempts: fc.array(fc.array(turns, { maxLength: 4 }), { minLength: 1, maxLength: 3 }), succeeds: fc.boolean() }),
  {
    maxLength: 6,
  },
);
type Calls = typeof calls extends fc.Arbitrary<infer T> ? T : never;

function tell(story: Calls): Happening[] {
  return [runStarted, ...story.flatMap((call, index) => tellCall(call, index))];
}

function tellCall({ attempts, succeeds }: Calls[number], index: number): Happening[] {
  const happenings: Happening[] = [];
  for (const [before, turnsOf] of attempts.entries()) {
    const attempt = before + 1;
    const path = `c${index}`;
    happenings.push(attemptStarted(path, attempt));
    for (const [at, turn] of turnsOf.entries()) {
      const asking = {
        attempt,
        turn: at + 1,
        model: turn.model,
        reservedIn: turn.reserved,
        ...(turn.usd === undefined ? {} : { reservedUsd: turn.usd }),
      };
      const ask = requested(path, { ...asking, why: turn.repair ? 'repair' : 'ask' });
      happenings.push(ask.kind === 'model.requested' ? { ...ask, agent: turn.agent } : ask);
      const answer = { attempt, turn: at + 1, usage: usageOf(...turn.tokens), ...(turn.usd === undefined ? {} : { usd: turn.usd }) };
      if (turn.end === 'answer') happenings.push(responded(path, answer));
      if (turn.end === 'failure') happenings.push(modelFailed(path, answer));
    }
    if (attempt < attempts.length) happenings.push(attemptRejected(path, attempt));
    else if (succeeds) happenings.push(callSucceeded(path));
  }
  return happenings;
}

function sumOf(rows: Readonly<Record<string, Spend>>, total: Bill): Record<string, number> {
  const keys = Object.entries(total)
    .filter(([, value]) => typeof value === 'number' && value !== undefined)
    .map(([key]) => key);
  const sum: Record<string, number> = {};
  for (const key of keys.filter((key) => key !== 'wallMs' && key !== 'activeMs')) {
    sum[key] = Object.values(rows).reduce((before, row) => before + Number(row[key as keyof Spend]), 0); // Rows have every numeric key of the total.
  }
  return sum;
}

const allTurns = (story: Calls): Turn[] => story.flatMap(({ attempts }) => attempts.flat());
const spentBy = (turn: Turn): number => (turn.end === 'crash' ? turn.reserved : turn.tokens[0] + turn.tokens[1]);
const tokensOf = (list: readonly Turn[]): number => list.reduce((sum, turn) => sum + spentBy(turn), 0);

describe('a bill, whatever happened', () => {
  it('adds up: rows per agent and rows per model both sum to the total', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (story) => {
        const bill = await billOf(journalOf(...tell(story)));
        expect(bill).toMatchObject(sumOf(bill.agents, bill));
        expect(bill).toMatchObject(sumOf(bill.models, bill));
      }),
    );
  });

  it('counts every request that was sent, and its tokens once', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (story) => {
        const bill = await billOf(journalOf(...tell(story)));
        const sent = allTurns(story);
        expect(bill.calls).toBe(sent.length);
        expect(bill.tokensIn + bill.tokensOut).toBe(tokensOf(sent));
        expect(bill.open.requests).toBe(sent.filter(({ end }) => end === 'crash').length);
        expect(bill.open.tokens).toBe(tokensOf(sent.filter(({ end }) => end === 'crash')));
      }),
    );
  });

  it('taxes exactly the repairs and the rejected attempts, each token once', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (story) => {
        const bill = await billOf(journalOf(...tell(story)));
        const rejected = story.flatMap(({ attempts }) => attempts.slice(0, -1).flat());
        const kept = story.flatMap(({ attempts }) => attempts.at(-1) ?? []);
        const taxed = [...rejected, ...kept.filter(({ repair }) => repair)];
        expect(bill.tax.rejected).toMatchObject({ requests: rejected.length, tokens: tokensOf(rejected) });
        expect(bill.tax.repairs.requests).toBe(allTurns(story).filter(({ repair }) => repair).length);
        expect(bill.tax.all).toMatchObject({ requests: taxed.length, tokens: tokensOf(taxed) });
      }),
    );
  });

  it('never takes a row below zero', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (story) => {
        const bill = await billOf(journalOf(...tell(story)));
        for (const row of [bill, ...Object.values(bill.agents), ...Object.values(bill.models)]) {
          for (const value of Object.values(row)) if (typeof value === 'number') expect(value).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
