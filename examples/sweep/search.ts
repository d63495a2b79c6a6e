// A regular expression over the files of one codebase: what the `grep` tool does. Patterns come from a model,
// so they are untrusted: each batch of text is searched under a time limit that also stops a pattern that
// backtracks for ever, and everything shown is bounded by LIMITS.

import { join } from 'node:path';
import { createContext, Script } from 'node:vm';
import { confine, LIMITS, readLines, walk, type Skipped } from './files.ts';

/** One place where the pattern matched. `text` is an exact piece of the line: the whole line unless `cut`. */
export interface Match {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly text: string;
  readonly cut?: true;
}

/** `total` counts every match in what was searched, shown or not. `skipped` names at most `skippedShownMax` files. */
export interface Matches {
  readonly matches: readonly Match[];
  readonly total: number;
  readonly filesSearched: number;
  readonly skipped: readonly Skipped[];
  readonly filesSkipped: number;
  /** Said when a bound ended the search before the last file. */
  readonly stopped?: string;
}

export interface Search {
  readonly pattern: string;
  readonly path?: string | undefined;
  readonly extensions?: readonly string[] | undefined;
  readonly ignoreCase?: boolean | undefined;
}

interface Loaded {
  readonly path: string;
  readonly lines: readonly string[];
}

interface Tally {
  readonly matches: Match[];
  total: number;
  /** The file being searched, for the message when time runs out. */
  at: string;
}

/**
 * Searches text files line by line, in order of names. Binary and large files are skipped and counted.
 * @throws Error in words for the model: bad pattern, pattern that takes too long, path outside the codebase.
 */
export async function grep(root: string, search: Search, signal?: AbortSignal): Promise<Matches> {
  const pattern = compile(search);
  const { real: realRoot } = await confine(root, '.');
  const tally: Tally = { matches: [], total: 0, at: '' };
  const skipped: Skipped[] = [];
  const batch: Loaded[] = [];
  let batchBytes = 0;
  let files = 0;
  let bytes = 0;
  let stopped: string | undefined;
  const endings = search.extensions?.map((one) => `.${one.replace(/^\./, '')}`);
  const wanted = (path: string): boolean => endings === undefined || endings.some((one) => path.endsWith(one));
  for await (const entry of walk(root, { from: search.path, wanted, signal })) {
    if (entry.folder) continue;
    if (files >= LIMITS.filesSearchedMax || bytes >= LIMITS.bytesSearchedMax) {
      stopped = `Stopped after ${files} files and ${bytes} bytes: search a narrower path.`;
      break;
    }
    const lines = readLines(join(realRoot, entry.path), entry.bytes);
    if (typeof lines === 'string') {
      skipped.push({ path: entry.path, why: lines });
      continue;
    }
    files += 1;
    bytes += entry.bytes;
    batchBytes += entry.bytes;
    batch.push({ path: entry.path, lines });
    if (batchBytes < LIMITS.searchBatchBytes) continue;
    searchBatch(pattern, batch.splice(0), tally);
    batchBytes = 0;
  }
  searchBatch(pattern, batch, tally);
  return {
    matches: tally.matches,
    total: tally.total,
    filesSearched: files,
    skipped: skipped.slice(0, LIMITS.skippedShownMax),
    filesSkipped: skipped.length,
    ...(stopped === undefined ? {} : { stopped }),
  };
}

function compile(search: Search): RegExp {
  const { pattern, ignoreCase } = search;
  if (pattern.length > LIMITS.patternCharsMax)
    throw new Error(`The pattern has ${pattern.length} characters; at most ${LIMITS.patternCharsMax} are searched for.`);
  let compiled: RegExp;
  try {
    compiled = new RegExp(pattern, ignoreCase === true ? 'gi' : 'g');
  } catch (error) {
    throw new Error(
      `"${pattern}" is not a JavaScript regular expression: ${error instanceof Error ? error.message : String(error)}. Escape special characters with a backslash.`,
    );
  }
  if (compiled.test(''))
    throw new Error(`"${pattern}" matches the empty text, so it would match every line. Use a pattern that must contain something.`);
  return compiled;
}

const box = { search: (): void => undefined };
const context = createContext(box);
const enter = new Script('search()');

/** Time is the only bound that holds for every pattern, and a script's time limit is the only one that stops a match half way. */
function searchBatch(pattern: RegExp, batch: readonly Loaded[], tally: Tally): void {
  if (batch.length === 0) return;
  box.search = () => batch.forEach((file) => searchFile(pattern, file, tally));
  try {
    enter.runInContext(context, { timeout: LIMITS.searchBatchMs });
  } catch (error) {
    // The error comes from the other context, so it is no instance of this one's Error.
    const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
    if (code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    throw new Error(
      `The pattern "${pattern.source}" took longer than ${LIMITS.searchBatchMs} ms, in ${tally.at}. Nested repetition such as (a+)+ does that: use a simpler pattern, or a path without that file.`,
      { cause: error },
    );
  } finally {
    box.search = () => undefined;
  }
}

function searchFile(pattern: RegExp, file: Loaded, tally: Tally): void {
  tally.at = file.path;
  let shown = 0;
  for (const [index, line] of file.lines.entries()) {
    const piecesMax = line.length <= LIMITS.pieceCharsMax ? 1 : LIMITS.piecesPerLineMax;
    let pieces = 0;
    let shownTo = 0;
    pattern.lastIndex = 0;
    for (let match = pattern.exec(line); match !== null; match = pattern.exec(line)) {
      if (match[0] === '') pattern.lastIndex += 1;
      tally.total += 1;
      const wanted = pieces < piecesMax && (pieces === 0 || match.index >= shownTo);
      if (!wanted || shown >= LIMITS.matchesPerFileShownMax || tally.matches.length >= LIMITS.matchesShownMax) continue;
      const piece = pieceOf(line, match.index, match[0].length);
      tally.matches.push({
        file: file.path,
        line: index + 1,
        column: match.index + 1,
        text: piece.text,
        ...(piece.cut ? { cut: true } : {}),
      });
      shownTo = piece.end;
      pieces += 1;
      shown += 1;
    }
  }
}

/** The line, or `pieceCharsMax` of it around a match: a third before, the rest from the match on. */
function pieceOf(line: string, index: number, length: number): { readonly text: string; readonly end: number; readonly cut: boolean } {
  const room = LIMITS.pieceCharsMax;
  if (line.length <= room) return { text: line, end: line.length, cut: false };
  const before = length >= room ? 0 : Math.min(Math.floor(room / 3), room - length);
  let start = Math.max(0, Math.min(index - before, line.length - room));
  let end = start + room;
  // Never half of a surrogate pair: the piece must survive a trip through UTF-8.
  if (isLowSurrogate(line, start)) start += 1;
  if (isLowSurrogate(line, end)) end -= 1;
  return { text: line.slice(start, end), end, cut: true };
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}
