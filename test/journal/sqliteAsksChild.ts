// A process of its own for sqliteAsks.test.ts: does what its first argument says to the journal file in its second.

import { sqliteJournal } from '../../src/journal/sqlite.ts';
import { askOf, opened, parked, yes } from './askEvents.ts';
import { runOf, started } from './entries.ts';

const [task = '', file = '', name = '', ...asks] = process.argv.slice(2);
const journal = sqliteJournal({ file });

if (task === 'respond') {
  // One after the other, told as it comes: the process may be killed at any of them.
  const respond = async (): Promise<void> => {
    for (const ask of asks) {
      const { kind } = await journal.respond(askOf(ask), yes(name), 5_000);
      process.stdout.write(`${ask} ${kind}\n`);
    }
  };
  process.stdin.once('data', () => void respond());
} else {
  const claim = await journal.claim(runOf(name));
  await claim.append([started(), ...asks.map((ask) => opened(askOf(ask))), parked(2_000, ...asks.map(askOf))]);
  setInterval(() => undefined, 60_000);
}
process.stdout.write('ready\n');
