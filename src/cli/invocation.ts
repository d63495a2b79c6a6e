// How this CLI was called, so that a command it suggests can be pasted as it is.

import { basename, delimiter, dirname, relative, sep } from 'node:path';
import process from 'node:process';

export function amdahlCommand(): string {
  return commandOf(process.argv[1] ?? 'amdahl', process.execPath, process.env);
}

/** Goes on with a run, as it can be pasted; of one that this command did not start only the reader knows the program. */
export function resumeLine({ run, program }: { readonly run: string; readonly program?: unknown }): string {
  return `${amdahlCommand()} resume ${run}${program === undefined ? ' FILE#export' : ''}`;
}

/** The Node that runs this, as a shell finds it. */
export function nodeCommand(node: string = process.execPath): string {
  return node.includes(`${sep}node_modules${sep}`) ? 'npx node' : 'node';
}

/** A message of the runtime with its commands as they can be pasted here. */
export function pasteable(text: string): string {
  return withCommand(text, amdahlCommand());
}

/** `amdahl show …` and the like as `command show …`, where it is not that already. Pure. */
export function withCommand(text: string, command: string): string {
  return text.replace(/(?<![\w./-])(?<!npx )amdahl(?= (?:show|resume|runs|run|limits|script|init|inbox|answer|refuse)\b)/g, () => command);
}

/**
 * `script` is what Node runs: a link in some bin directory, or a file of this package; `node` is the Node that runs it, which a
 * shell finds only through npx where it is a package. Pure but for the working directory.
 */
export function commandOf(script: string, node: string, env: Readonly<Record<string, string | undefined>>): string {
  const near = relative('.', script);
  if (basename(script).replace(/\.cmd$/, '') !== 'amdahl') {
    return `${nodeCommand(node)} ${near.startsWith('..') ? script : near}`;
  }
  if ((env['PATH'] ?? '').split(delimiter).includes(dirname(script)) && env['npm_command'] === undefined) return 'amdahl';
  return script.includes(`${sep}node_modules${sep}.bin${sep}`) ? 'npx amdahl' : 'amdahl';
}
