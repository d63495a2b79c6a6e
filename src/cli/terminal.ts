// The two streams a command writes to, and the keyboard. The only place in cli that looks at process.stdout,
// process.stderr and process.stdin.

import { createInterface } from 'node:readline/promises';
import process from 'node:process';
import pc from 'picocolors';
import { knownSecrets, type SecretOptions } from '../run/secretOptions.ts';
import { Secrets } from '../run/secrets.ts';
import type { Colors } from 'picocolors/types.js';

export interface Output {
  readonly tty: boolean;
  readonly colors: Colors;
  /** Columns now; without a terminal there is no edge to fit. */
  readonly width: () => number;
  readonly line: (text?: string) => void;
  /** A text as it may be printed: without secrets. `line` sees to it by itself. */
  readonly safe: (text: string) => string;
}

export interface Terminal {
  /** For the output and for what programs read. */
  readonly out: Output;
  /** For everything else. */
  readonly err: Output;
  /** Puts these, too, out of every line from now on. Values of variables named like keys are put out anyway. */
  conceal(secrets: SecretOptions): void;
  /** Whether somebody can be asked. */
  readonly interactive: boolean;
  /** Asks a yes-or-no question; anything but y or yes is no. */
  confirm(question: string): Promise<boolean>;
  /** All of standard input. */
  readAll(): Promise<string>;
}

/** Everything written has left: a process may exit now. */
export async function flushed(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) await new Promise<void>((resolve) => stream.write('', () => resolve()));
}

/** Wider than any line worth aligning: where there is no terminal, nothing is clipped. */
const WIDTH_WITHOUT_TERMINAL = 1_000;
const WIDTH_UNKNOWN = 80;

export function openTerminal(): Terminal {
  let secrets = new Secrets(knownSecrets({}, { env: process.env }));
  const safe = (text: string): string => secrets.text(text);
  const [out, err] = [outputOf(process.stdout, safe), outputOf(process.stderr, safe)];
  return {
    out,
    err,
    conceal(more) {
      const environment = more.environment === false ? true : (more.environment ?? true);
      secrets = new Secrets(knownSecrets({ ...more, environment }, { env: process.env }));
    },
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    async confirm(question) {
      const reader = createInterface({ input: process.stdin, output: process.stderr });
      try {
        return /^y(es)?$/i.test((await reader.question(`${question} [y/N] `)).trim());
      } finally {
        reader.close();
      }
    },
    async readAll() {
      if (process.stdin.isTTY) err.line('reading the input from the terminal; end it with Ctrl-D');
      process.stdin.setEncoding('utf8');
      let text = '';
      for await (const chunk of process.stdin) text += String(chunk);
      return text;
    },
  };
}

function outputOf(stream: NodeJS.WriteStream, safe: (text: string) => string): Output {
  const tty = stream.isTTY;
  // A reader that has seen enough, such as `head`, is no failure.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
    throw error;
  });
  return {
    tty,
    colors: pc.createColors(colorful(tty, process.env)),
    width: () => (tty ? stream.columns || WIDTH_UNKNOWN : WIDTH_WITHOUT_TERMINAL),
    safe,
    line: (text = '') => void stream.write(`${safe(text)}\n`),
  };
}

/** https://no-color.org and https://force-color.org; otherwise a terminal that can. Pure. */
export function colorful(tty: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env['NO_COLOR'] ?? '') !== '') return false;
  const force = env['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return tty && env['TERM'] !== 'dumb';
}
