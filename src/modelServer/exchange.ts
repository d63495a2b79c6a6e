// One HTTP request from its first byte to its record: read, decided, carried out. The only place that knows when a
// client has left. Every request ends in exactly one record, whatever happens to it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { hash } from '../agent/canonical.ts';
import { describe } from '../agent/errors.ts';
import type { ServerClock } from './clock.ts';
import { decided, type Decision, type Desk, type Note } from './desk.ts';
import type { Records, RequestRecord } from './records.ts';
import { breakOff, bytesOf, jsonReply, type Reply, send, waitFor, wasBrokenOff } from './reply.ts';
import type { Protocol, Trouble, Voice } from './wire.ts';

/** Larger bodies are refused. */
const BODY_BYTES_MAX = 64 * 1024 * 1024;
/** Of a turn and a path, as much is kept in a record. */
const NOTED_CHARS = 200;

/** What all exchanges of a server share. */
export interface House {
  readonly desk: Desk;
  readonly records: Records;
  readonly clock: ServerClock;
  /** Is told of each record. */
  readonly log: (record: RequestRecord) => void;
  /** Refuses new connections for a while. */
  readonly refuse: (forMs: number) => void;
  /** Whether the server itself ends its connections. */
  readonly closing: () => boolean;
}

/** A request under way. */
interface Entry {
  readonly note: Note;
  decision: Extract<Decision, { do: 'reply' }> | undefined;
  /** Its record is written. */
  over: boolean;
}

/** Answers a request in a protocol. Never rejects. */
export async function exchange(house: House, voice: Voice, path: string, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { desk, clock } = house;
  const { era } = desk;
  const entry = opened(house, path, req, res, voice.protocol);
  const { note } = entry;
  const failed = (error: unknown): Decision => refused(voice, 'serverError', `The model server failed: ${describe(error)}`, note);
  // Nothing may hang in silence: what is wrong in here is told.
  const decision = await read(voice, req, note)
    .then(async (got) => (got === undefined || 'do' in got ? got : await desk.decide(era, voice, got.body, headersOf(req), note)))
    .catch(failed);
  if (decision?.do === 'reply') entry.decision = decision;
  if (entry.over) return entry.decision?.over(false);
  if (decision === undefined) return;
  switch (decision.do) {
    case 'hang':
      return;
    case 'reset':
    case 'refuse':
      if (decision.do === 'refuse') house.refuse(decision.forMs);
      breakOff(res, 'reset');
      return;
    case 'reply':
      // What cannot be written any more ends the connection, and with it the request.
      await carryOut(decision, res, clock, note).catch(() => res.destroy());
  }
}

/** Answers what is no request to a model: listings and unknown paths. */
export function exchangePlainly(
  house: House,
  path: string,
  req: IncomingMessage,
  res: ServerResponse,
  { reply, refused: why }: Plain,
): void {
  const { note } = opened(house, path, req, res);
  if (why !== undefined) note.refused = why;
  note.status = reply.status;
  note.bytesOut = bytesOf(reply);
  req.on('data', (chunk: Buffer) => (note.bytesIn += chunk.length));
  answerPlainly(reply, res);
}

export interface Plain {
  readonly reply: Reply;
  /** Why it has no better answer. */
  readonly refused?: string;
}

/** Opens a record. It is closed with the response or with the connection: one that waits behind another has only that. */
function opened(house: House, path: string, req: IncomingMessage, res: ServerResponse, protocol?: Protocol): Entry {
  const { records, clock } = house;
  const came = records.open();
  const entry: Entry = { note: openNote(came, clock, path, req, protocol), decision: undefined, over: false };
  const { note } = entry;
  const { socket } = req;
  const end = (): void => {
    // The end of the connection is that of the response as well: one may come within the other.
    if (entry.over) return;
    entry.over = true;
    socket.off('close', end);
    const whole = res.writableFinished;
    note.tookMs = Math.max(0, clock.now() - note.at);
    if (!whole) note.closed = wasBrokenOff(socket) || house.closing() ? 'server' : 'client';
    note.acknowledged = whole && note.status === 200 && entry.decision?.answers === true;
    entry.decision?.over(note.acknowledged);
    // Whatever is still to be written of it goes nowhere.
    if (!whole) res.destroy();
    records.close(note, came);
    house.log(note);
  };
  res.once('close', end);
  socket.once('close', end);
  return entry;
}

async function carryOut(
  { reply, pace, restMs, streamMs, broken, begun }: Extract<Decision, { do: 'reply' }>,
  res: ServerResponse,
  clock: ServerClock,
  note: Note,
): Promise<void> {
  if (pace.firstMs > 0) await waitFor(pace.firstMs, { res, clock });
  if (res.destroyed) return;
  begun();
  if (restMs > 0) await waitFor(restMs, { res, clock });
  if (res.destroyed) return;
  note.status = reply.status;
  const wrote = (bytes: number): void => {
    note.bytesOut += bytes;
  };
  await send(reply, { res, clock, streamMs, wrote, ...(broken !== undefined && { broken }) });
}

function openNote(
  { nth, inFlight }: ReturnType<Records['open']>,
  clock: ServerClock,
  path: string,
  req: IncomingMessage,
  protocol?: Protocol,
): Note {
  const turn = headersOf(req)['x-amdahl-turn'];
  return {
    nth,
    at: clock.now(),
    tookMs: 0,
    method: req.method ?? 'GET',
    path: path.slice(0, NOTED_CHARS),
    ...(protocol !== undefined && { protocol }),
    ...(turn !== undefined && { turn: turn.length <= NOTED_CHARS ? turn : `${turn.slice(0, NOTED_CHARS / 2)}…${hash(turn)}` }),
    bytesIn: 0,
    bytesOut: 0,
    tokensIn: 0,
    tokensOut: 0,
    tokensCached: 0,
    tokensCacheWritten: 0,
    promptBytes: 0,
    sharedBytes: 0,
    sharedTokens: 0,
    cachedBytes: 0,
    status: 0,
    acknowledged: false,
    inFlight,
  };
}

/** The body of a request, or what it gets that has none; undefined when the client left before it was here. */
async function read(voice: Voice, req: IncomingMessage, note: Note): Promise<{ readonly body: unknown } | Decision | undefined> {
  const text = await bodyOf(req, note);
  if (text === undefined) return undefined;
  if (text === TOO_LARGE) return refused(voice, 'tooLarge', '', note, `The body is larger than ${BODY_BYTES_MAX} bytes.`);
  try {
    return { body: JSON.parse(text) };
  } catch {
    return refused(voice, 'badRequest', 'The body is not JSON.', note);
  }
}

function refused(voice: Voice, trouble: Trouble, message: string, note: Note, why: string = message): Decision {
  note.refused = why;
  const { status, body } = voice.error(trouble, message);
  return decided(jsonReply(status, body));
}

const TOO_LARGE: unique symbol = Symbol('too large');

/** The body as text; undefined when the client left before it was here. */
async function bodyOf(req: IncomingMessage, note: Note): Promise<string | typeof TOO_LARGE | undefined> {
  return await new Promise((resolve) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => {
      note.bytesIn += chunk.length;
      if (note.bytesIn <= BODY_BYTES_MAX) chunks.push(chunk);
    });
    req.on('end', () => {
      if (note.bytesIn > BODY_BYTES_MAX) resolve(TOO_LARGE);
      else resolve((chunks.length === 1 ? (chunks[0] ?? Buffer.alloc(0)) : Buffer.concat(chunks)).toString('utf8'));
    });
    req.on('error', () => resolve(undefined));
    req.on('close', () => resolve(undefined));
  });
}

/** Names are lower case; what came more than once is joined. */
export function headersOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  const plain: Record<string, string> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined) plain[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return plain;
}

/** Writes a reply that comes whole and at once. */
export function answerPlainly({ status, headers, pieces }: Reply, res: ServerResponse): void {
  const body = pieces.join('');
  res.writeHead(status, { ...headers, 'content-length': String(Buffer.byteLength(body)) });
  res.end(body);
}
