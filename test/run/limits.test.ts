import { describe, expect, test } from 'vitest';
import { AmdahlError } from '../../src/agent/errors.ts';
import { DEFAULT_LIMITS, limitError, limitsOf } from '../../src/run/limits.ts';
import { refusal } from '../support/trial.ts';

describe('limits', () => {
  test('are the defaults where nothing is said', () => {
    expect(limitsOf()).toEqual(DEFAULT_LIMITS);
    expect(limitsOf({ turns: 3 })).toEqual({ ...DEFAULT_LIMITS, turns: 3 });
  });

  test.each([0, -1, 1.5, Number.NaN, Infinity, '3', null, undefined])('are whole numbers above 0: not %s', (value) => {
    expect(refusal(() => limitsOf({ depth: value as never }))).toMatchObject({
      code: 'MISCONFIGURED',
      message: `The limit 'depth' is ${String(value)}. Give a whole number above 0.`,
    });
  });

  test('have names, and no others: not even those that every object has', () => {
    for (const name of ['dept', 'toString', 'constructor', '__proto__x']) {
      expect(refusal(() => limitsOf({ [name]: 3 })).message).toContain(`There is no limit '${name}'. The limits are depth, `);
    }
  });

  test('are named by the error that reaching one is, with the bound and what to do', () => {
    const error = limitError('turns', 3, "'a' needs more", 'Raise turns.');
    expect(error).toBeInstanceOf(AmdahlError);
    expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED', data: { limit: 'turns', bound: 3 } });
    expect(error.message).toBe("'a' needs more: the limit 'turns' is 3. Raise turns.");
  });
});
