import { expect, test } from 'vitest';
import fc from 'fast-check';
import { inputPieces } from '../../src/model/inputPieces.ts';

/** What tags and JSON are made of, so that values look like what stands around them. */
const shard = fc.constantFrom(
  '<a>',
  '</a>',
  '\n',
  '\n\n',
  '<a-1>',
  '</a-1>',
  'a',
  '1',
  '"',
  '{',
  '}',
  '[',
  ']',
  ' type="text"',
  '<field',
  ' name="a"',
  '>',
  '</field>',
  'null',
  '-',
  '$file',
);
const shards = fc.array(shard, { maxLength: 8 }).map((parts) => parts.join(''));
const text = fc.oneof(shards, fc.string(), fc.json());
const name = fc.oneof(fc.constantFrom('a', 'b', 'a-1', 'field', 'attachment', '__proto__'), shards);
const leaf = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.double({ noDefaultInfinity: true, noNaN: true }));
const value = fc.oneof(leaf, fc.array(leaf, { maxLength: 3 }), fc.dictionary(name, leaf, { maxKeys: 3 }), fc.constant({ $file: 1 }));
const input = fc.oneof(leaf, fc.array(value, { maxLength: 3 }), fc.dictionary(name, value, { maxKeys: 4 }));

const rendered = (one: unknown, first: readonly string[] = []): string =>
  inputPieces(one, { first, onlyText: false })
    .map((piece) => ('text' in piece ? piece.text : ''))
    .join('');

test('every input can be read back from its text, so no two read the same', () => {
  fc.assert(
    fc.property(input, (one) => {
      expect(readBack(rendered(one))).toEqual(JSON.parse(JSON.stringify(one)));
    }),
    { numRuns: 2_000 },
  );
});

test('naming shared fields changes their order and nothing else', () => {
  fc.assert(
    fc.property(fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }), fc.array(name, { maxLength: 3 }), (one, first) => {
      const shared = [...new Set(first)].filter((field) => Object.hasOwn(one, field));
      const ordered = [...shared, ...Object.keys(one).filter((field) => !shared.includes(field))];
      const read = readBack(rendered(one, first));
      expect(Object.keys(Object(read)).sort()).toEqual(ordered.sort());
      expect(read).toEqual(JSON.parse(JSON.stringify(one)));
    }),
    { numRuns: 500 },
  );
});

/** The inverse, written against the description in inputPieces.ts. */
function readBack(whole: string): unknown {
  if (whole.startsWith('<field type="text">\n')) return whole.slice('<field type="text">\n'.length, -'\n</field>'.length);
  if (!/^<[A-Za-z_][^\n]*>\n/.test(whole)) return isJson(whole) ? plain(JSON.parse(whole)) : whole;
  const fields: [string, unknown][] = [];
  for (let rest = whole; rest !== '';) {
    const [, tag = '', quoted, marked] = /^<([^\s>]+)(?: name=("(?:[^"\\]|\\.)*"))?( type="text")?>\n/.exec(rest) ?? [];
    const from = rest.indexOf('>\n') < 0 ? 0 : `<${tag}${quoted === undefined ? '' : ` name=${quoted}`}${marked ?? ''}>\n`.length;
    const end = rest.indexOf(`\n</${tag}>`, from - 1);
    const inside = rest.slice(from, Math.max(from, end));
    const key = quoted === undefined ? tag.replace(/-\d+$/, '') : String(JSON.parse(quoted));
    fields.push([key, marked === undefined && isJson(inside) ? plain(JSON.parse(inside)) : inside]);
    rest = rest.slice(end + `\n</${tag}>`.length).replace(/^\n\n/, '');
  }
  return Object.fromEntries(fields);
}

function isJson(inside: string): boolean {
  try {
    // JSON as it is written here has no white space around it; text like that says that it is text.
    return JSON.stringify(JSON.parse(inside)) === inside;
  } catch {
    return false;
  }
}

function plain(json: unknown): unknown {
  if (typeof json !== 'object' || json === null) return json;
  if (Array.isArray(json)) return json.map(plain);
  return Object.fromEntries(Object.entries(json).map(([key, one]) => [/^\$\$+file$/.test(key) ? key.slice(1) : key, plain(one)]));
}
