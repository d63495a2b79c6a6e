import { describe, expect, test } from 'vitest';
import { type Evidence, judge } from '../../src/agent/checks.ts';
import { materialOf } from '../../src/agent/evidence.ts';
import { type Cited, grounded } from '../../src/agent/grounded.ts';

function given(input: unknown, ...results: unknown[]): Evidence {
  return { input, results: results.map((result) => ({ tool: 'look', args: { path: 'written/by/the/model.ts' }, result })) };
}

function refusedPaths(what: Cited, value: unknown, evidence: Evidence, field = 'field'): string[] {
  const problems = judge([grounded(field, { what })], { [field]: value }, evidence, 'a');
  if (problems instanceof Promise) throw new Error('it is sync');
  return problems.map((problem) => problem.path);
}

type Case = readonly [value: unknown, input: unknown, ...results: unknown[]];

function accepts(what: Cited, cases: readonly Case[], field?: string): void {
  test.each(cases)('%j is in %j', (value, input, ...results) => {
    expect(refusedPaths(what, value, given(input, ...results), field)).toEqual([]);
  });
}

function refuses(what: Cited, cases: readonly Case[], field = 'field'): void {
  test.each(cases)('%j is not in %j', (value, input, ...results) => {
    expect(refusedPaths(what, value, given(input, ...results), field)).toEqual([field]);
  });
}

describe('quote', () => {
  accepts('quote', [
    ['the cat sat', 'and  the\n\tcat sat down'],
    ['“the cat”', 'so the cat went'],
    ["don't stop", 'don’t stop'],
    ['a long - dashed - word', 'a long – dashed — word'],
    ['the middle. The end.', 'the middle. The end, folks'],
    ['the … down', 'the cat sat down'],
    ['The cat [...] sat (...) down', 'The cat, an old one, sat right down'],
    ['args.map((x) => f(...x))', 'return args.map((x) => f(...x));'],
    ['eval(x)', 'window.eval(x);'],
    ['x', 'only x here'],
    ['大きな猫が', '昨日大きな猫が来た'],
    ['quote in a result', 'nothing', { lines: [{ text: 'a quote in a result' }] }],
    ['"line": 12', { line: 12 }],
    ['"line":12,"b":[1,', { line: 12, b: [1, 2] }],
    ['say "hi"', 'nothing', '{"t":"say \\"hi\\"\\nthere"}'],
    [['the cat', 'sat down'], 'the cat sat down'],
    [12, 'line 12 of it'],
  ]);
  describe('marks of documents do not count', () => {
    accepts('quote', [
      ['const a = 1;\nconst b = 2;', '@@ -1 +1 @@\n+const a = 1;\n+const b = 2;'],
      ['const a = 1;\nconst b = 2;', ' const a = 1;\n-const x = 9;\n+const b = 2;'],
      ['const a = 1;\nconst x = 9;', ' const a = 1;\n-const x = 9;\n+const b = 2;'],
      ['first line\nsecond line', '  12: first line\n  13: second line'],
      ['first line\nsecond line', '12\tfirst line\n13\tsecond line'],
      ['This is free software', '// This is\n// free software'],
      ['This is free software', ' * This is\n * free software'],
      ['he said it twice', '> he said\n> it twice'],
      ['revenue grew by 5%', '**Net** *revenue* grew by `5%`'],
      ['see the manual for more', 'see [the manual](http://x.y/z) for more'],
      ['x && y are both', '<p>x &amp;&amp; y are <b>both</b></p>'],
      ['distributed systems are hard', 'dis-\ntributed systems are hard'],
      ["return 'x'", 'return "x"'],
    ]);
  });
  refuses('quote', [
    ['The cat', 'the cat'],
    ['the cat is not happy', 'the cat is happy'],
    ['sat down the cat', 'the cat sat down'],
    ['down … the', 'the cat sat down'],
    ['eval', 'retrieval'],
    ['the cat', 'the', 'cat'],
    ['const b = 1', 'const a = 1'],
    ['12 cats', '123 cats'],
    ['foo_bar()', 'foobar()'],
    ['written/by/the/model.ts', 'an argument proves nothing'],
    ['…', 'something'],
  ]);
});

describe('path', () => {
  accepts('path', [
    ['src/a.ts', 'see ./src/a.ts:12'],
    ['./src/a.ts', ['src/a.ts']],
    ['a.ts', 'src/a.ts'],
    ['src\\run\\a.ts', 'C:\\repo\\src\\run\\a.ts'],
    ['src/a.ts:40:2', 'src/a.ts'],
    ['src/a.ts#L4-L9', 'src/a.ts'],
    ['src/run', 'src/run/a.ts'],
    ['src/run/', 'the folder src/run'],
    ['app/[id]/page.tsx', 'app/[id]/page.tsx'],
    ['my file.txt', 'docs/my file.txt'],
    ['src/index.ts', 'Read src/index.ts.'],
    ['src/a.ts', { files: { 'src/a.ts': 'text' } }],
    ['/repo/src/a.ts', { root: '/repo' }, ['src/a.ts']],
    ['src/run/a.ts', 'look around', ['src/', 'docs/'], ['run'], 'a.ts\nb.ts'],
    ['@scope/pkg/index.js', 'node_modules/@scope/pkg/index.js'],
  ]);
  refuses('path', [
    ['a.ts', 'src/data.ts'],
    ['src/a.ts', 'src/a.tsx'],
    ['src/a', 'src/a.ts'],
    ['src/a.ts', 'lib/src/a.ts.map'],
    ['src/a.ts', 'mysrc/a.ts'],
    ['SRC/a.ts', 'src/a.ts'],
    ['src/a/y.ts', ['src/a/x.ts', 'src/b/y.ts']],
    ['src/run/c.ts', 'look around', ['src'], ['run'], ['a.ts']],
    ['user/login.ts', 'the user has to login'],
    ['written/by/the/model.ts', 'an argument proves nothing'],
  ]);
});

describe('id', () => {
  accepts('id', [
    ['ORD-12', 'order ORD-12.'],
    [123, { id: 123 }],
    ['#123', 'issue 123'],
    ['6731', 'langgraph#6731'],
    ['T19', 'T12-T19'],
    ['T12', 'T12–T19'],
    ['a@b.com', 'mail to a@b.com.'],
    ['550e8400-e29b-41d4', '{"id":"550e8400-e29b-41d4"}'],
    [['A1', 'A2'], 'A1,A2'],
  ]);
  refuses('id', [
    ['ORD-12', 'ORD-123'],
    ['ORD-12', 'ORD-12-B'],
    ['INV-2024', 'INV-2024-001'],
    ['12', 'x12'],
    [12, { amount: 12.5 }],
    ['ORD_1', 'XORD_1'],
    ['ord-12', 'ORD-12'],
  ]);
});

describe('number', () => {
  accepts('number', [
    [1234.5, 'total 1,234.50 EUR'],
    [1234.5, 'total 1.234,50 EUR'],
    ['12 345', '12345'],
    [12345, '12 345 Stück'],
    [1234567, "1'234'567"],
    [1_500_000, '15,00,000 rupees'],
    [1_200_000, 'sales of $1.2M'],
    ['$1.2 million', 'sales of 1,234,567'],
    ['3.1bn', { users: 3_080_000_000 }],
    [0.12, 'a rate of 12%'],
    ['12 %', { rate: 0.12 }],
    ['10 bps', '0.1 %'],
    ['50 cents', '$0.50'],
    ['USD 500', '500 dollars'],
    ['(1,234)', 'a loss of 1234'],
    [-5, 'it fell by 5'],
    [2.46, '2.4567 kg'],
    [33.333333333333336, { share: 33.333333333333336 }],
    ['5 kg', '5000 g'],
    ['26.2 miles', '42.195 km long'],
    ['77 °F', 'at 25 °C'],
    ['2 years', '24 months'],
    ['2 GB', '2048 MB'],
    ['2 GB', '2000 MB'],
    ['1h 30m', 'took 90 minutes'],
    ['90 minutes', 'took 1 hour and 30 minutes'],
    [1500, 'took 1.5 s'],
    ['1.5 seconds', { durationMs: 1500 }],
    [3, 'three items were found'],
    [21, 'twenty-one people'],
    [305, 'three hundred and five'],
    [500_000, 'half a million users'],
    [1_200_000, 'Revenue (in millions): 1.2'],
    ['2024-05-01', 'on 2024-05-01'],
    ['Q3: 5 of 9', 'in the third quarter, 5 of 9'],
    ['none', 'nothing'],
    [60, { items: [{ price: 10 }, { price: 20 }, { price: 30 }] }],
    [20, { items: [{ price: 10 }, { price: 20 }, { price: 30 }] }],
    [3, { items: ['a', 'b', 'c'] }],
    [1e-7, '0.0000001'],
  ]);
  describe('a field name says the unit of a bare number', () => {
    accepts('number', [[12, { rate: 0.12 }]], 'growthPercent');
    accepts('number', [[90, 'took 1h 30min']], 'duration_minutes');
    accepts('number', [[1.2, 'revenue: 1,200,000']], 'revenueMillions');
    accepts('number', [[50, 'it costs $0.50']], 'priceCents');
    refuses('number', [[12, { rate: 0.12 }]], 'count');
    refuses('number', [[1.5, 'took 1.5 s']], 'durationMs');
  });
  refuses('number', [
    [4711, '4712 and 47110'],
    ['5,815', '4,815 units'],
    ['up 17%', 'from 10% to 12%'],
    [2.5, '2.6 kg'],
    [42.5, '42'],
    ['5 km', '5000 miles'],
    ['90 minutes', '90 hours of it in 1.2 s'],
    ['1.2.4', 'version 1.2.3'],
    [1_300_000, 'sales of $1.2M'],
    ['1.2 billion', 'sales of $1.2M'],
    ['1.2 million', 'a factor of 1.2'],
    ['5 miles', '5 km'],
    ['12 GB', 'used 12%'],
    ['5 km', { distanceMiles: 5 }],
    [1, 'used 60%'],
  ]);
});

test('only the named fields are judged, each item by its path', () => {
  const output = {
    summary: 'made up',
    findings: [{ quote: 'real' }, { quote: 'made up', note: 'also' }, { quote: null }, {}, { quote: '' }],
  };
  const problems = judge([grounded('findings[*].quote')], output, given('something real'), 'a');
  expect(problems).toEqual([
    {
      path: 'findings[1].quote',
      message:
        'grounded(findings[*].quote): "made up" was not found in the input or in any tool result: quote exactly, word for word, from what you were given, or leave it out',
    },
  ]);
});

test('several paths, lists at the root and text outputs are judged', () => {
  expect(judge([grounded(['[*].a', '[*].b'])], [{ a: 'x1', b: 'y1' }], given('x1'), 'a')).toMatchObject([{ path: '[0].b' }]);
  expect(judge([grounded('')], 'made up', given('real'), 'a')).toMatchObject([{ path: '' }]);
});

test('a path that can never find anything, or names what cites nothing, fails loudly', () => {
  expect(() => grounded('findings[].quote')).toThrow(expect.objectContaining({ code: 'MISCONFIGURED' }) as Error);
  expect(() => judge([grounded('quote')], [{ quote: 'x' }], given('x'), 'a')).toThrow(/the output is a list: write \[\*\]/);
  expect(() => judge([grounded('findings')], { findings: [{ quote: 'x' }] }, given('x'), 'a')).toThrow(
    /findings\[0\] is an object, which cites nothing/,
  );
});

test('an input that is no JSON is read too', () => {
  const odd: Record<string, unknown> = {
    when: new Date(0),
    names: new Set(['Ada']),
    ages: new Map([['Ada', 36]]),
    big: 12345678901234567890n,
  };
  odd['self'] = odd;
  expect(judge([grounded('[*]')], ['Ada', '1970-01-01', '12345678901234567890'], given(odd), 'a')).toEqual([]);
  expect(judge([grounded('[*]', { what: 'number' })], [36], given(odd), 'a')).toEqual([]);
});

test('evidence is taken apart once, and each form of a text is made once, whatever is asked of it', () => {
  const doc = { lines: ['one “long” line', 'and another'] };
  const result = { tool: 'read', args: {}, result: doc };
  const first = materialOf({ input: doc, results: [result] });
  const second = materialOf({ input: doc, results: [result, { tool: 'read', args: {}, result: 'more' }] });
  expect(first.passages.length).toBeGreaterThan(0);
  expect(second.passages.slice(0, first.passages.length)).toEqual(first.passages);
  first.passages.forEach((passage, i) => expect(second.passages[i]).toBe(passage));
  let made = 0;
  const shout = (text: string): string => (made++, text.toUpperCase());
  const [passage] = first.passages;
  expect(passage?.as(shout)).toBe('ONE “LONG” LINE');
  expect(passage?.as(shout)).toBe('ONE “LONG” LINE');
  expect(made).toBe(1);
});
