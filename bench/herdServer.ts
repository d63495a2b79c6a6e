// The model servers of the herds over sockets, in a process of their own so that their work is not counted as a
// client's. Started by herd.ts with their options; says their base URLs, and what they were asked when it is told to.

import type { ModelServerOptions } from '../src/modelServer/options.ts';
import { startModelServer } from '../src/testing.ts';

/** What one server was asked since it was last reset. */
export interface HerdSeen {
  readonly requests: number;
  readonly refusals: number;
}

/** `reset`: forgets, and fills every bucket. */
export type ToServer = 'seen' | 'reset' | 'end';

async function serve(all: readonly ModelServerOptions[]): Promise<void> {
  const servers = await Promise.all(all.map((options) => startModelServer({ ...options, answers: () => 'as you wish' })));
  process.on('message', (message) => {
    const told = message as ToServer; // by herd.ts
    if (told === 'end') {
      void Promise.all(servers.map((server) => server.close())).then(() => process.disconnect?.());
      return;
    }
    if (told === 'reset') for (const server of servers) server.reset();
    const seen = servers.map((server): HerdSeen => {
      const { requests, byStatus } = server.stats();
      return { requests, refusals: byStatus['429'] ?? 0 };
    });
    process.send?.(seen);
  });
  process.on('disconnect', () => process.exit());
  process.send?.(servers.map((server) => server.baseUrl('openai')));
}

const [given] = process.argv.slice(2);
if (import.meta.main && given !== undefined) await serve(JSON.parse(given) as readonly ModelServerOptions[]); // by herd.ts
