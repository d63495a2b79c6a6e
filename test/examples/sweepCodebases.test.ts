import { symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findCodebases } from '../../examples/sweep/codebases.ts';
import { packageFiles, plant } from './sweepTree.ts';

const cwd = plant({
  'apps/web/index.js': 'let web = 1;\n',
  'apps/api/index.py': 'api = 1\napi = 2\n',
  'apps/README.md': '# apps\n',
  ...packageFiles('node_modules/plain', { 'index.js': 'x'.repeat(50) }),
  ...packageFiles('node_modules/@scope/name', { 'index.js': 'x'.repeat(90), 'index.d.ts': 'y'.repeat(900) }),
  ...packageFiles('node_modules/@scope/tiny', { 'index.js': 'x' }),
  'node_modules/binding/package.json': '{"name": "binding", "os": ["linux"], "cpu": ["x64"]}',
  'node_modules/node/package.json': '{"name": "node"}',
  'node_modules/.bin/tool': '',
  'node_modules/nothing/index.js': '',
});

const find = (patterns: readonly string[], limit = 100): ReturnType<typeof findCodebases> => findCodebases(patterns, { cwd, limit });
const names = async (patterns: readonly string[], limit = 100): Promise<readonly string[]> =>
  (await find(patterns, limit)).codebases.map((one) => one.name);

describe('which codebases a sweep asks', () => {
  it('takes folders and globs, each folder once, in order of names', async () => {
    expect(await names(['apps/*', './apps/web', 'apps/w*'])).toEqual(['apps/api', 'apps/web']);
    expect(await names([join(cwd, 'apps/web')])).toEqual(['apps/web']);
    expect((await find(['apps/web'])).codebases).toEqual([{ name: 'apps/web', root: join(cwd, 'apps/web') }]);
  });

  it('takes a node_modules folder for its packages, without binaries for one platform and what is no package', async () => {
    expect(await names(['node_modules'])).toEqual(['@scope/name', '@scope/tiny', 'plain']);
    expect(await names(['node_modules/@scope/*'])).toEqual(['@scope/name', '@scope/tiny']);
  });

  it('keeps those with the most source code when there are more than the limit, and says how many there were', async () => {
    expect(await find(['node_modules'], 2)).toMatchObject({ codebases: [{ name: '@scope/name' }, { name: 'plain' }], of: 3 });
  });

  it('knows a linked folder by where it really is', async () => {
    symlinkSync(join(cwd, 'apps/web'), join(cwd, 'alias'));
    expect(await names(['alias', 'apps/web'])).toEqual(['apps/web']);
  });

  it('tells folders of the same name apart', async () => {
    const two = plant({ ...packageFiles('a/node_modules/same', {}), ...packageFiles('b/node_modules/same', {}) });
    const { codebases } = await findCodebases(['*/node_modules'], { cwd: two, limit: 9 });
    expect(codebases.map((one) => one.name)).toEqual(['a/node_modules/same', 'b/node_modules/same']);
  });

  it('says which pattern found nothing, where it looked, why, and what to do', async () => {
    const rest = 'Name folders, or globs such as "packages/*" or "node_modules/@*/*".';
    await expect(find(['apps/*', 'libs/*'])).rejects.toThrow(
      `No codebase at "libs/*", looked for in ${cwd}: nothing there has that name. ${rest}`,
    );
    await expect(find(['apps/*.md'])).rejects.toThrow(
      `No codebase at "apps/*.md", looked for in ${cwd}: what it matches are files. ${rest}`,
    );
    await expect(find(['node_modules/nothing'])).rejects.toThrow('none of the folders it matches is a package');
  });

  it('finds at least fifty packages in this repository, the same ones every time', async () => {
    const here = { cwd: join(import.meta.dirname, '../..'), limit: 60 };
    const once = await findCodebases(['node_modules'], here);
    expect(once.codebases.length).toBeGreaterThanOrEqual(50);
    expect(await findCodebases(['node_modules'], here)).toEqual(once);
    expect(new Set(once.codebases.map((one) => one.name)).size).toBe(once.codebases.length);
    expect(once.codebases.map((one) => basename(one.root))).not.toContain('node');
  });
});
