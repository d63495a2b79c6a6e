import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge } from '../../src/agent/checks.ts';
import { type Cited, grounded } from '../../src/agent/grounded.ts';
import { noPlaceholder } from '../../src/agent/placeholder.ts';

function refused(what: Cited, value: unknown, input: unknown): boolean {
  const problems = judge([grounded('field', { what })], { field: value }, { input, results: [] }, 'a');
  if (problems instanceof Promise) throw new Error('it is sync');
  return problems.length > 0;
}

const word = fc.stringMatching(/^[a-zé]{2,9}$/);
const text = fc.array(fc.oneof(word, fc.constantFrom('"x"', 'it’s', '—', '(a)', 'b.', '12', '\n')), { minLength: 6, maxLength: 60 });

test('every stretch of words of the evidence is grounded, however it is laid out', () => {
  fc.assert(
    fc.property(text, fc.nat(), fc.nat(), fc.constantFrom(' ', '\n', '  \t', '\r\n'), (words, from, length, space) => {
      const start = from % words.length;
      const some = words.slice(start, start + 1 + (length % 12));
      const quote = some.join(space).replaceAll('’', "'").replaceAll('—', '-');
      expect(refused('quote', quote, { doc: words.join(' ') })).toBe(false);
    }),
  );
});

test('a quote with one more word that is nowhere in the evidence is refused, wherever it stands', () => {
  fc.assert(
    fc.property(text, fc.nat(), (words, at) => {
      const made = words.toSpliced(at % (words.length + 1), 0, 'UNHEARD');
      expect(refused('quote', made.join(' '), words.join(' '))).toBe(true);
    }),
  );
});

test('parts around an ellipsis are grounded in order and refused in another', () => {
  fc.assert(
    fc.property(fc.uniqueArray(word, { minLength: 6, maxLength: 30 }), (words) => {
      const third = Math.floor(words.length / 3);
      const [first, last] = [words.slice(0, third).join(' '), words.slice(-third).join(' ')];
      expect(refused('quote', `${first} … ${last}`, words.join(' '))).toBe(false);
      expect(refused('quote', `${last} ... ${first}`, words.join(' '))).toBe(true);
    }),
  );
});

const segment = fc.stringMatching(/^[a-z][a-z0-9_-]{2,8}$/);
const path = fc.array(segment, { minLength: 2, maxLength: 5 }).map((segments) => `${segments.join('/')}.ts`);

test('a path is grounded by itself and its last segments, and not once a name in it is changed', () => {
  fc.assert(
    fc.property(path, fc.nat(), fc.constantFrom('', './', '/repo/'), (known, cut, root) => {
      const evidence = `found it in ${root}${known}:12, as expected`;
      const segments = known.split('/');
      expect(refused('path', known, evidence)).toBe(false);
      expect(refused('path', segments.slice(cut % segments.length).join('/'), evidence)).toBe(false);
      expect(refused('path', segments.with(cut % segments.length, 'Other.ts').join('/'), evidence)).toBe(true);
      expect(refused('path', known.slice(1), evidence)).toBe(true);
    }),
  );
});

test('an id is grounded as a token, and no longer or shorter one is', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Z]{2,4}-\d{3,6}$/), fc.constantFrom('', ' ', ', ', '("', '#'), (id, before) => {
      const evidence = { note: `see${before === '' ? ' ' : before}${id}. Done` };
      expect(refused('id', id, evidence)).toBe(false);
      expect(refused('id', `${id}1`, evidence)).toBe(true);
      expect(refused('id', id.slice(0, -1), evidence)).toBe(true);
      expect(refused('id', id.slice(1), evidence)).toBe(true);
    }),
  );
});

const formats: readonly ((value: number) => string)[] = [
  (value) => value.toLocaleString('en-US'),
  (value) => value.toLocaleString('de-DE'),
  (value) => value.toLocaleString('fr-FR'),
  (value) => value.toLocaleString('de-CH'),
  (value) => value.toLocaleString('en-IN'),
  (value) => `$${value.toLocaleString('en-US')}`,
  (value) => `${value} units`,
  (value) => value.toExponential(),
];

test('an amount is the same in every way to write it', () => {
  const amount = fc.integer({ min: 1, max: 99_999_999 });
  fc.assert(
    fc.property(amount, fc.constantFrom(...formats), fc.constantFrom(...formats), (value, say, cite) => {
      expect(refused('number', cite(value), `It came to ${say(value)} in all.`)).toBe(false);
      expect(refused('number', value, { total: value })).toBe(false);
    }),
  );
});

test('rounding is grounded, and a number that no rounding explains is not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100_000, max: 999_999 }), fc.integer({ min: 1, max: 3 }), (thousandths, digits) => {
      const value = thousandths / 1000;
      const evidence = `a mean of ${value} over the year`;
      expect(refused('number', Number(value.toFixed(digits)), evidence)).toBe(false);
      expect(refused('number', value + 1.5, evidence)).toBe(true);
    }),
  );
});

test('at least 98 of 100 made-up numbers are refused beside forty real ones', () => {
  const sized = fc
    .tuple(fc.integer({ min: 10, max: 999_999 }), fc.constantFrom('', ' kg', ' ms', '%', ' USD', ' GB'))
    .map(([n, unit]) => ({ n, unit }));
  let tried = 0;
  let refusedOnes = 0;
  fc.assert(
    fc.property(fc.array(sized, { minLength: 40, maxLength: 40 }), sized, (real, made) => {
      if (real.some(({ n }) => n === made.n)) return;
      tried++;
      if (refused('number', `${made.n}${made.unit}`, real.map(({ n, unit }) => `it was ${n}${unit}`).join('; '))) refusedOnes++;
    }),
    { numRuns: 1000, seed: 7 },
  );
  expect(tried).toBeGreaterThan(900);
  expect(refusedOnes / tried).toBeGreaterThan(0.98);
});

test('no text that the call was given is a placeholder', () => {
  const filler = fc.constantFrom(
    'TODO',
    'n/a',
    'lorem ipsum',
    '<your name>',
    '{{x}}',
    'string',
    'xxx',
    'example text',
    '[insert here]',
    'TBD.',
  );
  fc.assert(
    fc.property(filler, text, text, (field, before, after) => {
      const input = [...before, field, ...after].join(' ');
      expect(judge([noPlaceholder()], { field }, { input, results: [] }, 'a')).toEqual([]);
    }),
  );
});
