// The laws of finding answers by key, part of the suite that every journal runs (journal.ts).

import { expect, test } from 'vitest';
import type { Event } from '../../src/journal/event.ts';
import { entriesOf, noted, placeOf, runOf, started } from '../journal/entries.ts';
import type { JournalWorld } from './journalInterleaving.ts';

const A = runOf('run-a');
const B = runOf('run-b');

function answered(place: string, at: number, reuse?: string): Event {
  return { kind: 'call.succeeded', place: placeOf(place), output: place, at, ...(reuse === undefined ? {} : { reuse }) };
}

export function testAnswers(world: () => Promise<JournalWorld>): void {
  test('an answer is found by its key, with the run, the place and the event that it is', async () => {
    const journal = await (await world()).open();
    const claim = await journal.claim(A);
    claim.note(started());
    await claim.append([answered('one', 2_000, 'k1'), answered('two', 3_000), answered('three', 4_000, 'k3')]);
    expect(await journal.answers('k3')).toEqual([{ run: A, place: placeOf('three'), seq: 3, at: 4_000 }]);
    expect((await entriesOf(journal, A))[3]?.event).toEqual(answered('three', 4_000, 'k3'));
    expect(await journal.answers('k2')).toEqual([]);
  });

  test('of answers to one key the newest come first, those of all runs, and no more than eight', async () => {
    const { open } = await world();
    const journal = await open();
    const [a, b] = [await journal.claim(A), await journal.claim(B)];
    await a.append([started(), ...[5, 1, 9].map((at) => answered(`a${at}`, at, 'k'))]);
    await b.append([started(), ...[2, 8, 7, 6, 4, 3].map((at) => answered(`b${at}`, at, 'k'))]);
    expect((await journal.answers('k')).map(({ at }) => at)).toEqual([9, 8, 7, 6, 5, 4, 3, 2]);
    const other = await open();
    expect(await other.answers('k')).toEqual(await journal.answers('k'));
  });

  test('notes, appends and what waits for a flush keep each answer with its own event', async () => {
    const journal = await (await world()).open();
    const claim = await journal.claim(A);
    claim.note(started());
    const all = Array.from({ length: 60 }, (_, at) => at);
    await Promise.all(
      all.map(async (at) => {
        claim.note(noted(`n${at}`));
        if (at % 3 === 0) claim.note(answered(`p${at}`, at, `k${at}`));
        else await claim.append([answered(`p${at}`, at, `k${at}`), noted(`after ${at}`)]);
      }),
    );
    await claim.release();
    const entries = await entriesOf(journal, A);
    for (const at of all) {
      const [found] = await journal.answers(`k${at}`);
      expect(entries[found?.seq ?? -1]?.event).toEqual(answered(`p${at}`, at, `k${at}`));
    }
  });

  test('an answer is found if and only if its event is there, after a kill too', async () => {
    const { open, kill } = await world();
    const first = await open();
    const claim = await first.claim(A);
    await claim.append([started(), answered('kept', 2, 'kept')]);
    claim.note(answered('noted', 3, 'noted'));
    await kill(first);
    const second = await open();
    const places = new Set((await entriesOf(second, A)).flatMap(({ event }) => ('place' in event ? [event.place] : [])));
    for (const key of ['kept', 'noted']) expect((await second.answers(key)).length).toBe(places.has(placeOf(key)) ? 1 : 0);
    expect(places.has(placeOf('kept'))).toBe(true);
  });

  test('the scope of a run is in its row', async () => {
    const journal = await (await world()).open();
    await (await journal.claim(A)).append([started(1, { scope: 'tenant-7' })]);
    await (await journal.claim(B)).append([started(2)]);
    expect((await journal.row(A))?.scope).toBe('tenant-7');
    expect(await journal.row(B)).not.toHaveProperty('scope');
  });
}
