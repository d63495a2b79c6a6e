// Contenders in processes of their own that do the same task in turn, round by round, so that what else this machine
// does falls on all of them; beside them the model server, in a process of its own too. Called by the benches that
// compare.

import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ContenderName, Cost, Surroundings, Task } from './besideContender.ts';
import type { Seen } from './besideServer.ts';
import type { Trial } from './besideTable.ts';
import { buildInto, lendDependencies, ROOT } from './built.ts';
import { inFolder, notOnDisk } from './folder.ts';

export interface Plan {
  readonly contenders: readonly ContenderName[];
  /** How long the model server takes for an answer; absent when there is none and contenders answer themselves. */
  readonly delayMs?: number;
  readonly task: Task;
  readonly rounds: number;
  /** What is done before it counts, and how often. */
  readonly warming: { readonly task: Task; readonly rounds: number };
  /** A new process for every round, so that a peak of memory is that of one round. */
  readonly fresh?: boolean;
}

/** Where contenders meet. `notes` are what must be said of every figure that comes from here. */
export interface Arena {
  /** Carries a plan out. Trials are in the order of its contenders. */
  readonly measure: (plan: Plan) => Promise<readonly Trial[]>;
  /** Bytes of the body of one typed request of each, by their names. */
  readonly bodies: (contenders: readonly ContenderName[]) => Promise<ReadonlyMap<ContenderName, number>>;
  readonly notes: readonly string[];
}

/** Builds the package once and lets `work` compare with it. */
export async function inArena<T>(work: (arena: Arena) => Promise<T>): Promise<T> {
  return await inFolder(async (folder) => {
    const built = buildInto(folder);
    if (built.ok) lendDependencies(folder);
    const amdahl = pathToFileURL(built.ok ? join(folder, 'dist', 'index.js') : join(ROOT, 'src', 'index.ts')).href;
    const warning = notOnDisk(folder);
    const notes = [
      ...(built.ok
        ? []
        : [`The build fails (${built.why}): amdahl ran from its sources with types stripped, which costs memory and time to start.`]),
      ...(warning === undefined ? [] : [warning]),
    ];
    let folders = 0;
    const start = async (name: ContenderName, baseUrl: string | undefined): Promise<Contending> => {
      const own = join(folder, `journal-${(folders += 1)}`);
      mkdirSync(own);
      return await Contending.start({ name, folder: own, amdahl, ...(baseUrl === undefined ? {} : { baseUrl }) });
    };
    return await work({ measure: (plan) => measure(plan, start), bodies: (contenders) => bodies(contenders, start), notes });
  });
}

type Start = (name: ContenderName, baseUrl: string | undefined) => Promise<Contending>;

async function measure({ contenders, delayMs, task, rounds, warming, fresh = false }: Plan, start: Start): Promise<readonly Trial[]> {
  const costs = contenders.map((): Cost[] => []);
  await withServer(delayMs, async (server) => {
    const started = async (name: ContenderName): Promise<Contending> => {
      const one = await start(name, server?.baseUrl);
      for (let round = 0; round < warming.rounds; round += 1) await one.perform(warming.task);
      return one;
    };
    const kept: Contending[] = [];
    if (!fresh) for (const name of contenders) kept.push(await started(name));
    for (let round = 0; round < rounds; round += 1) {
      // Who begins changes, so that nobody always comes after the same other.
      for (const index of contenders.keys()) {
        const at = (index + round) % contenders.length;
        const name = contenders[at];
        const one = kept[at] ?? (name === undefined ? undefined : await started(name));
        if (one !== undefined) costs[at]?.push(await one.perform(task));
        if (fresh) await one?.end();
        await server?.seen(); // it forgets what it was asked
      }
    }
    for (const one of kept) await one.end();
  });
  return contenders.map((name, at) => ({ name, costs: costs[at] ?? [] }));
}

async function bodies(contenders: readonly ContenderName[], start: Start): Promise<ReadonlyMap<ContenderName, number>> {
  const found = new Map<ContenderName, number>();
  await withServer(0, async (server) => {
    for (const name of contenders) {
      const one = await start(name, server?.baseUrl);
      await one.perform({ load: 'sequence', count: 1, inFlight: 1 });
      await one.end();
      const [bytes] = (await server?.seen())?.bytesIn ?? [];
      if (bytes !== undefined) found.set(name, bytes);
    }
  });
  return found;
}

/** A process that answers one message at a time. */
class Answering {
  readonly #child: ChildProcess;

  constructor(file: string, args: readonly string[]) {
    this.#child = fork(join(import.meta.dirname, file), args, { execArgv: [] });
  }

  /** What it says next, after it was told something. */
  async answer(message?: string | Task): Promise<unknown> {
    return await new Promise((resolve, reject) => {
      const died = (code: number | null, signal: string | null): void =>
        reject(new Error(`a process of the bench ended with ${signal ?? String(code)}`));
      this.#child.once('exit', died);
      this.#child.once('message', (said) => {
        this.#child.off('exit', died);
        resolve(said);
      });
      if (message !== undefined) this.#child.send(message);
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()));
    this.#child.send('end');
    await ended;
  }
}

class Contending {
  readonly #process: Answering;
  readonly #name: ContenderName;

  private constructor(process: Answering, name: ContenderName) {
    this.#process = process;
    this.#name = name;
  }

  static async start(surroundings: Surroundings): Promise<Contending> {
    const process = new Answering('besideContender.ts', [JSON.stringify(surroundings)]);
    await process.answer();
    return new Contending(process, surroundings.name);
  }

  async perform(task: Task): Promise<Cost> {
    const said = (await this.#process.answer(task)) as Cost | { readonly failed: string }; // by besideContender.ts
    if ('failed' in said) throw new Error(`${this.#name} failed: ${said.failed}`);
    return said;
  }

  async end(): Promise<void> {
    await this.#process.end();
  }
}

interface Serving {
  readonly baseUrl: string;
  readonly seen: () => Promise<Seen>;
}

/** Runs `work` beside a model server; beside none where `delayMs` is undefined. */
async function withServer(delayMs: number | undefined, work: (server: Serving | undefined) => Promise<void>): Promise<void> {
  if (delayMs === undefined) return await work(undefined);
  const process = new Answering('besideServer.ts', [String(delayMs)]);
  try {
    const baseUrl = String(await process.answer());
    await work({ baseUrl, seen: async () => (await process.answer('seen')) as Seen }); // by besideServer.ts
  } finally {
    await process.end();
  }
}
