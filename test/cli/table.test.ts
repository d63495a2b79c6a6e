import { describe, expect, it } from 'vitest';
import { tableLines } from '../../src/cli/table.ts';
import { widthOf } from '../../src/cli/quantities.ts';

const COLUMNS = [{ gives: true }, { drop: 1 }, { align: 'right' }] as const;

describe('a table', () => {
  it('aligns columns by what is seen, not by colour codes', () => {
    const red = (text: string): string => `\u001b[31m${text}\u001b[39m`;
    expect(
      tableLines(
        [{}, { align: 'right' }],
        [
          [{ text: 'a', paint: red }, '1'],
          ['long', '20'],
        ],
        80,
      ),
    ).toEqual(['\u001b[31ma\u001b[39m      1', 'long  20']);
  });

  it('leaves out columns in which nothing stands', () => {
    expect(tableLines([{}, {}, {}], [['a', '', 'b']], 80)).toEqual(['a  b']);
  });

  it('clips the column that gives before it drops another', () => {
    const rows = [['a name of forty characters, more or less', 'detail', '99']];
    expect(tableLines(COLUMNS, rows, 40)).toEqual(['a name of for…, more or less  detail  99']);
    const [narrow = ''] = tableLines(COLUMNS, rows, 30);
    expect(narrow).not.toContain('detail');
    expect(narrow.endsWith('99')).toBe(true);
    expect(widthOf(narrow)).toBe(30);
  });
});
