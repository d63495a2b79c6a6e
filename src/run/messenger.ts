// How a question leaves the machine's process: a command that is given it on its standard input, and an address that it is posted
// to. Runs are given it with their other ports; only tellAsks.ts sends.

import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { request as requestSecurely } from 'node:https';

/** Each resolves once it was taken, and rejects with why it was not. */
export interface Messenger {
  /** Runs a command of the shell. Taken is what it ends with 0. */
  command(command: string, text: string, signal: AbortSignal): Promise<void>;
  /** Posts JSON. Taken is what is answered with 2xx; `key` is the same whenever the same is posted again. */
  post(url: string, text: string, key: string, signal: AbortSignal): Promise<void>;
}

/** So much of what a command complains of is kept. */
const COMPLAINT_CHARS_MAX = 500;

export const systemMessenger: Messenger = {
  command: (command, text, signal) =>
    new Promise((resolve, reject) => {
      const child = spawn(command, { shell: true, signal, stdio: ['pipe', 'ignore', 'pipe'] });
      let complaint = '';
      child.stderr.on('data', (chunk: Buffer) => {
        complaint = (complaint + chunk.toString('utf8')).slice(-COMPLAINT_CHARS_MAX);
      });
      child.on('error', reject);
      // Not 'close': what the command leaves running in the background may keep its pipes.
      child.on('exit', (code, killed) => {
        child.stderr.destroy();
        if (code === 0) return resolve();
        const why = complaint.trim() === '' ? '' : `: ${complaint.trim()}`;
        reject(new Error(`the command ended with ${killed ?? code}${why}`));
      });
      child.stdin.on('error', () => {}); // it need not read
      child.stdin.end(text);
    }),
  post: (url, text, key, signal) =>
    new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
        'idempotency-key': key,
        'user-agent': 'amdahl',
      };
      const send = url.startsWith('https:') ? requestSecurely : request;
      const posting = send(url, { method: 'POST', headers, signal, agent: false }, (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        if (statusCode >= 200 && statusCode < 300) resolve();
        else reject(new Error(`the address answered ${statusCode}`));
      });
      posting.on('error', reject);
      posting.end(text);
    }),
};
