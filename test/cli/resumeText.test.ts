import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { renderResume } from '../../src/cli/resumeText.ts';
import type { RunId } from '../../src/journal/event.ts';
import type { ResumeReport } from '../../src/run/report.ts';

const NOTHING: ResumeReport = {
  entry: 1,
  answered: 3,
  bought: [],
  fresh: 0,
  reused: 0,
  kept: [],
  unasked: [],
  unversioned: [],
  changed: [],
};

function shown(report: Partial<ResumeReport>): string[] {
  return renderResume({ ...NOTHING, ...report }, 'r-1' as RunId, createColors(false)); // any text will do as an id
}

describe('what a resume found', () => {
  it('is one line when everything answered', () => {
    expect(shown({})).toEqual(['resumed  3 calls answered from the journal, nothing bought again']);
    expect(shown({ fresh: 1 })).toEqual(['resumed  3 calls answered from the journal, nothing bought again, 1 asked for the first time']);
  });

  it('never claims that nothing was bought again where answers were left for new questions', () => {
    const unasked = [
      { path: 'desk[all.0]/triage', tokens: 500, usdMicros: 0 },
      { path: 'desk[all.1]/triage', tokens: 18, usdMicros: 0 },
    ];
    expect(shown({ answered: 0, fresh: 7, unasked, firstDifference: 'desk[all.0]/triage' })).toEqual([
      'resumed  0 calls answered from the journal',
      '  7 calls asked at new places while 2 recorded answers (518 tokens) were left unused',
      '  the first: desk[all.0]/triage (another input, name or order?)',
    ]);
    expect(shown({ unasked })[0]).toContain('nothing bought again');
  });

  it('tells the same reason once per agent', () => {
    const bought = [
      ...Array.from({ length: 60 }, (_, index) => ({ path: `sweep[${index}]/review`, why: 'its instructions changed' })),
      { path: 'sweep/summarize', why: 'its model changed' },
      ...['a#1', 'b/a#2'].map((path) => ({ path, why: `it had failed: '${path}' said no` })),
    ];
    expect(shown({ bought }).slice(1)).toEqual([
      '  60 × review: its instructions changed',
      '  sweep/summarize: its model changed',
      "  2 × a: it had failed: 'a' said no",
    ]);
  });

  it('names recorded failures that answered, with the command that asks a few of them again', () => {
    const kept = ['a', 'b', 'c', 'd'].map((path) => ({ path, code: 'MODEL_FAILED' as const }));
    expect(shown({ kept: kept.slice(0, 2) })[1]).toMatch(
      /^ {2}2 recorded failures answered too; ask them again: .* resume r-1 --retry 'a' --retry 'b'$/,
    );
    expect(shown({ kept })[1]).toMatch(/--retry 'a' --retry 'b' --retry 'c' …$/);
  });
});
