// The package as its users get it, for tests of apps that import it by its name: built and packed into a folder of the
// test's own, so that nobody's dist/ is in the way, and laid where an app finds it.

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

export const ROOT: string = join(import.meta.dirname, '../..');

/** Ten minutes: a slow registry, never a tool that hangs. */
const COMMAND_MS_MAX = 600_000;
const BUFFER_BYTES_MAX = 64 * 1024 * 1024;

const execute = promisify(execFile);

/** Runs a command to its end and gives what it printed. @throws with both of its streams where it fails. */
export async function command(cwd: string, argv: readonly string[], env: NodeJS.ProcessEnv = environment()): Promise<string> {
  const [file = '', ...args] = argv;
  try {
    const { stdout } = await execute(file, args, { cwd, env, timeout: COMMAND_MS_MAX, maxBuffer: BUFFER_BYTES_MAX });
    return stdout;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }; // What execFile adds to its errors.
    throw new Error(`${argv.join(' ')} failed in ${cwd}:\n${stdout}${stderr}`, { cause: error });
  }
}

/** Ours, without what a test run tells its own processes, and with the project's Node and tools first. */
export function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !isOfThisRun(name));
  const path = [join(ROOT, 'node_modules/.bin'), process.env['PATH'] ?? ''].join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path, NO_COLOR: '1', NEXT_TELEMETRY_DISABLED: '1', ...more };
}

/** What a test run tells its own processes. Where npm finds packages holds for ours too. */
function isOfThisRun(name: string): boolean {
  if (/^npm_config_(?:registry|cache|userconfig|globalconfig|(?:https?-?)?_?proxy|cafile)$/.test(name)) return false;
  return /^(VITEST|FORCE_COLOR$|NODE_ENV$|NODE_OPTIONS$|npm_|AMDAHL_)/.test(name);
}

/** Whether packages can be installed here; says so where they cannot, because tests are skipped then. */
export async function hasRegistry(): Promise<boolean> {
  try {
    await command(tmpdir(), ['npm', 'view', 'zod', 'version', '--fetch-retries=1', '--fetch-timeout=20000']);
    return true;
  } catch {
    console.warn('The npm registry does not answer: tests that install packages are skipped.');
    return false;
  }
}

/** A folder of the test's own, and how to be rid of it. */
export function folder(): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'amdahl-app-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Builds and packs the package into `into`; gives the path of the tarball. */
export async function packed(into: string): Promise<string> {
  const source = join(into, 'package');
  mkdirSync(source);
  for (const name of ['package.json', 'README.md', 'LICENSE', 'templates'])
    cpSync(join(ROOT, name), join(source, name), { recursive: true });
  await command(ROOT, ['tsc', '-p', 'tsconfig.build.json', '--outDir', join(source, 'dist')]);
  const name = await command(source, ['npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', into]);
  return join(into, name.trim());
}

/** Lays the packed package into an app below this tree, whose other packages are found further up. */
export async function lay(tarball: string, app: string): Promise<void> {
  const target = join(app, 'node_modules/amdahl');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  await command(app, ['tar', '-xzf', tarball, '-C', target, '--strip-components=1']);
}
