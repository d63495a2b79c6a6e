// Release notes from a git history: an agent drafts them, keeps them in a file and announces them. Both are done once, after its
// answer stands and a person has said yes to the announcement; the announcement names the file that does not exist yet by its receipt.
//
//   amdahl run examples/release-notes/releaseNotes.ts --id notes-1

import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { agent, flow, type RunOptions, step, tool } from '../../src/index.ts';
import { History, historyOf } from './history.ts';
import { model } from './standIn.ts';
import { startWebhook } from './webhook.ts';

/** Where files go, and to what is posted: to a webhook that this process runs for as long as it posts, where none is named. */
const out = resolve(process.env['RELEASE_NOTES_OUT'] ?? '.amdahl/release-notes');
const webhook = process.env['RELEASE_NOTES_WEBHOOK'];

const Input = z.object({
  repository: z.string().default('.').describe('A folder of a git repository.'),
  range: z.string().optional().describe('As git takes it, such as v1.2..HEAD. Default: since the last tag, or the last 30 commits.'),
});

const readHistory = step({
  name: 'readHistory',
  version: '1',
  input: Input,
  output: History,
  execute: ({ repository, range }) => historyOf(repository, range, join(out, 'sample')),
});

const save = tool({
  description: 'Keep the notes in a file. Gives its path.',
  effect: 'staged',
  idempotent: true,
  input: z.object({ markdown: z.string().min(1) }),
  execute: async ({ markdown }, { key }) => {
    const path = join(out, 'NOTES.md');
    await mkdir(out, { recursive: true });
    await writeFile(`${path}.${key}`, markdown);
    await rename(`${path}.${key}`, path); // whole or not at all; the same key writes the same
    return { path, characters: markdown.length };
  },
});

const announce = tool({
  description: 'Tell everybody of the release. `notes` is the path of the file that has them.',
  effect: 'staged',
  idempotent: true,
  approve: true,
  input: z.object({ title: z.string().max(100), text: z.string().max(500), notes: z.string() }),
  execute: async (announcement, { key, signal }) => {
    const own = webhook === undefined ? await startWebhook({ file: join(out, 'webhook.jsonl') }) : undefined;
    try {
      const headers = { 'content-type': 'application/json', 'idempotency-key': key };
      const response = await fetch(webhook ?? own?.url ?? '', { method: 'POST', headers, body: JSON.stringify(announcement), signal });
      if (!response.ok) throw new Error(`The webhook answered ${response.status}.`);
      return z.object({ post: z.int() }).parse(await response.json());
    } finally {
      await own?.close();
    }
  },
});

/** Replace the stand-in with any model, or name one: `--model openai/gpt-5`. */
export const write = agent({
  name: 'write',
  model,
  input: History,
  output: z.object({ title: z.string(), commits: z.array(z.string()).describe('The hashes of all commits that the notes tell of.') }),
  instructions: [
    'Write release notes for the users of this project: what is new, what is fixed, what they must change. Leave out what they cannot see.',
    'Save them as Markdown with save. Then announce them in two sentences with announce, whose notes is the path in the receipt of save.',
    'Name each commit by its hash.',
  ].join('\n'),
  tools: { save, announce },
  checks: [
    ({ commits }, { input }) => {
      const known = new Set(History.parse(input).commits.map(({ hash }) => hash));
      const unknown = commits.filter((hash) => !known.has(hash));
      return unknown.length === 0 ? undefined : `No commit has the hash ${unknown.join(', ')}.`;
    },
  ],
});

const releaseNotes = flow({
  name: 'releaseNotes',
  input: Input,
  run: async (input, ctx) => await ctx.call(write, await ctx.call(readHistory, input)),
});

export default releaseNotes;
export const options = { prices: { 'scripted/*': { in: 0, out: 0 } } } satisfies RunOptions;
