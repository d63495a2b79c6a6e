import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prefixes } from '../../src/modelServer/prompt.ts';

/** Texts that begin alike: some of a few parts, in order. */
const texts = fc.array(
  fc
    .array(
      fc.tuple(fc.constantFrom('a', 'b', 'ü'), fc.integer({ min: 1, max: 900 })).map(([char, times]) => char.repeat(times)),
      { maxLength: 5 },
    )
    .map((parts) => parts.join('')),
  { minLength: 1, maxLength: 12 },
);

function commonBytes(a: string, b: string): number {
  let at = 0;
  while (at < Math.min(a.length, b.length) && a[at] === b[at]) at += 1;
  return Buffer.byteLength(a.slice(0, at));
}

test('what is shared is never more than the longest prefix in common, and less by at most a step', () => {
  fc.assert(
    fc.property(texts, (prompts) => {
      const prefixes = new Prefixes();
      for (const [nth, text] of prompts.entries()) {
        const { sharedBytes } = prefixes.enter(text);
        const longest = Math.max(0, ...prompts.slice(0, nth).map((before) => commonBytes(text, before)));
        expect(sharedBytes).toBeLessThanOrEqual(longest);
        expect(sharedBytes).toBeGreaterThan(longest - 512 * 2); // an ü has two bytes
      }
    }),
  );
});

test('the newest request is compared to its last character', () => {
  fc.assert(
    fc.property(texts, (prompts) => {
      const prefixes = new Prefixes();
      for (const [nth, text] of prompts.entries()) {
        const { sharedBytes } = prefixes.enter(text);
        if (nth > 0) expect(sharedBytes).toBeGreaterThanOrEqual(commonBytes(text, prompts[nth - 1]!));
      }
    }),
  );
});

test('only what was answered is in the cache, in blocks of 128 tokens from 1,024 on', () => {
  const prefixes = new Prefixes();
  const long = 'Some instructions that stay the same. '.repeat(300);
  expect(prefixes.enter(`${long}a`).tokensCached).toBe(0);
  expect(prefixes.enter(`${long}b`).tokensCached).toBe(0);
  prefixes.warm(`${long}a`);
  const { tokensCached } = prefixes.enter(`${long}c`);
  expect(tokensCached).toBeGreaterThanOrEqual(1_024);
  expect(tokensCached % 128).toBe(0);
  const short = 'x '.repeat(500);
  prefixes.enter(short);
  prefixes.warm(short);
  expect(prefixes.enter(short).tokensCached).toBe(0);
});
