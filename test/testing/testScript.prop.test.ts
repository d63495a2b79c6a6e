// A law of scripts: whatever a program asked in a run, it is answered the same when the run is played to it.

import fc from 'fast-check';
import { test } from 'vitest';
import { type Agent, agent, flow, memoryJournal, run, tool } from '../../src/index.ts';
import { journalToScript, scripted, testScript } from '../../src/testing.ts';
import { z } from 'zod';
import { hastyClock } from '../support/hastyClock.ts';

/** What one call does: which tools its model calls, turn by turn, how often its answer is refused, and what it says at last. */
const talk = fc.record({
  input: fc.constantFrom('a', 'b', 'c'),
  turns: fc.array(fc.array(fc.constantFrom('look', 'act', 'fail'), { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
  refused: fc.nat({ max: 2 }),
  answer: fc.string({ minLength: 1 }).filter((text) => text.trim() !== '' && text.isWellFormed()),
});

type Talk = typeof talk extends fc.Arbitrary<infer T> ? T : never;

test('the same program comes out the same, asks the same and acts on nothing', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(talk, { minLength: 1, maxLength: 4 }), fc.boolean(), async (talks, atOnce) => {
      let acts = 0;
      const program = programOf(talks.length, atOnce, () => (acts += 1));
      const journal = memoryJournal();
      const real = await run(program, talks.map(({ input }) => input).join(), {
        journal,
        models: { clerk: modelOf(talks) },
        clock: hastyClock(10_000),
      });
      const script = JSON.parse(JSON.stringify(await journalToScript(real, { journal }))) as object;
      const before = acts;
      const again = await testScript(program, script);
      if (JSON.stringify(again.output) !== JSON.stringify(real.output))
        throw new Error(`${JSON.stringify(again.output)} is not ${JSON.stringify(real.output)}`);
      if (again.bill.calls !== real.bill.calls) throw new Error(`${again.bill.calls} requests in place of ${real.bill.calls}`);
      if (acts !== before) throw new Error('it acted');
    }),
    {
      numRuns: 30,
      // Tools that fail often are held back in the run, and tried out again as its time passes: all of that is told again.
      examples: [
        [
          Array.from({ length: 4 }, () => ({
            input: 'a',
            turns: Array.from({ length: 3 }, () => ['fail', 'fail', 'fail']),
            refused: 0,
            answer: 'a',
          })),
          true,
        ],
      ],
    },
  );
});

/** Asks the clerk once for each part of its input, one after the other or all at once. */
function programOf(count: number, atOnce: boolean, act: () => number): Agent<string, readonly string[]> {
  const code = (effect: 'none' | 'immediate', execute: (args: { nth: number }) => string): ReturnType<typeof tool> =>
    tool({ effect, description: 'a tool', input: z.object({ nth: z.number() }), execute }) as ReturnType<typeof tool>;
  const clerk = agent({
    name: 'clerk',
    instructions: 'Help.',
    tools: {
      look: code('none', ({ nth }) => `seen ${nth}`),
      act: code('immediate', ({ nth }) => `done ${nth} as number ${act()}`),
      fail: code('none', () => {
        throw new Error('it is broken');
      }),
    },
    checks: [(text) => (text.startsWith('bad') ? 'it is bad' : undefined)],
  });
  return flow({
    name: 'program',
    run: async (_: string, ctx) => {
      const ask = (nth: number): string => `${nth}`;
      if (atOnce) return await ctx.all(Array.from({ length: count }, (_one, nth) => (c: typeof ctx) => c.call(clerk, ask(nth))));
      const said: string[] = [];
      for (let nth = 0; nth < count; nth += 1) said.push(await ctx.call(clerk, ask(nth)));
      return said;
    },
  });
}

/** Answers each conversation as its talk says: it is known by its first message, how far it is by its length. */
function modelOf(talks: readonly Talk[]): ReturnType<typeof scripted> {
  return scripted(({ prompt }) => {
    const [, user] = prompt;
    const text = user?.role === 'user' && user.content[0]?.type === 'text' ? user.content[0].text : '';
    const { turns, refused, answer } = talks[Number(text)] ?? { turns: [], refused: 0, answer: '?' };
    const said = prompt.filter(({ role }) => role === 'assistant').length;
    const tools = turns[said];
    if (tools !== undefined) return { tools: tools.map((name, nth) => [name, { nth: said * 10 + nth }] as const) };
    return { text: said - turns.length < refused ? `bad ${said}` : answer.replace(/^bad/, 'good') };
  });
}
