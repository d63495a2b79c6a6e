import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Agent, agent, flow, type FlowContext, map, memoryJournal, pipe, run } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { scripted, type ScriptedModel } from '../../src/testing.ts';

/** Answers by what it is asked alone, so that a bought answer and one taken from elsewhere are the same. */
const deterministic = (): ScriptedModel =>
  scripted(({ prompt }) => ({ text: `said of ${JSON.stringify(prompt).length}: ${JSON.stringify(prompt).slice(-40)}` }));

interface Asking {
  readonly name: number;
  readonly edit: number;
  readonly input: number;
}
const small = fc.nat({ max: 2 });
const asking: fc.Arbitrary<Asking> = fc.record({ name: small, edit: fc.nat({ max: 1 }), input: small });

type Program = readonly (Asking | readonly Asking[])[];
const program: fc.Arbitrary<Program> = fc.array(fc.oneof(asking, fc.array(asking, { maxLength: 3 })), { minLength: 1, maxLength: 4 });

/** Some asked one after the other, some at once, and some through pipes. */
function built(model: ScriptedModel, asked: Program): Agent<string, unknown> {
  const leaf = ({ name, edit }: Asking): Agent<string, string> => agent({ name: `leaf${name}`, model, instructions: `Edit ${edit}.` });
  return flow({
    name: 'program',
    run: async (_, ctx) => {
      const said: unknown[] = [];
      for (const one of asked) {
        if ('name' in one) said.push(await ctx.call(pipe(leaf(one), leaf(one)), `${one.input}`));
        else said.push(await ctx.all(one.map((each) => async (branch: FlowContext) => await branch.call(leaf(each), `${each.input}`))));
      }
      return said;
    },
  });
}

test('no answer crosses a scope, and reuse never changes an output', async () => {
  let takenInAll = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ program, scope: fc.nat({ max: 1 }), reuse: fc.boolean() }), { minLength: 2, maxLength: 6 }),
      async (runs) => {
        const journal = memoryJournal();
        const model = deterministic();
        const bought = new Set<string>();
        let taken = 0;
        for (const [nth, { program: asked, scope, reuse }] of runs.entries()) {
          const id = `r${nth}`;
          const result = await run(built(model, asked), 'x', { id, journal, scope: `s${scope}`, ...(reuse ? { reuse: 'journal' } : {}) });
          const alone = await run(built(deterministic(), asked), 'x', { journal: memoryJournal() });
          expect(result.output).toEqual(alone.output);
          for await (const { event } of journal.read(id as RunId, { kinds: ['call.succeeded'] })) {
            if (event.kind !== 'call.succeeded' || event.from === undefined) continue;
            taken += 1;
            expect(reuse).toBe(true);
            expect((await journal.row(event.from.run ?? (id as RunId)))?.scope).toBe(`s${scope}`);
          }
          if (reuse) for (const one of asked.flat()) bought.add(`${scope}/${one.name}/${one.edit}/${one.input}`);
        }
        takenInAll += taken;
        expect(model.requests.length).toBeGreaterThanOrEqual(bought.size);
      },
    ),
    { numRuns: 60 },
  );
  expect(takenInAll).toBeGreaterThan(0);
});

type Tree = number | readonly Tree[];

/** The same questions in groups of groups: every question in a branch of its own. */
function grouped(model: ScriptedModel, tree: Tree): Agent<string, unknown> {
  const ask = agent({ name: 'ask', model, instructions: 'Answer.' });
  const into = async (part: Tree, ctx: FlowContext): Promise<unknown> => {
    if (typeof part === 'number') return [await ctx.call(map(ask), [`${part}`])];
    return await ctx.all(part.map((one) => async (branch: FlowContext) => await into(one, branch)));
  };
  return flow({ name: 'program', run: async (_, ctx) => await into(tree, ctx) });
}

/** A tree with these leaves, grouped as the cuts say. */
function treeOf(leaves: readonly number[], cuts: readonly number[]): Tree {
  const [cut = 0, ...rest] = cuts;
  if (leaves.length < 2 || cuts.length === 0) return [...leaves];
  const at = 1 + (cut % (leaves.length - 1));
  return [treeOf(leaves.slice(0, at), rest), treeOf(leaves.slice(at), rest)];
}

test('after an edit that only moves places nothing is bought, also with equal questions, and each answer serves one of them', async () => {
  const leaves = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 7 });
  const cuts = fc.array(fc.nat({ max: 9 }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(leaves, cuts, fc.infiniteStream(fc.nat()), cuts, async (asked, before, shuffle, after) => {
      const journal = memoryJournal();
      const model = scripted((_, nth) => ({ text: `${nth}` }));
      const first = await run(grouped(model, treeOf(asked, before)), 'x', { id: 'r', journal });
      const order = asked.map((leaf) => ({ leaf, by: Number(shuffle.next().value) })).sort((a, b) => a.by - b.by);
      const moved = order.map(({ leaf }) => leaf);
      const second = await run(grouped(model, treeOf(moved, after)), 'x', { id: 'r', journal });
      expect(model.requests.length).toBe(asked.length);
      const said = (output: unknown): string[] => (Array.isArray(output) ? output.flatMap(said) : [String(output)]).sort();
      expect(said(second.output)).toEqual(said(first.output));
    }),
    { numRuns: 100 },
  );
});

test('a run that is run again is answered by the one before, one answer to one question', async () => {
  const leaves = fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(leaves, leaves, async (before, after) => {
      const journal = memoryJournal();
      const model = scripted((_, nth) => ({ text: `${nth}` }));
      const first = await run(grouped(model, before), 'x', { id: 'a', journal });
      const again = await run(grouped(model, after), 'x', { id: 'b', journal, rerun: first.id });
      const count = (list: readonly number[], one: number): number => list.filter((each) => each === one).length;
      const fresh = [0, 1, 2].reduce((sum, one) => sum + Math.max(0, count(after, one) - count(before, one)), 0);
      expect(model.requests.length - before.length).toBe(fresh);
      expect(again.bill.reused?.answers ?? 0).toBe(after.length - fresh);
    }),
    { numRuns: 60 },
  );
});
