import { expect, test } from 'vitest';
import { type Check, checkOf, type Evidence, judge } from '../../src/agent/checks.ts';
import { PROBLEMS_MAX } from '../../src/agent/contract.ts';

const evidence: Evidence = { input: 'x', results: [] };
const fine: Check = { name: 'fine', judge: () => undefined };

test('a function is a check under its own name, or its number', () => {
  function shortEnough(): undefined {}
  expect(checkOf(shortEnough, 0).name).toBe('shortEnough');
  expect(checkOf(() => undefined, 1).name).toBe('check 2');
  expect(checkOf(fine, 0)).toBe(fine);
});

test('every check is asked, and every problem says which check has it', () => {
  const problems = judge(
    [
      fine,
      checkOf(function lengthy() {
        return 'too long';
      }, 0),
      { name: 'empty', judge: () => [] },
      { name: 'lines', judge: () => [{ path: 'a[0].line', message: 'is not a line' }] },
      { name: 'silent', judge: () => '' },
    ],
    {},
    evidence,
    'a',
  );
  expect(problems).toEqual([
    { path: '', message: 'lengthy: too long' },
    { path: 'a[0].line', message: 'lines: is not a line' },
    { path: '', message: 'silent: refused' },
  ]);
});

test('a check gets the output and the evidence', () => {
  const seen: unknown[] = [];
  const spy: Check = { name: 'spy', judge: (...args) => (seen.push(...args), undefined) };
  expect(judge([spy], { a: 1 }, evidence, 'a')).toEqual([]);
  expect(seen).toEqual([{ a: 1 }, evidence]);
});

test('with one async check the judgement is a promise, in the order of the checks', async () => {
  const problems = judge(
    [
      { name: 'late', judge: async () => Promise.resolve('no') },
      { name: 'now', judge: () => 'no' },
    ],
    {},
    evidence,
    'a',
  );
  expect(problems).toBeInstanceOf(Promise);
  await expect(problems).resolves.toEqual([
    { path: '', message: 'late: no' },
    { path: '', message: 'now: no' },
  ]);
});

test('at most twenty problems come out', () => {
  const many = { name: 'many', judge: () => Array.from({ length: 30 }, (_, i) => ({ path: `[${i}]`, message: 'no' })) };
  const problems = judge([many], {}, evidence, 'a');
  expect(problems).toHaveLength(PROBLEMS_MAX);
  expect(problems).toContainEqual({ path: '', message: 'and 11 more problems' });
});

const boom = new Error('boom');

test('a check that throws is CODE_FAILED and named, and so is one that rejects', async () => {
  const failed = { code: 'CODE_FAILED', cause: boom, message: "The check brittle of 'a' threw: boom." };
  const brittle: Check = {
    name: 'brittle',
    judge: () => {
      throw boom;
    },
  };
  expect(() => judge([fine, brittle], {}, evidence, 'a')).toThrow(expect.objectContaining(failed) as Error);
  const late: Check = { name: 'brittle', judge: async () => Promise.reject(boom) };
  await expect(judge([late, fine], {}, evidence, 'a')).rejects.toMatchObject(failed);
  // The first one's rejection finds nobody waiting: it must not end the process.
  expect(() => judge([late, brittle], {}, evidence, 'a')).toThrow('brittle');
  await Promise.resolve();
});

test.each([[true], [false], [{ path: '', message: '' }], [['no']], [[{ path: 1, message: 'x' }]]])(
  'an answer that is no verdict (%j) is CODE_FAILED and says what to answer',
  (answer) => {
    const odd = { name: 'odd', judge: () => answer } as unknown as Check;
    expect(() => judge([odd], {}, evidence, 'a')).toThrow(
      expect.objectContaining({
        code: 'CODE_FAILED',
        message: expect.stringMatching(
          /^The check odd of 'a' answered (true|false|a list|an object)\. Answer undefined when fine/,
        ) as string,
      }) as Error,
    );
  },
);

test('a check without a name of its own goes by its number, and one that says true or false is told what to say', () => {
  const unnamed = checkOf((() => false) as never, 0);
  expect(() => judge([unnamed], {}, evidence, 'a')).toThrow(
    "Check 1 of 'a' answered false. Answer undefined when fine, else a string or a list of { path, message } saying what is wrong.",
  );
  const late = checkOf((async () => Promise.resolve(true)) as never, 1);
  return expect(judge([late], {}, evidence, 'a')).rejects.toThrow("Check 2 of 'a' answered true.");
});
