// The only door to a codebase's files: the tools read through it, and so does the check that verifies quotes.
// Nothing outside the codebase's root is ever opened: a path is resolved with all its symlinks first, and
// refused in words a model can act on when it leaves the root. Everything read is bounded by LIMITS.

import { type Dirent, readdirSync, readFileSync, statSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve, sep } from 'node:path';
import { setImmediate as immediately } from 'node:timers/promises';

/** Every bound of the tools. Bytes are of the file on disk, characters are UTF-16 units. */
export const LIMITS = {
  fileBytesMax: 1_500_000,
  entriesShownMax: 300,
  depthMax: 6,
  entriesWalkedMax: 20_000,
  entriesPerSlice: 32,
  filesSearchedMax: 5_000,
  bytesSearchedMax: 64_000_000,
  matchesShownMax: 60,
  matchesPerFileShownMax: 8,
  piecesPerLineMax: 6,
  pieceCharsMax: 240,
  patternCharsMax: 500,
  searchBatchBytes: 1_000_000,
  searchBatchMs: 1_000,
  linesReadMax: 200,
  lineCharsMax: 400,
  skippedShownMax: 10,
} as const;

/** Endings of files that count as source code. */
export const SOURCE_EXTENSIONS: readonly string[] =
  'js cjs mjs jsx ts cts mts tsx py rb go rs java kt cs php c cc cpp h hpp swift sh vue svelte'.split(' ');

/** Folders that are never part of the codebase that contains them. */
const FOREIGN = new Set(['node_modules', '.git', '.hg', '.svn']);

/** A file or folder of a codebase. `path` is relative to its root, with forward slashes; `bytes` is 0 for folders. */
export interface Entry {
  readonly path: string;
  readonly folder: boolean;
  readonly bytes: number;
}

/** A file's text as lines without their ends; line n is `lines[n - 1]`. */
export interface Text {
  readonly path: string;
  readonly lines: readonly string[];
}

/** Why a file was not read: `binary`, `over 1500000 bytes`, or the system's reason. */
export interface Skipped {
  readonly path: string;
  readonly why: string;
}

/**
 * The real path of something inside the root, and its path relative to it.
 * @throws Error in words for the model: outside the root, or no such file.
 */
export async function confine(root: string, path: string): Promise<{ readonly real: string; readonly path: string }> {
  if (path.includes('\0')) throw new Error('A path cannot contain a NUL character.');
  const realRoot = await realpath(root).catch((error: unknown) => {
    throw new Error(`The codebase itself cannot be read: ${root} (${codeOf(error)}).`, { cause: error });
  });
  const wanted = resolve(realRoot, path);
  const asked = isInside(realRoot, wanted) ? wanted : await aliased(root, realRoot, path);
  const real = await realpath(asked).catch((error: unknown) => {
    throw new Error(
      `There is no "${path}" in this codebase (${codeOf(error)}). Paths are relative to its root; \`list\` shows what exists.`,
    );
  });
  if (!isInside(realRoot, real)) throw outside(path, 'it is a link that leads out of it');
  return { real, path: posix(relative(realRoot, real)) || '.' };
}

/** An absolute path written with the root as it was given, before its own links were resolved. */
async function aliased(root: string, realRoot: string, path: string): Promise<string> {
  if (!isAbsolute(path) || !isInside(resolve(root), resolve(path))) throw outside(path, 'it lies outside its root');
  return join(realRoot, relative(resolve(root), resolve(path)));
}

function outside(path: string, why: string): Error {
  return new Error(`"${path}" is not part of this codebase: ${why}. Use paths relative to the root, such as "." or "package.json".`);
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function posix(path: string): string {
  return sep === '/' ? path : path.split(sep).join('/');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
}

/** How to walk: from where, how deep, and which files count. */
export interface Walk {
  readonly from?: string | undefined;
  readonly depth?: number;
  readonly wanted?: (path: string) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Everything below a folder of the codebase, in order of names, folders before what they contain.
 * Links are not followed and not listed; `node_modules` and version control folders are not entered.
 * Ends after `entriesWalkedMax` entries. The disk is read synchronously, which is several times faster here, but
 * never for long: other work gets its turn in between, and `signal` is obeyed then.
 */
export async function* walk(root: string, options: Walk = {}): AsyncGenerator<Entry> {
  const { from = '.', depth = Infinity, wanted = () => true, signal } = options;
  const start = await confine(root, from);
  const about = await stat(start.real);
  if (!about.isDirectory()) {
    if (wanted(start.path)) yield { path: start.path, folder: false, bytes: about.size };
    return;
  }
  let seen = 0;
  for (const entry of below(start.real, start.path === '.' ? '' : start.path, depth, wanted)) {
    seen += 1;
    if (seen > LIMITS.entriesWalkedMax) return;
    if (seen % LIMITS.entriesPerSlice === 0) await immediately();
    signal?.throwIfAborted();
    if (entry !== undefined) yield entry;
  }
}

/** Yields nothing for an entry that is not wanted, so that the walk can count and pause. */
function* below(folder: string, prefix: string, depth: number, wanted: (path: string) => boolean): Generator<Entry | undefined> {
  for (const entry of entriesOf(folder)) {
    const path = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
    const real = join(folder, entry.name);
    if (entry.isFile())
      yield wanted(path) ? { path, folder: false, bytes: statSync(real, { throwIfNoEntry: false })?.size ?? 0 } : undefined;
    else if (!entry.isDirectory() || FOREIGN.has(entry.name)) yield undefined;
    else {
      yield { path, folder: true, bytes: 0 };
      if (depth > 1) yield* below(real, path, depth - 1, wanted);
    }
  }
}

/** A folder that may not be read, or is gone by now, counts as empty. */
function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch {
    return [];
  }
}

/**
 * The lines of one text file of the codebase.
 * @throws Error in words for the model: outside, missing, not a file, too large, binary.
 */
export async function readText(root: string, path: string): Promise<Text> {
  const at = await confine(root, path);
  const about = await stat(at.real);
  if (about.isDirectory()) throw new Error(`"${path}" is a folder. Use \`list\` to see what it contains.`);
  if (!about.isFile()) throw new Error(`"${path}" is not a regular file.`);
  const read = readLines(at.real, about.size);
  if (typeof read === 'string') throw new Error(`"${path}" was not read: ${read}.`);
  return { path: at.path, lines: read };
}

/** Lines, or why not. `real` must have been confined, or come out of `walk`. */
export function readLines(real: string, bytes: number): readonly string[] | string {
  if (bytes > LIMITS.fileBytesMax) return `over ${LIMITS.fileBytesMax} bytes`;
  let buffer: Buffer;
  try {
    buffer = readFileSync(real);
  } catch (error) {
    return codeOf(error);
  }
  if (buffer.subarray(0, 8_192).includes(0)) return 'binary';
  const lines = buffer.toString('utf8').split('\n');
  return buffer.includes(13) ? lines.map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line)) : lines;
}

export interface Listing {
  /** `lib/` for a folder, `lib/index.js (1234 bytes)` for a file. */
  readonly entries: readonly string[];
  readonly more: number;
}

/** What is below a folder, in order of names. */
export async function listEntries(
  root: string,
  args: { readonly path?: string | undefined; readonly depth?: number | undefined },
  signal?: AbortSignal,
): Promise<Listing> {
  const depth = Math.max(1, Math.min(args.depth ?? 2, LIMITS.depthMax));
  const entries: string[] = [];
  let more = 0;
  for await (const entry of walk(root, { from: args.path, depth, signal })) {
    if (entries.length < LIMITS.entriesShownMax) entries.push(entry.folder ? `${entry.path}/` : `${entry.path} (${entry.bytes} bytes)`);
    else more += 1;
  }
  return { entries, more };
}

export interface Excerpt {
  readonly file: string;
  readonly from: number;
  readonly to: number;
  /** How many lines the file has. */
  readonly of: number;
  /** One `12: text` per line. */
  readonly text: string;
  /** Lines shown only up to `lineCharsMax`; `grep` shows pieces from their middle. */
  readonly cut: readonly number[];
}

/** Some lines of one file. `from` and `to` count from 1, both included. */
export async function readExcerpt(
  root: string,
  args: { readonly file: string; readonly from?: number | undefined; readonly to?: number | undefined },
): Promise<Excerpt> {
  const { path, lines } = await readText(root, args.file);
  const from = Math.max(1, args.from ?? 1);
  if (from > lines.length) throw new Error(`"${path}" has ${lines.length} lines; line ${from} does not exist.`);
  const to = Math.min(lines.length, from + LIMITS.linesReadMax - 1, Math.max(from, args.to ?? lines.length));
  const cut: number[] = [];
  const shown = lines.slice(from - 1, to).map((line, index) => {
    if (line.length > LIMITS.lineCharsMax) cut.push(from + index);
    return `${from + index}: ${line.slice(0, LIMITS.lineCharsMax)}`;
  });
  return { file: path, from, to, of: lines.length, text: shown.join('\n'), cut };
}
