import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIMITS, listEntries, readExcerpt, readText } from '../../examples/sweep/files.ts';
import { grep } from '../../examples/sweep/search.ts';
import { plant } from './sweepTree.ts';

const outside = plant({ 'secret.txt': 'the secret', 'folder/deep.txt': 'the secret too' });
const root = plant({
  'package.json': '{}',
  'lib/a.js': 'one\ntwo\nthree\n',
  'lib/deep/er/b.js': 'const b = 2;\n',
  'crlf.js': 'first\r\nsecond\r\n',
  'binary.bin': new Uint8Array([1, 2, 0, 3]),
  'node_modules/dep/index.js': 'const hidden = true;\n',
  'inside-link.js': { link: 'lib/a.js' },
  'leak.txt': { link: join(outside, 'secret.txt') },
  'leak-folder': { link: join(outside, 'folder') },
  loop: { link: '.' },
});

describe('what a codebase lets a model see', () => {
  const ways: readonly (readonly [string, string])[] = [
    ['a path with ..', `../${outside.split('/').pop()}/secret.txt`],
    ['a path that goes in and out again', 'lib/../../secret.txt'],
    ['an absolute path', join(outside, 'secret.txt')],
    ['a link to a file', 'leak.txt'],
    ['a file below a linked folder', 'leak-folder/deep.txt'],
    ['a sibling folder whose name begins like the root', `${root}-more/secret.txt`],
  ];
  for (const [way, path] of ways) {
    it(`refuses ${way} that leads out of the root, for every tool`, async () => {
      mkdirSync(`${root}-more`, { recursive: true });
      writeFileSync(`${root}-more/secret.txt`, 'the secret');
      await expect(readExcerpt(root, { file: path })).rejects.toThrow(/not part of this codebase/);
      await expect(listEntries(root, { path })).rejects.toThrow(/not part of this codebase/);
      await expect(grep(root, { pattern: 'secret', path })).rejects.toThrow(/not part of this codebase/);
      rmSync(`${root}-more`, { recursive: true });
    });
  }

  it('follows a link that stays inside, and takes an absolute path below the root', async () => {
    expect(await readExcerpt(root, { file: 'inside-link.js' })).toMatchObject({ file: 'lib/a.js', text: '1: one\n2: two\n3: three\n4: ' });
    expect(await readExcerpt(root, { file: join(root, 'lib/a.js'), from: 2, to: 2 })).toMatchObject({ file: 'lib/a.js', text: '2: two' });
  });

  it('works when the root itself is given through a link, also with absolute paths', async () => {
    const home = plant({});
    symlinkSync(root, join(home, 'linked'));
    expect((await readText(join(home, 'linked'), join(home, 'linked', 'lib/a.js'))).lines[1]).toBe('two');
  });

  it('finds nothing of what links lead to when it searches or lists everything', async () => {
    expect(await grep(root, { pattern: 'secret|hidden' })).toMatchObject({ matches: [], total: 0 });
    const { entries } = await listEntries(root, { depth: 6 });
    expect(entries).toEqual([
      'binary.bin (4 bytes)',
      'crlf.js (15 bytes)',
      'lib/',
      'lib/a.js (14 bytes)',
      'lib/deep/',
      'lib/deep/er/',
      'lib/deep/er/b.js (13 bytes)',
      'package.json (2 bytes)',
    ]);
  });

  it('says what is wrong with a path in words a model can act on', async () => {
    await expect(readExcerpt(root, { file: 'lib/missing.js' })).rejects.toThrow(
      'There is no "lib/missing.js" in this codebase (ENOENT). Paths are relative to its root; `list` shows what exists.',
    );
    await expect(readExcerpt(root, { file: 'lib' })).rejects.toThrow('"lib" is a folder. Use `list` to see what it contains.');
    await expect(readExcerpt(root, { file: 'binary.bin' })).rejects.toThrow('"binary.bin" was not read: binary.');
    await expect(readExcerpt(root, { file: 'lib/a.js', from: 9 })).rejects.toThrow('"lib/a.js" has 4 lines; line 9 does not exist.');
    await expect(readExcerpt(root, { file: 'a\0b' })).rejects.toThrow('NUL');
  });
});

describe('the bounds of list and read', () => {
  it('lists only so many entries and says how many more there are', async () => {
    const many = plant(Object.fromEntries(Array.from({ length: LIMITS.entriesShownMax + 7 }, (_, index) => [`f${index}.js`, ''])));
    const listing = await listEntries(many, {});
    expect(listing.entries).toHaveLength(LIMITS.entriesShownMax);
    expect(listing.more).toBe(7);
  });

  it('lists only as deep as asked', async () => {
    expect((await listEntries(root, { path: 'lib', depth: 1 })).entries).toEqual(['lib/a.js (14 bytes)', 'lib/deep/']);
  });

  it('reads only so many lines at a time, and cuts long lines and says which', async () => {
    const long = plant({ 'many.js': 'x\n'.repeat(LIMITS.linesReadMax + 50), 'wide.js': `short\n${'y'.repeat(LIMITS.lineCharsMax + 1)}` });
    expect(await readExcerpt(long, { file: 'many.js', from: 11 })).toMatchObject({
      from: 11,
      to: 10 + LIMITS.linesReadMax,
      of: LIMITS.linesReadMax + 51,
    });
    const wide = await readExcerpt(long, { file: 'wide.js' });
    expect(wide.cut).toEqual([2]);
    expect(wide.text).toBe(`1: short\n2: ${'y'.repeat(LIMITS.lineCharsMax)}`);
  });

  it('does not read files over the size limit', async () => {
    const large = plant({ 'large.js': 'z'.repeat(LIMITS.fileBytesMax + 1) });
    await expect(readExcerpt(large, { file: 'large.js' })).rejects.toThrow(`over ${LIMITS.fileBytesMax} bytes`);
  });

  it('leaves line ends out of lines', async () => {
    expect((await readText(root, 'crlf.js')).lines).toEqual(['first', 'second', '']);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('enough'));
    await expect(listEntries(root, {}, stop.signal)).rejects.toThrow('enough');
    await expect(grep(root, { pattern: 'two' }, stop.signal)).rejects.toThrow('enough');
  });
});
