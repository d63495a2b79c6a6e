// Every error of SQLite and of the file system below a journal, as one of the family. Called by the
// sqlite*.ts files at the place where the foreign error is caught.

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { AmdahlError, describe, sentence } from '../agent/errors.ts';

// Primary result codes, sqlite.org/rescode.html. The high bytes of an extended code refine them.
const BUSY = new Set([5, 6]);
const UNWRITABLE = new Set([3, 8, 10, 14, 22, 23]);
const DAMAGED = new Set([1, 11, 20, 26]);
const FULL = 13;
const DAMAGED_EXTENDED = new Set([522, 8458]); // IOERR_SHORT_READ, IOERR_CORRUPTFS

/** Whether SQLite gave up on a lock that another connection holds. Pure. */
export function isBusy(thrown: unknown): boolean {
  const code = sqliteCode(thrown);
  return code !== undefined && BUSY.has(code & 0xff);
}

/** The family's error for what SQLite or the file system threw; errors of the family pass. Looks at the file where it cannot be written. */
export function journalError(thrown: unknown, file: string): AmdahlError {
  if (thrown instanceof AmdahlError) return thrown;
  const code = sqliteCode(thrown);
  if (code === undefined) return systemCode(thrown) === 'ENOSPC' ? journalFull(file, thrown) : journalUnwritable(file, thrown);
  const primary = code & 0xff;
  if (primary === FULL) return journalFull(file, thrown);
  if (DAMAGED_EXTENDED.has(code) || DAMAGED.has(primary)) return journalDamaged(file, describe(thrown), thrown);
  if (UNWRITABLE.has(primary)) return journalUnwritable(file, thrown);
  return new AmdahlError('JOURNAL_UNWRITABLE', sentence(`the journal ${file} answered with an unexpected error: ${describe(thrown)}`), {
    data: { file, sqlite: code },
    cause: thrown,
  });
}

/** The file holds something else than a journal, or pages of it are gone. */
export function journalDamaged(file: string, what: string, cause?: unknown): AmdahlError {
  return new AmdahlError(
    'JOURNAL_DAMAGED',
    `${file} cannot be read as a journal: ${what}. Copy it aside first, together with ${file}-wal and ${file}-shm if they exist. ` +
      `Then recover what is left with the sqlite3 tool: sqlite3 ${file} .recover | sqlite3 recovered.sqlite, and put that file in its place; ` +
      'or remove the three files to begin with an empty journal.',
    { data: { file }, ...(cause === undefined ? {} : { cause }) },
  );
}

/** The file's layout is that of a later amdahl. */
export function journalNewer(file: string, found: number, known: number): AmdahlError {
  return new AmdahlError(
    'JOURNAL_NEWER',
    `The journal ${file} has layout ${found}; this amdahl knows layouts up to ${known}. Update amdahl, or use another directory (AMDAHL_DIR or the journal option).`,
    { data: { file, found, known } },
  );
}

/** Another connection held the write lock for the whole of `busyMs`. */
export function journalBusy(file: string, busyMs: number, cause: unknown): AmdahlError {
  return new AmdahlError(
    'JOURNAL_BUSY',
    `Another process has kept the journal ${file} locked for ${busyMs} ms. Look for a stopped amdahl process or an open sqlite3 shell on this file, end it, and resume the run.`,
    { retryable: 'yes', data: { file, busyMs }, cause },
  );
}

function journalFull(file: string, cause: unknown): AmdahlError {
  return new AmdahlError(
    'JOURNAL_FULL',
    `There is no room left to write the journal ${file}. Everything acknowledged so far is kept: free some space and resume the run.`,
    { data: { file }, cause },
  );
}

function journalUnwritable(file: string, cause: unknown): AmdahlError {
  return new AmdahlError(
    'JOURNAL_UNWRITABLE',
    `The journal ${file} cannot be written: ${obstacleAt(file, cause) ?? describe(cause).replace(/\.+$/, '')}. Name a directory that can be, by the environment variable AMDAHL_DIR ` +
      'or as journal: sqliteJournal({ dir }); or pass journal: memoryJournal() if the run need not survive this process.',
    { data: { file }, cause },
  );
}

/** Why a file or folder cannot be made or written, where the file system says so: SQLite only says that it cannot. */
function obstacleAt(path: string, cause: unknown): string | undefined {
  let nearest = path;
  while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
  const folder = nearest === path ? dirname(path) : nearest;
  if (!statSync(folder).isDirectory()) return `${folder} is a file where a folder should be`;
  if (nearest === path && statSync(path).isDirectory()) return sqliteCode(cause) === undefined ? undefined : 'it is a folder';
  const closed = closedTo(nearest) ?? closedTo(folder);
  if (closed !== undefined) return closed;
  return nearest === path || nearest === dirname(path) ? undefined : `there is no folder ${dirname(path)}`;
}

function closedTo(path: string): string | undefined {
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (thrown) {
    const code = systemCode(thrown);
    if (code === 'EROFS') return `${path} is on a read-only file system`;
    return code === 'EACCES' || code === 'EPERM' ? `there is no permission to write to ${path}` : undefined;
  }
}

function sqliteCode(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('errcode' in thrown) || typeof thrown.errcode !== 'number') return undefined;
  return thrown.errcode;
}

function systemCode(thrown: unknown): unknown {
  return thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
}
