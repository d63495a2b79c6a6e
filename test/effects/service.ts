// A small HTTP service that effects act on, on loopback, and the client that tools use. It outlives the processes that ask
// it: in-process crashes wall them off, real ones kill them. Its ledger says what was done.
//
//   POST   /manner/tool        does it     (idempotency-key: the effect's key)
//   GET    /manner/tool/key    tells whether it was done
//   DELETE /manner/tool/key    takes it back; once more does nothing
//   GET    /attempts/a/b       how many attempts began like a before the one of turn b: what a model's provider remembers

import { Agent, createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from '../../src/index.ts';
import { type Attempts, remembering } from './player.ts';
import { type Asked, Ledger, type Manner, type Reply } from './ledger.ts';

export class Service {
  /** What it knows; another one for another run. */
  ledger: Ledger = new Ledger();
  /** Told of each request once it was done as asked, before it is answered: how many there were. */
  onTaken: ((nth: number) => void) | undefined;
  readonly #server: Server;
  readonly #attempts: Attempts = remembering();

  private constructor() {
    this.#server = createServer((asked, answer) => {
      void this.#serve(asked, answer);
    });
  }

  static async open(): Promise<Service> {
    const service = new Service();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port; // it listens on a socket
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const body = await textOf(asked);
    const [, manner, tool, key] = (asked.url ?? '').split('/');
    if (manner === 'attempts') return send(answer, { status: 200, body: await this.#attempts(tool ?? '', key ?? '') });
    const reply = this.ledger.take({
      method: asked.method as Asked['method'],
      manner: manner as Manner,
      tool: tool ?? '',
      key: key ?? String(asked.headers['idempotency-key']),
      args: body === '' ? null : (JSON.parse(body) as Json),
    }); // only the client below asks
    // Whoever hears of it may end the process that asks.
    this.onTaken?.(this.ledger.asked.length);
    send(answer, reply);
  }
}

function send(answer: ServerResponse, reply: Reply): void {
  if (reply === 'cut') {
    answer.destroy();
    return;
  }
  const text = JSON.stringify(reply.body);
  answer.writeHead(reply.status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }).end(text);
}

async function textOf(message: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer); // no encoding was set
  return Buffer.concat(pieces).toString();
}

/** What tools do with the service. `wall` is the process they run in: it may be dead, and a request takes its time. */
export class Client {
  readonly #port: number;
  readonly #wall: <T>(work: () => Promise<T>) => Promise<T>;
  readonly #agent: Agent = new Agent({ keepAlive: true, maxSockets: 4 });

  constructor(port: number, wall: <T>(work: () => Promise<T>) => Promise<T> = async (work) => await work()) {
    this.#port = port;
    this.#wall = wall;
  }

  async do(manner: Manner, tool: string, args: Json, key: string): Promise<{ readonly id: string }> {
    return (await this.#send('POST', `/${manner}/${tool}`, args, key)) as { readonly id: string }; // as the ledger answers
  }

  async wasDone(manner: Manner, tool: string, key: string): Promise<{ done: true; result: Json } | { done: false }> {
    return (await this.#send('GET', `/${manner}/${tool}/${key}`)) as { done: true; result: Json } | { done: false }; // as the ledger answers
  }

  async undo(manner: Manner, tool: string, key: string): Promise<void> {
    await this.#send('DELETE', `/${manner}/${tool}/${key}`);
  }

  /** What the model's provider remembers, for models in other processes than its own. */
  async attempts(conversation: string, turn: string): Promise<number> {
    return (await this.#send('GET', `/attempts/${conversation}/${turn}`)) as number; // as the service answers
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(method: Asked['method'], path: string, body?: Json, key?: string): Promise<Json> {
    return await this.#wall(async () => {
      const headers = key === undefined ? {} : { 'idempotency-key': key };
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        const asking = request({ host: '127.0.0.1', port: this.#port, path, method, headers, agent: this.#agent }, resolve);
        asking.on('error', reject);
        asking.end(body === undefined ? undefined : JSON.stringify(body));
      });
      const text = await textOf(answer);
      if (answer.statusCode !== 200) throw new Error(`the service refused: ${answer.statusCode} ${text}`);
      return JSON.parse(text) as Json; // as the ledger answers
    });
  }
}
