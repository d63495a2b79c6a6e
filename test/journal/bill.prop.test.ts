import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billOf } from '../../src/journal/bill.ts';
import type { Bill } from '../../src/journal/bill.ts';
import type { Spend } from '../../src/journal/spend.ts';
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
  waited,
} from './story.ts';

interface Turn {
  readonly agent: string;
  readonly model: string;
  readonly repair: boolean;
  readonly end: 'answer' | 'failure' | 'crash';
  /** Sendings that failed before it, each sent again or moved to another model: the tokens of each. */
  readonly before: readonly { readonly tokens: number; readonly moved: boolean }[];
  /** Where it fails: it was to be sent again, and was not. */
  readonly meant: boolean;
  readonly reserved: number;
  readonly usd: number | undefined;
  readonly tokens: readonly [number, number];
  /** A second sending, of which one loses, and when that is told: late is after its attempt. Of what failed there is none. */
  readonly hedge:
    | { readonly wins: boolean; readonly told: 'before' | 'after' | 'late' | 'never'; readonly tokens: number; readonly reserved: number }
    | undefined;
}

const turns: fc.Arbitrary<Turn> = fc
  .record({
    agent: fc.constantFrom('review', 'sum', 'judge'),
    model: fc.constantFrom('acme/small', 'acme/large'),
    repair: fc.boolean(),
    end: fc.constantFrom('answer', 'answer', 'answer', 'failure', 'crash'),
    before: fc.array(fc.record({ tokens: fc.nat(1_000), moved: fc.boolean() }), { maxLength: 2 }),
    meant: fc.boolean(),
    reserved: fc.nat(1_000),
    usd: fc.option(fc.nat(5_000), { nil: undefined }),
    tokens: fc.tuple(fc.nat(1_000), fc.nat(1_000)),
    hedge: fc.option(
      fc.record({
        wins: fc.boolean(),
        told: fc.constantFrom('before', 'after', 'late', 'never'),
        tokens: fc.nat(1_000),
        reserved: fc.nat(1_000),
      }),
      {
        nil: undefined,
      },
    ),
  })
  .map((turn) => {
    const { end, hedge } = turn;
    if (end === 'failure' || hedge === undefined) return { ...turn, hedge: undefined };
    return end === 'crash' ? { ...turn, hedge: { ...hedge, told: 'never' as const } } : turn;
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
    const late: Happening[] = [];
    for (const [at, turn] of turnsOf.entries()) happenings.push(...tellTurn(turn, path, attempt, at + 1, late));
    if (attempt < attempts.length) happenings.push(attemptRejected(path, attempt));
    else if (succeeds) happenings.push(callSucceeded(path));
    happenings.push(...late);
  }
  return happenings;
}

function tellTurn(turn: Turn, path: string, attempt: number, number: number, late: Happening[]): Happening[] {
  const { reserved, repair, usd, tokens, end, hedge, before, meant } = turn;
  let { model } = turn;
  const priced = usd === undefined ? {} : { usd };
  const why = repair ? 'repair' : 'ask';
  const asking = { attempt, turn: number, reservedIn: reserved, why, ...(usd === undefined ? {} : { reservedUsd: usd }) } as const;
  const ask = (more: { hedge?: true; reservedIn?: number }): Happening => {
    const happening = requested(path, { ...asking, ...more, model });
    return happening.kind === 'model.requested' ? { ...happening, agent: turn.agent } : happening;
  };
  const early = before.flatMap(({ tokens: paid, moved }): Happening[] => {
    const asked = ask({});
    if (moved) model = `${model}+`;
    const failed = modelFailed(path, { attempt, turn: number, usage: usageOf(paid, 0), ...priced, ...(moved ? {} : { retryMs: 1 }) });
    return [asked, failed];
  });
  const [won, lost]: readonly { hedge?: true }[] = hedge?.wins === true ? [{ hedge: true }, {}] : [{}, { hedge: true }];
  const answer = { attempt, turn: number, usage: usageOf(...tokens), ...priced, ...won };
  const told: Happening[] =
    end === 'answer'
      ? [responded(path, answer)]
      : end === 'failure'
        ? [modelFailed(path, { ...answer, ...(meant ? { retryMs: 1 } : {}) })]
        : [];
  if (hedge === undefined) return [...early, ask({}), ...told];
  const loss = modelFailed(path, { attempt, turn: number, usage: usageOf(hedge.tokens, 0), ...priced, ...lost, lost: true });
  if (hedge.told === 'before') told.unshift(loss);
  if (hedge.told === 'after') told.push(loss);
  if (hedge.told === 'late') late.push(loss);
  return [...early, ask({}), ask({ hedge: true, reservedIn: hedge.reserved }), ...told];
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

/** One sending, as this test counts it. */
interface Sending {
  readonly turn: Turn;
  readonly answered: boolean;
  readonly lost: boolean;
  /** It failed, and its turn was asked again. */
  readonly again: boolean;
  readonly tokens: number;
}

function sendingsOf(turn: Turn): Sending[] {
  const { end, reserved, tokens, hedge } = turn;
  const [won, lost] = hedge?.wins === true ? [hedge.reserved, reserved] : [reserved, hedge?.reserved ?? 0];
  const early = turn.before.map((one) => ({ turn, answered: true, lost: false, again: true, tokens: one.tokens }));
  const first = { turn, answered: end !== 'crash', lost: false, again: false, tokens: end === 'crash' ? won : tokens[0] + tokens[1] };
  if (hedge === undefined) return [...early, first];
  const told = hedge.told !== 'never';
  return [...early, first, { turn, answered: told, lost: told, again: false, tokens: told ? hedge.tokens : lost }];
}

const sendings = (story: Calls): Sending[] => story.flatMap(({ attempts }) => attempts.flat().flatMap(sendingsOf));
const tokensOf = (list: readonly Sending[]): number => list.reduce((sum, { tokens }) => sum + tokens, 0);
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
        const sent = sendings(story);
        const open = sent.filter(({ answered }) => !answered);
        expect(bill.calls).toBe(sent.length);
        expect(bill.tokensIn + bill.tokensOut).toBe(tokensOf(sent));
        expect(bill.open).toMatchObject({ requests: open.length, tokens: tokensOf(open) });
        expect(bill.cancelled).toBe(sent.filter(({ lost }) => lost).length);
        expect(bill.failed).toBe(sent.filter(({ turn, again }) => again || turn.end === 'failure').length);
      }),
    );
  });

  it('taxes exactly the repairs, the rejected attempts, what was asked again and the hedges that lost, each token once', async () => {
    await fc.assert(
      fc.asyncProperty(calls, async (story) => {
        const { tax } = await billOf(journalOf(...tell(story)));
        const all = sendings(story);
        const rejected = story.flatMap(({ attempts }) => attempts.slice(0, -1).flat().flatMap(sendingsOf));
        const kept = story.flatMap(({ attempts }) => (attempts.at(-1) ?? []).flatMap(sendingsOf));
        const repairs = all.filter(({ turn }) => turn.repair);
        const lost = all.filter((one) => one.lost);
        const taxed = [...rejected, ...kept.filter((one) => one.lost || one.again || one.turn.repair)];
        expect(tax.rejected).toMatchObject({ requests: rejected.length, tokens: tokensOf(rejected) });
        expect(tax.repairs).toMatchObject({ requests: repairs.length, tokens: tokensOf(repairs) });
        const again = all.filter((one) => one.again);
        expect(tax.retries).toMatchObject({ requests: again.length, tokens: tokensOf(again) });
        expect(tax.hedges).toMatchObject({ requests: lost.length, tokens: tokensOf(lost) });
        expect(tax.all).toMatchObject({ requests: taxed.length, tokens: tokensOf(taxed) });
      }),
    );
  });

  it('sums how long was waited, for each of the four things one waits for', async () => {
    const waits = fc.array(fc.tuple(fc.constantFrom('budget', 'retry', 'gate', 'cache'), fc.nat(10_000)));
    await fc.assert(
      fc.asyncProperty(waits, async (list) => {
        const { tax } = await billOf(journalOf(runStarted, ...list.map(([limit, ms]) => waited('a', limit, ms))));
        const sum = (limit: string): number => list.reduce((before, [of, ms]) => before + (of === limit ? ms : 0), 0);
        expect(tax.waitedMs).toEqual({ budget: sum('budget'), retry: sum('retry'), gate: sum('gate'), cache: sum('cache') });
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
