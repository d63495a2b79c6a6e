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
      ['" const e = 1; // Why"', 'const e = 1;\n    // Why'],
      ['“`// never\n// escape the root`”', '\t// never\n\t// escape the root'],
      ['…Right part\n */...', ' * Right part\n */'],
      ['@returns {boolean}\n\nfunction f (a) {', ' * @returns {boolean}\n */\nfunction f (a) {'],
      ['if we are\n// -0, the lowest', ' 9\t  // if we are\n10\t  // -0, the lowest'],
      ['? { a: 1 }\n: b({ c })', '  75\t      ? { a: 1 }\n  76\t      : b({ c })'],
      ['Important\n- By default, it is', '> Important\n> - By default, it\n>   is'],
      ['an emphasised, struck and bold word', 'an _emphasised_, ~~struck~~ and __bold__ word'],
      ['see the manual for Array<string>', 'see [the manual](http://x.y/z) for `Array<string>`'],
      ['see the manual', 'see [the manual][1]'],
      ['>Note: it does not retry', '>__Note__: it does not retry'],
      ['equivalent to ^_{|}~ or', '* equivalent to `^_{|}~` or\n* equivalent to `0-9_`'],
      ['at http://x.y/z today', 'at <http://x.y/z> today'],
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
    ['a + b', 'a - b'],
    ['if (a > b)', 'if (a < b)'],
    ['the first line the third line', 'the first line\nthe second line\nthe third line'],
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
    ['48.2 KB', { size: 48_213 }],
    ['1.5 s', { elapsed: 1500 }],
    ['250 cents', { price: 2.5 }],
    [2023, { 2023: { revenue: 5 } }],
    ['twelve of them', 'all 12 files'],
    ['in 1,234 steps', 'after 1234 steps'],
  ]);
  describe('what follows from lists, objects and tables counts as stated', () => {
    accepts('number', [
      [4, { dependencies: { a: '1', b: '1', c: '1', d: '1' } }],
      [4, '{"dependencies":{"a":"1","b":"1","c":"1","d":"1"}}'],
      [7, { files: Array.from({ length: 11 }, (_, at) => ({ state: at < 7 ? 'open' : 'shut' })) }],
      ['63.6 %', { files: Array.from({ length: 11 }, (_, at) => ({ state: at < 7 ? 'open' : 'shut' })) }],
      ['87.5%', { passed: 700, failed: 100 }],
      [800, { passed: 700, failed: 100 }],
      ['41.1 KB in all', 'path,bytes\na,41000\nb,53\nc,47'],
      ['41.1 KB in all', '| path | bytes |\n| --- | --- |\n| a | 41000 |\n| b | 53 |\n| c | 47 |'],
      ['41.1 KB in all', '41000 a.ts\n   53 b.ts\n   47 c.ts'],
      ['a mean of 23 ms', [{ took: '20 ms' }, { took: '26 ms' }]],
      ['6 ms ahead', [{ took: '20 ms' }, { took: '26 ms' }]],
      ['3 headings, 12 lines', '# a\n\n## b\n\ntext\n\n## c\n\n```sh\n# no heading\n```\n'],
      ['a week, 7 days', { daily: [3, 1, 4, 1, 5, 9, 2] }],
      [5, '## 1.0.0\n- a\n- b\n- c\n- d\n- e\n## 0.9.0\n- a'],
    ]);
  });
  refuses('number', [
    ['48.2 MB', { size: 48_213 }],
    ['412 s', 'took 412 ms'],
    ['19,080 s', 'took 19.08 s'],
    ['12,461 kB', { size: 12_461 }],
    ['12461 kB', '{"path":"a","bytes":12461}'],
    ['12461 kB', 'path,bytes\na,12461\nb,777'],
    ['300 %', 'on 3 of them'],
    ['done within 6 ms', [{ took: '20 ms' }, { took: '26 ms' }]],
    ['seventeen files', '12 files'],
    ['3 cents', { items: ['a', 'b', 'c'] }],
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

describe('a number that follows from numbers beside it', () => {
  const evidence = given({ text: 'A costs 120 a month, B 150. Of 48 calls 12 failed and 36 did not. It took 1179 ms of 19.08 s.' });
  test.each<[object, string]>([
    [{ from: 120, to: 150, growthPercent: 25 }, 'growthPercent'],
    [{ from: 120, to: 150, difference: 30 }, 'difference'],
    [{ dear: 150, cheap: 120, savedPercent: 20 }, 'savedPercent'],
    [{ failed: 12, passed: 36, calls: 48, failedPercent: 25 }, 'failedPercent'],
    [{ verdict: '12 of 48 calls failed (25 %)' }, 'verdict'],
    [{ own: ['a'], all: ['a', 'b'], ownCount: 1, allCount: 2, linkCount: 3, links: ['x', 'y', 'z'], ownPercent: 50 }, 'ownPercent'],
    [{ verdict: 'B costs 150 instead of 120, 30 more' }, 'verdict'],
    [{ slowestMs: 1179, duration: '19.08 s', sharePercent: 6.2 }, 'sharePercent'],
    [{ calls: 48, failed: 12, callsPerFailure: 4 }, 'callsPerFailure'],
    [{ price: 120, months: 12, cost: 1440 }, 'cost'],
    [{ items: [{ price: 120 }, { price: 150 }], total: 270 }, 'total'],
    [{ items: ['a', 'b', 'c', 'd', 'e'], total: 5 }, 'total'],
    [{ findings: [{ kind: 'x' }, { kind: 'x' }, { kind: 'y' }], share: '67 %' }, 'share'],
  ])('%j', (output, field) => {
    expect(judge([grounded(field, { what: 'number' })], output, evidence, 'a')).toEqual([]);
  });

  test.each<[string, object, string]>([
    ['of the wrong base', { from: 120, to: 150, growthPercent: 20 }, 'growthPercent'],
    ['of the other number', { dear: 150, cheap: 120, savedPercent: 25 }, 'savedPercent'],
    ['of the rest instead of the whole', { failed: 12, passed: 36, calls: 48, failedPercent: 33.3 }, 'failedPercent'],
    ['from numbers that are made up', { from: 200, to: 250, growthPercent: 25 }, 'growthPercent'],
    ['from a list of made-up numbers', { items: [{ price: 123 }, { price: 155 }], total: 278 }, 'total'],
    ['without a word for it', { from: 120, to: 150, field: 30 }, 'field'],
    ['that is wrong', { items: ['a', 'b', 'c', 'd', 'e'], total: 6 }, 'total'],
    ['from what stands in another object', { a: { from: 120, to: 150 }, growthPercent: 25 }, 'growthPercent'],
  ])('but not one %s', (_, output, field) => {
    expect(judge([grounded(field, { what: 'number' })], output, evidence, 'a')).toMatchObject([{ path: field }]);
  });
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
