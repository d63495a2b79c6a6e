// One tool of the house, run as a child process with the project's own binaries first on the path. Called by steps.ts.

import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

/** A tool that hangs is a failure too. */
const COMMAND_MS_MAX = 20 * 60_000;

export interface Ended {
  readonly ok: boolean;
  /** What it wrote, both streams in order of arrival. */
  readonly output: string;
}

/** Runs one command in `root` and waits for its end. Never throws. What it starts ends with it, and with us. */
export function command(root: string, argv: readonly string[]): Promise<Ended> {
  const [file = '', ...args] = argv;
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const chunks: Buffer[] = [];
  const child = spawn(file, args, { cwd: root, env: environment(root), stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const stop = (): void => killGroup(child.pid);
  const timer = setTimeout(stop, COMMAND_MS_MAX);
  process.once('exit', stop);
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
  const end = (ok: boolean, why: string): void => {
    clearTimeout(timer);
    process.removeListener('exit', stop);
    resolve({ ok, output: Buffer.concat(chunks).toString('utf8') + why });
  };
  child.on('error', (error) => end(false, `${argv.join(' ')}: ${error.message}\n`));
  child.on('close', (code, signal) => {
    end(code === 0, signal === null ? '' : `\n${argv.join(' ')}: stopped by ${signal}; a command may take ${COMMAND_MS_MAX / 1000} s\n`);
  });
  return promise;
}

/** A tool's own children must not outlive it: they would eat the machine under everybody else. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended in the meantime.
  }
}

/** Ours, without colours and without what an outer test run would tell an inner one. */
function environment(root: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(VITEST|FORCE_COLOR$|NODE_ENV$|NODE_V8_COVERAGE$)/.test(name));
  const path = [join(root, 'node_modules', '.bin'), process.env['PATH'] ?? ''].join(delimiter);
  return { ...Object.fromEntries(kept), PATH: path, NO_COLOR: '1' };
}
