// The pages of docs/ are held to what they say: their code is code that runs here, their commands are commands that exist.
// A block ```ts of docs/PAGE.md stands, whole and in one piece, in a file examples/docs/PAGE*.ts, and every such file
// ends well by itself. ```ts some/file.ts (or tsx, json, …) names the file that the block stands in, which somebody else
// runs; ```ts before is the code of others, before it is moved here.

import { execFile } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Command } from 'commander';
import { commandLine } from '../../src/cli/commands.ts';
import { openTerminal } from '../../src/cli/terminal.ts';

interface Block {
  readonly page: string;
  /** What stands behind the fence, such as 'ts'. */
  readonly info: string;
  readonly code: string;
}

/** How long one example may take on a busy machine. */
const EXAMPLE_MS = 20_000;
const AT_ONCE = 2;

/** What some of them print, where that is what they show. */
const PRINTS: Readonly<Record<string, RegExp>> = {
  'modelsGate.ts': /^40 headlines, 1 request outside of the run; 0 uncounted\n$/,
  'modelsLimits.ts': /^\d{3} requests, \d+ refused\n$/,
  'modelsLive.ts': /^word by word\n$/,
  'modelsWeather.ts': /^40 right; some were sent again, some were mended\n$/,
  'model.ts': /^2 requests undefined\n0 requests \[\]\n1 requests \[ \{ path: 'article\/write', why: 'its instructions changed' \} \]\n$/,
};

const pages = globSync('docs/*.md').toSorted();
const blocks = pages.flatMap(blocksOf);
const examples = globSync('examples/docs/*.ts').toSorted();
const published = new Map(examples.map((file) => [file, asPublished(readFileSync(file, 'utf8'))]));
let home = '';

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'amdahl-docs-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe('the pages of docs/', () => {
  it.each(pages)('%s shows code that stands in its examples, whole and in one piece', (page) => {
    const own = [...published].filter(([file]) => belongs(file, page)).map(([, code]) => code);
    for (const { info, code } of blocks.filter((block) => block.page === page && block.info === 'ts'))
      expect(
        own.some((example) => example.includes(code)),
        `${page}: a block of ${info} that stands in no examples/docs/${nameOf(page)}*.ts:\n${code}`,
      ).toBe(true);
  });

  it('shows no other code but what it names the file of', () => {
    for (const { page, info, code } of blocks.filter((block) => /^(ts|tsx|js|jsx|typescript|javascript)\b/.test(block.info))) {
      const [language = '', ...rest] = info.split(' ');
      const file = rest.join(' ');
      if (info === 'ts' || file === 'before') continue;
      expect(existsSync(file), `${page}: \`\`\`${language} is followed by '${file}', which is neither a file nor 'before'`).toBe(true);
      expect(asPublished(readFileSync(file, 'utf8')), `${page}: a block that does not stand in ${file}`).toContain(code);
    }
  });

  it('leaves no example without its page', () => {
    const imported = new Set(
      [...published.values()].flatMap((code) => [...code.matchAll(/from '\.\/(\w+\.ts)'/g)].map(([, file = '']) => file)),
    );
    const lone = examples.filter((file) => !imported.has(basename(file)) && !pages.some((page) => belongs(file, page)));
    expect(lone).toEqual([]);
  });

  it('names commands and options that exist', () => {
    const named = blocks
      .filter(({ info }) => /^(sh|bash|shell)\b/.test(info))
      .flatMap(({ page, code }) => commandsIn(code).map((line) => ({ page, line })));
    expect(named.length).toBeGreaterThan(0);
    for (const { page, line } of named) expect(unknownIn(line), `${page}: ${line}`).toEqual([]);
  });
});

describe('the examples of the pages', () => {
  it('end well, offline and without a key', { timeout: 120_000 }, async () => {
    expect(examples.length).toBeGreaterThan(0);
    const failures: string[] = [];
    const waiting = [...examples];
    const work = async (): Promise<void> => {
      for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
        const failure = await runExample(file);
        if (failure !== undefined) failures.push(failure);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    expect(failures.join('\n\n')).toBe('');
  });
});

describe('the checks of this file', () => {
  it('find the commands of a shell block, and what does not exist in them', () => {
    expect(commandsIn("npx amdahl run a.ts --input '--no' \\\n  --id x | jq . && npx node src/cli/main.ts runs # amdahl none\n")).toEqual([
      "amdahl run a.ts --input '' --id x",
      'amdahl runs',
    ]);
    expect(unknownIn('amdahl run FILE -i - --id=x [--json | --quiet]')).toEqual([]);
    expect(unknownIn('amdahl walk')).toEqual(["there is no command 'walk'"]);
    expect(unknownIn('amdahl show last --everything')).toEqual(["'show' has no option --everything"]);
  });

  it('tell the examples of one page from those of another', () => {
    expect(belongs('examples/docs/model.ts', 'docs/model.md')).toBe(true);
    expect(belongs('examples/docs/modelPlace.ts', 'docs/model.md')).toBe(true);
    expect(belongs('examples/docs/models.ts', 'docs/model.md')).toBe(false);
  });
});

function nameOf(page: string): string {
  return basename(page, '.md');
}

/** examples/docs/chat.ts and examples/docs/chatResume.ts belong to docs/chat.md; chatter.ts does not. */
function belongs(file: string, page: string): boolean {
  const rest = basename(file, '.ts').slice(nameOf(page).length);
  return basename(file).startsWith(nameOf(page)) && (rest === '' || /^[A-Z0-9]/.test(rest));
}

function blocksOf(page: string): readonly Block[] {
  const text = readFileSync(page, 'utf8');
  return [...text.matchAll(/^```([^\n`]+)\n([\s\S]*?)^```$/gm)].map(([, info = '', code = '']) => ({ page, info: info.trim(), code }));
}

/** An example as a reader would write it: importing the package by its name. */
function asPublished(code: string): string {
  return code.replaceAll(/'(?:\.\.\/)+src\/index\.ts'/g, "'amdahl'").replaceAll(/'(?:\.\.\/)+src\/testing\.ts'/g, "'amdahl/testing'");
}

/** Why an example did not end well, or undefined. Each has a folder of its own to write in, and no key. */
async function runExample(file: string): Promise<string | undefined> {
  const folder = mkdtempSync(join(home, 'run-'));
  const kept = Object.entries(process.env).filter(([name]) => !/_API_KEY$|_BASE_URL$|^AMDAHL_/.test(name));
  // What Node has made of the sources once is used by all examples.
  const env = { ...Object.fromEntries(kept), AMDAHL_DIR: join(folder, '.amdahl'), NODE_COMPILE_CACHE: join(home, 'compiled') };
  return new Promise((done) => {
    execFile(process.execPath, [resolve(file)], { cwd: folder, env, timeout: EXAMPLE_MS }, (error, stdout, stderr) => {
      const prints = PRINTS[basename(file)] ?? /^/;
      if (error !== null)
        done(`${file}: ${error.killed === true ? `not done in ${EXAMPLE_MS} ms` : `exit ${String(error.code)}`}\n${stdout}${stderr}`);
      else done(prints.test(stdout) ? undefined : `${file}: it does not print ${String(prints)}\n${stdout}`);
    });
  });
}

/** Every call of amdahl in a shell block, one to a line, quoted text left empty. */
function commandsIn(shell: string): readonly string[] {
  return shell
    .replaceAll(/ *\\\n\s*/g, ' ')
    .replaceAll(/'[^']*'|"[^"]*"/g, "''")
    .replaceAll(/(^|\s)#.*$/gm, '')
    .split(/\n|&&|;|\|(?!\s*--)/)
    .flatMap((line) => /(?:^|\s)(?:amdahl|npx node src\/cli\/main\.ts)\s+([a-z-].*)$/.exec(` ${line.trim()}`)?.[1] ?? [])
    .map((rest) => `amdahl ${rest.trim()}`);
}

/** What a call of amdahl names that does not exist. */
function unknownIn(line: string): readonly string[] {
  const program = commandLine(openTerminal(), () => {});
  const [name = '', ...words] = line.replace(/^amdahl /, '').split(/[\s[\]|=…]+/);
  if (name.startsWith('-')) return unknownOptions(program, '', [name, ...words]);
  const command = program.commands.find((one) => one.name() === name);
  return command === undefined ? [`there is no command '${name}'`] : unknownOptions(command, name, words);
}

function unknownOptions(command: Command, name: string, words: readonly string[]): readonly string[] {
  const known = new Set(command.options.flatMap(({ short, long }) => [short, long]));
  for (const help of ['-h', '--help']) known.add(help);
  return words.filter((word) => /^-{1,2}[a-z]/.test(word) && !known.has(word)).map((word) => `'${name}' has no option ${word}`);
}
