// The thread that writes journals: one for all files of this process, started by the first transaction and ended with
// the last file. Here is the side that asks; sqliteThreadEntry.ts is the side that writes. Called by sqliteStore.ts.
//
// T1 the thread keeps this process alive while a transaction is under way, and never otherwise.
// T2 a thread that ends too early fails the transactions that it had; the next one starts another thread.

import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { AmdahlError, type ErrorRecord, reviveError, sentence, describe } from '../agent/errors.ts';
import type { Change, Committer, Outcome } from './sqliteChange.ts';
import type { WriterOptions } from './sqliteWriter.ts';

/** What the thread is told of a file: how to open it, and where it is asked. */
export interface Opening {
  readonly file: string;
  readonly options: WriterOptions;
  readonly port: MessagePort;
}

export type Asked = { readonly changes: readonly Change[] } | 'close';

/** An outcome as it crosses: an error loses its class and its code on the way. */
export type Answered =
  | { readonly results: readonly number[] }
  | { readonly ended: 'busy' | 'failed'; readonly error: ErrorRecord }
  | 'closed';

/** Commits in the thread of this process that writes journals, on a connection of its own. */
export function inItsThread(file: string, options: WriterOptions): Committer {
  return new ThreadCommitter(file, options);
}

interface Running {
  readonly worker: Worker;
  readonly users: Set<ThreadCommitter>;
}

let running: Running | undefined;

class ThreadCommitter implements Committer {
  readonly #file: string;
  readonly #options: WriterOptions;
  #port: MessagePort | undefined;
  #tell: ((outcome: Outcome) => void) | undefined;
  #closed: (() => void) | undefined;

  constructor(file: string, options: WriterOptions) {
    this.#file = file;
    this.#options = options;
  }

  commit(changes: readonly Change[], tell: (outcome: Outcome) => void): void {
    this.#tell = tell;
    try {
      this.#ask({ changes });
    } catch (thrown) {
      this.lose(thrown);
    }
  }

  async close(): Promise<void> {
    const port = this.#port;
    if (port !== undefined) {
      const closed = new Promise<void>((resolve) => (this.#closed = resolve));
      this.#ask('close');
      await closed;
      port.close();
      this.#port = undefined;
    }
    await leaveThread(this);
  }

  /** The thread is gone, or could not be started. */
  lose(why: unknown): void {
    this.#port?.close();
    this.#port = undefined;
    this.#closed?.();
    this.#hear({ ended: 'failed', error: threadEnded(this.#file, why) });
  }

  #ask(asked: Asked): void {
    this.#port ??= this.#connect();
    this.#port.ref();
    this.#port.postMessage(asked);
  }

  #connect(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    port1.on('message', (answered: Answered) => {
      port1.unref();
      if (answered === 'closed') this.#closed?.();
      else if ('results' in answered) this.#hear({ ended: 'committed', results: answered.results });
      else this.#hear({ ended: answered.ended, error: reviveError(answered.error) });
    });
    const opening: Opening = { file: this.#file, options: this.#options, port: port2 };
    enterThread(this).postMessage(opening, [port2]);
    return port1;
  }

  #hear(outcome: Outcome): void {
    const tell = this.#tell;
    this.#tell = undefined;
    tell?.(outcome);
  }
}

function enterThread(user: ThreadCommitter): Worker {
  running ??= startThread();
  running.users.add(user);
  return running.worker;
}

async function leaveThread(user: ThreadCommitter): Promise<void> {
  const left = running;
  if (left === undefined || !left.users.delete(user) || left.users.size > 0) return;
  running = undefined;
  await left.worker.terminate();
}

function startThread(): Running {
  // The compiled package has .js where the sources have .ts. Nothing of how this process was started concerns the thread:
  // --input-type, for one, would keep it from starting.
  const entry = new URL(import.meta.url.endsWith('.ts') ? './sqliteThreadEntry.ts' : './sqliteThreadEntry.js', import.meta.url);
  const started: Running = { worker: new Worker(entry, { name: 'amdahl journal', execArgv: [] }), users: new Set() };
  const end = (why: unknown): void => {
    if (running === started) running = undefined;
    const users = [...started.users];
    started.users.clear();
    for (const user of users) user.lose(why);
  };
  started.worker.on('error', end);
  started.worker.on('exit', (code) => end(new Error(`it ended with code ${code}`)));
  started.worker.unref();
  return started;
}

function threadEnded(file: string, why: unknown): AmdahlError {
  return new AmdahlError(
    'JOURNAL_UNWRITABLE',
    `The thread that writes the journal ${file} is gone: ${sentence(describe(why))} Everything acknowledged so far is kept: resume the run. ` +
      "Where no thread can be started, as in a bundle that left it out, pass journal: sqliteJournal({ thread: 'main' }).",
    { data: { file }, cause: why },
  );
}
