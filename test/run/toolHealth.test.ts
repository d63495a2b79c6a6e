import { describe, expect, test } from 'vitest';
import { allowsCall, type Health, type Told, toldOf, WELL } from '../../src/run/toolBreaker.ts';

const NOW = 1_000_000;
const DOWN = 'connect ECONNREFUSED 10.0.0.7:80';

describe('toldOf', () => {
  const [mine, other] = [{}, {}];
  const failure = (message: string, args = message, code = 'CODE_FAILED', session = mine): Told => ({
    kind: 'failure',
    code,
    message,
    args,
    session,
  });
  const tell = (health: Health, told: readonly Told[], options: { readonly era?: number; readonly probe?: boolean } = {}): Health =>
    told.reduce((state, one) => toldOf(state, one, options.probe ?? false, options.era ?? state.breaker.era, NOW, 0.5, 10), health);
  const ten = Array.from({ length: 10 }, (_, nth) => failure(DOWN, `a${nth}`));
  const open = tell(WELL, ten);
  const may = (health: Health, args = 'any', now = NOW): string => allowsCall(health, () => args, mine, now).kind;

  test('opens at the tenth of a row and stays open for what began before', () => {
    expect(may(tell(WELL, ten.slice(1)))).toBe('yes');
    expect(may(open)).toBe('no');
    expect(tell(open, [failure('other'), { kind: 'ignored' }])).toEqual(open);
    expect(tell(open, [failure(DOWN)]).row?.failures).toBe(11);
    expect(may(open, 'any', NOW + 1_000)).toBe('probe');
  });

  test('any success closes it, and what began before that is not heard any more', () => {
    const well = tell(open, [{ kind: 'success' }]);
    expect(well).toMatchObject({ row: undefined, breaker: { kind: 'closed', era: 1 } });
    expect(tell(well, ten, { era: 0 })).toEqual(well);
    expect(may(tell(well, ten))).toBe('no');
  });

  test('a probe that fails in another way closes it and begins a row; one that times out does not', () => {
    const other = tell(open, [failure('no such file')], { probe: true });
    expect(other).toMatchObject({ row: { failures: 1, message: 'no such file' }, breaker: { kind: 'closed' } });
    const late = tell(open, [failure('it did not end in its time', 'x', 'TIMEOUT')], { probe: true });
    expect(late).toMatchObject({ row: { failures: 11, message: DOWN }, breaker: { kind: 'open', probesFailed: 1, openMs: 2_000 } });
  });

  test('of one session alone holds back that one, and all once it fails for another', () => {
    const theirs = (health: Health): string => allowsCall(health, () => 'any', other, NOW).kind;
    expect([may(open), theirs(open)]).toEqual(['no', 'yes']);
    expect(theirs(tell(open, [failure('other words', 'b', 'CODE_FAILED', other)]))).toBe('yes');
    const both = tell(open, [failure(DOWN, 'b', 'CODE_FAILED', other)]);
    expect([may(both), theirs(both), both.row?.failures]).toEqual(['no', 'no', 11]);
    const mixed = tell(WELL, [...ten.slice(1), failure(DOWN, 'b', 'CODE_FAILED', other)]);
    expect([may(mixed), theirs(mixed)]).toEqual(['no', 'no']);
  });

  test('the same failure for other arguments holds back all', () => {
    const one = tell(
      WELL,
      Array.from({ length: 10 }, () => failure(DOWN, 'a')),
    );
    expect([may(one, 'a'), may(one, 'b')]).toEqual(['no', 'yes']);
    expect(may(tell(one, [failure('no such file', 'b')]), 'b')).toBe('yes');
    expect(may(tell(one, [failure(DOWN, 'b')]), 'c')).toBe('no');
  });
});
