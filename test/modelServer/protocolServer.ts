// A socket with the three protocols behind it and no model: what is said to a request is given by the test.

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Asked, Said, Trouble, Voice } from '../../src/modelServer/wire.ts';
import { StoredItems } from '../../src/modelServer/storedItems.ts';
import { voiceAt } from '../../src/modelServer/voices.ts';

/** What comes back: an answer, an error instead of one, or an error after `after` events of one. */
export type Reply =
  | { readonly said: Said; readonly piece?: number; readonly breaks?: { readonly after: number; readonly trouble: Trouble } }
  | { readonly trouble: Trouble; readonly message?: string };

export class ProtocolServer {
  readonly asked: Asked[] = [];
  readonly refused: string[] = [];
  /** The body of the last answer, as it was written. */
  last = '';
  reply: Reply = { trouble: 'unavailable' };
  readonly #server: Server;
  readonly #stored = new StoredItems();
  #serial = 0;

  private constructor() {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, type, body }) => {
        this.last = body;
        response.writeHead(status, { 'content-type': type }).end(body);
      });
    });
  }

  static async open(): Promise<ProtocolServer> {
    const server = new ProtocolServer();
    server.#server.listen(0, '127.0.0.1');
    await once(server.#server, 'listening');
    return server;
  }

  get url(): string {
    // A server that listens on a port has this form of address.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; type: string; body: string }> {
    const voice = voiceAt(request.url ?? '');
    if (voice === undefined) return { status: 404, type: 'text/plain', body: `nobody speaks at ${request.url}` };
    const body: unknown = JSON.parse(await textOf(request));
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
    const read = voice.read(body, headers, (id) => this.#stored.find(id));
    if ('wrong' in read) {
      this.refused.push(read.wrong);
      return json(voice.error('badRequest', read.wrong));
    }
    this.asked.push(read);
    if ('trouble' in this.reply) return json(voice.error(this.reply.trouble, this.reply.message ?? '', { model: read.model }));
    const { said } = this.reply;
    this.#stored.keep(voice.stores?.(read, said, this.#serial) ?? new Map());
    if (!read.stream) return json({ status: 200, body: voice.whole(read, said, this.#serial++) });
    return { status: 200, type: 'text/event-stream', body: this.#events(voice, read, this.reply).join('') };
  }

  #events(voice: Voice, asked: Asked, { said, piece = 3, breaks }: Extract<Reply, { said: Said }>): readonly string[] {
    const events = voice.events(asked, said, this.#serial++, piece);
    return breaks === undefined ? events : [...events.slice(0, breaks.after), voice.errorEvent(breaks.trouble, '')];
  }
}

function json({ status, body }: { status: number; body: unknown }): { status: number; type: string; body: string } {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // a request without encoding gives buffers
  return Buffer.concat(chunks).toString();
}
