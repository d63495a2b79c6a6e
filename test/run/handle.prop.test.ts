import { readUIMessageStream } from 'ai';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { agent, follow, memoryJournal, start, tool, type UiChunk } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { slowly } from '../support/slowly.ts';
import { VirtualClock } from '../support/virtualClock.ts';

/** What a turn comes to. */
type Turn = 'stands' | 'refused' | 'looks up' | 'breaks off';
const turns = fc.array(fc.constantFrom<Turn>('refused', 'looks up', 'breaks off'), { maxLength: 7 });

const look = tool({ description: 'x', effect: 'none', input: z.object({ n: z.number() }), execute: ({ n }) => n });

/** A model that goes through turns, each with words of its own, and then stands. */
function playing(script: readonly Turn[], clock: VirtualClock, msPerWord: number): ReturnType<typeof slowly> {
  let broken = false;
  return slowly(
    scripted((_, nth) => {
      const turn = script[nth] ?? 'stands';
      broken = turn === 'breaks off';
      const text = turn === 'stands' ? 'this one stands' : `turn ${nth} ${turn}`;
      return turn === 'looks up' ? { text, tools: [['look', { n: nth }]] } : { text };
    }),
    async (piece) => {
      await clock.sleep(msPerWord);
      if (broken && piece.includes('breaks')) throw new TypeError('terminated');
    },
  );
}

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const value of values) found.push(value);
  return found;
}

test('whatever becomes of its turns, a message ends with what stands, and any reader who counts has every chunk once', async () => {
  await fc.assert(
    fc.asyncProperty(turns, fc.constantFrom(0, 20, 70), fc.nat(), async (script, msPerWord, cut) => {
      const clock = new VirtualClock();
      const journal = memoryJournal();
      const answering = agent({
        name: 'answering',
        instructions: 'x',
        tools: { look },
        repairs: 1,
        attempts: 9,
        checks: [(output: string) => (output.includes('refused') ? 'no' : undefined)],
        model: playing(script, clock, msPerWord),
      });
      const live = start(answering, 'x', { journal, clock, id: 'r', limits: { retries: 9 } });
      const chunks = await clock.drive(all<UiChunk>(live.toUIMessageStream()));
      const outcome = await live.outcome;
      const after = cut % (chunks.length + 1);
      expect(await all((await follow('r', { journal })).toUIMessageStream({ after }))).toEqual(chunks.slice(after));
      const last = (await all(readUIMessageStream({ stream: ReadableStream.from(chunks), onError: () => {} }))).at(-1);
      const told = JSON.stringify(last?.parts);
      expect(told).not.toContain('refused');
      expect(told).not.toContain('breaks');
      if (outcome.status !== 'succeeded') return;
      expect(last?.parts.at(-1)).toMatchObject({ type: 'text', text: 'this one stands', state: 'done' });
      expect((await all(live.text)).at(-1)).toBe('this one stands');
      // Of the attempt that stands, each turn with a tool is a step of its own.
      const steps = last?.parts.filter(({ type }) => type === 'step-start').length ?? 0;
      expect(last?.parts.filter(({ type }) => type === 'tool-look')).toHaveLength(steps - 1);
    }),
    { numRuns: 60 },
  );
});
