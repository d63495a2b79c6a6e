// The two streams a command writes to, and the keyboard. The only place in cli that looks at process.stdout,
// process.stderr and process.stdin.

import { createInterface as createLines } from 'node:readline';
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
  /** Somebody to ask one thing after another, until it is closed. */
  converse(): Conversation;
  /** All of standard input. */
  readAll(): Promise<string>;
}

/** Questions and answers on a terminal. */
export interface Conversation {
  say(line: string): void;
  /** What is typed. Rejects with `Left`. */
  ask(prompt: string): Promise<string>;
  close(): void;
}

/** Ctrl-C or Ctrl-D while something is asked: whoever was asked has left. */
export class Left extends Error {
  override readonly name = 'Left';
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
    converse: () => converse(err),
    async readAll() {
      if (process.stdin.isTTY) err.line('reading the input from the terminal; end it with Ctrl-D');
      process.stdin.setEncoding('utf8');
      let text = '';
      for await (const chunk of process.stdin) text += String(chunk);
      return text.replace(/^\uFEFF/, ''); // what some shells put before what they pipe
    },
  };
}

/** Lines that come before they are asked for, as when several are pasted, wait for their question. */
function converse(err: Output): Conversation {
  const lines = createLines({ input: process.stdin, output: process.stderr });
  const typed: string[] = [];
  let waiting: PromiseWithResolvers<string> | undefined;
  let left = false;
  const leave = (): void => {
    left = true;
    waiting?.reject(new Left('whoever was asked has left'));
  };
  lines.on('line', (line) => {
    if (waiting === undefined) typed.push(line);
    else waiting.resolve(line);
    waiting = undefined;
  });
  lines.on('SIGINT', () => {
    process.stderr.write('\n');
    leave();
  });
  lines.on('close', leave);
  return {
    say: (line) => err.line(line),
    ask(prompt) {
      lines.setPrompt(err.safe(prompt));
      lines.prompt();
      const next = typed.shift();
      if (next !== undefined) return Promise.resolve(next);
      waiting = Promise.withResolvers<string>();
      if (left) leave();
      return waiting.promise;
    },
    close: () => lines.close(),
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
