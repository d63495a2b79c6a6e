// What the disk alone asks of whoever wants to be sure: as many bytes as a step leaves in a journal, written and
// flushed, and nothing else.

import { fdatasyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { Contender, Surroundings } from './besideContender.ts';
import { ANSWER } from './besideQuestion.ts';

/** Four pages of SQLite, in which the rows of a step and their indexes stand. */
const BYTES = 4 * 4_096;

/** Each step is one write that is waited for until the disk has it. */
export function flushing({ folder }: Surroundings): Contender {
  const file = openSync(join(folder, 'flushed'), 'w');
  const bytes = Buffer.alloc(BYTES);
  return {
    emptySteps: async (count) =>
      Array.from({ length: count }, () => {
        writeSync(file, bytes);
        fdatasyncSync(file);
        return ANSWER;
      }),
  };
}
