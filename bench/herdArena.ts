// Where herds meet servers over sockets: the servers in one process, who asks in another. Called by herd.ts.

import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { ModelServerOptions } from '../src/modelServer/options.ts';
import type { HerdDone, HerdTask } from './herdClient.ts';
import type { HerdSeen, ToServer } from './herdServer.ts';

/** A task, and the server that it has for itself. */
export interface Pairing {
  readonly server: Omit<ModelServerOptions, 'answers'>;
  readonly task: Omit<HerdTask, 'baseUrl'>;
}

export interface Met extends HerdDone, HerdSeen {}

/** Lets all tasks loose, in one process, each on its server. The servers are fresh, and so is what the tasks know. */
export async function meet(pairings: readonly Pairing[]): Promise<readonly Met[]> {
  const servers = new Child('herdServer.ts', JSON.stringify(pairings.map(({ server }) => server)));
  try {
    const urls = (await servers.said()) as readonly string[]; // by herdServer.ts
    const tasks = pairings.map(({ task }, nth): HerdTask => ({ ...task, baseUrl: urls[nth] ?? '' }));
    const client = new Child('herdClient.ts', JSON.stringify(tasks));
    await client.said();
    await servers.said('reset');
    const done = (await client.said('go')) as readonly HerdDone[] | { readonly failed: string }; // by herdClient.ts
    if ('failed' in done) throw new Error(`a herd failed: ${done.failed}`);
    const seen = (await servers.said('seen')) as readonly HerdSeen[]; // by herdServer.ts
    return done.map((one, nth) => ({ ...one, ...(seen[nth] ?? { requests: NaN, refusals: NaN }) }));
  } finally {
    servers.end();
  }
}

/** A process that says one thing at its start, and one after each that it is told. */
class Child {
  readonly #process: ChildProcess;

  constructor(file: string, given: string) {
    this.#process = fork(join(import.meta.dirname, file), [given], { execArgv: [] });
  }

  async said(told?: ToServer | 'go'): Promise<unknown> {
    return await new Promise((resolve, reject) => {
      const died = (code: number | null, signal: string | null): void =>
        reject(new Error(`a process of the bench ended with ${signal ?? String(code)}`));
      this.#process.once('exit', died);
      this.#process.once('message', (message) => {
        this.#process.off('exit', died);
        resolve(message);
      });
      if (told !== undefined) this.#process.send(told);
    });
  }

  end(): void {
    if (this.#process.connected) this.#process.send('end' satisfies ToServer);
  }
}
