import { describe, expect, it } from 'vitest';
import { AmdahlError, type ErrorCode } from '../../src/agent/errors.ts';
import { nextStep } from '../../src/cli/nextStep.ts';
import type { RunId } from '../../src/journal/event.ts';

const said = (code: ErrorCode, options: { data?: Record<string, unknown>; cause?: unknown } = {}): string | undefined =>
  nextStep(new AmdahlError(code, 'no', options), 'r-1' as RunId)?.replace(/: .*? resume r-1/, ' …'); // any text will do as an id

describe('what to do after a failure', () => {
  it('is to ask again where that may help, and to mend first where it cannot', () => {
    expect(said('MODEL_FAILED')).toBe('ask again what failed …');
    expect(said('MODEL_MISSING')).toBe('mend it, then …');
    expect(said('CONTRACT_VIOLATION', { data: { side: 'input' } })).toBe('mend it, then …');
    expect(said('CONTRACT_VIOLATION', { data: { side: 'output' } })).toBe('ask again what failed …');
    expect(said('BUDGET_EXCEEDED')).toBe('go on with a higher budget … --budget …');
    expect(said('CANCELLED')).toBe('go on …');
    expect(said('EFFECT_UNCERTAIN')).toBeUndefined();
  });

  it('is for a fan-out what it is for all its items', () => {
    const [missing, failed] = [new AmdahlError('MODEL_MISSING', 'no'), new AmdahlError('MODEL_FAILED', 'no')];
    expect(said('TOO_MANY_MISSING', { cause: new AggregateError([missing, missing]) })).toBe('mend it, then …');
    expect(said('TOO_MANY_MISSING', { cause: new AggregateError([missing, failed]) })).toBe('ask again what failed …');
  });
});
