import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Needles } from '../../src/model/needles.ts';

const letters = fc.constantFrom('a', 'b', 'k', '-');
const needle = fc.string({ unit: letters, minLength: 8, maxLength: 14 });
const filler = fc.string({ unit: letters, maxLength: 30 });

/** As slow and as plain as can be. */
function plainly(texts: readonly string[], text: string, from: number): { from: number; to: number } | undefined {
  for (let at = from; at < text.length; at += 1) {
    const longest = texts.filter((one) => text.startsWith(one, at)).sort((a, b) => b.length - a.length)[0];
    if (longest !== undefined) return { from: at, to: at + longest.length };
  }
  return undefined;
}

test('the first match is found wherever it begins, and of several there the longest', () => {
  fc.assert(
    fc.property(
      fc.array(needle, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(filler, fc.nat(5)), { maxLength: 5 }),
      fc.nat(20),
      (texts, parts, from) => {
        const text = parts.map(([between, nth]) => `${between}${texts[nth % texts.length]}`).join('');
        const found = new Needles(texts.map((one) => ({ text: one, name: one }))).find(text, from);
        const expected = plainly(texts, text, from);
        expect(found && { from: found.from, to: found.to }).toEqual(expected);
      },
    ),
    { numRuns: 500 },
  );
});

test('a text is open from the first place where the rest begins a needle', () => {
  fc.assert(
    fc.property(fc.array(needle, { minLength: 1, maxLength: 4 }), filler, fc.nat(3), fc.nat(13), (texts, before, which, length) => {
      const one = texts[which % texts.length] ?? '';
      const text = before + one.slice(0, Math.min(length, one.length - 1));
      const expected = Array.from({ length: text.length }, (_, at) => at).find((at) =>
        texts.some((candidate) => candidate.length > text.length - at && candidate.startsWith(text.slice(at))),
      );
      expect(new Needles(texts.map((t) => ({ text: t, name: '' }))).open(text)).toBe(expected ?? text.length);
    }),
    { numRuns: 500 },
  );
});
