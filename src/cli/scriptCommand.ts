// `amdahl script`: a run as a test. Writes what was asked and answered to a file, and prints the test that plays it.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative, resolve } from 'node:path';
import { AmdahlError } from '../agent/errors.ts';
import type { ProgramRef } from '../journal/event.ts';
import type { RunRow } from '../journal/journal.ts';
import { journalToScript, type Script } from '../testing/script.ts';
import { findRun, requireJournal, shortPath } from './runReference.ts';
import type { Terminal } from './terminal.ts';

export async function scriptCommand(text: string, file: string | undefined, { out, err }: Terminal): Promise<number> {
  const journal = requireJournal();
  const row = await findRun(journal, text);
  const script = await journalToScript(row.run, { journal });
  await journal.close();
  const json = JSON.stringify(script, undefined, 2);
  if (file === undefined) {
    out.line(json);
    return 0;
  }
  write(file, `${json}\n`);
  err.line(err.colors.dim(`${shortPath(resolve(file))} has what ${row.run} asked and was answered. A test that plays it:`));
  out.line(testText(row, script, file));
  return 0;
}

/** @throws AmdahlError MISCONFIGURED rather than to overwrite anything but a script. */
function write(file: string, json: string): void {
  if (existsSync(file) && !isScript(readFileSync(file, 'utf8')))
    throw new AmdahlError('MISCONFIGURED', `${file} is there already and is no script. Give another name, such as test/run.script.json.`);
  mkdirSync(dirname(resolve(file)), { recursive: true });
  writeFileSync(file, json);
}

function isScript(text: string): boolean {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && 'amdahl' in read && read.amdahl === 'script';
  } catch {
    return false;
  }
}

/** A test beside FILE, for the test runner that the project has. */
function testText({ run, agent, program }: RunRow, script: Script, file: string): string {
  const name = program !== undefined && program.export !== 'default' ? program.export : identifier(agent);
  const needsContext = program !== undefined && exportsContext(program);
  const played = needsContext ? `testScript(${name}, script, { context: made })` : `testScript(${name}, script)`;
  const expects = [
    ...(needsContext
      ? [
          `  // As the program makes it. Put stand-ins in its place where it opens what a test should not.`,
          `  const made = await context(${JSON.stringify(script.subject)});`,
        ]
      : []),
    ...(script.output === undefined
      ? [`  await assert.rejects(${played}, { code: '${script.failure?.code ?? 'CANCELLED'}' });`]
      : [`  const { output } = await ${played};`, `  assert.deepEqual(output, script.output);`]),
  ];
  return [
    `import assert from 'node:assert/strict';`,
    `import { test } from '${testRunner()}';`,
    `import { testScript } from 'amdahl/testing';`,
    importText(name, program, needsContext, file),
    `import script from './${basename(file)}' with { type: 'json' };`,
    '',
    `test('${agent.replaceAll(/['\\]/g, '\\$&')} does as in ${run}', async () => {`,
    ...expects,
    '});',
  ].join('\n');
}

function importText(name: string, program: ProgramRef | undefined, needsContext: boolean, file: string): string {
  if (program === undefined) return `import { ${name} } from './…'; // where the agent is: the run was not started by amdahl run`;
  const path = relative(dirname(resolve(file)), resolve(program.file)).replaceAll('\\', '/');
  const from = imported(path.startsWith('.') ? path : `./${path}`);
  const names = needsContext ? ['context'] : [];
  if (program.export !== 'default') return `import { ${[...names, name].join(', ')} } from '${from}';`;
  return `import ${[name, ...names.map((one) => `{ ${one} }`)].join(', ')} from '${from}';`;
}

/** Whether the program makes the context of its runs. It is read and not loaded: what it prints would stand in the test. */
function exportsContext({ file }: ProgramRef): boolean {
  return says(file, /^export (?:(?:async )?function|const|let) context\b|^export \{[^}]*\bcontext\b[^}]*\}/m);
}

/** An agent's name as one of JavaScript. */
function identifier(agent: string): string {
  const words = agent.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const name = words.map((word, nth) => (nth === 0 ? word.charAt(0).toLowerCase() : word.charAt(0).toUpperCase()) + word.slice(1)).join('');
  return /^[A-Za-z]/.test(name) ? name : `agent${name}`;
}

/** Node wants a file's own ending; vitest takes also that of what is built, the only one that tsc allows by itself. */
function imported(path: string): string {
  const takesOwn = testRunner() === 'node:test' || says('tsconfig.json', /allowImportingTsExtensions|rewriteRelativeImportExtensions/);
  return takesOwn || !existsSync('tsconfig.json') ? path : path.replace(/\.(m?)ts$/, '.$1js');
}

function testRunner(): 'vitest' | 'node:test' {
  return says('package.json', /"vitest"\s*:/) ? 'vitest' : 'node:test';
}

/** False where the file cannot be read. */
function says(file: string, what: RegExp): boolean {
  try {
    return what.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
}
