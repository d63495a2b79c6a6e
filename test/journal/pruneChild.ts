// A process of its own for sqlitePrune.test.ts: says that it begins, then prunes the file it is given until it is done or killed.

import { sqliteJournal } from '../../src/journal/sqlite.ts';

const [file = ''] = process.argv.slice(2);
const journal = sqliteJournal({ file });
process.stdout.write('begins\n');
await journal.prune({ statuses: ['succeeded'] });
process.stdout.write('done\n');
await journal.close();
