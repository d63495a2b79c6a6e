// A process of its own for sqliteProcesses.test.ts: does what its first argument says, in the thread that its second
// names, to the journal file in its third, tells on stdout what was acknowledged, and goes on when a line comes in on stdin.

import { once } from 'node:events';
import { AmdahlError } from '../../src/agent/errors.ts';
import type { Claim } from '../../src/journal/journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { noted, runOf, started } from './entries.ts';

const [task = '', named = '', file = '', ...rest] = process.argv.slice(2);
const thread = named === 'main' ? 'main' : 'worker';

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function codeIn(thrown: unknown): string {
  return thrown instanceof AmdahlError ? thrown.code : String(thrown);
}

/** Appends to a run for ever: two notes, then an append of two, and an acknowledgement with the last name. */
async function appendForEver(claim: Claim, generation: string): Promise<void> {
  for (let index = 0; ; index += 4) {
    const [a, b, c, d] = [0, 1, 2, 3].map((more) => noted(`${generation}:${index + more}`));
    if (a === undefined || b === undefined || c === undefined || d === undefined) return;
    claim.note(a);
    claim.note(b);
    await claim.append([c, d]);
    say(`${claim.run} ${index + 4}`);
  }
}

const tasks: Record<string, () => Promise<void>> = {
  /** Appends to several runs at once until it is killed. */
  append: async () => {
    const [generation = '', ...runs] = rest;
    const journal = sqliteJournal({ file, thread });
    const claims = await Promise.all(runs.map(async (run) => journal.claim(runOf(run))));
    await Promise.all(claims.map(async (claim) => appendForEver(claim, generation)));
  },
  /** Appends 200 times to its own run. */
  finish: async () => {
    const journal = sqliteJournal({ file, thread });
    const claim = await journal.claim(runOf(rest[0] ?? ''));
    for (let index = 0; index < 200; index += 1) await claim.append([noted(`${index}`)]);
    await claim.release();
    await journal.close();
    say('done');
  },
  /** Owns a run, appends again when told to, and tells when it hears that the run is lost. */
  own: async () => {
    const journal = sqliteJournal({ file, thread, ttlMs: Number(rest[1] ?? 15_000) });
    const claim = await journal.claim(runOf(rest[0] ?? ''));
    claim.onLost((error) => say(`lost ${codeIn(error)}`));
    await claim.append([started()]);
    say('ready');
    process.stdin.on('data', () => {
      claim.append([noted('after')]).then(
        () => say('appended'),
        (thrown: unknown) => say(`refused ${codeIn(thrown)}`),
      );
    });
  },
  /** Holds the write lock until told to let go. */
  hold: async () => {
    // Not imported above: one of the other tasks is about a Node that does not have it.
    const { DatabaseSync } = await import('node:sqlite');
    const db = new DatabaseSync(file);
    db.exec('BEGIN IMMEDIATE');
    say('ready');
    await once(process.stdin, 'data');
    db.exec('ROLLBACK');
    db.close();
    process.stdin.destroy();
  },
  /** Ends without closing anything: no timer of a journal may keep it. */
  leave: async () => {
    const claim = await sqliteJournal({ file, thread }).claim(runOf('left'));
    await claim.append([started()]);
    claim.note(noted('unflushed'));
    say('ready');
  },
  /** Opens a journal where node:sqlite may be missing. */
  open: async () => {
    try {
      await sqliteJournal({ file, thread }).close();
      say('opened');
    } catch (thrown) {
      say(`${codeIn(thrown)} ${thrown instanceof Error ? thrown.message : ''}`);
    }
  },
};

await tasks[task]?.();
