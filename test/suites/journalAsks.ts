// The laws of questions to people and of parked runs, run by journal.ts for every store.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AskRow, AskState, Responded } from '../../src/journal/ask.ts';
import type { AskId } from '../../src/journal/event.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { askOf, opened, over, park, parked, yes } from '../journal/askEvents.ts';
import { codeOf, entriesOf, noted, placeOf, runOf, started } from '../journal/entries.ts';
import type { JournalWorld } from './journalInterleaving.ts';

const A = runOf('run-a');
const B = runOf('run-b');
const ONE = askOf('one-ask');
const TWO = askOf('two-ask');

const ids = (rows: readonly { readonly ask: AskId }[]): string[] => rows.map(({ ask }) => ask);
const stateOf = async (journal: Journal, ask: AskId): Promise<AskState | undefined> => (await journal.ask(ask))?.state;
const kindOf = async (responding: Promise<Responded>): Promise<Responded['kind']> => (await responding).kind;

export function testAsks(world: () => Promise<JournalWorld>): void {
  const single = async (): Promise<Journal> => (await world()).open();

  test('asks are listed oldest first, by scope and by run, and say where they were opened', async () => {
    const journal = await single();
    await park(journal, B, [TWO], { at: 2_000, scope: 'acme' });
    await park(journal, A, [ONE], { at: 1_000, expiresAt: 9_000 });
    const rows = await journal.asks();
    expect(rows).toEqual([
      { ask: ONE, run: A, of: 'human', seq: 1, openedAt: 1_000, expiresAt: 9_000, state: 'open', since: 1_000 },
      { ask: TWO, run: B, scope: 'acme', of: 'human', seq: 1, openedAt: 2_000, state: 'open', since: 2_000 },
    ]);
    expect(ids(await journal.asks({ scope: 'acme' }))).toEqual([TWO]);
    expect(ids(await journal.asks({ run: A }))).toEqual([ONE]);
    expect(ids(await journal.asks({ run: A, scope: 'acme', all: true }))).toEqual([]);
    const [entry] = await entriesOf(journal, A, { after: 0, kinds: ['ask.opened'] });
    expect([entry?.seq, entry?.event]).toEqual([1, opened(ONE, 1_000, 9_000)]);
  });

  test('each end of an ask closes it for good, and only those that are open are listed by default', async () => {
    const journal = await single();
    const ends = ['ask.answered', 'ask.refused', 'ask.expired', 'ask.withdrawn'] as const;
    const claim = await journal.claim(A);
    const asks = ends.map((kind) => askOf(kind.replace('.', '-')));
    await claim.append([started(), ...asks.map((ask) => opened(ask))]);
    await claim.append(ends.map((kind, nth) => over(asks[nth] ?? ONE, kind, 2_000)));
    expect(await journal.asks()).toEqual([]);
    const all = await journal.asks({ all: true });
    expect(new Map(all.map(({ ask, state, since }) => [ask, [state, since]]))).toEqual(
      new Map(ends.map((kind, nth) => [asks[nth], [kind.slice(4), 2_000]])),
    );
    for (const [nth, ask] of asks.entries())
      expect(await kindOf(journal.respond(ask, yes(), 3_000))).toBe(ends[nth] === 'ask.expired' ? 'expired' : 'closed');
  });

  test('an ask is found by its id and by enough of it, and what may be several is refused', async () => {
    const journal = await single();
    await park(journal, A, [askOf('same-prefix-1'), askOf('same-prefix-2'), askOf('Az_9-0')]);
    expect((await journal.ask('Az_9-0'))?.ask).toBe(askOf('Az_9-0'));
    expect((await journal.ask(askOf('same-prefix-1')))?.ask).toBe(askOf('same-prefix-1'));
    expect((await journal.ask('same-prefix-2'))?.ask).toBe(askOf('same-prefix-2'));
    expect(await codeOf(journal.ask('same-p'))).toBe('ASK_UNKNOWN');
    expect(await codeOf(journal.ask('same-'))).toBe('ASK_UNKNOWN');
    expect(await journal.ask('nobody-asked')).toBeUndefined();
    expect(await journal.ask('same-prefix-%')).toBeUndefined();
  });

  test('the first response is accepted, and each later one told that it was not', async () => {
    const { open } = await world();
    const [one, other] = [await open(), await open()];
    await park(one, A, [ONE]);
    const accepted = await one.respond(ONE, yes(), 5_000);
    expect(accepted).toMatchObject({ kind: 'accepted', row: { ask: ONE, state: 'responded', since: 5_000 } });
    const late = await other.respond(ONE, { kind: 'refuse', reason: 'no', by: 'bob' }, 6_000);
    expect(late).toMatchObject({ kind: 'closed', row: { state: 'responded', since: 5_000, response: { by: 'ann' } } });
    expect(await kindOf(other.respond(TWO, yes(), 6_000))).toBe('unknown');
    expect(await other.asks()).toEqual([]);
    expect((await other.ask(ONE))?.response).toEqual({ kind: 'answer', value: { ok: true }, by: 'ann', at: 5_000 });
  });

  test('of many that respond at once, through several connections, exactly one is accepted', async () => {
    const { open } = await world();
    const journals = [await open(), await open(), await open()];
    const asks = Array.from({ length: 20 }, (_, nth) => askOf(`race-${nth}`));
    await park(journals[0] ?? (await open()), A, asks);
    const all = await Promise.all(
      asks.flatMap((ask) =>
        journals.flatMap((journal, nth) =>
          [0, 1].map(async (again) => ({ ask, by: `${nth}.${again}`, said: await journal.respond(ask, yes(`${nth}.${again}`), 5_000) })),
        ),
      ),
    );
    for (const ask of asks) {
      const accepted = all.filter((each) => each.ask === ask && each.said.kind === 'accepted');
      expect(accepted).toHaveLength(1);
      expect((await journals[1]?.ask(ask))?.response?.by).toBe(accepted[0]?.by);
    }
  });

  test('a response that comes when its time is over is refused', async () => {
    const journal = await single();
    await park(journal, A, [ONE], { expiresAt: 5_000 });
    expect(await kindOf(journal.respond(ONE, yes(), 5_000))).toBe('expired');
    expect(await stateOf(journal, ONE)).toBe('open');
    expect(await kindOf(journal.respond(ONE, yes(), 4_999))).toBe('accepted');
    expect(await kindOf(journal.respond(ONE, yes(), 6_000))).toBe('closed');
  });

  test('what was accepted outlives its process, and the next owner is told of it', async () => {
    const { open, kill } = await world();
    const [owner, answering] = [await open(), await open()];
    const claim = await owner.claim(A);
    await claim.append([started(), opened(ONE), opened(TWO), parked(1_001, ONE, TWO)]);
    await answering.respond(TWO, yes(), 4_000);
    await answering.respond(ONE, { kind: 'refuse', reason: 'no' }, 5_000);
    await kill(owner);
    await kill(answering);
    const next = await (await open()).claim(A);
    expect(await next.responses()).toEqual([
      { ask: TWO, response: { ...yes(), at: 4_000 } },
      { ask: ONE, response: { kind: 'refuse', reason: 'no', at: 5_000 } },
    ]);
    const heard = new Set<AskId>();
    await new Promise<void>((resolve) => next.onResponse((ask) => heard.add(ask).size === 2 && resolve()));
    await next.append([over(TWO, 'ask.answered', 6_000)]);
    expect(ids(await next.responses())).toEqual([ONE]);
  });

  test('a living owner hears of each response once, wherever it was accepted', async () => {
    const { open } = await world();
    const [owner, other] = [await open(), await open()];
    const claim = await owner.claim(A);
    await claim.append([started(), opened(ONE), opened(TWO)]);
    const heard: [AskId, unknown][] = [];
    const both = new Promise<void>((resolve) =>
      claim.onResponse((ask, response) => {
        heard.push([ask, response]);
        if (heard.length === 2) resolve();
      }),
    );
    await owner.respond(ONE, yes(), 4_000);
    await other.respond(TWO, yes(), 5_000);
    await both;
    expect(heard).toEqual([
      [ONE, { ...yes(), at: 4_000 }],
      [TWO, { ...yes(), at: 5_000 }],
    ]);
    await claim.append([over(ONE, 'ask.answered', 6_000)]);
    expect(ids(await claim.responses())).toEqual([TWO]);
  });

  test('who listens too late hears what was said before', async () => {
    const journal = await single();
    const claim = await journal.claim(A);
    await claim.append([started(), opened(ONE)]);
    await journal.respond(ONE, yes(), 4_000);
    expect(await new Promise((resolve) => claim.onResponse(resolve))).toBe(ONE);
  });

  test('a response is void once its run has closed the ask otherwise, and an ask may be opened again', async () => {
    const journal = await single();
    const claim = await journal.claim(A);
    await claim.append([started(), opened(ONE)]);
    await journal.respond(ONE, yes(), 4_000);
    await claim.append([over(ONE, 'ask.withdrawn', 5_000)]);
    expect(await claim.responses()).toEqual([]);
    expect(await journal.ask(ONE)).not.toHaveProperty('response');
    await claim.append([opened(ONE, 6_000)]);
    expect(await journal.ask(ONE)).toMatchObject({ state: 'open', seq: 3, openedAt: 6_000, since: 6_000 });
    expect(await kindOf(journal.respond(ONE, yes('bob'), 7_000))).toBe('accepted');
  });

  test('an append of a claim that lost its run changes no ask', async () => {
    const { open, kill } = await world();
    const [first, second] = [await open(), await open()];
    const old = await first.claim(A);
    await old.append([started(), opened(ONE)]);
    await kill(first);
    await second.claim(A);
    expect(await codeOf(old.append([over(ONE, 'ask.withdrawn', 2_000), opened(TWO)]))).toBe('RUN_LOST');
    expect(await stateOf(second, ONE)).toBe('open');
    expect(await second.ask(TWO)).toBeUndefined();
  });

  test('what is not JSON is no response', async () => {
    const journal = await single();
    await park(journal, A, [ONE]);
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    // What a caller without types may pass.
    expect(await codeOf(journal.respond(ONE, { kind: 'answer', value: ring as unknown as string }, 2_000))).toBe('NOT_JSON');
    expect(await stateOf(journal, ONE)).toBe('open');
  });

  testParking(world);
  testFold(world);
}

function testParking(world: () => Promise<JournalWorld>): void {
  test('a run is parked from its last event on until the next, with an owner or without', async () => {
    const { open, kill } = await world();
    const [owner, other] = [await open(), await open()];
    const claim = await owner.claim(A);
    const statusOf = async (): Promise<string | undefined> => (await other.row(A))?.status;
    await claim.append([started(), opened(ONE), parked(1_001, ONE)]);
    expect(await statusOf()).toBe('parked');
    await claim.append([over(ONE, 'ask.answered', 2_000)]);
    expect(await statusOf()).toBe('running');
    await claim.append([opened(TWO), parked(2_001, TWO), noted('late')]);
    expect(await statusOf()).toBe('running');
    await claim.append([parked(2_002, TWO)]);
    await kill(owner);
    expect(await statusOf()).toBe('parked');
    const next = await other.claim(A);
    await next.append([{ kind: 'run.resumed', entry: 1, activeMs: 1, at: 3_000 }]);
    expect(await statusOf()).toBe('running');
    await next.append([{ kind: 'run.failed', error: { code: 'CODE_FAILED', message: 'x' }, at: 4_000 }]);
    expect(await statusOf()).toBe('failed');
  });

  test('a parked run is ready once something was said to it, or an ask of it is past its time', async () => {
    const { open } = await world();
    const [journal, other] = [await open(), await open()];
    await park(journal, A, [ONE, TWO], { expiresAt: 9_000 });
    await (await other.claim(B)).append([started(1_500)]);
    const readyOf = async (now: number): Promise<unknown> =>
      (await journal.unfinished(now)).map(({ run, status, ready }) => [run, status, ready]);
    const running = [B, 'running', false];
    expect(await readyOf(8_999)).toEqual([[A, 'parked', false], running]);
    expect(await readyOf(9_000)).toEqual([[A, 'parked', true], running]);
    await other.respond(TWO, yes(), 5_000);
    expect(await readyOf(5_000)).toEqual([[A, 'parked', true], running]);
    const claim = await journal.claim(A);
    expect(await readyOf(5_000)).toEqual([[A, 'parked', false], running]);
    await claim.append([over(TWO, 'ask.answered', 6_000), parked(6_000, ONE)]);
    await claim.release();
    expect(await readyOf(6_000)).toEqual([[A, 'parked', false], running]);
  });

  test('an interrupted run is ready', async () => {
    const { open, kill } = await world();
    const owner = await open();
    await (await owner.claim(A)).append([started(), opened(ONE)]);
    await kill(owner);
    expect(await (await open()).unfinished(1_000)).toMatchObject([{ status: 'interrupted', ready: true }]);
  });

  test('a parked run that nobody holds is cancelled at once: its open asks are withdrawn, what was said stays', async () => {
    const journal = await single(world);
    await park(journal, A, [ONE, TWO]);
    await journal.respond(TWO, yes(), 4_000);
    expect(await journal.cancel(A, { reason: 'not needed' })).toEqual({ kind: 'cancelled' });
    expect(await journal.row(A)).toMatchObject({ status: 'cancelled' });
    expect(await stateOf(journal, ONE)).toBe('withdrawn');
    const [withdrawn] = await entriesOf(journal, A, { kinds: ['ask.withdrawn'] });
    expect(withdrawn?.event).toMatchObject({ ask: ONE, place: placeOf(ONE) });
    expect(await kindOf(journal.respond(ONE, yes(), 5_000))).toBe('closed');
    expect(ids(await (await journal.claim(A)).responses())).toEqual([TWO]);
  });

  test('a parked run whose owner lives is told to stop', async () => {
    const { open } = await world();
    const [owner, other] = [await open(), await open()];
    const claim = await owner.claim(A);
    await claim.append([started(), opened(ONE), parked(1_001, ONE)]);
    const heard = new Promise<string>((resolve) => claim.onCancel(resolve));
    expect(await other.cancel(A, { reason: 'stop' })).toMatchObject({ kind: 'asked' });
    expect(await heard).toBe('stop');
  });

  test('a parked run is pruned only where it is meant, never while its owner lives, and its asks go with it', async () => {
    const { open } = await world();
    const [journal, other] = [await open(), await open()];
    await park(journal, A, [ONE]);
    const claim = await journal.claim(B);
    await claim.append([started(), opened(TWO), parked(1_001, TWO)]);
    const prunedBy = async (options: Parameters<Journal['prune']>[0]): Promise<readonly string[]> =>
      (await other.prune({ ...options, dryRun: true })).runs.map(({ run }) => run);
    expect(await prunedBy({ before: 5_000 })).toEqual([]);
    expect(await prunedBy({ before: 5_000, statuses: ['parked'] })).toEqual([A]);
    expect(await codeOf(other.prune({ runs: [B] }))).toBe('RUN_OWNED');
    await other.prune({ runs: [A] });
    expect(ids(await other.asks({ all: true }))).toEqual([TWO]);
    expect(await kindOf(other.respond(ONE, yes(), 2_000))).toBe('unknown');
    await park(other, A, [ONE], { at: 3_000 });
    expect(await stateOf(other, ONE)).toBe('open');
  });
}

const single = async (world: () => Promise<JournalWorld>): Promise<Journal> => (await world()).open();

/** What one ask may go through, in any order: by its run, and by people. */
type Step = { readonly do: 'open' | 'answered' | 'refused' | 'expired' | 'withdrawn' | 'respond'; readonly ask: number };

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('open', 'open', 'respond', 'respond', 'answered', 'refused', 'expired', 'withdrawn'),
  ask: fc.nat({ max: 2 }),
});

function testFold(world: () => Promise<JournalWorld>): void {
  test('whatever happens to asks, the table says what the last event and the first response said', async () => {
    const journal = await single(world);
    let nth = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        nth += 1;
        const run = runOf(`fold-${nth}`);
        const claim = await journal.claim(run);
        await claim.append([started()]);
        const model = new Map<AskId, Pick<AskRow, 'state' | 'since' | 'seq'>>();
        let [seq, at] = [0, 1_000];
        for (const { do: what, ask: index } of steps) {
          at += 1;
          const ask = askOf(`fold-${nth}-${index}`);
          const before = model.get(ask);
          if (what === 'respond') {
            const accepted = (await journal.respond(ask, yes(), at)).kind === 'accepted';
            expect(accepted).toBe(before?.state === 'open');
            if (before !== undefined && accepted) model.set(ask, { ...before, state: 'responded', since: at });
            continue;
          }
          await claim.append([what === 'open' ? opened(ask, at) : over(ask, `ask.${what}`, at)]);
          seq += 1;
          if (what === 'open') model.set(ask, before?.state === 'responded' ? { ...before, seq } : { state: 'open', since: at, seq });
          else if (before !== undefined) model.set(ask, { ...before, state: what, since: at });
        }
        const rows = await journal.asks({ run, all: true });
        expect(new Map(rows.map(({ ask, state, since, seq: of }) => [ask, { state, since, seq: of }]))).toEqual(model);
        expect(ids(await claim.responses()).sort()).toEqual(
          [...model].flatMap(([ask, { state }]) => (state === 'responded' ? [ask] : [])).sort(),
        );
        await claim.release();
      }),
      { numRuns: 25 },
    );
  });
}
