// Questions to people in a SQLite journal: their table, and every statement that reads it. Written by sqliteWriter.ts in the
// transaction that appends the ask.* events, and by responses. Called by sqliteStore.ts and sqliteOpen.ts.
//
// In an encrypted file an ask is found by a keyed name, and its id, its scope and what was said to it are sealed: then a prefix is
// looked for among all.

import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { type AskRow, type AsksOptions, type AskState, canGoOn, checkPrefix, onlyOne, type Response } from './ask.ts';
import type { AskId, RunId } from './ids.ts';
import { journalDamaged } from './sqliteErrors.ts';
import type { Seal } from './sqliteSeal.ts';
import type { AskKind } from './worldEvent.ts';

/** Files of before get it when they are opened. Only what can be responded to, or was, is in an index of its own. */
export const ASKS_LAYOUT = `
  CREATE TABLE asks (
    ask TEXT PRIMARY KEY, sealed TEXT, run INTEGER NOT NULL, of TEXT NOT NULL, seq INTEGER NOT NULL,
    opened_at INTEGER NOT NULL, expires_at INTEGER, state TEXT NOT NULL, since INTEGER NOT NULL, response TEXT
  ) WITHOUT ROWID;
  CREATE INDEX asks_by_run ON asks (run);
  CREATE INDEX asks_open ON asks (opened_at) WHERE state = 'open';
  CREATE INDEX asks_responded ON asks (run) WHERE state = 'responded';
  CREATE TRIGGER asks_gone AFTER DELETE ON runs BEGIN DELETE FROM asks WHERE run = OLD.no; END;
`;

/** What was pruned is found no more. */
const FROM = 'SELECT asks.*, runs.run AS run_id, runs.scope FROM asks CROSS JOIN runs ON runs.no = asks.run';
const ORDER = 'ORDER BY asks.opened_at, asks.ask';
const OWN = `
  SELECT asks.*, runs.run AS run_id, runs.scope FROM asks INDEXED BY asks_responded CROSS JOIN runs ON runs.no = asks.run
  WHERE asks.state = 'responded' AND runs.owner_id = ?`;

type SqlRow = Record<string, SQLOutputValue>;

export class SqliteAsks {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #seal: Seal | undefined;
  readonly #statements = new Map<string, StatementSync>();

  /** `seal`: of an encrypted file. */
  constructor(db: DatabaseSync, file: string, seal?: Seal) {
    this.#db = db;
    this.#file = file;
    this.#seal = seal;
  }

  /** Oldest first. */
  list({ scope, run, all }: AsksOptions): AskRow[] {
    const which = all === true ? '' : "asks.state = 'open'";
    const of = run === undefined ? '' : 'asks.run = (SELECT no FROM runs WHERE run = ?)';
    const where = [which, of].filter((part) => part !== '').join(' AND ');
    const found = this.#prepared(`${FROM} ${where === '' ? '' : `WHERE ${where}`} ${ORDER}`).all(...(run === undefined ? [] : [run]));
    return found.map((row) => this.#read(row)).filter((row) => scope === undefined || row.scope === scope);
  }

  /** @throws AmdahlError ASK_UNKNOWN */
  find(idOrPrefix: string): AskRow | undefined {
    checkPrefix(idOrPrefix);
    const exact = this.get(idOrPrefix);
    if (exact !== undefined) return exact;
    if (this.#seal !== undefined)
      return onlyOne(
        idOrPrefix,
        this.list({ all: true }).filter(({ ask }) => ask.startsWith(idOrPrefix)),
      );
    // '~' comes after every character of an id.
    const found = this.#prepared(`${FROM} WHERE asks.ask >= ?1 AND asks.ask < ?1 || '~' LIMIT 3`).all(idOrPrefix);
    return onlyOne(
      idOrPrefix,
      found.map((row) => this.#read(row)),
    );
  }

  get(ask: string): AskRow | undefined {
    const found = this.#prepared(`${FROM} WHERE asks.ask = ?`).get(this.#seal?.name('ask', ask) ?? ask);
    return found === undefined ? undefined : this.#read(found);
  }

  /** Of one run, those said and not journaled, oldest first. */
  responded(run: RunId): AskRow[] {
    const sql = `${FROM} WHERE asks.run = (SELECT no FROM runs WHERE run = ?) AND asks.state = 'responded' ORDER BY asks.since, asks.ask`;
    return this.#prepared(sql)
      .all(run)
      .map((row) => this.#read(row));
  }

  /** The same, of all runs of an owner: one look into an index that is empty but for them. */
  respondedTo(owner: string): AskRow[] {
    return this.#prepared(OWN)
      .all(owner)
      .map((row) => this.#read(row));
  }

  /** Whether a parked run has something to go on with. */
  canGoOn(no: number, now: number): boolean {
    const found = this.#prepared('SELECT state, expires_at FROM asks WHERE run = ?').all(no);
    return canGoOn(
      found.map((row) => ({ state: this.#state(row), ...this.#expiry(row) })),
      now,
    );
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  #read(found: SqlRow): AskRow {
    const run = this.#text(found, 'run_id') as RunId; // only claims of a RunId write this column
    const name = this.#text(found, 'ask');
    const scope = found['scope'] === null ? undefined : this.#open(this.#text(found, 'scope'), `scope ${run}`, 'scope');
    const said = found['response'] === null ? undefined : this.#open(this.#text(found, 'response'), `response ${name}`, 'response');
    return {
      ask: this.#seal === undefined ? (name as AskId) : (this.#open(this.#text(found, 'sealed'), `ask ${name}`, 'ask') as AskId), // as above
      run,
      ...(scope === undefined ? {} : { scope }),
      of: this.#kind(found),
      seq: this.#number(found, 'seq'),
      openedAt: this.#number(found, 'opened_at'),
      ...this.#expiry(found),
      state: this.#state(found),
      since: this.#number(found, 'since'),
      ...(said === undefined ? {} : { response: JSON.parse(said) as Response }), // as textOf wrote it
    };
  }

  #expiry(found: SqlRow): { readonly expiresAt?: number } {
    return found['expires_at'] === null ? {} : { expiresAt: this.#number(found, 'expires_at') };
  }

  #state(found: SqlRow): AskState {
    return STATES.find((known) => known === found['state']) ?? this.#fail('state');
  }

  #kind(found: SqlRow): AskKind {
    return KINDS.find((known) => known === found['of']) ?? this.#fail('of');
  }

  #open(text: string, bound: string, column: string): string {
    if (this.#seal === undefined) return text;
    const opened = this.#seal.openField(text, bound);
    if (opened === undefined) throw journalDamaged(this.#file, `a ${column} was changed, or does not belong there: its seal does not fit`);
    return opened;
  }

  #text(found: SqlRow, column: string): string {
    const value = found[column];
    return typeof value === 'string' ? value : this.#fail(column);
  }

  #number(found: SqlRow, column: string): number {
    const value = found[column];
    return typeof value === 'number' ? value : this.#fail(column);
  }

  #fail(column: string): never {
    throw journalDamaged(this.#file, `a row of asks has an impossible ${column}`);
  }
}

const STATES: readonly AskState[] = ['open', 'responded', 'answered', 'refused', 'expired', 'withdrawn'];
const KINDS: readonly AskKind[] = ['human', 'approval', 'effect', 'budget', 'diverged'];
