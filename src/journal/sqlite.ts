// The journal in a SQLite file: the embedded default. Called by users, the CLI and run(). Its declarations are public and
// must not reach those of SQLite: what they name stands in sqliteOptions.ts, what they do in sqliteOpen.ts.

import { checkOptions } from '../agent/options.ts';
import type { Journal } from './journal.ts';
import { openDefault, openSqlite } from './sqliteOpen.ts';
import { SQLITE_OPTIONS, type SqliteJournalOptions } from './sqliteOptions.ts';

export type { SqliteJournalOptions };

/**
 * Opens a journal in a SQLite file, and makes it if there is none. Handles on one file share a connection.
 * @throws AmdahlError MISCONFIGURED, JOURNAL_UNWRITABLE, JOURNAL_DAMAGED, JOURNAL_NEWER, JOURNAL_BUSY, JOURNAL_FULL.
 */
export function sqliteJournal(options: SqliteJournalOptions = {}): Journal {
  checkOptions(options, SQLITE_OPTIONS, 'sqliteJournal()');
  return openSqlite(options);
}

/** The journal of this process: in the directory AMDAHL_DIR, or in .amdahl of the working directory. Opened once. */
export function defaultJournal(): Journal {
  return openDefault();
}
