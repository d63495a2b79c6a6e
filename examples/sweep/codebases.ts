// Finds the codebases a sweep asks: folders, globs, and the packages of a node_modules folder. Called by the
// sweep's first step, once per run. The order is fixed: names by code unit, whatever the disk says.

import { globSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, join, relative, resolve, sep } from 'node:path';
import { SOURCE_EXTENSIONS, walk } from './files.ts';

/** One codebase. `root` is its absolute path; `name` is what people call it, unique within a sweep. */
export interface Codebase {
  readonly name: string;
  readonly root: string;
}

export interface Found {
  readonly codebases: readonly Codebase[];
  /** How many there were before `limit` was applied. */
  readonly of: number;
}

export interface FindOptions {
  /** What relative folders and globs are relative to. */
  readonly cwd: string;
  /** At most this many; the ones with the most source code are kept. */
  readonly limit: number;
  readonly signal?: AbortSignal;
}

const SOURCE = new RegExp(`(?<!\\.d)\\.(?:${SOURCE_EXTENSIONS.join('|')})$`);

const FOLDERS_MAX = 2_000;

/**
 * The codebases that folders and globs name.
 * Inside a node_modules folder only packages count, and the folder itself stands for all of its packages;
 * anywhere else every folder does. Packages built for one platform are left out: they hold binaries.
 * @throws Error that says which pattern matched nothing, and where it was looked for.
 */
export async function findCodebases(patterns: readonly string[], options: FindOptions): Promise<Found> {
  const byRoot = new Map<string, Codebase>();
  for (const pattern of patterns) {
    for (const root of foldersOf(pattern, options.cwd)) byRoot.set(root, { name: nameOf(root, options.cwd), root });
  }
  const all = distinct([...byRoot.values()], options.cwd).toSorted(byName);
  if (all.length <= options.limit) return { codebases: all, of: all.length };
  const sized = await Promise.all(all.map(async (codebase) => ({ codebase, bytes: await sourceBytes(codebase.root, options.signal) })));
  sized.sort((a, b) => b.bytes - a.bytes || byName(a.codebase, b.codebase));
  return {
    codebases: sized
      .slice(0, options.limit)
      .map((one) => one.codebase)
      .toSorted(byName),
    of: all.length,
  };
}

function foldersOf(pattern: string, cwd: string): readonly string[] {
  const expanded = basename(pattern) === 'node_modules' ? [join(pattern, '*'), join(pattern, '@*/*')] : [pattern];
  const matched = expanded.flatMap((one) => matches(one, cwd));
  const folders = matched.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
  const roots = folders.filter(isCodebase).map((path) => realpathSync(path));
  if (roots.length > FOLDERS_MAX)
    throw new Error(`"${pattern}" names ${roots.length} folders; a sweep takes at most ${FOLDERS_MAX}. Use a narrower pattern.`);
  if (roots.length > 0) return roots;
  const why =
    matched.length === 0
      ? 'nothing there has that name'
      : folders.length === 0
        ? 'what it matches are files'
        : 'none of the folders it matches is a package';
  throw new Error(
    `No codebase at "${pattern}", looked for in ${cwd}: ${why}. Name folders, or globs such as "packages/*" or "node_modules/@*/*".`,
  );
}

function matches(pattern: string, cwd: string): readonly string[] {
  const literal = resolve(cwd, pattern);
  if (statSync(literal, { throwIfNoEntry: false }) !== undefined) return [literal];
  return globSync(pattern, { cwd }).map((path) => resolve(cwd, path));
}

/** In node_modules a codebase is a package that is not a binary for one platform; elsewhere any folder is. */
function isCodebase(path: string): boolean {
  if (!path.split(sep).includes('node_modules')) return true;
  const manifest = manifestOf(path);
  return manifest !== undefined && manifest['name'] !== 'node' && manifest['os'] === undefined && manifest['cpu'] === undefined;
}

function manifestOf(path: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}

/** A package below node_modules is called by its name there; any other folder by its path from here. */
function nameOf(root: string, cwd: string): string {
  const parts = root.split(sep);
  const at = parts.lastIndexOf('node_modules');
  if (at >= 0 && at < parts.length - 1) return parts.slice(at + 1).join('/');
  const path = relative(cwd, root);
  return path === '' ? basename(root) : path.startsWith('..') ? root : path.split(sep).join('/');
}

function distinct(codebases: readonly Codebase[], cwd: string): readonly Codebase[] {
  const count = new Map<string, number>();
  for (const { name } of codebases) count.set(name, (count.get(name) ?? 0) + 1);
  return codebases.map(({ name, root }) => ((count.get(name) ?? 0) > 1 ? { name: relative(cwd, root) || root, root } : { name, root }));
}

function byName(a: Codebase, b: Codebase): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

async function sourceBytes(root: string, signal: AbortSignal | undefined): Promise<number> {
  let bytes = 0;
  for await (const entry of walk(root, { wanted: (path) => SOURCE.test(path), signal })) bytes += entry.bytes;
  return bytes;
}
