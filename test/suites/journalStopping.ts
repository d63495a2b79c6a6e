// The laws of cancelling and of pruning, run by journal.ts for every store.

import { expect, test } from 'vitest';
import type { Event } from '../../src/journal/event.ts';
import { codeOf, entriesOf, noted, runOf, started } from '../journal/entries.ts';
import type { JournalWorld } from './journalInterleaving.ts';

const A = runOf('run-a');
const B = runOf('run-b');
const ended = (at: number): Event => ({ kind: 'run.succeeded', output: 'done', missing: [], at });
const long = (letter: string): string => letter.repeat(6_000);

export function testStopping(world: () => Promise<JournalWorld>): void {
  test('a living owner in another process hears of a cancel, once, with its reason', async () => {
    const { open } = await world();
    const [owner, other] = [await open(), await open()];
    const claim = await owner.claim(A);
    await claim.append([started(1_000)]);
    const heard = new Promise<string>((resolve) => claim.onCancel(resolve));
    expect(await other.cancel(A, { reason: 'too dear' })).toMatchObject({ kind: 'asked' });
    expect(await other.cancel(A, { reason: 'again' })).toMatchObject({ kind: 'asked' });
    expect(await heard).toBe('too dear');
    await claim.append([ended(2_000)]);
    expect(await other.cancel(A)).toEqual({ kind: 'ended', status: 'succeeded' });
  });

  test('who listens too late hears it all the same', async () => {
    const { open } = await world();
    const journal = await open();
    const claim = await journal.claim(A);
    await claim.append([started(1_000)]);
    await journal.cancel(A, { reason: 'stop' });
    expect(await new Promise<string>((resolve) => claim.onCancel(resolve))).toBe('stop');
  });

  test('a run whose owner is gone is ended there and then, and may be taken again', async () => {
    const { open, kill } = await world();
    const owner = await open();
    await (await owner.claim(A)).append([started(1_000)]);
    await kill(owner);
    const other = await open();
    expect(await other.cancel(A, { reason: 'forgotten' })).toEqual({ kind: 'cancelled' });
    expect(await other.row(A)).toMatchObject({ status: 'cancelled' });
    const last = (await entriesOf(other, A)).at(-1)?.event;
    expect(last).toMatchObject({ kind: 'run.cancelled' });
    expect(JSON.stringify(last)).toContain('forgotten');
    const claim = await other.claim(A);
    const heard: string[] = [];
    claim.onCancel((reason) => heard.push(reason));
    await claim.append([]);
    expect(heard).toEqual([]);
  });

  test('a wish that its owner did not live to hear is not the next one’s', async () => {
    const { open, kill } = await world();
    const owner = await open();
    await (await owner.claim(A)).append([started(1_000)]);
    const other = await open();
    await other.cancel(A, { reason: 'not you' });
    await kill(owner);
    const heard: string[] = [];
    (await other.claim(A)).onCancel((reason) => heard.push(reason));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(heard).toEqual([]);
  });

  test('a run that is not there cannot be cancelled', async () => {
    const { open } = await world();
    expect(await codeOf((await open()).cancel(A))).toBe('RUN_UNKNOWN');
  });

  test('a pruned run is gone, with what it alone referred to, and its id begins anew', async () => {
    const { open } = await world();
    const journal = await open();
    for (const [run, input] of [
      [A, [long('a'), long('s')]],
      [B, [long('b'), long('s')]],
    ] as const) {
      const claim = await journal.claim(run);
      await claim.append([started(1_000, { input }), noted('1'), ended(2_000)]);
      await claim.release();
    }
    const would = await journal.prune({ runs: [A], dryRun: true });
    expect(would.runs.map(({ run }) => run)).toEqual([A]);
    expect(would.bytes).toBeGreaterThan(6_000);
    expect(await journal.row(A)).toBeDefined();
    const pruned = await journal.prune({ runs: [A] });
    expect({ ...pruned, overwritten: true }).toEqual(would);
    expect(await journal.row(A)).toBeUndefined();
    expect(await entriesOf(journal, A)).toEqual([]);
    expect((await journal.rows()).map(({ run }) => run)).toEqual([B]);
    expect((await entriesOf(journal, B))[0]?.event).toMatchObject({ input: [long('b'), long('s')] });
    const again = await journal.claim(A);
    expect([again.epoch, again.events]).toEqual([1, 0]);
    await again.append([started(3_000, { input: [long('a'), long('s')] })]);
    expect((await entriesOf(journal, A))[0]?.event).toMatchObject({ input: [long('a'), long('s')] });
  });

  test('only what was asked for is pruned: by age, by status, and never what is worked on', async () => {
    const { open, kill } = await world();
    const [journal, dead] = [await open(), await open()];
    const run = async (id: string, at: number, end: Event | undefined): Promise<void> => {
      const claim = await (end === undefined ? dead : journal).claim(runOf(id));
      await claim.append([started(at), ...(end === undefined ? [] : [end])]);
      if (end !== undefined) await claim.release();
    };
    await run('old', 1_000, ended(1_000));
    await run('new', 9_000, ended(9_000));
    await run('cancelled', 1_000, { kind: 'run.cancelled', reason: 'x', at: 1_000 });
    await run('interrupted', 1_000, undefined);
    await kill(dead);
    const working = await journal.claim(runOf('working'));
    await working.append([started(1_000)]);
    const names = async (options: Parameters<typeof journal.prune>[0]): Promise<readonly string[]> =>
      (await journal.prune({ ...options, dryRun: true })).runs.map((row) => row.run).sort();
    expect(await names({ before: 5_000 })).toEqual(['cancelled', 'old']);
    expect(await names({ before: 5_000, statuses: ['cancelled', 'interrupted'] })).toEqual(['cancelled', 'interrupted']);
    expect(await names({ runs: ['interrupted', 'new'] })).toEqual(['interrupted', 'new']);
    expect(await codeOf(journal.prune({ runs: ['working'] }))).toBe('RUN_OWNED');
    expect(await codeOf(journal.prune({ runs: ['nobody'] }))).toBe('RUN_UNKNOWN');
    expect(await codeOf(journal.prune({}))).toBe('MISCONFIGURED');
    await journal.prune({ before: 5_000, statuses: ['succeeded', 'cancelled', 'interrupted'] });
    expect((await journal.rows()).map((row) => row.run).sort()).toEqual(['new', 'working']);
    await working.append([noted('goes on')]);
  });
}
