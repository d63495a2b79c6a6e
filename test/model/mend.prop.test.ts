import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readJson } from '../../src/model/mend.ts';

const any = fc.jsonValue({ stringUnit: 'binary' }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const object = fc.dictionary(fc.string(), any).map((value) => JSON.parse(JSON.stringify(value)) as object);
const container = fc.oneof(object, fc.array(any));
const indent = fc.constantFrom(0, 1, 2, '\t');
/** Words, quotes, apostrophes and brackets that do not open JSON. */
const prose = fc
  .array(
    fc.constantFrom(
      'Sure!',
      "it's",
      '"so"',
      '(see',
      'below)',
      '`code`',
      '{name}',
      '[x]',
      '->',
      '1.',
      '}',
      ']',
      '\n',
      '\\',
      '// note',
      '🙂',
    ),
    { maxLength: 8 },
  )
  .map((words) => words.join(' '));

test('a value in a fence is read as it was written', () => {
  fc.assert(
    fc.property(any, indent, fc.constantFrom('', 'json', 'JSON5'), (value, space, language) => {
      const text = `\`\`\`${language}\n${JSON.stringify(value, null, space)}\n\`\`\``;
      expect(readJson(text)).toEqual({ ok: true, value, mended: true });
    }),
  );
});

test('an object or a list is found between prose, in a fence or bare', () => {
  fc.assert(
    fc.property(container, indent, prose, prose, fc.boolean(), (value, space, before, after, fenced) => {
      const json = JSON.stringify(value, null, space);
      const text = fenced ? `${before}\n\`\`\`json\n${json}\n\`\`\`\n${after}` : `${before} ${json} ${after}`;
      expect(readJson(text)).toMatchObject({ ok: true, value });
    }),
  );
});

test('no strict prefix of an object is read, with or without prose before it', () => {
  fc.assert(
    fc.property(object, indent, prose, fc.nat(), (value, space, before, cut) => {
      const json = JSON.stringify(value, null, space);
      const prefix = json.slice(0, 1 + (cut % (json.length - 1)));
      expect(readJson(prefix)).toEqual({ ok: false, why: 'cut off' });
      expect(readJson(`${before} ${prefix}`)).toEqual({ ok: false, why: 'cut off' });
    }),
    { numRuns: 500 },
  );
});

test('every prefix of one larger object is cut off', () => {
  const text = JSON.stringify({ a: [{ b: 'x{"y' }, [1, -2.5e3, null]], 'c"d': { e: true, f: '\\"]}' }, g: [] }, null, 1);
  for (let length = 1; length < text.length; length++) expect(readJson(text.slice(0, length))).toEqual({ ok: false, why: 'cut off' });
});

test('no syntax slip of an object changes what its strings and numbers say', () => {
  const word = fc.stringMatching(/^[\w .,:'"é{}[\]-]{0,12}$/);
  const value = fc.dictionary(fc.stringMatching(/^[a-z]\w{0,5}$/), fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null)), {
    minKeys: 1,
  });
  const slips: ((json: string) => string)[] = [
    (json) => json.replace(/\}$/, ',}'),
    (json) => json.replaceAll(/"([a-z]\w*)":/g, '$1:'),
    (json) => `${json}\n// done`,
    (json) => json.replace(/^\{/, '{ /* all of it */ '),
  ];
  let mended = 0;
  fc.assert(
    fc.property(value, fc.constantFrom(...slips), (written, slip) => {
      const read = readJson(slip(JSON.stringify(written)));
      if (!read.ok) return;
      expect(read.value).toEqual({ ...written });
      mended++;
    }),
    { numRuns: 200 },
  );
  expect(mended).toBeGreaterThan(150);
});
