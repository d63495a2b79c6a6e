// A cancel that comes when a run ends: whichever is first, the journal tells one end, and the cancel knows which.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agent, run, RunError, sqliteJournal } from '../../src/index.ts';
import { scripted } from '../../src/testing.ts';
import { entriesOf, runOf } from './entries.ts';

test('a cancel that races with the end of its run never contradicts the journal', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'amdahl-race-'));
  const journal = sqliteJournal({ dir });
  const became = new Map<string, number>();
  try {
    for (let nth = 0; nth < 30; nth += 1) {
      const id = `run-${nth}`;
      const ask = agent({ name: 'ask', model: scripted([{ text: 'done' }]), instructions: 'x' });
      let cancelling: Promise<unknown> | undefined;
      let told = 0;
      const running = run(ask, 'go', {
        id,
        journal,
        onEvent: () => {
          told += 1;
          if (told === 1 + (nth % 6)) cancelling = journal.cancel(runOf(id), { reason: 'race' }).catch((error: unknown) => error);
        },
      }).then(
        () => 'succeeded',
        (error: unknown) => (error instanceof RunError ? error.code : String(error)),
      );
      const [outcome] = await Promise.all([running, cancelling]);
      const ends = (await entriesOf(journal, runOf(id)))
        .map(({ event }) => event.kind)
        .filter((kind) => /^run\.(?:succeeded|failed|cancelled)$/.test(kind));
      const row = await journal.row(runOf(id));
      expect(ends).toHaveLength(1);
      expect([outcome, row?.status]).toEqual(ends[0] === 'run.succeeded' ? ['succeeded', 'succeeded'] : ['CANCELLED', 'cancelled']);
      became.set(ends[0] ?? '', (became.get(ends[0] ?? '') ?? 0) + 1);
    }
    expect(became.get('run.succeeded')).toBeGreaterThan(0);
  } finally {
    await journal.close();
    rmSync(dir, { recursive: true });
  }
});
