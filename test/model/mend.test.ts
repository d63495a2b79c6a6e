import { expect, test } from 'vitest';
import { readJson } from '../../src/model/mend.ts';

test('plain JSON is read as it is', () => {
  expect(readJson(' {"a": [1, null]}\n')).toEqual({ ok: true, value: { a: [1, null] }, mended: false });
  expect(readJson('"text"')).toEqual({ ok: true, value: 'text', mended: false });
});

test.each([
  ['a fence', '```json\n{"a": 1}\n```', { a: 1 }],
  ['a fence without a language', '```\n[1, 2]\n```', [1, 2]],
  ['a fence around text with brackets', '```json\n"a [1 and {"\n```', 'a [1 and {'],
  ['prose around', 'Sure! Here it is: {"a": 1}. Hope that "helps".', { a: 1 }],
  ['prose and a fence', 'First I looked (see {this}).\n\n```json\n{"a": 1}\n```\n\nLet me know!', { a: 1 }],
  ['a fence that was never closed', '```json\n{"a": 1}', { a: 1 }],
  ['braces in strings', 'x {"a": "}{][", "b": "\\"}"} y', { a: '}{][', b: '"}' }],
  ['code in a string', 'x {"a": "```json\\n{\\"no\\": 1}\\n```"}', { a: '```json\n{"no": 1}\n```' }],
  ['several objects: the last', 'A draft {"a": 1}, and the answer {"a": 2}', { a: 2 }],
  ['thinking before', '<think>{"a": 0} or [1]</think>{"a": 1}', { a: 1 }],
  ['a reference after an object', 'The answer {"a": 1} follows from [1] and [2].', { a: 1 }],
  ['an interval in prose', 'For x in [0, 1) it is {"a": 1}', { a: 1 }],
  ['the fenced one before one in prose', '```json\n{"a": 1}\n```\nIts shape is {"a": 0}', { a: 1 }],
])('%s is taken off', (_, text, value) => {
  expect(readJson(text)).toEqual({ ok: true, value, mended: true });
});

test.each([
  ['trailing commas', '{"a": [1, 2,],}', { a: [1, 2] }],
  ['single quotes', "{'a': 'it\\'s [fine]'}", { a: "it's [fine]" }],
  ['unquoted names', '{a: 1, $b_2: "x"}', { a: 1, $b_2: 'x' }],
  ['typographic quotes', '{“a”: “b”}', { a: 'b' }],
  ['constants of Python', "{'a': True, 'b': None, 'c': [False]}", { a: true, b: null, c: [false] }],
  ['a missing comma', '{"a": 1\n "b": -2}', { a: 1, b: -2 }],
  ['raw line breaks in a string', '{"a": "x\ny\tz"}', { a: 'x\ny\tz' }],
  ['comments', '{"a": 1, // why { not\n /* or [ */ "b": "http://x // y"}', { a: 1, b: 'http://x // y' }],
  ['inner quotes', '{"a": "he said "hi" to me"}', { a: 'he said "hi" to me' }],
  ['an ellipsis that was written in a string', '{"a": "and so on...", }', { a: 'and so on...' }],
])('%s are mended', (_, text, value) => {
  expect(readJson(text)).toEqual({ ok: true, value, mended: true });
});

test.each([
  ['an object', '{"a": 1, "b": [1, 2'],
  ['an object whose inner one is complete', 'Here: {"a": {"b": 1}, "c": '],
  ['a list whose first item is complete', '[{"a": 1}, {"a":'],
  ['a second answer', 'A draft: {"a": 1}. The answer: {"a": 2'],
  ['a fence', '```json\n{"a": "text that goes on'],
])('%s that is cut off is not read', (_, text) => {
  expect(readJson(text)).toEqual({ ok: false, why: 'cut off' });
});

test.each([
  ['a missing value', '{"a": , "b": 1}'],
  ['elided items', '{"a": [1, 2, ...]}'],
  ['elided properties', '{"a": 1, …}'],
  ['an expression', '{"a": total(1)}'],
  ['a string whose punctuation a repair would lose', `{a:",'{':"}`],
])('%s is not made up', (_, text) => {
  expect(readJson(text)).toMatchObject({ ok: false, why: expect.stringContaining('not valid JSON') as string });
});

test('a text without JSON says so, and brackets that do not match too', () => {
  expect(readJson('I could not do it.')).toEqual({ ok: false, why: 'there is no JSON object or list in the text' });
  expect(readJson('')).toMatchObject({ ok: false });
  expect(readJson('Use {name} in <b>[text]</b>')).toEqual({ ok: false, why: 'there is no JSON object or list in the text' });
  expect(readJson('{"a": {"b": 1], "c": {"d": 1}}')).toEqual({ ok: false, why: 'it is not valid JSON: its brackets do not match' });
});
