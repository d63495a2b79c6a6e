import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { describe, expect, it } from 'vitest';
import type { Diagnosis, ProviderHealth } from '../../src/cli/doctor.ts';
import { isNewEnough } from '../../src/cli/doctor.ts';
import { renderDiagnosis } from '../../src/cli/doctorText.ts';
import type { Place } from './cli.ts';
import { place } from './cli.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const SECRET = 'sk-do-not-print-me-0123456789';

async function diagnosis(
  { amdahl }: Place,
  env: Readonly<Record<string, string>> = {},
): Promise<Diagnosis & { readonly code: number | null }> {
  const { code, out } = await amdahl(['doctor', '--json'], { env });
  return { ...(JSON.parse(out) as Diagnosis), code };
}

function provider({ providers }: Diagnosis, name: string): ProviderHealth {
  return providers.find((one) => one.name === name)!;
}

describe('amdahl doctor', () => {
  it('says of each provider what is there and what is to be done, and never a key', async () => {
    const { amdahl } = place();
    const { code, out, err } = await amdahl(['doctor'], { env: { OPENAI_API_KEY: SECRET, DEEPSEEK_API_KEY: SECRET } });
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^node {2}\d+\.\d+\.\d+$/m);
    expect(out).toMatch(/^openai +ready +@ai-sdk\/openai \d+\.\d+\.\d+ +OPENAI_API_KEY is set$/m);
    expect(out).toMatch(/^anthropic +needs a key +@ai-sdk\/anthropic \S+ +set ANTHROPIC_API_KEY$/m);
    expect(out).toMatch(/^deepseek +needs its package +npm install @ai-sdk\/deepseek +DEEPSEEK_API_KEY is set$/m);
    expect(out).toMatch(/^cohere +not set up +npm install @ai-sdk\/cohere +set COHERE_API_KEY$/m);
    expect(out).toMatch(/^ollama +ready +@ai-sdk\/openai-compatible \S+ +needs none, but a server at http:\/\/localhost:11434\/v1$/m);
    expect(out).toMatch(/^journal {2}none yet: the first run makes \.amdahl\/journal\.sqlite$/m);
    expect(out).toMatch(/Runs can ask openai\.\n$/);
    expect(out).not.toContain('sk-');
  });

  it('gives all of it as one line of JSON, which says of keys only that they are set', async () => {
    const { amdahl } = place();
    const { out } = await amdahl(['doctor', '--json'], { env: { OPENAI_API_KEY: SECRET } });
    expect(out.trim().split('\n')).toHaveLength(1);
    expect(out).not.toContain('sk-');
    expect(provider(JSON.parse(out) as Diagnosis, 'openai')).toMatchObject({
      state: 'ready',
      variables: { OPENAI_API_KEY: true },
      missing: [],
    });
  });

  it('tells the installation in the words of the package manager here', async () => {
    const here = place();
    here.write('pnpm-lock.yaml', '');
    expect(provider(await diagnosis(here), 'cohere')).toMatchObject({ install: 'pnpm add @ai-sdk/cohere' });
  });

  it('shows where requests go instead, without a password in it', async () => {
    const here = place();
    const env = { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'http://me:hush@localhost:9/v1?key=hush', OLLAMA_BASE_URL: 'http://box:1/v1' };
    const { code, out } = await here.amdahl(['doctor'], { env });
    expect(code).toBe(0);
    expect(out).toMatch(/^openai {2}is asked at http:\/\/localhost:9\/v1, as OPENAI_BASE_URL says$/m);
    expect(out).toMatch(/^ollama .*needs none, but a server at http:\/\/box:1\/v1$/m);
    expect(out).not.toContain('hush');
  });

  it('fails when an address that is set is none, and says which', async () => {
    const { amdahl } = place();
    const { code, out } = await amdahl(['doctor'], { env: { OPENAI_BASE_URL: 'localhost:8000' } });
    expect(code).toBe(1);
    expect(out).toMatch(/^openai +broken /m);
    expect(out).toMatch(/^problem {2}openai: OPENAI_BASE_URL is no address: write http:\/\/host:port\/v1/m);
    expect(out).toContain('every problem above says what to do');
  });

  it('fails when AMDAHL_MODEL would not load, with what the run would say', async () => {
    const here = place();
    expect(await diagnosis(here, { AMDAHL_MODEL: 'openai/gpt-5', OPENAI_API_KEY: 'k' })).toMatchObject({
      code: 0,
      ok: true,
      model: { name: 'openai/gpt-5' },
    });
    for (const [name, problem] of [
      ['gpt-5', "write 'openai/gpt-5'"],
      ['openai/gpt-5', 'set OPENAI_API_KEY'],
      ['cohere/command-a', 'npm install @ai-sdk/cohere'],
    ] as const) {
      const { code, out } = await here.amdahl(['doctor'], { env: { AMDAHL_MODEL: name } });
      expect(code).toBe(1);
      expect(out.split('\n').find((line) => line.startsWith('problem  AMDAHL_MODEL: '))).toContain(problem);
    }
  });

  it('shows AMDAHL_MODEL without the user, the password and the query that were written into it', async () => {
    const { amdahl } = place();
    for (const name of [
      'http://me:LEAK@host/v1#m',
      'http://me:LE/LEAK@host/v1#m',
      'https://host/v1?api_key=LEAK#m',
      'https://host/v1?api_key=LEAK',
      '?api_key=LEAK',
      'ftp://me:LEAK@host/v1#m',
      'me:LEAK@host/v1#m',
      'openai/gpt-5?api_key=LEAK',
    ]) {
      for (const args of [['doctor'], ['doctor', '--json']]) {
        const { code, out, err } = await amdahl(args, { env: { AMDAHL_MODEL: name } });
        expect(code).toBe(1);
        expect(`${out}${err}`).not.toContain('LEAK');
      }
    }
  });

  it('says that the directory it was called in is gone', async () => {
    const here = place();
    const gone = join(here.dir, 'gone');
    const script = `mkdir '${gone}' && cd '${gone}' && rmdir '${gone}' && exec '${process.execPath}' '${MAIN}' doctor`;
    const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe('The working directory does not exist any more, so there is nothing to look at. Go to one that does: cd ~\n');
  });

  it('fails when a package is there and cannot be loaded', async () => {
    const here = place();
    mkdirSync(join(here.dir, 'node_modules/@ai-sdk/cohere'), { recursive: true });
    here.write(
      'node_modules/@ai-sdk/cohere/package.json',
      '{ "name": "@ai-sdk/cohere", "version": "1.2.3", "type": "module", "exports": "./index.js" }',
    );
    here.write('node_modules/@ai-sdk/cohere/index.js', "throw new Error('built for another machine');");
    const unused = await diagnosis(here);
    expect(provider(unused, 'cohere')).toMatchObject({ state: 'needs a key', version: '1.2.3' });
    expect(unused.code).toBe(0);
    const used = await diagnosis(here, { COHERE_API_KEY: 'k' });
    expect(used.code).toBe(1);
    expect(provider(used, 'cohere')).toMatchObject({
      state: 'broken',
      problem: expect.stringContaining('built for another machine') as string,
    });
  });
});

describe('the health of the journal', () => {
  it('is its size, its runs and who works on them', async () => {
    const here = place();
    await here.amdahl(['run', 'team.ts#hello', '--input', 'hi', '--id', 'h1']);
    const holding = here.start(['run', 'team.ts#hello', '--input', 'hold', '--id', 'h2']);
    await holding.said('HOLDING');
    const { journal, code } = await diagnosis(here);
    expect(code).toBe(0);
    expect(journal).toMatchObject({
      file: '.amdahl/journal.sqlite',
      exists: true,
      readable: true,
      writable: true,
      runs: 2,
      check: 'ok',
      interrupted: [],
      parked: 0,
      asks: 0,
    });
    expect(journal.running).toMatchObject([{ run: 'h2', pid: holding.child.pid, alive: true }]);
    expect(journal.bytes).toBeGreaterThan(1_000);
    holding.child.kill('SIGKILL');
    await holding.ended;
    const { out } = await here.amdahl(['doctor']);
    expect(out).toMatch(/^journal {2}\.amdahl\/journal\.sqlite, \d+ KB, 2 runs, whole$/m);
    expect(readdirSync(join(here.dir, '.amdahl')).toSorted()).toEqual(['.gitignore', 'journal.sqlite']);
    expect(out).toMatch(/^ {2}1 run interrupted: .* resume h2 goes on with the newest$/m);
  });

  it('is not made by looking at it', async () => {
    const here = place();
    expect((await diagnosis(here)).journal).toEqual({ file: '.amdahl/journal.sqlite', exists: false, readable: false, writable: true });
    expect((await here.amdahl(['doctor'])).out).toContain('none yet');
  });

  it('leaves a file that holds nothing as it is', async () => {
    const here = place();
    const file = join(here.dir, '.amdahl/journal.sqlite');
    mkdirSync(join(here.dir, '.amdahl'));
    const empty = new DatabaseSync(join(here.dir, 'empty.sqlite'));
    empty.exec('PRAGMA user_version = 7; PRAGMA user_version = 0');
    empty.close();
    for (const bytes of [Buffer.of(), readFileSync(join(here.dir, 'empty.sqlite'))]) {
      writeFileSync(file, bytes);
      expect(await diagnosis(here)).toMatchObject({ code: 0, journal: { exists: true, runs: 0, check: 'ok' } });
      expect(readFileSync(file)).toEqual(bytes);
      expect(readdirSync(join(here.dir, '.amdahl'))).toEqual(['journal.sqlite']);
    }
  });

  it("fails on another program's database, and leaves it as it is", async () => {
    const here = place();
    const file = join(here.dir, '.amdahl/journal.sqlite');
    mkdirSync(join(here.dir, '.amdahl'));
    const other = new DatabaseSync(file);
    other.exec('CREATE TABLE notes (text TEXT)');
    other.close();
    const before = readFileSync(file);
    const { code, journal } = await diagnosis(here);
    expect({ code, problem: journal.problem }).toMatchObject({
      code: 1,
      problem: expect.stringContaining('it is a SQLite file of another program') as string,
    });
    expect(readFileSync(file)).toEqual(before);
  });

  it('fails on a journal of a newer amdahl, on one that is none, and on one with a damaged page', async () => {
    const here = place();
    const file = join(here.dir, '.amdahl/journal.sqlite');
    await here.amdahl([
      'run',
      'team.ts#sweep',
      '--input',
      JSON.stringify(Array.from({ length: 40 }, (_, topic) => ({ topic: String(topic) }))),
    ]);
    const whole = readFileSync(file);
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(await diagnosis(here)).toMatchObject({
      code: 1,
      journal: { readable: false, problem: expect.stringContaining('Update amdahl') as string },
    });
    // A page in the middle is not what it was; the first pages, and with them the list of runs, are.
    const page = Math.floor(whole.length / 4_096 / 2) * 4_096;
    whole.fill(0xff, page, page + 4_096);
    writeFileSync(file, whole);
    const damaged = await diagnosis(here);
    expect(damaged.code).toBe(1);
    expect(damaged.journal.problem).toContain('recover');
    writeFileSync(file, 'this is no journal, and longer than a header of SQLite would be, to be sure of it: '.repeat(10));
    expect(await diagnosis(here)).toMatchObject({
      code: 1,
      journal: { readable: false, problem: expect.stringContaining('cannot be read as a journal') as string },
    });
  });

  it('fails where it could not be written, and names the way out', async () => {
    const here = place();
    here.write('taken', '');
    const inside = await diagnosis(here, { AMDAHL_DIR: 'taken/runs' });
    expect(inside).toMatchObject({
      code: 1,
      journal: { writable: false, problem: expect.stringContaining('taken is a file where a directory should be') as string },
    });
  });

  it.skipIf(process.getuid?.() === 0)('fails where it may not be written (root may write everywhere)', async () => {
    const here = place();
    await here.amdahl(['run', 'team.ts#hello', '--input', 'hi']);
    chmodSync(join(here.dir, '.amdahl'), 0o555);
    const { code, journal } = await diagnosis(here);
    chmodSync(join(here.dir, '.amdahl'), 0o755);
    expect({ code, journal }).toMatchObject({
      code: 1,
      journal: { writable: false, problem: expect.stringContaining('.amdahl cannot be written') as string },
    });
  });
});

describe('a diagnosis in words', () => {
  const WELL: Diagnosis = {
    ok: true,
    node: { version: '26.1.0', needed: '>=22.18', ok: true },
    amdahl: '1.2.3',
    providers: [],
    model: {},
    journal: { file: '.amdahl/journal.sqlite', exists: false, readable: false, writable: true },
  };
  const lines = (found: Partial<Diagnosis>): string =>
    renderDiagnosis({ ...WELL, ...found }, 1_000, pc.createColors(false), 'npx amdahl').join('\n');

  it('says which Node is needed where this one is too old', () => {
    expect(lines({ ok: false, node: { version: '20.1.0', needed: '>=22.18', ok: false } })).toContain(
      'problem  node: 20.1.0 is too old: amdahl needs Node 22.18 or newer.',
    );
    expect(isNewEnough('22.18.0', '>=22.18')).toBe(true);
    expect(isNewEnough('22.17.9', '>=22.18')).toBe(false);
    expect(isNewEnough('24.0.0', '>=22.18')).toBe(true);
    expect(isNewEnough('9.99.0', '>=22.18')).toBe(false);
  });

  it('says what to do where no provider is set up', () => {
    expect(lines({})).toContain('No provider has a key here.');
    expect(lines({ model: { name: 'ollama/qwen3' } })).toContain('AMDAHL_MODEL  ollama/qwen3 can be asked');
    expect(lines({ model: { name: 'ollama/qwen3' } })).toContain('Runs can ask ollama/qwen3.');
  });

  it('says how to check a journal that is too large to be checked in passing, and names few of many runs', () => {
    const running = Array.from({ length: 7 }, (_, index) => ({ run: `r${index}`, pid: 10 + index, host: 'box', alive: true }));
    const text = lines({
      journal: {
        file: 'j.sqlite',
        exists: true,
        readable: true,
        writable: true,
        bytes: 3e9,
        runs: 10_000,
        more: true,
        running,
        interrupted: ['x'],
        parked: 2,
        asks: 3,
        check: 'skipped',
      },
    });
    expect(text).toContain("journal  j.sqlite, 3.0 GB, 10k runs or more, not checked, for its size: sqlite3 j.sqlite 'PRAGMA quick_check'");
    expect(text).toContain(
      '  r4 is running in process 14 on box\n  … 2 more are running\n  1 run interrupted: npx amdahl resume x goes on with the newest\n' +
        '  3 questions to people open, 2 runs parked: npx amdahl inbox lists them',
    );
  });
});
