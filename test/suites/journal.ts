// The laws every journal obeys, run by test/journal/memory.test.ts and test/journal/sqlite.test.ts.
// A world (journalInterleaving.ts) is one store that several processes use: `open` gives the handle of one more process, `kill`
// declares a process dead. What is left of a dead one in memory may still try to append, as a process
// that was only slow would: the laws say that it must not succeed once somebody else has the run.

import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Event, Json } from '../../src/journal/event.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { askOf, yes } from '../journal/askEvents.ts';
import { codeOf, entriesOf, namesOf, noted, placeOf, requested, runOf, setupOf, started } from '../journal/entries.ts';
import { testFollowing } from './journalFollowing.ts';
import { testAnswers } from './journalAnswers.ts';
import { testAsks } from './journalAsks.ts';
import { testStopping } from './journalStopping.ts';
import { action, judgeInterleaving, type JournalWorld } from './journalInterleaving.ts';

export interface JournalSuite {
  readonly name: string;
  readonly setup: () => Promise<JournalWorld>;
}

const A = runOf('run-a');
const B = runOf('run-b');
const numbered = (count: number, prefix = ''): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

export function testJournal({ name, setup }: JournalSuite): void {
  const worlds: JournalWorld[] = [];
  const world = async (): Promise<JournalWorld> => {
    const made = await setup();
    worlds.push(made);
    return made;
  };
  const single = async (): Promise<Journal> => (await world()).open();
  afterEach(async () => {
    await Promise.all(worlds.splice(0).map(async (made) => made.teardown()));
  });

  describe(`${name}: the log (I1, I2)`, () => {
    test('seq is dense and in the order of appends', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      for (let batch = 0; batch < 10; batch += 1) await claim.append(numbered(batch, `${batch}.`).map((each) => noted(each)));
      const entries = await entriesOf(journal, A);
      expect(entries.map(({ seq }) => seq)).toEqual([...Array(45).keys()]);
      expect(await namesOf(journal, A)).toEqual(numbered(10).flatMap((batch) => numbered(Number(batch), `${batch}.`)));
    });

    test('appends that are not awaited keep their order', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      await Promise.all(numbered(200).map(async (each) => claim.append([noted(each)])));
      expect(await namesOf(journal, A)).toEqual(numbered(200));
    });

    test('an acknowledged append has taken every note before it along, in order', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      claim.note(noted('1'));
      claim.note(noted('2'));
      await claim.append([noted('3'), noted('4')]);
      claim.note(noted('5'));
      await claim.append([]);
      expect(await namesOf(journal, A)).toEqual(['1', '2', '3', '4', '5']);
    });

    test('a release makes notes durable and later appends reject', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      claim.note(noted('1'));
      await claim.release();
      await claim.release();
      claim.note(noted('2'));
      expect(await codeOf(claim.append([noted('3')]))).toBe('RUN_LOST');
      expect(await namesOf(journal, A)).toEqual(['1']);
    });

    test('what was acknowledged survives the death of its process', async () => {
      const { open, kill } = await world();
      const first = await open();
      const claim = await first.claim(A);
      await claim.append([noted('1'), noted('2')]);
      await kill(first);
      const second = await open();
      expect(await namesOf(second, A)).toEqual(['1', '2']);
      const next = await second.claim(A);
      expect(next.events).toBe(2);
      await next.append([noted('3')]);
      expect(await namesOf(second, A)).toEqual(['1', '2', '3']);
    });

    test('changing an event after handing it in, or after reading it, changes nothing', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      const input = { list: ['kept'] };
      const event = started(1_000, { input });
      claim.note(event);
      input.list.push('too late');
      await claim.append([]);
      const [first] = await entriesOf(journal, A);
      if (first?.event.kind === 'run.started') Object.assign(first.event, { agent: 'changed' });
      expect((await entriesOf(journal, A))[0]?.event).toEqual(started(1_000, { input: { list: ['kept'] } }));
    });

    test('an event that is not JSON breaks the claim and leaves nothing of its append behind', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      const lost: Error[] = [];
      claim.onLost((error) => lost.push(error));
      const ring: Record<string, unknown> = {};
      ring['self'] = ring;
      const impossible: Event = { ...noted('2'), choice: ring as Json }; // what a caller without types may pass
      await claim.append([noted('1')]);
      expect(await codeOf(claim.append([noted('before'), impossible]))).toBe('NOT_JSON');
      expect(await codeOf(claim.append([noted('after')]))).toBe('NOT_JSON');
      expect(lost).toHaveLength(1);
      expect(await namesOf(journal, A)).toEqual(['1']);
    });
  });

  describe(`${name}: claims`, () => {
    test('a new run starts at epoch 1 with no events, and each claim raises the epoch by one', async () => {
      const journal = await single();
      const first = await journal.claim(A);
      expect([first.run, first.epoch, first.events]).toEqual([A, 1, 0]);
      await first.append([noted('1')]);
      await first.release();
      const second = await journal.claim(A);
      expect([second.epoch, second.events]).toEqual([2, 1]);
    });

    test('a living owner keeps its run, and the refusal names it', async () => {
      const { open } = await world();
      const first = await open();
      const second = await open();
      await first.claim(A);
      const refusal = await second.claim(A).catch((thrown: unknown) => thrown);
      expect(refusal).toMatchObject({
        code: 'RUN_OWNED',
        where: { run: A },
        data: { owner: { pid: expect.any(Number), host: expect.any(String) } },
      });
      expect(await codeOf(first.claim(A))).toBe('RUN_OWNED');
      expect(await codeOf(second.claim(B))).toBe('none');
    });

    test('of two claims made at once, one wins', async () => {
      const journal = await single();
      const codes = await Promise.all([codeOf(journal.claim(A)), codeOf(journal.claim(A)), codeOf(journal.claim(A))]);
      expect(codes.sort()).toEqual(['RUN_OWNED', 'RUN_OWNED', 'none']);
    });

    test('of two processes that take the run of a dead one at once, one wins', async () => {
      const { open, kill } = await world();
      const first = await open();
      await (await first.claim(A)).append([noted('1')]);
      const heirs = [await open(), await open()];
      await kill(first);
      const codes = await Promise.all(heirs.map(async (heir) => codeOf(heir.claim(A))));
      expect(codes.sort()).toEqual(['RUN_OWNED', 'none']);
    });

    test('a run that is being released may be claimed without waiting for it, and keeps what it was told before', async () => {
      const journal = await single();
      const first = await journal.claim(A);
      first.note(noted('1'));
      const releasing = first.release();
      const second = await journal.claim(A);
      expect([second.epoch, second.events]).toEqual([2, 1]);
      await second.append([noted('2')]);
      await releasing;
      expect(await codeOf(journal.claim(A))).toBe('RUN_OWNED');
      expect(await namesOf(journal, A)).toEqual(['1', '2']);
    });

    test('a claim that was taken over may not append, and hears of it once', async () => {
      const { open, kill } = await world();
      const first = await open();
      const slow = await first.claim(A);
      const lost: Error[] = [];
      slow.onLost((error) => lost.push(error));
      await slow.append([noted('1')]);
      await kill(first);
      const successor = await (await open()).claim(A);
      await successor.append([noted('2')]);
      expect(await codeOf(slow.append([noted('slow')]))).toBe('RUN_LOST');
      slow.note(noted('slow'));
      expect(await codeOf(slow.append([]))).toBe('RUN_LOST');
      expect(lost).toMatchObject([{ code: 'RUN_LOST' }]);
      const late: Error[] = [];
      slow.onLost((error) => late.push(error));
      await slow.release();
      expect(late).toHaveLength(1);
      await successor.append([noted('3')]);
      expect(await namesOf(await open(), A)).toEqual(['1', '2', '3']);
    });
  });

  describe(`${name}: reading`, () => {
    test('at answers the entries of one place of one run, in order', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      const other = await journal.claim(B);
      await other.append([noted('elsewhere', 'p')]);
      await claim.append([started(), noted('1', 'p'), noted('2', 'q'), noted('3', 'p')]);
      const at = async (place: string): Promise<number[]> => (await journal.at(A, placeOf(place))).map(({ seq }) => seq);
      expect(await at('p')).toEqual([1, 3]);
      await claim.append([noted('4', 'p')]);
      expect(await at('p')).toEqual([1, 3, 4]);
      expect(await at('q')).toEqual([2]);
      expect(await at('nowhere')).toEqual([]);
      expect(await journal.at(runOf('unknown'), placeOf('p'))).toEqual([]);
    });

    test('read starts after a seq and gives only the kinds asked for', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      await claim.append([started(), noted('1'), requested('hello'), noted('3')]);
      expect((await entriesOf(journal, A, { after: 1 })).map(({ seq }) => seq)).toEqual([2, 3]);
      expect((await entriesOf(journal, A, { kinds: ['run.started', 'model.requested'] })).map(({ seq }) => seq)).toEqual([0, 2]);
      expect((await entriesOf(journal, A, { after: 0, kinds: ['decision'] })).map(({ seq }) => seq)).toEqual([1, 3]);
      expect((await entriesOf(journal, A, { after: 0, kinds: ['decision'], limit: 1 })).map(({ seq }) => seq)).toEqual([1]);
      expect(await entriesOf(journal, A, { after: 3 })).toEqual([]);
      expect(await entriesOf(journal, runOf('unknown'))).toEqual([]);
    });

    test('a long read stays dense and in order while others append', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      const other = await journal.claim(B);
      await claim.append(numbered(700).map((each) => noted(each)));
      const seqs: number[] = [];
      for await (const { seq } of journal.read(A)) {
        if (seq % 100 === 0 && seq < 700) await Promise.all([claim.append([noted(`late ${seq}`)]), other.append([noted('other')])]);
        seqs.push(seq);
      }
      expect(seqs.length).toBeGreaterThanOrEqual(700);
      expect(await entriesOf(journal, A, { limit: 300 })).toHaveLength(300); // more than a page
      expect(seqs).toEqual([...seqs.keys()]);
    });

    test('long strings, repeated ones and setups come back as they were', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      const setup = setupOf({ tools: [{ name: 'read', description: 'd'.repeat(9_000) }] });
      const events = [
        requested('x'.repeat(10_000), setup),
        requested('x'.repeat(10_000), setup),
        requested('é'.repeat(2_048), { ...setup }),
      ];
      await claim.append(events);
      expect((await entriesOf(journal, A)).map(({ event }) => event)).toEqual(events);
      expect((await journal.at(A, placeOf('attempt'))).map(({ event }) => event)).toEqual(events);
    });
  });

  describe(`${name}: rows`, () => {
    const failure = { code: 'MODEL_FAILED', message: 'no' } as const;
    const gap = { call: 'sweep[0]', place: placeOf('p'), index: 0, error: failure };
    const ends: [string, Event][] = [
      ['succeeded', { kind: 'run.succeeded', output: 1, missing: [], at: 5_000 }],
      ['partial', { kind: 'run.succeeded', output: 1, missing: [gap], at: 5_000 }],
      ['failed', { kind: 'run.failed', error: failure, at: 5_000 }],
      ['cancelled', { kind: 'run.cancelled', reason: 'asked', at: 5_000 }],
    ];

    test.each(ends)('a run that ended %s says so, before and after its release', async (status, end) => {
      const journal = await single();
      const claim = await journal.claim(A);
      await claim.append([started(1_000, { program: { file: 'sweep.ts', export: 'default' } })]);
      await claim.append([end]);
      expect(await journal.row(A)).toMatchObject({ status, owner: { alive: true } });
      await claim.release();
      expect(await journal.row(A)).toEqual({
        run: A,
        agent: 'sweep',
        inputHash: 'hash',
        status,
        program: { file: 'sweep.ts', export: 'default' },
        startedAt: 1_000,
        updatedAt: 5_000,
        events: 2,
        epoch: 1,
      });
    });

    test('a running one is interrupted once its owner is dead or has let go, and running again when it is resumed', async () => {
      const { open, kill } = await world();
      const first = await open();
      const claim = await first.claim(A);
      await claim.append([started()]);
      const reader = await open();
      expect((await reader.row(A))?.status).toBe('running');
      await kill(first);
      expect(await reader.row(A)).toMatchObject({ status: 'interrupted', owner: { alive: false } });
      const next = await reader.claim(A);
      await next.append([{ kind: 'run.resumed', entry: 2, activeMs: 1, program: { file: 'b.ts', export: 'x' }, at: 6_000 }]);
      expect(await reader.row(A)).toMatchObject({
        status: 'running',
        epoch: 2,
        events: 2,
        startedAt: 1_000,
        updatedAt: 6_000,
        program: { file: 'b.ts' },
      });
      await next.release();
      expect((await reader.row(A))?.status).toBe('interrupted');
    });

    test('rows come newest first, as many as asked for; a run without run.started has none', async () => {
      const journal = await single();
      for (const [run, at] of [
        ['old', 1],
        ['new', 3],
        ['middle', 2],
      ] as const)
        await (await journal.claim(runOf(run))).append([started(at)]);
      await journal.claim(runOf('unstarted'));
      expect((await journal.rows()).map(({ run }) => run)).toEqual(['new', 'middle', 'old']);
      expect((await journal.rows(2)).map(({ run }) => run)).toEqual(['new', 'middle']);
      expect(await journal.row(runOf('unstarted'))).toBeUndefined();
      expect(await journal.row(runOf('unknown'))).toBeUndefined();
    });
  });

  describe(`${name}: followed`, () => {
    testFollowing(world);
  });

  describe(`${name}: answers by key`, () => {
    testAnswers(world);
  });

  describe(`${name}: cancelled and pruned`, () => {
    testStopping(world);
  });

  describe(`${name}: questions to people`, () => {
    testAsks(world);
  });

  describe(`${name}: many and closed`, () => {
    test('a hundred runs append at once and keep apart', async () => {
      const journal = await single();
      const runs = numbered(100, 'run-').map(runOf);
      await Promise.all(
        runs.map(async (run) => {
          const claim = await journal.claim(run);
          for (let index = 0; index < 5; index += 1) {
            claim.note(noted(`${run} note ${index}`));
            await claim.append([noted(`${run} append ${index}`)]);
          }
          await claim.release();
        }),
      );
      for (const run of runs) {
        expect(await namesOf(journal, run)).toEqual(numbered(5).flatMap((index) => [`${run} note ${index}`, `${run} append ${index}`]));
      }
    });

    test('a closed journal refuses every use', async () => {
      const journal = await single();
      const claim = await journal.claim(A);
      await claim.append([noted('1')]);
      await journal.close();
      await journal.close();
      const reads = [journal.at(A, placeOf('p')), entriesOf(journal, A), journal.row(A), journal.rows(), journal.unfinished()];
      const asked = [journal.asks(), journal.ask('an-ask'), journal.respond(askOf('an-ask'), yes(), 1)];
      const uses: Promise<unknown>[] = [journal.claim(A), ...reads, ...asked];
      expect(await Promise.all(uses.map(codeOf))).toEqual(uses.map(() => 'JOURNAL_UNWRITABLE'));
      expect(await codeOf(claim.append([noted('2')]))).not.toBe('none');
    });
  });

  describe(`${name}: any interleaving`, () => {
    test('of claims, notes, appends, releases and deaths leaves dense runs in which every claim kept a prefix with all it was promised', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 40, size: 'max' }), async (actions) =>
          judgeInterleaving(await world(), actions),
        ),
        { numRuns: 100 },
      );
    });
  });
}
