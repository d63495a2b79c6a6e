import { describe, expect, it } from 'vitest';
import type { CallNode } from '../../src/journal/tree.ts';
import { treeOf } from '../../src/journal/tree.ts';
import {
  attemptOf,
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

/** Paths with their depth, as a reader sees them. */
function outline(node: CallNode | undefined, depth = 0): string[] {
  return node === undefined
    ? []
    : [`${'  '.repeat(depth)}${node.path} ${node.status}`, ...node.children.flatMap((child) => outline(child, depth + 1))];
}

describe('the tree of a run', () => {
  it('hangs branches of a fan-out below the call that opened them', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('sweep', { of: 'mapReduce', width: 2 }),
        callStarted('sweep[0]/review', { asker: 'branch 0' }),
        callStarted('sweep[1]/review', { asker: 'branch 1' }),
        callSucceeded('sweep[1]/review'),
      ),
    );
    expect(outline(tree.root)).toEqual(['sweep running', '  sweep[0]/review running', '  sweep[1]/review succeeded']);
    expect(tree.root).toMatchObject({ kind: 'mapReduce', width: 2, inputChars: '{"path":"sweep"}'.length });
  });

  it('finds the asker of a call made by a tool of a later turn, of a second attempt, and of a repeated question', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('flow', { of: 'flow' }),
        callStarted('flow/review'),
        callStarted('flow/review#1'),
        callStarted('flow/review#1:2.1/lookup', { asker: 'a tool call' }),
        callStarted('flow@1/review', { asker: 'the second attempt' }),
        callStarted('flow@1/review:1.0/lookup', { asker: 'another tool call' }),
      ),
    );
    expect(outline(tree.root).map((line) => line.replace(' running', ''))).toEqual([
      'flow',
      '  flow/review',
      '  flow/review#1',
      '    flow/review#1:2.1/lookup',
      '  flow@1/review',
      '    flow@1/review:1.0/lookup',
    ]);
  });

  it('trusts the place of an asker over what its path looks like', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('top'),
        callStarted('top/a'),
        requested('top/a'),
        callStarted('elsewhere/b', { asker: attemptOf('top/a') }),
      ),
    );
    expect(outline(tree.root)).toEqual(['top running', '  top/a running', '    elsewhere/b running']);
  });

  it('shows every attempt of a model that answers garbage, with what it said and why it was refused', async () => {
    const problems = [{ path: 'title', message: 'is missing' }];
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('review'),
        attemptStarted('review', 1),
        requested('review'),
        responded('review', { text: 'no idea' }),
        { kind: 'attempt.repaired', place: attemptOf('review'), turn: 1, problems },
        requested('review', { turn: 2, why: 'repair' }),
        responded('review', { turn: 2, text: 'still none' }),
        attemptRejected('review', 1),
        attemptStarted('review', 2),
        requested('review', { attempt: 2 }),
        responded('review', { attempt: 2, text: 'nothing' }),
        attemptRejected('review', 2),
        callFailed('review'),
        { kind: 'run.failed', error: { code: 'CONTRACT_VIOLATION', message: 'review does not fit' } },
      ),
    );
    expect(tree).toMatchObject({ status: 'failed', failure: { code: 'CONTRACT_VIOLATION' } });
    const { root } = tree;
    expect(root).toMatchObject({ status: 'failed', failure: { code: 'CONTRACT_VIOLATION', problems } });
    expect(root?.attempts.map(({ turns }) => turns.map(({ said, why, problems: refused }) => [why, said, refused?.length]))).toEqual([
      [
        ['ask', 'no idea', 1],
        ['repair', 'still none', undefined],
      ],
      [['ask', 'nothing', undefined]],
    ]);
    expect(root?.attempts.map(({ rejected }) => rejected?.why)).toEqual(['contract', 'contract']);
  });

  it('sums what a call and all below it cost', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('top'),
        requested('top', { reservedUsd: 40 }),
        responded('top', { usage: usageOf(10, 5), usd: 20 }),
        callStarted('top/a', { asker: attemptOf('top') }),
        requested('top/a', { reservedUsd: 40 }),
        responded('top/a', { usage: usageOf(7, 3), usd: 11 }),
        requested('top/a', { turn: 2 }),
        responded('top/a', { turn: 2, usage: usageOf(1, 1) }),
      ),
    );
    expect(tree.root?.own).toEqual({ calls: 1, tokensIn: 10, tokensOut: 5, usdMicros: 20, unpriced: 0 });
    expect(tree.root?.total).toEqual({ calls: 3, tokensIn: 18, tokensOut: 9, usdMicros: 31, unpriced: 1 });
  });

  it('shows tool calls in their turn, with failures and acts on the world', async () => {
    const tool = {
      kind: 'tool.called',
      call: placeOf('a'),
      path: 'a:1.0/mail',
      tool: 'mail',
      args: { to: 'x' },
      effect: 'immediate',
      id: 't1',
    } as const;
    const act = { place: placeOf('t'), calls: [placeOf('a')], key: 'k1' };
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('a'),
        requested('a'),
        responded('a'),
        { ...tool, place: placeOf('t') },
        { kind: 'effect.committing', ...act, path: 'a:1.0/mail', tool: 'mail', args: { to: 'x' } },
        { kind: 'effect.uncertain', ...act },
        { kind: 'tool.returned', place: placeOf('t'), error: { code: 'CODE_FAILED', message: 'no such address' }, ms: 4 },
      ),
    );
    expect(tree.root?.attempts[0]?.turns[0]?.tools).toMatchObject([
      { tool: 'mail', status: 'failed', ms: 4, error: { message: 'no such address' } },
    ]);
    expect(tree.root?.acts).toEqual([{ key: 'k1', tool: 'mail', path: 'a:1.0/mail', state: 'uncertain' }]);
  });

  it('shows what a resume forgot and that it succeeded afterwards', async () => {
    const retracted = { kind: 'call.retracted', place: placeOf('top/a'), why: 'program', note: 'its instructions changed' } as const;
    const before = [
      runStarted,
      callStarted('top', { of: 'flow' }),
      callStarted('top/a'),
      requested('top/a'),
      responded('top/a'),
      callSucceeded('top/a'),
    ];
    const forgotten = await treeOf(journalOf(...before, runResumed(2, 50), retracted));
    expect(outline(forgotten.root)).toEqual(['top interrupted', '  top/a retracted']);
    const again = await treeOf(
      journalOf(...before, runResumed(2, 50), retracted, requested('top/a'), responded('top/a'), callSucceeded('top/a')),
    );
    expect(outline(again.root)).toEqual(['top running', '  top/a succeeded']);
    expect(again.root?.children[0]?.retractions).toEqual([{ entry: 2, why: 'program', note: 'its instructions changed' }]);
    expect(again.entries.map(({ entry }) => entry)).toEqual([1, 2]);
  });

  it('calls what nobody works on any more interrupted, not running', async () => {
    const entries = journalOf(runStarted, callStarted('top', { of: 'map' }), callStarted('top[0]/a'), requested('top[0]/a'));
    expect(outline((await treeOf(entries)).root)).toEqual(['top running', '  top[0]/a running']);
    expect(outline((await treeOf(entries, { abandoned: true })).root)).toEqual(['top interrupted', '  top[0]/a interrupted']);
    const cancelled = await treeOf(journalOf(...entries.map(({ event }) => event), { kind: 'run.cancelled', reason: 'Ctrl-C' }));
    expect(cancelled).toMatchObject({ status: 'cancelled', reason: 'Ctrl-C', root: { status: 'interrupted' } });
  });

  it('counts a turn that a crash swallowed as sent twice', async () => {
    const tree = await treeOf(journalOf(runStarted, callStarted('a'), requested('a'), runResumed(2, 10), requested('a'), responded('a')));
    expect(tree.root?.attempts[0]?.turns).toMatchObject([{ turn: 1, sent: 2, status: 'answered', tokensIn: 90 }]);
    expect(tree.root?.own).toMatchObject({ calls: 2, tokensIn: 190 });
  });

  it('tells a partial result from a whole one, with its gaps and whose failures were passed on', async () => {
    const gap = { call: 'top[1]/a', place: placeOf('top[1]/a'), index: 1, error: { code: 'MODEL_FAILED', message: '500' } } as const;
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('top', { of: 'map', width: 2 }),
        callStarted('top[1]/a'),
        requested('top[1]/a'),
        modelFailed('top[1]/a'),
        callStarted('top[1]/a/b'),
        callFailed('top[1]/a/b'),
        callFailed('top[1]/a', ['top[1]/a/b']),
        { kind: 'call.succeeded', place: placeOf('top'), outputHash: 'h', gaps: [gap] },
        { kind: 'run.succeeded', output: { done: [] }, missing: [gap] },
      ),
    );
    expect(tree.status).toBe('partial');
    expect(tree.root).toMatchObject({ status: 'succeeded', gaps: [{ index: 1 }] });
    expect(tree.root?.children[0]).toMatchObject({ status: 'failed', causes: ['top[1]/a/b'] });
    expect(tree.root?.children[0]?.attempts[0]?.turns[0]).toMatchObject({ status: 'failed', error: { message: 'the provider said 500' } });
  });

  it('shows limits that were reached and time spent waiting', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('a'),
        { kind: 'limit.waited', place: placeOf('a'), limit: 'budget', call: 'a', ms: 30 },
        { kind: 'limit.waited', place: placeOf('a'), limit: 'budget', call: 'a', ms: 12 },
        { kind: 'guard.tripped', place: placeOf('a'), guard: 'turns', call: 'a', evidence: { bound: 3 } },
      ),
    );
    expect(tree.root).toMatchObject({ waitedMs: 42, guards: [{ guard: 'turns', evidence: { bound: 3 } }] });
  });

  it('is empty for a run in which nothing was asked', async () => {
    expect(await treeOf([])).toEqual({ status: 'running', missing: [], events: 0, entries: [] });
  });
});
