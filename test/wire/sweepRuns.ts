// Sweeps that are killed by a real SIGKILL while they ask a model server in another process, and what they are held to
// by that server's own record. Called by sigkill.test.ts; the processes are sweepServer.ts and sweepChild.ts.

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { type Bill, type Entry, type EventKind, sqliteJournal } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import type { RequestRecord } from '../../src/modelServer/records.ts';
import {
  billAddsUp,
  inFlightAtDeaths,
  logIsDense,
  nothingSentTwice,
  oneLiveOutcome,
  prefixSurvives,
  recordedOnce,
  requestsBounded,
  type SentRequest,
  serverCountsTheSame,
  type Shift,
  turnId,
} from '../suites/invariants.ts';
import type { Column } from './cells.ts';

/** Where processes keep what they compiled: it halves the time they take to begin. */
const COMPILED = mkdtempSync(join(tmpdir(), 'amdahl-compiled-'));
afterAll(() => rmSync(COMPILED, { recursive: true, force: true }));

const SERVER = fileURLToPath(new URL('sweepServer.ts', import.meta.url));
const CHILD = fileURLToPath(new URL('sweepChild.ts', import.meta.url));

/** A process kills itself after so many events of its own, or of one kind: at once where `ms` is 0, in the next tick without it, else later. */
export interface Kill {
  readonly after: number;
  readonly of?: EventKind;
  readonly ms?: number;
}

/** What a process is told. */
export interface SweepOrders {
  readonly baseUrl: string;
  readonly column: Column;
  readonly dir: string;
  readonly codebases: readonly string[];
  readonly kill?: Kill;
}

/** What a process says of its run; nothing if it was killed. */
export interface Said {
  readonly output?: unknown;
  readonly missing?: readonly unknown[];
  readonly code?: string;
  readonly message?: string;
  readonly bill?: Bill;
}

/** A model server in its own process. */
export class SweepServer {
  readonly baseUrl: string;
  readonly #process: ChildProcess;

  private constructor(process: ChildProcess, baseUrl: string) {
    this.#process = process;
    this.baseUrl = baseUrl;
  }

  static async start(): Promise<SweepServer> {
    const process = fork(SERVER);
    const [baseUrl] = (await once(process, 'message')) as [string]; // what sweepServer.ts sends
    return new SweepServer(process, baseUrl);
  }

  /** Its record, once nothing is in flight: a client that was killed is gone when its sockets are. */
  async requests(): Promise<readonly RequestRecord[]> {
    const read = async (what: string): Promise<unknown> => await (await fetch(`${this.baseUrl}/${what}`)).json();
    while (((await read('stats')) as { readonly inFlight: number }).inFlight > 0) await sleep(2);
    return ((await read('requests')) as readonly RequestRecord[]).toSorted((a, b) => a.nth - b.nth);
  }

  async forget(): Promise<void> {
    await fetch(`${this.baseUrl}/reset`, { method: 'POST' });
  }

  stop(): void {
    this.#process.disconnect();
  }
}

/** One sweep, worked on by one process after the other, all asking the same server, which nobody else asks meanwhile. */
export class SweepRun {
  readonly #server: SweepServer;
  readonly #column: Column;
  readonly #codebases: readonly string[];
  readonly #dir: string = mkdtempSync(join(tmpdir(), 'amdahl-wire-'));
  readonly #sent: SentRequest[] = [];
  readonly #shifts: Shift[] = [];
  #records: readonly RequestRecord[] = [];
  #entries: readonly Entry[] = [];

  constructor(server: SweepServer, column: Column, codebases: readonly string[]) {
    this.#server = server;
    this.#column = column;
    this.#codebases = codebases;
  }

  get events(): number {
    return this.#entries.length;
  }

  get requests(): number {
    return this.#sent.length;
  }

  /** Answers that the server gave in full once more: the process that they were for died with them. */
  get answeredAgain(): number {
    const answered = this.#records.flatMap(({ acknowledged, turn }) => (acknowledged ? [turn] : []));
    return answered.length - new Set(answered).size;
  }

  /** Lets a process work until it is done or dead. Undefined when it was killed. */
  async enter(kill?: Kill): Promise<Said | undefined> {
    const process = this.#shifts.length;
    if (process === 0) await this.#server.forget();
    const orders = {
      baseUrl: this.#server.baseUrl,
      column: this.#column,
      dir: this.#dir,
      codebases: this.#codebases,
      ...(kill === undefined ? {} : { kill }),
    };
    const said = await childOf(orders);
    const before = this.#entries;
    this.#entries = await this.#read();
    prefixSurvives(before, this.#entries);
    this.#records = await this.#server.requests();
    for (const { turn } of this.#records.slice(this.#sent.length)) this.#sent.push({ process, turn: turn ?? '' });
    this.#shifts.push({ begin: before.length, end: this.#entries.length, died: said === undefined });
    return said;
  }

  /** Everything that the server's record must say whatever was killed. */
  async holds(said: Said, undisturbed: number): Promise<void> {
    const [entries, sent, shifts] = [this.#entries, this.#sent, this.#shifts];
    logIsDense(entries);
    oneLiveOutcome(entries);
    recordedOnce(entries);
    nothingSentTwice(entries, sent, shifts);
    serverCountsTheSame(entries, sent, shifts);
    requestsBounded(sent, undisturbed, inFlightAtDeaths(entries, sent, shifts));
    this.#answersCame();
    this.#oneLostOfEach();
    if (said.bill !== undefined) await billAddsUp(entries, said.bill);
  }

  /** The other direction: what the journal calls an answer, the server has handed out in full, to that process. */
  #answersCame(): void {
    for (const { seq, event } of this.#entries) {
      if (event.kind !== 'model.responded') continue;
      const process = this.#shifts.findIndex(({ end }) => seq < end);
      const came = this.#records.some(
        ({ turn, acknowledged }, nth) => acknowledged && turn === turnId(event) && this.#sent[nth]?.process === process,
      );
      if (!came) throw new Error(`event ${seq} is an answer that the server has not given to process ${process}`);
    }
  }

  /** A conversation's answer is durable before its next turn is sent, so a kill loses at most one turn of each. */
  #oneLostOfEach(): void {
    const asked = new Map(
      this.#entries.flatMap(({ event }) => (event.kind === 'model.requested' ? [[turnId(event), event] as const] : [])),
    );
    const answeredAt = new Map(
      this.#entries.flatMap(({ seq, event }) => (event.kind === 'model.responded' ? [[turnId(event), seq] as const] : [])),
    );
    const lost = new Set<string>();
    for (const { process, turn } of this.#sent) {
      const end = this.#shifts[process]?.end ?? 0;
      if ((answeredAt.get(turn) ?? Infinity) < end) continue;
      const conversation = `${asked.get(turn)?.path ?? turn} of process ${process}`;
      if (lost.has(conversation)) throw new Error(`a kill lost more than one turn of ${conversation}`);
      lost.add(conversation);
    }
  }

  forget(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #read(): Promise<readonly Entry[]> {
    const journal = sqliteJournal({ dir: this.#dir, synchronous: 'normal' });
    try {
      const entries: Entry[] = [];
      for await (const entry of journal.read('run' as RunId)) entries.push(entry); // the id that sweepChild.ts gives
      return entries;
    } finally {
      await journal.close();
    }
  }
}

async function childOf(orders: SweepOrders): Promise<Said | undefined> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(orders)], {
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILED },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]; // as Node documents it
  if (signal === 'SIGKILL') return undefined;
  if (code !== 0) throw new Error(`the child ended with ${code ?? signal}: ${err}`);
  return JSON.parse(out) as Said; // written by sweepChild.ts
}
