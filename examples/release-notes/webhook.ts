// A small service that things are posted to: it writes down every request with its key, and takes a key once. It stands for
// whatever announces a release: a chat, a mailing list. `node examples/release-notes/webhook.ts` runs it by itself.

import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface WebhookOptions {
  /** Where requests are written down: a line of JSON each. */
  readonly file: string;
  /** Default: any that is free. */
  readonly port?: number;
  /** How long it waits, after it has taken a request, before it says so. Default: 0. */
  readonly answersAfterMs?: number;
}

/** One request. `taken`: its key was new. */
export interface Posted {
  readonly key: string;
  readonly taken: boolean;
  readonly body: unknown;
}

export interface Webhook {
  readonly url: string;
  readonly close: () => Promise<void>;
}

export async function startWebhook({ file, port = 0, answersAfterMs = 0 }: WebhookOptions): Promise<Webhook> {
  await mkdir(dirname(file), { recursive: true });
  const keys = new Set((await postedIn(file)).map(({ key }) => key));
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await json(request);
    const key = String(request.headers['idempotency-key'] ?? '');
    const posted: Posted = { key, taken: !keys.has(key), body };
    keys.add(key);
    await appendFile(file, `${JSON.stringify(posted)}\n`);
    console.error(`webhook: ${posted.taken ? 'took' : 'had taken before'} ${key}`);
    await sleep(answersAfterMs);
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ post: [...keys].indexOf(key) + 1 }));
  };
  const server = createServer((request, response) => {
    take(request, response).catch((error: unknown) => response.writeHead(400).end(String(error)));
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** What was posted so far. */
export async function postedIn(file: string): Promise<readonly Posted[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Posted); // lines of its own
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , file = '.amdahl/release-notes/webhook.jsonl', port = '4747', answersAfterMs = '0'] = process.argv;
  const { url } = await startWebhook({ file, port: Number(port), answersAfterMs: Number(answersAfterMs) });
  console.error(`webhook: listening at ${url}, writes ${file}`);
}
