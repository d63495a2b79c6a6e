// Whether a journal file is encrypted, and with which key. Called by sqliteStore.ts when it opens one. A file becomes
// encrypted while there is nothing in it, and stays as it began.

import type { DatabaseSync } from 'node:sqlite';
import { AmdahlError } from '../agent/errors.ts';
import { type JournalKey, type Lock, newLock, type Seal, unlock } from './sqliteSeal.ts';

/**
 * What opens the records of a file; undefined for one that is clear.
 * @throws AmdahlError JOURNAL_LOCKED without its key, JOURNAL_UNLOCKED for a key to a file that is clear.
 */
export function sealOf(db: DatabaseSync, file: string, key: JournalKey | undefined): Seal | undefined {
  const lock = lockOf(db) ?? (key === undefined || !isEmpty(db) ? undefined : lockedFirst(db, key));
  if (lock === undefined) {
    if (key === undefined) return undefined;
    throw new AmdahlError(
      'JOURNAL_UNLOCKED',
      `A key was given for the journal ${file}, which holds runs that are not encrypted. Open it without a key (encrypt, AMDAHL_JOURNAL_KEY), or copy it into an encrypted one: copyJournal().`,
      { data: { file } },
    );
  }
  if (key === undefined) throw locked(file, 'missing');
  const seal = unlock(key, lock);
  if (seal === undefined) throw locked(file, 'wrong');
  return seal;
}

function locked(file: string, which: 'missing' | 'wrong'): AmdahlError {
  const what = which === 'missing' ? 'and no key was given' : 'and the key that was given is not its own';
  return new AmdahlError(
    'JOURNAL_LOCKED',
    `The journal ${file} is encrypted, ${what}. Give it as encrypt: { key } of sqliteJournal(), or to commands as AMDAHL_JOURNAL_KEY.`,
    { data: { file, key: which } },
  );
}

function lockOf(db: DatabaseSync): Lock | undefined {
  if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'lock'").get() === undefined) return undefined;
  const found = db.prepare('SELECT salt, probe FROM lock').get();
  const [salt, probe] = [found?.['salt'], found?.['probe']];
  // A lock that cannot be read opens with no key.
  return { salt: salt instanceof Uint8Array ? salt : new Uint8Array(), probe: probe instanceof Uint8Array ? probe : new Uint8Array() };
}

function isEmpty(db: DatabaseSync): boolean {
  return db.prepare('SELECT 1 FROM runs LIMIT 1').get() === undefined;
}

/** Two processes may open a new file at once: the first one's lock stays. Undefined where a run was begun meanwhile. */
function lockedFirst(db: DatabaseSync, key: JournalKey): Lock | undefined {
  const { lock } = newLock(key);
  db.exec('BEGIN IMMEDIATE');
  try {
    const before = lockOf(db);
    const made = before ?? (isEmpty(db) ? lock : undefined);
    if (before === undefined && made !== undefined) {
      db.exec('CREATE TABLE lock (salt BLOB NOT NULL, probe BLOB NOT NULL)');
      db.prepare('INSERT INTO lock (salt, probe) VALUES (?, ?)').run(made.salt, made.probe);
    }
    db.exec('COMMIT');
    return made;
  } catch (thrown) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}
