import { describe, expect, it } from 'vitest';
import { activeMs } from '../../src/cli/runsCommand.ts';
import { memoryJournal } from '../../src/journal/memory.ts';
import { journalOf, runResumed, runStarted } from '../journal/story.ts';
import type { Happening, RunId } from '../../src/journal/event.ts';

describe('how long a run took', () => {
  it('is the time in which somebody worked on it, not the time between', async () => {
    const journal = memoryJournal();
    const id = 'r-1' as RunId; // any text will do as an id
    const failed: Happening = { kind: 'run.failed', error: { code: 'MODEL_FAILED', message: 'no' } };
    const entries = journalOf(runStarted, failed, { pauseMs: 3_600_000 }, runResumed(1, 10), failed);
    for (const [from, to] of [
      [0, 2],
      [2, 4],
    ]) {
      const claim = await journal.claim(id);
      await claim.append(entries.slice(from, to).map(({ event }) => event));
      await claim.release();
      const row = await journal.row(id);
      expect(await activeMs(journal, row!)).toBe(from === 0 ? 10 : 20);
    }
  });
});
