// What recover() does with runs that wait for people: nothing, until somebody has answered or a question is past its time.

import { expect, test } from 'vitest';
import { type Agent, flow, human, memoryJournal, recover, start, step } from '../../src/index.ts';
import type { AskId } from '../../src/journal/event.ts';
import { askOf, opened, over, parked, yes } from '../journal/askEvents.ts';
import { noted, runOf } from '../journal/entries.ts';
import { VirtualClock } from '../support/virtualClock.ts';

const clock = new VirtualClock();
const drive = <T>(work: Promise<T>): Promise<T> => clock.drive(work);

interface World {
  readonly journal: ReturnType<typeof memoryJournal>;
  readonly works: Agent<string, string>;
  /** How often the program was entered since the runs were parked. */
  readonly entered: () => number;
}

/** Runs that are parked in nobody's hands; gone on with, they end. */
async function parkedRuns(asks: Readonly<Record<string, { readonly ask: AskId; readonly expiresAt?: number }>>): Promise<World> {
  const journal = memoryJournal({ clock });
  let entered = 0;
  let restarted = false;
  const works = flow({
    name: 'works',
    run: async (_: string, ctx) => {
      if (restarted) entered += 1;
      const waiting = step({ name: 'wait', execute: (): string | Promise<string> => (restarted ? 'over' : new Promise(() => {})) });
      return await ctx.call(waiting, 'x');
    },
  });
  for (const id of Object.keys(asks)) start(works, 'x', { journal, clock, id, scope: 'team' });
  await drive(clock.sleep(100));
  journal.abandon();
  restarted = true;
  for (const [id, { ask, expiresAt }] of Object.entries(asks)) {
    const claim = await journal.claim(runOf(id));
    await claim.append([opened(ask, clock.now(), expiresAt), parked(clock.now(), ask)]);
    await claim.release();
  }
  return { journal, works, entered: () => entered };
}

test('a parked run is left alone, and gone on with once somebody has answered', async () => {
  const [one, two] = [askOf('first-ask'), askOf('second-ask')];
  const { journal, works, entered } = await parkedRuns({ one: { ask: one }, two: { ask: two } });
  const left = (id: string): unknown => ({ id, agent: 'works', scope: 'team', why: 'parked' });
  expect(await drive(recover([works], { journal, clock }))).toEqual({ runs: [], left: [left('one'), left('two')] });
  expect(entered()).toBe(0);
  expect(await journal.row(runOf('one'))).toMatchObject({ status: 'parked', epoch: 2 });
  await journal.respond(two, yes(), clock.now());
  const { runs, left: others } = await drive(recover([works], { journal, clock }));
  expect(runs).toMatchObject([{ id: 'two', status: 'succeeded' }]);
  expect(others).toEqual([left('one')]);
  expect(entered()).toBe(1);
});

test('a parked run is woken when its question is past its time, by the look after it and by none before', async () => {
  const expiresAt = clock.now() + 10_000;
  const { journal, works, entered } = await parkedRuns({ r: { ask: askOf('only-ask'), expiresAt } });
  const stop = new AbortController();
  const woken: number[] = [];
  const onRun = (): void => {
    woken.push(clock.now());
    stop.abort();
  };
  const from = clock.now();
  const recovering = recover([works], { journal, clock, everyMs: 1_000, signal: stop.signal, onRun });
  await drive(clock.sleep(expiresAt - from - 1));
  expect(entered()).toBe(0);
  expect((await drive(recovering)).runs).toMatchObject([{ id: 'r', status: 'succeeded' }]);
  expect(woken[0]).toBeGreaterThanOrEqual(expiresAt);
  expect(woken[0]).toBeLessThan(expiresAt + 1_100);
});

test('a parked run for which no agent is given is told as such', async () => {
  const { journal } = await parkedRuns({ r: { ask: askOf('only-ask') } });
  const other = step({ name: 'other', execute: () => '1' });
  expect((await drive(recover([other], { journal, clock }))).left).toMatchObject([{ id: 'r', why: 'no agent' }]);
});

test('runs that wait for people when recovering is stopped are given up, whichever look took them up', async () => {
  const journal = memoryJournal({ clock });
  const asks = human({ name: 'asks', question: 'Which?' });
  start(asks, 'x', { journal, clock, id: 'r' });
  await drive(clock.sleep(100));
  journal.abandon();
  const [open] = await journal.asks();
  const claim = await journal.claim(runOf('r'));
  await claim.append([noted('nobody is told why it stopped')]);
  await claim.release();
  const stop = new AbortController();
  const recovering = recover([asks], { journal, clock, everyMs: 1_000, signal: stop.signal });
  await drive(clock.sleep(5_500));
  expect(await journal.row(runOf('r'))).toMatchObject({ status: 'parked', owner: { alive: true } });
  stop.abort();
  expect(await drive(recovering)).toEqual({ runs: [], left: [{ id: 'r', agent: 'asks', why: 'given up' }] });
  expect(await journal.asks()).toEqual([open]);
});

test('a parked run that somebody else took up and parked again meanwhile is left alone', async () => {
  const [ask, next] = [askOf('first-ask'), askOf('second-ask')];
  const { journal, works, entered } = await parkedRuns({ r: { ask } });
  await journal.respond(ask, yes(), clock.now());
  const claim = journal.claim.bind(journal);
  journal.claim = async (run) => {
    journal.claim = claim;
    const other = await claim(run);
    await other.append([over(ask, 'ask.answered', clock.now()), opened(next, clock.now()), parked(clock.now(), next)]);
    await other.release();
    return await claim(run);
  };
  expect((await drive(recover([works], { journal, clock }))).left).toMatchObject([{ id: 'r', why: 'taken' }]);
  expect(entered()).toBe(0);
  expect(await journal.row(runOf('r'))).toMatchObject({ status: 'parked' });
});

test('of several that recover at once, one drives a parked run, and nobody drives it again', async () => {
  const ask = askOf('only-ask');
  const { journal, works, entered } = await parkedRuns({ r: { ask } });
  await journal.respond(ask, yes(), clock.now());
  const all = await drive(Promise.all([1, 2, 3].map(() => recover([works], { journal, clock }))));
  expect(all.flatMap(({ runs }) => runs)).toMatchObject([{ id: 'r', status: 'succeeded' }]);
  expect(entered()).toBe(1);
});
