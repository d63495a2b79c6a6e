import { expect, test } from 'vitest';
import { z } from 'zod';
import { contractOf } from '../../src/agent/contract.ts';
import { misfits } from '../../src/agent/form.ts';
import type { Json } from '../../src/agent/canonical.ts';

const decision = z.object({
  verdict: z.enum(['publish', 'hold']),
  stars: z.number().int().min(1).max(5),
  notes: z.array(z.object({ line: z.number(), text: z.string().min(3) })).max(2),
  until: z.string().optional(),
});
const form = contractOf(decision, 'the decision').jsonSchema();

const paths = (value: Json, of: Json | undefined = form): readonly string[] =>
  misfits(value, of).map(({ path, message }) => `${path}: ${message}`);

test('what fits has no problems, with what is optional and without', () => {
  expect(paths({ verdict: 'hold', stars: 5, notes: [], until: 'Monday' })).toEqual([]);
  expect(paths({ verdict: 'publish', stars: 1, notes: [{ line: 3, text: 'typo' }] })).toEqual([]);
});

test('what does not fit is told with its path, all of it at once', () => {
  expect(paths({ verdict: 'burn', stars: 5.5, notes: [{ line: 'three', text: 'no' }], mood: 1 })).toEqual([
    'verdict: expected one of "publish", "hold"',
    'stars: expected a whole number, got a number',
    'notes[0].line: expected a number, got text',
    'notes[0].text: expected 3 characters or more, got 2',
    'mood: is not asked for; there are verdict, stars, notes, until',
  ]);
  expect(paths({ verdict: 'hold', stars: 9 })).toEqual(['notes: is missing', 'stars: expected 5 or less, got 9']);
  expect(paths({ verdict: 'hold', stars: 1, notes: [1, 2, 3] })[0]).toBe('notes: expected 2 items or less, got 3');
  expect(paths('hold')).toEqual([': expected an object, got text']);
});

test('where there is no form, any text fits and nothing else', () => {
  expect(misfits('yes', undefined)).toEqual([]);
  expect(misfits(true, undefined)).toEqual([{ path: '', message: 'expected text, got a boolean' }]);
});

test('of alternatives the one that was meant says what is wrong', () => {
  const either = contractOf(z.union([z.object({ yes: z.number() }), z.string()]), 'x').jsonSchema();
  expect(paths({ yes: 'a lot' }, either)).toEqual(['yes: expected a number, got text']);
  expect(paths('no', either)).toEqual([]);
  expect(paths(3, either)).toEqual([': fits none of 2 alternatives: expected an object, got a number | expected text, got a number']);
});

test('a form that refers to itself is followed as deep as the value goes', () => {
  const tree = z.object({ name: z.string(), get below() { return z.array(tree); } }); // prettier-ignore
  const nested = contractOf(tree, 'a tree').jsonSchema();
  expect(paths({ name: 'a', below: [{ name: 'b', below: [] }] }, nested)).toEqual([]);
  expect(paths({ name: 'a', below: [{ name: 1, below: [] }] }, nested)).toEqual(['below[0].name: expected text, got a number']);
});
