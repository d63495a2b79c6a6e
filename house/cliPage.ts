// Writes the part of docs/cli.md that lists commands and options, from commander's own definitions: `node house/cliPage.ts`.
// test/docs/cliPage.test.ts holds the page to it.

import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import process from 'node:process';
import type { Argument, Command } from 'commander';
import { commandLine } from '../src/cli/commands.ts';
import { openTerminal } from '../src/cli/terminal.ts';

const PAGE = 'docs/cli.md';
const LISTED = /(<!-- listed -->\n)[\s\S]*(\n<!-- until here -->)/;

/** The page with its list as it must be. Throws where the page has no place for it. */
export function cliPage(page: string): string {
  if (!LISTED.test(page)) throw new Error(`${PAGE} has no <!-- listed --> … <!-- until here -->.`);
  const program = commandLine(openTerminal(), () => {});
  return page.replace(LISTED, (_, before: string, after: string) => `${before}\n${program.commands.map(section).join('\n\n')}\n${after}`);
}

function section(command: Command): string {
  const { registeredArguments, options } = command;
  const rows = [
    ...registeredArguments.map((one) => row(written(one), one.description)),
    ...options.map((one) =>
      row(one.flags, one.description + (one.defaultValue === undefined ? '' : ` (default: ${String(one.defaultValue)})`)),
    ),
  ];
  const table = rows.length === 0 ? [] : [`|  |  |\n| --- | --- |\n${rows.join('\n')}`];
  const more = afterHelp(command);
  const usage = ['amdahl', command.name(), ...(options.length === 0 ? [] : ['[options]']), ...registeredArguments.map(written)];
  return [
    `## amdahl ${command.name()}`,
    command.description(),
    `\`\`\`text\n${usage.join(' ')}\n\`\`\``,
    ...table,
    ...(more === '' ? [] : [`\`\`\`text\n${more}\n\`\`\``]),
  ].join('\n\n');
}

function written(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function row(name: string, about: string): string {
  return `| \`${name}\` | ${about.replaceAll('|', '\\|').replaceAll('<', '&lt;')} |`;
}

/** What `--help` says below its lists of arguments and options. */
function afterHelp(command: Command): string {
  let said = '';
  command.configureOutput({ ...command.configureOutput(), writeOut: (text) => (said += text) });
  command.outputHelp();
  return said.slice(command.helpInformation().length).trim();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) writeFileSync(PAGE, cliPage(readFileSync(PAGE, 'utf8')));
