// A client with no opinion: one request over a socket of its own, and what came back byte for byte.

import { request } from 'node:http';
import { onTestFinished } from 'vitest';
import { startModelServer, type ModelServer } from '../../src/testing.ts';

export type Options = NonNullable<Parameters<typeof startModelServer>[0]>;

/** A server that is closed when the test is over. */
export async function serving(options: Options = {}): Promise<ModelServer> {
  const server = await startModelServer(options);
  onTestFinished(() => server.close());
  return server;
}

export interface Came {
  /** 0 where no head came. */
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  /** The error of the connection, where it had one. */
  readonly error?: string;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Ends the connection from here. */
  readonly signal?: AbortSignal;
}

/** Sends a body to a path; never rejects. */
export async function send(
  server: ModelServer,
  path: string,
  body?: unknown,
  { method = 'POST', headers = {}, signal }: Sent = {},
): Promise<Came> {
  return await new Promise((resolve) => {
    let came: Came = { status: 0, headers: {}, body: '' };
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? '');
    const length = { 'content-length': String(Buffer.byteLength(text)) };
    const done = (error?: NodeJS.ErrnoException): void =>
      resolve(error === undefined ? came : { ...came, error: error.code ?? error.message });
    const req = request(
      `${server.url}${path}`,
      { method, agent: false, headers: { ...length, ...headers }, ...(signal !== undefined && { signal }) },
      (res) => {
        came = { ...came, status: res.statusCode ?? 0, headers: res.headers };
        res.setEncoding('utf8');
        res.on('data', (chunk: string) => (came = { ...came, body: came.body + chunk }));
        res.on('end', () => done());
        res.on('error', done);
      },
    );
    req.on('error', done);
    req.end(text);
  });
}

/** One message of a user to a chat model. */
export function chat(text: string, more: object = {}): object {
  return { model: 'm', messages: [{ role: 'user', content: text }], ...more };
}

export const CHAT = '/v1/chat/completions';

/** What a chat model said, whole. */
export function saidIn({ body }: Came): string {
  const { choices } = JSON.parse(body) as { choices: { message: { content: string } }[] }; // the form of the protocol, tested where it is written
  return choices[0]?.message.content ?? '';
}

/** A chat request for JSON of a schema. */
export function wanting(schema: object, text = 'give me one'): object {
  return chat(text, { response_format: { type: 'json_schema', json_schema: { name: 'wanted', schema } } });
}
