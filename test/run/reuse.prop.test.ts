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
