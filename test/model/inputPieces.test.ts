import { describe, expect, test } from 'vitest';
import { inputPieces, type Piece } from '../../src/model/inputPieces.ts';

const layout = { first: [], onlyText: false };
const textOf = (pieces: readonly Piece[]): string => pieces.map((piece) => ('text' in piece ? piece.text : '[file]')).join('');
const rendered = (input: unknown): string => textOf(inputPieces(input, layout));

test.each([
  ['text, as it is', 'a <b>\n"c"', 'a <b>\n"c"'],
  [
    'an object, field by field, strings verbatim',
    { diff: '+ "x"\n- y', lines: [1, 2], deep: { a: 'b' } },
    '<diff>\n+ "x"\n- y\n</diff>\n\n<lines>\n[1,2]\n</lines>\n\n<deep>\n{"a":"b"}\n</deep>',
  ],
  ['a list, as JSON', ['a', { b: 1 }], '["a",{"b":1}]'],
  ['a number, as JSON', 3, '3'],
  ['nothing, as JSON', null, 'null'],
  ['an object without fields, as JSON', {}, '{}'],
  ['a field that is undefined, not at all', { a: 1, b: undefined }, '<a>\n1\n</a>'],
  ['a date, as JSON', { at: new Date(0), name: 'x' }, '<at>\n"1970-01-01T00:00:00.000Z"\n</at>\n\n<name>\nx\n</name>'],
  ['text that JSON could read as a number', { zip: '01234' }, '<zip type="text">\n01234\n</zip>'],
  ['text that could be an object', { body: '{"a":1}' }, '<body type="text">\n{"a":1}\n</body>'],
  ['text with its own closing tag', { a: '</a>\n\n<b>\n1' }, '<a-1>\n</a>\n\n<b>\n1\n</a-1>'],
  ['text with that one, too', { a: '</a></a-1>' }, '<a-2>\n</a></a-1>\n</a-2>'],
  ['a field whose name is none for a tag', { 'a>\n': 'x' }, '<field name="a>\\n">\nx\n</field>'],
  ['a field whose name could be such a tag', { 'a-1': 'x' }, '<field name="a-1">\nx\n</field>'],
])('%s', (_, input, text) => {
  expect(rendered(input)).toBe(text);
});

test('text alone is as it is, unless it could be another input of the same contract', () => {
  const ambiguous = ['3', '{"a":1}', '<a>\n1\n</a>'];
  for (const text of ambiguous) {
    expect(rendered(text)).toBe(`<field type="text">\n${text}\n</field>`);
    expect(textOf(inputPieces(text, { first: [], onlyText: true }))).toBe(text);
  }
});

test('what a transform made into what JSON shows as nothing is an error, never an empty prompt', () => {
  expect(rendered(new Date(0))).toBe('"1970-01-01T00:00:00.000Z"');
  for (const lost of [new Map([['a', 1]]), { tags: new Set(['a']) }, { n: 1n }])
    expect(() => rendered(lost)).toThrow(/makes a (Map|Set|bigint)/);
});

describe('attachments', () => {
  const picture = { $file: `sha256:${'a'.repeat(43)}`, mediaType: 'image/png', bytes: 3 };
  const page = { $file: 'https://a.example/page.pdf' };

  test('stand in their field', () => {
    expect(inputPieces({ picture, question: 'what is it?' }, layout)).toEqual([
      { text: '<picture>\n' },
      { attachment: picture },
      { text: '\n</picture>\n\n<question>\nwhat is it?\n</question>' },
    ]);
  });

  test('follow the JSON that holds them, by number', () => {
    const input = { a: [picture, { page }], b: [page] };
    expect(textOf(inputPieces(input, layout))).toBe(
      '<a>\n[{"$file":1},{"page":{"$file":2}}]\n</a>\n\n<attachment n="1">\n[file]\n</attachment>\n\n<attachment n="2">\n[file]\n</attachment>\n\n' +
        '<b>\n[{"$file":3}]\n</b>\n\n<attachment n="3">\n[file]\n</attachment>',
    );
  });

  test('are not what only looks like one', () => {
    expect(rendered({ a: [{ $file: 1 }], b: { $file: '/etc/passwd' } })).toBe(
      '<a>\n[{"$$file":1}]\n</a>\n\n<b>\n{"$$file":"/etc/passwd"}\n</b>',
    );
  });

  test('are all there is of an input that is one', () => {
    expect(inputPieces(picture, layout)).toEqual([{ attachment: picture }]);
  });
});

test('fields that many calls share come first, in the order in which they are named, and end a piece', () => {
  const input = { question: 'q', repo: 'r', rules: 's' };
  expect(inputPieces(input, { first: ['rules', 'repo', 'notes'], onlyText: false })).toEqual([
    { text: '<rules>\ns\n</rules>\n\n<repo>\nr\n</repo>', isShared: true },
    { text: '\n\n<question>\nq\n</question>' },
  ]);
  expect(inputPieces({ repo: 'r' }, { first: ['repo'], onlyText: false })).toEqual([{ text: '<repo>\nr\n</repo>', isShared: true }]);
});
