import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prefixes } from '../../src/modelServer/prefixes.ts';

/** Texts that begin alike: some of a few parts, in order. */
const texts = fc.array(
  fc
    .array(
      fc.tuple(fc.constantFrom('a', 'b', 'ü', '\uD800'), fc.integer({ min: 1, max: 30 })).map(([char, times]) => char.repeat(times)),
      { maxLength: 5 },
    )
    .map((parts) => parts.join('')),
  { minLength: 1, maxLength: 12 },
);

function commonChars(a: string, b: string): number {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at += 1;
  return at;
}

test('what is shared is the longest prefix in common with any prompt before', () => {
  fc.assert(
    fc.property(texts, (prompts) => {
      const prefixes = new Prefixes();
      for (const [nth, text] of prompts.entries()) {
        const longest = Math.max(0, ...prompts.slice(0, nth).map((before) => commonChars(text, before)));
        expect(prefixes.enter(text, 0, nth).sharedChars).toBe(longest);
      }
    }),
  );
});

test('what is held is the longest prefix in common with those that are held, and were used since', () => {
  const asked = fc.record({ text: texts.map((all) => all[0] ?? ''), held: fc.boolean() });
  fc.assert(
    fc.property(fc.array(asked, { maxLength: 12 }), fc.integer({ min: 0, max: 12 }), (all, since) => {
      const prefixes = new Prefixes();
      const held: { text: string; at: number }[] = [];
      for (const [now, { text, held: isHeld }] of all.entries()) {
        // Nothing is refreshed here: what is looked at from the beginning of time on is left as it is.
        const { heldChars } = prefixes.enter(text, now, now - 1);
        expect(heldChars).toBe(0);
        if (!isHeld) continue;
        prefixes.hold(text, now);
        held.push({ text, at: now });
      }
      for (const { text } of all) {
        const longest = Math.max(0, ...held.filter(({ at }) => at >= since).map((one) => commonChars(text, one.text)));
        expect(prefixes.enter(text, since, since).heldChars).toBe(longest);
      }
    }),
  );
});

test('what is used goes on being held', () => {
  const prefixes = new Prefixes();
  prefixes.enter('one two', 0, 0);
  prefixes.hold('one two', 0);
  expect(prefixes.enter('one two three', 0, 5).heldChars).toBe(7);
  expect(prefixes.enter('one two four', 5, 10).heldChars).toBe(8 - 1);
  expect(prefixes.enter('one two five', 11, 12).heldChars).toBe(0);
});
