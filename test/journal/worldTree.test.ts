import { describe, expect, it } from 'vitest';
import { billOf } from '../../src/journal/bill.ts';
import { treeOf } from '../../src/journal/tree.ts';
import {
  askAnswered,
  askExpired,
  askOpened,
  askRefused,
  askWithdrawn,
  callConfirmed,
  callStarted,
  callSucceeded,
  committed,
  committing,
  discarded,
  journalOf,
  runParked,
  runResumed,
  runStarted,
  staged,
  uncertain,
  undone,
} from './story.ts';

describe('effects in the tree of a run', () => {
  it('stand at the call that they serve, each as far as it got, also discarded ones', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('top', { of: 'pipe' }),
        callStarted('top/a'),
        staged('top/a', 'k1', { title: 'Lamp' }),
        staged('top/a', 'k2'),
        discarded('top/a', 'k2', 'attempt 1 was rejected'),
        callStarted('top/b'),
        committing('top/b', 'k3', {}, 'immediate'),
        uncertain('top/b', 'k3'),
        committed('top/b', 'k3', { id: 7 }, 'verified'),
        committing('top/b', 'k4', {}, 'immediate'),
        committed('top/b', 'k4'),
        undone('top/b', 'k4'),
      ),
    );
    expect(tree.root?.effects).toEqual([]);
    expect(tree.root?.children.map(({ effects }) => effects)).toMatchObject([
      [
        { key: 'k1', state: 'staged', args: { title: 'Lamp' }, receipt: '[receipt:k1]' },
        { key: 'k2', state: 'discarded', why: 'attempt 1 was rejected' },
      ],
      [
        { key: 'k3', state: 'committed', how: 'verified', result: { id: 7 } },
        { key: 'k4', state: 'undone' },
      ],
    ]);
  });

  it('count at the call that commits them, wherever they were staged', async () => {
    const begun = [
      runStarted,
      callStarted('top', { of: 'pipe' }),
      callStarted('top/a'),
      staged('top/a', 'k1'),
      staged('top/a', 'k2', {}, { approve: true }),
      callSucceeded('top/a'),
      callConfirmed('top', ['k1', 'k2']),
    ];
    const confirmed = async (...more: ReturnType<typeof staged>[]): Promise<unknown> =>
      (await treeOf(journalOf(...begun, ...more))).root?.confirmed;
    expect(await confirmed()).toEqual({ effects: ['k1', 'k2'], done: 0 });
    expect(await confirmed(committing('top/a', 'k1'), committed('top/a', 'k1'))).toEqual({ effects: ['k1', 'k2'], done: 1 });
    const forgotten = await confirmed({
      kind: 'call.retracted',
      place: begun[1]?.kind === 'call.started' ? begun[1].place : ('' as never),
      why: 'undone',
    });
    expect(forgotten).toBeUndefined();
  });
});

describe('asks in the tree of a run', () => {
  it('stand at the call that they stop, with what was said, by whom and when', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('top'),
        askOpened('top', 'q1', 'Which?', { form: { type: 'string' }, expiresAt: 9_000 }),
        askOpened('top', 'q2', 'May it?', { of: 'approval' }),
        askOpened('top', 'q3', 'When?'),
        askOpened('top', 'q4', 'Who?'),
        askOpened('', 'q5', 'Go on?', { of: 'diverged' }),
        { pauseMs: 500 },
        askAnswered('q1', 'that one', 'ana'),
        askRefused('q2', 'not today'),
        askExpired('q3'),
        askWithdrawn('q4', 'its branch lost'),
      ),
    );
    expect(tree.root?.asks).toMatchObject([
      { ask: 'q1', state: 'answered', value: 'that one', by: 'ana', openedAt: 1_020, closedAt: 1_570, expiresAt: 9_000 },
      { ask: 'q2', state: 'refused', why: 'not today' },
      { ask: 'q3', state: 'expired' },
      { ask: 'q4', state: 'withdrawn', why: 'its branch lost' },
    ]);
    expect(tree.asks).toMatchObject([{ ask: 'q5', of: 'diverged', state: 'open' }]);
  });
});

describe('a parked run', () => {
  const begun = [runStarted, callStarted('top'), askOpened('top', 'q1', 'Which?'), runParked('q1')];

  it('is parked until anything else happens in it, and that time is no work', async () => {
    expect(await treeOf(journalOf(...begun))).toMatchObject({ status: 'parked', parkedAt: 1_030, root: { status: 'running' } });
    const later = journalOf(...begun, { pauseMs: 5_000 }, askAnswered('q1', 'this'), callSucceeded('top'));
    const tree = await treeOf(later);
    expect(tree).toMatchObject({ status: 'running', entries: [{ parkedMs: 5_010 }] });
    expect(tree.parkedAt).toBeUndefined();
    expect(await billOf(later)).toMatchObject({ wallMs: 5_050, activeMs: 40 });
  });

  it('that somebody takes up again was parked between two entries, not in one', async () => {
    const later = journalOf(...begun, { pauseMs: 5_000 }, runResumed(2, 30), askAnswered('q1', 'this'));
    expect(await treeOf(later)).toMatchObject({ status: 'running', entries: [{ parkedMs: 0 }, { parkedMs: 0 }] });
    expect((await billOf(later)).activeMs).toBe(40);
  });
});

it('a call that has waited for a person since an earlier entry is not cut off, though nothing happened there since', async () => {
  const story = [
    runStarted,
    callStarted('top', { of: 'flow' }),
    callStarted('top/a'),
    askOpened('top/a', 'q1', 'Which?'),
    callStarted('top/b'),
  ];
  const tree = await treeOf(journalOf(...story, runParked('q1'), runResumed(2, 30), runParked('q1')));
  expect(tree.root?.children).toMatchObject([{ status: 'running' }, { status: 'interrupted' }]);
});
