import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billOf } from '../../src/journal/bill.ts';
import type { Happening } from '../../src/journal/event.ts';
import type { CallNode } from '../../src/journal/tree.ts';
import { treeOf } from '../../src/journal/tree.ts';
import {
  callFailed,
  callStarted,
  callSucceeded,
  journalOf,
  modelFailed,
  requested,
  responded,
  runResumed,
  runStarted,
  usageOf,
} from './story.ts';

interface Plan {
  readonly path: string;
  readonly end: 'succeeds' | 'fails' | 'open';
  readonly turns: readonly {
    readonly usd: number | undefined;
    readonly end: 'answer' | 'failure' | 'none';
    /** Sent a second time, and whether it is told that this one lost. */
    readonly hedge: 'lost' | 'open' | undefined;
  }[];
  readonly below: readonly Plan[];
}

const turn = fc.record({
  usd: fc.option(fc.nat(500), { nil: undefined }),
  end: fc.constantFrom('answer', 'answer', 'failure', 'none'),
  hedge: fc.constantFrom(undefined, undefined, 'lost', 'open'),
});

/** A call and those below it; the segment in between is a branch, an attempt, a tool call or nothing. */
const plans = (path: string, depth: number): fc.Arbitrary<Plan> =>
  fc.nat(depth === 0 ? 0 : 3).chain((width) =>
    fc
      .tuple(
        ...Array.from({ length: width }, (_, i) =>
          fc.constantFrom('', `[${i}]`, `@1[${i}]`, `:${i + 1}.0`).chain((branch) => plans(`${path}${branch}/c${i}`, depth - 1)),
        ),
      )
      .chain((below) =>
        fc.record({
          path: fc.constant(path),
          end: fc.constantFrom('succeeds', 'fails', 'open'),
          turns: fc.array(turn, { maxLength: 3 }),
          below: fc.constant(below),
        }),
      ),
  );

function tell(plan: Plan): Happening[] {
  const { path } = plan;
  const turns = plan.turns.flatMap(({ usd, end, hedge }, index) => {
    const asking = { turn: index + 1, ...(usd === undefined ? {} : { reservedUsd: usd }) };
    const answer = { turn: index + 1, usage: usageOf(index * 7, 3), ...(usd === undefined ? {} : { usd }) };
    return [
      requested(path, asking),
      ...(hedge === undefined ? [] : [requested(path, { ...asking, hedge: true })]),
      ...(end === 'answer' ? [responded(path, answer)] : end === 'failure' ? [modelFailed(path, answer)] : []),
      ...(hedge === 'lost' ? [modelFailed(path, { ...answer, hedge: true, lost: true })] : []),
    ];
  });
  const end = plan.end === 'succeeds' ? [callSucceeded(path)] : plan.end === 'fails' ? [callFailed(path)] : [];
  return [callStarted(path, { asker: `asker of ${path}` }), ...turns, ...plan.below.flatMap(tell), ...end];
}

function pathsOf(plan: Plan): string[][] {
  return [[plan.path, ...plan.below.map(({ path }) => path)], ...plan.below.flatMap(pathsOf)];
}

function nodesOf(node: CallNode): CallNode[] {
  return [node, ...node.children.flatMap(nodesOf)];
}

describe('the tree of any run', () => {
  it('has every call once, below the one that asked for it', async () => {
    await fc.assert(
      fc.asyncProperty(plans('top', 3), async (plan) => {
        const { root } = await treeOf(journalOf(runStarted, ...tell(plan)));
        expect(nodesOf(root!).map(({ path, children }) => [path, ...children.map((child) => child.path)])).toEqual(pathsOf(plan));
      }),
    );
  });

  it('costs at its root what the bill says, also when answers are missing and the run was resumed', async () => {
    await fc.assert(
      fc.asyncProperty(plans('top', 2), fc.boolean(), async (plan, resumed) => {
        const again = resumed ? [runResumed(2, 1), ...tell(plan).filter(({ kind }) => kind !== 'call.started')] : [];
        const entries = journalOf(runStarted, ...tell(plan), ...again);
        const [tree, bill] = [await treeOf(entries), await billOf(entries)];
        const { calls, tokensIn, tokensOut, usdMicros, callsUnpriced } = bill;
        expect(tree.root?.total).toEqual({ calls, tokensIn, tokensOut, usdMicros, unpriced: callsUnpriced });
      }),
    );
  });

  it('lets no call run on after the run has ended', async () => {
    await fc.assert(
      fc.asyncProperty(plans('top', 2), async (plan) => {
        const { root } = await treeOf(journalOf(runStarted, ...tell(plan), { kind: 'run.cancelled', reason: 'enough' }));
        for (const { status, path } of nodesOf(root!)) expect(`${path} ${status}`).not.toContain('running');
      }),
    );
  });
});
