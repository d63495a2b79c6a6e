// Encrypted, kept for thirty days, pruned, cancelled, and copied under another key.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agent, copyJournal, run, sqliteJournal } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';

const dir = mkdtempSync(join(tmpdir(), 'amdahl-data-'));
const [oldKey, newKey] = ['correct horse battery staple', 'b'.repeat(64)];
const hello = agent({ name: 'hello', model: scripted(() => ({ text: 'hello' })), instructions: 'Greet.' });

const journal = sqliteJournal({ dir, encrypt: { key: oldKey }, maxAgeMs: 30 * 24 * 3_600_000 });
const { id } = await run(hello, 'Ada', { journal });

const would = await journal.prune({ olderThanMs: 7 * 24 * 3_600_000, dryRun: true });
console.log(would.runs.length, would.bytes); // 0 0: it is no week old
await journal.prune({ runs: ['no longer needed'] }).catch((error: Error) => console.log(error.message));

console.log(await journal.cancel(id, { reason: 'wrong input' })); // { kind: 'ended', status: 'succeeded' }

const fresh = sqliteJournal({ file: join(dir, 'fresh.sqlite'), encrypt: { key: newKey } });
console.log(await copyJournal(journal, fresh)); // { copied: [ id ], left: [] }

await Promise.all([journal.close(), fresh.close()]);
rmSync(dir, { recursive: true });
