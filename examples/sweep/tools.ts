// What a reviewing agent can do in its codebase: list, grep and read. Each takes its root from the contracted
// input of the call it serves, so a model can name only paths below it. What they throw is told to the model.

import { z } from 'zod';
import { tool } from '../../src/index.ts';
import { type Excerpt, LIMITS, type Listing, listEntries, readExcerpt } from './files.ts';
import { grep, type Matches } from './search.ts';

const served = z.object({ root: z.string() });

/** The tools of an agent whose input names the codebase's `root`. */
export const tools = {
  list: tool({
    effect: 'none',
    version: '1',
    description: `List what is below a folder of the codebase, at most ${LIMITS.entriesShownMax} entries. Links are not followed; node_modules is left out.`,
    input: z.object({
      path: z.string().optional().describe('Relative to the root of the codebase. Default: the root.'),
      depth: z.number().int().min(1).max(LIMITS.depthMax).optional().describe('How many levels. Default: 2.'),
    }),
    execute: (args, { input, signal }): Promise<Listing> => listEntries(served.parse(input).root, args, signal),
  }),
  grep: tool({
    effect: 'none',
    version: '1',
    description: `Search the text files of the codebase, line by line, with a JavaScript regular expression. Shows at most ${LIMITS.matchesShownMax} matches, ${LIMITS.matchesPerFileShownMax} of one file, and counts all. "text" is an exact piece of the line, fit for quoting.`,
    input: z.object({
      pattern: z.string().describe('JavaScript regular expression, without slashes.'),
      path: z.string().optional().describe('Folder or file to search, relative to the root. Default: everything.'),
      extensions: z.array(z.string()).optional().describe('Only files with these endings, such as ["js", "mjs"].'),
      ignoreCase: z.boolean().optional(),
    }),
    execute: (args, { input, signal }): Promise<Matches> => grep(served.parse(input).root, args, signal),
  }),
  read: tool({
    effect: 'none',
    version: '1',
    description: `Read lines of one text file of the codebase, at most ${LIMITS.linesReadMax} at a time, each up to ${LIMITS.lineCharsMax} characters.`,
    input: z.object({
      file: z.string().describe('Relative to the root of the codebase.'),
      from: z.number().int().min(1).optional().describe('First line, counted from 1. Default: 1.'),
      to: z.number().int().min(1).optional().describe('Last line, included.'),
    }),
    execute: (args, { input }): Promise<Excerpt> => readExcerpt(served.parse(input).root, args),
  }),
};
