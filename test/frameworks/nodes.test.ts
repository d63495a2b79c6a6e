// The packed package in an empty folder, on the oldest Node that it says it runs on and the newest of each line since:
// what a new user does first, by that Node alone.

import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { type ModelServer, startModelServer } from '../../src/testing.ts';
import { command, environment, folder, hasRegistry, packed, ROOT } from './packed.ts';

/** Registries are slow now and then. */
const PREPARE_MS = 600_000;
const TEST_MS = 120_000;

const Manifest = z.object({
  exports: z.record(z.string(), z.union([z.string(), z.object({ default: z.string() })])),
  engines: z.object({ node: z.string() }),
  devDependencies: z.record(z.string(), z.string()),
});
const manifest = Manifest.parse(JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')));
const OLDEST = /^>=(\d+\.\d+)$/.exec(manifest.engines.node)?.[1] ?? 'unknown';
const OURS = process.versions.node;
const VERSIONS = [`${OLDEST}.0`, '24.21.0', OURS];

const canInstall = await hasRegistry();
const { path: home, remove } = folder();
let models: ModelServer;

beforeAll(async () => {
  models = await startModelServer({ delay: { firstMs: 20 } });
  if (!canInstall) return;
  await Promise.all([install(), ...VERSIONS.map(bring)]);
}, PREPARE_MS);
afterAll(async () => {
  await models.close();
  remove();
});

/** An empty folder with the package, a schema library and a provider, and the programs below. */
async function install(): Promise<void> {
  const { zod = '', '@ai-sdk/openai': openai = '' } = manifest.devDependencies;
  writeFileSync(join(home, 'package.json'), '{ "type": "module", "private": true }');
  const tarball = await packed(home);
  await command(home, ['npm', 'install', '--no-audit', '--no-fund', '--prefer-offline', tarball, `zod@${zod}`, `@ai-sdk/openai@${openai}`]);
  for (const name of ['quickstart', 'standIn']) {
    const code = readFileSync(join(ROOT, `examples/quickstart/${name}.ts`), 'utf8');
    const published = code.replaceAll('../../src/index.ts', 'amdahl').replaceAll('../../src/testing.ts', 'amdahl/testing');
    writeFileSync(join(home, `${name}.ts`), published);
  }
  writeFileSync(join(home, 'words.ts'), WORDS);
}

const WORDS = `
import { agent, map } from 'amdahl';
import { z } from 'zod';

const Word = z.object({ word: z.string() });
type Word = z.output<typeof Word>;
const prompt = ({ word }: Word): string => \`About \${word}\`;

const about = agent({ name: 'about', model: 'openai/gpt-5', instructions: 'Say it.', input: Word, output: z.object({ about: z.string() }), prompt });
export default map(about, { concurrency: 2 });
`;

/** That Node's own binary, kept beside the other packages of this tree from one run to the next. */
async function bring(version: string): Promise<void> {
  if (version === OURS || existsSync(binary(version))) return;
  const kept = keptAt(version);
  mkdirSync(kept, { recursive: true });
  writeFileSync(join(kept, 'package.json'), '{ "private": true }');
  await command(kept, ['npm', 'install', '--no-audit', '--no-fund', '--no-save', '--prefer-offline', `${platformPackage()}@${version}`]);
}

function keptAt(version: string): string {
  return join(ROOT, 'node_modules/.cache/nodes', version);
}

function platformPackage(): string {
  return `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
}

function binary(version: string): string {
  const file = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  return version === OURS ? process.execPath : join(keptAt(version), 'node_modules', platformPackage(), file);
}

function surroundings(version: string): NodeJS.ProcessEnv {
  const server = { OPENAI_BASE_URL: models.baseUrl('openai'), OPENAI_API_KEY: 'any' };
  return environment({ ...server, AMDAHL_DIR: join(home, `journal-${version}`) });
}

async function node(version: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(binary(version), args, { cwd: home, env: surroundings(version), timeout: TEST_MS });
  return stdout;
}

const CLI = 'node_modules/amdahl/dist/cli/main.js';

describe.skipIf(!canInstall).each(VERSIONS)('on Node %s', (version) => {
  it('is that Node, and every entry point can be imported', { timeout: TEST_MS }, async () => {
    const entries = Object.entries(manifest.exports).flatMap(([name, to]) => (typeof to === 'string' ? [] : [name.replace('.', 'amdahl')]));
    const script = `for (const entry of ${JSON.stringify(entries)}) console.log(entry, Object.keys(await import(entry)).length > 3); console.log(process.version)`;
    const printed = await node(version, '--input-type=module', '--eval', script);
    expect(entries.length).toBeGreaterThanOrEqual(2);
    expect(printed).toBe(`${entries.map((entry) => `${entry} true`).join('\n')}\nv${version}\n`);
  });

  it('the quickstart prints what the README says, and asks nobody the second time', { timeout: TEST_MS }, async () => {
    const first = await node(version, 'quickstart.ts');
    expect(first).toBe('{ findings: 1, missing: 0, requests: 6, usd: 0 }\n');
    expect(await node(version, 'quickstart.ts')).toBe(first);
  });

  it('a run that was killed goes on from the command line, and nothing is asked twice', { timeout: TEST_MS }, async () => {
    models.reset();
    const words = JSON.stringify(Array.from({ length: 30 }, (_, nth) => ({ word: `word ${nth}` })));
    const args = [CLI, 'run', 'words.ts', '--id', 'words', '--input', words, '--json'];
    const child = spawn(binary(version), args, { cwd: home, env: surroundings(version), stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    await vi.waitFor(() => expect(models.stats().acknowledged).toBeGreaterThan(6), { timeout: 30_000, interval: 5 });
    child.kill('SIGKILL');
    expect(await ended).toBe('SIGKILL');

    expect(await node(version, CLI, 'runs')).toMatch(/words.*interrupted/);
    const resumed = await node(version, CLI, 'resume', 'words', '--quiet');
    expect(JSON.parse(resumed)).toHaveLength(30);
    // What was in flight when it was killed may be asked again: two at most, as wide as the map is.
    expect(models.stats().requests).toBeGreaterThanOrEqual(30);
    expect(models.stats().requests).toBeLessThanOrEqual(32);

    expect(await node(version, CLI, 'show', 'words')).toMatch(/about/);
    expect(await node(version, CLI, 'doctor')).toMatch(new RegExp(version.replaceAll('.', '\\.')));
  });
});
