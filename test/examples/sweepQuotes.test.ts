import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { misquote, quoted, searched } from '../../examples/sweep/quotes.ts';
import { plant } from './sweepTree.ts';

const root = plant({ 'a.js': 'first();\n  eval(code);\nlast();\n', 'twice.js': 'go();\ngo();\n' });
const outside = plant({ 'b.js': 'eval(code);\n' });
const at = (file: string, line: number, quote: string): Promise<string | undefined> => misquote(root, { file, line, quote });

describe('the check of quotes', () => {
  it('accepts a whole line and an exact piece of it', async () => {
    expect(await at('a.js', 2, '  eval(code);')).toBeUndefined();
    expect(await at('a.js', 2, 'eval(')).toBeUndefined();
  });

  it('refuses a line that is off by one, and says what is there and where the quote is', async () => {
    expect(await at('a.js', 3, 'eval(code)')).toBe('The quote is not at a.js:3, which reads `last();`. It is at line 2.');
    expect(await at('twice.js', 3, 'go();')).toBe('The quote is not at twice.js:3, which reads ``. It is at line 1, 2.');
  });

  it('refuses what is nowhere, what is not exact, and lines that do not exist', async () => {
    expect(await at('a.js', 2, 'eval( code )')).toBe('The quote is not at a.js:2, which reads `eval(code);`. It is nowhere in that file.');
    expect(await at('a.js', 9, 'eval(code)')).toBe('a.js has 4 lines, so there is no line 9. The quote is at line 2.');
    expect(await at('a.js', 1, 'first();\n  eval(code);')).toBe('The quote has more than one line. Quote a piece of one line.');
    expect(await at('a.js', 1, '  ')).toBe('The quote is empty.');
  });

  it('refuses files that do not exist, and true quotes from outside the codebase', async () => {
    expect(await at('b.js', 1, 'eval(code);')).toMatch(/^There is no "b.js" in this codebase/);
    expect(await at(join(outside, 'b.js'), 1, 'eval(code);')).toMatch(/is not part of this codebase/);
  });

  it('names each finding it refuses', async () => {
    const finding = { file: 'a.js', line: 2, quote: 'eval(code);', why: '' };
    const review = { codebase: 'x', findings: [finding, { ...finding, line: 1 }] };
    expect(await quoted.judge(review, { input: { root }, results: [] })).toEqual([
      { path: 'findings[1].quote', message: 'The quote is not at a.js:1, which reads `first();`. It is at line 2.' },
    ]);
  });
});

describe('the check of searches', () => {
  const nothing = { codebase: 'x', findings: [], notes: ['A call of grep failed: no such folder'] };

  it('does not believe that nothing was found when nothing was searched', () => {
    expect(searched.judge(nothing, { input: {}, results: [{ tool: 'list', args: {}, result: {} }] })).toBe(
      'Nothing in the codebase was searched or read, so the answer has no ground. Use grep and read first. A call of grep failed: no such folder',
    );
  });

  it('believes it after a search', () => {
    expect(searched.judge(nothing, { input: {}, results: [{ tool: 'grep', args: {}, result: {} }] })).toBeUndefined();
  });
});
