import { createColors } from 'picocolors';
import { describe, expect, it } from 'vitest';
import { AmdahlError } from '../../src/agent/errors.ts';
import { reportError } from '../../src/cli/report.ts';
import type { IncidentNode } from '../../src/journal/incident.ts';

const INCIDENT: IncidentNode = {
  id: 'i1',
  gate: 'openai/gpt-5',
  since: 1_000,
  until: 13_000,
  failures: 37,
  code: 'MODEL_UNAVAILABLE',
  message: 'no answer',
  toldAt: 2_000,
};

function shown(error: AmdahlError, incidents: readonly IncidentNode[]): string[] {
  const lines: string[] = [];
  const output = {
    tty: false,
    colors: createColors(false),
    width: () => 200,
    safe: (text: string) => text,
    line: (text = '') => void lines.push(text),
  };
  reportError(error, output, false, () => incidents);
  return lines;
}

describe('a failure in a terminal', () => {
  it('is one incident and the other failures, where many calls fell to the same', () => {
    const down = new AmdahlError('MODEL_UNAVAILABLE', 'It had no answer.', { data: { incident: 'i1', model: 'openai/gpt-5' } });
    const errors = [down, down, down, down, down, new AmdahlError('CODE_FAILED', 'It threw.')];
    const error = new AmdahlError('TOO_MANY_MISSING', '6 of 50 calls failed.', {
      data: { count: 50, failed: 6, incidents: [{ id: 'i1', gate: 'openai/gpt-5', missing: 5 }] },
      cause: new AggregateError(errors, 'the calls that failed'),
    });
    expect(shown(error, [INCIDENT])).toEqual([
      'TOO_MANY_MISSING 6 of 50 calls failed.',
      '1 incident: openai/gpt-5 was unavailable for 12 s (37 requests failed): 5 of 50 items are missing because of it',
      '  because CODE_FAILED: It threw.',
    ]);
  });

  it('names the incident of a single call too', () => {
    const down = new AmdahlError('MODEL_UNAVAILABLE', 'It had no answer.', { data: { incident: 'i1', model: 'openai/gpt-5' } });
    expect(shown(down, [INCIDENT])).toEqual([
      'MODEL_UNAVAILABLE It had no answer.',
      '1 incident: openai/gpt-5 was unavailable for 12 s (37 requests failed)',
    ]);
    expect(shown(down, [])).toEqual(['MODEL_UNAVAILABLE It had no answer.']);
  });
});
