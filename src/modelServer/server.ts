// A server that stands in for model providers: it speaks their protocols, asks no model, and misbehaves as it is told.
// For tests and benches, and behind `amdahl model-server`. It serves whoever can reach its port.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AmdahlError } from '../agent/errors.ts';
import { systemClock } from './clock.ts';
import { Desk } from './desk.ts';
import { answerPlainly, exchange, exchangePlainly, headersOf, type House, type Plain } from './exchange.ts';
import { openLog } from './log.ts';
import { checkModelServerOptions, type ModelServerOptions } from './options.ts';
import { type ModelServerStats, Records, type RequestRecord } from './records.ts';
import { jsonReply, type Reply } from './reply.ts';
import { listingVoice, voiceAt } from './voices.ts';

export interface ModelServer {
  /** Such as http://127.0.0.1:41234. Both providers' clients find their paths below it. */
  readonly url: string;
  readonly port: number;
  /** What a client of this provider takes as its base URL: the AI SDK's packages, and OPENAI_BASE_URL. */
  baseUrl(provider?: 'openai' | 'anthropic'): string;
  /** Requests that are over, by their number; whatever was asked for but the server's own sums. O(n log n) each time. */
  readonly requests: readonly RequestRecord[];
  stats(): ModelServerStats;
  /** As it was when it started: no records, full buckets, the script from its beginning. Also POST /reset. */
  reset(): void;
  /**
   * Stops listening, ends every connection and resolves when the last request is recorded and logged.
   * @throws AmdahlError MISCONFIGURED when the log could not be written, or its function threw.
   */
  close(): Promise<void>;
}

/** Connections that may wait to be accepted: a thousand at once must not be refused. */
const BACKLOG = 4_096;
/** A client that pauses keeps its connection. */
const KEEP_ALIVE_MS = 60_000;
/** What is listed where any name is a model. */
const ANY_MODEL = ['stand-in'];

/**
 * Starts a server that speaks OpenAI Chat Completions (POST /v1/chat/completions), OpenAI Responses (/v1/responses) and
 * Anthropic Messages (/v1/messages), whole and streamed, with or without /v1, and lists models (GET /v1/models, /v1/models/{id}). GET
 * /stats has its sums, GET /requests its records, POST /reset begins anew. It asks no model.
 * @throws AmdahlError MISCONFIGURED when an option is wrong, or the port or the log is not to be had.
 */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  checkModelServerOptions(options);
  const { port = 0, host = '127.0.0.1', clock = systemClock } = options;
  const log = openLog(options.log);
  const records = new Records();
  const desk = new Desk(options, clock);
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, requestTimeout: 0 });
  const listener = new Listener(server, host, clock);
  const house: House = { desk, records, clock, log: log.write, refuse: (forMs) => listener.refuse(forMs), closing: () => listener.closed };
  const reset = (): void => {
    desk.reset();
    records.reset();
  };
  server.on('request', (req, res) => route(house, options, reset, req, res));
  // A client that breaks off, or speaks no HTTP, is no failure of the server.
  server.on('clientError', (_error, socket) => socket.destroy());
  await listener.listen(port).catch(async (error: unknown) => {
    await log.close();
    throw error;
  });
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${listener.port}`;
  let closed: Promise<void> | undefined;
  return {
    url,
    port: listener.port,
    baseUrl: () => `${url}/v1`,
    get requests() {
      return records.kept().toSorted((a, b) => a.nth - b.nth);
    },
    stats: () => records.stats(),
    reset,
    close: () =>
      (closed ??= listener
        .close()
        .then(() => records.idle())
        .then(() => log.close())),
  };
}

function route(house: House, options: ModelServerOptions, reset: () => void, req: IncomingMessage, res: ServerResponse): void {
  // A base URL with /v1 in a client that adds it is taken as it was meant.
  const path = (req.url ?? '/').split('?', 1)[0]?.replace(/^\/v1(?=\/v1\/)/, '') ?? '/';
  const voice = req.method === 'POST' ? voiceAt(path) : undefined;
  if (voice !== undefined) return void exchange(house, voice, path, req, res);
  const own = ownReply(house, reset, `${req.method ?? 'GET'} ${path}`);
  if (own === undefined) exchangePlainly(house, path, req, res, plain(house, options, path, req));
  else {
    // What is not read would stay in the connection.
    req.resume();
    answerPlainly(own, res);
  }
}

/** What is asked of the server itself. */
function ownReply({ records }: House, reset: () => void, what: string): Reply | undefined {
  switch (what.replace(' /v1/', ' /')) {
    case 'GET /stats':
      return jsonReply(200, records.stats());
    case 'GET /requests':
      return jsonReply(200, records.kept());
    case 'POST /reset':
      reset();
      return jsonReply(200, records.stats());
    default:
      return undefined;
  }
}

/** What is asked of a provider, but not of a model. */
function plain({ desk }: House, { models }: ModelServerOptions, path: string, req: IncomingMessage): Plain {
  const listing = /^(?:\/v1)?\/models(?:\/(.+))?$/.exec(path);
  if (req.method !== 'GET' || listing === null) {
    const what = `${req.method ?? 'GET'} ${path}`;
    const message = `The model server has nothing at ${what}. It answers POST /v1/chat/completions, /v1/responses and /v1/messages, GET /v1/models, /stats and /requests, and POST /reset.`;
    return { reply: jsonReply(404, { error: { message, type: 'invalid_request_error', code: 'unknown_url' } }), refused: 'unknown path' };
  }
  const [, id] = listing;
  const headers = headersOf(req);
  const voice = listingVoice(headers);
  const error = (trouble: 'unauthorized' | 'unknownModel', why: string): Plain => {
    const { status, body } = voice.error(trouble, '', id === undefined ? {} : { model: id });
    return { reply: jsonReply(status, body), refused: why };
  };
  if (!desk.mayAsk(headers)) return error('unauthorized', 'wrong key');
  if (id === undefined) return { reply: jsonReply(200, voice.models(models ?? ANY_MODEL)) };
  if (models?.includes(id) === false) return error('unknownModel', 'unknown model');
  return { reply: jsonReply(200, voice.model(id)) };
}

/** The port, which a fault may close for a while. */
class Listener {
  readonly #server: Server;
  readonly #host: string;
  readonly #clock: Required<ModelServerOptions>['clock'];
  port = 0;
  closed = false;
  #reopen: (() => void) | undefined;
  #reopening: Promise<void> = Promise.resolve();
  /** A server that listens again no longer knows the connections from before. */
  readonly #sockets = new Set<Socket>();

  constructor(server: Server, host: string, clock: Required<ModelServerOptions>['clock']) {
    this.#server = server;
    this.#host = host;
    this.#clock = clock;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // Each request on a connection waits for its end.
      socket.setMaxListeners(0);
    });
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        reject(
          new AmdahlError(
            'MISCONFIGURED',
            `The model server cannot listen on ${this.#host}:${port} (${error.code ?? error.message}). Give it another port, or 0 for any free one.`,
            { cause: error },
          ),
        );
      };
      this.#server.once('error', fail);
      this.#server.listen({ port, host: this.#host, backlog: BACKLOG }, () => {
        this.#server.off('error', fail);
        resolve();
      });
    });
    const address = this.#server.address();
    if (typeof address === 'object' && address !== null) this.port = address.port;
  }

  /** Refuses new connections for a while; those that are open stay. */
  refuse(forMs: number): void {
    if (this.closed || this.#reopen !== undefined) return;
    this.#server.close();
    this.#reopen = this.#clock.after(forMs, () => {
      this.#reopen = undefined;
      // Whoever has taken the port meanwhile keeps it: then this server stays closed, which clients see.
      if (!this.closed) this.#reopening = this.listen(this.port).catch(() => {});
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    this.#reopen?.();
    await this.#reopening;
    const ended = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await ended;
  }
}
