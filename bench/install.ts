// What a user downloads: the packed package installed into an empty project, without anything for development.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildInto, perform } from './built.ts';
import { quantity, type Report } from './finding.ts';
import { bytesOnDisk, inFolder } from './folder.ts';

const INSTALL_MS_MAX = 40_000;

export async function install(): Promise<Report> {
  return inFolder(async (folder) => {
    const source = join(folder, 'source');
    const project = join(folder, 'project');
    mkdirSync(source);
    mkdirSync(project);
    const built = buildInto(source);
    if (!built.ok) return skipped(`the build fails (${built.why})`);
    const packed = perform('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], source);
    if (!packed.ok) return skipped(`npm pack fails (${packed.why})`);
    writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'empty', private: true }));
    const tarball = join(folder, packed.output.trim().split('\n').at(-1) ?? '');
    const installed = perform(
      'npm',
      ['install', '--omit=dev', '--no-audit', '--no-fund', '--ignore-scripts', '--fetch-retries=1', tarball],
      project,
      INSTALL_MS_MAX,
    );
    if (!installed.ok) return skipped(`npm could not install it; is there a network? (${installed.why})`);
    return measured(join(project, 'node_modules'));
  });
}

function measured(modules: string): Report {
  const lock = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as {
    readonly packages: Readonly<Record<string, unknown>>;
  }; // npm has just written it
  const names = Object.keys(lock.packages).map((path) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length));
  const sizes = names.map((name) => ({ name, mb: bytesOnDisk(join(modules, name)) / 1e6 })).sort((a, b) => b.mb - a.mb);
  return {
    findings: [
      { what: 'default install on disk', measured: bytesOnDisk(modules) / 1e6, unit: 'MB', aimMax: 30 },
      { what: 'default install', measured: names.length, unit: 'packages', aimMax: 20 },
    ],
    tables: [[['package', 'on disk'], ...sizes.map(({ name, mb }) => [name, quantity(mb, 'MB')])]],
    notes: ['npm pack, then npm install --omit=dev in an empty project; whole blocks on disk, MB are 1,000,000 bytes.'],
  };
}

function skipped(why: string): Report {
  return { findings: [], tables: [], notes: [`Skipped: ${why}.`] };
}
