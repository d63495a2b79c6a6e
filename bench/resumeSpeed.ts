// How fast a finished run answers when it is entered again: a map whose leaves all stand in the journal.

import { map } from '../src/compose/map.ts';
import type { Journal } from '../src/journal/journal.ts';
import { memoryJournal } from '../src/journal/memory.ts';
import { sqliteJournal } from '../src/journal/sqlite.ts';
import { run } from '../src/run/run.ts';
import { median, quantity, type Report } from './finding.ts';
import { inFolder } from './folder.ts';
import { inputs, instantModel, review } from './instantModel.ts';

const LEAVES = 2_000;
const RESUMES = 5;

export async function resumeSpeed(): Promise<Report> {
  return inFolder(async (folder) => {
    const memory = await resumed(memoryJournal());
    const journal = sqliteJournal({ dir: folder });
    const disk = await resumed(journal);
    await journal.close();
    const row = (what: string, ms: number): readonly string[] => [what, quantity(ms, 'ms'), quantity((ms * 1_000) / LEAVES, 'us')];
    return {
      findings: [
        { what: 'resume per answered leaf, journal in memory', measured: (memory * 1_000) / LEAVES, unit: 'us' },
        { what: 'resume per answered leaf, journal on disk', measured: (disk * 1_000) / LEAVES, unit: 'us' },
      ],
      tables: [[['resume', 'the whole run', 'per answered leaf'], row('journal in memory', memory), row('SQLite', disk)]],
      notes: [
        `A finished map over ${quantity(LEAVES)} typed calls, entered again with concurrency 100; wall time, median of ${RESUMES}; nothing is asked of the model.`,
      ],
    };
  });
}

/** Milliseconds that a resume takes. */
async function resumed(journal: Journal): Promise<number> {
  const agent = map(review, { concurrency: 100 });
  const list = inputs(LEAVES);
  const options = { id: 'resumed', models: { review: instantModel() }, journal };
  await run(agent, list, options);
  const times: number[] = [];
  for (let index = 0; index < RESUMES; index += 1) {
    const from = performance.now();
    const { resume } = await run(agent, list, options);
    times.push(performance.now() - from);
    if (resume?.answered !== LEAVES) throw new Error(`${resume?.answered ?? 0} of ${LEAVES} leaves were answered from the journal`);
  }
  return median(times);
}
