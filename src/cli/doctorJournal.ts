// The health of the journal here: where it is, whether it can be read and written, what is in it. Called by doctor.ts.
// A journal that does not exist is not made.

import { Buffer } from 'node:buffer';
import { accessSync, closeSync, constants, existsSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import process from 'node:process';
import { describe } from '../agent/errors.ts';
import type { RunRow } from '../journal/journal.ts';
import { journalDamaged, journalError } from '../journal/sqliteErrors.ts';
import { fileIn } from '../journal/sqliteFile.ts';
import { existingJournal, journalDirectory, shortPath } from './runReference.ts';

/** Beyond this a check reads for longer than people wait. */
const CHECKED_BYTES_MAX = 256 * 2 ** 20;
const RUNS_COUNTED_MAX = 10_000;

interface RunningRun {
  readonly run: string;
  readonly pid: number;
  readonly host: string;
  readonly alive: boolean;
}

export interface JournalHealth {
  readonly file: string;
  readonly exists: boolean;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Of the file and what SQLite keeps beside it. */
  readonly bytes?: number;
  readonly runs?: number;
  /** Whether there are more runs than were counted. */
  readonly more?: boolean;
  readonly running?: readonly RunningRun[];
  /** Runs whose process is gone, newest first: a resume goes on with them. */
  readonly interrupted?: readonly string[];
  /** How many runs wait for people, and how many questions are open. */
  readonly parked?: number;
  readonly asks?: number;
  /** What SQLite's own check says; 'skipped' where the file is too large for a quick one. */
  readonly check?: 'ok' | 'skipped' | 'failed';
  readonly problem?: string;
}

/** Looks at the journal of the working directory, or of AMDAHL_DIR. Never throws. O(size of the file), up to a bound. */
export async function journalHealth(): Promise<JournalHealth> {
  const path = fileIn(journalDirectory());
  const file = shortPath(path);
  try {
    const exists = existsSync(path);
    const problem = obstacleTo(path);
    if (!exists) return { file, exists, readable: false, writable: problem === undefined, ...(problem === undefined ? {} : { problem }) };
    const bytes = sizeOf(path);
    const { flaw, ...read } = isBlank(path, file) ? BLANK : await contents(path, bytes <= CHECKED_BYTES_MAX);
    const worst = problem ?? (flaw === undefined ? undefined : journalDamaged(file, flaw).message);
    return {
      file,
      exists,
      readable: true,
      writable: problem === undefined,
      bytes,
      ...read,
      ...(worst === undefined ? {} : { problem: worst }),
    };
  } catch (error) {
    // The journal's own errors say what to do; a newer and a damaged one are among them.
    const problem = obstacleTo(path);
    return { file, exists: true, readable: false, writable: problem === undefined, problem: problem ?? journalError(error, file).message };
  }
}

type Contents = Pick<JournalHealth, 'runs' | 'more' | 'running' | 'interrupted' | 'parked' | 'asks' | 'check'> & {
  readonly flaw: string | undefined;
};

const BLANK: Contents = { runs: 0, more: false, running: [], interrupted: [], parked: 0, asks: 0, check: 'ok', flaw: undefined };

/**
 * Whether there is a file with nothing in it: opened as a journal it would become one. Read by hand, without SQLite, which
 * would change it (sqlite.org/fileformat.html: 68 is the application's id, 103 the number of tables and indexes).
 * @throws AmdahlError JOURNAL_DAMAGED for a database of another program, for the same reason.
 */
function isBlank(path: string, file: string): boolean {
  if (sizeOf(path) === 0) return true;
  const head = headOf(path);
  const isOwn = head.toString('latin1', 68, 72) === 'amdl';
  // What stands in the log beside it is not known here.
  if (isOwn || head.toString('latin1', 0, 15) !== 'SQLite format 3' || sizeOf(path) > statSync(path).size) return false;
  if (head.readUInt16BE(103) === 0) return true;
  throw journalDamaged(file, 'it is a SQLite file of another program');
}

function headOf(path: string): Buffer {
  const head = Buffer.alloc(108);
  const fd = openSync(path, 'r');
  try {
    readSync(fd, head, 0, head.length, 0);
    return head;
  } finally {
    closeSync(fd);
  }
}

async function contents(path: string, cheap: boolean): Promise<Contents> {
  const journal = existingJournal();
  try {
    const rows = (await journal?.rows(RUNS_COUNTED_MAX)) ?? [];
    const running = rows.flatMap((row) => (row.status === 'running' && row.owner !== undefined ? [runningOf(row, row.owner)] : []));
    const interrupted = rows.flatMap(({ run, status }) => (status === 'interrupted' ? [run] : []));
    const parked = rows.filter(({ status }) => status === 'parked').length;
    const asks = (await journal?.asks())?.length ?? 0;
    // While the journal is open: whoever closes it last must be able to tidy up, and a reader cannot.
    const flaw = cheap ? flawIn(path) : undefined;
    const check = !cheap ? 'skipped' : flaw === undefined ? 'ok' : 'failed';
    return { runs: rows.length, more: rows.length === RUNS_COUNTED_MAX, running, interrupted, parked, asks, check, flaw };
  } finally {
    await journal?.close();
  }
}

function runningOf({ run }: RunRow, { pid, host, alive }: NonNullable<RunRow['owner']>): RunningRun {
  return { run, pid, host, alive };
}

/** What stands in the way of writing there, with what to do; undefined for nothing. */
function obstacleTo(path: string): string | undefined {
  const instead = 'Make it writable, or name another directory by AMDAHL_DIR.';
  let at = path;
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at);
  if (at !== path && !statSync(at).isDirectory())
    return `${shortPath(at)} is a file where a directory should be. Move it, or name another directory by AMDAHL_DIR.`;
  // SQLite keeps files beside the journal.
  for (const needed of new Set([at, at === path ? dirname(path) : at])) {
    try {
      accessSync(needed, constants.R_OK | constants.W_OK);
    } catch (error) {
      const readOnly = error instanceof Error && 'code' in error && error.code === 'EROFS';
      return `${shortPath(needed)} cannot be written: ${readOnly ? 'its file system is read-only' : 'there is no permission'}. ${instead}`;
    }
  }
  return undefined;
}

function sizeOf(path: string): number {
  return ['', '-wal', '-shm'].reduce((sum, end) => sum + (existsSync(path + end) ? statSync(path + end).size : 0), 0);
}

/** What SQLite finds wrong with a file; undefined for nothing. Loaded by now, so that no warning about it is printed. */
function flawIn(path: string): string | undefined {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  const db = new DatabaseSync(path, { readOnly: true });
  try {
    const said = db
      .prepare('PRAGMA quick_check(3)')
      .all()
      .map((row) => String(Object.values(row)[0]))
      .join('; ');
    return said === 'ok' ? undefined : said;
  } catch (error) {
    return describe(error);
  } finally {
    db.close();
  }
}
