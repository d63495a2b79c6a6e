// What is refused leaves no trace: random programs of the combinators that exist, whose world counts by key. What must have been done
// is worked out here from what holds, and from nothing that the runtime says.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { agent, all, type AnyAgent, flow, map, pipe, RunError, step, tool, transaction } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { Trial } from '../support/trial.ts';

/** How a node refuses what is below it, in its first attempt. */
type Refusal = 'none' | 'check' | 'contract' | 'throws' | 'budget' | 'timeout';

type Node =
  | { readonly kind: 'step' | 'model'; readonly refuses: boolean }
  | { readonly kind: 'pipe' | 'all' | 'map' | 'race'; readonly parts: readonly Node[] }
  | { readonly kind: 'transaction'; readonly parts: readonly [Node] }
  /** A flow that may refuse, once or for good, and that may catch what fails below it. */
  | {
      readonly kind: 'flow';
      readonly parts: readonly Node[];
      readonly refusal: Refusal;
      readonly attempts: 1 | 2;
      readonly catches: boolean;
      readonly checked: boolean;
    };

const { node } = fc.letrec<{ node: Node }>((tie) => {
  const parts = fc.array(tie('node'), { minLength: 1, maxLength: 3 });
  return {
    node: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      fc.record({ kind: fc.constantFrom('step' as const, 'model' as const), refuses: fc.constant(false) }),
      fc.record({ kind: fc.constantFrom('model' as const), refuses: fc.boolean() }),
      fc.record({ kind: fc.constantFrom('pipe' as const, 'all' as const, 'race' as const, 'map' as const), parts }),
      fc.record({ kind: fc.constant('transaction' as const), parts: fc.tuple(tie('node')) }),
      fc.record({
        kind: fc.constant('flow' as const),
        parts,
        refusal: fc.constantFrom<Refusal>('none', 'none', 'check', 'contract', 'throws', 'budget', 'timeout'),
        attempts: fc.constantFrom(1 as const, 2 as const),
        catches: fc.boolean(),
        checked: fc.boolean(),
      }),
    ),
  };
});

/** What comes of a node: whether it succeeds, and the names of what it staged that rises, or was done by itself. */
interface Came {
  readonly ok: boolean;
  readonly rises: readonly string[];
}

/** Works out what must be done. `done` has what calls without a holder committed. */
function expected(root: Node): { readonly ok: boolean; readonly done: readonly string[] } {
  const done: string[] = [];
  const commits = (held: boolean, came: Came): Came => {
    if (held || !came.ok) return came;
    done.push(...came.rises);
    return { ok: came.ok, rises: [] };
  };
  const inOrder = (nodes: readonly Node[], path: string, held: boolean, attempt: string): Came => {
    const rises: string[] = [];
    for (const [index, part] of nodes.entries()) {
      const came = visit(part, `${path}.${index}${attempt}`, held);
      if (!came.ok) return { ok: false, rises: [] };
      rises.push(...came.rises);
    }
    return { ok: true, rises };
  };
  const visit = (one: Node, path: string, held: boolean): Came => {
    switch (one.kind) {
      case 'step':
        return commits(held, { ok: true, rises: [path] });
      case 'model':
        return commits(held, one.refuses ? { ok: false, rises: [] } : { ok: true, rises: [path] });
      case 'pipe':
        return inOrder(one.parts, path, held, '');
      case 'all': {
        const came = one.parts.map((part, index) => visit(part, `${path}.${index}`, held));
        return came.every(({ ok }) => ok) ? { ok: true, rises: came.flatMap(({ rises }) => rises) } : { ok: false, rises: [] };
      }
      case 'map': {
        const came = one.parts.map((part, index) => visit(part, `${path}.${index}`, held));
        const kept = came.filter(({ ok }) => ok);
        return { ok: kept.length > 0, rises: kept.flatMap(({ rises }) => rises) };
      }
      case 'race': {
        // The later a branch, the longer it takes: the first that succeeds wins.
        const came = one.parts.map((part, index) => visit(part, `${path}.${index}`, true));
        return commits(held, came.find(({ ok }) => ok) ?? { ok: false, rises: [] });
      }
      case 'transaction':
        return commits(held, visit(one.parts[0], `${path}.0`, true));
      case 'flow': {
        const holds = one.checked || one.attempts > 1 || one.refusal === 'check' || one.refusal === 'contract';
        for (let attempt = 0; attempt < one.attempts; attempt += 1) {
          const rises: string[] = [];
          let ok = true;
          for (const [index, part] of one.parts.entries()) {
            const came = visit(part, `${path}.${index}@${attempt}`, held || holds);
            if (came.ok) rises.push(...came.rises);
            else if (!one.catches) ok = false;
            if (!ok) break;
          }
          // Budgets and time-outs are the call's: no attempt comes after them.
          if (one.refusal === 'budget' || one.refusal === 'timeout') return { ok: false, rises: [] };
          if (ok && (one.refusal === 'none' || attempt > 0)) return commits(held || !holds, { ok: true, rises });
        }
        return { ok: false, rises: [] };
      }
    }
  };
  const came = visit(root, 'r', false);
  return { ok: came.ok, done: [...done, ...came.rises] };
}

/** Builds the program; the world is told what is done by which key. */
function built(root: Node, trial: Trial, world: Map<string, string[]>): AnyAgent {
  const act = (text: string, key: string): string => {
    world.set(key, [...(world.get(key) ?? []), text]);
    return text;
  };
  const build = (one: Node, path: string): AnyAgent => {
    const name = `n${path.replaceAll('.', '-')}`;
    switch (one.kind) {
      case 'step':
        return step({ name, effect: 'staged', input: z.unknown(), execute: (_, { key }) => act(path, key) });
      case 'model': {
        const post = tool({ description: 'Post', effect: 'staged', input: z.object({}), execute: (_, { key }) => act(path, key) });
        // Free: what spends the budget of a flow is no part of it.
        const model = scripted(
          ({ prompt }) => (prompt.some(({ role }) => role === 'assistant') ? { text: 'ok' } : { tools: [['post', {}]] }),
          { modelId: 'free' },
        );
        const checks = one.refuses ? [() => 'no'] : [];
        return agent({ name, instructions: 'x', input: z.unknown(), model, repairs: 0, attempts: 1, tools: { post }, checks });
      }
      case 'pipe': {
        const [first, ...rest] = one.parts.map((part, index) => build(part, `${path}.${index}`));
        return rest.reduce((a, b) => pipe(a as never, b as never) as AnyAgent, first as AnyAgent);
      }
      case 'all':
        return all(Object.fromEntries(one.parts.map((part, index) => [`p${index}`, build(part, `${path}.${index}`)])), { name });
      case 'map': {
        const parts = one.parts.map((part, index) => build(part, `${path}.${index}`));
        const each = flow({
          name: `${name}-each`,
          input: z.number(),
          run: async (index, ctx) => await ctx.call(parts[index] as never, 'x'),
        });
        const mapped = map(each, { name: `${name}-map`, atLeast: 1 / parts.length, concurrency: 2 });
        return flow({ name, input: z.unknown(), run: async (_, ctx) => await ctx.call(mapped, [...parts.keys()]) });
      }
      case 'race': {
        const parts = one.parts.map((part, index) => build(part, `${path}.${index}`));
        const waits = step({ name: `${name}-waits`, input: z.number(), execute: async (ms) => (await trial.clock.sleep(ms), '') });
        return flow({
          name,
          input: z.unknown(),
          run: async (_, ctx) =>
            await ctx.race(
              parts.map((part, index) => async (below) => {
                const said = await below.call(part as never, 'x');
                // Deeper races are over before what is beside them.
                await below.call(waits, 4 ** (12 - path.split('.').length * 2) * (index + 1));
                return said;
              }),
            ),
        });
      }
      case 'transaction':
        return transaction(build(one.parts[0], `${path}.0`), { name });
      case 'flow': {
        let attempts = 0;
        const spends = agent({ name: `${name}-spends`, instructions: 'x', input: z.unknown(), model: scripted(() => ({ text: 'ok' })) });
        return flow({
          name,
          input: z.unknown(),
          attempts: one.attempts,
          ...(one.refusal === 'budget' ? { budget: { usd: 0 } } : {}),
          ...(one.refusal === 'timeout' ? { timeoutMs: 10 ** 9 } : {}),
          ...(one.refusal === 'contract' ? { output: z.object({ good: z.boolean() }).passthrough() } : {}),
          ...(one.checked || one.refusal === 'check'
            ? { checks: [(said: unknown) => (one.refusal === 'check' && JSON.stringify(said).includes('first') ? 'no' : undefined)] }
            : {}),
          run: async (_, ctx): Promise<never> => {
            const attempt = attempts;
            attempts += 1;
            for (const [index, part] of one.parts.entries()) {
              try {
                await ctx.call(build(part, `${path}.${index}@${attempt}`) as never, 'x');
              } catch (error) {
                if (!one.catches) throw error;
              }
            }
            if (one.refusal === 'timeout') await trial.clock.sleep(2 * 10 ** 9);
            if (one.refusal === 'budget') await ctx.call(spends, 'x');
            if (one.refusal === 'throws' && attempt === 0) throw new Error('refused');
            return (attempt === 0 && one.refusal !== 'none' ? { bad: 'first' } : { good: true }) as never;
          },
        });
      }
    }
  };
  return build(root, 'r');
}

describe('staged effects', () => {
  test('are done once where what holds them stands, and leave no trace where it does not', { timeout: 60_000 }, async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(node, async (root) => {
        const trial = new Trial();
        const world = new Map<string, string[]>();
        const { ok, done } = expected(root);
        const came = await trial
          .run(built(root, trial, world) as never, 'x', {
            prices: { 'scripted/script': { in: 1, out: 1 }, 'scripted/free': { in: 0, out: 0 } },
          })
          .catch((error: unknown) => error);
        expect(!(came instanceof RunError), String(came)).toBe(ok);
        const did = [...world.values()];
        expect(did.every((times) => times.length === 1)).toBe(true);
        expect(did.flat().toSorted()).toEqual(done.toSorted());
        const left = (came as RunError).effects;
        expect(left.every(({ state }) => state === 'committed')).toBe(true);
        expect(left.length).toBe(done.length);
        if (!ok) refused += 1;
      }),
      { numRuns: 150 },
    );
    expect(refused).toBeGreaterThan(10);
  });
});
