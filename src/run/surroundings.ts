// The machine as the registry of models sees it: the process's environment, the packages that are installed here, and
// the package manager they are installed with. Runs name their models in the registry over it; `doctor` asks it which
// packages there are. Files that are attached to inputs are read here. Beside ports.ts the only file of the
// runtime that touches process, files and the network.

import { existsSync, readFileSync, statSync } from 'node:fs';
import * as modules from 'node:module'; // As a whole: not every runtime that calls itself Node has findPackageJSON.
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMissing } from '../model/providerPackage.ts';
import type { Registry, Surroundings } from '../model/registry.ts';
import { registry } from '../model/registry.ts';

const INSTALL = { npm: 'npm install', pnpm: 'pnpm add', yarn: 'yarn add', bun: 'bun add' } as const;

export type Manager = keyof typeof INSTALL;

const LOCKFILES: readonly (readonly [file: string, manager: Manager])[] = [
  ['pnpm-lock.yaml', 'pnpm'],
  ['yarn.lock', 'yarn'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
];

/** Packages come from where amdahl is installed, else from the working directory, as it is when they are asked for. */
export const systemSurroundings: Surroundings = {
  env: process.env,
  load: async (specifier) => {
    try {
      // Awaited here, so that what is missing is caught here.
      return (await import(specifier)) as unknown;
    } catch (error) {
      if (!isMissing(error, specifier) && !isBundled(error)) throw error;
      return loadFrom(process.cwd(), specifier);
    }
  },
  installCommand: (packages) => `${INSTALL[managerAt(process.cwd())]} ${packages.join(' ')}`,
};

/** The models of this process: runs share what is loaded. */
export const systemRegistry: Registry = registry(systemSurroundings);

/**
 * An amdahl that is installed elsewhere, globally or by npx, still finds what the project has; and one that a bundler took
 * in, whose import() knows only what was in sight when the bundle was made. Hence require(), which bundlers leave to Node.
 */
function loadFrom(directory: string, specifier: string): unknown {
  const loaded: unknown = modules.createRequire(join(directory, 'package.json'))(specifier);
  return loaded;
}

/** What bundlers put in the place of a computed import() throws this; Node's own import() has another code. */
function isBundled(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND';
}

/** Whoever manages this directory: what its package.json says, else its lockfile, from here upward; else who started the process. */
export function managerAt(start: string): Manager {
  for (let directory = start; ; directory = dirname(directory)) {
    const found = declaredIn(directory) ?? LOCKFILES.find(([file]) => existsSync(join(directory, file)))?.[1];
    if (found !== undefined) return found;
    if (dirname(directory) === directory) break;
  }
  // 'pnpm/10.2.0 npm/? node/v22.18.0 linux x64', set by whoever runs a script.
  return managerIn(process.env['npm_config_user_agent'], '/') ?? 'npm';
}

function declaredIn(directory: string): Manager | undefined {
  const manifest = manifestAt(join(directory, 'package.json'));
  return typeof manifest?.['packageManager'] === 'string' ? managerIn(manifest['packageManager'], '@') : undefined;
}

function managerIn(text: string | undefined, end: string): Manager | undefined {
  const name = text?.split(end)[0];
  return name === 'npm' || name === 'pnpm' || name === 'yarn' || name === 'bun' ? name : undefined;
}

/** The version of a package that load() would find; undefined if there is none. Nothing of it is run. */
export function installedVersion(specifier: string): string | undefined {
  for (const from of [import.meta.url, pathToFileURL(join(process.cwd(), 'package.json')).href]) {
    const version = manifestAt(findManifest(specifier, from))?.['version'];
    if (typeof version === 'string') return version;
  }
  return undefined;
}

function findManifest(specifier: string, from: string): string | undefined {
  try {
    return modules.findPackageJSON(specifier, from);
  } catch {
    return undefined; // Not found is thrown.
  }
}

/** A package.json, or undefined where there is none that can be read: this is about hints and versions. */
function manifestAt(path: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (path === undefined) return undefined;
  try {
    const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof manifest === 'object' && manifest !== null ? { ...manifest } : undefined;
  } catch {
    return undefined;
  }
}

/** No provider takes more in one request; what is larger is refused without being read. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;

/** A file of this machine, for file(). Throws what the system throws. */
export function readWhole(source: string | URL): { readonly bytes: Uint8Array; readonly name: string } {
  const path = source instanceof URL || source.startsWith('file:') ? fileURLToPath(source) : source;
  const { size } = statSync(path);
  if (size > FILE_BYTES_MAX) throw new Error(`it has ${size} bytes, and no provider takes more than ${FILE_BYTES_MAX}`);
  return { bytes: readFileSync(path), name: basename(path) };
}
