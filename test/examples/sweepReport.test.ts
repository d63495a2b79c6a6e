import { describe, expect, it } from 'vitest';
import { type Finding, GROUPS_MAX, type Review } from '../../examples/sweep/findings.ts';
import { groupsOf, render, type Sweep } from '../../examples/sweep/report.ts';

const finding = (file: string, line: number, quote: string, pattern?: string): Finding => ({
  file,
  line,
  quote,
  why: 'Because it is.',
  ...(pattern === undefined ? {} : { pattern }),
});

const reviews: readonly Review[] = [
  {
    codebase: 'alpha',
    findings: [
      finding('a.js', 1, 'eval(x)', 'eval'),
      finding('a.js', 2, 'eval(y)', 'eval'),
      finding('b.js', 7, 'new Function(z)', 'new Function'),
    ],
    standIn: 'stand-in/x: no LLM was asked',
  },
  {
    codebase: 'beta',
    findings: [finding('c.js', 3, 'eval(\u001b[31mred)', 'direct eval')],
    notes: ['2 files were not searched.'],
    standIn: 'stand-in/x: no LLM was asked',
  },
  { codebase: 'gamma', findings: [], standIn: 'stand-in/x: no LLM was asked' },
];

const groups = groupsOf(reviews);
const sweep: Sweep = {
  question: 'Where is code evaluated from a string?',
  patterns: ['node_modules'],
  of: 9,
  asked: 4,
  reviews,
  failed: [
    {
      codebase: 'delta',
      error: {
        code: 'CHECK_FAILED',
        message: 'the answer was refused 3 times',
        problems: [{ path: 'findings[0].quote', message: 'quoted: it is not there' }],
      },
    },
  ],
  groups,
  summary: {
    summary: 'Two of three do it.',
    patterns: [
      { name: 'function constructor', what: 'Compiles a function.', groups: ['g2'] },
      { name: 'eval', what: 'Runs a string.', groups: ['g1', 'g3'] },
    ],
    standIn: 'stand-in/x: no LLM was asked',
  },
};

describe('the report of a sweep', () => {
  it('groups the findings of each codebase by label, with a count and an example', () => {
    expect(groups.map(({ id, codebase, pattern, count, example }) => [id, codebase, pattern, count, example.file])).toEqual([
      ['g1', 'alpha', 'eval', 2, 'a.js'],
      ['g2', 'alpha', 'new Function', 1, 'b.js'],
      ['g3', 'beta', 'direct eval', 1, 'c.js'],
    ]);
  });

  it('says what was asked, who answered, what was found where, what failed and why, and what to do next', () => {
    expect(render(sweep, 80)).toMatchInlineSnapshot(`
      "Question     Where is code evaluated from a string?
      Answered by  stand-in/x: no LLM was asked
      Asked        4 of 9 codebases (those with the most source code), named by
                   node_modules
      Answered     3; 2 with findings, 1 without; 1 failed (listed below)
      Checked      each of the 4 quotes stands at its line of its file

      Two of three do it.

        Pattern                places  codebases
        eval                        3          2
        function constructor        1          1

      eval: Runs a string.
        alpha  a.js:1
            eval(x)
        beta  c.js:3
            eval(·[31mred)
        and 1 more place

      function constructor: Compiles a function.
        alpha  b.js:7
            new Function(z)

      Failed
        delta  CHECK_FAILED: an output fits its contract but a check refuses it
          - findings[0].quote: quoted: it is not there

      Limits of this sweep
        beta: 2 files were not searched.

      Try next
        resume this run: only what failed is asked again
        npm run demo -- --input '{"question": "Where are child processes started?"}'
        npm run demo -- --input '{"codebases": ["src/*", "examples/sweep"]}'
        npx node src/cli/main.ts run 'examples/sweep/sweep.ts#findings' --quiet
            every finding, as JSON
      "
    `);
  });

  it('fits the width it is given', () => {
    const long = {
      ...sweep,
      question: 'word '.repeat(60).trim(),
      reviews: [{ codebase: 'a', findings: [finding('a.js', 1, 'x'.repeat(200))] }],
    };
    const widest = (width: number): number =>
      Math.max(
        ...render(long, width)
          .split('\n')
          .slice(0, 12)
          .map((line) => line.length),
      );
    expect([widest(60), widest(100)]).toEqual(
      [60, 100].map((width) => expect.toSatisfy((most: number) => most > width - 10 && most <= width)),
    );
  });

  it('counts places itself, whatever a summary says', () => {
    const boasting = { ...sweep, summary: { summary: 'A thousand places.', patterns: sweep.summary?.patterns ?? [] } };
    expect(render(boasting)).toMatch(/^ {2}eval +3 +2$/m);
  });

  it('says that a model answered where no answer says otherwise, and then shows why each place counts', () => {
    const asked = {
      ...sweep,
      reviews: reviews.map(({ codebase, findings }) => ({ codebase, findings })),
      summary: { summary: 'Yes.', patterns: sweep.summary?.patterns ?? [] },
    };
    expect(render(asked)).toContain('Answered by  the model this run was given');
    expect(render(asked)).toContain('      Because it is.');
  });

  it('says it when a stand-in answered only some of it', () => {
    const [first, ...rest] = reviews.map(({ codebase, findings }) => ({ codebase, findings }));
    const mixed = {
      ...sweep,
      reviews: [...(first === undefined ? [] : [first]), ...rest.map((review) => ({ ...review, standIn: 'a stand-in' }))],
    };
    expect(render(mixed).replaceAll(/\s+/g, ' ')).toContain(
      'Answered by the model this run was given; and a stand-in; and stand-in/x: no LLM was asked',
    );
  });

  it('lets nothing from a file or a model command the terminal', () => {
    const wild = {
      ...sweep,
      question: 'a\u001b[2Jb\u202ec',
      failed: [{ codebase: 'd\u0007', error: { code: 'CODE_FAILED' as const, message: '\u009bm' } }],
    };
    // oxlint-disable-next-line no-control-regex
    expect(render(wild)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  it('has something to say when nothing was found', () => {
    const { summary: _, ...bare } = sweep;
    const empty = render({ ...bare, reviews: [{ codebase: 'gamma', findings: [] }], groups: [], failed: [] });
    expect(empty).toContain('No codebase has a place that answers the question.');
    expect(empty).toContain('none failed');
    expect(empty).not.toContain('Pattern ');
  });

  it('asks a summarizer about the largest groups only, and still lists the rest', () => {
    const many = Array.from({ length: GROUPS_MAX }, (_, index): Review => ({
      codebase: `c${index}`,
      findings: [finding('a.js', 1, 'x', 'one'), finding('a.js', 2, 'y', 'one'), finding('a.js', 3, 'z', 'rare')],
    }));
    const cut = groupsOf(many);
    expect(cut).toHaveLength(GROUPS_MAX);
    expect(cut.every((group) => group.pattern === 'one')).toBe(true);
    const summary = { summary: '', patterns: [{ name: 'one', what: 'One.', groups: cut.map((group) => group.id) }] };
    expect(render({ ...sweep, reviews: many, groups: cut, summary })).toMatch(
      new RegExp(`^  not grouped +${GROUPS_MAX} +${GROUPS_MAX}$`, 'm'),
    );
  });
});
