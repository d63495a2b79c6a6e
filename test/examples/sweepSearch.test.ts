import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LIMITS } from '../../examples/sweep/files.ts';
import { grep } from '../../examples/sweep/search.ts';
import { plant } from './sweepTree.ts';

const root = plant({
  'a.js': 'const x = eval("1");\nnothing here\n  eval(code); eval(more);\n',
  'b/c.mjs': 'Eval(1)\n',
  'b/data.json': '{"eval(": 1}\n',
  'nasty.txt': `${'a'.repeat(40)}!\n`,
  'binary.bin': new Uint8Array([101, 118, 0, 97]),
});

describe('grep', () => {
  it('gives file, line, column and the exact line of each match, in order of names', async () => {
    const found = await grep(root, { pattern: 'eval\\(', extensions: ['js', '.mjs'] });
    expect(found).toEqual({
      matches: [
        { file: 'a.js', line: 1, column: 11, text: 'const x = eval("1");' },
        { file: 'a.js', line: 3, column: 3, text: '  eval(code); eval(more);' },
      ],
      total: 3,
      filesSearched: 2,
      skipped: [],
      filesSkipped: 0,
    });
  });

  it('ignores case on request and can be kept to a folder or to one file', async () => {
    expect((await grep(root, { pattern: 'eval\\(', path: 'b', ignoreCase: true })).matches.map((match) => match.file)).toEqual([
      'b/c.mjs',
      'b/data.json',
    ]);
    expect((await grep(root, { pattern: 'eval\\(', path: 'b/data.json' })).total).toBe(1);
  });

  it('names what it did not search', async () => {
    expect(await grep(root, { pattern: 'zzz' })).toMatchObject({
      filesSearched: 4,
      filesSkipped: 1,
      skipped: [{ path: 'binary.bin', why: 'binary' }],
    });
  });

  it('shows pieces of long lines that stand in the line exactly as shown', async () => {
    const line = `${'x'.repeat(5_000)}eval(1)${'y'.repeat(5_000)}eval(2)${'z'.repeat(90)}`;
    const { matches, total } = await grep(plant({ 'app.min.js': `first\n${line}\n` }), { pattern: 'eval\\(\\d\\)' });
    expect(total).toBe(2);
    expect(matches.map(({ line: at, column, cut }) => ({ at, column, cut }))).toEqual([
      { at: 2, column: 5_001, cut: true },
      { at: 2, column: 10_008, cut: true },
    ]);
    for (const [index, match] of matches.entries()) {
      expect(match.text).toHaveLength(LIMITS.pieceCharsMax);
      expect(line).toContain(match.text);
      expect(match.text).toContain(`eval(${index + 1})`);
    }
  });

  it('shows exact, well-formed pieces of any line (law)', async () => {
    const scratch = plant({ 'one.txt': '' });
    const pieces = fc.string({ unit: 'binary', maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(pieces, pieces, async (before, after) => {
        writeFileSync(join(scratch, 'one.txt'), `${`${before.repeat(9)}needle${after.repeat(9)}`.replaceAll(/[\n\r\0]/g, ' ')}\n`);
        const { matches } = await grep(scratch, { pattern: 'needle' });
        expect(matches.length).toBeGreaterThan(0);
        for (const match of matches) {
          expect(readFileSync(join(scratch, 'one.txt'), 'utf8')).toContain(match.text);
          expect(match.text.isWellFormed()).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('shows only so many matches, of one file and in all, and counts the rest', async () => {
    const many = plant(
      Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`f${String(index).padStart(2, '0')}.js`, 'hit\n'.repeat(20)])),
    );
    const found = await grep(many, { pattern: 'hit' });
    expect(found.total).toBe(400);
    expect(found.matches).toHaveLength(LIMITS.matchesShownMax);
    expect(found.matches.filter((match) => match.file === 'f00.js')).toHaveLength(LIMITS.matchesPerFileShownMax);
  });

  it('refuses what is no pattern, what matches nothing at all, and what is too long, and says why', async () => {
    await expect(grep(root, { pattern: 'eval(' })).rejects.toThrow(
      /"eval\(" is not a JavaScript regular expression: .* Escape special characters with a backslash\./,
    );
    await expect(grep(root, { pattern: 'x*' })).rejects.toThrow('matches the empty text');
    await expect(grep(root, { pattern: 'y'.repeat(LIMITS.patternCharsMax + 1) })).rejects.toThrow(`at most ${LIMITS.patternCharsMax}`);
  });

  it('ends a pattern that backtracks for ever, and names it and the file', async () => {
    await expect(grep(root, { pattern: '(a+)+$' })).rejects.toThrow(
      `The pattern "(a+)+$" took longer than ${LIMITS.searchBatchMs} ms, in nasty.txt. Nested repetition such as (a+)+ does that: use a simpler pattern, or a path without that file.`,
    );
    expect((await grep(root, { pattern: 'a+!' })).total).toBe(1);
  });

  it('goes on past matches of no width', async () => {
    expect((await grep(root, { pattern: '(?=eval)' })).total).toBe(4);
  });
});
