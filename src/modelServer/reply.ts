// An answer as bytes, and its way out: at its pace, whole, or broken where a fault says. Called by exchange.ts.

import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { ServerClock } from './clock.ts';

/** What is sent. A body that comes whole is one piece; a stream has one for each event. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly stream: boolean;
  readonly pieces: readonly string[];
}

/** Where a body breaks and how: it ends as if it were whole, the connection ends or is reset, or nothing comes for a while (Infinity: for ever). */
export interface Break {
  readonly atByte: number;
  readonly how: 'clean' | 'end' | 'reset' | { readonly stallMs: number };
}

/** JSON with a status. */
export function jsonReply(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return textReply(status, JSON.stringify(body), 'application/json', headers);
}

export function textReply(status: number, body: string, type: string, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { ...headers, 'content-type': type }, stream: false, pieces: [body] };
}

/** Server-sent events. */
export function eventReply(pieces: readonly string[], headers: Readonly<Record<string, string>> = {}): Reply {
  const stream = { ...headers, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' };
  return { status: 200, headers: stream, stream: true, pieces };
}

/** Bytes of the body. */
export function bytesOf({ pieces }: Reply): number {
  return pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
}

/** How a reply goes out. `gone` resolves the waiting when the client leaves. */
export interface Way {
  readonly res: ServerResponse;
  readonly clock: ServerClock;
  /** How long a stream takes from its first event to its last. */
  readonly streamMs: number;
  readonly broken?: Break;
  /** Called with the bytes of each piece that is written. */
  readonly wrote: (bytes: number) => void;
}

/** A longer stream is written as fast as it is read. */
const AT_ONCE_BYTES = 64 * 1024;

/** Sends a reply; resolves when everything is written, the connection broken, or the client gone. */
export async function send(reply: Reply, way: Way): Promise<void> {
  const { res, broken } = way;
  const clean = broken?.how === 'clean';
  const length = reply.stream || clean ? undefined : bytesOf(reply);
  res.writeHead(reply.status, { ...reply.headers, ...(length !== undefined && { 'content-length': String(length) }) });
  if (broken !== undefined) return await sendBroken(reply, broken, way);
  if (reply.stream && (way.streamMs > 0 || bytesOf(reply) > AT_ONCE_BYTES)) {
    await writePaced(reply.pieces, way);
    res.end();
    return;
  }
  const body = reply.pieces.length === 1 ? (reply.pieces[0] ?? '') : reply.pieces.join('');
  way.wrote(length ?? Buffer.byteLength(body));
  res.end(body);
}

async function sendBroken(reply: Reply, { atByte, how }: Break, way: Way): Promise<void> {
  const { res } = way;
  const all = Buffer.from(reply.pieces.join(''));
  res.flushHeaders();
  await writePaced(beginning(reply.pieces, atByte), way);
  if (how === 'clean') {
    res.end();
    return;
  }
  if (typeof how === 'object') {
    await waitFor(how.stallMs, way);
    if (res.destroyed) return;
    way.wrote(all.length - atByte);
    res.end(all.subarray(atByte));
    return;
  }
  // What was written must have left, or the fault would be another one.
  await new Promise<void>((resolve) => (res.destroyed ? resolve() : res.write('', () => resolve())));
  breakOff(res, how);
}

/** Connections that were ended here, and with them the requests that waited behind the one that was meant. */
const brokenOff = new WeakSet<Socket>();

export function wasBrokenOff(socket: Socket): boolean {
  return brokenOff.has(socket);
}

/** Ends the connection under a response. */
export function breakOff(res: ServerResponse, how: 'end' | 'reset'): void {
  // A response that waits behind another on its connection has none yet.
  const socket = res.socket ?? res.req.socket;
  brokenOff.add(socket);
  if (how === 'reset') socket.resetAndDestroy();
  else socket.destroy();
}

/** The pieces up to a byte: the last one may be torn, also within a character. */
function beginning(pieces: readonly string[], bytes: number): readonly Buffer[] {
  const cut: Buffer[] = [];
  let left = bytes;
  for (const piece of pieces) {
    if (left <= 0) break;
    const part = Buffer.from(piece).subarray(0, left);
    cut.push(part);
    left -= part.length;
  }
  return cut;
}

/** Writes pieces evenly over the time of the stream; those due at once go together. */
async function writePaced(pieces: readonly (string | Buffer)[], way: Way): Promise<void> {
  const { res, clock, streamMs } = way;
  const stepMs = pieces.length < 2 ? 0 : streamMs / (pieces.length - 1);
  const start = clock.now();
  for (let at = 0; at < pieces.length && !res.destroyed;) {
    const passedMs = clock.now() - start;
    const due: Buffer[] = [];
    for (let bytes = 0; at < pieces.length && at * stepMs <= passedMs && bytes <= AT_ONCE_BYTES; at += 1) {
      const piece = Buffer.from(pieces[at] ?? '');
      bytes += piece.length;
      due.push(piece);
    }
    if (due.length > 0) {
      const bytes = Buffer.concat(due);
      way.wrote(bytes.length);
      if (!res.write(bytes)) await drained(res);
    }
    if (at < pieces.length && at * stepMs > clock.now() - start)
      await waitFor(Math.max(1, Math.ceil(at * stepMs - (clock.now() - start))), way);
  }
}

/** Resolves when the client has read what was written, or has left. */
async function drained(res: ServerResponse): Promise<void> {
  if (res.destroyed) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.on('drain', done);
    res.on('close', done);
  });
}

/** Resolves after `ms` or when the connection is closed. */
export async function waitFor(ms: number, { res, clock }: Pick<Way, 'res' | 'clock'>): Promise<void> {
  if (ms <= 0 || res.destroyed) return;
  await new Promise<void>((resolve) => {
    const cancel = ms === Infinity ? () => {} : clock.after(ms, done);
    function done(): void {
      res.off('close', done);
      cancel();
      resolve();
    }
    res.on('close', done);
  });
}
