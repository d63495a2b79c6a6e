// How this CLI was called, so that a command it suggests can be pasted as it is.

import { basename, delimiter, dirname, relative, sep } from 'node:path';
import process from 'node:process';

export function amdahlCommand(): string {
  return commandOf(process.argv[1] ?? 'amdahl', process.execPath, process.env);
}

/**
 * `script` is what Node runs: a link in some bin directory, or a file of this package; `node` is the Node that runs it, which a
 * shell finds only through npx where it is a package. Pure but for the working directory.
 */
export function commandOf(script: string, node: string, env: Readonly<Record<string, string | undefined>>): string {
  const near = relative('.', script);
  if (basename(script).replace(/\.cmd$/, '') !== 'amdahl') {
    return `${node.includes(`${sep}node_modules${sep}`) ? 'npx node' : 'node'} ${near.startsWith('..') ? script : near}`;
  }
  if ((env['PATH'] ?? '').split(delimiter).includes(dirname(script)) && env['npm_command'] === undefined) return 'amdahl';
  return script.includes(`${sep}node_modules${sep}.bin${sep}`) ? 'npx amdahl' : 'amdahl';
}
