// An app's server as a process of its own: started, known by the address it prints, and ended with the test.

import { type ChildProcess, spawn } from 'node:child_process';
import { environment } from './packed.ts';

export interface Server {
  /** Where it listens, without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  /** What it wrote so far, both streams. */
  readonly output: () => string;
  /** Sends a signal and waits for the end; gives the exit code, or the signal that ended it. */
  readonly end: (signal: NodeJS.Signals) => Promise<number | string>;
}

const started = new Set<ChildProcess>();

/** Waits until the server has printed where it listens. @throws with what it wrote where it ends before. */
export async function startServer(cwd: string, argv: readonly string[], env: Readonly<Record<string, string>>): Promise<Server> {
  const child = spawn(process.execPath, argv, { cwd, env: environment(env), stdio: ['ignore', 'pipe', 'pipe'] });
  started.add(child);
  let output = '';
  const { promise: listening, resolve, reject } = Promise.withResolvers<string>();
  const ended = new Promise<number | string>((end) => child.once('close', (code, signal) => end(signal ?? code ?? 'gone')));
  const hear = (chunk: Buffer): void => {
    output += chunk.toString('utf8');
    const [address] = /http:\/\/(localhost|127\.0\.0\.1):\d+/.exec(output) ?? [];
    if (address !== undefined && /ready|listening/i.test(output)) resolve(address.replace('localhost', '127.0.0.1'));
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.once('error', reject);
  void ended.then((how) => {
    started.delete(child);
    reject(new Error(`${argv.join(' ')} ended with ${how} before it listened:\n${output}`));
  });
  const url = await listening;
  return {
    url,
    pid: child.pid ?? -1,
    output: () => output,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Ends what a test left running. */
export async function endServers(): Promise<void> {
  await Promise.all(
    [...started].map((child) => {
      const closed = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      return closed;
    }),
  );
}
