import { describe, expect, it } from 'vitest';
import type { Happening, Json } from '../../src/journal/event.ts';
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
  waited,
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
        {
          kind: 'effect.committing',
          ...act,
          attempt: placeOf('a@0'),
          path: 'a:1.0/mail',
          tool: 'mail',
          args: { to: 'x' },
          effect: 'immediate',
        },
        { kind: 'effect.uncertain', ...act },
        { kind: 'tool.returned', place: placeOf('t'), error: { code: 'CODE_FAILED', message: 'no such address' }, ms: 4 },
      ),
    );
    expect(tree.root?.attempts[0]?.turns[0]?.tools).toMatchObject([
      { tool: 'mail', status: 'failed', ms: 4, error: { message: 'no such address' } },
    ]);
    expect(tree.root?.effects).toMatchObject([{ key: 'k1', tool: 'mail', path: 'a:1.0/mail', state: 'uncertain', sent: { to: 'x' } }]);
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

  it('says what a call waited for, and at which gate', async () => {
    const tree = await treeOf(
      journalOf(
        runStarted,
        callStarted('a'),
        waited('a', 'budget', 30),
        waited('a', 'gate', 400, 'acme/small'),
        waited('a', 'gate', 600, 'acme/small'),
        waited('a', 'gate', 5, 'acme/large'),
      ),
    );
    expect(tree.root?.waits).toEqual([
      { limit: 'budget', ms: 30 },
      { limit: 'gate', gate: 'acme/small', ms: 1_000 },
      { limit: 'gate', gate: 'acme/large', ms: 5 },
    ]);
    expect(tree.root?.waitedMs).toBe(1_035);
  });

  it('shows a hedged turn as one turn, with what both sendings cost', async () => {
    const hedged = [runStarted, callStarted('a'), requested('a'), requested('a', { hedge: true })];
    const won = responded('a', { hedge: true, text: 'second', usage: usageOf(80, 20), ms: 7 });
    const lost = modelFailed('a', { lost: true, usage: usageOf(100, 3), ms: 90 });
    for (const ends of [
      [won, lost],
      [lost, won],
    ]) {
      const { root } = await treeOf(journalOf(...hedged, ...ends));
      expect(root?.attempts[0]?.turns).toMatchObject([
        { sent: 1, hedges: 1, hedgeWon: true, status: 'answered', said: 'second', tokensIn: 80, tokensOut: 20, ms: 7 },
      ]);
      expect(root?.attempts[0]?.turns[0]).not.toHaveProperty('error');
      expect(root?.own).toMatchObject({ calls: 2, tokensIn: 180, tokensOut: 23 });
    }
  });

  it('does not call a turn failed while its other sending is on its way', async () => {
    const story = [runStarted, callStarted('a'), requested('a'), requested('a', { hedge: true }), modelFailed('a')];
    const going = (await treeOf(journalOf(...story))).root?.attempts[0]?.turns[0];
    expect(going).toMatchObject({ status: 'running', failures: ['MODEL_FAILED'] });
    const failed = (await treeOf(journalOf(...story, modelFailed('a', { hedge: true })))).root?.attempts[0]?.turns[0];
    expect(failed).toMatchObject({ status: 'failed', error: { code: 'MODEL_FAILED' } });
    const crashed = await treeOf(journalOf(...story.slice(0, 4), runResumed(2, 10), requested('a'), modelFailed('a')));
    expect(crashed.root?.attempts[0]?.turns[0]).toMatchObject({ status: 'failed', error: { code: 'MODEL_FAILED' } });
  });

  it('says which model a turn was moved to and why, also before its first request', async () => {
    const move = (choice: string, reason: string): Happening => ({
      kind: 'decision',
      place: attemptOf('a'),
      question: 'model',
      choice,
      reason,
    });
    const { root } = await treeOf(
      journalOf(
        runStarted,
        callStarted('a'),
        move('b/two', 'a/one is down'),
        requested('a', { model: 'b/two' }),
        modelFailed('a', { retryMs: 0 }),
        move('c/three', 'b/two is down'),
        requested('a', { model: 'c/three' }),
        responded('a'),
        requested('a', { turn: 2, model: 'c/three' }),
      ),
    );
    const [first, second] = root?.attempts[0]?.turns ?? [];
    expect(first).toMatchObject({
      model: 'c/three',
      moves: [
        { to: 'b/two', why: 'a/one is down' },
        { to: 'c/three', why: 'b/two is down' },
      ],
    });
    expect(second).not.toHaveProperty('moves');
  });

  it('counts a failure of a turn among those that were made good only once the turn is asked again, of whomever', async () => {
    const turnOf = async (...more: readonly Happening[]): Promise<unknown> =>
      (await treeOf(journalOf(runStarted, callStarted('a'), requested('a'), ...more))).root?.attempts[0]?.turns[0];
    for (const failing of [modelFailed('a'), modelFailed('a', { retryMs: 5 })]) {
      const failed = await turnOf(failing);
      expect(failed).toMatchObject({ status: 'failed', error: { code: 'MODEL_FAILED' } });
      expect(failed).not.toHaveProperty('failures');
      for (const again of [requested('a', { again: 1 }), requested('a', { model: 'other/large' })]) {
        const answered = await turnOf(failing, again, responded('a'));
        expect(answered).toMatchObject({ status: 'answered', failures: ['MODEL_FAILED'], sent: 2 });
        expect(answered).not.toHaveProperty('error');
      }
    }
    const hedged = await turnOf(requested('a', { hedge: true }), modelFailed('a', { hedge: true }), responded('a'));
    expect(hedged).toMatchObject({ status: 'answered', failures: ['MODEL_FAILED'] });
    expect(hedged).not.toHaveProperty('error');
  });

  it('has each incident once, as it was last told, and not as a limit of a call', async () => {
    const incident = { id: 'i1', gate: 'acme/small', since: 1_000, failures: 3, code: 'MODEL_UNAVAILABLE', message: 'no answer' };
    const tripped = (evidence: Json): Happening => ({ kind: 'guard.tripped', place: placeOf('a'), guard: 'breaker', call: 'a', evidence });
    const tree = await treeOf(
      journalOf(runStarted, callStarted('a'), tripped(incident), tripped({ ...incident, until: 9_000, failures: 5 }), tripped('garbage')),
    );
    expect(tree.incidents).toEqual([{ ...incident, until: 9_000, failures: 5, toldAt: 1_030 }]);
    expect(tree.root?.guards).toEqual([{ guard: 'breaker', evidence: 'garbage' }]);
  });

  it('is empty for a run in which nothing was asked', async () => {
    expect(await treeOf([])).toEqual({ status: 'running', missing: [], asks: [], events: 0, incidents: [], entries: [] });
  });
});
