// The page of the command line lists what commander knows, command by command.

import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cliPage } from '../../house/cliPage.ts';
import { commandLine } from '../../src/cli/commands.ts';
import { EXIT } from '../../src/cli/report.ts';
import { openTerminal } from '../../src/cli/terminal.ts';

const page = readFileSync('docs/cli.md', 'utf8');

it('lists every command, argument and option, as `node house/cliPage.ts` writes it', () => {
  expect(page, 'write it again: node house/cliPage.ts').toBe(cliPage(page));
  const { commands } = commandLine(openTerminal(), () => {});
  expect(commands.length).toBeGreaterThan(5);
  for (const command of commands) {
    expect(page).toContain(`## amdahl ${command.name()}\n`);
    for (const { flags } of command.options) expect(page).toContain(`\`${flags}\``);
  }
});

it('names every exit code', () => {
  const named = [...page.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
  expect(named).toEqual([...new Set(Object.values(EXIT))].toSorted((a, b) => a - b));
});
