// The checkers of test/suites/invariants.ts see what they are there for: each is given a sound journal, doctored.

import { beforeAll, describe, expect, it } from 'vitest';
import type { Entry, Event } from '../../src/index.ts';
import { billOf } from '../../src/index.ts';
import { billNow, emptyBill } from '../../src/journal/bill.ts';
import {
  billAddsUp,
  budgetsHold,
  Identities,
  inFlightAtDeaths,
  InvariantBroken,
  interruptionIsNoOutcome,
  logIsDense,
  nothingSentTwice,
  oneLiveOutcome,
  prefixSurvives,
  recordedOnce,
  requestsBounded,
  type SentRequest,
  serverCountsTheSame,
  type Shift,
  turnId,
} from '../suites/invariants.ts';
import { World } from './mortal.ts';
import { programOf } from './programs.ts';
import { voice } from './voice.ts';

let entries: readonly Entry[] = [];
let requests: readonly SentRequest[] = [];
let shifts: readonly Shift[] = [];

beforeAll(async () => {
  const world = new World('sound');
  await world.enter({ agent: programOf(3), input: {}, model: voice }, { events: 60, lingerMs: 5 });
  await world.enter({ agent: programOf(3), input: {}, model: voice });
  entries = await world.entries();
  ({ requests, shifts } = world);
});

const indexOf = (kind: Event['kind']): number => entries.findIndex(({ event }) => event.kind === kind);
/** The same journal with more events behind it. */
const and = (...events: readonly Event[]): Entry[] => [
  ...entries,
  ...events.map((event, index) => ({ seq: entries.length + index, event })),
];
const eventAt = (kind: Event['kind']): Event => entries[indexOf(kind)]?.event ?? expect.unreachable(`no ${kind}`);
function first<K extends Event['kind']>(kind: K): Extract<Event, { kind: K }> {
  for (const { event } of entries) if (isOf(event, kind)) return event;
  return expect.unreachable(`no ${kind}`);
}
function isOf<K extends Event['kind']>(event: Event, kind: K): event is Extract<Event, { kind: K }> {
  return event.kind === kind;
}

describe('the checker of', () => {
  it('a dense log sees a gap', () => {
    expect(() => logIsDense(entries)).not.toThrow();
    expect(() => logIsDense(entries.filter(({ seq }) => seq !== 3))).toThrow(InvariantBroken);
  });

  it('the durable prefix sees an event that changed, and one that is gone', () => {
    expect(() => prefixSurvives(entries.slice(0, 9), entries)).not.toThrow();
    expect(() => prefixSurvives(entries, entries.slice(0, -1))).toThrow(InvariantBroken);
    expect(() =>
      prefixSurvives(
        entries,
        entries.map((entry) => (entry.seq === 4 ? { ...entry, event: { ...entry.event, at: -1 } } : entry)),
      ),
    ).toThrow(InvariantBroken);
  });

  it('live outcomes sees a second one without a retraction, and a call that asks although it has one', () => {
    const outcome = first('call.succeeded');
    expect(() => oneLiveOutcome(entries)).not.toThrow();
    expect(() => oneLiveOutcome(and(outcome))).toThrow(/I2/);
    expect(() => oneLiveOutcome(and({ kind: 'call.retracted', place: outcome.place, why: 'retried', at: 0 }, outcome))).not.toThrow();
    const answered = entries.find(
      ({ event }) =>
        event.kind === 'model.requested' &&
        entries.some((other) => other.event.kind === 'call.succeeded' && other.event.place === event.call),
    )?.event;
    expect(() => oneLiveOutcome(and(answered ?? expect.unreachable()))).toThrow(/I3/);
  });

  it('interruptions sees one that was recorded as an outcome', () => {
    expect(() => interruptionIsNoOutcome(entries)).not.toThrow();
    expect(() =>
      interruptionIsNoOutcome(
        and({ kind: 'call.failed', place: first('call.started').place, error: { code: 'RUN_LOST', message: '' }, causes: [], at: 0 }),
      ),
    ).toThrow(/I2/);
  });

  it('what is recorded once sees each that is there twice', () => {
    expect(() => recordedOnce(entries)).not.toThrow();
    for (const kind of ['model.responded', 'call.started', 'attempt.started'] as const)
      expect(() => recordedOnce(and(eventAt(kind)))).toThrow(/I3/);
  });

  it('turns sees one that is sent after its answer was durable, and one that is sent twice by one process', () => {
    expect(() => nothingSentTwice(entries, requests, shifts)).not.toThrow();
    const turn = turnId(first('model.responded'));
    expect(() => nothingSentTwice(entries, [...requests, { process: 1, turn }], shifts)).toThrow(/I3/);
    expect(() => nothingSentTwice(entries, [...requests, { process: 0, turn }], shifts)).toThrow(/sent twice by process 0/);
  });

  it('the number of requests sees one too many', () => {
    const lost = inFlightAtDeaths(entries, requests, shifts);
    expect(lost).toBeGreaterThan(0);
    expect(() => requestsBounded(requests, requests.length - lost, lost)).not.toThrow();
    expect(() => requestsBounded(requests, requests.length - lost - 1, lost)).toThrow(/I3/);
  });

  it('identity sees a place that another question has, and one that is made of something else', () => {
    const started = first('call.started');
    expect(() => new Identities().add(entries)).not.toThrow();
    expect(() => new Identities().add(and({ ...started, input: 'another' }))).toThrow(/I4/);
    expect(() => new Identities().add([{ seq: 0, event: { ...started, agent: 'another' } }])).toThrow(/not made of/);
  });

  it('the bill sees one that is not the journal’s', async () => {
    const bill = await billOf(entries);
    await billAddsUp(entries, bill);
    await expect(billAddsUp(entries, { ...bill, tokensIn: bill.tokensIn + 1 })).rejects.toThrow(/I8/);
    await expect(billAddsUp(entries, billNow(emptyBill()))).rejects.toThrow(/I8/);
  });

  it('the server’s count sees requests that were not billed, and bills for what was not sent', () => {
    expect(() => serverCountsTheSame(entries, requests, shifts)).not.toThrow();
    expect(() => serverCountsTheSame(entries, [...requests, { process: 1, turn: 'unknown' }], shifts)).toThrow(/1 sent and not billed/);
    expect(() => serverCountsTheSame(entries, requests.slice(0, -1), shifts)).toThrow(/1 requests were billed and not sent/);
    expect(() =>
      serverCountsTheSame(
        entries,
        requests.filter(({ turn }) => turn !== turnId(first('model.responded'))),
        shifts,
      ),
    ).toThrow(/never saw/);
  });

  it('budgets sees an account that is passed by one call, or by reserved tokens', () => {
    const started = first('call.started');
    const requested = { ...first('model.requested'), accounts: [started.place], reservedTokensIn: 30, reservedTokensOut: 20 };
    const capped = (budget: { calls?: number; tokens?: number }): Entry[] =>
      [{ ...started, budget }, requested].map((event, seq) => ({ seq, event }));
    expect(() => budgetsHold(capped({ calls: 1, tokens: 50 }))).not.toThrow();
    expect(() => budgetsHold(capped({ calls: 0 }))).toThrow(/1 calls/);
    expect(() => budgetsHold(capped({ tokens: 49 }))).toThrow(/50 tokens/);
  });
});
