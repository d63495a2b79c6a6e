// The real CLI on small programs in directories of their own: node src/cli/main.ts, spawned and read to its end.

import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const ZOD = pathToFileURL(fileURLToPath(new URL('../../node_modules/zod/index.js', import.meta.url))).href;

/**
 * Agents for every test. The model answers each topic at once, but: 'bad' gets garbage, 'down' a failing provider,
 * and 'hold' waits until it is aborted, unless GO is set. It says on standard error when it holds.
 */
const TEAM = `
import { agent, flow, map, step, tool } from 'amdahl';
import { writeFileSync, appendFileSync } from 'node:fs';
import { z } from '${ZOD}';

const model = {
  specificationVersion: 'v4', provider: process.env.PROVIDER ?? 'acme', modelId: 'small', supportedUrls: {},
  async doGenerate({ prompt, abortSignal }) {
    const said = JSON.stringify(prompt);
    if (said.includes('hold') && !process.env.GO) {
      process.stderr.write('HOLDING\\n');
      await new Promise((_, reject) => abortSignal.addEventListener('abort', () => reject(abortSignal.reason)));
    }
    if (said.includes('down')) throw new Error('the provider is down');
    const text = said.includes('bad') ? 'no JSON at all' : JSON.stringify({ title: 'fine' });
    return {
      content: [{ type: 'text', text }], finishReason: { unified: 'stop', raw: 'stop' }, warnings: [],
      usage: { inputTokens: { total: 100, noCache: 100, cacheRead: 0, cacheWrite: 0 }, outputTokens: { total: 10, text: 10, reasoning: 0 } },
    };
  },
  async doStream() { throw new Error('not asked'); },
};

export const review = agent({ name: 'review', model, input: z.object({ topic: z.string() }), output: z.object({ title: z.string() }), instructions: 'Review it.' });
export const hello = agent({ name: 'hello', model, instructions: 'Say hello.' });
export const optional = step({ name: 'optional', input: z.object({ who: z.string().optional() }), execute: ({ who }) => 'hello ' + (who ?? 'nobody') });
export const sweep = map(review, { name: 'sweep', atLeast: 0.5 });
export const strict = map(review, { name: 'strict', concurrency: 1 });
export const mail = step({
  name: 'mail', effect: 'immediate',
  execute: (input) => { appendFileSync('sent.txt', input + '\\n'); if (!process.env.GO) process.kill(process.pid, 'SIGKILL'); return 'sent'; },
});
export const hang = step({ name: 'hang', effect: 'immediate', execute: () => { process.stderr.write('HOLDING\\n'); return new Promise(() => {}); } });
export const bare = step({ name: 'bare', execute: (input) => 'got ' + input });
export const notAnAgent = 3;
export const options = process.env.UNPRICED ? {} : { prices: { 'acme/small': { in: 1, out: 10 }, 'stand-in/small': { in: 1, out: 10 } } };
`;

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves when standard error has said this. */
  readonly said: (text: string) => Promise<void>;
}

export interface Place {
  readonly dir: string;
  readonly write: (file: string, text: string) => void;
  readonly start: (args: readonly string[], env?: Readonly<Record<string, string>>) => Running;
  readonly amdahl: (
    args: readonly string[],
    options?: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string },
  ) => Promise<Ended>;
}

/** A fresh directory with team.ts in it, gone when the test is over. */
export function place(): Place {
  const dir = mkdtempSync(join(tmpdir(), 'amdahl-cli-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const write = (file: string, text: string): void => writeFileSync(join(dir, file), text);
  write('team.ts', TEAM);
  const start: Place['start'] = (args, env = {}) => follow(spawn(process.execPath, [MAIN, ...args], { cwd: dir, env: environment(env) }));
  return {
    dir,
    write,
    start,
    amdahl(args, { env = {}, stdin = '' } = {}) {
      const running = start(args, env);
      running.child.stdin?.end(stdin);
      return running.ended;
    },
  };
}

/** Nothing of the environment of these tests changes what the CLI prints. */
function environment(env: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR } = process.env;
  return {
    ...(PATH === undefined ? {} : { PATH }),
    ...(HOME === undefined ? {} : { HOME }),
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    ...env,
  };
}

function follow(child: ChildProcess): Running {
  let [out, err] = ['', ''];
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
    for (const { text, resolve } of waiting) if (err.includes(text)) resolve();
  });
  // A command that has read enough closes its input.
  child.stdin?.on('error', () => {});
  return {
    child,
    ended: new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err }))),
    said: (text) => new Promise((resolve) => (err.includes(text) ? resolve() : waiting.push({ text, resolve }))),
  };
}

/** Standard output as lines of JSON. */
export function linesOf(out: string): Record<string, unknown>[] {
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>); // every line is an object, or the test fails
}

/** The id that a run announces. */
export function idIn(err: string): string {
  return /^run (\S+)/m.exec(err)?.[1] ?? 'no run was announced';
}
