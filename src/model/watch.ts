// Watches one sending on its way: is it connected, is it answered, is it silent. sending.ts gives every sending one; it
// ends those that take too long. What happens on sockets is heard from Node's own fetch (its diagnostics channels), so
// that models made by anybody are watched; models that send in another way are only held to their whole time.
//
// W1 a watch that was stopped ends nothing, and holds nothing of the run: pooled sockets keep the context they began in.
// W2 a sending is late when none of its requests can be in time: a package may fetch a file first, or beside.
// W3 thinking is not silence: an answer is silent only after it began to say something.

import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe } from 'node:diagnostics_channel';

/** How long a sending may take, in ms: until it is connected, in silence amid an answer, and in all. */
export interface Patience {
  readonly connectMs: number;
  readonly idleMs: number;
  readonly requestMs: number;
}

export type Late = keyof Patience;

export interface WatchPorts {
  now(): number;
  after(ms: number, then: () => void): () => void;
}

/** `asked`: nothing was heard of a socket. `sent`: a request is on a connected one. `answering`: headers of an answer came. */
export type Phase = 'asked' | 'connecting' | 'sent' | 'answering';

/** A request on its way. `since`: when it was last heard of; undefined while it waits in line for a socket. */
interface Heard {
  readonly watch: Watch;
  phase: Phase;
  since: number | undefined;
  /** Its body has begun. */
  begun: boolean;
}

const PHASES: readonly Phase[] = ['asked', 'connecting', 'sent', 'answering'];
/** A timer that is later than this says that the process was busy. */
const LAG_MS = 20;

const watched = new AsyncLocalStorage<Watch>();
const heard = new WeakMap<object, Heard>();
let listening = false;

export class Watch {
  /** How far the furthest of its requests came. */
  phase: Phase = 'asked';
  readonly #patience: Patience;
  readonly #startedAt: number;
  #ports: WatchPorts | undefined;
  #late: ((what: Late) => void) | undefined;
  #requests: Heard[] = [];
  #response: unknown;
  #streams = false;
  /** When a stream last said something. */
  #saidAt: number | undefined;
  #dueAt = Infinity;
  #disarm: (() => void) | undefined;
  /** How long this process kept its sockets waiting, as far as it was noticed: it does not count against the other side. */
  #lagMs = 0;

  constructor(patience: Patience, ports: WatchPorts, late: (what: Late) => void) {
    this.#patience = patience;
    this.#ports = ports;
    this.#late = late;
    this.#startedAt = ports.now();
    listen();
    this.#arm();
  }

  /** Runs what sends the request; what it does on sockets is heard. */
  over<T>(work: () => T): T {
    return watched.run(this, work);
  }

  /** The answer comes as a stream: what it says tells its silence, not its bytes. */
  streams(): void {
    this.#streams = true;
  }

  /** A stream said something. */
  said(): void {
    if (this.#ports === undefined) return;
    this.phase = 'answering';
    const first = this.#saidAt === undefined;
    this.#saidAt = this.#ports.now();
    if (first) this.#arm();
  }

  /** What the headers of the answer say that it is; undefined where none were heard. Looked for when it is asked. */
  get contentType(): string | undefined {
    const { headers } = (this.#response ?? {}) as { readonly headers?: readonly Uint8Array[] }; // name, value, name, value
    const texts = (headers ?? []).map((bytes) => Buffer.from(bytes).toString('latin1'));
    const at = texts.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === 'content-type');
    return at < 0 ? undefined : texts[at + 1];
  }

  /** Ends the watching. `contentType` and `phase` can still be asked until `forget`. */
  stop(): void {
    this.#disarm?.();
    this.#disarm = this.#ports = this.#late = undefined;
    this.#requests = [];
  }

  forget(): void {
    this.#response = undefined;
  }

  /** A request of this sending is made: it may have to wait for a socket. */
  begin(request: object): void {
    if (this.#ports === undefined) return;
    const one: Heard = { watch: this, phase: 'asked', since: undefined, begun: false };
    this.#requests.push(one);
    heard.set(request, one);
    this.#advance(one, 'connecting');
  }

  /** A socket is being opened for those of its requests that have none. */
  connecting(): void {
    if (this.#ports === undefined) return;
    for (const one of this.#requests) if (one.phase === 'connecting') one.since ??= this.#ports.now();
    this.#arm();
  }

  enter(one: Heard, phase: Phase, response?: unknown): void {
    if (this.#ports === undefined) return;
    this.#advance(one, phase);
    one.since = this.#ports.now();
    if (response !== undefined) this.#response = response;
    this.#arm();
  }

  /** A part of a body came. */
  hear(one: Heard): void {
    if (this.#ports === undefined) return;
    one.since = this.#ports.now();
    if (one.begun) return;
    one.begun = true;
    this.#arm();
  }

  /** A request is over, well or not: it can be late no more. */
  end(one: Heard): void {
    this.#requests = this.#requests.filter((other) => other !== one);
  }

  #advance(one: Heard, phase: Phase): void {
    one.phase = phase;
    if (PHASES.indexOf(phase) > PHASES.indexOf(this.phase)) this.phase = phase;
  }

  /** One timer: it is set anew only where something is due earlier, and looks again when it fires too early. */
  #arm(): void {
    if (this.#ports === undefined) return;
    const [dueAt] = this.#due();
    if (dueAt >= this.#dueAt) return;
    this.#disarm?.();
    this.#dueAt = dueAt;
    // It may be due already where this process was busy.
    this.#disarm = this.#ports.after(Math.max(0, dueAt - this.#ports.now()), () => this.#fire());
  }

  #fire(): void {
    this.#disarm = undefined;
    this.#dueAt = Infinity;
    if (this.#ports === undefined) return;
    const [dueAt, what] = this.#due();
    const lateMs = this.#ports.now() - dueAt;
    if (lateMs < 0) return this.#arm();
    if (lateMs > LAG_MS) {
      // This process was busy, and did not look at its sockets either: what came meanwhile is to be heard first.
      this.#lagMs += lateMs;
      return this.#arm();
    }
    const late = this.#late;
    this.stop();
    late?.(what);
  }

  #due(): readonly [at: number, what: Late] {
    const whole = this.#startedAt + this.#patience.requestMs + this.#lagMs;
    const [at, what] = this.#dueEarlier();
    return at + this.#lagMs < whole ? [at + this.#lagMs, what] : [whole, 'requestMs'];
  }

  /** When all requests are late, and how; never where one cannot be late, or there is none to be heard of. */
  #dueEarlier(): readonly [at: number, what: Late] {
    const { connectMs, idleMs } = this.#patience;
    const saidAt = this.#saidAt;
    if (this.#requests.length === 0) return [saidAt === undefined ? Infinity : saidAt + idleMs, 'idleMs'];
    let last: readonly [number, Late] = [0, 'connectMs'];
    for (const { phase, since = Infinity, begun } of this.#requests) {
      const speaks = this.#streams ? saidAt !== undefined : begun;
      const at =
        phase === 'connecting' ? since + connectMs : phase === 'answering' && speaks ? Math.max(since, saidAt ?? 0) + idleMs : Infinity;
      if (at >= last[0]) last = [at, phase === 'connecting' ? 'connectMs' : 'idleMs'];
    }
    return last;
  }
}

/** Once per process, when the first request is watched. */
function listen(): void {
  if (listening) return;
  listening = true;
  subscribe('undici:request:create', (message) => watched.getStore()?.begin(of(message).request));
  subscribe('undici:client:beforeConnect', () => watched.getStore()?.connecting());
  const on = (channel: string, then: (one: Heard, message: Message) => void): void =>
    subscribe(`undici:${channel}`, (message) => {
      const one = heard.get(of(message).request);
      if (one !== undefined) then(one, of(message));
    });
  on('client:sendHeaders', (one) => one.watch.enter(one, 'sent'));
  on('request:headers', (one, { response }) => one.watch.enter(one, 'answering', response));
  on('request:bodyChunkReceived', (one) => one.watch.hear(one));
  on('request:trailers', (one) => one.watch.end(one));
  on('request:error', (one) => one.watch.end(one));
}

interface Message {
  readonly request: object;
  readonly response?: unknown;
}

/** Every message of these channels has the request it is about. */
function of(message: unknown): Message {
  return message as Message; // what Node documents of them
}
