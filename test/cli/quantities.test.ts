import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clipLine, clipPath, costText, countText, timeText, usdText, visible, widthOf, wrapText } from '../../src/cli/quantities.ts';

describe('numbers for people', () => {
  it('shortens counts without ever showing a thousand thousands', () => {
    expect([0, 999, 1_000, 1_234, 41_000, 99_960, 999_499, 999_950, 1_250_000, 3e9].map(countText)).toEqual([
      '0',
      '999',
      '1k',
      '1.2k',
      '41k',
      '100k',
      '999k',
      '1M',
      '1.3M',
      '3G',
    ]);
  });

  it('shows as many digits of a dollar as it takes to see something', () => {
    expect([0, 12, 810, 4_900, 20_000, 994_000, 1_000_000, 12_345_678].map(usdText)).toEqual([
      '$0',
      '$0.000012',
      '$0.00081',
      '$0.0049',
      '$0.020',
      '$0.99',
      '$1.00',
      '$12.35',
    ]);
  });

  it('never passes an unknown price off as nothing', () => {
    expect([costText(0, 0), costText(0, 1), costText(20_000, 1)]).toEqual(['$0', 'price unknown', '$0.020 + unpriced']);
  });

  it('shows times in the unit that fits', () => {
    expect([0, 999, 1_000, 9_949, 9_950, 59_499, 59_500, 65_000, 3_600_000, 200_000_000].map(timeText)).toEqual([
      '0 ms',
      '999 ms',
      '1.0 s',
      '9.9 s',
      '10 s',
      '59 s',
      '1m 00s',
      '1m 05s',
      '1h 00m',
      '2d 7h',
    ]);
  });
});

describe('text in a terminal', () => {
  it('keeps both ends of a path that is too long', () => {
    expect(clipPath('sweep[12]/review:2.1/lookup', 15)).toBe('sweep[1…/lookup');
    expect(clipPath('short', 15)).toBe('short');
  });

  it('takes away what could steer a terminal', () => {
    expect(visible('a\u001b[31mred\u0007\r\n\tb')).toBe('a\uFFFD[31mred\uFFFD\n\tb');
  });

  it('wraps between words and indents every line', () => {
    expect(wrapText('one two three four five six', 22, '  ')).toEqual(['  one two three four', '  five six']);
  });

  it('never exceeds the width it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 60 }), (text, width) => {
        expect(widthOf(clipPath(visible(text), width))).toBeLessThanOrEqual(Math.max(width, 1));
        expect(widthOf(clipLine(text, width))).toBeLessThanOrEqual(width);
      }),
    );
  });

  it('shows every count in at most five characters', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_000_000_000 }), (count) => {
        expect(countText(count).length).toBeLessThanOrEqual(5);
      }),
    );
  });
});
