import { describe, expect, it } from 'vitest';
import { addToBill, billNow, billOf, emptyBill } from '../../src/journal/bill.ts';
import {
  attemptRejected,
  attemptStarted,
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
  usageOf,
} from './story.ts';

describe('a bill', () => {
  it('counts requests, tokens, money and model time, per agent and per model', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        callStarted('sweep'),
        attemptStarted('sweep', 1),
        requested('sweep', { reservedUsd: 400 }),
        responded('sweep', { usage: usageOf(90, 20, 30, 5), usd: 210, ms: 40 }),
        callStarted('sweep/review'),
        requested('sweep/review', { model: 'acme/large', reservedUsd: 4000 }),
        responded('sweep/review', { usage: usageOf(10, 2), usd: 1000, ms: 60 }),
      ),
    );
    expect(bill).toMatchObject({
      calls: 2,
      failed: 0,
      cancelled: 0,
      tokensIn: 100,
      tokensOut: 22,
      tokensCached: 30,
      tokensReasoning: 5,
      usdMicros: 1210,
    });
    expect(bill).toMatchObject({ modelMs: 100, wallMs: 70, activeMs: 70, unpriced: [] });
    expect(bill.agents['review']).toMatchObject({ calls: 1, tokensIn: 10, usdMicros: 1000 });
    expect(bill.models['acme/small']).toMatchObject({ calls: 1, tokensIn: 90, tokensCached: 30, usdMicros: 210 });
    expect(bill.open).toEqual({ requests: 0, tokens: 0, usdMicros: 0 });
  });

  it('says what caches read, wrote and saved, as long as all of that has a known price', async () => {
    const cached = [
      requested('a', { reservedUsd: 400 }),
      responded('a', { usage: { ...usageOf(900, 20), tokensCacheWritten: 800 }, usd: 210, saved: -200 }),
      requested('b', { reservedUsd: 400 }),
      responded('b', { usage: usageOf(900, 20, 800), usd: 21, saved: 1_400 }),
    ];
    const bill = await billOf(journalOf(runStarted, ...cached));
    expect(bill).toMatchObject({ tokensIn: 1_800, tokensCached: 800, tokensCacheWritten: 800, cacheSavedUsdMicros: 1_200 });
    expect(bill.models['acme/small']).toMatchObject({ tokensCacheWritten: 800 });
    const unknown = await billOf(
      journalOf(runStarted, ...cached, requested('c'), responded('c', { usage: usageOf(9, 2, 5) }), requested('d'), responded('d')),
    );
    expect(unknown).not.toHaveProperty('cacheSavedUsdMicros');
    expect(unknown).toMatchObject({ tokensCached: 805 });
    expect(await billOf(journalOf(runStarted, requested('a'), responded('a')))).not.toHaveProperty('cacheSavedUsdMicros');
  });

  it('names a model without a price instead of calling it free', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        requested('a', { model: 'acme/secret' }),
        responded('a'),
        requested('b', { reservedUsd: 9 }),
        responded('b', { usd: 3 }),
      ),
    );
    expect(bill.unpriced).toEqual(['acme/secret']);
    expect(bill.callsUnpriced).toBe(1);
    expect(bill.models['acme/secret']).toMatchObject({ usdMicros: 0, callsUnpriced: 1 });
    expect(bill.usdMicros).toBe(3);
  });

  it('assumes the input of an unanswered request spent, and says that it is an assumption', async () => {
    const bill = await billOf(journalOf(runStarted, requested('a', { reservedIn: 100, reservedOut: 300, reservedUsd: 1300 })));
    expect(bill).toMatchObject({
      calls: 1,
      tokensIn: 100,
      tokensOut: 0,
      usdMicros: 325,
      open: { requests: 1, tokens: 100, usdMicros: 325 },
    });
  });

  it('keeps a request lost in a crash on the bill after its turn was asked again', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        requested('a', { reservedUsd: 200 }),
        runResumed(2, 10),
        requested('a', { reservedUsd: 200 }),
        responded('a', { usage: usageOf(80, 10), usd: 90 }),
      ),
    );
    expect(bill).toMatchObject({
      calls: 2,
      tokensIn: 180,
      tokensOut: 10,
      usdMicros: 190,
      open: { requests: 1, tokens: 100, usdMicros: 100 },
    });
  });

  it('counts a failed request with what it must be assumed to have cost', async () => {
    const bill = await billOf(
      journalOf(runStarted, requested('a', { reservedUsd: 200 }), modelFailed('a', { usage: usageOf(100, 0), usd: 70 })),
    );
    expect(bill).toMatchObject({ calls: 1, failed: 1, tokensIn: 100, usdMicros: 70, open: { requests: 0 } });
  });

  it('does not call a model unpriced because a request failed before it cost anything', async () => {
    const bill = await billOf(journalOf(runStarted, requested('a', { reservedUsd: 200 }), modelFailed('a', { usage: usageOf(0, 0) })));
    expect(bill).toMatchObject({ unpriced: [], callsUnpriced: 0, usdMicros: 0 });
  });

  it('tells tax from work: repairs, and attempts that were thrown away', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        callStarted('a'),
        attemptStarted('a', 1),
        requested('a'),
        responded('a', { usage: usageOf(100, 10) }),
        requested('a', { turn: 2, why: 'repair' }),
        responded('a', { turn: 2, usage: usageOf(120, 10) }),
        attemptRejected('a', 1),
        attemptStarted('a', 2),
        requested('a', { attempt: 2 }),
        responded('a', { attempt: 2, usage: usageOf(100, 10) }),
        requested('a', { attempt: 2, turn: 2, why: 'repair' }),
        responded('a', { attempt: 2, turn: 2, usage: usageOf(120, 10) }),
        callSucceeded('a'),
      ),
    );
    expect(bill.tax.repairs).toMatchObject({ requests: 2, tokens: 260 });
    expect(bill.tax.rejected).toMatchObject({ attempts: 1, requests: 2, tokens: 240 });
    expect(bill.tax.all).toMatchObject({ requests: 3, tokens: 370 });
  });

  it('taxes the attempt that failed once a resume begins the call anew', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        attemptStarted('a', 1),
        requested('a'),
        modelFailed('a'),
        callFailed('a'),
        runResumed(2, 50),
        { kind: 'call.retracted', place: placeOf('a'), why: 'resumed' },
        attemptStarted('a', 2),
        requested('a', { attempt: 2 }),
        responded('a', { attempt: 2 }),
        callSucceeded('a'),
      ),
    );
    expect(bill.tax.rejected).toEqual({ attempts: 1, requests: 1, tokens: 90, usdMicros: 0 });
  });

  it('keeps both sendings of a hedged turn, and taxes the one that lost without calling it a failure', async () => {
    const hedged = [requested('a', { reservedUsd: 200 }), requested('a', { reservedUsd: 200, hedge: true })];
    const open = await billOf(journalOf(runStarted, ...hedged));
    expect(open).toMatchObject({ calls: 2, open: { requests: 2, tokens: 200, usdMicros: 200 } });
    for (const [won, lost] of [
      [{}, { hedge: true as const }],
      [{ hedge: true as const }, {}],
    ]) {
      const bill = await billOf(
        journalOf(
          runStarted,
          ...hedged,
          responded('a', { ...won, usage: usageOf(80, 20), usd: 90 }),
          modelFailed('a', { ...lost, lost: true, usage: usageOf(100, 7), usd: 70 }),
        ),
      );
      expect(bill).toMatchObject({
        calls: 2,
        failed: 0,
        cancelled: 1,
        tokensIn: 180,
        tokensOut: 27,
        usdMicros: 160,
        open: { requests: 0 },
      });
      expect(bill.tax.hedges).toEqual({ requests: 1, tokens: 107, usdMicros: 70 });
      expect(bill.tax.all).toEqual(bill.tax.hedges);
    }
  });

  it('taxes what lost once, also where its turn was a repair of an attempt that is over', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        attemptStarted('a', 1),
        requested('a', { why: 'repair' }),
        requested('a', { why: 'repair', hedge: true }),
        responded('a', { hedge: true, usage: usageOf(100, 10) }),
        attemptRejected('a', 1),
        attemptStarted('a', 2),
        requested('a', { attempt: 2 }),
        modelFailed('a', { lost: true, usage: usageOf(100, 5) }),
        responded('a', { attempt: 2, usage: usageOf(100, 10) }),
        callSucceeded('a'),
      ),
    );
    expect(bill.tax).toMatchObject({
      hedges: { requests: 1, tokens: 105 },
      repairs: { requests: 2, tokens: 215 },
      rejected: { attempts: 1, requests: 2, tokens: 215 },
      all: { requests: 2, tokens: 215 },
    });
  });

  it('counts a hedge that its provider failed as failed and as tax, and no end of a turn as tax by itself', async () => {
    const hedged = [runStarted, requested('a'), requested('a', { hedge: true }), modelFailed('a', { hedge: true })];
    expect(await billOf(journalOf(...hedged, responded('a')))).toMatchObject({ failed: 1, tax: { hedges: { requests: 1, tokens: 90 } } });
    expect(await billOf(journalOf(...hedged, modelFailed('a')))).toMatchObject({ failed: 2, tax: { hedges: { requests: 1 } } });
  });

  it('does not take a final failure for a hedge because a crash left one unanswered', async () => {
    const crashed = [runStarted, requested('a'), requested('a', { hedge: true }), runResumed(2, 10)];
    const bill = await billOf(journalOf(...crashed, requested('a'), modelFailed('a')));
    expect(bill).toMatchObject({ calls: 3, failed: 1, open: { requests: 2 }, tax: { hedges: { requests: 0 } } });
    expect(bill.unpriced).toEqual(['acme/small']);
  });

  it('names a model without a price also where a crash swallowed the answer', async () => {
    const priced = await billOf(
      journalOf(runStarted, requested('a'), runResumed(2, 10), requested('a', { reservedUsd: 200 }), responded('a', { usd: 90 })),
    );
    expect(priced).toMatchObject({ unpriced: ['acme/small'], callsUnpriced: 1 });
  });

  it('has each request in the row of the model that it was sent to, also after its call moved to another', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        requested('a'),
        modelFailed('a', { retryMs: 0 }),
        requested('a', { model: 'other/large' }),
        responded('a', { usage: usageOf(70, 7) }),
      ),
    );
    expect(bill.models['acme/small']).toMatchObject({ calls: 1, failed: 1 });
    expect(bill.models['other/large']).toMatchObject({ calls: 1, failed: 0, tokensIn: 70 });
  });

  it('taxes a failure as sent again once its turn is asked again, by whomever, and not before', async () => {
    const failed = [runStarted, requested('a'), modelFailed('a', { retryMs: 500, usage: usageOf(90, 0), usd: 7 })];
    const none = { requests: 0, tokens: 0, usdMicros: 0 };
    const paid = { requests: 1, tokens: 90, usdMicros: 7 };
    const taxOf = async (...more: readonly ReturnType<typeof requested>[]): Promise<unknown> => {
      const { retries, all } = (await billOf(journalOf(...failed, ...more))).tax;
      expect(all).toEqual(retries);
      return retries;
    };
    expect(await taxOf()).toEqual(none);
    expect(await taxOf(callFailed('a'))).toEqual(none);
    expect(await taxOf(requested('a', { again: 1 }))).toEqual(paid);
    expect(await taxOf(requested('a', { again: 1 }), responded('a'), requested('a', { turn: 2 }))).toEqual(paid);
    expect(await taxOf(requested('a', { turn: 2 }))).toEqual(none);
    expect(await taxOf(requested('b', { again: 1 }))).toEqual(none);
    expect(await taxOf(requested('a', { attempt: 2, again: 1 }))).toEqual(none);
    expect(await taxOf(runResumed(2, 10), requested('a'))).toEqual(none);
    expect(
      await billOf(journalOf(runStarted, requested('a'), modelFailed('a', { usd: 7 }), requested('a', { model: 'other/large' }))),
    ).toMatchObject({
      tax: { retries: paid, all: paid },
    });
  });

  it('taxes a repair that is sent again once in all', async () => {
    const repair = { turn: 2, why: 'repair' } as const;
    const { tax } = await billOf(
      journalOf(
        runStarted,
        requested('a', repair),
        modelFailed('a', { turn: 2, retryMs: 0, usage: usageOf(90, 0) }),
        requested('a', { ...repair, again: 1 }),
        responded('a', { turn: 2, usage: usageOf(90, 10) }),
      ),
    );
    expect(tax).toMatchObject({
      repairs: { requests: 2, tokens: 190 },
      retries: { requests: 1, tokens: 90 },
      all: { requests: 2, tokens: 190 },
    });
  });

  it('leaves the time in which nobody worked on the run out of its active time', async () => {
    const bill = await billOf(
      journalOf(runStarted, requested('a'), { pauseMs: 60_000 }, runResumed(2, 10), requested('a'), responded('a')),
    );
    expect(bill.wallMs).toBe(60_040);
    expect(bill.activeMs).toBe(30);
  });

  it('reports how far estimates were off, from answers that report their usage', async () => {
    const bill = await billOf(
      journalOf(
        runStarted,
        requested('a', { reservedIn: 100 }),
        responded('a', { usage: usageOf(130, 1) }),
        requested('b', { reservedIn: 100 }),
        responded('b', { usage: usageOf(60, 1) }),
        requested('c', { reservedIn: 100 }),
        responded('c', { usage: usageOf(100, 1), estimated: true }),
      ),
    );
    expect(bill.estimateError).toEqual({ requests: 2, reserved: 200, actual: 190, short: 30 });
  });

  it('is a snapshot that later events leave alone', () => {
    const open = emptyBill();
    const [first, second] = journalOf(requested('a'), requested('b'));
    addToBill(open, first!.event);
    const early = billNow(open);
    addToBill(open, second!.event);
    expect(early.calls).toBe(1);
    expect(early.agents['a']?.calls).toBe(1);
    expect(billNow(open).calls).toBe(2);
  });

  it('keeps rows of agents apart whatever they are called', async () => {
    const bill = await billOf(journalOf(requested('__proto__'), requested('constructor')));
    expect(Object.keys(bill.agents)).toEqual(['__proto__', 'constructor']);
  });
});
