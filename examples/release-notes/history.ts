// What a git repository says it changed: the commits of a range, oldest first. Where there is no history (the package from npm
// has none), a small repository of its own is made, and said to be one.

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';

const COMMITS_MAX = 30;
const BUFFER_BYTES_MAX = 16 * 1024 * 1024;
const GIT_MS_MAX = 30_000;
const BODY_CHARS_MAX = 600;

export const History = z.object({
  /** The repository and the range, as git takes it. */
  of: z.string(),
  commits: z.array(z.object({ hash: z.string(), subject: z.string(), body: z.string() })).min(1),
});
export type History = z.output<typeof History>;

const execute = promisify(execFile);

async function git(folder: string, ...args: readonly string[]): Promise<string> {
  const options = { cwd: folder, maxBuffer: BUFFER_BYTES_MAX, timeout: GIT_MS_MAX, env: { ...process.env, ...PLAIN } };
  const { stdout } = await execute('git', args, options);
  return stdout.trim();
}

/** Whatever the user's own settings are. */
const PLAIN = { GIT_PAGER: 'cat', LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0' };

/** The commits of `range`; where none is given, since the last tag, or the last thirty. `sample`: where one may be made. */
export async function historyOf(repository: string, range: string | undefined, sample: string): Promise<History> {
  const has = await git(repository, 'rev-parse', '--verify', '--quiet', 'HEAD').catch(() => '');
  if (has === '' && range !== undefined) throw new Error(`${resolve(repository)} has no git history: give another --repository.`);
  const folder = has === '' ? await sampleAt(sample) : repository;
  const tag = range ?? (await git(folder, 'describe', '--tags', '--abbrev=0').catch(() => ''));
  const since = range ?? (tag === '' ? 'HEAD' : `${tag}..HEAD`);
  const commits = await commitsOf(folder, since);
  const name = has === '' ? 'a sample repository, made because there is no git history here' : basename(resolve(repository));
  if (commits.length > 0) return { of: `${name}, ${since}`, commits };
  return { of: `${name}, HEAD`, commits: await commitsOf(folder, 'HEAD') };
}

async function commitsOf(folder: string, range: string): Promise<History['commits']> {
  const format = '--format=%h%x1f%s%x1f%b%x1e';
  const text = await git(folder, 'log', '--no-merges', `--max-count=${COMMITS_MAX}`, format, '--end-of-options', range, '--');
  const commits = text.split('\x1e').flatMap((record) => {
    const [hash = '', subject = '', body = ''] = record.trim().split('\x1f');
    return hash === '' ? [] : [{ hash, subject, body: body.trim().slice(0, BODY_CHARS_MAX) }];
  });
  return commits.toReversed();
}

const SAMPLE = ['Add a parser for dates', 'Fix the parser: months begin at one', 'Make the parser twice as fast', 'Let dates have a zone'];

/** Always the same commits, made beside where they belong and put there whole. */
async function sampleAt(folder: string): Promise<string> {
  if (existsSync(join(folder, '.git'))) return folder;
  const made = `${folder}.${process.pid}`;
  await rm(made, { recursive: true, force: true });
  await mkdir(made, { recursive: true });
  await git(made, 'init', '--quiet', '--initial-branch=main');
  const who = ['-c', 'user.name=sample', '-c', 'user.email=sample@localhost', '-c', 'commit.gpgsign=false'];
  for (const [nth, subject] of SAMPLE.entries()) {
    await writeFile(join(made, 'dates.txt'), `${subject}\n`);
    await git(made, 'add', '.');
    await git(made, ...who, 'commit', '--quiet', '--no-verify', `--date=2026-01-0${nth + 1}T12:00:00Z`, '-m', subject);
  }
  await rename(made, folder).catch(() => undefined); // somebody else was faster: theirs is the same
  return folder;
}
