// Runs that are killed by a real SIGKILL in a real process, on a real SQLite journal, and what they are held to.
// Called by sigkill.test.ts; the process is child.ts.

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import type { Bill, Entry } from '../../src/index.ts';
import { sqliteJournal } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import {
  billAddsUp,
  budgetsHold,
  inFlightAtDeaths,
  interruptionIsNoOutcome,
  logIsDense,
  nothingSentTwice,
  oneLiveOutcome,
  prefixSurvives,
  recordedOnce,
  requestsBounded,
  type SentRequest,
  serverCountsTheSame,
  type Shift,
} from '../suites/invariants.ts';

/** Where children keep what they compiled: it halves the time they take to begin. */
const COMPILED = mkdtempSync(join(tmpdir(), 'amdahl-compiled-'));
afterAll(() => rmSync(COMPILED, { recursive: true, force: true }));

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

/** When a process kills itself: at its n-th event, in the tick after, some ms later; in an act, or soon after its record. */
export type Kill =
  | { readonly when: 'now' | 'tick'; readonly after: number }
  | { readonly when: 'later'; readonly after: number; readonly ms: number }
  | { readonly when: 'act' | 'recorded' };

/** What a child is told. */
export interface Orders {
  readonly program: 'sweep' | 'team' | 'actor';
  readonly input: unknown;
  readonly id: string;
  readonly dir: string;
  readonly log: string;
  readonly acts: string;
  readonly kill?: Kill;
  readonly retry?: readonly string[];
}

/** What a child said of its run; nothing if it was killed. */
export interface Said {
  readonly output?: unknown;
  readonly missing?: readonly unknown[];
  readonly code?: string;
  readonly message?: string;
  readonly bill?: Bill;
}

/** One run in a directory of its own, worked on by one process after the other. */
export class KilledRun {
  readonly requests: SentRequest[] = [];
  readonly shifts: Shift[] = [];
  readonly #dir: string = mkdtempSync(join(tmpdir(), 'amdahl-kill-'));
  readonly #program: Orders['program'];
  readonly #input: unknown;
  #entries: readonly Entry[] = [];

  constructor(program: Orders['program'], input: unknown) {
    this.#program = program;
    this.#input = input;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** How often the program's act was done. */
  get acts(): number {
    const file = join(this.#dir, 'acts');
    return existsSync(file) ? lines(file).length : 0;
  }

  /** Lets a process work until it is done or dead. Undefined when it was killed. */
  async enter(kill?: Kill, retry?: readonly string[]): Promise<Said | undefined> {
    const process = this.shifts.length;
    const log = join(this.#dir, `log-${process}`);
    const orders: Orders = {
      program: this.#program,
      input: this.#input,
      id: 'run',
      dir: join(this.#dir, 'journal'),
      log,
      acts: join(this.#dir, 'acts'),
      ...(kill === undefined ? {} : { kill }),
      ...(retry === undefined ? {} : { retry }),
    };
    const said = await childOf(orders);
    const before = this.#entries;
    this.#entries = await this.#read(orders.dir);
    prefixSurvives(before, this.#entries);
    for (const turn of existsSync(log) ? lines(log) : []) this.requests.push({ process, turn });
    this.shifts.push({ begin: before.length, end: this.#entries.length, died: said === undefined });
    return said;
  }

  /** Everything that holds whatever happened, with the last process's word for the bill. */
  async holds(said: Said, undisturbed: number): Promise<void> {
    const { entries, requests, shifts } = this;
    logIsDense(entries);
    oneLiveOutcome(entries);
    interruptionIsNoOutcome(entries);
    recordedOnce(entries);
    budgetsHold(entries);
    nothingSentTwice(entries, requests, shifts);
    serverCountsTheSame(entries, requests, shifts);
    requestsBounded(requests, undisturbed, inFlightAtDeaths(entries, requests, shifts));
    if (said.bill !== undefined) await billAddsUp(entries, said.bill);
  }

  forget(): void {
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #read(dir: string): Promise<readonly Entry[]> {
    const journal = sqliteJournal({ dir, synchronous: 'normal' });
    try {
      const entries: Entry[] = [];
      for await (const entry of journal.read('run' as RunId)) entries.push(entry); // the id the orders give
      return entries;
    } finally {
      await journal.close();
    }
  }
}

function childOf(orders: Orders): Promise<Said | undefined> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, AMDAHL_STANDIN_LATENCY_MS: '2', AMDAHL_STANDIN_LOG: orders.log, NODE_COMPILE_CACHE: COMPILED };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(orders)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [out, err] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0) resolve(JSON.parse(out) as Said); // written by child.ts
      else reject(new Error(`the child ended with ${code ?? signal}: ${err}`));
    });
  });
}

function lines(file: string): readonly string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
}
