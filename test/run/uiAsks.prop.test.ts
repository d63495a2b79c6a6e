import { safeValidateUIMessages } from 'ai';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Happening } from '../../src/journal/event.ts';
import {
  askAnswered,
  askExpired,
  askOpened,
  askRefused,
  askWithdrawn,
  committed,
  committing,
  discarded,
  journalOf,
  runParked,
  runResumed,
  staged,
} from '../journal/story.ts';
import { begun, called, chunksOf, Page, repaired, returned, says, succeeded } from './uiStory.ts';

/** A question of a story: who asks, and what comes of it. */
const question = fc.record({
  of: fc.constantFrom('human' as const, 'effect' as const, 'approval' as const, 'tool' as const),
  comes: fc.constantFrom('answered' as const, 'refused' as const, 'expired' as const, 'withdrawn' as const),
  /** How the person on the page answers; some are answered elsewhere. */
  page: fc.constantFrom('response' as const, 'output' as const, 'nothing' as const),
});
type Question = typeof question extends fc.Arbitrary<infer Q> ? Q : never;
type Asked = Question & { readonly id: string; readonly key: string };

/** Rounds: what is asked at once, whether the run was entered again before the replies, whether what was said is refused then. */
const rounds = fc.array(
  fc.record({ asks: fc.array(question, { minLength: 1, maxLength: 3 }), resumed: fc.boolean(), refused: fc.boolean() }),
  { minLength: 1, maxLength: 3 },
);

function opened({ of, id, key }: Asked): Happening {
  const about = { tool: 'send', args: {}, key };
  return askOpened(of === 'tool' ? 'chat' : 'chat/boss', id, `${id}?`, { of: of === 'tool' ? 'approval' : of, about });
}

function replied({ of, comes, id, key }: Asked): readonly Happening[] {
  const call = of === 'tool' ? 'chat' : 'chat/boss';
  const isEffect = of === 'tool' || of === 'approval';
  switch (comes) {
    case 'answered':
      return [askAnswered(id, true), ...(isEffect ? [committing(call, key), committed(call, key, id)] : [])];
    case 'refused':
      return [askRefused(id, 'no'), ...(isEffect ? [discarded(call, key, 'no')] : [])];
    case 'expired':
      return [askExpired(id)];
    case 'withdrawn':
      return [askWithdrawn(id, 'over')];
  }
}

test('however people answer, wherever the wire is cut, a page and a reader from the start end with one message that sends nothing', async () => {
  await fc.assert(
    fc.asyncProperty(rounds, fc.nat(), async (script, cut) => {
      const story: Happening[] = [...begun];
      const page = new Page();
      let turn = 1;
      for (const [nth, { asks, resumed, refused }] of script.entries()) {
        const asked = asks.map((ask, index): Asked => ({ ...ask, id: `ask-${nth}-${index}`, key: `key-${nth}-${index}` }));
        const tools = asked.filter(({ of }) => of === 'tool').map(({ key }) => key);
        story.push(...called('Let me.', tools, turn));
        for (const key of tools) story.push(staged('chat', key, {}, { approve: true }), returned(key));
        story.push(...says(`So it is ${nth}.`, turn + 1), ...asked.map(opened), runParked(...asked.map(({ id }) => id)));
        await page.read(await chunksOf(journalOf(...story), { after: 'park' }));
        expect(page.sends).toBe(false);
        for (const { id, page: how, of } of asked) {
          if (how === 'response') page.approve(id, true);
          if (how === 'output' && of !== 'tool') page.output(id, 'x');
        }
        if (asked.every(({ page: how, of }) => how === 'response' || (how === 'output' && of !== 'tool'))) expect(page.sends).toBe(true);
        if (resumed) story.push(runResumed(nth + 2, 5));
        story.push(...asked.flatMap(replied), ...(refused ? [repaired(turn + 1)] : []));
        turn += 2;
        story.push(...says(`On with ${nth}.`, turn).slice(0, 1));
      }
      story.push(...says('Done.', turn).slice(1), ...succeeded);
      await page.read(await chunksOf(journalOf(...story), { after: 'park' }));
      const whole = await chunksOf(journalOf(...story));
      const fresh = new Page();
      await fresh.read(whole);
      expect(page.message).toEqual(fresh.message);
      expect(page.sends).toBe(false);
      expect(page.message?.parts.at(-1)).toMatchObject({ type: 'text', text: 'Done.' });
      expect(page.tools).toHaveLength(script.flatMap(({ asks }) => asks).length);
      expect(await safeValidateUIMessages({ messages: [page.message] })).toMatchObject({ success: true });
      const after = cut % (whole.length + 1);
      expect(await chunksOf(journalOf(...story), { after })).toEqual(whole.slice(after));
    }),
    { numRuns: 60 },
  );
});
