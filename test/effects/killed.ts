// Runs of the matrix in processes of their own, killed by a real SIGKILL, on a real SQLite journal and over real sockets; and the
// person who answers what they ask. Called by sigkill.test.ts; the process is child.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answer, type Entry, sqliteJournal } from '../../src/index.ts';
import type { RunId } from '../../src/journal/event.ts';
import { prefixSurvives, type Shift } from '../suites/invariants.ts';
import type { Cell } from './cells.ts';
import type { Ledger } from './ledger.ts';
import { Service } from './service.ts';
import { type Answered, openQuestions, truthful } from './stage.ts';

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));
const ENTRIES_MAX = 20;

/** When a process dies: at its n-th event, in the tick after, some ms later; or when the service has done its n-th request. */
export type Kill =
  | { readonly when: 'now' | 'tick'; readonly after: number }
  | { readonly when: 'later'; readonly after: number; readonly ms: number }
  | { readonly when: 'asked'; readonly nth: number };

/** What a child is told. */
export interface Orders {
  readonly cell: Cell;
  readonly port: number;
  readonly dir: string;
  readonly kill?: Kill;
}

/** What a child said of its run. */
export interface Said {
  readonly output?: unknown;
  readonly code?: string;
  readonly message?: string;
}

/** Where children keep what they compiled: it halves the time they take to begin. */
const compiled = mkdtempSync(join(tmpdir(), 'amdahl-compiled-'));
export function forgetCompiled(): void {
  rmSync(compiled, { recursive: true, force: true });
}

/** One run in a directory of its own, with a service of its own, worked on by one process after the other. */
export class KilledRun {
  readonly shifts: Shift[] = [];
  readonly asked: Answered[] = [];
  readonly #service: Service;
  readonly #cell: Cell;
  readonly #dir: string = mkdtempSync(join(tmpdir(), 'amdahl-effects-'));
  #entries: readonly Entry[] = [];

  private constructor(cell: Cell, service: Service) {
    this.#cell = cell;
    this.#service = service;
  }

  static async open(cell: Cell): Promise<KilledRun> {
    return new KilledRun(cell, await Service.open());
  }

  get ledger(): Ledger {
    return this.#service.ledger;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Lets a process work until it is done or dead. Undefined when it was killed. */
  async enter(kill?: Kill): Promise<Said | undefined> {
    const orders: Orders = { cell: this.#cell, port: this.#service.port, dir: this.#dir, ...(kill === undefined ? {} : { kill }) };
    const env = { ...process.env, NODE_COMPILE_CACHE: compiled };
    const child = spawn(process.execPath, [CHILD, JSON.stringify(orders)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#service.onTaken = (nth) => {
      if (kill?.when === 'asked' && nth === kill.nth) child.kill('SIGKILL');
    };
    const said = await wordOf(child);
    const before = this.#entries;
    await this.#withJournal(async (journal) => {
      const entries: Entry[] = [];
      for await (const entry of journal.read('r' as RunId)) entries.push(entry); // the id that children give
      this.#entries = entries;
    });
    prefixSurvives(before, this.#entries);
    this.shifts.push({ begin: before.length, end: this.#entries.length, died: said === undefined });
    return said;
  }

  /** Processes one after the other, which nobody kills, with a person in between, until the run has ended. */
  async toItsEnd(): Promise<Said> {
    for (let entry = 0; entry < ENTRIES_MAX; entry += 1) {
      const said = await this.enter();
      if (said === undefined) throw new Error('nobody killed it');
      if (said.code !== 'RUN_PARKED') return said;
      await this.say();
    }
    throw new Error(`it does not end within ${ENTRIES_MAX} entries`);
  }

  /** Lets a person answer what is open. */
  async say(): Promise<void> {
    for (const question of openQuestions(this.#entries)) {
      const said = truthful(question, this.ledger);
      this.asked.push({ question, said });
      await this.#withJournal(async (journal) => void (await answer(question.ask, said, { by: 'ann', journal })));
    }
  }

  async forget(): Promise<void> {
    await this.#service.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #withJournal(work: (journal: ReturnType<typeof sqliteJournal>) => Promise<void>): Promise<void> {
    const journal = sqliteJournal({ dir: this.#dir, synchronous: 'normal' });
    try {
      await work(journal);
    } finally {
      await journal.close();
    }
  }
}

function wordOf(child: ChildProcess): Promise<Said | undefined> {
  return new Promise((resolve, reject) => {
    let [out, err] = ['', ''];
    child.stdout?.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (err += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve(undefined);
      else if (code === 0) resolve(JSON.parse(out) as Said); // written by child.ts
      else reject(new Error(`the child ended with ${code ?? signal}: ${err}`));
    });
  });
}
