// A sweep: one agent looks at every file of a folder, ten at a time, and a step counts what was found. Stop it with Ctrl-C
// and `amdahl resume last` goes on; change one file, and a new run asks about all of them again.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { agent, mapReduce, pipe, step } from 'amdahl';
import { z } from 'zod';
import { model } from './model.ts';

/** Files above this size are left out: they would fill the window of the model. */
const BYTES_MAX = 100_000;

const File = z.object({ path: z.string(), text: z.string() });
const Review = z.object({ path: z.string(), purpose: z.string(), problems: z.array(z.string()) });

const read = step({
  name: 'read',
  version: '1',
  input: z.object({ folder: z.string(), ending: z.string() }),
  output: z.array(File),
  execute: ({ folder, ending }) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith(ending) && !path.includes('node_modules'))
      .sort()
      .map((path) => join(folder, path))
      .map((path) => ({ path, text: readFileSync(path, 'utf8') }))
      .filter(({ text }) => text.length <= BYTES_MAX),
});

export const review = agent({
  name: 'review',
  model,
  instructions: 'Say in one sentence what this file is for, and list its problems, if it has any. Give its path as it is.',
  input: File,
  output: Review,
  budget: { calls: 4 },
});

const report = step({
  name: 'report',
  version: '1',
  input: z.array(Review),
  output: z.object({ files: z.number(), problems: z.array(z.string()) }),
  execute: (reviews) => ({
    files: reviews.length,
    problems: reviews.flatMap(({ path, problems }) => problems.map((problem) => `${path}: ${problem}`)),
  }),
});

export default pipe(read, mapReduce({ map: review, reduce: report, atLeast: 0.9 }));
