// The example examples/release-notes/, as its README runs it: real git, real files, a real service that counts, and a real SIGKILL
// between its two commits.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { type Posted, postedIn, startWebhook } from '../../examples/release-notes/webhook.ts';
import { answer, asks, type EventOf, type RunId, sqliteJournal } from '../../src/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const EXAMPLE = join(ROOT, 'examples/release-notes');
const home = mkdtempSync(join(tmpdir(), 'amdahl-notes-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const execute = promisify(execFile);

/** A folder of its own for one test: where its journal, its notes and what was posted are. */
function place(name: string): { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly notes: string; readonly posts: string } {
  const cwd = mkdtempSync(join(home, `${name}-`));
  const out = join(cwd, 'out');
  const env = { ...process.env, AMDAHL_DIR: join(cwd, '.amdahl'), RELEASE_NOTES_OUT: out, NO_COLOR: '1' };
  return { cwd, env, notes: join(out, 'NOTES.md'), posts: join(out, 'webhook.jsonl') };
}

async function main(at: ReturnType<typeof place>, ...argv: readonly string[]): Promise<string> {
  const { stdout } = await execute(process.execPath, [join(EXAMPLE, 'main.ts'), ...argv], at);
  return stdout;
}

async function begunEffects(at: ReturnType<typeof place>, run: string): Promise<readonly string[]> {
  const journal = sqliteJournal({ dir: join(at.cwd, '.amdahl') });
  const begun: string[] = [];
  for await (const { event } of journal.read(run as RunId, { kinds: ['effect.committing'] }))
    begun.push((event as EventOf<'effect.committing'>).tool);
  await journal.close();
  return begun;
}

const taken = (posts: readonly Posted[]): number => posts.filter((one) => one.taken).length;

describe('release notes', () => {
  it('are drafted from a real history, kept in a file, and announced with the path of that file', async () => {
    const at = place('real');
    const repository = join(at.cwd, 'repository');
    const git = async (...args: string[]): Promise<unknown> => await execute('git', ['-C', repository, '-c', 'user.name=n', '-c', 'user.email=n@localhost', ...args]); // prettier-ignore
    await execute('git', ['init', '--quiet', repository]);
    for (const subject of ['Add the first', 'Fix <the> "second"\n\nIt was & wrong.', 'Third'])
      await git('commit', '--quiet', '--allow-empty', '-m', subject);
    const told = await main(at, '--yes', '--id', 'real-1', '--repository', repository);
    expect(told).toContain('[receipt:');
    expect(told).toContain('Release notes: 3 changes, 3 requests');
    const notes = readFileSync(at.notes, 'utf8');
    expect(notes).toMatch(/## New\n\n- Add the first \([\da-f]{7,}\)\n\n## Fixed\n\n- Fix <the> "second"/);
    expect(notes).toContain('no LLM was asked');
    expect(await postedIn(at.posts)).toMatchObject([{ taken: true, body: { notes: at.notes } }]);
  });

  it('are made of a sample where there is no git history, and say so; without a yes nothing is done', async () => {
    const at = place('sample');
    const refused = await main(at, '--id', 'sample-1').catch((error: { readonly code: number; readonly stdout: string }) => error);
    expect(refused).toMatchObject({ code: 2, stdout: expect.stringContaining("call 'announce'") as string });
    expect([existsSync(at.notes), existsSync(at.posts)]).toEqual([false, false]);
    await main(at, '--id', 'sample-1', '--yes');
    expect(readFileSync(at.notes, 'utf8')).toContain('Of a sample repository, made because there is no git history here');
  });

  it('are committed once, whenever it is killed between the two: by the count of the service', async () => {
    const at = place('killed');
    const slow = await startWebhook({ file: at.posts, answersAfterMs: 60_000 });
    const env = { ...at.env, RELEASE_NOTES_WEBHOOK: slow.url };
    const child: ChildProcess = spawn(process.execPath, [join(EXAMPLE, 'main.ts'), '--id', 'k', '--yes'], { ...at, env, stdio: 'ignore' });
    const ended = new Promise((resolve) => child.once('close', resolve));
    await vi.waitFor(async () => expect(await postedIn(at.posts)).toHaveLength(1), { timeout: 20_000 });
    child.kill('SIGKILL');
    await ended;
    await slow.close();
    expect(existsSync(at.notes)).toBe(true);
    rmSync(at.notes); // who commits it once more, makes it again
    const quick = await startWebhook({ file: at.posts });
    const told = await main({ ...at, env: { ...at.env, RELEASE_NOTES_WEBHOOK: quick.url } }, '--id', 'k');
    await quick.close();
    expect(told).toContain('changes, ');
    expect(told).not.toContain("call 'announce'"); // it was approved of before
    const posts = await postedIn(at.posts);
    expect(new Set(posts.map(({ key }) => key)).size).toBe(1);
    expect([posts.length, taken(posts)]).toEqual([2, 1]);
    expect(existsSync(at.notes)).toBe(false);
    expect((await begunEffects(at, 'k')).filter((tool) => tool === 'save')).toHaveLength(1);
  });

  it('are the same program for the command line: it parks, somebody answers, and it goes on', async () => {
    const at = place('cli');
    const cli = async (...argv: readonly string[]): Promise<string> =>
      (await execute(process.execPath, [join(ROOT, 'src/cli/main.ts'), ...argv], at)).stdout;
    const parked = await cli('run', join(EXAMPLE, 'releaseNotes.ts'), '--id', 'cli-1').catch((error: { readonly code: number }) => error);
    expect(parked).toMatchObject({ code: 3 });
    const journal = sqliteJournal({ dir: join(at.cwd, '.amdahl') });
    const [open] = await asks({ journal });
    expect(open).toMatchObject({ of: 'approval', about: { tool: 'announce' } });
    await answer(open?.ask ?? '', true, { journal, by: 'editor' });
    await journal.close();
    expect(JSON.parse(await cli('resume', 'cli-1', '--quiet'))).toMatchObject({ title: 'Release notes: 4 changes' });
    expect(taken(await postedIn(at.posts))).toBe(1);
  });
});
