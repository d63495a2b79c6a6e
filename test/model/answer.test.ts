import type { LanguageModelV4Content } from '@ai-sdk/provider';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { contractOf, text } from '../../src/agent/contract.ts';
import { readAnswer } from '../../src/model/answer.ts';

const object = contractOf(z.object({ a: z.number() }), 'x');
const said = (...texts: string[]): { content: LanguageModelV4Content[] } => ({
  content: texts.map((one) => ({ type: 'text', text: one })),
});

test('text is taken as it is, all text parts together and nothing of the others', () => {
  const content: LanguageModelV4Content[] = [
    { type: 'reasoning', text: 'hm' },
    { type: 'text', text: ' a' },
    { type: 'text', text: 'b\n' },
  ];
  expect(readAnswer({ content }, text, undefined)).toEqual({ ok: true, raw: ' ab\n', chars: 4 });
});

test('a provider’s own structured text counts before all parts', () => {
  expect(readAnswer({ ...said('Here you are: {"a":1}'), text: '{"a":2}' }, object, undefined)).toEqual({
    ok: true,
    raw: { a: 2 },
    chars: 7,
  });
});

test('JSON is found in fences and prose, and its syntax mended', () => {
  expect(readAnswer(said('```json\n', '{"a": 1,}\n```'), object, undefined)).toMatchObject({ ok: true, raw: { a: 1 } });
  expect(readAnswer(said("Sure! {'a': 1} Done."), object, undefined)).toMatchObject({ ok: true, raw: { a: 1 } });
});

test('what was cut off is never completed', () => {
  expect(readAnswer(said('{"a": 1, "b": [1, 2'), object, undefined)).toMatchObject({
    ok: false,
    message: expect.stringContaining('cut off') as string,
  });
});

test.each([
  ['its wrapper', '{"value": [1]}', [1]],
  ['no wrapper', '[1]', [1]],
  ['an object that is none', '{"a": [1]}', { a: [1] }],
  ['a value that is null', '{"value": null}', null],
])('a value that was asked for in an object comes with %s', (_, json, raw) => {
  expect(readAnswer(said(json), object, 'value')).toMatchObject({ ok: true, raw });
});

test('nothing is no answer', () => {
  expect(readAnswer(said(), text, undefined)).toEqual({ ok: false, message: 'The answer is empty.' });
  expect(readAnswer(said(''), object, undefined)).toMatchObject({
    ok: false,
    message: expect.stringContaining('The answer is not JSON') as string,
  });
});

const half = { ok: false, message: 'The answer has half a character in it (a lone surrogate).' };

test('half a character is no answer: nobody could be handed that', () => {
  expect(readAnswer(said('cut \ud83d'), text, undefined)).toEqual(half);
  expect(readAnswer(said('{"a": "cut \ud83d"}'), object, undefined)).toEqual(half);
  expect(readAnswer({ ...said('fine'), text: 'cut \ude00' }, text, undefined)).toEqual(half);
});

test('nor is half a character that JSON writes as an escape', () => {
  expect(readAnswer(said(String.raw`{"a": "cut \ud83d"}`), object, undefined)).toEqual(half);
  expect(readAnswer(said(String.raw`{"\uDE00": 1}`), object, undefined)).toEqual(half);
  expect(readAnswer(said(String.raw`{"a": "\ude00\ud83d"}`), object, undefined)).toEqual(half);
});

test('both halves of a character are one, written out or as escapes', () => {
  for (const json of ['{"a": "\u{1f600}"}', String.raw`{"a": "\ud83d\ude00"}`, String.raw`{"a": "\uD83D\uDE00"}`])
    expect(readAnswer(said(json), object, undefined)).toMatchObject({ ok: true, raw: { a: '\u{1f600}' } });
  // Halves in two parts of a reply meet when the parts are put together.
  expect(readAnswer(said('\ud83d', '\ude00'), text, undefined)).toMatchObject({ ok: true, raw: '\u{1f600}' });
});
