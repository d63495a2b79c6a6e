import { describe, expect, it } from 'vitest';
import { parseBudget } from '../../src/cli/budgetOption.ts';

describe('--budget', () => {
  it('reads counts, dollars and times as people write them', () => {
    expect(parseBudget('calls=8,tokens=1.5M,usd=$0.5,time=10m')).toEqual({ calls: 8, tokens: 1_500_000, usd: 0.5, ms: 600_000 });
    expect(parseBudget(' Tokens = 200k , time=90 ')).toEqual({ tokens: 200_000, ms: 90_000 });
    expect(parseBudget('time=250ms')).toEqual({ ms: 250 });
  });

  it.each([
    ['', "'' is not a cap"],
    ['calls', "'calls' is not a cap"],
    ['calls=-1', "'calls=-1' is not a cap"],
    ['cals=3', "there is no cap 'cals'; the caps are calls, tokens, usd and time"],
    ['calls=3,calls=4', 'calls is given twice'],
    ['calls=1.5', 'calls=1.5 is no whole number'],
    ['tokens=3x', "'x' is no unit for tokens"],
    ['usd=3k', "'k' is no unit for usd"],
  ])('says what is wrong with "%s"', (text, message) => {
    expect(() => parseBudget(text)).toThrow(message);
  });
});
